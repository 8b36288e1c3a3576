"""A node that is full: what the benchmarks of pages and of the machine interface are asked of.

Something of everything comes from the world in which the tests meet every address (``tests/world.py``); then there is
much of it: imported intelligence, partners and agreements, releases that went and came, a trail, notices, people. All
of it is invented.
"""

from __future__ import annotations

import itertools
import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from django.db.models import Model
    from tests.cast import PartnerNode
    from tests.world import World

    from taawun.cooperation.agreements.models import Agreement
    from taawun.cooperation.people.actors import Actor
    from taawun.foundation.tlp import Tlp

WHEN = "2026-01-01T00:00:00.000Z"
TIED, DENSE, WIDE, OF_A_REPORT = 5_000, 400, 100_000, 10
HUB = f"malware--{uuid.uuid5(uuid.NAMESPACE_URL, 'hub')}"
WORDS = ("loader", "dropper", "beacon", "proxy", "macro", "tunnel", "token", "cookie")
BATCH = 5_000
KEPT = "full-node.json"


@dataclass(frozen=True)
class Sizes:
    """How much there is, beside the world of the tests.

    Args:
        objects: of intelligence.
        reports: of ten objects each.
        strict: of these objects, how many another organisation holds again, for itself alone, and newest of all.
        releases: half of them ours, each with a receipt; half of partners.
        audit: rows of the trail.
        notices: half of them are open.
        partners: verified, all of them in one agreement, and each in one with this node alone.
        people: in a tenth as many organisations.
    """

    objects: int = 100_000
    reports: int = 10_000
    strict: int = 2_000
    releases: int = 20_000
    audit: int = 100_000
    notices: int = 8_000
    partners: int = 56
    people: int = 500


@dataclass(frozen=True)
class Comer:
    """Somebody who comes to its pages.

    Args:
        session: what their browser's cookie says; empty for whom the node does not know.
        permissions: what they hold.
    """

    session: str = ""
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True)
class FullNode:
    """What is on it.

    Args:
        sizes: how much.
        things: for each parameter of an address, something everybody with the permission may see.
        large: for some of the parameters, the largest thing there is.
        comers: who comes, by name.
    """

    sizes: Sizes
    things: dict[str, str]
    large: dict[str, str] = field(default_factory=dict)
    comers: dict[str, Comer] = field(default_factory=dict)


class Silent:
    """Takes note of nothing."""

    def progress(self, done: int, total: int | None = None) -> None:
        """Nobody watches."""


# ---- a home with a full node in it ------------------------------------------------------------------------------


def settings_of(home: Path, database_url: str = "") -> dict[str, str]:
    """The environment of such a node; every process that works on it has the same."""
    return {
        "TAAWUN_HOME": str(home),
        "TAAWUN_DATABASE_URL": database_url,
        "TAAWUN_BASE_URL": "http://127.0.0.1:8000",
        "TAAWUN_SECRET_KEY": "only for the benchmarks " * 3,
        "TAAWUN_SECOND_FACTOR": "optional",  # the sessions are made here, so nobody types a code
        "TAAWUN_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "taawun.node.settings",
    }


