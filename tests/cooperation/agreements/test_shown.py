"""What is passed on of others: each word for itself, bounded in size and number, said no more often than it helps."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taawun.cooperation.agreements import doubting, forwarding, keeping
from taawun.cooperation.agreements.document import Document, parse, party_json, write
from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
    Told,
    Version,
)
from taawun.cooperation.agreements.proposals import PROPOSAL_TYP
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.regaining import regain_declared, regain_held, regain_signed
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.exchange import disk
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import LaneEntry, OwnKey, PartnerKey
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from tests.cast import Cast, PartnerNode, partner, sign_version
from tests.cooperation.agreements.test_instruments import (
    DONE,
    Community,
    _bundle,
    community,
    id_of,
    in_force,
    invited_here,
    told,
)
from tests.lanes import talk_lane

__all__ = ["community", "in_force", "invited_here"]


def _rotated(who: PartnerNode, *, revoked_since: datetime | None = None) -> SigningKey:
    """A partner's next key; the one before it stays known as its earlier one."""
    following = SigningKey.generate()
    row = who.row
    PartnerKey.objects.create(
        partner=row,
        kid=row.kid,
        jwk=row.jwk,
        position=0,
        until=now(),
        replaced=now(),
        revoked_since=revoked_since,
    )
    row.kid, row.jwk = following.kid, following.public.to_jwk()
    row.save()
    return following


def _said(kind: str, node: str | None = None) -> list[dict[str, Any]]:
    """What this node said in messages of a kind, oldest first. Any: JSON."""
    found = LaneEntry.objects.filter(lane__sender=None, kind=kind).order_by("id")
    if node:
        found = found.filter(lane__readers__partner__node=node)
    return [json.loads(contents.get(each)) for each in found.values_list("content_digest", flat=True)]


# ---- taking in -----------------------------------------------------------------------------------------------------


def test_one_bad_word_hinders_none_of_the_others(in_force: Community) -> None:
    c = in_force
    good = c.of_south("suspended")
    spoilt = c.evidence(
        c.of_west("declared", narrows="?"), c.of_south("declined") + "x", good, signatures=("none",)
    )
    spoilt["keys"].append({"kty": "none"})
    assert told(c.west_lane, "agreement.evidence", spoilt) == DONE
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED
    assert PartyInstrument.objects.filter(kind="declared").count() == 0


def test_what_a_revoked_key_signed_is_refused_whoever_brings_it(in_force: Community) -> None:
    c = in_force
    word = c.of_south("suspended")
    _rotated(c.south, revoked_since=now() - timedelta(hours=1))
    assert told(c.west_lane, "agreement.evidence", c.evidence(word)) == ("refused", "revoked-key")
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE


