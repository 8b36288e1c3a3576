"""What a partner says about agreements: taken as evidence once, and only in its own name and order."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connections

from taawun.cooperation.agreements import actions, keeping
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP, SIGNATURE_TYP
from taawun.cooperation.agreements.document import Document, parse, write
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.agreements.policy import Allowed, Facts
from taawun.cooperation.agreements.queries import current_policy, standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    document,
    partner,
    sign_version,
)
from tests.lanes import TheirLane, talk_lane

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
REPORT = Facts("intel.report", Tlp.GREEN)


@pytest.fixture
def south(node: Organisation) -> PartnerNode:
    return partner()


@pytest.fixture
def talk(south: PartnerNode) -> TheirLane:
    return talk_lane(south)


def _proposed(talk: TheirLane, text: bytes) -> tuple[str, str]:
    talk.say("agreement.proposed", {"document": text.decode()})
    return talk.deliver()[-1]


def _statement(speaker: PartnerNode, about: Document, **changes: Any) -> dict[str, Any]:
    """What a party signs; ``changes`` are members of whatever type, and None leaves one out."""
    said = {
        "id": str(uuid7()),
        "agreement": str(about.id),
        "digest": about.digest,
        "node": speaker.node,
        "at": timestamp(now()),
        "to": [settings.BASE_URL],
        **changes,
    }
    return {name: value for name, value in said.items() if value is not None}


def _signed(
    talk: TheirLane,
    about: Document,
    *,
    key: SigningKey | None = None,
    typ: str = SIGNATURE_TYP,
    **changes: Any,
) -> tuple[str, str]:
    talk.say("agreement.signed", {"signature": _signature(talk, about, key=key, typ=typ, **changes)})
    return talk.deliver()[-1]


def _signature(
    talk: TheirLane,
    about: Document,
    *,
    key: SigningKey | None = None,
    typ: str = SIGNATURE_TYP,
    **changes: Any,
) -> str:
    return (key or talk.sender.key).sign(canonical(_statement(talk.sender, about, **changes)), typ)


def _declared(
    talk: TheirLane,
    about: Document,
    kind: str | None,
    *,
    text: bytes | None = None,
    key: SigningKey | None = None,
    typ: str = INSTRUMENT_TYP,
    **changes: Any,
) -> tuple[str, str]:
    said = canonical(_statement(talk.sender, about, **{"kind": kind, "note": "", **changes}))
    message = {"instrument": (key or talk.sender.key).sign(said, typ)}
    talk.say("agreement.declared", message | ({"document": text.decode()} if text is not None else {}))
    return talk.deliver()[-1]


DONE = ("done", "")


# ---- proposals ------------------------------------------------------------------------------------------------------


def test_a_version_from_its_depositary_is_kept_to_the_byte(south: PartnerNode, talk: TheirLane) -> None:
    text = document(south, depositary=south)
    # not as we would write it, yet what its depositary signed for
    spaced = text.text.replace(b'":', b'" : ')
    assert _proposed(talk, spaced) == DONE
    agreement = Agreement.objects.get()
    version = Version.objects.get()
    assert (agreement.id, agreement.number, agreement.title) == (text.id, 1, text.title)
    assert (bytes(version.text), version.digest, version.number) == (spaced, sha256(spaced), 1)
    assert standing_of(agreement).state == State.PROPOSED
    assert AuditEntry.objects.get(verb="agreements.proposed").actor_id == south.node


def test_the_same_version_again_changes_nothing(south: PartnerNode, talk: TheirLane) -> None:
    text = document(south, depositary=south).text
    assert [_proposed(talk, text), _proposed(talk, text)] == [DONE, DONE]
    assert (Agreement.objects.count(), Version.objects.count()) == (1, 1)


def test_the_next_version_names_the_agreement_anew(south: PartnerNode, talk: TheirLane) -> None:
    first = document(south, depositary=south)
    second = parse(write(replace(first, version=2, title=Text.of(en="Wider sharing"))))
    assert [_proposed(talk, first.text), _proposed(talk, second.text)] == [DONE, DONE]
    assert Agreement.objects.get().title == Text.of(en="Wider sharing")
    assert list(Version.objects.order_by("number").values_list("number", flat=True)) == [1, 2]


def _with_party(text: Document, ref: str, **changes: Any) -> bytes:
    return write(
        replace(
            text,
            parties=tuple(replace(each, **changes) if each.ref == ref else each for each in text.parties),
        )
    )


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda text: b"{}", "document-refused"),
        (lambda text: b"not json", "document-refused"),
        (lambda text: text.text.replace(b'"history"', b'"secrecy"'), "document-refused"),
        (lambda text: write(replace(text, parties=text.parties[::-1])), "not-depositary"),
        (lambda text: _with_party(text, "xs", kid="k" * 43), "not-depositary"),
        (lambda text: _with_party(text, "us", kid="k" * 43), "not-a-party"),
        (lambda text: _with_party(text, "us", node="https://other.example"), "not-a-party"),
    ],
)
def test_a_proposal_that_is_not_the_depositarys_or_not_ours_is_refused(
    south: PartnerNode, talk: TheirLane, spoilt: Callable[[Document], bytes], reason: str
) -> None:
    assert _proposed(talk, spoilt(document(south, depositary=south))) == ("refused", reason)
    assert not Agreement.objects.exists()


def test_another_text_under_a_number_that_is_taken_is_held_beside_it_and_alarmed_about(
    south: PartnerNode, talk: TheirLane
) -> None:
    first = document(south, depositary=south)
    second = parse(write(replace(first, notice_days=9)))
    assert [_proposed(talk, each.text) for each in (first, second)] == [DONE, DONE]
    assert {each.digest for each in Version.objects.all()} == {first.digest, second.digest}
    notice = Notice.objects.get(kind="agreements.two-texts", resolved=None)
    assert (notice.params["node"], notice.times) == (south.node, 1)


def test_nobody_but_its_depositary_continues_an_agreement(south: PartnerNode, talk: TheirLane) -> None:
    east = partner(nation="XE")
    held = agreement_proposed(south, east, depositary=south)
    taken_over = document(east, depositary=east, id=held.id, version=2)
    assert _proposed(talk_lane(east), taken_over.text) == ("refused", "not-depositary")


def test_a_draft_of_ours_is_not_taken_over_by_its_id(south: PartnerNode, talk: TheirLane) -> None:
    text = document(south, depositary=south)
    Agreement.objects.create(id=text.id, number=1, titles={"en": "Draft"}, draft="{}")
    assert _proposed(talk, text.text) == ("refused", "not-depositary")


def test_no_more_than_so_many_proposals_of_a_partner_wait_for_our_people(
    cast: Cast, south: PartnerNode, talk: TheirLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_WAITING", 3)
    first = document(south, depositary=south)
    texts = [first, *(document(south, depositary=south, id=first.id, version=number) for number in (2, 3))]
    assert [_proposed(talk, each.text) for each in texts] == [DONE] * 3
    further = document(south, depositary=south)
    assert _proposed(talk, further.text) == ("refused", "too-many-waiting")
    # what is known already is, and others have their own
    assert _proposed(talk, first.text) == DONE
    east = partner(nation="XE")
    assert _proposed(talk_lane(east), document(east, depositary=east).text) == DONE
    # an answer to the last is one to those before it
    actions.decline(cast.officer.actor, Agreement.objects.get(id=first.id), "no")
    again = [document(south, depositary=south, version=2) for _ in range(4)]
    assert [_proposed(talk, each.text) for each in again] == [*[DONE] * 3, ("refused", "too-many-waiting")]
    sign_version(Version.objects.get(digest=again[0].digest), settings.BASE_URL, node_key())
    assert _proposed(talk, again[3].text) == DONE


def test_no_more_than_so_many_bytes_of_a_partners_proposals_wait_for_our_people(
    cast: Cast, south: PartnerNode, talk: TheirLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (document(south, depositary=south) for _ in range(3))
    monkeypatch.setattr(keeping, "MOST_WAITING_BYTES", len(first.text) + len(second.text))
    assert [_proposed(talk, each.text) for each in (first, second)] == [DONE] * 2
    assert _proposed(talk, third.text) == ("refused", "too-many-waiting")
    east = partner(nation="XE")
    assert _proposed(talk_lane(east), document(east, depositary=east).text) == DONE
    # what was answered counts no more
    actions.decline(cast.officer.actor, Agreement.objects.get(id=first.id), "no")
    assert _proposed(talk, document(south, depositary=south, version=2).text) == DONE


def test_who_proposed_what_was_held_before_is_read_off_its_text(south: PartnerNode) -> None:
    agreement_proposed(south)
    agreement_proposed(south, depositary=south)
    Version.objects.update(depositary="")
    migration = import_module("taawun.cooperation.agreements.migrations.0003_depositary")
    migration.name_depositaries(apps, None)
    held = Version.objects.order_by("agreement__number").values_list("depositary", flat=True)
    assert list(held) == [settings.BASE_URL, south.node]


def test_no_more_than_so_many_counter_proposals_of_a_partner_wait_for_our_people(
    proposed: Agreement, south: PartnerNode, talk: TheirLane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_WAITING", 2)
    about = Version.objects.get().document()
    texts = [document(south, id=about.id, version=2, title=Text.of(en=f"{number}")) for number in range(4)]

    def countered(number: int) -> tuple[str, str]:
        text = texts[number].text
        return _declared(talk, about, "countered", text=text, suggestion=sha256(text))

    assert [countered(number) for number in range(3)] == [DONE, DONE, ("refused", "too-many-waiting")]
    # it may still say no, or be answered with the next version
    assert _declared(talk, about, "declined") == DONE
    Version.objects.create(
        agreement=proposed,
        number=2,
        text=texts[0].text,
        digest=texts[0].digest,
        depositary=settings.BASE_URL,
    )
    assert countered(3) == DONE


@pytest.mark.parametrize("payload", [{}, {"document": 5}, {"document": None}])
def test_a_proposal_without_a_text_is_malformed(talk: TheirLane, payload: dict[str, object]) -> None:
    talk.say("agreement.proposed", payload)
    assert talk.deliver()[-1] == ("refused", "malformed")


# ---- signatures and instruments -------------------------------------------------------------------------------------


@pytest.fixture
def proposed(south: PartnerNode) -> Agreement:
    agreement = agreement_proposed(south)
    sign_version(Version.objects.get(), settings.BASE_URL, node_key())
    return agreement


def _text(agreement: Agreement) -> Document:
    return Version.objects.get(agreement=agreement).document()


def test_the_partners_signature_brings_the_agreement_into_force(proposed: Agreement, talk: TheirLane) -> None:
    assert not isinstance(current_policy().decide(talk.sender.node, REPORT, now().timestamp()), Allowed)
    assert _signed(talk, _text(proposed)) == DONE
    assert standing_of(proposed).state == State.IN_FORCE
    assert isinstance(current_policy().decide(talk.sender.node, REPORT, now().timestamp()), Allowed)
    assert _signed(talk, _text(proposed)) == DONE
    assert PartySignature.objects.filter(node=talk.sender.node).count() == 1
    assert AuditEntry.objects.filter(verb="agreements.signed").count() == 1


def test_a_signature_that_comes_before_its_version_waits_for_it(south: PartnerNode, talk: TheirLane) -> None:
    text = document(south, depositary=south)
    assert _signed(talk, text) == DONE
    assert _proposed(talk, text.text) == DONE
    assert standing_of(Agreement.objects.get()).signed_by == {"xs"}


OTHER_KEY = SigningKey.generate()
REFUSALS: list[tuple[dict[str, Any], str]] = [
    ({"key": OTHER_KEY}, "signature"),
    ({"typ": "taawun-entry+jws"}, "signature"),
    ({"node": "https://other.example"}, "signature"),
    ({"node": settings.BASE_URL}, "signature"),
    ({"node": None}, "signature"),
    ({"to": ["https://other.example"]}, "not-to-us"),
    ({"to": []}, "not-to-us"),
    ({"to": None}, "not-to-us"),
    ({"to": settings.BASE_URL + "/more"}, "not-to-us"),
    ({"to": 5}, "not-to-us"),
    ({"at": timestamp(datetime(2999, 1, 1, tzinfo=UTC))}, "future"),
    ({"at": "now"}, "malformed"),
    ({"at": None}, "malformed"),
    ({"agreement": "AG-001"}, "malformed"),
    ({"agreement": None}, "malformed"),
    ({"digest": None}, "malformed"),
    ({"digest": "d" * 65}, "malformed"),
    ({"digest": 5}, "malformed"),
]


@pytest.mark.parametrize(("changes", "reason"), REFUSALS)
def test_a_signature_that_is_not_the_senders_own_word_to_us_now_is_refused(
    proposed: Agreement, talk: TheirLane, changes: dict[str, Any], reason: str
) -> None:
    assert _signed(talk, _text(proposed), **changes) == ("refused", reason)
    assert not PartySignature.objects.filter(node=talk.sender.node).exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        *REFUSALS,
        ({"kind": "annulled"}, "unknown-instrument"),
        ({"kind": None}, "malformed"),
        ({"id": "7"}, "malformed"),
        ({"id": None}, "malformed"),
        ({"note": None}, "malformed"),
        ({"lifts": "7"}, "malformed"),
    ],
)
def test_an_instrument_that_is_not_the_senders_own_word_to_us_now_is_refused(
    proposed: Agreement, talk: TheirLane, changes: dict[str, Any], reason: str
) -> None:
    assert _declared(talk, _text(proposed), **{"kind": "suspended", **changes}) == ("refused", reason)
    assert not PartyInstrument.objects.exists()


def test_a_clock_a_little_ahead_is_no_reason_to_refuse(proposed: Agreement, talk: TheirLane) -> None:
    assert _signed(talk, _text(proposed), at=timestamp(now() + timedelta(seconds=50))) == DONE


def test_a_partner_cannot_sign_for_another(proposed: Agreement, talk: TheirLane) -> None:
    east = partner(nation="XE")
    assert _signed(talk_lane(east), _text(proposed)) == DONE
    # it signed as itself, and is no party: its word counts for nothing
    assert standing_of(proposed).signed_by == {"us"}
    copied = PartySignature.objects.get(node=east.node).token
    talk.say("agreement.signed", {"signature": copied})
    assert talk.deliver()[-1] == ("refused", "signature")


def test_a_suspension_stops_everything_until_its_own_party_lifts_it(
    south: PartnerNode, talk: TheirLane
) -> None:
    east = partner(nation="XE")
    agreement = agreement_in_force(south, east)
    text, own = _text(agreement), str(uuid7())
    assert _declared(talk, text, "suspended", id=own) == DONE
    assert standing_of(agreement).state == State.SUSPENDED
    assert not isinstance(current_policy().decide(east.node, REPORT, now().timestamp()), Allowed)
    assert _declared(talk_lane(east), text, "resumed", lifts=own) == DONE
    assert standing_of(agreement).state == State.SUSPENDED
    # the people here are told for as long
    notice = Notice.objects.get(kind="agreements.suspended", resolved=None)
    kind = registry.get(NoticeKind, notice.kind)
    assert kind.sentence(notice.params) == (
        f"Southern CERT suspended the agreement “{agreement.title.in_language('en').value}” ({agreement.code}): "
        "nothing flows under it."
    )
    assert kind.address(notice.params) == f"/en/agreements/{agreement.id}/"
    assert _declared(talk, text, "resumed", lifts=own) == DONE
    assert standing_of(agreement).state == State.IN_FORCE
    assert not Notice.objects.filter(resolved=None).exists()


def test_the_id_of_another_partys_instrument_cannot_be_taken_to_silence_it(
    south: PartnerNode, talk: TheirLane
) -> None:
    east = partner(nation="XE")
    agreement = agreement_in_force(south, east)
    text, own, at = _text(agreement), uuid7(), timestamp(now())
    # east saw south's suspension and is faster with a word of its own under the same id
    assert (
        _declared(
            talk_lane(east), text, "countered", id=str(own), text=text.text, suggestion=sha256(text.text)
        )
        == DONE
    )
    assert _declared(talk, text, "suspended", id=str(own), at=at) == DONE
    assert _declared(talk, text, "suspended", id=str(own), at=at) == DONE
    assert standing_of(agreement).state == State.SUSPENDED
    assert PartyInstrument.objects.count() == 2
    assert _declared(talk, text, "resumed", lifts=str(own)) == DONE
    assert standing_of(agreement).state == State.IN_FORCE


def test_a_ref_that_names_another_node_in_the_next_version_lifts_no_old_suspension(
    south: PartnerNode, talk: TheirLane
) -> None:
    east = partner(nation="XE")
    agreement = agreement_in_force(south, east)
    first, own = _text(agreement), str(uuid7())
    _declared(talk, first, "suspended", id=own)
    refs = {"xs": "xe", "xe": "xs"}
    swapped = parse(
        write(
            replace(
                first,
                version=2,
                parties=tuple(replace(each, ref=refs.get(each.ref, each.ref)) for each in first.parties),
            )
        )
    )
    version = Version.objects.create(agreement=agreement, number=2, text=swapped.text, digest=swapped.digest)
    for each, key in ((settings.BASE_URL, node_key()), (south.node, south.key), (east.node, east.key)):
        sign_version(version, each, key)
    # in this version east is what south was called before
    assert _declared(talk_lane(east), swapped, "resumed", lifts=own) == DONE
    assert standing_of(agreement).state == State.SUSPENDED


def test_a_termination_takes_effect_when_its_notice_is_over(south: PartnerNode, talk: TheirLane) -> None:
    agreement = agreement_in_force(south, notice_days=3)
    at = now()
    assert _declared(talk, _text(agreement), "terminated", at=timestamp(at)) == DONE
    assert standing_of(agreement).ends == at + timedelta(days=3)
    assert standing_of(agreement, at + timedelta(days=2)).state == State.IN_FORCE
    assert standing_of(agreement, at + timedelta(days=3)).state == State.TERMINATED


def _heard(south: PartnerNode, at: datetime) -> None:
    """We asked the partner then, and all it had said is here."""
    Partner.objects.filter(id=south.row.id).update(heard_until=at)
    south.row.refresh_from_db()


def test_notice_is_not_dated_back_to_before_its_giver_was_last_asked(
    south: PartnerNode, talk: TheirLane
) -> None:
    with frozen(NOON) as clock:
        agreement = agreement_in_force(south, notice_days=30, valid_from=NOON)
        clock.advance(timedelta(days=40))
        asked = now() - timedelta(minutes=5)
        _heard(south, asked)
        given = timestamp(now() - timedelta(days=31))
        assert _declared(talk, _text(agreement), "terminated", at=given) == DONE
        standing = standing_of(agreement)
        assert (standing.state, standing.ends) == (
            State.IN_FORCE,
            asked - timedelta(minutes=2) + timedelta(days=30),
        )


@pytest.mark.parametrize("days", [0, 40], ids=["at once", "after an outage"])
def test_two_nodes_date_an_honest_notice_alike_however_late_it_arrives(
    cast: Cast, south: PartnerNode, talk: TheirLane, days: int
) -> None:
    """Ours as we sign and keep it, and the same said by the other node as we take it in: one instant."""
    with frozen(NOON) as clock:
        ours, theirs = (agreement_in_force(south, notice_days=30, valid_from=NOON) for _which in range(2))
        clock.advance(timedelta(days=1))
        _heard(south, now())
        # it says so in the moment after it was asked, and its clock is a minute behind ours
        given = now() - timedelta(minutes=1)
        said = timestamp(given)
        actions.terminate(cast.officer.actor, ours, "")
        clock.advance(timedelta(days=days))
        assert _declared(talk, _text(theirs), "terminated", at=said) == DONE
        assert standing_of(ours).ends == now() - timedelta(days=days) + timedelta(days=30)
        assert standing_of(theirs).ends == given + timedelta(days=30)


def test_what_waited_here_counts_from_no_later_than_it_came(
    south: PartnerNode, proposed: Agreement, talk: TheirLane
) -> None:
    with frozen(NOON) as clock:
        said = timestamp(now() - timedelta(minutes=1))
        talk.say("agreement.signed", {"signature": _signature(talk, _text(proposed), at=said)})
        talk.take()
        clock.advance(timedelta(days=2))
        _heard(south, now())
        assert talk.deliver()[-1] == DONE
        assert PartySignature.objects.get(node=south.node).at == NOON - timedelta(minutes=1)


# what is said by nothing but its kind; what invites, joins, declares and countersigns is told in its own tests
_WITH_MEMBERS = {"invited", "acceded", "countersigned", "declared", "lifted"}
SAID = ["signed", *(each for each in PartyInstrument.Kind.values if each not in _WITH_MEMBERS)]


# ---- who is heard on which agreement --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SAID)
def test_whoever_is_no_party_leaves_its_word_in_its_own_trail(south: PartnerNode, kind: str) -> None:
    agreement = agreement_in_force(south)
    text = _text(agreement)
    third = partner(nation="XT", state=Partner.State.MET)
    _say(talk_lane(third), text, kind)
    told = AuditEntry.objects.get(verb=f"agreements.{kind}", actor_id=third.node)
    assert told.subject == f"urn:taawun:node:{third.node}"
    assert told.details == {"agreement": str(text.id), "digest": text.digest}
    assert not AuditEntry.objects.filter(subject=f"urn:uuid:{text.id}", actor_id=third.node).exists()
    assert standing_of(agreement).state == State.IN_FORCE


def _say(talk: TheirLane, about: Document, kind: str) -> None:
    if kind == "signed":
        assert _signed(talk, about) == DONE
    elif kind == "countered":
        wanted = write(replace(about, version=2))
        assert _declared(talk, about, kind, text=wanted, suggestion=sha256(wanted)) == DONE
    else:
        assert _declared(talk, about, kind) == DONE


@pytest.mark.parametrize("kind", SAID)
def test_what_a_party_says_is_told_on_the_agreement_once_it_is_known_as_a_party(
    south: PartnerNode, talk: TheirLane, kind: str
) -> None:
    text = document(south, depositary=south)
    _say(talk, text, kind)
    subject = f"urn:uuid:{text.id}"
    assert not AuditEntry.objects.filter(subject=subject).exists()
    assert _proposed(talk, text.text) == DONE
    rows = AuditEntry.objects.filter(subject=subject).order_by("id")
    about = {"version": 1, "digest": text.digest}
    assert {(row.verb, row.actor_id) for row in rows} == {
        ("agreements.proposed", south.node),
        (f"agreements.{kind}", south.node),
    }
    assert [row.details for row in rows] == [about, about]


@pytest.mark.parametrize("kind", ["signed", "terminated"])
def test_a_party_speaks_with_the_key_that_the_version_names(
    south: PartnerNode, talk: TheirLane, kind: str
) -> None:
    """The depositary names another key for east than the one that we know it by."""
    east = partner(nation="XE")
    text = parse(_with_party(document(south, east, depositary=south), "xe", kid="k" * 43))
    ways: dict[str, Callable[..., tuple[str, str]]] = {
        "signed": _signed,
        "terminated": partial(_declared, kind="terminated"),
    }
    say = ways[kind]
    assert say(talk_lane(east), text) == DONE
    assert _proposed(talk, text.text) == DONE
    assert not PartySignature.objects.exists()
    assert not PartyInstrument.objects.exists()
    assert say(talk_lane(east), text) == ("refused", "other-key")


def test_a_counter_proposal_is_kept_with_its_text(proposed: Agreement, talk: TheirLane) -> None:
    text = _text(proposed)
    other = write(replace(text, version=2, notice_days=30))
    assert (
        _declared(talk, text, "countered", text=other, suggestion=sha256(other), note="Thirty days.") == DONE
    )
    kept = PartyInstrument.objects.get()
    assert (bytes(kept.suggestion or b""), kept.note) == (other, "Thirty days.")
    assert standing_of(proposed).state == State.COUNTERED


@pytest.mark.parametrize(
    ("text", "suggestion", "reason"),
    [
        (b"{}", sha256(b"{ }"), "digest"),
        (b"{}", None, "digest"),
        (b"{}", sha256(b"{}"), "document-refused"),
        (None, sha256(b"{}"), "malformed"),
    ],
)
def test_a_counter_proposal_of_another_text_is_refused(
    proposed: Agreement, talk: TheirLane, text: bytes | None, suggestion: str | None, reason: str
) -> None:
    assert _declared(talk, _text(proposed), "countered", text=text, suggestion=suggestion) == (
        "refused",
        reason,
    )


def test_a_long_note_is_cut_and_a_signature_on_nothing_known_is_kept(
    talk: TheirLane, south: PartnerNode
) -> None:
    text = document(south, depositary=south)
    assert _declared(talk, text, "declined", note="n" * 5000) == DONE
    assert len(PartyInstrument.objects.get().note) == 4000
    assert _signed(talk, text, agreement=str(uuid4())) == DONE
    assert not Agreement.objects.exists()


def test_whatever_order_the_messages_come_in_the_standing_is_the_same(south: PartnerNode) -> None:
    """The messages of a whole negotiation, from two partners, in every sampled order of arrival."""
    east = partner(nation="XE")
    text = document(south, east, depositary=south)
    own = str(uuid7())
    at = now() - timedelta(minutes=1)

    def said(speaker: PartnerNode, seconds: int, **changes: Any) -> bytes:
        return canonical(_statement(speaker, text, at=timestamp(at + timedelta(seconds=seconds)), **changes))

    spoken = [
        (south, "agreement.proposed", {"document": text.text.decode()}),
        (south, "agreement.signed", {"signature": south.key.sign(said(south, 1), SIGNATURE_TYP)}),
        (east, "agreement.signed", {"signature": east.key.sign(said(east, 2), SIGNATURE_TYP)}),
        (
            south,
            "agreement.declared",
            {"instrument": south.key.sign(said(south, 4, kind="suspended", note="", id=own), INSTRUMENT_TYP)},
        ),
        (
            east,
            "agreement.declared",
            {"instrument": east.key.sign(said(east, 5, kind="suspended", note=""), INSTRUMENT_TYP)},
        ),
        (
            south,
            "agreement.declared",
            {
                "instrument": south.key.sign(
                    said(south, 6, kind="resumed", note="", lifts=own), INSTRUMENT_TYP
                )
            },
        ),
    ]
    found = []
    for seed in range(8):
        random.Random(seed).shuffle(spoken)  # noqa: S311 - an order, no secret
        for model in (PartyInstrument, PartySignature, Version, Agreement):
            model.objects.all().delete()
        lanes = {south.node: talk_lane(south), east.node: talk_lane(east)}
        for speaker, kind, payload in spoken:
            lanes[speaker.node].say(kind, payload)
            assert lanes[speaker.node].deliver()[-1] == DONE
        sign_version(Version.objects.get(), settings.BASE_URL, node_key())
        standing = standing_of(Agreement.objects.get())
        found.append((standing.state, standing.signed_by, [each.party for each in standing.suspensions]))
    assert found == [(State.SUSPENDED, frozenset({"us", "xs", "xe"}), ["xe"])] * 8


@pytest.mark.django_db(transaction=True)
def test_a_suspension_taken_in_by_one_connection_stops_the_policy_of_another_at_once(
    south: PartnerNode,
) -> None:
    agreement = agreement_in_force(south)
    talk = talk_lane(south)
    assert isinstance(current_policy().decide(south.node, REPORT, now().timestamp()), Allowed)

    def elsewhere() -> None:
        try:
            _declared(talk, _text(agreement), "suspended")
        finally:
            connections.close_all()

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert not isinstance(current_policy().decide(south.node, REPORT, now().timestamp()), Allowed)


def test_an_instrument_keeps_the_id_its_party_chose(proposed: Agreement, talk: TheirLane) -> None:
    own = uuid7()
    _declared(talk, _text(proposed), "declined", id=str(own))
    assert PartyInstrument.objects.get().id == UUID(str(own))