def full_node(home: Path, sizes: Sizes, database_url: str = "") -> FullNode:
    """Make this process the node of a home, and fill it where it is empty.

    Args:
        home: a folder, empty or with a full node of before in it.
        sizes: how much there shall be, where it is empty.
        database_url: of an empty PostgreSQL; SQLite in the home without one.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ |= settings_of(home, database_url)
    import django

    django.setup()
    from django.core.management import call_command

    from taawun.node import catalogues

    catalogues.compile_stale()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    kept = home / KEPT
    if not kept.exists():
        kept.write_text(json.dumps(asdict(_fill(sizes))))
    held = json.loads(kept.read_text())
    return FullNode(
        sizes=Sizes(**held["sizes"]),
        things=held["things"],
        large=held["large"],
        comers={
            name: Comer(each["session"], tuple(each["permissions"])) for name, each in held["comers"].items()
        },
    )


def _fill(sizes: Sizes) -> FullNode:
    from django.conf import settings
    from django.db import connection
    from tests.world import build

    from taawun.cooperation.people.queries import actor_of

    begun = time.process_time()
    world = build()
    bilateral, agreement = _partners(sizes.partners)
    others = [other for other, _agreement in bilateral]
    _releases(world, bilateral, sizes.releases)
    _trail(sizes.audit)
    _notices(others, sizes.notices)
    _people(world, sizes.people)
    import_all(sizes.objects, sizes.reports)
    # no reader but theirs may see these: each list of objects passes over them, and so does each search
    import_strict(actor_of(world.members["outsider"].row), "for another organisation", sizes.strict)
    _imports_and_sightings(world)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"the node was filled in {time.process_time() - begun:.0f} CPU-s", flush=True)
    comers = {"nobody": Comer()}
    for each in world.people:
        cookie = each.client.cookies.get(settings.SESSION_COOKIE_NAME)
        if each.permissions is not None and cookie:
            comers[each.name] = Comer(cookie.value, tuple(sorted(each.permissions)))
    return FullNode(sizes, dict(world.things), _largest(others, agreement), comers)


def _largest(others: list[PartnerNode], agreement: Agreement) -> dict[str, str]:
    from django.db.models import Count

    from taawun.capabilities.intel.models import Import, Report
    from taawun.cooperation.people.models import Community, Nation, Organisation

    rows: dict[str, Model | None] = {
        "report_id": Report.objects.filter(title="common report 5").first(),
        "import_id": Import.objects.annotate(count=Count("issues")).order_by("-count").first(),
        "partner_id": others[0].row,
        "agreement_id": agreement,
        "organisation_id": Organisation.objects.annotate(count=Count("memberships"))
        .order_by("-count")
        .first(),
        "community_id": Community.objects.annotate(count=Count("spans")).order_by("-count").first(),
        "code": Nation.objects.annotate(count=Count("organisation")).order_by("-count").first(),
    }
    return {name: str(row.pk) for name, row in rows.items() if row} | {"stix_id": HUB}


# ---- intelligence -----------------------------------------------------------------------------------------------


def import_all(objects: int, reports: int, *, extremes: bool = True) -> None:
    """Import invented intelligence at this process's node.

    Args:
        objects: how many, of which 5,000 are tied to one.
        reports: how many, of ten objects each.
        extremes: also a report that names 100,000 objects, and one whose 400 objects all name each other.
    """
    from taawun.cooperation.people.actors import SystemActor
    from taawun.foundation.tlp import Tlp

    indicators = [_indicator(number) for number in range(objects - TIED)]
    stix_ids = [each["id"] for each in indicators]
    files = {
        "objects": [
            *indicators,
            _sdo("malware", "hub", id=HUB, name="Hub", is_family=True),
            *_ties(stix_ids),
        ],
        "reports": [
            _report(f"common report {number}", _some(stix_ids, number)) for number in range(reports - 2)
        ],
        "wide": [_report("wide", [f"indicator--{_uuid(f'none {number}')}" for number in range(WIDE)])],
        "dense": list(_dense()),
    }
    if not extremes:
        del files["wide"], files["dense"]
    for name, held in files.items():
        _bring(SystemActor("benchmark"), name, held, Tlp.CLEAR)


def import_strict(actor: Actor, name: str, count: int) -> None:
    """Import so many of the same objects again for an organisation alone: as TLP:AMBER+STRICT.

    Args:
        actor: a person of that organisation.
        name: of the file.
        count: how many.
    """
    from taawun.foundation.tlp import Tlp

    _bring(actor, name, [_indicator(number) for number in range(count)], Tlp.AMBER_STRICT)


# Any: STIX objects are JSON of any shape
def _bring(actor: Actor, name: str, held: Sequence[dict[str, Any]], tlp: Tlp) -> None:
    from taawun.capabilities.intel import actions

    data = orjson.dumps({"type": "bundle", "id": f"bundle--{_uuid(name)}", "objects": held})
    begun = time.process_time()
    brought = actions.begin_import(actor, data, name=name, default_tlp=tlp)
    actions.run_import(Silent(), str(brought.id))
    brought.refresh_from_db()
    print(
        f"imported {name}: {brought.counts['new']:,} in {time.process_time() - begun:.1f} CPU-s", flush=True
    )
    assert brought.state == brought.State.DONE, brought.counts


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


# Any, here and below: STIX objects are JSON of any shape
def _sdo(type_: str, key: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": type_,
        "spec_version": "2.1",
        "id": f"{type_}--{_uuid(f'{type_} {key}')}",
        "created": WHEN,
        "modified": WHEN,
        **properties,
    }


def _indicator(number: int) -> dict[str, Any]:
    return _sdo(
        "indicator",
        str(number),
        name=f"common {WORDS[number % len(WORDS)]} {number}",
        pattern=f"[ipv4-addr:value = '10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}']",
        pattern_type="stix",
        valid_from=WHEN,
    )


def _ties(stix_ids: list[str]) -> Iterator[dict[str, Any]]:
    for number, source in enumerate(stix_ids[: TIED - 1]):
        ends = {"source_ref": source, "target_ref": HUB}
        yield _sdo("relationship", str(number), relationship_type="indicates", **ends)


def _report(name: str, refs: list[str]) -> dict[str, Any]:
    return _sdo("report", name, name=name, published=WHEN, object_refs=refs)


def _some(stix_ids: list[str], number: int) -> list[str]:
    return [stix_ids[(number * 7 + each * 13) % len(stix_ids)] for each in range(OF_A_REPORT)]


def _dense() -> Iterator[dict[str, Any]]:
    stix_ids = [f"x-thing--{_uuid(f'x-thing {number}')}" for number in range(DENSE)]
    for number in range(DENSE):
        yield _sdo("x-thing", str(number), name=f"thing {number}", x_refs=stix_ids)
    yield _report("dense", stix_ids)


def _imports_and_sightings(world: World) -> None:
    """Hundreds of files, one of them with thousands of faults, and one object that was seen again and again."""
    from taawun.capabilities.intel.models import Import, ImportIssue, Sighting
    from taawun.foundation.clock import now

    analyst = world.members["analyst"].row
    shown = Import.objects.get(id=world.things["import_id"])
    common = {
        "file": shown.file,
        "size": 4096,
        "format": shown.format,
        "default_tlp": 1,
        "person": analyst,
        "organisation": shown.organisation,
        "state": Import.State.DONE,
        "counts": {"new": 100, "known": 5, "refused": 0, "warnings": 10},
        "finished": now(),
    }
    files = Import.objects.bulk_create(Import(name=f"file {number}.json", **common) for number in range(500))
    fault = shown.issues.all()[0]
    ImportIssue.objects.bulk_create(
        ImportIssue(
            owner=files[0],
            severity=fault.severity,
            code=fault.code,
            place=f"/objects/{number}",
            params=fault.params,
        )
        for number in range(5_000)
    )
    Sighting.objects.bulk_create(
        Sighting(
            stix_id=f"sighting--{_uuid(f'sighting {number}')}",
            of=HUB,
            count=1,
            first_seen=now() - timedelta(hours=number),
            last_seen=now() - timedelta(hours=number),
            tlp=1,
            person=analyst,
            note="seen again",
        )
        for number in range(2_000)
    )


# ---- partners, agreements, releases ----------------------------------------------------------------------------


def _partners(count: int) -> tuple[list[tuple[PartnerNode, Agreement]], Agreement]:
    """So many partners, an agreement in force with each, some that wait, and one with all of them."""
    from tests.cast import agreement_in_force, agreement_proposed, clause, partner

    # a party is called by its nation's letters in the agreement, and this node is "us"
    pairs = (first + second for first, second in itertools.product("QRTVWYZ", ascii_uppercase))
    codes = list(itertools.islice(pairs, count))
    others = [partner(f"Centre for Cyber Security of {code}", nation=code) for code in codes]
    clauses = tuple(clause(str(number + 1)) for number in range(12))
    bilateral = [(other, agreement_in_force(other, clauses=clauses[:3])) for other in others]
    for other in others[:20]:
        agreement_proposed(other, clauses=clauses)
    return bilateral, agreement_in_force(*others, clauses=clauses)


def _releases(world: World, bilateral: list[tuple[PartnerNode, Agreement]], count: int) -> None:
    """Releases over a lane to and a lane from each partner, spread over two years."""
    from taawun.cooperation.federation.models import Passage, Receipt, Release
    from taawun.cooperation.partners.models import Lane, LaneEntry, LaneReader
    from taawun.foundation.clock import now
    from taawun.foundation.digests import sha256

    lanes: list[tuple[Lane, PartnerNode]] = []
    for (other, agreement), is_ours in itertools.product(bilateral[:20], (True, False)):
        sender = None if is_ours else other.row
        lane = Lane.objects.create(
            purpose=Lane.Purpose.CLAUSE, sender=sender, agreement=agreement.id, clause="1"
        )
        if sender is None:
            LaneReader.objects.create(lane=lane, partner=other.row)
        lanes.append((lane, other))
    begun, step = now() - timedelta(days=730), timedelta(days=730) / count
    document = world.things["proposed_digest"]
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        releases = Release.objects.bulk_create(
            Release(
                kind="intel.report" if number % 3 else "intel.sighting",
                tlp=number % 3,
                subject=f"urn:taawun:stix:report--{_uuid(f'release {number}')}",
                version=WHEN,
                title=f"A campaign against common {WORDS[number % len(WORDS)]}, part {number}",
                digest=sha256(str(number).encode()),
                size=2048,
                origin=lanes[number % len(lanes)][0].sender,
                issued=begun + number * step,
                published_by="Analyst",
            )
            for number in numbers
        )
        entries = LaneEntry.objects.bulk_create(
            LaneEntry(
                lane=lanes[number % len(lanes)][0],
                seq=number // len(lanes),
                header="h" * 600,
                digest=sha256(f"entry {number}".encode()),
                kind=release.kind,
                subject=release.subject,
                action="publish",
                content_digest=release.digest,
                size=2048,
                issued=begun + number * step,
                recorded=begun + number * step,
                state=LaneEntry.State.DONE,
            )
            for number, release in zip(numbers, releases, strict=True)
        )
        together = list(zip(numbers, releases, entries, strict=True))
        Passage.objects.bulk_create(
            Passage(
                **Passage.place_of(entry),
                release=release,
                entry=entry,
                size=entry.size,
                agreement=lanes[number % len(lanes)][0].agreement,
                document=document,
                clause=lanes[number % len(lanes)][0].clause,
            )
            for number, release, entry in together
        )
        Receipt.objects.bulk_create(
            Receipt(
                **Receipt.place_of(entry),
                entry=entry,
                partner=lanes[number % len(lanes)][1].row,
                outcome="done",
                at=entry.recorded,
            )
            for number, release, entry in together
            if release.origin is None
        )


# ---- the trail, notices, people ---------------------------------------------------------------------------------


def _trail(count: int) -> None:
    """Rows like those that the world left, again and again: sealed, and of the past."""
    from taawun.foundation.digests import sha256
    from taawun.platform.audit.models import Entry

    like = list(Entry.objects.all())
    for start in range(0, count, BATCH):
        rows = []
        for number in range(start, min(start + BATCH, count)):
            of = like[number % len(like)]
            rows.append(
                Entry(
                    at=of.at - timedelta(minutes=5 * (count - number)),
                    actor_kind=of.actor_kind,
                    actor_id=of.actor_id,
                    actor_label=of.actor_label,
                    verb=of.verb,
                    subject=of.subject,
                    details=of.details,
                    seq=number + 1,
                    digest=sha256(str(number).encode()),
                )
            )
        Entry.objects.bulk_create(rows)


def _notices(others: list[PartnerNode], count: int) -> None:
    """Two releases under one name, of each partner, again and again; every other one waits for somebody."""
    from taawun.foundation.clock import now
    from taawun.platform.notices.models import Notice

    Notice.objects.bulk_create(
        Notice(
            kind="federation.conflict",
            level=Notice.Level.ALARM,
            subject=f"urn:uuid:{_uuid(f'notice {number}')}",
            params={"node": others[number % len(others)].node, "subject": f"urn:x:{number}", "version": "1"},
            created=now() - timedelta(minutes=10 * number + 5),
            last_seen=now() - timedelta(minutes=10 * number),
            resolved=None if number % 2 == 0 else now() - timedelta(minutes=5 * number),
        )
        for number in range(count)
    )


def _people(world: World, count: int) -> None:
    """People of many organisations and one large one, invitations, tokens, and a community that is shipped."""
    from taawun.cooperation.people.actions.communities import add_shipped_community
    from taawun.cooperation.people.actors import SystemActor
    from taawun.cooperation.people.models import (
        ApiToken,
        DutyContact,
        Invitation,
        Membership,
        Nation,
        Organisation,
        Person,
    )
    from taawun.cooperation.people.permissions import Role
    from taawun.foundation.clock import now
    from taawun.foundation.digests import sha256

    add_shipped_community(SystemActor("benchmark"), "oic")
    host = Organisation.objects.get(is_host=True)
    nation = Nation.objects.get(code="XN")
    places = Organisation.objects.bulk_create(
        Organisation(names={"en": f"Agency {number}", "ar": f"هيئة {number}"}, kind="ministry", nation=nation)
        for number in range(count // 10)
    )
    DutyContact.objects.bulk_create(
        DutyContact(
            organisation=place, names={"en": "Duty"}, zone="Asia/Riyadh", is_always=True, phone="+966 1"
        )
        for place in places
        for _twice in range(2)
    )
    people = Person.objects.bulk_create(
        Person(name=f"Person of duty {number}", email=f"duty{number}@cert.example") for number in range(count)
    )
    Membership.objects.bulk_create(
        Membership(
            person=each,
            organisation=host if number % 2 else places[number % len(places)],
            role=(Role.ANALYST, Role.OBSERVER, Role.TRAINEE)[number % 3],
        )
        for number, each in enumerate(people)
    )
    soon = now() + timedelta(days=3)
    Invitation.objects.bulk_create(
        Invitation(
            email=f"invited{number}@cert.example",
            organisation=host,
            roles=[Role.ANALYST],
            token_digest=sha256(f"invitation {number}".encode()),
            expires=soon,
        )
        for number in range(count // 5)
    )
    ApiToken.objects.bulk_create(
        ApiToken(
            person=world.members["analyst"].row,
            name=f"token {number}",
            digest=sha256(f"token {number}".encode()),
            hint="taawun_abcde",
            scopes=["read:intel"],
            expires=soon,
        )
        for number in range(30)
    )