def test_a_counter_proposal_that_is_no_agreement_is_not_kept_and_no_more_of_them_than_wait(
    in_force: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = in_force
    monkeypatch.setattr(keeping, "MOST_WAITING", 2)

    def shown(text: str) -> tuple[str, str]:
        word = c.of_south("countered", suggestion=sha256(text.encode()))
        message = c.evidence()
        message["instruments"] = [{"instrument": word, "document": text}]
        return told(c.west_lane, "agreement.evidence", message)

    assert shown("no agreement") == ("refused", "document-refused")
    texts = [write(replace(c.text, version=2, notice_days=days)).decode() for days in range(3)]
    assert [shown(each) for each in texts] == [DONE, DONE, ("refused", "too-many-waiting")]
    monkeypatch.setattr(keeping, "MOST_WAITING", 100)
    monkeypatch.setattr(keeping, "MOST_WAITING_BYTES", sum(map(len, texts)) - 1)
    assert shown(texts[2]) == ("refused", "too-many-waiting")


def test_a_depositary_has_no_more_versions_waiting_here_by_showing_them(
    in_force: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = in_force
    monkeypatch.setattr(keeping, "MOST_WAITING", 3)

    def shown(number: int) -> tuple[str, str]:
        text = parse(write(replace(c.text, version=number)))
        message = c.evidence(signatures=(c.of_south(digest=text.digest),), documents=[text.text.decode()])
        return told(c.south_lane, "agreement.evidence", message)

    assert [shown(number) for number in (2, 3, 4, 5)] == [
        DONE,
        DONE,
        DONE,
        ("refused", "too-many-waiting"),
    ]


def test_a_version_that_names_another_key_for_this_node_is_not_taken(in_force: Community) -> None:
    c = in_force
    parties = tuple(
        replace(each, kid="k" * 43) if each.node == settings.BASE_URL else each for each in c.text.parties
    )
    text = parse(write(replace(c.text, version=2, parties=parties)))
    message = c.evidence(signatures=(c.of_south(digest=text.digest),), documents=[text.text.decode()])
    assert told(c.west_lane, "agreement.evidence", message) == ("refused", "not-a-party")


def _proposal(c: Community, text: Document, key: SigningKey, **changes: str) -> str:
    said = {"agreement": str(text.id), "digest": text.digest, "node": c.south.node, "at": timestamp(now())}
    return key.sign(canonical({**said, **changes}), PROPOSAL_TYP)


def test_a_version_is_passed_on_by_its_depositarys_word_that_it_proposed_it(in_force: Community) -> None:
    c = in_force
    text = parse(write(replace(c.text, version=2)))
    shown = c.evidence(documents=[text.text.decode()])
    assert told(c.west_lane, "agreement.evidence", shown) == ("refused", "unsigned")
    forged = {**shown, "proposals": [_proposal(c, text, c.west.key)]}
    assert told(c.west_lane, "agreement.evidence", forged)[0] == "refused"
    good = _proposal(c, text, c.south.key)
    assert told(c.west_lane, "agreement.evidence", {**shown, "proposals": [good]}) == DONE
    assert Version.objects.get(digest=text.digest).proposal == good
    # and is shown with it to others
    forwarding.show_all(Agreement.objects.get(), c.west.row)
    assert good in [each for message in _said("agreement.evidence") for each in message["proposals"]]


def test_a_depositary_proposes_with_a_word_that_can_be_shown(in_force: Community) -> None:
    c = in_force
    text = parse(write(replace(c.text, version=2)))
    document = text.text.decode()
    about = {"document": document, "proposal": _proposal(c, text, c.south.key, digest="a" * 64)}
    assert told(c.south_lane, "agreement.proposed", {"document": document, "proposal": None}) == (
        "refused",
        "unsigned",
    )
    assert told(c.south_lane, "agreement.proposed", about) == ("refused", "signature")
    assert told(c.south_lane, "agreement.proposed", {"document": document}) == DONE


def test_what_a_thief_proposed_through_others_goes_with_the_key(in_force: Community) -> None:
    c = in_force
    text, since = parse(write(replace(c.text, version=2))), now()
    shown = c.evidence(documents=[text.text.decode()])
    told(c.west_lane, "agreement.evidence", {**shown, "proposals": [_proposal(c, text, c.south.key)]})
    assert doubting.put_away(c.south.row, c.south.key.kid, since) == 1
    assert not Version.objects.filter(digest=text.digest).exists()
    assert Version.objects.count() == 1


# ---- a depositary that has another key by now ------------------------------------------------------------------------


def test_who_is_invited_under_a_later_key_of_the_depositary_takes_its_older_agreement(
    cast: Cast, invited_here: Community
) -> None:
    c = invited_here
    signatures = (c.of_south(), c.of_west())
    following = _rotated(c.south)
    c.south_lane.sender = PartnerNode(c.south.row, following)
    us = _bundle(c)
    invited = json.loads(json.dumps(us))
    invited["signatures"] = list(signatures)
    invitation = c.token(
        following,
        c.south.node,
        "invited",
        party=party_json(replace(c.entry, ref="us", node=settings.BASE_URL, kid=node_key().kid)),
        jwk=node_key().public.to_jwk(),
    )
    invited["instruments"] = [{"instrument": invitation}]
    assert told(c.south_lane, "agreement.evidence", invited) == DONE
    standing = standing_of(Agreement.objects.get())
    assert (standing.state, len(standing.invitations)) == (State.IN_FORCE, 1)


def test_a_version_that_was_signed_again_with_a_later_key_is_passed_on(in_force: Community) -> None:
    c = in_force
    following = _rotated(c.south)
    text = parse(write(replace(c.text, version=2)))
    signature = c.token(following, c.south.node, digest=text.digest)
    message = c.evidence(signatures=(signature,), documents=[text.text.decode()])
    assert told(c.west_lane, "agreement.evidence", message) == DONE
    assert Version.objects.filter(digest=text.digest).exists()


# ---- showing -------------------------------------------------------------------------------------------------------


def _hold_more(c: Community, versions: int, pad: int) -> None:
    """This node holds so many further versions, signed by their depositary, each of about so many bytes."""
    agreement = Agreement.objects.get()
    for number in range(2, versions + 2):
        text = parse(write(replace(c.text, version=number)) + b"\n" * pad)
        row = Version.objects.create(
            agreement=agreement, number=number, text=text.text, digest=text.digest, depositary=c.south.node
        )
        sign_version(row, c.south.node, c.south.key)


def test_what_is_shown_fits_messages_that_are_opened(in_force: Community) -> None:
    c = in_force
    # a line break takes two bytes in JSON
    _hold_more(c, versions=5, pad=900_000)
    agreement = Agreement.objects.get()
    forwarding.show_all(agreement, c.west.row)
    said = LaneEntry.objects.filter(lane__sender=None, kind="agreement.evidence")
    assert said.count() > 4
    assert max(said.values_list("size", flat=True)) < 4 * 2**20
    shown = [each for message in _said("agreement.evidence") for each in message["documents"]]
    assert {sha256(each.encode()) for each in shown} == set(Version.objects.values_list("digest", flat=True))
    for message in _said("agreement.evidence"):
        assert len(message["signatures"]) >= len(message["documents"])


def test_who_says_that_it_holds_nothing_is_shown_everything_once(in_force: Community) -> None:
    c = in_force
    agreement = Agreement.objects.get()
    nothing = {"agreement": str(agreement.id), "held": []}
    begin = now()
    for number in range(7):
        with frozen(begin + timedelta(minutes=number)):
            told(c.west_lane, "agreement.held", {**nothing, "held": [f"{number:064x}"] if number else []})
            forwarding.answer_comparisons()
    with frozen(begin + timedelta(minutes=6)):
        shown = _said("agreement.evidence", c.west.node)
        assert len(shown) == 1
        # nor is it asked more than once what it holds
        assert len(_said("agreement.held", c.west.node)) == 1
        # what is new is shown at once
        word = c.of_south("declined")
        told(c.south_lane, "agreement.declared", {"instrument": word})
        told(c.west_lane, "agreement.held", nothing)
        forwarding.answer_comparisons()
        last = _said("agreement.evidence", c.west.node)[-1]
        assert ([each["instrument"] for each in last["instruments"]], last["signatures"]) == ([word], [])
    with frozen(begin + timedelta(hours=2)):
        told(c.west_lane, "agreement.held", nothing)
        assert forwarding.answer_comparisons() == 0
    with frozen(begin + timedelta(hours=25)):
        told(c.west_lane, "agreement.held", nothing)
        assert forwarding.answer_comparisons() == 1
        assert forwarding.answer_comparisons() == 0
    assert len(_said("agreement.evidence", c.west.node)) == 3


def test_who_says_for_weeks_that_it_holds_nothing_and_what_nobody_knows_is_told_little(
    in_force: Community,
) -> None:
    c, begin = in_force, now()
    for hours in range(0, 28 * 24, 8):
        with frozen(begin + timedelta(hours=hours)):
            for prefix in ("", "a"):
                invented = {"held": [f"a{hours:063x}"], "prefix": prefix}
                told(c.west_lane, "agreement.held", {"agreement": str(c.text.id), **invented})
            forwarding.answer_comparisons()
    shown = [
        token
        for each in _said("agreement.evidence", c.west.node)
        for token in [*each["signatures"], *(one["instrument"] for one in each["instruments"])]
    ]
    # at once, and after one, two and four days; then once a week
    assert {shown.count(each) for each in set(shown)} == {6}
    # after five minutes, and twice as long each time
    assert len(_said("agreement.held", c.west.node)) == 14


def test_of_what_a_party_was_shown_before_little_is_shown_again_what_it_saw_longest_ago_first(
    in_force: Community,
) -> None:
    c, begin = in_force, now()
    _hold_more(c, versions=6, pad=20_000)
    nothing = {"agreement": str(c.text.id), "held": []}

    def shown(days: int) -> list[str]:
        before = len(_said("agreement.evidence", c.west.node))
        with frozen(begin + timedelta(days=days)), patch.object(forwarding, "_MOST_AGAIN", 100_000):
            told(c.west_lane, "agreement.held", nothing)
            forwarding.answer_comparisons()
        new = _said("agreement.evidence", c.west.node)[before:]
        return [sha256(each.encode()) for message in new for each in message["documents"]]

    assert len(shown(0)) == 7
    first, second = shown(2), shown(3)
    assert (len(first), second) == (3, [])
    third = shown(10)
    assert len(third) == 3
    # the small one fits beside whatever else
    assert set(first) & set(third) <= {c.text.digest}


def test_what_is_repeated_to_this_node_is_no_news_to_others(in_force: Community) -> None:
    c = in_force
    assert forwarding.compare() == 2
    for _ in range(3):
        told(c.west_lane, "agreement.evidence", c.evidence(signatures=(c.of_south(),)))
    assert forwarding.compare() == 0
    told(c.south_lane, "agreement.declared", {"instrument": c.of_south("declined")})
    assert forwarding.compare() == 2


@pytest.mark.parametrize("mark", ["g" * 64, "A" * 64, "a" * 63, 7, None])
def test_what_is_no_digest_is_held_by_nobody(in_force: Community, mark: object) -> None:
    c = in_force
    said = {"agreement": str(c.text.id), "held": [mark]}
    assert told(c.west_lane, "agreement.held", said) == ("refused", "malformed")


def test_quiet_parties_compare_once_a_week(in_force: Community) -> None:
    begin = now()
    with frozen(begin):
        assert [forwarding.compare(), forwarding.compare()] == [2, 0]
    with frozen(begin + timedelta(days=6)):
        assert forwarding.compare() == 0
    with frozen(begin + timedelta(days=8)):
        assert [forwarding.compare(), forwarding.compare()] == [2, 0]


def test_a_long_answer_is_given_in_parts_and_none_while_the_disk_is_full(in_force: Community) -> None:
    c = in_force
    _hold_more(c, versions=4, pad=1000)
    told(c.west_lane, "agreement.held", {"agreement": str(c.text.id), "held": []})
    with patch.object(disk, "has_room", return_value=False):
        assert forwarding.answer_comparisons() == 0
    assert not _said("agreement.evidence", c.west.node)
    with patch.object(forwarding, "_MOST_AT_ONCE", 3000):
        turns = 0
        while forwarding.answer_comparisons():
            turns += 1
    assert turns > 2
    shown = [each for message in _said("agreement.evidence", c.west.node) for each in message["documents"]]
    assert {sha256(each.encode()) for each in shown} == set(Version.objects.values_list("digest", flat=True))
    assert not Comparison.objects.filter(is_waiting=True).exists()


def test_who_holds_more_than_one_message_names_tells_it_in_parts_and_nothing_is_shown_twice_for_that(
    in_force: Community,
) -> None:
    c = in_force
    for _ in range(12):
        told(c.south_lane, "agreement.declared", {"instrument": c.of_south("declined")})
    agreement = Agreement.objects.get()
    with patch.object(forwarding, "MOST_MARKS", 5):
        forwarding.compare()
    said = _said("agreement.held", c.west.node)
    assert [each["prefix"] for each in said] == list("0123456789abcdef")
    assert sorted(mark for each in said for mark in each["held"]) == sorted(forwarding.held_of(agreement))
    # who holds the same is shown nothing
    for each in said:
        told(c.west_lane, "agreement.held", {name: each[name] for name in ("agreement", "held", "prefix")})
    forwarding.answer_comparisons()
    assert not _said("agreement.evidence", c.west.node)
    wrong = {"agreement": str(agreement.id), "held": [], "prefix": "xy"}
    assert told(c.west_lane, "agreement.held", wrong) == ("refused", "malformed")


def test_what_nobody_would_take_from_this_node_is_not_told(in_force: Community) -> None:
    c = in_force
    unsigned = parse(write(replace(c.text, version=2)))
    Version.objects.create(
        agreement=Agreement.objects.get(), number=2, text=unsigned.text, digest=unsigned.digest
    )
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("declined", digest="a" * 64)})
    held = forwarding.held_of(Agreement.objects.get())
    assert unsigned.digest not in held
    assert not any(isinstance(each, PartyInstrument) and each.digest == "a" * 64 for each in held.values())


