"""Two that write at once: neither waits for the other in a circle, nothing is lost and nothing is there twice.

Each pair locks the same things (a report, the store, lanes, partners, the policy's generation) for its own reason.
On PostgreSQL such a pair ends in a deadlock unless both lock in the same order; SQLite has one writer at any time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction

from taawun.capabilities.intel import actions as intel
from taawun.capabilities.intel import exchange
from taawun.capabilities.intel.actions import ReportFields, importing
from taawun.capabilities.intel.models import Import, ImportIssue, Report, Sighting, StixObject
from taawun.capabilities.intel.preparing import prepared_from
from taawun.capabilities.intel.store import store
from taawun.cooperation.agreements import actions as agreements
from taawun.cooperation.agreements.actions import SIGNATURE_TYP
from taawun.cooperation.agreements.document import Party
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.federation.actions import Draft, publish, tell_readings
from taawun.cooperation.federation.exchange import acknowledge
from taawun.cooperation.federation.guests import note_served
from taawun.cooperation.federation.models import GuestCopy, Release
from taawun.cooperation.partners.exchange.receiving import process_pending
from taawun.cooperation.partners.exchange.sync import sync_partner
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import Holding, Lane, LaneEntry, Partner
from taawun.cooperation.people import actions as people
from taawun.cooperation.people.errors import PeopleError, RollRefused
from taawun.cooperation.people.models import Invitation, Membership, Organisation
from taawun.cooperation.people.permissions import Role
from taawun.foundation.clock import now, timestamp
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import canonical, parse
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.models import Entry
from taawun.platform.notices.actions import raise_notice, settle
from taawun.platform.notices.models import Notice
from taawun.platform.web.drafts.keeping import keep
from taawun.platform.web.drafts.marks import new_mark
from taawun.platform.web.models import Draft as KeptDraft
from taawun.platform.web.problems import MEDIA_TYPE
from tests.at_once import ROUNDS, at_once, faults
from tests.capabilities.intel.factories import SYSTEM, Silent, bring, indicator, report, sender
from tests.capabilities.intel.stix.examples import bundle, identifier, sdo
from tests.cast import (
    Cast,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    document,
    partner,
    person,
    sign_version,
)
from tests.cooperation.conftest import Notes, notes
from tests.cooperation.partners.exchange.test_sync import _offer, server, south
from tests.cooperation.partners.their_node import TheirNode
from tests.lanes import clause_lane, nothing_to_fetch, talk_lane
from tests.pages import pages

__all__ = ["notes", "pages", "server", "south"]

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = identifier("indicator", 1)


def drafted(cast: Cast, title: str) -> Report:
    fields = ReportFields(title=title, summary="", tlp=Tlp.GREEN, object_ids=(FIRST,))
    return intel.create_report(cast.analyst.actor, fields)


def note(subject: str, tlp: Tlp = Tlp.GREEN) -> Draft:
    content = canonical({"note": subject})
    return Draft(kind="tests.note", subject=subject, version="1", title="A note", tlp=tlp, content=content)


def stepped(cast: Cast, agreement: Agreement) -> Callable[[], object]:
    """The step that can be taken now: to suspend, or to resume."""
    step = agreements.resume if standing_of(agreement).suspensions else agreements.suspend
    return partial(step, cast.officer.actor, agreement, "")


# ---- reports ------------------------------------------------------------------------------------------------------
def test_a_report_is_published_while_something_is_sighted(cast: Cast) -> None:
    bring(indicator(1))
    sender().publish(report(5, identifier("indicator", 9)), indicator(9))
    actor, found = cast.analyst.actor, []
    for number in range(ROUNDS):
        publishes = partial(intel.publish_report, actor, drafted(cast, f"R{number}"))
        sights = partial(intel.sight, actor, identifier("indicator", 9), note="seen")
        found += faults(at_once(publishes, sights))
    assert found == []


def test_a_report_is_published_while_its_next_version_is_imported(cast: Cast) -> None:
    sender()
    actor, found = cast.analyst.actor, []
    for number in range(ROUNDS):
        first = report(100 + number, FIRST)
        bring(indicator(1), first, actor=actor)
        held = Report.objects.get(stix_id=first["id"])
        newer = bundle({**first, "name": "Next", "modified": "2024-03-01T12:00:00.000Z"})
        waiting = intel.begin_import(actor, newer, name="file", default_tlp=Tlp.CLEAR)
        runs = partial(intel.run_import, Silent(), str(waiting.id))
        found += faults(at_once(partial(intel.publish_report, actor, held), runs))
    assert found == []
    assert Import.objects.exclude(state=Import.State.DONE).count() == 0


def test_a_report_is_withdrawn_while_the_worker_signs_for_what_came(cast: Cast, notes: Notes) -> None:
    bring(indicator(1))
    other = partner()
    theirs = clause_lane(other, agreement_in_force(other))
    actor, found = cast.analyst.actor, []
    for number in range(ROUNDS):
        held = intel.publish_report(actor, drafted(cast, f"R{number}"))
        theirs.write(kind="tests.note", subject=f"urn:test:{number}", content=b"{}")
        theirs.deliver()
        row = Lane.objects.get(id=theirs.row.id)
        withdraws = partial(intel.withdraw_report, actor, held, "It was wrong.")
        found += faults(at_once(withdraws, partial(acknowledge, row, other.row)))
    assert found == []


def test_a_report_is_withdrawn_while_another_agreement_with_the_partner_is_suspended(cast: Cast) -> None:
    bring(indicator(1))
    other = partner()
    agreement_in_force(other)
    second = agreement_in_force(other)
    actor, found = cast.analyst.actor, []
    for number in range(ROUNDS):
        held = intel.publish_report(actor, drafted(cast, f"R{number}"))
        withdraws = partial(intel.withdraw_report, actor, held, "It was wrong.")
        found += faults(at_once(withdraws, stepped(cast, second)))
    assert found == []


# ---- lanes and messages -------------------------------------------------------------------------------------------
def test_something_is_published_while_another_agreement_of_the_same_partners_is_suspended(
    cast: Cast, notes: Notes
) -> None:
    # whom we met first has the address that sorts last
    both = partner(node="https://z.example"), partner("Eastern CERT", nation="XE", node="https://a.example")
    agreement_in_force(*both)
    second = agreement_in_force(*both)
    found = []
    for number in range(ROUNDS):
        publishes = partial(publish, cast.analyst.actor, note(f"urn:{number}"))
        found += faults(at_once(publishes, stepped(cast, second)))
    assert found == []


def test_two_publish_over_lanes_in_a_circle(cast: Cast, notes: Notes) -> None:
    both = partner(), partner("Eastern CERT", nation="XE")
    agreement_in_force(both[0], id=UUID(int=1), clauses=(clause(tlp_max=Tlp.GREEN),))
    agreement_in_force(*both, id=UUID(int=2))
    found = []
    for number in range(ROUNDS):
        over_both = partial(publish, cast.analyst.actor, note(f"urn:a:{number}"))
        over_the_second = partial(publish, cast.analyst.actor, note(f"urn:b:{number}", Tlp.AMBER))
        found += faults(at_once(over_both, over_the_second))
    assert found == []


def signed_by(node: PartnerNode) -> dict[str, str]:
    """A proposal that we signed, and the message with which they sign it too."""
    agreement = agreement_proposed(node, depositary=node, min_signatories=2)
    version = Version.objects.get(agreement=agreement)
    sign_version(version, settings.BASE_URL, node_key())
    payload = {
        "id": str(uuid7()),
        "agreement": str(agreement.id),
        "digest": version.digest,
        "node": node.node,
        "at": timestamp(now()),
        "to": [settings.BASE_URL],
    }
    return {"signature": node.key.sign(canonical(payload), SIGNATURE_TYP)}


def test_two_agreements_enter_into_force_by_words_that_had_waited(cast: Cast) -> None:
    nodes = [partner(), partner("Eastern CERT", nation="XE")]
    lanes = [talk_lane(each) for each in nodes]
    found = []
    for _number in range(ROUNDS):
        for node, lane in zip(nodes, lanes, strict=True):
            lane.say("agreement.signed", signed_by(node))
            lane.take()
        LaneEntry.objects.filter(state="pending").update(attempts=7, not_before=now() - timedelta(seconds=1))
        takes = [
            partial(process_pending, lane.row, node.row, nothing_to_fetch)
            for node, lane in zip(nodes, lanes, strict=True)
        ]
        found += faults(at_once(*takes))
        found += [each.reason for each in LaneEntry.objects.filter(state="pending")]
    assert found == []


def test_two_lanes_bring_the_same_contents_in_another_order(cast: Cast) -> None:
    nodes = [partner(), partner("Eastern CERT", nation="XE")]
    lanes = [clause_lane(each, agreement_in_force(each)) for each in nodes]
    found = []
    for lane in lanes:
        lane.take()
    for number in range(ROUNDS):
        said = [canonical({"round": number, "each": each}) for each in range(60)]
        for lane, order in zip(lanes, (said, said[::-1]), strict=True):
            for place, each in enumerate(order):
                lane.write(subject=f"urn:{number}:{place}", content=each)
        found += faults(at_once(*(lane.take for lane in lanes)))
    assert found == []
    assert (
        LaneEntry.objects.filter(lane__in=[lane.row.id for lane in lanes], seq__gt=0).count() == 120 * ROUNDS
    )


def test_of_two_workers_one_deals_with_a_partner(server: TheirNode, south: PartnerNode, notes: Notes) -> None:
    found = []
    for number in range(ROUNDS):
        agreement = agreement_in_force(south)
        lane = _offer(server, south, "clause", agreement=agreement.id, clause="1")
        lane.write(kind="tests.note", subject=f"urn:{number}", version="1")
        Partner.objects.update(not_before=now(), wants_pull=True, failures=0)
        found += faults(at_once(*[partial(sync_partner, south.row.id)] * 2))
        assert Lane.objects.filter(agreement=agreement.id).count() == 1
        server.lanes.clear()
    assert found == []
    assert not Lane.objects.filter(state="stopped").exists()
    assert Release.objects.count() == ROUNDS


def test_a_content_that_another_lane_brings_is_not_dropped(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [partner(), partner("Eastern CERT", nation="XE")]
    one, other = (clause_lane(each, agreement_in_force(each)) for each in nodes)
    entry = one.write(subject="urn:x", content=b'{"x":1}')
    one.take()
    other.take()
    LaneEntry.objects.filter(lane=one.row, seq=1).update(state="withdrawn")
    other.write(subject="urn:x", content=b'{"x":1}')
    looked = threading.Event()
    manager = type(Holding.objects.all())
    exists = manager.exists

    def slow(query: Any) -> bool:  # a query set of whatever model
        found = exists(query)
        if query.model is Holding and not looked.is_set():
            looked.set()
            threading.Event().wait(0.3)
        return found

    def bring_it() -> None:
        looked.wait(5)
        other.take()

    monkeypatch.setattr(manager, "exists", slow)
    assert faults(at_once(partial(contents.drop_unused, entry.header.digest), bring_it)) == []
    assert contents.has(entry.header.digest, other.row)
    assert contents.get(entry.header.digest) == b'{"x":1}'


def test_of_two_partners_that_send_one_sighting_the_first_has_said_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer: the second looks when the first has stored it")
    senders = sender(), sender("Eastern CERT", "XE")
    value = sdo("sighting", 500, sighting_of_ref=identifier("indicator", 1), count=3)
    first_looked = threading.Event()
    keep = exchange._store

    def slow(*given: Any) -> object:  # the arguments of _store
        first_looked.set()
        threading.Event().wait(0.5)
        return keep(*given)

    def send(who: Any, count: int) -> Any:
        # texts of their own, else the second would wait for the first one's content already
        with transaction.atomic():
            return who.publish({**value, "count": count}, kind="intel.sighting")

    def second() -> Any:
        first_looked.wait(5)
        return send(senders[1], 4)

    monkeypatch.setattr(exchange, "_store", slow)
    told: Any = at_once(partial(send, senders[0], 3), second)
    assert faults(told) == []
    assert [each.state for each in told] == ["done", "refused"]
    assert Sighting.objects.get().seen_by == senders[0].node


# ---- imports ------------------------------------------------------------------------------------------------------
def test_an_import_that_two_workers_run_is_told_once(cast: Cast) -> None:
    found = []
    for number in range(ROUNDS):
        data = bundle(indicator(1), sdo("indicator", 2000 + number, name="bad"))
        held = intel.begin_import(
            cast.analyst.actor, data, name="f", default_tlp=Tlp.CLEAR, leave_out_refused=True
        )
        found += faults(at_once(*[partial(intel.run_import, Silent(), str(held.id))] * 2))
        issues = ImportIssue.objects.filter(owner=held)
        assert issues.count() == issues.values("code", "place", "object_id").distinct().count()
        assert Entry.objects.filter(verb="intel.import-done", subject=f"urn:uuid:{held.id}").count() == 1
    assert found == []


def test_an_import_that_was_given_up_leaves_nothing_though_a_slow_worker_ends_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = intel.begin_import(cast.analyst.actor, bundle(indicator(1)), name="f", default_tlp=Tlp.CLEAR)
    finish = importing._finish

    def late(*given: Any) -> object:  # the arguments of _finish
        intel.give_up_import(str(held.id), "the worker died too often")
        # one more batch that the slow worker stores
        for _counts in store(list(prepared_from(reading)), importing._origin(held)):
            pass
        return finish(*given)

    reading = importing._read(bundle(indicator(2)), "f", Tlp.CLEAR)
    monkeypatch.setattr(importing, "_finish", late)
    intel.run_import(Silent(), str(held.id))
    held.refresh_from_db()
    assert held.state == Import.State.FAILED
    assert not StixObject.objects.filter(state=StixObject.State.LIVE).exists()
    assert not Entry.objects.filter(verb="intel.import-done").exists()


# ---- people, agreements, notices ----------------------------------------------------------------------------------
def test_two_drafts_get_numbers_of_their_own(cast: Cast) -> None:
    other = partner()
    found = []
    for _number in range(ROUNDS):
        texts = [document(other) for _each in range(2)]
        found += faults(at_once(*(partial(agreements.draft, cast.officer.actor, each) for each in texts)))
    assert found == []
    assert len(set(Agreement.objects.values_list("number", flat=True))) == 2 * ROUNDS


def test_what_one_page_keeps_twice_in_the_same_moment_is_one_draft(cast: Cast) -> None:
    found = []
    for number in range(ROUNDS):
        mark = new_mark(cast.analyst.actor.id, f"/intel/reports/{number}/edit/#report-form", "")
        found += faults(at_once(*[partial(keep, mark, [("title", f"Wave {number}")])] * 2))
    assert found == []
    assert KeptDraft.objects.count() == ROUNDS


def test_of_two_administrators_who_take_each_others_role_one_stays(cast: Cast) -> None:
    place = Organisation.objects.get(is_host=True)
    found = []
    for _number in range(ROUNDS):
        Membership.objects.filter(role=Role.ADMINISTRATOR).delete()
        rows = [people.give_role(SYSTEM, person(), place, Role.ADMINISTRATOR) for _each in range(2)]
        found += faults(at_once(*(partial(people.take_role, SYSTEM, row) for row in rows)), PeopleError)
        assert Membership.objects.filter(role=Role.ADMINISTRATOR).count() == 1
    assert found == []


def test_a_role_that_two_take_is_told_once(cast: Cast) -> None:
    place = Organisation.objects.get(is_host=True)
    found = []
    for _number in range(ROUNDS):
        row = people.give_role(SYSTEM, person(), place, Role.TRAINEE)
        again = Membership.objects.get(id=row.id)
        found += faults(at_once(*(partial(people.take_role, SYSTEM, each) for each in (row, again))))
        told = Entry.objects.filter(verb="people.role-taken", subject=f"urn:uuid:{row.person_id}")
        assert told.count() == 1
    assert found == []


def test_of_two_who_write_down_the_same_membership_one_is_refused(cast: Cast) -> None:
    actor, found = cast.administrator.actor, []
    for number in range(ROUNDS):
        community = people.add_community(actor, code=f"c{number}", names=Text.of(en=f"Community {number}"))
        begins = partial(
            people.begin_span, actor, community, standing="member", nation="XS", name=Text.of(en="Southland")
        )
        told = at_once(begins, begins)
        found += faults(told, RollRefused)
        assert community.spans.count() == 1
    assert found == []


def test_an_address_that_two_invite_has_one_open_invitation(cast: Cast) -> None:
    place = Organisation.objects.get(is_host=True)
    found = []
    for number in range(ROUNDS):
        email = f"new{number}@cert.example"
        invites = partial(people.invite, SYSTEM, email=email, organisation=place, roles=["analyst"])
        found += faults(at_once(invites, invites))
        assert Invitation.objects.filter(email=email, revoked=None).count() == 1
    assert found == []


def test_what_happens_again_while_a_person_settles_it_leaves_an_open_notice(cast: Cast) -> None:
    params = {"node": "https://x.example", "kind": "k", "reason": "r", "partner": str(uuid7())}
    again = partial(raise_notice, "partners.entry-waits", "urn:x", Notice.Level.WARNING, params)
    found = []
    for _number in range(ROUNDS):
        held = again()
        told = at_once(again, partial(settle, held, lambda _verb, _subject: None))
        found += faults(told)
        open_ones = Notice.objects.filter(resolved=None)
        # it came before the person settled it, or after; it is never counted on what is settled
        assert isinstance(told[0], Notice)
        assert (told[0].resolved is None) or not open_ones.exists()
        open_ones.update(resolved=now())
    assert found == []


# ---- a database that does not answer ------------------------------------------------------------------------------
@pytest.mark.usefixtures("pages")
def test_whoever_comes_while_the_database_is_held_is_told_to_try_again(cast: Cast) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("on PostgreSQL nobody can hold the whole database")
    browser, held, over = cast.analyst.browser(), threading.Event(), threading.Event()
    browser.raise_request_exception = False

    def hold() -> None:
        with transaction.atomic():
            held.set()
            over.wait(20)

    def ask() -> list[tuple[int, str]]:
        held.wait(5)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout=100")
        try:
            body = {"title": "t", "summary": "", "tlp": "TLP:GREEN", "object_ids": []}
            api = cast.analyst.api
            answers = [
                api.post("/intel/reports", body, Idempotency_Key="k1"),
                api.post("/intel/reports", body),
                browser.post("/en/people/tokens/", {"name": "Other", "scopes": ["read:people"], "days": "7"}),
            ]
        finally:
            over.set()
        return [(each.status_code, each["Content-Type"].split(";")[0]) for each in answers]

    _held, told = at_once(hold, ask)
    assert told == [(503, MEDIA_TYPE), (503, MEDIA_TYPE), (503, "text/html")]
    assert not Report.objects.exists()


def test_two_readers_of_a_guest_read_while_its_host_tells_what_was_read(cast: Cast, notes: Notes) -> None:
    south = partner()
    guest = Party("uni", "guest", "", "us", "", Text.of(en="University"), "")
    parties = (*document(south).parties, guest)
    agreement = agreement_in_force(south, parties=parties, clauses=(clause(receivers=("uni",)),))
    lane = clause_lane(south, agreement, audience=(f"{settings.BASE_URL}#uni",))
    for number in range(ROUNDS):
        lane.write(kind="tests.note", subject=f"urn:{number}", version="1", content=b'{"n":%d}' % number)
    lane.deliver()
    found = []
    for copy in GuestCopy.objects.select_related("passage__entry__lane").order_by("id"):
        told = at_once(
            partial(note_served, [copy], (0, 7), 7), partial(note_served, [copy], (0, 7), 7), tell_readings
        )
        found += faults(told)
    tell_readings()
    assert found == []
    assert not GuestCopy.objects.filter(is_unsaid=True).exists()
    said = [
        parse(contents.get(each.content_digest))
        for each in LaneEntry.objects.filter(kind="read").order_by("seq")
    ]
    # each was told, and once
    told_of = sorted(each["seq"] for message in said for each in message["entries"])
    assert told_of == list(range(1, ROUNDS + 1))
