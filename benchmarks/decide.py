"""How fast it is decided who may have what: one decision, a lane page, and the list of all a party may have.

    python benchmarks/decide.py [--releases 100000] [--agreements 200] [--postgresql]

Makes a node of its own in a temporary folder (SQLite, or a temporary PostgreSQL) and prints CPU time, for a
PostgreSQL the time on the wall. Each is asked what is easiest and what is hardest: where no clause is open, where
lists name others, where no release has the topics. The list and the decision are held to each other. Ends with 1
where a decision takes more than 20 µs, or on SQLite a list of 100 more than 50 ms.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(CHECKOUT / "src"), str(CHECKOUT)]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from taawun.cooperation.agreements.policy import Agreed, Facts, PartnerTrust, Policy
    from taawun.cooperation.federation.models import Release

NODE = "http://127.0.0.1:8000"
PARTY = "https://p0.example"
OTHER = "https://other.example"
KINDS = ("intel.report", "intel.sighting", "learning.course", "hunting.rule", "response.advisory")
TOPICS = tuple(f"attack:T{number}" for number in range(1001, 1201))
NOBODYS_TOPICS = tuple(f"attack:T{number}" for number in range(3001, 3201))
DECISION: Final = 20e-6  # seconds
LIST: Final = 50e-3  # seconds, for the newest 100
PAGE: Final = 500

missed: list[str] = []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=100_000)
    parser.add_argument("--agreements", type=int, default=200)
    parser.add_argument("--postgresql", action="store_true", help="ask a temporary PostgreSQL for the lists")
    chosen = parser.parse_args()
    random.seed(20260101)
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory())
        settings = {"TAAWUN_HOME": home, "TAAWUN_BASE_URL": NODE}
        if chosen.postgresql:
            from tests.postgresql import TemporaryPostgres

            server = TemporaryPostgres()
            stack.callback(server.stop)
            settings["TAAWUN_DATABASE_URL"] = server.url
        os.environ.update(settings, DJANGO_SETTINGS_MODULE="taawun.node.settings")
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        call_command("migrate", verbosity=0)
        stack.callback(connection.close)
        decisions()
        lane_page()
        lists(chosen.releases, chosen.agreements)
    for each in missed:
        print(f"bar missed: {each}", file=sys.stderr)
    return 1 if missed else 0


# ---- agreements -----------------------------------------------------------------------------------------------------


def agreed(count: int, parties: int, *, said: str = "", **changes: Any) -> list[Agreed]:
    """Agreements of two to six parties with three clauses each, a tenth of them never signed.

    Args:
        count: how many.
        parties: among how many they are made.
        said: an instrument of ours about each, for example ``suspended``.
        changes: members of every clause, and ``valid_until`` of every document.
    """
    from taawun.cooperation.agreements.policy import Agreed
    from taawun.cooperation.agreements.standing import Evidence, Instrument, Signature, stand
    from taawun.foundation.clock import now

    found = []
    for number in range(count):
        document = agreement(number, random.sample(range(parties), random.randint(1, 5)), **changes)
        is_signed = random.random() > 0.1
        signers = [party.ref for party in document.parties] if is_signed else []
        signatures = [Signature(document.digest, ref, document.valid_from) for ref in signers]
        spoken = [Instrument(document.id, said, "we", document.digest, document.valid_from)] if said else []
        found.append(Agreed(f"AG-{number:03d}", stand(Evidence([document], signatures, spoken), now())))
    return found


def agreement(number: int, others: Sequence[int | str], *, valid_until: Any = None, **changes: Any):  # noqa: ANN201 - typed where it is made
    from datetime import UTC, datetime
    from uuid import UUID

    from taawun.cooperation.agreements.document import Clause, Document, Onward, Party
    from taawun.foundation.multilingual import Text
    from taawun.foundation.tlp import Tlp

    named = [(f"p{each}", each if isinstance(each, str) else f"https://p{each}.example") for each in others]
    members = [
        Party(ref, "node", node, "", "XN", Text.of(en=ref), "k" * 43)
        for ref, node in (("we", NODE), *((f"o{place}", node) for place, (_ref, node) in enumerate(named)))
    ]

    def clause(index: int) -> Clause:
        # Any: members of a clause, of many types
        members: dict[str, Any] = {
            "ref": str(index),
            "title": Text.of(en="clause"),
            "senders": ("any",),
            "receivers": ("any",),
            "kinds": random.choice([("*",), ("intel.*",), (random.choice(KINDS),)]),
            "topics": () if random.random() < 0.5 else tuple(random.sample(TOPICS, 5)),
            "tlp_max": random.choice(list(Tlp)),
            "purpose": (),
            "onward": Onward("none"),
            "history": "all",
            "retention_days": 365,
            "on_termination": "delete",
            "recognises": (),
        }
        return Clause(**(members | changes))

    return Document(
        id=UUID(int=number + 1),
        version=1,
        title=Text.of(en="a"),
        parties=tuple(members),
        clauses=tuple(clause(index) for index in range(3)),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=valid_until,
        supersedes="",
        accession="closed",
        min_signatories=2,
        entry_into_force="all",
        notice_days=0,
        authentic_languages=("en",),
        prevailing="en",
        preamble=None,
        text=b"",
        digest=f"{number:064x}",
    )


def only(number: int, node: str, **changes: Any) -> Agreed:
    """An agreement in force with one party."""
    from taawun.cooperation.agreements.policy import Agreed
    from taawun.cooperation.agreements.standing import Evidence, Signature, stand
    from taawun.foundation.clock import now

    document = agreement(number, [node], **changes)
    signatures = [Signature(document.digest, ref, document.valid_from) for ref in ("we", "o0")]
    return Agreed(node, stand(Evidence([document], signatures, []), now()))


def trust(parties: int, hindrance: str = "", until: float = 9e12) -> dict[str, PartnerTrust]:
    from taawun.cooperation.agreements.policy import PartnerTrust

    return {f"https://p{each}.example": PartnerTrust(hindrance, until) for each in range(parties)}


def facts() -> Facts:
    from taawun.cooperation.agreements.policy import Facts
    from taawun.foundation.tlp import Tlp

    topics = frozenset(random.sample(TOPICS, random.randint(0, 3)))
    return Facts(
        random.choice(KINDS), random.choice([Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER, Tlp.AMBER_STRICT]), topics
    )


def held(name: str, seconds: float, bar: float) -> None:
    if seconds > bar:
        missed.append(f"{name}: {seconds * 1e3:.3f} ms, the bar is {bar * 1e3:.2f} ms")


# ---- one decision ---------------------------------------------------------------------------------------------------


def decisions() -> None:
    print(
        "decide(), the policy of 1,000 agreements, CPU time of one decision; first: clauses are laid out for it"
    )
    for name, policy, parties, asked in cases():
        at = time.time()
        started = time.process_time()
        for party in parties:
            policy.decide(party, asked[0], at)
        first = (time.process_time() - started) / len(parties)
        for party in parties:
            for release in asked:
                policy.decide(party, release, at)
        means = []
        for _ in range(3):
            started = time.process_time()
            for number in range(5000):
                policy.decide(parties[number % len(parties)], asked[number % len(asked)], at)
            means.append((time.process_time() - started) / 5000)
        clauses = max(len(policy.grants(party)) for party in parties)
        print(
            f"  {name}: {min(means) * 1e6:.1f} µs; first {first * 1e6:,.0f} µs; up to {clauses:,} clauses a party"
        )
        held(f"decide(), {name}", min(means), DECISION)


def cases() -> Iterator[tuple[str, Policy, list[str], list[Facts]]]:
    """A name, a policy, who asks, and for what."""
    from datetime import UTC, datetime

    from taawun.cooperation.agreements.policy import compile_policy
    from taawun.foundation.tlp import Tlp

    asked = [facts() for _ in range(500)]
    many = [f"https://p{number}.example" for number in range(57)]
    started = time.process_time()
    policy = compile_policy(NODE, agreed(1000, 57), trust(57), 1)
    print(f"  (agreements made, read and compiled in {time.process_time() - started:.2f} CPU-s)")
    yield "57 parties", policy, many, asked
    among = agreed(1000, 6)
    hard = [replace(each, tlp=Tlp.RED, kind="other.thing") for each in asked]
    yield "one party in all", compile_policy(NODE, among, trust(6), 1), [PARTY], asked
    yield (
        "marked too high, a kind that only * covers",
        compile_policy(NODE, among, trust(6), 1),
        [PARTY],
        hard,
    )
    nobody = "https://nobody.example"
    yield "no agreement with the party", compile_policy(NODE, among, trust(6), 1), [nobody], asked
    for name, trusted in (
        ("partner blocked", trust(6, "partner-blocked")),
        ("partner not verified", {}),
        ("descriptor lapsed", trust(6, until=0.0)),
    ):
        yield name, compile_policy(NODE, among, trusted, 1), [PARTY], asked
    topics = tuple(random.sample(TOPICS, 50))
    about = [replace(each, tlp=Tlp.AMBER, topics=frozenset(random.sample(TOPICS, 20))) for each in asked]
    ended = datetime(2026, 1, 2, tzinfo=UTC)
    for name, made, releases in (
        ("all suspended", agreed(1000, 6, said="suspended"), asked),
        ("all terminated", agreed(1000, 6, said="terminated"), asked),
        ("all expired", agreed(1000, 6, valid_until=ended), asked),
        ("every clause about another kind", agreed(1000, 6, kinds=("drills.scenario",)), asked),
        ("50 topics a clause, marked too high", agreed(1000, 6, topics=topics, tlp_max=Tlp.CLEAR), about),
        ("50 other topics a clause", agreed(1000, 6, topics=NOBODYS_TOPICS[:50]), about),
    ):
        yield name, compile_policy(NODE, made, trust(6), 1), [PARTY], releases


def lane_page() -> None:
    """What one page of a lane asks when a party in all agreements reads it."""
    from types import SimpleNamespace

    from taawun.cooperation.agreements.policy import compile_policy
    from taawun.cooperation.federation import exchange
    from taawun.cooperation.federation.models import Passage, Release, ReleaseTopic
    from taawun.cooperation.partners.models import Lane, LaneEntry
    from taawun.foundation.clock import now

    policy = compile_policy(NODE, agreed(1000, 6), trust(6), 1)
    grant = policy.grants(PARTY)[-1]
    lane = Lane.objects.create(purpose="clause", agreement=grant.agreement, clause=grant.clause.ref)
    for seq in range(PAGE):
        asked = facts()
        release = Release.objects.create(
            kind=asked.kind, tlp=asked.tlp, subject=f"urn:y:{seq}", digest="0" * 64, size=1
        )
        ReleaseTopic.objects.bulk_create(ReleaseTopic(owner=release, topic=topic) for topic in asked.topics)
        entry = LaneEntry.objects.create(
            lane=lane,
            seq=seq,
            digest=f"{seq:064x}",
            header="",
            kind=asked.kind,
            action="publish",
            subject=release.subject,
            content_digest="0" * 64,
            issued=now(),
        )
        Passage.objects.create(
            **Passage.place_of(entry),
            release=release,
            entry=entry,
            size=entry.size,
            agreement=grant.agreement,
            document=grant.digest,
            clause=lane.clause,
        )
    entries = list(LaneEntry.objects.filter(lane=lane).order_by("seq"))
    reader: Any = SimpleNamespace(node=PARTY)
    with patch.object(exchange, "current_policy", lambda: policy):
        wall, cpu, answer = measured(lambda: exchange.readable(lane, entries, reader))
    print(
        f"readable(), a lane page of {PAGE} entries, a reader with {len(policy.grants(PARTY)):,} clauses: "
        f"{cpu * 1e3:.1f} ms CPU, {wall * 1e3:.1f} ms; {sum(answer)} of them it may have"
    )
    Passage.objects.all().delete()
    LaneEntry.objects.all().delete()
    Release.objects.all().delete()


def measured(run: Callable[[], Any]) -> tuple[float, float, Any]:
    """The least wall and CPU time of five runs in seconds, and the answer."""
    walls, cpus, answer = [], [], None
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus), answer


# ---- the list -------------------------------------------------------------------------------------------------------


def lists(count: int, agreements: int) -> None:
    from django.db import connection

    from taawun.cooperation.agreements import queries
    from taawun.cooperation.agreements.policy import PartnerTrust, compile_policy
    from taawun.cooperation.federation.models import Release, ReleaseParty, ReleaseTopic
    from taawun.foundation.tlp import Tlp

    # parties whose clauses match next to nothing, so that no early end of the walk helps
    sparse: dict[str, dict[str, Any]] = {
        "https://rare.example": {"kinds": ("nothing.like-it",), "topics": (), "tlp_max": Tlp.RED},
        "https://one.example": {"kinds": ("*",), "topics": TOPICS[:1], "tlp_max": Tlp.RED},
        "https://topics.example": {"kinds": ("*",), "topics": NOBODYS_TOPICS, "tlp_max": Tlp.RED},
        "https://old.example": {"kinds": ("*",), "topics": ("old:1", *NOBODYS_TOPICS), "tlp_max": Tlp.RED},
    }
    made = [
        *agreed(agreements, 57),
        *(only(10_000 + place, *each[:1], **each[1]) for place, each in enumerate(sparse.items())),
    ]
    policy = compile_policy(NODE, made, trust(57) | dict.fromkeys(sparse, PartnerTrust("", 9e12)), 0)
    fill(count)
    everybody = [*policy.parties, "https://nobody.example"]
    hardest = [PARTY, *sparse, "https://nobody.example"]
    with patch.object(queries, "current_policy", lambda: policy):
        ask(f"as made, {count:,} releases, {agreements} agreements", everybody)
        agree(policy, everybody[:5])
        half = count // 2
        old = list(Release.objects.order_by("id").values_list("id", flat=True)[:half])
        ReleaseTopic.objects.bulk_create(
            (ReleaseTopic(owner_id=each, topic="old:1") for each in old), batch_size=5000
        )
        ask("a topic of the oldest half", ["https://old.example"])
        Release.objects.update(tlp=Tlp.RED)
        ask("all RED that name nobody", hardest)
        Release.objects.update(tlp=Tlp.GREEN, has_audience=True)
        name("audience", OTHER)
        ask("all for an audience of others", hardest)
        name("audience", PARTY)
        ask("all for an audience with the party", hardest)
        Release.objects.update(has_audience=False, onward="named")
        name("named", OTHER)
        ask("all onward to others by name", hardest)
        Release.objects.update(onward="public", is_bound=True)
        name("bound", OTHER)
        ask("all bound to an audience of others", hardest)
        agree(policy, hardest)
        Release.objects.update(state="withdrawn")
        ask("all withdrawn", hardest)
    ReleaseParty.objects.all().delete()
    connection.close()


def fill(count: int) -> None:
    from taawun.cooperation.federation.models import Release, ReleaseTopic

    topics = []
    for start in range(0, count, 2000):
        made: list[Release] = []
        for number in range(start, min(start + 2000, count)):
            asked = facts()
            release = Release(
                kind=asked.kind, tlp=asked.tlp, subject=f"urn:x:{number}", digest="0" * 64, size=2048
            )
            made.append(release)
            topics += [ReleaseTopic(owner=release, topic=topic) for topic in asked.topics]
        Release.objects.bulk_create(made)
    ReleaseTopic.objects.bulk_create(topics, batch_size=5000)


def name(role: str, party: str) -> None:
    """Let every release name a party in a list."""
    from taawun.cooperation.federation.models import Release, ReleaseParty

    every = Release.objects.values_list("id", flat=True).iterator()
    ReleaseParty.objects.bulk_create(
        (ReleaseParty(owner_id=each, role=role, party=party) for each in every), batch_size=5000
    )


def ask(label: str, parties: Sequence[str]) -> None:
    from django.db import connection

    from taawun.cooperation.federation.queries import readable_releases

    def newest(party: str) -> list[Release]:
        return list(readable_releases(party)[:100])

    on_sqlite = connection.vendor == "sqlite"
    if not on_sqlite:
        # autovacuum does it in time on a node, and has none here
        connection.cursor().execute("VACUUM ANALYZE")
    times = {}
    rows = {}
    for party in parties:
        wall, cpu, answer = measured(partial(newest, party))
        # a PostgreSQL spends its CPU elsewhere
        times[party], rows[party] = cpu if on_sqlite else wall, len(answer)
    slowest = max(times, key=lambda party: times[party])
    ordered = sorted(times.values())
    print(
        f"list of the newest 100, {connection.vendor}, {label}: median {ordered[len(ordered) // 2] * 1e3:.1f} ms; "
        f"slowest {times[slowest] * 1e3:.1f} ms ({slowest}, {rows[slowest]} rows)",
        flush=True,
    )
    if on_sqlite:
        held(f"list, {label}, {slowest}", times[slowest], LIST)


def agree(policy: Policy, parties: Sequence[str]) -> None:
    """The list and the decision say the same about the newest 2,000."""
    from taawun.cooperation.agreements.policy import Allowed
    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.federation.queries import readable_releases

    at = time.time()
    newest = list(Release.objects.prefetch_related("topics", "parties").order_by("-id")[:2000])
    for party in parties:
        listed = set(readable_releases(party).values_list("id", flat=True))
        allowed = {each.id for each in newest if isinstance(policy.decide(party, each.facts(), at), Allowed)}
        if listed & {each.id for each in newest} != allowed:
            missed.append(f"the list and the decision differ for {party}")


if __name__ == "__main__":
    sys.exit(main())