# ---- after a restore -------------------------------------------------------------------------------------------------


def test_what_was_said_under_an_earlier_key_is_known_again_with_that_key(in_force: Community) -> None:
    c, first = in_force, node_key()
    signed = PartySignature.objects.get(node=settings.BASE_URL).token
    suspended = c.token(first, settings.BASE_URL, "suspended", to=[c.south.node])
    PartySignature.objects.filter(node=settings.BASE_URL).delete()
    second = SigningKey.generate()
    OwnKey.objects.create(position=0, kid=first.kid, jwk=first.public.to_jwk(), since=now(), until=now())
    OwnKey.objects.create(position=1, kid=second.kid, jwk=second.public.to_jwk(), since=now())
    header = c.west_lane.entries[0].header
    regain_signed({"signature": signed}, header)
    regain_declared({"instrument": suspended}, header)
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED
    assert PartySignature.objects.get(node=settings.BASE_URL).jwk["kid"] == first.kid
    row = PartyInstrument.objects.get(node=settings.BASE_URL)
    assert (row.jwk["kid"], str(row.chosen)) == (first.kid, id_of(suspended))


def test_who_told_what_it_held_before_it_was_restored_tells_it_anew(in_force: Community) -> None:
    Agreement.objects.update(is_uncompared=False)
    header = in_force.west_lane.entries[0].header
    regain_held({"agreement": str(in_force.text.id), "held": []}, header)
    assert Agreement.objects.get().is_uncompared


