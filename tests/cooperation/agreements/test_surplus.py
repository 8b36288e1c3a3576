"""A party that says more than is kept, or in whose name others do: it takes back nothing, and pushes out nobody."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from taawun.cooperation.agreements import forwarding, keeping, surplus
from taawun.cooperation.agreements.actions import countersign
from taawun.cooperation.agreements.document import Narrowing, narrowing_json, party_json
from taawun.cooperation.agreements.models import (
    Agreement,
    PartyInstrument,
    PartySignature,
    Shown,
    Version,
)
from taawun.cooperation.agreements.policy import Allowed, Denied
from taawun.cooperation.agreements.queries import current_policy, forget_policy, standing_of
from taawun.cooperation.agreements.regaining import regain_declared
from taawun.cooperation.agreements.standing import State, words
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.models import Partner, PolicyGeneration
from taawun.foundation.clock import frozen, now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import parse
from taawun.platform.notices.models import Notice
from tests.cast import Cast, agreement_in_force, instrument_kept, partner
from tests.cooperation.agreements.test_instruments import (
    DONE,
    EAST,
    REPORT,
    Community,
    community,
    id_of,
    in_force,
    told,
)
from tests.cooperation.agreements.test_shown import _said
from tests.cooperation.federation.newcomers import accede

__all__ = ["community", "in_force"]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MOST_SAID", 2)
    monkeypatch.setattr(words, "MOST_BY_DEPOSITARY", 3)


def _shown(c: Community, *instruments: str, key: SigningKey | None = None) -> tuple[str, str]:
    message = c.evidence(*instruments)
    message["keys"] += [key.public.to_jwk()] if key else []
    return told(c.west_lane, "agreement.evidence", message)


def _invited_with(c: Community, key: SigningKey) -> str:
    """The depositary's invitation of the stranger's address, with a key of its own making."""
    entry = replace(c.entry, ref="xf", kid=key.kid)
    return c.of_south("invited", party=party_json(entry), jwk=key.public.to_jwk())


def _below(c: Community, key: SigningKey, than: str, count: int, kind: str, **members: Any) -> list[str]:
    """So many words in the stranger's name whose digests are smaller than that of a genuine one."""
    found = list[str]()
    limit = sha256(peek(than).payload)
    while len(found) < count:
        word = c.token(key, EAST, kind, **members)
        if sha256(peek(word).payload) < limit:
            found.append(word)
    return found


def _compare_east(c: Community) -> None:
    """People here compared the stranger's genuine key."""
    Partner.objects.create(
        node=EAST, kid=c.east.kid, jwk=c.east.public.to_jwk(), state=Partner.State.VERIFIED, names={"en": "E"}
    )
    PolicyGeneration.bump()
    forget_policy()


# ---- in the name of somebody who was not compared -------------------------------------------------------------------


def test_words_that_were_forged_in_the_name_of_who_was_not_compared_push_out_no_genuine_one(
    in_force: Community,
) -> None:
    c, forger = in_force, SigningKey.generate()
    invitation = c.invited()
    accession = c.acceded(invitation)
    suspended = c.of_east("suspended")
    assert _shown(c, invitation, accession, c.countersigned(accession), suspended) == DONE
    forged = _below(c, forger, suspended, 4, "suspended")
    assert _shown(c, _invited_with(c, forger), *forged, key=forger) == DONE
    assert PartyInstrument.objects.filter(token=suspended).exists()
    # as many are kept of the forger as of anybody, and none of them counts once the key was compared
    assert PartyInstrument.objects.filter(node=EAST, kind="suspended").count() == 1 + 3
    _compare_east(c)
    standing = standing_of(Agreement.objects.get())
    assert [each.name for each in standing.suspensions] == [
        PartyInstrument.objects.get(token=suspended).chosen
    ]
    assert [each.party for each in standing.accessions] == []


def test_in_the_name_of_who_was_compared_nothing_is_taken_under_a_key_that_the_depositary_made(
    in_force: Community,
) -> None:
    c, forger = in_force, SigningKey.generate()
    _compare_east(c)
    invitation, forged = _invited_with(c, forger), c.token(forger, EAST, "suspended")
    assert _shown(c, invitation, forged, key=forger) == DONE
    assert PartyInstrument.objects.filter(token=invitation).exists()
    assert not PartyInstrument.objects.filter(node=EAST).exists()


