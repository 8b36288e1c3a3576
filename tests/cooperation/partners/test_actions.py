"""Meeting, comparing, blocking: what is believed of a partner, and from when."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, connections
from django.utils.translation import override

from taawun.cooperation.partners import actions
from taawun.cooperation.partners.errors import DescriptorRefused, PartnerRefused
from taawun.cooperation.partners.exchange import messages
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, lanes
from taawun.cooperation.partners.models import Lane, LaneEntry, Nonce, Partner, PolicyGeneration
from taawun.cooperation.partners.rules import can_receive, can_talk
from taawun.cooperation.people.errors import NotAllowed
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.rules import Granted, Refused
from taawun.foundation.clock import frozen, now
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, partner

NODE = "https://south.example"
NETWORK = "192.0.2.7"


def told(key: SigningKey, node: str = NODE, **changes: Any) -> str:
    """A descriptor; ``changes`` are arguments of whatever type each has."""
    members: dict[str, Any] = {
        "kind": "nation",
        "nation": "XS",
        "name": Text.of(en="Southern CERT"),
        "nation_name": Text.of(en="Southland"),
        "contacts": [],
        "recovery_jwk": None,
        "at": now(),
    }
    return descriptor.write(node=node, key=key, **(members | changes))


def _acts() -> list[str]:
    return list(
        AuditEntry.objects.filter(verb__startswith="partners.").order_by("id").values_list("verb", flat=True)
    )


# ---- meeting --------------------------------------------------------------------------------------------------------


def test_our_own_descriptor_says_who_we_are(node: Organisation) -> None:
    found = descriptor.read(actions.own_descriptor(), at=now(), expected_node=settings.BASE_URL)
    assert (found.kind, found.nation, found.name) == ("nation", "XN", node.name)
    assert found.key == node_key().public
    assert found.recovery is not None
    assert found.nation_name == Text.of(en="Northland", ar="الشمال", fr="Nord")


@pytest.mark.parametrize("typed", [NODE, "https://South.example/", " https://SOUTH.example:443 "])
def test_a_partner_that_is_met_is_known_by_its_address_alone(cast: Cast, typed: str) -> None:
    found = actions.meet(cast.administrator.actor, typed)
    assert (found.node, found.state, found.kid, found.wants_pull) == (NODE, "claimed", "", True)
    assert found.name == Text.of(en=NODE)
    assert _acts() == ["partners.met"]
    Partner.objects.update(wants_pull=False, not_before=now() + timedelta(hours=1))
    assert actions.meet(cast.administrator.actor, NODE) == found
    found.refresh_from_db()
    assert found.wants_pull
    assert found.not_before <= now()
    assert _acts() == ["partners.met"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "not-an-address"),
        ("south.example", "not-an-address"),
        ("ftp://south.example", "not-an-address"),
        ("https://", "not-an-address"),
        ("https://[south", "not-an-address"),
        ("https://south.example/path", "not-an-address"),
        ("https://south.example?x", "not-an-address"),
        ("https://user:word@south.example", "not-an-address"),
        ("https://south.example:99999", "not-an-address"),
        ("https://" + "s" * 300, "not-an-address"),
        (settings.BASE_URL, "ourselves"),
        (settings.BASE_URL + "/", "ourselves"),
    ],
)
def test_what_is_no_other_nodes_address_is_refused(cast: Cast, typed: str, code: str) -> None:
    with pytest.raises(PartnerRefused) as refused:
        actions.meet(cast.administrator.actor, typed)
    assert refused.value.code == code
    assert not Partner.objects.exists()


def test_only_administrators_meet_compare_and_block(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    for member in (cast.analyst, cast.officer, cast.observer, cast.trainee, cast.stranger, cast.former):
        for act in (
            lambda actor: actions.meet(actor, NODE),
            lambda actor: actions.verify(actor, south.row, south.key.kid),
            lambda actor: actions.block(actor, south.row),
            lambda actor: actions.unblock(actor, south.row),
        ):
            with pytest.raises(NotAllowed):
                act(member.actor)
    assert Partner.objects.get().state == "met"


# ---- what it says of itself -----------------------------------------------------------------------------------------


def test_a_descriptor_fills_in_who_the_partner_is_and_opens_our_talk_lane(cast: Cast) -> None:
    key = SigningKey.generate()
    claimed = actions.meet(cast.administrator.actor, NODE)
    before = PolicyGeneration.current()
    token = told(key)
    found = actions.learn_descriptor(claimed, token)
    assert (found.state, found.kid, found.nation, found.name) == (
        "met",
        key.kid,
        "XS",
        Text.of(en="Southern CERT"),
    )
    assert (found.descriptor, found.jwk) == (token, key.public.to_jwk())
    assert found.is_current(now() + timedelta(days=27))
    assert not found.is_current(now() + timedelta(days=28))
    assert Lane.objects.get(purpose="talk", sender=None).readers.get().partner == found
    assert PolicyGeneration.current() != before
    assert actions.learn_descriptor(found, token).state == "met"
    assert Lane.objects.filter(sender=None).count() == 1


def test_a_renewed_descriptor_changes_the_name_and_not_the_trust(node: Organisation) -> None:
    south = partner(issued=now() - timedelta(days=2))
    actions.learn_descriptor(south.row, told(south.key, south.node, name=Text.of(en="CERT of the South")))
    south.row.refresh_from_db()
    assert (south.row.state, south.row.name) == ("verified", Text.of(en="CERT of the South"))


def test_a_verified_partner_does_not_change_its_name_or_nation_in_silence(node: Organisation) -> None:
    at = now()
    south = partner(issued=at - timedelta(days=9))
    east = partner(issued=at - timedelta(days=9), state="met")
    for number, days in enumerate((5, 4, 3)):
        new = told(
            south.key,
            south.node,
            name=Text.of(en="Northern CERT", ar="فريق الشمال"),
            nation="XN",
            at=at - timedelta(days=days),
        )
        actions.learn_descriptor(south.row, new)
        notice = Notice.objects.get(kind="partners.renamed")
        # told once: the next descriptors say the same
        assert (number, notice.times, notice.level, notice.subject) == (
            number,
            1,
            "warning",
            f"urn:taawun:node:{south.node}",
        )
    kind = registry.get(NoticeKind, "partners.renamed")
    assert kind.sentence(notice.params) == (
        f"{south.node} calls itself otherwise: it was Southern CERT (XS) and is now Northern CERT (XN)."
    )
    with override("ar"):
        assert "فريق الشمال (XN)" in kind.sentence(notice.params)
    row = AuditEntry.objects.get(verb="partners.renamed")
    assert (row.actor_id, row.subject) == (south.node, f"urn:taawun:node:{south.node}")
    assert (row.details["before"]["nation"], row.details["after"]["nation"]) == ("XS", "XN")
    assert row.details["after"]["names"] == {"en": "Northern CERT", "ar": "فريق الشمال"}
    # whom nobody compared may still find its name
    actions.learn_descriptor(east.row, told(east.key, east.node, name=Text.of(en="Eastern CERT"), at=at))
    assert Notice.objects.filter(kind="partners.renamed").count() == 1


def test_an_older_descriptor_is_refused(node: Organisation) -> None:
    south = partner()
    with pytest.raises(DescriptorRefused) as refused:
        actions.learn_descriptor(south.row, told(south.key, south.node, at=now() - timedelta(days=1)))
    assert refused.value.code == "older"


def test_another_key_raises_an_alarm_that_stays_and_changes_nothing(node: Organisation) -> None:
    south = partner()
    for _ in range(2):
        with pytest.raises(DescriptorRefused) as refused:
            actions.learn_descriptor(south.row, told(SigningKey.generate(), south.node))
        assert refused.value.code == "key-changed"
    notice = Notice.objects.get(kind="partners.key-changed")
    assert (notice.level, notice.times, notice.params["node"]) == ("alarm", 2, south.node)
    south.row.refresh_from_db()
    assert (south.row.kid, south.row.state) == (south.key.kid, "verified")
    actions.learn_descriptor(south.row, told(south.key, south.node))
    assert not Notice.objects.filter(kind="partners.key-changed", resolved=None).exists()


def test_an_old_descriptor_of_another_key_raises_the_alarm_too(node: Organisation) -> None:
    south = partner()
    with pytest.raises(DescriptorRefused) as refused:
        actions.learn_descriptor(
            south.row, told(SigningKey.generate(), south.node, at=now() - timedelta(days=1))
        )
    assert refused.value.code == "key-changed"
    assert Notice.objects.filter(kind="partners.key-changed").exists()


def test_the_descriptor_of_another_address_is_refused(node: Organisation) -> None:
    south = partner()
    with pytest.raises(DescriptorRefused) as refused:
        actions.learn_descriptor(south.row, told(south.key, "https://other.example"))
    assert refused.value.code == "node"


def test_after_a_descriptor_lapsed_nothing_is_sent_until_it_is_renewed(node: Organisation) -> None:
    with frozen(now()) as clock:
        south = partner()
        clock.advance(timedelta(days=28))
        assert isinstance(found := can_receive(south.row, now()), Refused)
        assert found.reason == "descriptor-lapsed"
        actions.learn_descriptor(south.row, told(south.key, south.node))
        south.row.refresh_from_db()
        assert can_receive(south.row, now()) == Granted()


# ---- strangers ------------------------------------------------------------------------------------------------------


def test_a_stranger_that_introduces_itself_is_noted_and_nothing_it_says_is_believed(
    node: Organisation,
) -> None:
    found = actions.hear_of(told(SigningKey.generate()), NETWORK)
    assert (found.node, found.state, found.kid, found.names) == (NODE, "claimed", "", {})
    assert actions.hear_of(told(SigningKey.generate()), NETWORK) == found
    assert _acts() == ["partners.introduced-itself"]
    assert AuditEntry.objects.get(verb="partners.introduced-itself").actor_id == NODE


def test_strangers_cannot_fill_the_house_whether_they_answer_or_not(node: Organisation) -> None:
    Partner.objects.bulk_create(
        Partner(node=f"https://n{number}.example", state=("claimed", "met")[number % 2])
        for number in range(actions.MAX_STRANGERS)
    )
    with pytest.raises(PartnerRefused) as refused:
        actions.hear_of(told(SigningKey.generate()), NETWORK)
    assert refused.value.code == "too-many-strangers"
    # those that are known already are still heard
    assert (
        actions.hear_of(told(SigningKey.generate(), "https://n1.example"), NETWORK).node
        == "https://n1.example"
    )
    Partner.objects.filter(node="https://n1.example").update(state="verified")
    assert actions.hear_of(told(SigningKey.generate()), NETWORK).state == "claimed"


def test_one_network_does_not_keep_the_others_out(node: Organisation) -> None:
    for number in range(actions.MAX_OF_ONE_NETWORK):
        actions.hear_of(told(SigningKey.generate(), f"https://n{number}.example"), NETWORK)
    with pytest.raises(PartnerRefused) as refused:
        actions.hear_of(told(SigningKey.generate()), NETWORK)
    assert refused.value.code == "too-many-strangers"
    assert actions.hear_of(told(SigningKey.generate()), "192.0.2.8").introduced_from == "192.0.2.8"
    # whom an administrator decided about is no stranger any more
    Partner.objects.filter(node="https://n0.example").update(state="verified")
    assert actions.hear_of(told(SigningKey.generate(), "https://late.example"), NETWORK).state == "claimed"


def _stranger(name: str, *, answers: bool = False) -> Partner:
    key, address = SigningKey.generate(), f"https://{name}.example"
    heard = actions.hear_of(told(key, address), NETWORK)
    return actions.learn_descriptor(heard, told(key, address)) if answers else heard


def test_strangers_nobody_compared_are_forgotten_after_a_while_and_leave_a_row(node: Organisation) -> None:
    with frozen(now()) as clock:
        silent, answered = _stranger("silent"), _stranger("answered", answers=True)
        _their_talk_lane(answered)
        clock.advance(timedelta(days=settings.STRANGER_DAYS))
        _stranger("fresh")
        assert actions.forget_strangers() == 0
        clock.advance(timedelta(seconds=1))
        assert actions.forget_strangers() == 2
    assert [each.node for each in Partner.objects.all()] == ["https://fresh.example"]
    rows = AuditEntry.objects.filter(verb="partners.forgotten").order_by("subject")
    assert [(row.actor_id, row.subject, row.details["state"], row.details["from"]) for row in rows] == [
        ("partners.strangers", f"urn:taawun:node:{answered.node}", "met", NETWORK),
        ("partners.strangers", f"urn:taawun:node:{silent.node}", "claimed", NETWORK),
    ]
    assert Lane.objects.filter(sender__isnull=False).count() == 0


def _their_talk_lane(of: Partner) -> Lane:
    return Lane.objects.create(purpose="talk", sender=of)


def test_those_who_introduced_themselves_before_this_was_noted_are_found_by_the_trail(cast: Cast) -> None:
    old = _stranger("old")
    named = actions.meet(cast.administrator.actor, "https://named.example")
    verified = _stranger("verified")
    Partner.objects.update(introduced_from="")
    Partner.objects.filter(id=verified.id).update(state="verified")
    step = import_module("taawun.cooperation.partners.migrations.0002_introduced_from")
    step.mark_strangers(apps, SimpleNamespace(connection=connection))
    found = dict(Partner.objects.values_list("id", "introduced_from"))
    assert found == {old.id: "unknown", named.id: "", verified.id: ""}


def test_whom_somebody_here_spoke_with_or_decided_about_is_not_forgotten(cast: Cast) -> None:
    boss = cast.administrator.actor
    with frozen(now()) as clock:
        spoken, heard, wanted, blocked, compared = (
            _stranger(name, answers=name != "wanted")
            for name in ("spoken", "heard", "wanted", "blocked", "compared")
        )
        messages.send(spoken, "tests.word", {"word": 1})
        _word_from(heard)
        actions.meet(boss, wanted.node)
        named = actions.meet(boss, "https://named.example")
        actions.block(boss, blocked)
        actions.unblock(boss, blocked)
        actions.verify(boss, compared, compared.kid)
        clock.advance(timedelta(days=400))
        assert actions.forget_strangers() == 0
    assert set(Partner.objects.values_list("id", flat=True)) == {
        each.id for each in (spoken, heard, wanted, blocked, compared, named)
    }


def _word_from(sender: Partner) -> None:
    LaneEntry.objects.create(
        lane=_their_talk_lane(sender),
        seq=1,
        header="",
        digest="0" * 64,
        kind="tests.word",
        subject="",
        action="publish",
        issued=now(),
        state="unopened",
    )


def test_a_stranger_that_was_forgotten_and_comes_again_reads_on_in_the_lane_it_had(
    node: Organisation,
) -> None:
    with frozen(now()) as clock:
        _stranger("again", answers=True)
        lane = Lane.objects.get(sender=None)
        clock.advance(timedelta(days=settings.STRANGER_DAYS + 1))
        assert actions.forget_strangers() == 1
        back = _stranger("again", answers=True)
    assert lanes.talk_lane(back) == lane
    assert list(lane.readers.values_list("partner", flat=True)) == [back.id]
    assert Lane.objects.count() == 1


@pytest.mark.parametrize(
    ("address", "code"), [(settings.BASE_URL, "ourselves"), ("https://blocked.example", "partner-blocked")]
)
def test_we_are_no_stranger_to_ourselves_and_the_blocked_are_not_heard(
    node: Organisation, address: str, code: str
) -> None:
    Partner.objects.create(node="https://blocked.example", state="blocked")
    with pytest.raises(PartnerRefused) as refused:
        actions.hear_of(told(SigningKey.generate(), address), NETWORK)
    assert refused.value.code == code


# ---- comparing and blocking -----------------------------------------------------------------------------------------


def test_a_partner_is_verified_under_the_key_that_was_shown(cast: Cast) -> None:
    south = partner(state=Partner.State.MET)
    assert isinstance(can_receive(south.row, now()), Refused)
    with pytest.raises(PartnerRefused) as refused:
        actions.verify(cast.administrator.actor, south.row, SigningKey.generate().kid)
    assert refused.value.code == "key-changed"
    before = PolicyGeneration.current()
    verified = actions.verify(cast.administrator.actor, south.row, south.key.kid)
    assert (verified.state, verified.verified_by, verified.wants_pull) == ("verified", "Administrator", True)
    assert can_receive(verified, now()) == Granted()
    assert PolicyGeneration.current() != before
    actions.verify(cast.administrator.actor, south.row, south.key.kid)
    assert _acts() == ["partners.verified"]


def test_nobody_is_verified_before_it_answered_or_while_it_is_blocked(cast: Cast) -> None:
    claimed = actions.meet(cast.administrator.actor, NODE)
    blocked = partner(state=Partner.State.BLOCKED)
    for row, kid in ((claimed, ""), (blocked.row, blocked.key.kid)):
        with pytest.raises(PartnerRefused) as refused:
            actions.verify(cast.administrator.actor, row, kid)
        assert refused.value.code == "not-met"


def test_a_blocked_partner_is_out_at_once_and_is_compared_anew(cast: Cast) -> None:
    south = partner()
    before = PolicyGeneration.current()
    for _ in range(2):
        actions.block(cast.administrator.actor, south.row)
    south.row.refresh_from_db()
    assert isinstance(can_talk(south.row), Refused)
    assert PolicyGeneration.current() != before
    for _ in range(2):
        actions.unblock(cast.administrator.actor, south.row)
    south.row.refresh_from_db()
    assert (south.row.state, south.row.wants_pull, can_talk(south.row)) == ("claimed", True, Granted())
    assert isinstance(can_receive(south.row, now()), Refused)
    actions.learn_descriptor(south.row, told(south.key, south.node))
    assert Partner.objects.get().state == "met"
    assert _acts() == ["partners.blocked", "partners.unblocked"]


def test_only_what_cannot_be_replayed_any_more_is_forgotten(node: Organisation) -> None:
    for seconds in (-121, -119, 30):
        Nonce.objects.create(kid="k", nonce=str(seconds), expires=now() + timedelta(seconds=seconds))
    assert actions.prune_nonces() == 1
    assert set(Nonce.objects.values_list("nonce", flat=True)) == {"-119", "30"}


# ---- our own lanes --------------------------------------------------------------------------------------------------


def test_a_lane_without_a_reader_is_never_opened(node: Organisation) -> None:
    with pytest.raises(ValueError, match="without a reader"):
        lanes.open_clause_lane(
            agreement=Partner().id, document="d" * 64, clause="1", readers=[], audience=["https://x.example"]
        )
    assert not Lane.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_words_to_a_partner_at_once_open_one_talk_lane_and_stand_in_one_chain(node: Organisation) -> None:
    south: PartnerNode = partner()

    def talk(number: int) -> None:
        try:
            for each in range(5):
                messages.send(south.row, "tests.word", {"word": f"{number}.{each}"})
        finally:
            connections.close_all()

    threads = [Thread(target=talk, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lane = Lane.objects.get(sender=None)
    entries = list(LaneEntry.objects.filter(lane=lane).order_by("seq"))
    assert [each.seq for each in entries] == list(range(21))
    previous = "0" * 64
    for entry in entries:
        header = chain.read_header(entry.header, node_key().public)
        assert header.prev == previous
        previous = entry.digest
    assert (lane.head_seq, lane.head_digest, lane.known_seq) == (20, previous, 20)
