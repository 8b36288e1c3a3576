"""No test reaches beyond this machine."""

import asyncio
import socket
import threading

import pytest

from tests.asynchronous import run_apart
from tests.network import NetworkRefused


@pytest.mark.parametrize(
    "address", [("192.0.2.1", 80), ("10.0.0.1", 80), ("169.254.169.254", 80), ("203.0.113.9", 443)]
)
def test_a_connection_beyond_loopback_is_refused(address: tuple[str, int]):
    with socket.socket() as opened, pytest.raises(NetworkRefused, match=address[0]):
        opened.connect(address)


def test_a_datagram_beyond_loopback_is_refused():
    with socket.socket(type=socket.SOCK_DGRAM) as opened, pytest.raises(NetworkRefused):
        opened.sendto(b"x", ("192.0.2.1", 53))


def test_a_name_is_not_looked_up():
    with pytest.raises(NetworkRefused, match=r"cert\.example"):
        socket.getaddrinfo("cert.example", 443)


def test_an_event_loop_is_refused_too():
    async def connect() -> None:
        await asyncio.open_connection("192.0.2.1", 80)

    with pytest.raises(NetworkRefused):
        run_apart(connect())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_open(host: str):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        answer = threading.Thread(target=hang_up)
        answer.start()
        with socket.create_connection((host, server.getsockname()[1]), timeout=5) as opened:
            assert opened.recv(1) == b""
        answer.join(timeout=5)