# ---- what it costs -------------------------------------------------------------------------------------------------

# of a party that declined so often, in its own words
MANY = 400


def _declined(c: Community, count: int) -> None:
    """So many words of the depositary are held, which nobody needs to read."""
    ids = [UUID(int=number) for number in range(count)]
    PartyInstrument.objects.bulk_create(
        PartyInstrument(
            id=each,
            chosen=each,
            words=sha256(each.bytes),
            mark=sha256(each.hex.encode()),
            lineage=c.text.id,
            kind="declined",
            node=c.south.node,
            digest=c.text.digest,
            token="kept",
            jwk=c.south.key.public.to_jwk(),
            at=now(),
        )
        for each in ids
    )


def _all_prefixes(c: Community, *held: str) -> None:
    """The other party tells in seventeen messages that it holds next to nothing."""
    for prefix in ("", *forwarding.PREFIXES):
        said = {"agreement": str(c.text.id), "held": list(held), "prefix": prefix}
        assert told(c.west_lane, "agreement.held", said) == DONE


def _bytes_told() -> int:
    said = LaneEntry.objects.filter(lane__sender=None, kind="agreement.held")
    return sum(said.values_list("size", flat=True))


def test_what_a_party_told_in_seventeen_messages_is_reckoned_once_and_not_while_others_wait_to_write(
    in_force: Community,
) -> None:
    c, begin, reckoned = in_force, now(), list[bool]()
    _declined(c, MANY)
    depth = len(connection.savepoint_ids)

    def held_of(agreement: Agreement) -> dict[str, Any]:
        reckoned.append(len(connection.savepoint_ids) > depth)
        return genuine(agreement)

    genuine = forwarding.held_of
    with patch.object(forwarding, "held_of", held_of):
        for minutes in range(20):
            with frozen(begin + timedelta(minutes=minutes)):
                _all_prefixes(c)
                assert forwarding.answer_comparisons() == (minutes == 0)
    # all was shown at once, and nothing may be shown again before a day is over: what else it may be told is looked at
    # every five minutes, not at each of its messages
    assert reckoned == [False] * 4
    assert not Comparison.objects.filter(is_waiting=True, not_before=None).exists()


