"""Guests of this node: what it serves and sends for them, by a token that is bound to one agreement."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from taawun.capabilities.intel.composing import identity_id
from taawun.cooperation.agreements import shelf
from taawun.cooperation.agreements.actions import suspend
from taawun.cooperation.agreements.document import Document, Party, parse, write
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.agreements.queries import forget_policy
from taawun.cooperation.federation import actions
from taawun.cooperation.federation.actions import Draft, issue_guest_token, publish, tell_readings, withdraw
from taawun.cooperation.federation.errors import GuestRefused, NobodyReceives
from taawun.cooperation.federation.exchange.judging import accepts
from taawun.cooperation.federation.models import GuestCopy, GuestToken, Passage, Receipt, Release
from taawun.cooperation.partners.exchange import bandwidth
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Lane, LaneEntry, PolicyGeneration
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp, stix_marking_id
from taawun.platform.audit.models import Entry as AuditEntry
from taawun.platform.notices.models import Notice
from tests.cast import (
    Caller,
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
from tests.lanes import TheirLane, clause_lane, talk_lane

UNIVERSITY = Party("uni", "guest", "", "us", "XN", Text.of(en="University of the North"), "")
KEY = f"{settings.BASE_URL}#uni"


def hosting(south: PartnerNode, *clauses: Any, **changes: Any) -> Agreement:
    """An agreement with South in which this node hosts a university."""
    base = document(south)
    return agreement_in_force(
        south, parties=(*base.parties, UNIVERSITY), clauses=clauses or (clause(tlp_max=Tlp.RED),), **changes
    )


def token(cast: Cast, agreement: Agreement, **changes: Any) -> str:
    """A token of the university's."""
    made = issue_guest_token(cast.administrator.actor, agreement, "uni", name="library", **changes)
    return made.secret


def note_draft(number: int = 1, **changes: Any) -> Draft:
    """Something of ours to publish."""
    members: dict[str, Any] = {
        "kind": "tests.note",
        "subject": f"urn:test:{number}",
        "version": "1",
        "title": f"Note {number}",
        "tlp": Tlp.GREEN,
        "content": json.dumps({"n": number}).encode(),
    }
    return Draft(**(members | changes))


def listed(caller: Caller, **query: str | int) -> list[str]:
    """The subjects that a guest is told of."""
    answer = caller.get("/guest/releases", **query)
    assert answer.status_code == 200, answer.content
    return [each["subject"] for each in answer.json()["items"]]


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    """A partner."""
    del cast  # the node is there before it meets anybody
    return partner("Southern CERT", nation="XS")


