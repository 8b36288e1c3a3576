"""The node's web server: granian, with a shell that lets no request take a thread before it is whole.

``serve`` runs the web server, ``run`` (of ``supervisor``) runs it beside the other processes of a node.
"""

import contextlib
import pkgutil
import resource
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from os import getpid
from pathlib import Path
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import Server

from taawun.foundation.errors import CodedError
from taawun.node.memory import serve_long
from taawun.node.server.balance import board
from taawun.node.server.bodies import BodyRules
from taawun.node.server.environ import Networks
from taawun.node.server.shell import Shell, ShellRules
from taawun.node.server.supervisor import Process, run

__all__ = ["BodyRules", "Process", "ServerRefused", "run", "serve"]

_HEAD_BYTES: Final = 64 * 1024
_HIGHEST_PORT: Final = 65535
_LOGGING: Final = {
    "handlers": {
        "console": {"formatter": "generic", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"},
        "access": {"formatter": "access", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"},
    }
}


class ServerRefused(CodedError):
    """The server cannot start.

    Codes: ``address-in-use``, ``bad-address``, ``bad-target``, ``bad-setting``.
    """


@dataclass(frozen=True)
class _Worker:
    """Makes a worker process's application. It travels to processes that are spawned, not forked."""

    target: str
    rules: ShellRules

    def __call__(self) -> Any:  # Any: granian's types know only functions, its RSGI takes objects too
        application = pkgutil.resolve_name(self.target)
        serve_long()
        return Shell(application, self.rules)


def serve(  # noqa: PLR0913 - each is a setting of its own with a default
    target: str,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 2,
    threads: int = 1,
    bodies: BodyRules | None = None,
    trusted_proxies: Sequence[str] = (),
    connections: int = 1024,
    head_seconds: float = 15.0,
    stop_seconds: float = 30.0,
    spool: Path | None = None,
) -> None:
    """Serve a WSGI application until SIGTERM or SIGINT. Must be called in the main thread.

    A worker process that dies is replaced. One that dies again within seconds ends the server, and whoever
    started it decides what then.

    Args:
        target: where the WSGI application is, as ``package.module:name``. It is imported in the workers only.
        host: the address to listen at, or a name of it.
        port: the TCP port to listen at.
        workers: how many processes serve.
        threads: how many requests a process works on at once: 1 on SQLite, more on PostgreSQL.
        bodies: how large, how slow and how many bodies may be.
        trusted_proxies: addresses or networks of the proxies in front; they are believed about who the
            client is.
        connections: how many connections a worker holds; further ones wait in the system's queue.
        head_seconds: how long a client may take for a request's head, and leave a connection idle.
        stop_seconds: how long a worker may finish what it has begun, once it is told to stop.
        spool: the folder for answers that are too large for memory; the system's own where it is None.

    Raises:
        ServerRefused: what was asked for cannot be, and why.
        SystemExit: with status 1, when the workers do not stay up.
    """
    if ":" not in target:
        raise ServerRefused(
            "bad-target", f"{target!r} names no application; write it as package.module:name."
        )
    if workers < 1 or threads < 1:
        raise ServerRefused(
            "bad-setting", f"{workers} workers of {threads} threads serve nobody; both must be at least 1."
        )
    if not 0 < port <= _HIGHEST_PORT:
        raise ServerRefused(
            "bad-setting", f"There is no TCP port {port}; choose one from 1 to {_HIGHEST_PORT}."
        )
    address, networks = _address(host, port), _networks(trusted_proxies)
    _allow_open_files(connections * 2 + 512)
    with board(workers) as seen:
        rules = ShellRules(
            threads=threads,
            bodies=bodies or BodyRules(spool=spool),
            trusted_proxies=networks,
            spool=spool,
            board=seen,
            parent=getpid(),
            stop_seconds=stop_seconds,
        )
        server = Server(
            target,
            address=address,
            port=port,
            interface=Interfaces.RSGI,
            workers=workers,
            http=HTTPModes.http1,
            websockets=False,
            backlog=1024,
            backpressure=connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=round(head_seconds * 1000), max_buffer_size=_HEAD_BYTES
            ),
            log_level=LogLevels.warning,
            log_dictconfig=_LOGGING,
            log_access=False,
            respawn_failed_workers=True,
            workers_kill_timeout=max(1, round(stop_seconds)),
        )
        server.serve(target_loader=_Worker(target, rules), wrap_loader=False)


def _address(host: str, port: int) -> str:
    """The address of a host, after a listener of our own has shown that the port is free there.

    Granian's workers share a port by SO_REUSEPORT, so a second server of the same user would start without an
    error and take half the connections of the first.
    """
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise ServerRefused(
            "bad-address", f"{host} port {port} is no address to listen at: {error}."
        ) from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
            probe.listen(1)
        except OSError as error:
            raise ServerRefused(
                "address-in-use",
                f"{host} port {port} cannot be listened at ({error.strerror}). "
                "Choose another, or end the server that has it.",
            ) from error
    return str(place[0])


def _networks(texts: Sequence[str]) -> Networks:
    try:
        return tuple(ip_network(text) for text in texts)
    except ValueError as error:
        raise ServerRefused(
            "bad-setting", f"A trusted proxy is no address and no network: {error}."
        ) from error


def _allow_open_files(wanted: int) -> None:
    """Raise the soft limit of open files towards what the connections need; the hard limit stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