def test_a_look_that_came_to_nothing_costs_little_and_is_no_longer_held_to_once_something_new_is_here(
    in_force: Community,
) -> None:
    c, begin = in_force, now()
    _declined(c, MANY)
    with frozen(begin):
        _all_prefixes(c)
        assert forwarding.answer_comparisons() == 1
        _all_prefixes(c)
        with CaptureQueriesContext(connection) as asked:
            assert forwarding.answer_comparisons() == 0
        assert len(asked) == 7
        word = c.of_south("suspended")
        told(c.south_lane, "agreement.declared", {"instrument": word})
        _all_prefixes(c)
        assert forwarding.answer_comparisons() == 1
        last = _said("agreement.evidence", c.west.node)[-1]
        assert [each["instrument"] for each in last["instruments"]] == [word]


def test_who_is_no_party_has_nothing_reckoned_by_telling_again_and_again(
    cast: Cast, in_force: Community
) -> None:
    stranger = partner(nation="XQ")
    lane = talk_lane(stranger)
    with patch.object(forwarding, "held_of", wraps=forwarding.held_of) as reckoned:
        for _ in range(3):
            assert told(lane, "agreement.held", {"agreement": str(in_force.text.id), "held": []}) == DONE
            assert forwarding.answer_comparisons() == 0
    assert reckoned.call_count == 1
    assert not _said("agreement.evidence", stranger.node)