def test_words_that_were_copied_under_a_made_up_key_make_room_for_the_genuine_ones_once_it_was_compared(
    in_force: Community,
) -> None:
    c, forger = in_force, SigningKey.generate()
    invitation = c.invited()
    accession = c.acceded(invitation)
    invited, copied = _invited_with(c, forger), forger.sign(peek(accession).payload, peek(accession).typ)
    # whoever shows the copy first, or last, leaves the same behind
    held = set()
    for order in permutations((accession, copied)):
        for each in order:
            _shown(c, invitation, invited, each, key=forger)
        held.add(PartyInstrument.objects.get(kind="acceded").token)
        PartyInstrument.objects.filter(kind="acceded").delete()
    assert len(held) == 1
    _shown(c, invitation, invited, copied, key=forger)
    _compare_east(c)
    _shown(c, accession)
    assert PartyInstrument.objects.get(kind="acceded").token == accession
    # nor does the copy come back
    _shown(c, copied, key=forger)
    assert PartyInstrument.objects.get(kind="acceded").token == accession
    assert len(standing_of(Agreement.objects.get()).accessions) == 1


# ---- of oneself -----------------------------------------------------------------------------------------------------


def _decided(c: Community) -> Allowed | Denied:
    return current_policy().decide(c.west.node, REPORT, now().timestamp())


def test_under_a_version_about_which_a_party_says_more_than_is_kept_nothing_flows(
    in_force: Community,
) -> None:
    c = in_force
    narrows = [narrowing_json(Narrowing("1", "takes"))]
    said = [c.of_west("declared", narrows=narrows) for _ in range(4)]
    kept = set()
    for order in permutations(said):
        for number, word in enumerate(order):
            assert told(c.west_lane, "agreement.declared", {"instrument": word}) == DONE
            standing = standing_of(Agreement.objects.get())
            assert (standing.state == State.SUSPENDED) == (number >= 2)
        assert [each.party for each in standing.suspensions] == ["xw"]
        answer = _decided(c)
        assert isinstance(answer, Denied)
        assert answer.reason == "suspended"
        rows = PartyInstrument.objects.filter(kind="declared")
        kept.add(frozenset(rows.values_list("token", flat=True)))
        rows.delete()
    assert [len(each) for each in kept] == [3]
    notice = Notice.objects.get(kind="agreements.too-many-words", resolved=None)
    assert (notice.level, notice.params["node"]) == (Notice.Level.ALARM, c.west.node)


def test_nothing_that_a_party_signs_lifts_what_it_brought_upon_itself_by_saying_too_much(
    in_force: Community,
) -> None:
    c = in_force
    for _ in range(3):
        told(c.west_lane, "agreement.declared", {"instrument": c.of_west("ratified")})
    [held] = standing_of(Agreement.objects.get()).suspensions
    told(c.west_lane, "agreement.declared", {"instrument": c.of_west("resumed", lifts=str(held.name))})
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED


def test_a_notice_is_not_put_off_by_notices_that_are_dated_back(in_force: Community) -> None:
    c, begin = in_force, now()
    with frozen(begin):
        told(c.west_lane, "agreement.declared", {"instrument": c.of_west("left", at=timestamp(begin))})
        given = dict(standing_of(Agreement.objects.get()).leaves)
    assert set(given) == {"xw"}
    with frozen(begin + timedelta(days=30)):
        Partner.objects.filter(node=c.west.node).update(heard_until=now())
        c.west.row.refresh_from_db()
        for minutes in range(1, 6):
            earlier = timestamp(begin - timedelta(minutes=minutes))
            told(c.west_lane, "agreement.declared", {"instrument": c.of_west("left", at=earlier)})
        # three are kept, those of the earliest dates; it was given when the first of all came
        assert PartyInstrument.objects.filter(kind="left").count() == 3
        assert dict(standing_of(Agreement.objects.get()).leaves) == given


