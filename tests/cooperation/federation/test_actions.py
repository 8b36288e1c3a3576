"""Publishing and withdrawing: what a clause lets out, over which lane, together or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connections, transaction

from taawun.cooperation.agreements.actions import changed, suspend, terminate
from taawun.cooperation.agreements.document import Party, parse, write
from taawun.cooperation.agreements.models import Agreement, PartySignature, Version
from taawun.cooperation.agreements.policy import Origin
from taawun.cooperation.federation.actions import Draft, publish, withdraw
from taawun.cooperation.federation.decisions import nobody, preview
from taawun.cooperation.federation.errors import NobodyReceives, ReleaseRefused
from taawun.cooperation.federation.exchange import readable
from taawun.cooperation.federation.history import admit_newcomers
from taawun.cooperation.federation.models import Passage, Release
from taawun.cooperation.federation.queries import passages_of, readable_releases
from taawun.cooperation.partners.actions import verify
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import chain, contents, lanes
from taawun.cooperation.partners.models import Content, Lane, LaneEntry, LaneReader, Partner
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.registry import NotRegistered
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    document,
    partner,
    sign_version,
)
from tests.cooperation.conftest import Notes

CONTENT = b'{"note":1}'


def draft(subject: str = "urn:test:1", **changes: Any) -> Draft:
    """A note of ours; ``changes`` are members of whatever type each has."""
    return replace(Draft("tests.note", subject, "1", "A note", Tlp.GREEN, CONTENT), **changes)


@pytest.fixture
def south(cast: Cast, notes: Notes) -> PartnerNode:
    return partner()


@pytest.fixture
def east(south: PartnerNode) -> PartnerNode:
    return partner("Eastern CERT", nation="XE")


def _lanes() -> list[tuple[str, set[str], int]]:
    """Each clause lane: its clause, who may read it, and its head."""
    return [
        (lane.clause, {each.partner.node for each in lane.readers.all()}, lane.head_seq)
        for lane in Lane.objects.filter(sender=None, purpose="clause").order_by("opened")
    ]


def _may(reader: PartnerNode, release: Release) -> bool:
    """Whether a partner gets the content over any lane it reads."""
    entries = LaneEntry.objects.filter(passage__release=release, lane__readers__partner=reader.row)
    reader.row.refresh_from_db()
    return any(readable(entry.lane, [entry], reader.row)[0] for entry in entries.select_related("lane"))


# ---- publishing -----------------------------------------------------------------------------------------------------


def test_a_release_leaves_signed_over_the_lane_of_the_clause_that_allowed_it(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south, clauses=(clause("2.1", tlp_max=Tlp.AMBER),))
    release = publish(
        cast.analyst.actor,
        draft(
            topics=frozenset({"attack:T1566"}),
            licence="CC-BY-4.0",
            languages=("en", "ar"),
            content=b'{"a":\n1}',
        ),
    )
    digest = Version.objects.get(agreement=agreement).digest
    [passage] = passages_of(release)
    lane = passage.entry.lane
    header = chain.read_header(passage.entry.header, node_key().public)
    assert (header.lane, header.sender, header.seq, header.clause) == (lane.id, settings.BASE_URL, 1, "2.1")
    assert (header.kind, header.subject, header.version, header.action) == (
        "tests.note",
        "urn:test:1",
        "1",
        "publish",
    )
    assert (header.tlp, header.topics, header.licence) == (Tlp.GREEN, ("attack:T1566",), "CC-BY-4.0")
    assert (header.languages, header.audience, header.agreement) == (("en", "ar"), (), digest)
    # a line break would end the lane's line; it becomes a space before the digest is taken
    assert contents.get(header.digest) == b'{"a": 1}'
    assert (header.digest, header.size, release.digest) == (sha256(b'{"a": 1}'), 8, header.digest)
    opening = chain.read_header(lane.entries.get(seq=0).header, node_key().public)
    assert (opening.kind, opening.audience, header.prev) == (
        "lane.opened",
        (south.node,),
        chain.digest_of(lane.entries.get(seq=0).header),
    )
    assert (passage.agreement, passage.document, passage.clause) == (agreement.id, digest, "2.1")
    assert _lanes() == [("2.1", {south.node}, 1)]
    assert Partner.objects.get(id=south.row.id).wants_push
    audit = AuditEntry.objects.get(verb="federation.published")
    assert audit.details["receivers"] == [south.node]
    assert audit.details["clauses"] == ["AG-001 § 2.1"]


def test_what_nobody_may_have_is_not_published_at_all(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south, clauses=(clause(tlp_max=Tlp.GREEN),))
    for refused, audience in (
        (draft(tlp=Tlp.AMBER), None),
        (draft(), []),
        (draft(), ["https://other.example"]),
    ):
        with pytest.raises(NobodyReceives):
            publish(cast.analyst.actor, refused, audience)
    assert (Release.objects.count(), _lanes()) == (0, [])
    assert not Content.objects.filter(digest=sha256(CONTENT)).exists()
    assert not AuditEntry.objects.filter(verb="federation.published").exists()


def test_only_whom_the_kind_permits_publishes(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    for member in (cast.administrator, cast.trainee, cast.observer, cast.stranger, cast.former):
        with pytest.raises(NotAllowed):
            publish(member.actor, draft())
    with pytest.raises(NotRegistered):
        publish(cast.analyst.actor, draft(kind="tests.unheard"))
    assert not Release.objects.exists()


def test_the_same_version_with_the_same_content_is_published_once(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    first = publish(cast.analyst.actor, draft())
    assert publish(cast.analyst.actor, draft()) == first
    assert _lanes() == [("1", {south.node}, 1)]
    with pytest.raises(ReleaseRefused) as refused:
        publish(cast.analyst.actor, draft(content=b'{"note":2}'))
    assert refused.value.code == "version-exists"
    assert publish(cast.analyst.actor, draft(content=b'{"note":2}', version="2")) != first
    assert _lanes() == [("1", {south.node}, 2)]


@pytest.mark.django_db(transaction=True)
def test_two_that_publish_the_same_at_once_publish_it_once(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    published: list[object] = []

    def run() -> None:
        try:
            published.append(publish(cast.analyst.actor, draft()).id)
        finally:
            connections.close_all()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert published == [Release.objects.get().id] * 4
    assert _lanes() == [("1", {south.node}, 1)]


def test_a_fault_between_two_lanes_leaves_nothing_of_either(
    cast: Cast, south: PartnerNode, east: PartnerNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement_in_force(south)
    agreement_in_force(east)
    before = (LaneEntry.objects.count(), AuditEntry.objects.count())
    appended = []
    append = lanes.append

    def failing(lane: Lane, items: Any) -> list[LaneEntry]:
        held = list(items)
        if held[0].kind == "tests.note":
            appended.append(lane.clause)
            if len(appended) == 2:
                raise RuntimeError("the machine stops")
        return append(lane, held)

    monkeypatch.setattr(lanes, "append", failing)
    with pytest.raises(RuntimeError), transaction.atomic():
        publish(cast.analyst.actor, draft())
    assert len(appended) == 2
    assert (LaneEntry.objects.count(), AuditEntry.objects.count()) == before
    assert (Release.objects.count(), Passage.objects.count(), _lanes()) == (0, 0, [])
    assert not Content.objects.filter(digest=sha256(CONTENT)).exists()
    monkeypatch.setattr(lanes, "append", append)
    release = publish(cast.analyst.actor, draft())
    assert passages_of(release).count() == 2


def test_each_party_receives_over_its_strictest_clause(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement_in_force(
        south,
        east,
        clauses=(
            clause("wide", tlp_max=Tlp.RED),
            clause("south", receivers=("xs",), tlp_max=Tlp.GREEN),
        ),
    )
    publish(cast.analyst.actor, draft())
    # east's clause is also south's: its lane is read by both, and south keeps one copy of two provenances
    assert sorted(_lanes()) == [("south", {south.node}, 1), ("wide", {south.node, east.node}, 1)]


def test_a_chosen_audience_travels_on_a_lane_that_only_its_members_see(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement_in_force(south, east)
    release = publish(cast.analyst.actor, draft(), [south.node])
    publish(cast.analyst.actor, draft("urn:test:2"))
    publish(cast.analyst.actor, draft("urn:test:3"), [south.node])
    assert _lanes() == [("1", {south.node}, 2), ("1", {south.node, east.node}, 1)]
    header = chain.read_header(passages_of(release)[0].entry.header, node_key().public)
    assert header.audience == (south.node,)
    assert (_may(south, release), _may(east, release)) == (True, False)
    assert (list(readable_releases(east.node).values_list("subject", flat=True))) == ["urn:test:2"]


def test_a_party_that_is_compared_later_receives_what_was_published_before(
    cast: Cast, south: PartnerNode
) -> None:
    late = partner(nation="XL", state=Partner.State.MET)
    agreement_in_force(south, late)
    release = publish(cast.analyst.actor, draft())
    assert AuditEntry.objects.get(verb="federation.published").details["receivers"] == [south.node]
    assert LaneReader.objects.filter(partner=late.row, lane__purpose="clause").count() == 1
    assert not _may(late, release)
    verify(cast.administrator.actor, late.row, late.key.kid)
    assert _may(late, release)


@pytest.mark.parametrize(("history", "gives"), [("all", True), ("from-accession", False)])
def test_a_party_that_has_not_signed_receives_nothing_until_it_has_and_then_what_the_clause_gives(
    cast: Cast, south: PartnerNode, east: PartnerNode, history: str, gives: bool
) -> None:
    agreement = agreement_proposed(south, east, entry_into_force=2, clauses=(clause(history=history),))
    version = Version.objects.get(agreement=agreement)
    sign_version(version, settings.BASE_URL, node_key())
    sign_version(version, south.node, south.key)
    before = publish(cast.analyst.actor, draft())
    narrowed = publish(cast.analyst.actor, draft("urn:test:2"), [south.node])
    assert [_may(south, each) for each in (before, narrowed)] == [True, True]
    assert [_may(east, each) for each in (before, narrowed)] == [False, False]
    sign_version(version, east.node, east.key)
    after = publish(cast.analyst.actor, draft("urn:test:3"))
    assert [_may(south, each) for each in (before, narrowed, after)] == [True, True, True]
    assert [_may(east, each) for each in (before, narrowed, after)] == [gives, False, True]


def _served(reader: PartnerNode) -> list[tuple[str, bool]]:
    """Kind of each entry that a partner is served on clause lanes, and whether its content comes along."""
    offers = json.loads(reader.request("GET", "/federation/lanes").content)["lanes"]
    found = []
    for offer in offers:
        if offer["purpose"] == "clause":
            page = reader.request("GET", f"/federation/lanes/{offer['lane']}").content
            lines = [chain.read_line(line) for line in page.splitlines()]
            found += [
                (chain.read_header(line.header, node_key().public).kind, line.content is not None)
                for line in lines
                if line.header
            ]
    return found


@pytest.mark.parametrize(("history", "gives"), [("all", True), ("from-accession", False)])
def test_who_signs_late_sees_no_header_before_and_a_date_in_the_past_gives_it_no_content(
    cast: Cast, south: PartnerNode, east: PartnerNode, history: str, gives: bool
) -> None:
    agreement = agreement_proposed(south, east, entry_into_force=2, clauses=(clause(history=history),))
    version = Version.objects.get(agreement=agreement)
    sign_version(version, settings.BASE_URL, node_key())
    sign_version(version, south.node, south.key)
    publish(cast.analyst.actor, draft())
    assert _served(south) == [("lane.opened", True), ("tests.note", True)]
    [lane] = Lane.objects.filter(purpose="clause")
    digest = LaneEntry.objects.get(lane=lane, seq=0).content_digest
    asked = ("/federation/lanes", f"/federation/lanes/{lane.id}", f"/federation/blobs/{digest}")
    assert json.loads(east.request("GET", asked[0]).content) == {"lanes": []}
    assert [east.request("GET", path).status_code for path in asked[1:]] == [404, 404]
    late = sign_version(version, east.node, east.key)
    PartySignature.objects.filter(id=late.id).update(at=now() - timedelta(days=200))
    changed()
    admit_newcomers(agreement.id)
    earlier = [("lane.opened", True), ("tests.note", True)]
    assert _served(east) == ([*earlier, ("lane.joined", True)] if gives else [])
    publish(cast.analyst.actor, draft("urn:test:2"))
    assert _served(east)[-2:] == [("lane.joined", True), ("tests.note", True)]
    # not so much as a header of what went before, where the clause gives no history
    assert len(_served(east)) == (4 if gives else 2)
    assert Lane.objects.filter(purpose="clause").count() == 1


def test_after_its_end_an_agreement_still_serves_its_lanes_to_who_signed_it(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement = agreement_in_force(south, east)
    publish(cast.analyst.actor, draft())
    suspend(cast.officer.actor, agreement, "")
    assert _served(south) == [("lane.opened", True), ("tests.note", False)]
    terminate(cast.officer.actor, agreement, "")
    assert _served(south) == [("lane.opened", True), ("tests.note", False)]


def test_what_a_source_bound_to_some_goes_to_those_alone_and_stays_bound(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement_in_force(south, east)
    origin = Origin(
        "named", named=frozenset({south.node}), bound=frozenset({south.node, "https://other.example"})
    )
    release = publish(cast.analyst.actor, draft(origin=origin))
    assert _lanes() == [("1", {south.node}, 1)]
    assert (_may(south, release), _may(east, release)) == (True, False)
    assert Release.objects.get().facts().origin == origin
    # it would not go to east over a lane that both read, either
    entry = passages_of(release)[0].entry
    assert readable(entry.lane, [entry], east.row) == [False]


BY_ITS_SOURCE = (
    "a clause would allow it, but its source does not let it, or something in it, be shared onward."
)


@pytest.mark.parametrize(
    ("changes", "is_chosen", "sentence"),
    [
        ({"origin": Origin("none")}, False, BY_ITS_SOURCE),
        # that others were not chosen is not what stands in the way of the one who was
        ({"origin": Origin("none")}, True, BY_ITS_SOURCE),
        ({"origin": Origin("public"), "tlp": Tlp.AMBER}, False, BY_ITS_SOURCE),
        ({"tlp": Tlp.RED}, False, "TLP:RED names the persons it is for, and this names nobody."),
        ({"kind": "drills.plan"}, True, "no clause in force allows it to anybody who was chosen."),
        (
            {"kind": "tests.other", "origin": Origin("none")},
            False,
            "no clause in force allows it to any party.",
        ),
    ],
)
def test_that_nobody_would_receive_it_is_said_by_what_stands_in_the_way(
    south: PartnerNode, east: PartnerNode, changes: dict[str, Any], is_chosen: bool, sentence: str
) -> None:
    notes_only, drills = clause(kinds=("tests.note",), tlp_max=Tlp.RED), clause(kinds=("drills.*",))
    agreement_in_force(south, clauses=(notes_only,))
    agreement_in_force(east, clauses=(drills,))
    decided = preview(draft(**changes).facts((south.node,) if is_chosen else None))
    assert not decided.receivers
    assert sentence in str(nobody(decided))


def test_what_its_source_keeps_is_refused_in_its_name_and_leaves_nothing(
    cast: Cast, south: PartnerNode
) -> None:
    agreement_in_force(south)
    with pytest.raises(NobodyReceives, match="its source does not let it"):
        publish(cast.analyst.actor, draft(origin=Origin("none")))
    assert not Release.objects.exists()


def test_guests_of_this_node_alone_have_a_lane_that_no_partner_reads(cast: Cast, south: PartnerNode) -> None:
    base = document(south)
    guest = Party("guest", "guest", "", "us", "", Text.of(en="Guest"), "")
    agreement_in_force(south, parties=(*base.parties, guest), clauses=(clause(receivers=("guest",)),))
    release = publish(cast.analyst.actor, draft())
    assert (_lanes(), passages_of(release).count()) == ([("1", set(), 1)], 1)
    assert list(readable_releases(f"{settings.BASE_URL}#guest")) == [release]
    assert withdraw(cast.analyst.actor, release, "").state == Release.State.WITHDRAWN


def test_red_names_its_persons_in_the_header(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south, clauses=(clause(tlp_max=Tlp.RED),))
    with pytest.raises(NobodyReceives):
        publish(cast.analyst.actor, draft(tlp=Tlp.RED))
    release = publish(cast.analyst.actor, draft(tlp=Tlp.RED, persons=("a@cert.example",)))
    header = chain.read_header(passages_of(release)[0].entry.header, node_key().public)
    assert (header.tlp, header.persons) == (Tlp.RED, ("a@cert.example",))


def test_a_release_after_the_agreement_changed_names_the_new_version_on_the_same_lane(
    cast: Cast, south: PartnerNode
) -> None:
    agreement: Agreement = agreement_in_force(south)
    publish(cast.analyst.actor, draft())
    first = Version.objects.get(agreement=agreement).document()
    text = parse(write(replace(first, version=2, notice_days=9)))
    second = Version.objects.create(agreement=agreement, number=2, text=text.text, digest=text.digest)
    sign_version(second, settings.BASE_URL, node_key())
    sign_version(second, south.node, south.key)
    release = publish(cast.analyst.actor, draft("urn:test:2"))
    assert passages_of(release)[0].document == text.digest
    assert _lanes() == [("1", {south.node}, 2)]


# ---- withdrawing ----------------------------------------------------------------------------------------------------


def test_a_withdrawal_leaves_the_headers_and_takes_the_content_on_every_lane(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement_in_force(south)
    agreement_in_force(east)
    release = publish(cast.analyst.actor, draft())
    withdrawn = withdraw(cast.analyst.actor, release, "A mistake.")
    assert (withdrawn.state, withdrawn.withdrawal_reason) == (Release.State.WITHDRAWN, "A mistake.")
    for lane in Lane.objects.filter(purpose="clause"):
        headers = [chain.read_header(each.header, node_key().public) for each in lane.entries.order_by("seq")]
        assert [each.action for each in headers] == ["publish", "publish", "withdraw"]
        assert (headers[2].subject, headers[2].version, headers[2].digest) == ("urn:test:1", "1", "")
        assert headers[2].prev == chain.digest_of(lane.entries.get(seq=1).header)
        assert [each.state for each in lane.entries.order_by("seq")] == ["done", "withdrawn", "done"]
    assert not contents.has(release.digest)
    assert not Passage.objects.filter(ended=None).exists()
    assert (_may(south, release), _may(east, release)) == (False, False)
    assert AuditEntry.objects.get(verb="federation.withdrawn").details["reason"] == "A mistake."


def test_everybody_who_was_served_is_told_why_and_nobody_else(
    cast: Cast, south: PartnerNode, east: PartnerNode
) -> None:
    agreement_in_force(south)
    release = publish(cast.analyst.actor, draft())
    withdraw(cast.analyst.actor, release, "A mistake.")
    told = LaneEntry.objects.filter(lane__sender=None, kind="withdrawn")
    assert [list(each.lane.readers.values_list("partner", flat=True)) for each in told] == [[south.row.id]]
    said = json.loads(contents.get(told.get().content_digest))
    assert {name: said[name] for name in ("subject", "version", "digest", "reason", "to")} == {
        "subject": "urn:test:1",
        "version": "1",
        "digest": release.digest,
        "reason": "A mistake.",
        "to": south.node,
    }


def test_a_withdrawal_without_a_reason_sends_no_message(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    withdraw(cast.analyst.actor, publish(cast.analyst.actor, draft()), "")
    assert not LaneEntry.objects.filter(kind="withdrawn").exists()


def test_withdrawing_again_changes_nothing_and_the_version_cannot_come_back(
    cast: Cast, south: PartnerNode
) -> None:
    agreement_in_force(south)
    release = publish(cast.analyst.actor, draft())
    withdraw(cast.analyst.actor, release, "A mistake.")
    again = withdraw(cast.analyst.actor, release, "Another reason.")
    assert again.withdrawal_reason == "A mistake."
    assert LaneEntry.objects.filter(action="withdraw").count() == 1
    with pytest.raises(ReleaseRefused):
        publish(cast.analyst.actor, draft())


def test_the_same_bytes_in_another_release_stay(cast: Cast, south: PartnerNode) -> None:
    agreement_in_force(south)
    first, second = (publish(cast.analyst.actor, draft(f"urn:test:{number}")) for number in (1, 2))
    withdraw(cast.analyst.actor, first, "")
    assert contents.get(second.digest) == CONTENT
    withdraw(cast.analyst.actor, second, "")
    assert not contents.has(second.digest)


def test_a_withdrawal_travels_though_the_agreement_is_over(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_in_force(south)
    release = publish(cast.analyst.actor, draft())
    terminate(cast.officer.actor, agreement, "")
    with pytest.raises(NobodyReceives):
        publish(cast.analyst.actor, draft("urn:test:2"))
    withdraw(cast.analyst.actor, release, "")
    assert _lanes() == [("1", {south.node}, 2)]


def test_only_its_source_withdraws_a_release_and_only_whom_the_kind_permits(
    cast: Cast, south: PartnerNode
) -> None:
    agreement_in_force(south)
    ours = publish(cast.analyst.actor, draft())
    theirs = Release.objects.create(
        kind="tests.note",
        tlp=Tlp.GREEN,
        subject=f"urn:uuid:{uuid4()}",
        digest="d" * 64,
        size=2,
        origin=south.row,
    )
    with pytest.raises(ReleaseRefused) as refused:
        withdraw(cast.analyst.actor, theirs, "")
    assert refused.value.code == "not-ours"
    with pytest.raises(NotAllowed):
        withdraw(cast.trainee.actor, ours, "")
    assert set(Release.objects.values_list("state", flat=True)) == {"live"}
