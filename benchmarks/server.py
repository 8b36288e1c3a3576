"""What the shell around the WSGI application costs, and what it is for.

Three ways to serve the same trivial WSGI application by granian, with one worker process of one thread:

- ``wsgi``: granian's own WSGI interface, which reads bodies in the thread;
- ``shell``: Taawun's shell on granian's RSGI interface;
- ``asgi``: the least that the same would take on granian's ASGI interface.

For each: CPU-seconds of the worker per 1,000 requests (a GET, a POST of 2 KiB; the best of seven rounds), the
ratio to ``wsgi``, and the slowest of 20 GETs while 8 other clients have sent half a body. Run it as
``python benchmarks/server.py``; it ends with 1 when the shell did not answer beside half-sent bodies.
"""

import asyncio
import http.client
import io
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from taawun.node.server.shell import Shell, ShellRules

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

HOST = "127.0.0.1"
REQUESTS = 4000
CLIENTS = 8
ROUNDS = 7
HALF_SENT = 8
FROZEN_SECONDS = 3.0
HEADERS = (
    b"Host: 127.0.0.1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: text/html,application/json;q=0.9\r\nAccept-Language: ar,en;q=0.8\r\n"
    b"Accept-Encoding: gzip, br\r\nCookie: sessionid=0123456789; csrftoken=0123456789\r\n"
)
GET = b"GET /page?q=1 HTTP/1.1\r\n" + HEADERS + b"\r\n"
CPU = b"GET /cpu HTTP/1.1\r\n" + HEADERS + b"\r\n"
POST = b"POST /page HTTP/1.1\r\n" + HEADERS + b"Content-Length: 2048\r\n\r\n" + b"x" * 2048
HALF = b"POST /page HTTP/1.1\r\n" + HEADERS + b"Content-Length: 2048\r\n\r\n" + b"x" * 1024


