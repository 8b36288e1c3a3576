"""The async shell around a WSGI application: no request takes a thread before it is whole.

Django is cheapest as WSGI, one request a thread. Granian's own WSGI interface gives a request its thread as
soon as the head has come, so that half-sent bodies hold all of them. This application of granian's RSGI
interface collects the body in the event loop first, and hands whole requests to a fixed set of threads. The
threads live as long as the process, so Django's connections, one a thread, stay open.
"""

import asyncio
import logging
import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any, Final

from taawun.node.server.answers import AnswerRules, respond
from taawun.node.server.balance import Load
from taawun.node.server.bodies import Bodies, BodyRules
from taawun.node.server.environ import Networks, Peer, environ_of, peer_of
from taawun.node.server.refusals import Refusal, bad_path, broken_here, no_tunnels, send_problem
from taawun.node.server.wire import Exchange, Scope

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_logger = logging.getLogger(__name__)

_LARGEST_ANSWER: Final = 4 * 1024**3
_KEEP_OPEN_SECONDS: Final = 10.0
_LOOK_FOR_PARENT_SECONDS: Final = 2.0


@dataclass(frozen=True)
class ShellRules:
    """How a worker process serves.

    Attributes:
        threads: how many requests the application works on at once.
        bodies: how large, how slow and how many bodies may be.
        trusted_proxies: the networks of proxies that are believed about who the client is.
        spool: the folder for answers that are too large for memory; the system's own where it is None.
        board: where the worker processes see each other's load; None for one that is alone.
        parent: the process without which this one ends; None for one that stands alone.
        stop_seconds: how long it may take to end then.
    """

    threads: int = 1
    bodies: BodyRules = field(default_factory=BodyRules)
    trusted_proxies: Networks = ()
    spool: Path | None = None
    board: Path | None = None
    parent: int | None = None
    stop_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class _Work:
    environ: dict[str, Any]
    exchange: Exchange
    done: asyncio.Future[None]


class Shell:
    """An RSGI application that serves a WSGI application.

    Args:
        application: the WSGI application.
        rules: how to serve.
    """

    def __init__(self, application: "WSGIApplication", rules: ShellRules) -> None:
        self._application = application
        self._rules = rules
        self._bodies = Bodies(rules.bodies)
        self._load = Load(rules.board, rules.threads)
        self._answers = AnswerRules(_LARGEST_ANSWER, rules.spool, self._keep_open, self._load.is_too_much)
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work_on, name=f"request-{number}", daemon=True)
            for number in range(rules.threads)
        ]

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads. Granian calls this once in each worker process."""
        self._loop = loop
        for thread in self._threads:
            thread.start()
        if self._rules.parent is not None:
            self._look_for_parent(self._rules.parent)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads finish. Granian calls this when every connection is closed."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    async def __rsgi__(self, scope: Scope, exchange: Exchange) -> None:
        """Serve one request."""
        peer = peer_of(scope, self._rules.trusted_proxies)
        try:
            environ = await self._whole_request(scope, peer, exchange)
        except Refusal as refusal:
            send_problem(exchange, refusal)
            if refusal.code == "body-too-large":
                await self._bodies.drop(peer.address, scope.headers, exchange)
            return
        except Exception:
            _logger.exception("%s %s failed before the application", scope.method, scope.path)
            send_problem(exchange, broken_here())
            return
        done = self._loop.create_future()
        self._load.add(1)
        self._work.put(_Work(environ, exchange, done))
        try:
            await done
        finally:
            self._load.add(-1)

    async def _whole_request(self, scope: Scope, peer: Peer, exchange: Exchange) -> dict[str, Any]:
        if scope.method == "CONNECT":
            raise no_tunnels()
        path = scope.path
        if "\ufffd" in path:
            raise bad_path()
        body = await self._bodies.collect(path, peer.address, scope.headers, exchange)
        return environ_of(scope, peer, body, _length(body), threads=self._rules.threads)

    def _work_on(self) -> None:
        while self._work_off_one():
            pass

    def _work_off_one(self) -> bool:
        # A call of its own for each request, so that an idle thread keeps nothing of the last one alive.
        work = self._work.get()
        if work is None:
            return False
        respond(self._application, work.environ, work.exchange, self._answers)
        self._loop.call_soon_threadsafe(_finish, work.done)
        return True

    def _keep_open(self, file: IO[bytes]) -> None:
        """Close the file when granian, which is not heard of again, must have opened it too."""
        self._loop.call_soon_threadsafe(self._loop.call_later, _KEEP_OPEN_SECONDS, file.close)

    def _look_for_parent(self, parent: int) -> None:
        """End when the parent is gone, however it went; a lost worker would go on serving an old node."""
        if os.getppid() == parent:
            self._loop.call_later(_LOOK_FOR_PARENT_SECONDS, self._look_for_parent, parent)
            return
        _logger.error("The server's main process is gone; this worker stops.")
        os.kill(os.getpid(), signal.SIGTERM)
        last_resort = threading.Timer(self._rules.stop_seconds, os._exit, (1,))
        last_resort.daemon = True
        last_resort.start()


def _length(body: IO[bytes]) -> int:
    length = body.seek(0, os.SEEK_END)
    body.seek(0)
    return length


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
