"""How fast it is decided who may have what: one decision, and the list of all releases a party may have.

    python benchmarks/decide.py [--releases 100000] [--agreements 200]

Makes a node of its own in a temporary folder (SQLite, or TAAWUN_DATABASE_URL), with agreements, topics and
releases spread over its parties, and prints CPU time. Both are held to each other: the list holds exactly the
releases for which the decision is yes.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT / "src"))

if TYPE_CHECKING:
    from taawun.cooperation.agreements.policy import Agreed, Facts

NODE = "http://127.0.0.1:8000"
KINDS = ("intel.report", "intel.sighting", "learning.course", "hunting.rule", "response.advisory")
TOPICS = tuple(f"attack:T{number}" for number in range(1001, 1201))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=100_000)
    parser.add_argument("--agreements", type=int, default=200)
    chosen = parser.parse_args()
    random.seed(20260101)
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(
            TAAWUN_HOME=home, TAAWUN_BASE_URL=NODE, DJANGO_SETTINGS_MODULE="taawun.node.settings"
        )
        import django

        django.setup()
        one_decision()
        list_query(chosen.releases, chosen.agreements)
    return 0


def agreed(count: int, parties: int) -> list[Agreed]:
    """Agreements of two to six parties with three clauses each, a tenth of them not in force."""
    from taawun.cooperation.agreements.policy import Agreed

    return [Agreed(f"AG-{number:03d}", standing(number, parties)) for number in range(count)]


def standing(number: int, parties: int):  # noqa: ANN201 - typed where it is made
    from datetime import UTC, datetime, timedelta
    from uuid import UUID

    from taawun.cooperation.agreements.document import Clause, Document, Onward, Party
    from taawun.cooperation.agreements.standing import Standing, State, Window
    from taawun.foundation.multilingual import Text
    from taawun.foundation.tlp import Tlp

    since = datetime(2026, 1, 1, tzinfo=UTC)
    others = random.sample(range(parties), random.randint(1, 5))
    members = [
        Party(ref, "node", node, "", "XN", Text.of(en=ref), "k" * 43)
        for ref, node in [("we", NODE), *((f"p{each}", f"https://p{each}.example") for each in others)]
    ]
    clauses = tuple(
        Clause(
            ref=str(index),
            title=Text.of(en="clause"),
            senders=("any",),
            receivers=("any",),
            kinds=random.choice([("*",), ("intel.*",), (random.choice(KINDS),)]),
            topics=() if random.random() < 0.5 else tuple(random.sample(TOPICS, 5)),
            tlp_max=random.choice(list(Tlp)),
            purpose=(),
            onward=Onward("none"),
            history="all",
            retention_days=365,
            on_termination="delete",
            recognises=(),
        )
        for index in range(3)
    )
    document = Document(
        UUID(int=number),
        1,
        Text.of(en="a"),
        tuple(members),
        clauses,
        since,
        None,
        "",
        "closed",
        2,
        "all",
        0,
        ("en",),
        "en",
        None,
        b"",
        f"{number:064x}",
    )
    in_force = random.random() > 0.1
    signed = tuple((member.ref, since) for member in members)
    windows = (Window(document, since, since + timedelta(days=9999), signed),) if in_force else ()
    state = State.IN_FORCE if in_force else State.PROPOSED
    return Standing(state, document, None, windows, frozenset(), (), None)


def rare(node: str, kinds: tuple[str, ...], topics: tuple[str, ...]) -> Agreed:
    """An agreement with one party that may have next to nothing."""
    from taawun.cooperation.agreements.policy import Agreed
    from taawun.foundation.tlp import Tlp

    held = next(made for number in range(10**6, 10**6 + 99) if (made := standing(number, 6)).windows)
    document = held.windows[0].document
    party = replace(document.parties[1], node=node)
    clause = replace(document.clauses[0], kinds=kinds, topics=topics, tlp_max=Tlp.RED)
    narrowed = replace(document, parties=(document.parties[0], party), clauses=(clause,))
    return Agreed(
        node, replace(held, current=narrowed, windows=(replace(held.windows[0], document=narrowed),))
    )


def trust(parties: int):  # noqa: ANN201 - a plain dictionary
    from taawun.cooperation.agreements.policy import PartnerTrust

    return {f"https://p{each}.example": PartnerTrust("", float("inf")) for each in range(parties)}


def facts() -> Facts:
    from taawun.cooperation.agreements.policy import Facts
    from taawun.foundation.tlp import Tlp

    topics = frozenset(random.sample(TOPICS, random.randint(0, 3)))
    return Facts(
        random.choice(KINDS), random.choice([Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT]), topics
    )


def one_decision() -> None:
    from taawun.cooperation.agreements.policy import Allowed, compile_policy
    from taawun.foundation.tlp import Tlp

    for parties in (57, 1):
        started = time.process_time()
        policy = compile_policy(NODE, agreed(1000, max(parties, 6)), trust(max(parties, 6)), 1)
        compiled = time.process_time() - started
        asked = [(f"https://p{random.randrange(parties)}.example", facts()) for _ in range(5000)]
        # what is hardest to refuse: a marking above nearly every clause, a kind that only `*` covers
        asked += [
            (party, replace(release, tlp=Tlp.RED, kind="other.thing")) for party, release in asked[:2500]
        ]
        at = time.time()
        for label in ("cold", "warm"):
            times: dict[bool, list[float]] = {True: [], False: []}
            for party, release in asked:
                started = time.perf_counter()
                answer = policy.decide(party, release, at)
                times[isinstance(answer, Allowed)].append(time.perf_counter() - started)
            started = time.process_time()
            for party, release in asked:
                policy.decide(party, release, at)
            mean = (time.process_time() - started) / len(asked)
            held = max(len(policy.grants(party)) for party, _release in asked)
            print(
                f"decide(), 1,000 agreements, {parties} part{'y' if parties == 1 else 'ies'} asked for "
                f"(up to {held} clauses each), {label}: mean {mean * 1e6:.1f} µs CPU; "
                f"yes {median(times[True]):.1f}, no {median(times[False]):.1f}, slowest 1 in 100 "
                f"{worst([*times[True], *times[False]]):.1f} µs; compiled in {compiled:.2f} CPU-s"
            )


def median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] * 1e6 if times else 0.0


def worst(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)] * 1e6


def list_query(count: int, agreements: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    from taawun.cooperation.agreements import queries
    from taawun.cooperation.agreements.policy import Allowed, PartnerTrust, compile_policy
    from taawun.cooperation.federation.models import Release, ReleaseTopic
    from taawun.cooperation.federation.queries import readable_releases

    call_command("migrate", verbosity=0)
    # and two parties whose clauses match nearly nothing, so that no early end of the walk helps
    sparse = [
        rare("https://rare.example", ("nothing.like-it",), ()),
        rare("https://one.example", ("*",), TOPICS[:1]),
    ]
    trusted = trust(57) | {
        "https://rare.example": PartnerTrust("", 9e12),
        "https://one.example": PartnerTrust("", 9e12),
    }
    policy = compile_policy(NODE, [*agreed(agreements, 57), *sparse], trusted, 0)
    queries._compiled = policy  # noqa: SLF001 - the policy is planted, its compilation is measured above
    topics = []
    for start in range(0, count, 2000):
        made: list[Release] = []
        for _ in range(min(2000, count - start)):
            asked = facts()
            release = Release(
                kind=asked.kind,
                tlp=asked.tlp,
                subject=f"urn:x:{len(made) + start}",
                digest="0" * 64,
                size=2048,
            )
            made.append(release)
            topics += [ReleaseTopic(owner=release, topic=topic) for topic in asked.topics]
        Release.objects.bulk_create(made)
    ReleaseTopic.objects.bulk_create(topics, batch_size=5000)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")
    walls, cpus, rows, slowest = [], [], 0, ""
    parties = [*policy.parties, "https://nobody.example"]
    for party in parties:
        started, cpu = time.perf_counter(), time.process_time()
        rows += len(readable_releases(party)[:100])
        walls.append(time.perf_counter() - started)
        if walls[-1] == max(walls):
            slowest = party
        cpus.append(time.process_time() - cpu)
    print(
        f"list of the newest 100 a party may have, {count:,} releases, {agreements} agreements, {connection.vendor}: "
        f"median {median(walls) / 1e3:.1f} ms, slowest {slowest} {max(walls) * 1e3:.1f} ms "
        f"(CPU {max(cpus) * 1e3:.1f} ms), {rows} rows"
    )
    at = time.time()
    for party in parties[:5]:
        listed = set(readable_releases(party).values_list("id", flat=True))
        allowed = {
            release.id
            for release in Release.objects.prefetch_related("topics", "parties").order_by("-id")[:2000]
            if isinstance(policy.decide(party, release.facts(), at), Allowed)
        }
        newest = set(Release.objects.order_by("-id").values_list("id", flat=True)[:2000])
        assert listed & newest == allowed, f"the list and the decision differ for {party}"


if __name__ == "__main__":
    sys.exit(main())
