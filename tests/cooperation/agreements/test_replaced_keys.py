"""What a thief of a key says in its owner's name, and what its owner did say with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from taawun.cooperation.agreements import doubting, forwarding, keeping, proposals, versions
from taawun.cooperation.agreements.actions import countersign
from taawun.cooperation.agreements.document import parse, write
from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
    Version,
)
from taawun.cooperation.agreements.proposals import PROPOSAL_TYP
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.regaining import regain_declared, regain_proposed, regain_signed
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity import keys, own_keys, quarantine
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import LaneEntry, OwnKey, Partner, PartnerKey
from taawun.cooperation.partners.restored import returning
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import frozen, now, parse_timestamp, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import canonical
from taawun.foundation.strict_json import parse as parse_json
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import Cast, PartnerNode, agreement_in_force, agreement_proposed, document, partner
from tests.cooperation.agreements.test_instruments import (
    DONE,
    Community,
    _bundle,
    community,
    in_force,
    invited_here,
    told,
)
from tests.cooperation.agreements.test_shown import _rotated
from tests.cooperation.federation.newcomers import accede

__all__ = ["community", "in_force", "invited_here"]


def _replace_own_key() -> SigningKey:
    """This node signs with another key since yesterday; the one before it."""
    first, second, at = node_key(), SigningKey.generate(), now() - timedelta(days=1)
    OwnKey.objects.create(position=0, kid=first.kid, jwk=first.public.to_jwk(), until=at)
    OwnKey.objects.create(position=1, kid=second.kid, jwk=second.public.to_jwk(), since=at)
    return first


def test_a_thief_of_a_key_that_this_node_replaced_says_nothing_in_its_name_and_is_alarmed_about(
    in_force: Community,
) -> None:
    c, first = in_force, _replace_own_key()
    dated_back = timestamp(now() - timedelta(days=2))
    forged = c.token(first, settings.BASE_URL, "left", at=dated_back)
    assert told(c.west_lane, "agreement.evidence", c.evidence(forged)) == ("refused", "own-word-forged")
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE
    notice = Notice.objects.get(kind="agreements.own-word-forged", resolved=None)
    assert (notice.level, notice.params["node"], notice.params["kid"]) == (
        Notice.Level.ALARM,
        c.west.node,
        first.kid,
    )
    kind = registry.get(NoticeKind, notice.kind)
    assert first.kid in kind.sentence(notice.params)
    assert kind.address(notice.params).endswith(f"/{c.west.row.id}/")


def test_what_came_with_a_forged_word_of_this_node_is_taken_and_the_alarm_raised(in_force: Community) -> None:
    c, first = in_force, _replace_own_key()
    signature = c.token(first, settings.BASE_URL, digest="d" * 64)
    shown = c.evidence(c.of_south("suspended"), signatures=(signature,))
    assert told(c.west_lane, "agreement.evidence", shown) == DONE
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED
    assert Notice.objects.filter(kind="agreements.own-word-forged", resolved=None).count() == 1


def test_what_this_node_did_say_under_a_key_of_before_is_no_forgery(in_force: Community) -> None:
    c, ours = in_force, PartySignature.objects.get(node=settings.BASE_URL)
    _replace_own_key()
    shown = c.evidence(signatures=(ours.token,))
    assert told(c.west_lane, "agreement.evidence", shown) == DONE
    assert not Notice.objects.filter(kind="agreements.own-word-forged").exists()


def test_a_version_that_a_thief_proposes_under_a_key_that_this_node_replaced_is_not_taken(
    in_force: Community,
) -> None:
    c, first = in_force, _replace_own_key()
    text = parse(write(replace(c.text, version=2)))
    word = c.token(first, settings.BASE_URL, digest=text.digest)
    said = parse_json(peek(word).payload)
    proposal = first.sign(canonical({**said, "id": str(uuid4())}), PROPOSAL_TYP)
    shown = c.evidence(documents=[text.text.decode()], proposals=[proposal])
    assert told(c.west_lane, "agreement.evidence", shown) == ("refused", "own-word-forged")
    assert Version.objects.count() == 1


def test_what_a_replaced_key_of_a_partner_signed_counts_once_its_owner_stands_for_it(
    in_force: Community,
) -> None:
    c = in_force
    word = c.of_west("left", at=timestamp(now() - timedelta(days=1)))
    c.west_lane.sender = PartnerNode(c.west.row, _rotated(c.west))
    shown = c.evidence(word)
    assert told(c.south_lane, "agreement.evidence", shown) == ("refused", "retired-key")
    assert not PartyInstrument.objects.filter(kind="left").exists()
    held = {"agreement": str(c.text.id), "held": [sha256(word.encode())]}
    # whoever else says that it holds it proves nothing
    assert told(c.south_lane, "agreement.held", held) == DONE
    assert told(c.south_lane, "agreement.evidence", shown) == ("refused", "retired-key")
    assert told(c.west_lane, "agreement.held", held) == DONE
    assert told(c.south_lane, "agreement.evidence", shown) == DONE
    assert PartyInstrument.objects.filter(kind="left").exists()


def test_the_owner_of_a_replaced_key_brings_what_it_signed_with_it_itself(in_force: Community) -> None:
    c = in_force
    word = c.of_west("suspended")
    c.west_lane.sender = PartnerNode(c.west.row, _rotated(c.west))
    assert told(c.west_lane, "agreement.evidence", c.evidence(word)) == DONE
    assert standing_of(Agreement.objects.get()).state == State.SUSPENDED


def test_a_newcomer_takes_what_a_party_signed_before_it_replaced_its_key_and_nothing_said_to_be_later(
    invited_here: Community,
) -> None:
    c = invited_here
    early, late = timestamp(now() - timedelta(days=1)), timestamp(now() + timedelta(seconds=30))
    bundle = _bundle(c)
    bundle["signatures"] = [c.of_south(), c.of_west(at=early)]
    word = c.of_west("suspended", at=late)
    _rotated(c.west)
    assert told(c.south_lane, "agreement.evidence", bundle) == DONE
    assert PartySignature.objects.filter(node=c.west.node).count() == 1
    assert told(c.south_lane, "agreement.evidence", c.evidence(word)) == ("refused", "retired-key")


def _next_key(c: Community, *, revoked_since: datetime | None = None) -> SigningKey:
    """West signs with another key; what came under the one before it after that instant is out."""
    row, key = Partner.objects.get(id=c.west.row.id), SigningKey.generate()
    PartnerKey.objects.create(
        partner=row,
        kid=row.kid,
        jwk=row.jwk,
        position=row.earlier_keys.count(),
        replaced=now(),
        revoked_since=revoked_since,
    )
    Partner.objects.filter(id=row.id).update(kid=key.kid, jwk=key.public.to_jwk())
    row = Partner.objects.get(id=row.id)
    c.west_lane.sender = PartnerNode(row, key)
    quarantine.mark(row, keys.lineage_of(row))
    quarantine.carry_out(row)
    return key


def test_a_signature_that_a_thief_dated_back_makes_room_for_the_genuine_one_once_its_key_is_revoked(
    in_force: Community,
) -> None:
    c, said = in_force, now() - timedelta(days=3)
    genuine = PartySignature.objects.get(node=c.west.node)
    PartySignature.objects.filter(id=genuine.id).update(received=said, at=said)
    forged = c.of_west(at=timestamp(said - timedelta(days=30)))
    assert told(c.south_lane, "agreement.evidence", c.evidence(signatures=(forged,))) == DONE
    assert PartySignature.objects.get(id=genuine.id).token == forged
    key = _next_key(c, revoked_since=now() - timedelta(days=1))
    again = key.sign(peek(genuine.token).payload, peek(genuine.token).typ)
    assert told(c.west_lane, "agreement.signed", {"signature": again}) == DONE
    row = PartySignature.objects.get(id=genuine.id)
    assert row.token == again
    # its owner signed it when it says so, and not when the thief did
    assert row.at == parse_timestamp(parse_json(peek(genuine.token).payload)["at"])
    assert told(c.south_lane, "agreement.evidence", c.evidence(signatures=(forged,))) == (
        "refused",
        "revoked-key",
    )


def test_words_that_a_thief_copied_under_a_key_that_is_revoked_make_room_for_those_under_an_older_one(
    in_force: Community,
) -> None:
    c = in_force
    word = c.of_west("declined")
    assert told(c.west_lane, "agreement.declared", {"instrument": word}) == DONE
    PartyInstrument.objects.update(received=now() - timedelta(days=3))
    stolen = _next_key(c)
    copied = stolen.sign(peek(word).payload, peek(word).typ)
    assert told(c.south_lane, "agreement.evidence", c.evidence(copied)) == DONE
    assert PartyInstrument.objects.get(kind="declined").token == copied
    _next_key(c, revoked_since=now() - timedelta(days=1))
    assert told(c.west_lane, "agreement.evidence", c.evidence(word)) == DONE
    assert PartyInstrument.objects.get(kind="declined").token == word


def test_who_acceded_and_revokes_its_key_is_a_party_from_when_it_was(cast: Cast) -> None:
    south, east = partner(), partner(nation="XE")
    agreement = agreement_in_force(south, accession="by-invitation")
    lane = accede(cast.officer.actor, agreement, east)
    acceded = PartyInstrument.objects.get(kind="acceded")
    since = standing_of(agreement).windows
    PartyInstrument.objects.filter(id=acceded.id).update(received=now() - timedelta(days=3))
    lane.sender = PartnerNode(east.row, _rotated(east, revoked_since=now() - timedelta(days=1)))
    again = lane.sender.key.sign(peek(acceded.token).payload, peek(acceded.token).typ)
    assert told(lane, "agreement.declared", {"instrument": again}) == DONE
    assert PartyInstrument.objects.get(id=acceded.id).token == again
    # the depositary needs not say it once more, nor could it keep it out by saying nothing
    assert "new" in standing_of(agreement).signatories
    assert standing_of(agreement).windows == since
    assert countersign(agreement) == 0


def test_what_a_thief_said_that_an_author_holds_is_not_its_authors_word_once_its_key_is_revoked(
    in_force: Community,
) -> None:
    c = in_force
    word = c.of_west("left", at=timestamp(now() - timedelta(days=1)))
    _next_key(c)
    held = {"agreement": str(c.text.id), "held": [sha256(word.encode())]}
    assert told(c.west_lane, "agreement.held", held) == DONE
    honest = Comparison.objects.create(lineage=c.text.id, node=c.west.node, prefix="0", held=["0" * 64])
    _next_key(c, revoked_since=now() - timedelta(hours=1))
    assert list(Comparison.objects.all()) == [honest]
    assert told(c.south_lane, "agreement.evidence", c.evidence(word)) == ("refused", "retired-key")


def test_a_word_that_its_party_revoked_and_says_again_much_later_counts_from_then_on(
    in_force: Community,
) -> None:
    c, began = in_force, now()
    word = c.of_west("left")
    assert told(c.west_lane, "agreement.declared", {"instrument": word}) == DONE
    # the others have never heard of it
    key = _next_key(c, revoked_since=now() - timedelta(minutes=1))
    assert not PartyInstrument.objects.filter(kind="left").exists()
    later = began + timedelta(days=60)
    Partner.objects.filter(id=c.west.row.id).update(heard_until=later)
    c.west_lane.sender = PartnerNode(Partner.objects.get(id=c.west.row.id), key)
    with frozen(later):
        again = key.sign(peek(word).payload, peek(word).typ)
        assert told(c.west_lane, "agreement.declared", {"instrument": again}) == DONE
    row = PartyInstrument.objects.get(kind="left")
    assert row.at > later - timedelta(hours=1)
    assert row.received == later


# ---- the key that this node signs with -----------------------------------------------------------------------------


@pytest.fixture
def home(node: Organisation, settings: Any, tmp_path: Path) -> Path:
    """The node's home, with a key and a recovery key. Any: settings are of whatever type."""
    settings.HOME = tmp_path
    keys.create_keys()
    return tmp_path


