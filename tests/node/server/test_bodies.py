"""Collecting bodies: their size, their time, their number, their end."""

import asyncio
import time
from collections.abc import Iterable

import pytest

from taawun.node.server.bodies import MEMORY, Bodies, BodyRules, same_limit_everywhere
from taawun.node.server.refusals import Refusal
from tests.asynchronous import run_apart
from tests.node.server.fakes import FakeExchange, FakeHeaders

CLIENT = "192.0.2.7"
KIBIBYTE = 1024
QUICK = BodyRules(grace_seconds=0.2, rate=KIBIBYTE, longest_seconds=1.0, patience_seconds=0.1)


def length(count: int) -> FakeHeaders:
    return FakeHeaders([("content-length", str(count))])


CHUNKED = FakeHeaders([("transfer-encoding", "chunked")])


async def collected(
    exchange: FakeExchange, headers: FakeHeaders, rules: BodyRules = QUICK, path: str = "/"
) -> bytes:
    with await Bodies(rules).collect(path, CLIENT, headers, exchange) as body:
        return body.read()


def refused(
    exchange: FakeExchange, headers: FakeHeaders, rules: BodyRules = QUICK, path: str = "/"
) -> tuple[int, str]:
    with pytest.raises(Refusal) as refusal:
        run_apart(collected(exchange, headers, rules, path))
    return refusal.value.status.value, refusal.value.code


@pytest.mark.parametrize("headers", [FakeHeaders(), length(0), FakeHeaders([("content-length", "")])])
def test_a_request_without_a_body_waits_for_nothing(headers):
    assert run_apart(collected(FakeExchange([b"never"], pause=60), headers)) == b""


@pytest.mark.parametrize(
    ("chunks", "headers"),
    [
        ([b"abc"], length(3)),
        ([b"a", b"bc"], length(3)),
        ([b"a", b"bc"], CHUNKED),
        ([], CHUNKED),
        ([b"x" * MEMORY, b"y" * MEMORY], length(2 * MEMORY)),
        ([b"x" * MEMORY, b"y" * MEMORY], CHUNKED),
    ],
)
def test_a_whole_body_is_collected_and_stands_at_its_beginning(chunks, headers):
    assert run_apart(collected(FakeExchange([*chunks, b""]), headers)) == b"".join(chunks)


def test_a_large_body_leaves_nothing_behind_in_its_folder(tmp_path):
    rules = BodyRules(spool=tmp_path)
    body = run_apart(collected(FakeExchange([b"x" * MEMORY] * 3 + [b""]), CHUNKED, rules))
    assert len(body) == 3 * MEMORY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("chunks", "headers"),
    [
        ([b"ab", b"", b""], length(3)),
        ([b"ab", b"", b""], CHUNKED),
        ([b"", b""], CHUNKED),
        ([b"x" * MEMORY, b"", b""], length(2 * MEMORY)),
        ([b"x" * MEMORY, b""], length(2 * MEMORY)),
        ([b"x" * MEMORY, b"x" * MEMORY, b"x", b""], length(2 * MEMORY)),
    ],
)
def test_a_body_that_is_not_what_was_announced_is_refused(chunks, headers):
    assert refused(FakeExchange(chunks), headers) == (400, "body-broken-off")


def by_path(path: str) -> int:
    return {"/none": 0, "/small": 10}.get(path, same_limit_everywhere(path))