def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answers with what it was sent, or with the CPU-seconds that its process has used."""
    body = environ["wsgi.input"].read() if environ["REQUEST_METHOD"] == "POST" else b"hello"
    if environ["PATH_INFO"] == "/cpu":
        body = repr(time.process_time()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


class AsgiShell:
    """The contender: body collected with limit and deadline, then a thread, as Taawun's shell does it."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(1)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:  # Any: ASGI is untyped
        """Serve one request."""
        body = await self.body_of(scope, receive)
        environ = self.environ_of(scope, body)
        started: list[Any] = []

        def work() -> bytes:
            return b"".join(application(environ, lambda *told: started.extend(told)))  # type: ignore[arg-type]  # no write()

        answer = await asyncio.get_running_loop().run_in_executor(self.threads, work)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in started[1]]
        await send({"type": "http.response.start", "status": int(started[0][:3]), "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def body_of(self, scope: dict[str, Any], receive: Any) -> bytes:
        """The whole body, within half a minute and 64 MiB."""
        headers = dict(scope["headers"])
        if b"content-length" not in headers and b"transfer-encoding" not in headers:
            return b""
        parts = []
        more = True
        async with asyncio.timeout(30):
            while more:
                message = await receive()
                parts.append(message.get("body", b""))
                more = message.get("more_body", False) and sum(map(len, parts)) < 64 * 1024**2
        return b"".join(parts)

    def environ_of(self, scope: dict[str, Any], body: bytes) -> dict[str, Any]:
        """The WSGI environment."""
        environ = {
            "REQUEST_METHOD": scope["method"],
            "SCRIPT_NAME": "",
            "PATH_INFO": scope["path"].encode().decode("latin-1"),
            "QUERY_STRING": scope["query_string"].decode("latin-1"),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": scope["server"][0],
            "SERVER_PORT": str(scope["server"][1]),
            "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
            "REMOTE_ADDR": scope["client"][0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope["scheme"],
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        for name, value in scope["headers"]:
            if b"_" not in name:
                environ["HTTP_" + name.decode("latin-1").upper().replace("-", "_")] = value.decode("latin-1")
        return environ


CONTENDERS = {
    "wsgi": (Interfaces.WSGI, lambda: application),
    "shell": (Interfaces.RSGI, lambda: Shell(application, ShellRules())),
    "asgi": (Interfaces.ASGINL, AsgiShell),
}


def serve(name: str, port: int) -> None:
    interface, load = CONTENDERS[name]
    server = Server(
        name,
        address=HOST,
        port=port,
        interface=interface,
        workers=1,
        blocking_threads=1,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.error,
        workers_kill_timeout=2,
    )
    server.serve(target_loader=load, wrap_loader=False)  # type: ignore[arg-type]  # granian's type knows functions only


class Client:
    """One connection, kept alive."""

    def __init__(self, port: int) -> None:
        self.line = socket.create_connection((HOST, port), timeout=30)
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.line.makefile("rb")

    def ask(self, request: bytes) -> bytes:
        """Send a request and read the body of its answer."""
        self.line.sendall(request)
        length = 0
        while (header := self.answers.readline()) not in {b"\r\n", b""}:
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        return self.answers.read(length)

    def close(self) -> None:
        """End the connection."""
        self.answers.close()
        self.line.close()


def load(port: int, request: bytes, count: int) -> None:
    def one(_: int) -> None:
        client = Client(port)
        for _request in range(count // CLIENTS):
            client.ask(request)
        client.close()

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(one, range(CLIENTS)))


def cpu_seconds(port: int, request: bytes) -> float:
    """CPU-seconds of the worker per 1,000 requests, in one round."""
    client = Client(port)
    before = float(client.ask(CPU))
    load(port, request, REQUESTS)
    spent = float(client.ask(CPU)) - before
    client.close()
    return spent / REQUESTS * 1000


def slowest_beside_half_sent(port: int) -> float | None:
    """Seconds of the slowest of 20 GETs beside half-sent bodies; None where one is not answered in time."""
    lines = [socket.create_connection((HOST, port)) for _ in range(HALF_SENT)]
    for line in lines:
        line.sendall(HALF)
    time.sleep(0.3)
    slowest = 0.0
    try:
        for _ in range(20):
            begun = time.perf_counter()
            connection = http.client.HTTPConnection(HOST, port, timeout=FROZEN_SECONDS)
            connection.request("GET", "/page")
            connection.getresponse().read()
            connection.close()
            slowest = max(slowest, time.perf_counter() - begun)
    except TimeoutError:
        return None
    else:
        return slowest
    finally:
        for line in lines:
            line.close()


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            Client(port).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the server did not start")


@contextmanager
def running(name: str) -> Iterator[int]:
    """One of the servers; its port."""
    with socket.create_server((HOST, 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, __file__, name, str(port)], process_group=0)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            # A worker that is frozen by half-sent bodies does not stop by itself.
            end_group(process.pid)


def end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def main() -> int:
    print(f"{'':8}{'GET':>24}{'POST of 2 KiB':>24}{'slowest GET beside':>24}")
    print(f"{'':8}{'CPU-s per 1,000':>24}{'CPU-s per 1,000':>24}{f'{HALF_SENT} half-sent bodies':>24}")
    with ExitStack() as servers:
        ports = {name: servers.enter_context(running(name)) for name in CONTENDERS}
        best: dict[tuple[str, bytes], float] = {}
        beside: dict[str, float | None] = {}
        # The rounds take turns, so that what else the machine does falls on all alike.
        for _, name, request in itertools.product(range(ROUNDS), CONTENDERS, (GET, POST)):
            spent = cpu_seconds(ports[name], request)
            best[name, request] = min(spent, best.get((name, request), spent))
        for name in CONTENDERS:
            told = [f"{best[name, of]:.4f} ({best[name, of] / best['wsgi', of]:.1f}x)" for of in (GET, POST)]
            beside[name] = slowest = slowest_beside_half_sent(ports[name])
            told.append(f"over {FROZEN_SECONDS:g} s" if slowest is None else f"{slowest * 1000:.1f} ms")
            print(f"{name:8}{told[0]:>24}{told[1]:>24}{told[2]:>24}", flush=True)
    return 1 if beside["shell"] is None else 0


if __name__ == "__main__":
    if len(sys.argv) == 3:
        serve(sys.argv[1], int(sys.argv[2]))
    else:
        sys.exit(main())
