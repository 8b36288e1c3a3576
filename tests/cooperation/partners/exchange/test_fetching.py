"""A large content that broke off goes on from what lies here, and the sender is judged by what it sends."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from taawun.cooperation.partners.errors import AskedTooOften, PartnerRefused
from taawun.cooperation.partners.exchange import calling, fetching, partials
from taawun.cooperation.partners.exchange.partials import Partial
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs.contents import OtherContent
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.models import Organisation
from taawun.foundation.digests import sha256
from taawun.foundation.outbound import OutboundFailed
from tests.cooperation.partners.their_node import TheirNode
from tests.foundation.outbound.loopback import response

CONTENT = bytes(range(256)) * 4096  # a mebibyte
DIGEST = sha256(CONTENT)


class Ranged(TheirNode):
    """A node that serves parts, as it is told.

    Attributes:
        content: what it serves.
        breaks_after: after so many bytes of each answer the connection is closed.
        most: how many bytes it serves at once; all where it is None.
        ignores: whether it serves the whole, whatever was asked for.
        said: its Content-Range, where that is not the true one.
        begun: where each request began.
    """

    content = CONTENT
    breaks_after: int | None = None
    most: int | None = None
    ignores = False
    said = ""

    def __init__(self, *arguments: Any) -> None:
        self.begun: list[int] = []
        super().__init__(*arguments)

    def _script(self, connection: socket.socket) -> None:
        head = self.server.requests[-1].decode("latin-1")
        found = re.search(r"\r\nrange: bytes=(\d+)-", head, re.IGNORECASE)
        start = int(found[1]) if found else 0
        self.begun.append(start)
        size = len(self.content)
        if self.ignores:
            answer = response(self.content)
        else:
            part = self.content[start : start + (self.most or size)]
            said = self.said or f"bytes {start}-{start + len(part) - 1}/{size}"
            answer = response(part, status="206 Partial Content", Content_Range=said)
        if self.breaks_after is None:
            connection.sendall(answer)
            return
        connection.sendall(answer[: answer.index(b"\r\n\r\n") + 4 + self.breaks_after])
        connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def server(node: Organisation, settings: Settings) -> Iterator[Ranged]:
    settings.OUTBOUND_ALLOW = ("127.0.0.0/8",)
    calling.outbound.cache_clear()
    made = Ranged(node_key().public)
    yield made
    calling.outbound().close()
    calling.outbound.cache_clear()
    made.server.close()
    shutil.rmtree(django_settings.HOME / "partial", ignore_errors=True)


@pytest.fixture
def south(server: Ranged) -> Partner:
    return Partner.objects.create(node=server.node, state=Partner.State.VERIFIED)


def _fetch(south: Partner) -> bytes:
    return b"".join(fetching.fetched(south, DIGEST, len(CONTENT), seconds=20))


def _lies_here(south: Partner) -> int:
    return Partial(south, DIGEST, len(CONTENT)).held


def test_what_broke_off_goes_on_from_the_bytes_that_lie_here(server: Ranged, south: Partner) -> None:
    server.breaks_after = 0
    Partial(south, DIGEST, len(CONTENT)).append(CONTENT[:1000])
    with pytest.raises(OutboundFailed):
        _fetch(south)
    assert (server.begun, _lies_here(south)) == ([1000], 1000)
    # as long as something comes it is asked on
    server.begun.clear()
    server.breaks_after = 400_000
    assert _fetch(south) == CONTENT
    assert server.begun[0] == 1000
    assert 3 <= len(server.begun) <= 4
    assert _lies_here(south) == 0


def test_who_serves_part_by_part_is_asked_until_all_is_here(server: Ranged, south: Partner) -> None:
    server.most = 400_000
    assert _fetch(south) == CONTENT
    assert server.begun == [0, 400_000, 800_000]


def test_who_serves_only_the_whole_begins_anew(server: Ranged, south: Partner) -> None:
    Partial(south, DIGEST, len(CONTENT)).append(CONTENT[:1000])
    server.ignores = True
    assert _fetch(south) == CONTENT
    assert server.begun == [1000]


def test_what_lay_here_spoilt_is_asked_for_anew_and_the_sender_is_not_blamed(
    server: Ranged, south: Partner
) -> None:
    Partial(south, DIGEST, len(CONTENT)).append(b"\0" * 1000)
    assert _fetch(south) == CONTENT
    assert server.begun == [1000, 0]


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x"])
def test_who_serves_fewer_or_more_bytes_than_it_signed_for_is_found_out(
    server: Ranged, south: Partner, content: bytes
) -> None:
    server.content, server.ignores = content, True
    with pytest.raises(OtherContent):
        _fetch(south)
    assert _lies_here(south) == 0


def test_other_bytes_of_the_right_size_are_left_to_the_one_who_knows_the_digest(
    server: Ranged, south: Partner
) -> None:
    server.content = CONTENT[::-1]
    assert _fetch(south) == CONTENT[::-1]
    # where some lay here before, it is asked once more before it is judged
    Partial(south, DIGEST, len(CONTENT)).append(CONTENT[:1000])
    assert _fetch(south) == CONTENT[::-1]
    assert server.begun == [0, 1000, 0]


@pytest.mark.parametrize(
    "said",
    [
        "bytes 7-1048575/1048576",
        "bytes 0-1048575/99",
        "bytes 0-1048575/*",
        "bytes */1048576",
        "0-5",
        "bytes 5-1/1048576",
    ],
)
def test_a_part_that_was_not_asked_for_is_not_taken(server: Ranged, south: Partner, said: str) -> None:
    server.said = said
    with pytest.raises(PartnerRefused) as refused:
        _fetch(south)
    assert refused.value.code == "bad-range"
    assert _lies_here(south) == 0


def test_parts_without_bytes_are_not_asked_for_for_ever(server: Ranged, south: Partner) -> None:
    server.content, server.said = b"", f"bytes 0-5/{len(CONTENT)}"
    with pytest.raises(PartnerRefused, match="empty"):
        _fetch(south)
    assert server.begun == [0]


def test_what_is_asked_for_too_often_in_the_middle_waits_with_what_came(
    server: Ranged, south: Partner
) -> None:
    server.most = 400_000
    original = server._script

    def busy_after_one(connection: socket.socket) -> None:
        if server.begun:
            connection.sendall(response(b"{}", status="429 Too Many Requests", Retry_After="30"))
        else:
            original(connection)

    server.server._script = busy_after_one
    with pytest.raises(AskedTooOften):
        _fetch(south)
    assert _lies_here(south) == 400_000


def test_no_more_contents_of_one_partner_lie_here_than_so_many_however_little_came_of_each(
    south: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partials, "MOST_OF_ONE", 5)
    begun = [Partial(south, sha256(bytes([number])), len(CONTENT)) for number in range(12)]
    for each in begun:
        each.append(b"x")
        assert each.held == 1
    assert sum(each.held for each in begun) == 5