def test_what_a_guest_asks_reads_no_text_however_much_its_depositary_proposed(
    cast: Cast, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreement = hosting(south)
    caller = Caller(token(cast, agreement))
    release = publish(cast.analyst.actor, note_draft())
    first = agreement.versions.get().document()
    for number in range(2, 12):
        later = parse(write(replace(first, version=number)))
        Version.objects.create(agreement=agreement, number=number, text=later.text, digest=later.digest)
    # no more than two of them are remembered, as no more than some are of many long ones
    monkeypatch.setattr(shelf, "_shelf", shelf._Shelf(len(first.text) * 2))
    read: list[bytes] = []

    def counted(text: bytes) -> Document:
        read.append(text)
        return parse(text)

    monkeypatch.setattr(shelf, "parse", counted)
    PolicyGeneration.bump()
    forget_policy()
    assert listed(caller) == ["urn:test:1"]
    assert {sha256(each) for each in read} == set(agreement.versions.values_list("digest", flat=True))
    read.clear()
    with CaptureQueriesContext(connection) as asked:
        assert listed(caller) == ["urn:test:1"]
        assert caller.get(f"/guest/contents/{release.digest}").status_code == 200
        assert caller.get("/guest/withdrawals").json()["items"] == []
        assert caller.get("/guest/given").json()["items"] == []
    assert {sha256(each) for each in read} <= {first.digest}
    texts = [each["sql"] for each in asked.captured_queries if '"agreements_version"."text"' in each["sql"]]
    assert len(texts) <= 1


# ---- tokens -----------------------------------------------------------------------------------------------------
def test_a_token_is_shown_once_and_kept_as_its_digest(cast: Cast, south: PartnerNode) -> None:
    agreement = hosting(south)
    secret = token(cast, agreement)
    row = GuestToken.objects.get()
    assert secret.startswith("taawun_guest_")
    assert secret not in str(vars(row))
    assert abs(row.expires - row.created - timedelta(days=90)) < timedelta(seconds=5)
    told = AuditEntry.objects.get(verb="federation.guest-token-created")
    assert told.details["guest"] == "uni"
    assert secret not in json.dumps(told.details)


def test_a_token_from_before_tokens_were_bound_is_bound_to_whom_its_versions_name(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    caller = Caller(token(cast, agreement))
    publish(cast.analyst.actor, note_draft())
    [identity] = GuestToken.objects.values_list("identity", flat=True)
    GuestToken.objects.update(identity="")
    assert listed(caller) == []
    migration = import_module("taawun.cooperation.federation.migrations.0018_guest_identity_known")
    migration.bind_tokens(apps, None)
    assert list(GuestToken.objects.values_list("identity", flat=True)) == [identity]
    assert listed(caller) == ["urn:test:1"]
    assert not Notice.objects.exists()


def test_a_token_whose_ref_was_two_organisations_is_bound_to_neither_and_named(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = hosting(south)
    token(cast, agreement)
    GuestToken.objects.update(identity="")
    first = agreement.versions.get().document()
    other = replace(UNIVERSITY, organisation=Text.of(en="Another university"))
    parties = tuple(other if each.ref == "uni" else each for each in first.parties)
    _follow(agreement, south, replace(first, version=2, supersedes=first.digest, parties=parties))
    migration = import_module("taawun.cooperation.federation.migrations.0018_guest_identity_known")
    migration.bind_tokens(apps, None)
    assert list(GuestToken.objects.values_list("identity", flat=True)) == [""]
    notice = Notice.objects.get(kind="federation.guest-tokens-unbound")
    assert notice.params == {"guest": "uni", "code": agreement.code, "tokens": "library"}
    [told] = cast.administrator.api.get("/notices").json()["items"]
    assert told["sentence"].startswith(
        f"Older tokens of uni, a guest of this node in {agreement.code}, open nothing"
    )
    # said once
    migration.bind_tokens(apps, None)
    assert Notice.objects.get(kind="federation.guest-tokens-unbound").times == 1


def test_only_an_administrator_makes_tokens_and_only_for_guests_of_this_node(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = hosting(south)
    for member in (cast.officer, cast.analyst):
        with pytest.raises(NotAllowed):
            issue_guest_token(member.actor, agreement, "uni", name="x")
    for ref in ("xs", "us", "nobody"):
        with pytest.raises(GuestRefused, match="no such guest"):
            issue_guest_token(cast.administrator.actor, agreement, ref, name="x")
    for life in (timedelta(0), timedelta(days=367)):
        with pytest.raises(GuestRefused):
            token(cast, agreement, life=life)
    with pytest.raises(GuestRefused, match="no e-mail address"):
        token(cast, agreement, email="nobody")
    assert not GuestToken.objects.exists()


def test_a_token_of_a_guest_opens_what_is_for_guests_and_no_other_token_does(
    cast: Cast, south: PartnerNode
) -> None:
    guest = Caller(token(cast, hosting(south)))
    assert guest.get("/guest/agreement").status_code == 200
    for path in ("/me", "/federation/releases", "/agreements", "/jobs/00000000-0000-0000-0000-000000000000"):
        assert guest.get(path).json()["type"].endswith("token-refused"), path
    for path in ("/guest/agreement", "/guest/releases", "/guest/withdrawals", "/guest/given"):
        refused = cast.administrator.api.get(path)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:taawun:problem:token-refused")
        assert "Ask the node that hosts you" in refused.json()["detail"]


def test_a_token_that_was_revoked_or_is_over_opens_nothing(cast: Cast, south: PartnerNode) -> None:
    agreement = hosting(south)
    revoked, over = Caller(token(cast, agreement)), Caller(token(cast, agreement))
    first, second = GuestToken.objects.order_by("id")
    assert actions.revoke_guest_token(cast.administrator.actor, first)
    assert not actions.revoke_guest_token(cast.administrator.actor, first)
    GuestToken.objects.filter(id=second.id).update(expires=now() - timedelta(seconds=1))
    assert [each.get("/guest/releases").status_code for each in (revoked, over)] == [401, 401]


def test_when_a_token_was_last_used_is_told(cast: Cast, south: PartnerNode) -> None:
    guest = Caller(token(cast, hosting(south)))
    assert GuestToken.objects.get().last_used is None
    guest.get("/guest/agreement")
    assert GuestToken.objects.get().last_used is not None


# ---- what this node gives to its guest --------------------------------------------------------------------------
def test_a_guest_reads_what_a_clause_gives_it_and_its_reading_is_its_receipt(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    guest = Caller(token(cast, agreement))
    release = publish(cast.analyst.actor, note_draft())
    [item] = guest.get("/guest/releases").json()["items"]
    assert (item["subject"], item["tlp"], item["clause"], item["read"]) == (
        "urn:test:1",
        "TLP:GREEN",
        "1",
        None,
    )
    content = guest.get(f"/guest/contents/{item['digest']}")
    assert (content.status_code, content.content) == (200, b'{"n": 1}')
    copy = GuestCopy.objects.get()
    assert copy.read is not None
    assert not copy.is_unsaid
    first = copy.read
    guest.get(f"/guest/contents/{item['digest']}")
    assert GuestCopy.objects.get().read == first
    readings = cast.officer.api.get(f"/federation/releases/{release.id}/readings").json()["items"]
    assert [(each["guest"], each["said"]) for each in readings] == [(KEY, None)]
    assert listed(guest, unread="true") == []
    [shown] = cast.officer.api.get("/federation/guests").json()
    assert (shown["guest"], shown["read"], shown["tokens"], shown["state"]) == ("uni", 1, 1, "in-force")


def test_what_is_for_guests_alone_goes_over_a_lane_that_no_partner_reads(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south, clause(receivers=("uni",)))
    publish(cast.analyst.actor, note_draft())
    lane = Lane.objects.get(purpose="clause")
    assert (lane.agreement, lane.readers.count(), lane.head_seq) == (agreement.id, 0, 1)
    assert listed(Caller(token(cast, agreement))) == ["urn:test:1"]
    assert south.request("GET", "/federation/lanes").json()["lanes"] == []


def test_a_guest_is_told_nothing_that_was_chosen_for_others(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    guest = Caller(token(cast, agreement))
    release = publish(cast.analyst.actor, note_draft(), [south.node])
    assert listed(guest) == []
    assert guest.get(f"/guest/contents/{release.digest}").status_code == 404


def test_a_token_serves_its_own_agreement_alone(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    agreement = hosting(south, clause(kinds=("tests.note",)))
    other = hosting(partner("Eastern CERT", nation="XE"), clause(kinds=("tests.other",)))
    publish(cast.analyst.actor, note_draft())
    assert listed(Caller(token(cast, agreement))) == ["urn:test:1"]
    assert listed(Caller(token(cast, other))) == []


def test_what_was_withdrawn_is_served_no_more_and_is_to_be_deleted(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    guest = Caller(token(cast, hosting(south)))
    release = publish(cast.analyst.actor, note_draft())
    assert guest.get(f"/guest/contents/{release.digest}").status_code == 200
    withdraw(cast.analyst.actor, release, "a mistake")
    assert listed(guest) == []
    assert guest.get(f"/guest/contents/{release.digest}").status_code == 404
    [gone] = guest.get("/guest/withdrawals").json()["items"]
    assert (gone["subject"], gone["digest"], gone["reason"]) == ("urn:test:1", release.digest, "a mistake")


def test_a_suspension_stops_what_a_guest_is_served_at_once(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    guest = Caller(token(cast, agreement))
    release = publish(cast.analyst.actor, note_draft())
    assert listed(guest) == ["urn:test:1"]
    suspend(cast.officer.actor, agreement, "")
    assert listed(guest) == []
    assert guest.get(f"/guest/contents/{release.digest}").status_code == 404
    assert guest.get("/guest/agreement").json()["state"] == "suspended"
    assert GuestCopy.objects.get().read is None


def test_a_guest_that_a_later_version_leaves_out_is_served_no_more(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    guest = Caller(token(cast, agreement))
    publish(cast.analyst.actor, note_draft())
    first = agreement.versions.get()
    _follow(agreement, south, document(south, id=agreement.id, version=2, supersedes=first.digest))
    assert listed(guest) == []
    assert guest.get("/guest/agreement").json()["is_party"] is False


def test_another_organisation_that_a_later_version_calls_by_the_same_ref_is_another_guest(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south, clause(senders=("us", "uni"), receivers=("any",)))
    first = Caller(token(cast, agreement))
    old = publish(cast.analyst.actor, note_draft(1))
    assert first.get(f"/guest/contents/{old.digest}").status_code == 200
    given = first.post("/guest/releases", offer(report())).json()
    version = agreement.versions.get()
    other = replace(UNIVERSITY, organisation=Text.of(en="College of the West"))
    parties = (*document(south).parties, other)
    _follow(
        agreement, south, replace(version.document(), version=2, supersedes=version.digest, parties=parties)
    )
    new = publish(cast.analyst.actor, note_draft(2))
    second = Caller(token(cast, agreement))
    assert (listed(first), listed(second)) == ([], ["urn:test:2"])
    assert first.get(f"/guest/contents/{new.digest}").status_code == 404
    assert second.get(f"/guest/contents/{old.digest}").status_code == 404
    # the first is shown the version that named it, gives nothing in the name of the second, and may take back its own
    shown = [each.get("/guest/agreement").json() for each in (first, second)]
    assert [(each["version"], each["is_party"]) for each in shown] == [(1, False), (2, True)]
    assert first.post("/guest/releases", offer(report())).json()["type"].endswith(":no-such-guest")
    assert [
        [each["id"] for each in caller.get("/guest/given").json()["items"]] for caller in (first, second)
    ] == [
        [given["id"]],
        [],
    ]
    assert second.post(f"/guest/given/{given['id']}/withdraw", {}).status_code == 404
    withdraw(cast.analyst.actor, old, "")
    gone = [caller.get("/guest/withdrawals").json()["items"] for caller in (first, second)]
    assert [[each["subject"] for each in items] for items in gone] == [["urn:test:1"], []]
    [row] = cast.officer.api.get("/federation/guests").json()
    assert (row["name"], row["tokens"]) == ({"en": "College of the West"}, 1)


def test_a_guest_is_shown_no_version_that_is_only_proposed(cast: Cast, south: PartnerNode) -> None:
    base = document(south)
    agreement = agreement_proposed(south, parties=(*base.parties, UNIVERSITY))
    guest = Caller(token(cast, agreement))
    assert [guest.get(path).status_code for path in ("/guest/agreement", "/guest/agreement/text")] == [
        404,
        404,
    ]


def test_whoever_asks_for_the_head_of_a_content_has_not_read_it(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    secret = token(cast, hosting(south))
    release = publish(cast.analyst.actor, note_draft())
    answer = Client().head(
        f"/api/v1/guest/contents/{release.digest}", headers={"Authorization": f"Bearer {secret}"}
    )
    assert (answer.status_code, answer["Content-Length"]) == (200, "8")
    assert GuestCopy.objects.get().read is None


def _large(cast: Cast, south: PartnerNode, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Release]:
    """A token, and something for it that is kept in a file."""
    monkeypatch.setattr(contents, "INLINE_BYTES", 8)
    secret = token(cast, hosting(south))
    return secret, publish(cast.analyst.actor, note_draft(content=b'{"n":"' + b"x" * 92 + b'"}'))


def _ask(secret: str, release: Release, start: int | None = None) -> tuple[int, int]:
    """Ask for a content from some byte on; the status, and how many bytes came."""
    headers = {"Authorization": f"Bearer {secret}"} | ({} if start is None else {"Range": f"bytes={start}-"})
    answer = Client().get(f"/api/v1/guest/contents/{release.digest}", headers=headers)
    body = b"".join(answer) if answer.streaming else answer.content
    return answer.status_code, len(body)


def test_only_what_was_served_to_the_last_byte_was_read(
    cast: Cast, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, release = _large(cast, south, monkeypatch)
    assert _ask(secret, release, 99) == (206, 1)
    assert _ask(secret, release, 1) == (206, 99)
    assert GuestCopy.objects.get().read is None
    assert _ask(secret, release) == (200, 100)
    assert GuestCopy.objects.get().read is not None


def test_what_is_fetched_in_parts_is_read_with_the_last_of_them(
    cast: Cast, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, release = _large(cast, south, monkeypatch)
    monkeypatch.setattr(bandwidth, "portion", lambda **_of: 40)
    for start, came in ((0, 40), (20, 40), (60, 40)):
        assert GuestCopy.objects.get().read is None
        assert _ask(secret, release, start) == (206, came)
    assert GuestCopy.objects.get().read is not None


def test_who_is_told_to_come_again_later_has_read_nothing(
    cast: Cast, south: PartnerNode, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, release = _large(cast, south, monkeypatch)
    monkeypatch.setattr(bandwidth, "busy", lambda **_of: 100.0)
    assert _ask(secret, release)[0] == 429
    assert GuestCopy.objects.get().read is None


def _follow(agreement: Agreement, south: PartnerNode, made: Document) -> None:
    """Let another version follow, signed by both."""
    text = parse(write(made))
    version = agreement.versions.create(number=made.version, digest=text.digest, text=text.text)
    for node, key in ((settings.BASE_URL, node_key()), (south.node, south.key)):
        sign_version(version, node, key)
    PolicyGeneration.bump()
    forget_policy()


def test_red_is_served_to_the_person_it_names_alone(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    agreement = hosting(south)
    program = Caller(token(cast, agreement))
    named = Caller(token(cast, agreement, email="Dean@uni.example"))
    other = Caller(token(cast, agreement, email="else@uni.example"))
    release = publish(cast.analyst.actor, note_draft(tlp=Tlp.RED, persons=("dean@uni.example",)))
    assert [listed(each) for each in (program, other, named)] == [[], [], ["urn:test:1"]]
    assert program.get(f"/guest/contents/{release.digest}").status_code == 404
    assert named.get(f"/guest/contents/{release.digest}").status_code == 200


def test_a_list_goes_on_by_pages_and_is_filtered_by_kind(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    guest = Caller(token(cast, hosting(south)))
    for number in range(5):
        publish(cast.analyst.actor, note_draft(number))
    first = guest.get("/guest/releases", limit=2).json()
    second = guest.get("/guest/releases", limit=2, after=first["next"]).json()
    third = guest.get("/guest/releases", limit=2, after=second["next"]).json()
    told = [each["subject"] for page in (first, second, third) for each in page["items"]]
    assert (told, third["next"]) == ([f"urn:test:{number}" for number in (4, 3, 2, 1, 0)], None)
    assert listed(guest, kind="intel.report") == []


def test_a_list_costs_the_same_however_long_it_is(
    cast: Cast, south: PartnerNode, notes: Notes, django_assert_max_num_queries: Any
) -> None:
    guest = Caller(token(cast, hosting(south)))
    for number in range(30):
        publish(cast.analyst.actor, note_draft(number))
    listed(guest)
    with django_assert_max_num_queries(10):
        assert len(listed(guest)) == 30


# ---- what a partner gives to it ---------------------------------------------------------------------------------
def _theirs(south: PartnerNode, agreement: Agreement, *audience: str) -> TheirLane:
    lane = clause_lane(south, agreement)
    lane.entries.clear()
    lane.open(audience=audience)
    return lane


def test_what_a_partner_sends_to_a_guest_is_served_to_it_and_the_partner_is_told_that_it_was_read(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    guest = Caller(token(cast, agreement))
    lane = _theirs(south, agreement, settings.BASE_URL, KEY)
    entries = [lane.write(kind="tests.note", content=b'{"n":%d}' % number) for number in range(3)]
    assert lane.deliver() == [("done", "")] * 4
    assert listed(guest) == [each.header.subject for each in reversed(entries)]
    for each in entries[:2]:
        assert guest.get(f"/guest/contents/{each.header.digest}").content == each.content
    assert tell_readings() == 2
    assert tell_readings() == 0
    said = LaneEntry.objects.get(kind="read", lane__sender=None)
    payload = json.loads(_content(said))
    assert (payload["lane"], payload["guest"]) == (str(lane.row.wire_id), "uni")
    assert [(each["seq"], each["digest"]) for each in payload["entries"]] == [
        (1, entries[0].digest),
        (2, entries[1].digest),
    ]


def _content(entry: LaneEntry) -> bytes:
    return contents.get(entry.content_digest)


def test_what_a_partner_sends_to_this_node_alone_is_not_for_its_guest(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    lane = _theirs(south, agreement, settings.BASE_URL)
    entry = lane.write(kind="tests.note")
    lane.deliver()
    guest = Caller(token(cast, agreement))
    assert listed(guest) == []
    assert guest.get(f"/guest/contents/{entry.header.digest}").status_code == 404


def test_what_a_partner_gives_to_a_guest_alone_nobody_of_its_host_reads(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south, clause(senders=("xs",), receivers=("uni",)))
    guest = Caller(token(cast, agreement))
    # whatever the lane says, its clause does not give it to this node
    lane = _theirs(south, agreement, settings.BASE_URL, KEY)
    entry = lane.write(kind="tests.note")
    assert lane.deliver() == [("done", "")] * 2
    assert notes.received == []
    assert guest.get(f"/guest/contents/{entry.header.digest}").content == entry.content
    release = Release.objects.get()
    shown = cast.analyst.api.get(f"/federation/releases/{release.id}").json()
    assert (shown["subject"], shown["title"], shown["topics"]) == (None, None, None)
    assert cast.analyst.api.get("/federation/releases", subject=entry.header.subject).json()["items"] == []
    refused = cast.analyst.api.post(f"/federation/releases/{release.id}/onward", {})
    assert refused.json()["type"] == "urn:taawun:problem:for-guests"


def test_what_comes_for_a_guest_first_and_then_for_its_host_is_handed_to_its_room_then(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    both = clause("1", receivers=("uni",)), clause("2", receivers=("any",))
    agreement = hosting(south, *both)
    first = _theirs(south, agreement, KEY)
    entry = first.write(kind="tests.note", subject="urn:test:1")
    first.deliver()
    assert notes.received == []
    second = clause_lane(south, agreement, "2")
    second.write(kind="tests.note", subject="urn:test:1", content=entry.content)
    second.deliver()
    assert notes.received == [("urn:test:1", "", entry.content)]
    assert not Release.objects.get().is_for_guests
    # and what this node has is not taken from it by a lane for the guest
    third = clause_lane(south, agreement, "1", audience=(KEY,))
    third.write(kind="tests.note", subject="urn:test:1", content=entry.content)
    third.deliver()
    assert not Release.objects.get().is_for_guests
    assert len(notes.received) == 1


def test_a_partner_makes_up_no_guests_of_ours(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    agreement = hosting(south)
    made_up = [f"{settings.BASE_URL}#{number}" for number in range(300)] + [
        f"{settings.BASE_URL}#{'x' * 900}"
    ]
    lane = _theirs(south, agreement, settings.BASE_URL, KEY, *made_up)
    lane.write(kind="tests.note")
    assert lane.deliver() == [("done", "")] * 2
    assert [each.guest for each in GuestCopy.objects.all()] == [KEY]


def test_what_its_sender_withdrew_is_served_to_a_guest_no_more(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south)
    guest = Caller(token(cast, agreement))
    lane = _theirs(south, agreement, settings.BASE_URL, KEY)
    entry = lane.write(kind="tests.note")
    lane.deliver()
    assert guest.get(f"/guest/contents/{entry.header.digest}").status_code == 200
    lane.withdraw(entry)
    lane.deliver()
    assert listed(guest) == []
    assert len(guest.get("/guest/withdrawals").json()["items"]) == 1


# ---- what a partner's guest read of ours ------------------------------------------------------------------------
ABROAD = Party("lab", "guest", "", "xs", "XS", Text.of(en="Laboratory of the South"), "")


def _given_abroad(cast: Cast, south: PartnerNode) -> tuple[Release, Passage]:
    base = document(south)
    agreement_in_force(south, parties=(*base.parties, ABROAD))
    release = publish(cast.analyst.actor, note_draft())
    return release, Passage.objects.select_related("entry").get()


def _reading(passage: Passage, **changes: object) -> dict[str, object]:
    entry = passage.entry
    said = {"seq": entry.seq, "digest": entry.digest, "at": "2026-10-01T08:30:00.000000Z"}
    return {"lane": str(entry.lane_id), "guest": "lab", "entries": [said]} | changes


def test_a_host_tells_what_its_guest_read(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    release, passage = _given_abroad(cast, south)
    talk = talk_lane(south)
    talk.say("read", _reading(passage))
    talk.say("read", _reading(passage))
    assert talk.deliver() == [("done", "")] * 3
    [reading] = cast.officer.api.get(f"/federation/releases/{release.id}/readings").json()["items"]
    assert reading["guest"] == f"{south.node}#lab"
    assert reading["said"] is not None
    # nothing is read before it was sent
    read_at = GuestCopy.objects.get().read
    assert read_at is not None
    assert read_at >= passage.entry.issued
    assert not Receipt.objects.exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"guest": "uni"}, "unknown-guest"),
        ({"guest": "x#y"}, "malformed"),
        ({"guest": "-uni"}, "malformed"),
        ({"lane": str(uuid4())}, "unknown-lane"),
        ({"entries": []}, "malformed"),
        ({"entries": [{"seq": 1, "digest": "0" * 64, "at": "2026-10-01T08:30:00Z"}]}, "other-head"),
        ({"entries": [{"seq": 9, "digest": "0" * 64, "at": "2026-10-01T08:30:00Z"}]}, "other-head"),
        ({"entries": [{"seq": 1.0, "digest": "0" * 64, "at": "2026-10-01T08:30:00Z"}]}, "malformed"),
        ({"entries": [{"seq": 1, "digest": "0" * 64, "at": "soon"}]}, "malformed"),
    ],
)
def test_a_host_that_says_something_else_of_its_guests_is_refused(
    cast: Cast, south: PartnerNode, notes: Notes, changes: dict[str, object], reason: str
) -> None:
    _release, passage = _given_abroad(cast, south)
    talk = talk_lane(south)
    talk.say("read", _reading(passage, **changes))
    assert talk.deliver()[-1] == ("refused", reason)
    assert not GuestCopy.objects.exists()


def test_a_third_partner_says_nothing_of_guests_of_another(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    _release, passage = _given_abroad(cast, south)
    talk = talk_lane(partner("Eastern CERT", nation="XE"))
    talk.say("read", _reading(passage))
    assert talk.deliver()[-1] == ("refused", "unknown-lane")


# ---- what a guest gives -----------------------------------------------------------------------------------------
_MODIFIED = "2026-01-31T12:00:00.000Z"


def report(tlp: Tlp = Tlp.GREEN, **changes: Any) -> dict[str, Any]:
    """A bundle of a report and what it speaks of, marked alike."""
    university, about = f"identity--{uuid4()}", f"domain-name--{uuid4()}"
    marking = {"object_marking_refs": [stix_marking_id(tlp)]}
    said = {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{uuid4()}",
        "created": _MODIFIED,
        "modified": _MODIFIED,
        "created_by_ref": university,
        "name": "From the university",
        "published": _MODIFIED,
        "object_refs": [about],
        **marking,
    } | changes
    return {
        "type": "bundle",
        "id": f"bundle--{uuid4()}",
        "objects": [said, {"type": "domain-name", "spec_version": "2.1", "id": about, "value": "a.example"}],
    }


def offer(bundle: dict[str, Any], tlp: str = "TLP:GREEN", **changes: Any) -> dict[str, Any]:
    """What a guest posts."""
    about = bundle["objects"][0]
    return {
        "kind": "intel.report",
        "subject": f"urn:taawun:stix:{about['id']}",
        "version": about["modified"],
        "title": about["name"],
        "tlp": tlp,
        "content": bundle,
    } | changes


def _giving(south: PartnerNode) -> Agreement:
    return hosting(south, clause(senders=("uni",), receivers=("xs",)))


def test_what_a_guest_gives_this_node_signs_and_sends_for_it(cast: Cast, south: PartnerNode) -> None:
    agreement = _giving(south)
    guest = Caller(token(cast, agreement))
    answer = guest.post("/guest/releases", offer(report()))
    assert answer.status_code == 201, answer.content
    release = Release.objects.get()
    assert (release.on_behalf, release.on_behalf_under, release.origin) == (KEY, agreement.id, None)
    lane = Lane.objects.get(purpose="clause")
    page = south.request("GET", f"/federation/lanes/{lane.id}?after=0").content.splitlines()
    assert b"From the university" in page[0]
    told = AuditEntry.objects.get(verb="federation.published")
    assert (told.actor_kind, told.actor_id) == ("party", KEY)
    [given] = guest.get("/guest/given").json()["items"]
    assert (given["id"], given["state"], given["signed"]) == (str(release.id), "live", 0)
    assert not cast.analyst.api.get("/intel/reports").json()["items"]


def test_what_only_the_guest_may_give_its_host_may_not(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    _giving(south)
    with pytest.raises(NobodyReceives):
        publish(cast.analyst.actor, note_draft())
    assert not Release.objects.exists()


def test_what_only_the_host_may_give_a_guest_may_not(cast: Cast, south: PartnerNode) -> None:
    guest = Caller(token(cast, hosting(south, clause(senders=("us",), receivers=("xs",)))))
    refused = guest.post("/guest/releases", offer(report()))
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:taawun:problem:nobody-receives")


@pytest.mark.parametrize(
    ("bundle", "changes", "code"),
    [
        (report(), {"kind": "tests.note"}, "kind"),
        (report(), {"kind": "nothing.there"}, "kind"),
        (report(), {"version": "2020-01-01T00:00:00.000Z"}, "other-version"),
        (report(), {"subject": f"urn:taawun:stix:report--{uuid4()}"}, "no-report"),
        (report(Tlp.AMBER), {}, "marking"),
        (report(published="soon"), {}, "not-valid"),
        (
            {"type": "bundle", "objects": [], "x": 1},
            {"subject": "urn:x", "version": "1", "title": ""},
            "no-report",
        ),
    ],
)
def test_what_receivers_would_refuse_is_refused_to_the_guest(
    cast: Cast, south: PartnerNode, notes: Notes, bundle: dict[str, Any], changes: dict[str, Any], code: str
) -> None:
    guest = Caller(token(cast, _giving(south)))
    body = (
        offer(bundle, **changes)
        if bundle["objects"]
        else {"kind": "intel.report", "tlp": "TLP:GREEN", "content": bundle, **changes}
    )
    refused = guest.post("/guest/releases", body)
    assert refused.status_code == 409, refused.content
    assert refused.json()["type"] == f"urn:taawun:problem:{code}"
    assert not Release.objects.exists()


def test_a_guest_does_not_speak_in_the_name_of_its_host_nor_of_what_its_host_published(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south, clause(senders=("uni", "us"), receivers=("xs",)))
    guest = Caller(token(cast, agreement))
    refused = guest.post("/guest/releases", offer(report(created_by_ref=identity_id())))
    assert refused.json()["type"] == "urn:taawun:problem:our-name"
    bundle = report()
    publish(
        cast.analyst.actor, note_draft(subject=f"urn:taawun:stix:{bundle['objects'][0]['id']}", version="0")
    )
    refused = guest.post("/guest/releases", offer(bundle))
    assert refused.json()["type"] == "urn:taawun:problem:not-yours"


def test_a_guest_takes_back_what_it_gave_and_nothing_else(
    cast: Cast, south: PartnerNode, notes: Notes
) -> None:
    agreement = hosting(south, clause(senders=("uni", "us"), receivers=("xs",)))
    guest = Caller(token(cast, agreement))
    ours = publish(cast.analyst.actor, note_draft())
    assert guest.post(f"/guest/given/{ours.id}/withdraw", {}).status_code == 404
    given = guest.post("/guest/releases", offer(report())).json()
    answer = guest.post(f"/guest/given/{given['id']}/withdraw", {"reason": "wrong"})
    assert answer.json()["state"] == "withdrawn"
    assert Release.objects.get(id=ours.id).state == "live"


def test_two_guests_of_one_name_in_two_agreements_are_two(cast: Cast, south: PartnerNode) -> None:
    giving = clause(senders=("uni",), receivers=("any",))
    east = partner("Eastern CERT", nation="XE")
    agreement, _other = hosting(south, giving), hosting(east, giving)
    guest = Caller(token(cast, agreement))
    assert guest.post("/guest/releases", offer(report())).status_code == 201
    assert [each.agreement for each in Lane.objects.filter(purpose="clause")] == [agreement.id]


def test_what_a_partner_sends_for_its_guest_is_taken_in(cast: Cast, south: PartnerNode, notes: Notes) -> None:
    base = document(south)
    agreement = agreement_in_force(
        south, parties=(*base.parties, ABROAD), clauses=(clause(senders=("lab",), receivers=("us",)),)
    )
    lane = clause_lane(south, agreement)
    lane.write(kind="tests.note")
    assert lane.deliver() == [("done", "")] * 2
    assert accepts(lane.row, lane.entries[-1].header) is None