def test_who_acceded_does_not_undo_that_by_acceding_again_and_again(in_force: Community) -> None:
    c = in_force
    invitation = c.invited()
    accession = c.acceded(invitation)
    more = _below(c, c.east, accession, 4, "acceded", answers=id_of(invitation), of=c.south.node)
    signed: Sequence[str] = (invitation, accession, c.countersigned(accession))
    _shown(c, *signed)
    _shown(c, *more)
    document = standing_of(Agreement.objects.get()).current
    assert document is not None
    assert document.party_of(EAST) is not None
    assert PartyInstrument.objects.filter(kind="acceded").count() == 1 + 3
    # nor where the many came first: it is taken once the countersignature is here
    PartyInstrument.objects.filter(kind__in=("acceded", "countersigned")).delete()
    _shown(c, *more)
    _shown(c, *signed)
    _shown(c, accession)
    assert PartyInstrument.objects.filter(token=accession).exists()


def test_a_depositary_that_countersigns_too_much_puts_nobody_out_and_stops_everything(
    in_force: Community,
) -> None:
    c = in_force
    invitation = c.invited()
    accession = c.acceded(invitation)
    _shown(c, invitation, accession, c.countersigned(accession))
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE
    for number in range(4):
        told(
            c.south_lane,
            "agreement.declared",
            {"instrument": c.countersigned(accession, sees=f"{number:064x}")},
        )
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED


def test_this_node_lets_go_of_no_word_of_its_own_for_what_is_brought_back_to_it_in_its_name(
    in_force: Community,
) -> None:
    c, ours = in_force, node_key()
    own = [c.token(ours, settings.BASE_URL, "ratified") for _ in range(2)]
    for word in own:
        keeping.keep_instrument(
            parse(peek(word).payload),
            token=word,
            jwk=ours.public.to_jwk(),
            at=now(),
            suggestion=None,
        )
    for _ in range(6):
        word = c.token(ours, settings.BASE_URL, "ratified")
        assert _shown(c, word) == ("refused", "own-word-forged")
        # on its own lane, after a restore, it is believed
        regain_declared({"instrument": word}, c.west_lane.entries[0].header)
    tokens = PartyInstrument.objects.filter(node=settings.BASE_URL, kind="ratified")
    assert set(own) < set(tokens.values_list("token", flat=True))
    assert tokens.count() == 3


# ---- what says nothing of what flows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["declared", "evidence"])
def test_of_what_says_nothing_of_what_flows_the_first_is_kept_and_what_comes_beyond_is_no_news(
    in_force: Community, way: str
) -> None:
    c = in_force
    # the smaller its digest, the earlier one of them would have been kept
    said = sorted((c.of_west("declined") for _ in range(6)), key=_words, reverse=True)
    held = None
    for number, word in enumerate(said):
        if way == "declared":
            assert told(c.west_lane, "agreement.declared", {"instrument": word}) == DONE
        else:
            assert _shown(c, word) == DONE
        if number == 1:
            held = forwarding.held_of(Agreement.objects.get()).keys()
            assert forwarding.compare() == 2
    assert forwarding.held_of(Agreement.objects.get()).keys() == held
    assert forwarding.compare() == 0
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE
    assert Notice.objects.filter(kind="agreements.too-many-words", resolved=None).count() == 1


def _words(token: str) -> str:
    return sha256(peek(token).payload)