def test_what_changed_while_it_was_reckoned_is_answered_the_next_time(in_force: Community) -> None:
    c, genuine = in_force, forwarding.held_of
    told(c.west_lane, "agreement.held", {"agreement": str(c.text.id), "held": []})

    def held_of(agreement: Agreement) -> dict[str, Any]:
        found = genuine(agreement)
        told(c.south_lane, "agreement.declared", {"instrument": c.of_south("declined")})
        return found

    with patch.object(forwarding, "held_of", held_of):
        assert (forwarding.answer_comparisons(), forwarding.compare()) == (0, 0)
    assert not _said("agreement.evidence", c.west.node)
    assert Agreement.objects.get().is_uncompared
    assert (forwarding.answer_comparisons(), forwarding.compare()) == (1, 2)
    assert len(_said("agreement.evidence", c.west.node)[-1]["instruments"]) == 3


def test_of_one_new_word_the_parties_are_told_what_begins_as_it_does_and_not_all_that_is_held(
    in_force: Community,
) -> None:
    c = in_force
    _declined(c, MANY)
    assert forwarding.compare() == 2
    before, word = _bytes_told(), c.of_south("suspended")
    told(c.south_lane, "agreement.declared", {"instrument": word})
    assert forwarding.compare() == 2
    mark = sha256(word.encode())
    like = sorted(each for each in forwarding.held_of(Agreement.objects.get()) if each[0] == mark[0])
    for node in (c.south.node, c.west.node):
        last = _said("agreement.held", node)[-1]
        assert (last["prefix"], last["held"]) == (mark[0], like)
    # two messages, each of the digests that begin alike
    assert _bytes_told() - before < 2 * (67 * len(like) + 250)
    assert forwarding.compare() == 0


def test_who_says_one_word_after_another_makes_this_node_tell_some_at_once_and_then_once_an_hour(
    in_force: Community,
) -> None:
    c, begin, found = in_force, now(), list[int]()
    for number in range(3 * 12):
        with frozen(begin + timedelta(minutes=5 * number)):
            told(c.south_lane, "agreement.declared", {"instrument": c.of_south("declined")})
            found.append(forwarding.compare())
    # two parties each time
    assert found == [2] * 6 + [0] * 6 + ([2] + [0] * 11) * 2
    # and what was said last is told in the end
    with frozen(begin + timedelta(hours=3)):
        assert [forwarding.compare(), forwarding.compare()] == [2, 0]
    assert not Agreement.objects.get().is_uncompared


def test_nothing_is_told_while_the_disk_is_full(in_force: Community) -> None:
    with patch.object(disk, "has_room", return_value=False):
        assert forwarding.compare() == 0
    assert (_bytes_told(), Agreement.objects.get().is_uncompared) == (0, True)
    assert forwarding.compare() == 2


def test_a_party_that_has_itself_told_so_often_that_it_waits_keeps_no_other_waiting(
    in_force: Community,
) -> None:
    c, begin = in_force, now()

    def compared(minutes: int) -> list[str]:
        before = {each.node: len(_said("agreement.held", each.node)) for each in (c.south, c.west)}
        with frozen(begin + timedelta(minutes=minutes)):
            forwarding.compare()
        return [node for node, count in before.items() if len(_said("agreement.held", node)) > count]

    assert compared(0) == [c.south.node, c.west.node]
    Told.objects.filter(node=c.south.node).update(spent_until=begin + timedelta(hours=6))
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("declined")})
    assert compared(5) == [c.west.node]
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("declined")})
    assert [compared(minutes) for minutes in (10, 15, 60, 65)] == [[c.west.node], [], [c.south.node], []]


def test_what_is_told_at_once_is_bounded_and_the_rest_follows(in_force: Community) -> None:
    with patch.object(forwarding, "_MOST_AT_ONCE", 1):
        assert [forwarding.compare() for _ in range(3)] == [1, 1, 0]
    assert {len(_said("agreement.held", each.node)) for each in (in_force.south, in_force.west)} == {1}
