"""What went wrong is kept as a code and said in the language of whoever reads it."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from taawun.cooperation.agreements import decision
from taawun.cooperation.partners import wording
from taawun.cooperation.partners.errors import DescriptorRefused, PartnerRefused
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.partners.wording import entry_reason, last_problem, problem_of, stop_reason
from taawun.cooperation.people.models import Organisation
from taawun.foundation.outbound import OutboundFailed, OutboundRefused
from tests.cast import Cast, PartnerNode, partner


def _kept(error: Exception) -> Partner:
    problem = problem_of(error)
    return Partner(
        node="https://south.example",
        last_error=problem.said,
        last_error_code=problem.code,
        last_error_facts=dict(problem.facts),
    )


def _answered(status: int, code: str) -> PartnerRefused:
    return PartnerRefused("http", "x", {"status": str(status), "type": code, "detail": "x"})


PLACE = "south.example:443"
ENGLISH = (
    "it has no public address; whoever runs this node has to add {} to TAAWUN_OUTBOUND_ALLOW and restart it"
)
FRENCH = (
    "il n’a pas d’adresse publique\u202f; qui exploite ce nœud doit ajouter {} à TAAWUN_OUTBOUND_ALLOW et le "
    "redémarrer"
)
HTTP = {"status": "403", "type": "too-many-strangers", "detail": "Too many."}


@pytest.mark.parametrize(
    ("error", "english", "french", "arabic"),
    [
        (
            OutboundFailed("too-slow", "a.example took too long."),
            "it took too long",
            "il a mis trop de temps",
            "استغرقت وقتًا أطول مما ينبغي",
        ),
        (
            OutboundFailed("private-address", "10.0.0.7 is not public."),
            ENGLISH.format(PLACE),
            FRENCH.format(PLACE),
            f"ليس لها عنوان عام؛ على من يشغّل هذه العقدة أن يضيف {PLACE} إلى TAAWUN_OUTBOUND_ALLOW ثم يعيد تشغيلها",
        ),
        (
            DescriptorRefused("lapsed", "The descriptor is refused: it has lapsed."),
            "its descriptor is not accepted: it has lapsed",
            "sa fiche d’identité n’est pas acceptée\u00a0: elle est périmée",
            "بطاقة تعريفها غير مقبولة: انقضت صلاحيتها",
        ),
        (
            PartnerRefused("http", "The node answered 403: Too many.", HTTP),
            "it answered 403: too many unknown nodes have introduced themselves there",
            "il a répondu 403\u00a0: trop de nœuds inconnus s’y sont présentés",
            "ردّت بالرمز ٤٠٣: عرّفت عقد مجهولة كثيرة بنفسها هناك",
        ),
        (
            PartnerRefused(
                "http", "The node answered 502: Bad gateway", {"status": "502", "detail": "Bad gateway"}
            ),
            "it answered 502: Bad gateway",
            "il a répondu 502\u00a0: Bad gateway",
            "ردّت بالرمز ٥٠٢: Bad gateway",
        ),
        (
            PartnerRefused("http", "The node answered 502: ", {"status": "502"}),
            "it answered 502",
            "il a répondu 502",
            "ردّت بالرمز ٥٠٢",
        ),
        (
            RuntimeError("x"),
            "an error at this node; see its log",
            "une erreur de ce nœud\u202f; voyez son journal",
            "خطأ في هذه العقدة؛ راجع سجلها",
        ),
    ],
)
def test_a_failed_call_is_told_in_the_readers_language(
    node: Organisation, error: Exception, english: str, french: str, arabic: str
) -> None:
    for language, sentence in (("en", english), ("fr", french), ("ar", arabic)):
        with override(language):
            assert last_problem(_kept(error)) == sentence


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OutboundRefused("redirect", "x"), "it answers that it has moved; add it by its new address"),
        (OutboundRefused("answer-too-large", "x"), "its answer is too large"),
        (_answered(401, "replayed"), "it answered 401: it saw the same request before"),
        (
            _answered(429, "too-many-requests"),
            "it answered 429: too many unknown nodes came from the address of this one",
        ),
    ],
)
def test_what_ends_an_attack_is_told_on_the_page_of_its_partner(
    cast: Cast, error: Exception, words: str
) -> None:
    kept = _kept(error)
    row = partner().row
    facts = {
        "last_error_code": kept.last_error_code,
        "last_error_facts": kept.last_error_facts,
        "failures": 1,
    }
    Partner.objects.filter(id=row.id).update(last_error=kept.last_error, **facts)
    assert words in cast.analyst.browser().get(f"/en/partners/{row.id}/").content.decode()


def test_what_an_older_node_kept_and_codes_without_words_are_shown_as_they_are() -> None:
    assert last_problem(Partner(last_error="a.example took too long.")) == "a.example took too long."
    assert last_problem(Partner(last_error="said", last_error_code="of-tomorrow")) == "said"
    assert last_problem(Partner()) == ""
    assert entry_reason("of-tomorrow") == stop_reason("of-tomorrow") == "of-tomorrow"
    assert entry_reason("RuntimeError: no") == "RuntimeError: no"
    assert entry_reason("") == ""


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("unknown-kind", "its receiver does not know this kind"),
        ("malformed", "an entry cannot be read"),
        ("too-slow", "it took too long"),
        ("no-such-blob", "it does not give the content out at the moment"),
        ("http", "http"),
        ("own-fault", "an error at its receiver, whose log says more"),
        ("too-large", "it is larger than its receiver takes"),
        ("too-many-waiting", "too many others of its sender wait to be answered there"),
    ],
)
def test_the_reason_of_an_entry_has_words(code: str, words: str) -> None:
    assert entry_reason(code) == words


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_every_reason_is_translated(language: str) -> None:
    tables = (wording._STOPS, wording._CALLS, wording._SAID, wording._DESCRIPTORS, wording._ENTRIES)
    with override("en"):
        english = [str(words) for table in tables for words in table.values()]
    with override(language):
        other = [str(words) for table in tables for words in table.values()]
    assert [one for one, two in zip(english, other, strict=True) if one == two] == []


def test_the_machine_interface_tells_it_in_the_language_of_the_answer_and_as_a_code(
    cast: Cast, node: Organisation
) -> None:
    south: PartnerNode = partner()
    Partner.objects.filter(id=south.row.id).update(last_error="x", last_error_code="too-slow")
    api = cast.analyst.api
    api.headers["Accept-Language"] = "fr"
    with override("en"):  # what the request activates ends with it
        found = api.get(f"/partners/{south.row.id}").json()
    assert (found["last_error"], found["last_error_code"]) == ("il a mis trop de temps", "too-slow")


# whom this node has not confirmed itself is its own affair: no receipt bears it
@pytest.mark.parametrize("reason", [each for each in decision._STAGES if each != "unconfirmed"])
def test_every_reason_of_a_decision_that_a_receipt_may_bear_has_words(reason: str) -> None:
    assert wording.entry_reason(reason) != reason