def test_an_agreement_that_holds_as_many_words_as_are_kept_in_all_takes_those_that_stop_something_alone(
    in_force: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = in_force
    # that one party ratified it is held already
    monkeypatch.setattr(surplus, "MOST_IN_ALL", 2)
    for kind in ("declined", "declined", "suspended"):
        assert told(c.south_lane, "agreement.declared", {"instrument": c.of_south(kind)}) == DONE
    kinds = PartyInstrument.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["declined", "ratified", "suspended"]
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED


def test_what_was_shown_of_a_word_counts_for_the_one_that_is_kept_instead(in_force: Community) -> None:
    c = in_force
    for word in sorted((c.of_south("suspended") for _ in range(3)), key=_words, reverse=True):
        told(c.south_lane, "agreement.declared", {"instrument": word})
    told(c.west_lane, "agreement.held", {"agreement": str(c.text.id), "held": []})
    forwarding.answer_comparisons()
    before = set(Shown.objects.values_list("mark", flat=True))
    last = PartyInstrument.objects.filter(kind="suspended").order_by("-words")[0]
    word = _smaller(c, last.words)
    told(c.south_lane, "agreement.declared", {"instrument": word})
    assert set(Shown.objects.values_list("mark", flat=True)) == before - {last.mark} | {sha256(word.encode())}


def _smaller(c: Community, than: str) -> str:
    while _words(word := c.of_south("suspended")) >= than:
        pass
    return word


# ---- the same words again -------------------------------------------------------------------------------------------


def _again(token: str, key: SigningKey, count: int) -> list[str]:
    """The same words in other signed texts, each of which is kept instead of the one before it."""
    header, payload = token.split(".")[:2]
    found, padding = list[str](), 0
    private = load_pem_private_key(key.to_pem(), None)
    assert isinstance(private, Ed25519PrivateKey)
    while len(found) < count:
        padding += 1
        # nobody says how much space is in a header
        spaced = urlsafe_b64decode(header.encode()).replace(b":", b":" + b" " * padding)
        said = f"{urlsafe_b64encode(spaced).decode()}.{payload}"
        found.append(f"{said}.{urlsafe_b64encode(private.sign(said.encode())).decode()}")
    return sorted(found, key=lambda each: sha256(each.encode()), reverse=True)


def _shown_of(kind: str) -> list[str]:
    """The instruments of a kind that this node showed to others, oldest first."""
    shown = [each["instrument"] for message in _said("agreement.evidence") for each in message["instruments"]]
    return [each for each in shown if parse(peek(each).payload)["kind"] == kind]


def test_who_signs_the_same_words_again_and_again_makes_no_news_of_it(in_force: Community) -> None:
    c, begin = in_force, now()
    suggestion = c.text.text.decode()
    word = c.of_south("countered", suggestion=sha256(suggestion.encode()))
    held = dict[str, object](agreement=str(c.text.id), held=[])
    for minutes, each in enumerate(_again(word, c.south.key, 10)):
        with frozen(begin + timedelta(minutes=10 * minutes)):
            shown = {**c.evidence(), "instruments": [{"instrument": each, "document": suggestion}]}
            assert told(c.south_lane, "agreement.evidence", shown) == DONE
            assert PartyInstrument.objects.get(kind="countered").token == each
            assert told(c.west_lane, "agreement.held", held) == DONE
            forwarding.answer_comparisons()
    assert len(_shown_of("countered")) == 1
    with frozen(begin + timedelta(days=2)):
        assert told(c.west_lane, "agreement.held", held) == DONE
        forwarding.answer_comparisons()
    assert _shown_of("countered")[1:] == [PartyInstrument.objects.get(kind="countered").token]


@pytest.mark.parametrize("kind", ["suspended", "left"])
def test_nor_does_who_signs_other_words_that_are_kept_instead(in_force: Community, kind: str) -> None:
    c, begin = in_force, now()

    def word(days: int) -> str:
        return c.of_west(kind, at=timestamp(begin - timedelta(days=days)))

    words = [word(days) for days in range(1, 13)]
    if kind == "suspended":
        words = sorted(words, key=lambda each: sha256(peek(each).payload), reverse=True)
    for minutes, each in enumerate(words):
        with frozen(begin + timedelta(minutes=10 * minutes)):
            assert told(c.west_lane, "agreement.evidence", c.evidence(each)) == DONE
            assert PartyInstrument.objects.filter(token=each).exists()
            held = {"agreement": str(c.text.id), "held": []}
            assert told(c.south_lane, "agreement.held", held) == DONE
            forwarding.answer_comparisons()
    assert _shown_of(kind) == words[:3]
    kept = PartyInstrument.objects.filter(kind=kind)
    assert Shown.objects.filter(mark__in=kept.values("mark")).count() == kept.count() == 3
    with frozen(begin + timedelta(days=2)):
        assert told(c.south_lane, "agreement.held", held) == DONE
        forwarding.answer_comparisons()
    assert set(_shown_of(kind)[3:]) == set(words[-3:])


def test_nor_does_who_dates_one_signature_back_again_and_again(in_force: Community) -> None:
    c, begin = in_force, now()
    for days in range(5):
        signature = c.of_south(at=timestamp(begin - timedelta(days=1 + days)))
        shown = c.evidence(signatures=(signature,))
        assert told(c.south_lane, "agreement.evidence", shown) == DONE
        assert PartySignature.objects.get(node=c.south.node).token == signature
        assert told(c.west_lane, "agreement.held", {"agreement": str(c.text.id), "held": []}) == DONE
        forwarding.answer_comparisons()
    signed = [each for message in _said("agreement.evidence") for each in message["signatures"]]
    assert sum(parse(peek(each).payload)["node"] == c.south.node for each in signed) == 1


def test_an_accession_that_was_countersigned_stands_however_often_it_is_signed_again(
    in_force: Community,
) -> None:
    c = in_force
    invitation = c.invited()
    genuine = c.acceded(invitation)
    first, second = _again(genuine, c.east, 2)
    word = c.countersigned(first)
    # whichever comes first, all hold that which was countersigned
    for order in permutations((first, second, word)):
        for each in (invitation, *order, first):
            _shown(c, each)
        assert PartyInstrument.objects.get(kind="acceded").token == first
        assert "xe" in standing_of(Agreement.objects.get()).signatories
        PartyInstrument.objects.filter(kind__in=("acceded", "countersigned")).delete()


def test_who_signs_its_accession_again_and_again_is_countersigned_once(cast: Cast) -> None:
    south, east = partner(), partner(nation="XE")
    agreement = agreement_in_force(south, accession="by-invitation")
    lane = accede(cast.officer.actor, agreement, east)
    genuine = PartyInstrument.objects.get(kind="acceded").token
    for each in _again(genuine, east.key, 5):
        assert told(lane, "agreement.declared", {"instrument": each}) == DONE
        assert countersign(agreement) == 0
    assert PartyInstrument.objects.filter(kind="countersigned").count() == 1


def test_however_much_parties_say_there_is_room_to_countersign_who_accedes(cast: Cast) -> None:
    south, east = partner(), partner(nation="XE")
    agreement = agreement_in_force(south, accession="by-invitation")
    about = Version.objects.get().digest
    for _each in range(5):
        instrument_kept(south.node, agreement.id, about, "lifted")
    PartyInstrument.objects.update(jwk=south.key.public.to_jwk())
    assert countersign(agreement) == 1
    accede(cast.officer.actor, agreement, east)
    assert "new" in standing_of(agreement).signatories


# ---- what it costs --------------------------------------------------------------------------------------------------


def test_invitations_are_read_once_for_all_words_of_a_message(in_force: Community) -> None:
    c = in_force
    assert _shown(c, c.invited()) == DONE
    nobody = [c.token(c.east, f"https://n{number}.example", "suspended") for number in range(20)]
    signatures = tuple(c.token(c.east, f"https://n{number}.example") for number in range(20))
    c.west_lane.say("agreement.evidence", c.evidence(*nobody, c.of_east("suspended"), signatures=signatures))
    with CaptureQueriesContext(connection) as asked:
        assert c.west_lane.deliver()[-1] == DONE
    sql = [each["sql"] for each in asked]
    assert sum(bool(re.search(r"party\W+kid", each)) for each in sql) == 1
    # nor is the version looked for, and read, for each
    assert sum('"agreements_version"' in each for each in sql) < len(nobody)
    assert PartyInstrument.objects.filter(node=EAST, kind="suspended").count() == 1


def test_whom_a_message_invites_speaks_in_the_same_message(in_force: Community) -> None:
    c = in_force
    invitation = c.invited()
    nobody = c.token(c.east, "https://nobody.example", "suspended")
    assert _shown(c, nobody, c.acceded(invitation), invitation) == DONE
    taken = PartyInstrument.objects.exclude(kind="ratified").values_list("kind", flat=True)
    assert sorted(taken) == ["acceded", "invited"]