@pytest.mark.parametrize(
    ("path", "count", "allowed"),
    [
        ("/none", 1, False),
        ("/small", 10, True),
        ("/small", 11, False),
        ("/", 64 * MEMORY + 64 * KIBIBYTE, True),
        ("/", 64 * MEMORY + 64 * KIBIBYTE + 1, False),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_the_limit_is_that_of_the_path_whether_the_length_is_announced_or_not(
    path, count, allowed, announced
):
    rules = BodyRules(limit_of=by_path)
    chunks = [b"x" * MEMORY] * (count // MEMORY) + [b"x" * (count % MEMORY)]
    exchange = FakeExchange([*chunks, b""])
    headers = length(count) if announced else CHUNKED
    if allowed:
        assert len(run_apart(collected(exchange, headers, rules, path))) == count
    else:
        assert refused(exchange, headers, rules, path) == (413, "body-too-large")


def test_a_body_announced_as_too_large_is_refused_before_anything_is_read():
    exchange = FakeExchange([b"x"], pause=60)
    assert refused(exchange, length(11), BodyRules(limit_of=by_path), "/small") == (413, "body-too-large")


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (0, "This address takes no body."),
        (10, "larger than the 10 bytes that"),
        (64 * KIBIBYTE, "larger than the 64 KiB that"),
        (2 * MEMORY, "larger than the 2 MiB that"),
    ],
)
def test_a_refusal_names_the_limit(limit, sentence):
    with pytest.raises(Refusal) as refusal:
        run_apart(collected(FakeExchange(), length(99 * MEMORY), BodyRules(limit_of=lambda _: limit)))
    assert sentence in refusal.value.detail


@pytest.mark.parametrize("headers", [length(3), length(2 * MEMORY), CHUNKED])
def test_a_body_that_never_comes_is_refused_after_the_grace(headers):
    begun = time.monotonic()
    assert refused(FakeExchange([b"x"], pause=60), headers) == (408, "body-too-slow")
    # long before the sixty seconds for which nothing comes
    assert 0.15 < time.monotonic() - begun < 20


def test_a_body_that_comes_faster_than_the_rate_may_take_longer_than_the_grace():
    exchange = FakeExchange(
        [b"x" * 200] * 8 + [b""], pause=0.06
    )  # 200 bytes in 60 ms; 1 KiB a second is asked
    begun = time.monotonic()
    assert run_apart(collected(exchange, CHUNKED)) == b"x" * 1600
    assert time.monotonic() - begun > QUICK.grace_seconds * 2


def test_a_body_that_trickles_is_refused_when_the_grace_is_used_up():
    exchange = FakeExchange([b"x"] * 400, pause=0.05)  # 20 bytes a second
    begun = time.monotonic()
    assert refused(exchange, CHUNKED) == (408, "body-too-slow")
    assert time.monotonic() - begun < 10


def test_no_body_may_take_longer_than_the_longest_time():
    exchange = FakeExchange([b"x" * 100 * KIBIBYTE] * 200, pause=0.1)
    begun = time.monotonic()
    assert refused(exchange, CHUNKED) == (408, "body-too-slow")
    assert 0.9 < time.monotonic() - begun < 10


def test_the_default_time_lets_a_slow_line_upload_and_ends():
    rules = BodyRules()
    assert rules.seconds_for(0) == 30
    assert rules.seconds_for(MEMORY) == 62
    assert rules.seconds_for(64 * MEMORY) == 600


async def answers_of(rules: BodyRules, clients: Iterable[str], pause: float) -> list[bytes | int]:
    """What becomes of one slow body from each of these clients, all begun at once."""
    bodies = Bodies(rules)

    async def one(client: str) -> bytes | int:
        try:
            return (await bodies.collect("/", client, length(1), FakeExchange([b"x"], pause))).read()
        except Refusal as refusal:
            return refusal.status.value

    return await asyncio.gather(*map(one, clients))


def test_one_client_may_have_so_many_bodies_under_way_and_others_still_theirs():
    rules = BodyRules(at_once=100, at_once_per_client=2, patience_seconds=0.05)
    answers = run_apart(answers_of(rules, ["a", "a", "a", "b", "a", "b"], pause=0.4))
    assert answers == [b"x", b"x", 503, b"x", 503, b"x"]


def test_all_clients_together_may_have_so_many_bodies_under_way():
    rules = BodyRules(at_once=3, at_once_per_client=2, patience_seconds=0.05)
    assert run_apart(answers_of(rules, "abcde", pause=0.4)) == [b"x", b"x", b"x", 503, 503]


def test_a_body_waits_a_moment_for_a_place():
    rules = BodyRules(at_once=1, patience_seconds=2.0)
    assert run_apart(answers_of(rules, "abc", pause=0.05)) == [b"x", b"x", b"x"]


def test_a_refused_body_gives_its_place_back():
    async def run() -> bytes:
        bodies = Bodies(BodyRules(at_once=1, grace_seconds=0.05, patience_seconds=0.0))
        for _ in range(3):
            with pytest.raises(Refusal) as refusal:
                await bodies.collect("/", CLIENT, length(1), FakeExchange([b"x"], pause=60))
            assert refusal.value.status.value == 408
        with await bodies.collect("/", CLIENT, length(1), FakeExchange([b"x"])) as body:
            return body.read()

    assert run_apart(run()) == b"x"


def test_too_many_bodies_are_told_when_to_come_again():
    async def run() -> None:
        bodies = Bodies(BodyRules(at_once=0, patience_seconds=0.0))
        await bodies.collect("/", CLIENT, length(1), FakeExchange([b"x"]))

    with pytest.raises(Refusal) as refusal:
        run_apart(run())
    assert refusal.value.headers == [("retry-after", "5")]


@pytest.mark.parametrize(
    ("headers", "left"), [(length(9), []), (FakeHeaders([("expect", "100-continue")]), [b"a", b"b", b""])]
)
def test_the_rest_of_a_refused_body_is_dropped_unless_the_client_waits_with_it(headers, left):
    exchange = FakeExchange([b"a", b"b", b""])
    run_apart(Bodies(QUICK).drop(CLIENT, headers, exchange))

    async def rest() -> list[bytes]:
        return [chunk async for chunk in exchange]

    assert run_apart(rest()) == left