def _revoke() -> own_keys.Rotated:
    recovery = SigningKey.from_pem(keys.recovery_file().read_bytes())
    return own_keys.revoke(SystemActor("console"), recovery, now() - timedelta(days=3))


def test_a_thief_of_the_key_that_this_node_signs_with_says_nothing_in_its_name_and_is_alarmed_about(
    in_force: Community,
) -> None:
    c = in_force
    forged = c.token(node_key(), settings.BASE_URL, "left", at=timestamp(now() - timedelta(minutes=5)))
    assert told(c.west_lane, "agreement.evidence", c.evidence(forged)) == ("refused", "own-word-forged")
    standing = standing_of(Agreement.objects.get())
    assert (standing.state, standing.leaves) == (State.IN_FORCE, {})
    assert not PartyInstrument.objects.filter(node=settings.BASE_URL).exists()
    notice = Notice.objects.get(kind="agreements.own-word-forged", resolved=None)
    kid = node_key().kid
    assert (notice.level, notice.params["node"], notice.params["kid"]) == (
        Notice.Level.ALARM,
        c.west.node,
        kid,
    )
    assert f"`taawun key revoke --key {kid}`" in registry.get(NoticeKind, notice.kind).mend(notice.params)


def test_an_agreement_that_a_thief_signs_in_the_name_of_this_node_binds_it_neither_before_nor_after_it_revokes(
    home: Path, community: Community, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    c = community
    text = parse(write(document(c.south, depositary=c.south, notice_days=0)))
    thiefs = replace(c, text=text)
    said = {"agreement": str(text.id), "digest": text.digest, "node": c.south.node, "at": timestamp(now())}
    proposed = {"document": text.text.decode(), "proposal": c.south.key.sign(canonical(said), PROPOSAL_TYP)}
    assert told(c.south_lane, "agreement.proposed", proposed) == DONE
    forged = thiefs.token(node_key(), settings.BASE_URL)
    shown = thiefs.evidence(signatures=(thiefs.of_south(), forged))
    assert told(c.south_lane, "agreement.evidence", shown) == DONE
    agreement = Agreement.objects.get(id=text.id)
    assert standing_of(agreement).state == State.PROPOSED
    assert [each.node for each in PartySignature.objects.all()] == [c.south.node]
    assert Notice.objects.filter(kind="agreements.own-word-forged", resolved=None).count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert _revoke().repeated == 0
    assert standing_of(agreement).state == State.PROPOSED
    # nor does it afterwards, under the key that is revoked now
    assert told(c.south_lane, "agreement.evidence", thiefs.evidence(signatures=(forged,))) == (
        "refused",
        "revoked-key",
    )


def test_a_version_that_a_thief_proposes_with_the_key_of_this_node_is_not_taken(community: Community) -> None:
    c = community
    first = Version.objects.get(agreement=agreement_proposed(c.south, c.west)).document()
    text = parse(write(replace(first, version=2)))
    said = {
        "agreement": str(text.id),
        "digest": text.digest,
        "node": settings.BASE_URL,
        "at": timestamp(now()),
    }
    shown = {
        **c.evidence(
            documents=[text.text.decode()], proposals=[node_key().sign(canonical(said), PROPOSAL_TYP)]
        ),
        "agreement": str(text.id),
    }
    assert told(c.west_lane, "agreement.evidence", shown) == ("refused", "own-word-forged")
    assert [each.digest for each in Version.objects.all()] == [first.digest]


def test_who_says_that_it_holds_a_forged_word_of_this_node_is_asked_for_it_and_nothing_of_it_is_taken_or_listed(
    in_force: Community,
) -> None:
    c = in_force
    forged = c.token(node_key(), settings.BASE_URL, "suspended")
    mark = sha256(forged.encode())
    assert told(c.south_lane, "agreement.held", {"agreement": str(c.text.id), "held": [mark]}) == DONE
    assert forwarding.answer_comparisons() == 1
    last = LaneEntry.objects.filter(lane__sender=None, kind="agreement.held").latest("id")
    asked = json.loads(contents.get(last.content_digest))
    own = PartySignature.objects.get(node=settings.BASE_URL)
    assert mark not in asked["held"]
    assert sha256(own.token.encode()) in asked["held"]
    # the one that was told it may have been deceived itself
    for _time in range(2):
        shown = c.evidence(forged, signatures=(own.token,))
        assert told(c.south_lane, "agreement.evidence", shown) == DONE
    assert standing_of(Agreement.objects.get()).state == State.IN_FORCE
    assert not PartyInstrument.objects.filter(node=settings.BASE_URL).exists()
    notice = Notice.objects.get(kind="agreements.own-word-forged", resolved=None)
    assert (notice.params["node"], notice.times) == (c.south.node, 2)


def test_what_this_node_may_still_know_again_while_it_returns_raises_no_alarm_and_is_not_taken_from_others(
    in_force: Community,
) -> None:
    c = in_force
    returning.begin(SystemActor("console"))
    lost = c.token(node_key(), settings.BASE_URL, "suspended", to=[c.south.node])
    assert told(c.west_lane, "agreement.evidence", c.evidence(lost)) == ("refused", "own-word-forged")
    assert not Notice.objects.filter(kind="agreements.own-word-forged").exists()
    # it is in what a partner brings of this node's own lane
    regain_declared({"instrument": lost}, c.west_lane.entries[0].header)
    assert told(c.west_lane, "agreement.evidence", c.evidence(lost)) == DONE


def test_a_revocation_signs_again_what_this_node_said_or_knew_again_and_sets_the_rest_aside(
    home: Path, in_force: Community, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    c, key, header = in_force, node_key(), in_force.west_lane.entries[0].header
    regained = c.token(key, settings.BASE_URL, "declined", to=[c.south.node])
    regain_declared({"instrument": regained}, header)
    signed = PartySignature.objects.get(node=settings.BASE_URL)
    PartySignature.objects.filter(id=signed.id).delete()
    regain_signed({"signature": signed.token}, header)
    # as if they had found a way in here
    forged = c.token(key, settings.BASE_URL, "suspended")
    words = parse_json(peek(forged).payload)
    jwk = key.public.to_jwk()
    keeping.keep_instrument(words, token=forged, jwk=jwk, at=now(), suggestion=None)
    signature = c.token(key, settings.BASE_URL)
    keeping.keep_signature(c.text.id, "d" * 64, settings.BASE_URL, token=signature, jwk=jwk, at=now())
    text = parse(write(document(c.south, notice_days=0)))
    versions.keep_version(text)
    assert standing_of(Agreement.objects.get(id=c.text.id)).state == State.SUSPENDED

    with django_capture_on_commit_callbacks(execute=True):
        done = _revoke()

    assert done.repeated == 2
    assert standing_of(Agreement.objects.get(id=c.text.id)).state == State.IN_FORCE
    again = PartySignature.objects.get(node=settings.BASE_URL)
    word = PartyInstrument.objects.get(node=settings.BASE_URL)
    assert (peek(again.token).kid, peek(word.token).kid) == (done.kid, done.kid)
    assert (peek(again.token).payload, peek(word.token).payload) == (
        peek(signed.token).payload,
        peek(regained).payload,
    )
    assert not Agreement.objects.filter(id=text.id).exists()
    said = [
        contents.get(each).decode()
        for each in LaneEntry.objects.filter(lane__sender=None).values_list("content_digest", flat=True)
    ]
    assert not any(forged in each or text.digest in each for each in said)
    kind = registry.get(NoticeKind, "agreements.own-words-unsaid")
    code = Agreement.objects.get(id=c.text.id).code
    notices = {each.params["code"]: each for each in Notice.objects.filter(kind=kind.name, resolved=None)}
    assert {name: each.params["words"] for name, each in notices.items()} == {
        code: "signed suspended",
        str(text.id): "proposed",
    }
    assert kind.sentence(notices[code].params) == (
        "This node revoked its key, and held in its own name what it does not know to have said about "
        f"{code}: signature and suspended."
    )
    assert kind.address(notices[code].params) == reverse("agreement", args=[c.text.id])
    assert kind.address(notices[str(text.id)].params) == reverse("agreements")
    assert doubting.repeat(now()) == 0


def test_a_version_that_this_node_knows_again_is_proposed_again_when_it_revokes_its_key(
    home: Path, community: Community, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    c = community
    text = parse(write(document(c.south, notice_days=0)))
    header = c.south_lane.write(kind="tests.word", subject="urn:x:1").header
    regain_proposed({"document": text.text.decode(), "proposal": proposals.sign(text)}, header)
    with django_capture_on_commit_callbacks(execute=True):
        done = _revoke()
    assert peek(Version.objects.get().proposal).kid == done.kid
    assert not Notice.objects.filter(kind="agreements.own-words-unsaid").exists()


# ---- what it costs -------------------------------------------------------------------------------------------------


def test_what_an_author_told_that_it_holds_is_read_once_a_message(in_force: Community) -> None:
    c = in_force
    words = [c.of_west("declined") for _each in range(40)]
    held = PartySignature.objects.get(node=c.west.node).token
    _rotated(c.west)
    for prefix in ("", *forwarding.PREFIXES):
        Comparison.objects.create(lineage=c.text.id, node=c.west.node, prefix=prefix, held=["f" * 64])
    c.south_lane.say("agreement.evidence", c.evidence(*words))
    with CaptureQueriesContext(connection) as asked:
        assert c.south_lane.deliver()[-1] == ("refused", "retired-key")
    reads = [each["sql"] for each in asked if "agreements_comparison" in each["sql"]]
    assert 1 < len(reads) <= 1 + len(forwarding.PREFIXES)
    assert sum("partners_partnerkey" in each["sql"] for each in asked) < len(words) / 4
    # one that is repeated is looked at once, and one that is held is not
    c.south_lane.say("agreement.evidence", c.evidence(*[words[0]] * 100, signatures=(held,) * 100))
    with CaptureQueriesContext(connection) as asked:
        assert c.south_lane.deliver()[-1] == DONE
    assert sum("agreements_comparison" in each["sql"] for each in asked) == 2


def test_a_word_that_names_another_agreement_than_its_message_brings_in_no_version(
    in_force: Community,
) -> None:
    c = in_force
    text = parse(write(replace(c.text, version=2)))
    said = {"agreement": str(uuid4()), "digest": text.digest, "node": c.south.node, "at": timestamp(now())}
    proposal = c.south.key.sign(canonical(said), PROPOSAL_TYP)
    _rotated(c.south)
    shown = c.evidence(documents=[text.text.decode()], proposals=[proposal])
    assert told(c.west_lane, "agreement.evidence", shown) == ("refused", "unsigned")
    assert Version.objects.count() == 1


@pytest.mark.parametrize("nothing", [None, 7, [], {}])
def test_what_is_no_signed_text_is_refused_alone(in_force: Community, nothing: object) -> None:
    c = in_force
    bad: dict[str, Any] = c.evidence(signatures=())
    bad["signatures"], bad["instruments"] = [nothing], [{"instrument": nothing}]
    assert told(c.south_lane, "agreement.evidence", bad) == ("refused", "malformed")
    bad["instruments"].append({"instrument": c.of_west("declined")})
    assert told(c.south_lane, "agreement.evidence", bad) == DONE
