"""Run this node: migrations first, then the web server and the worker until told to stop."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from taawun.node.commands.django import start

if TYPE_CHECKING:
    import argparse

_ORDINARY: Final = 2 * 1024 * 1024
_FORM_OVERHEAD: Final = 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun up` takes."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, help="port to listen at; by default the base address's, or 8000")
    parser.add_argument("--only", choices=("web", "worker"), help="run one part, for several machines")


def run(arguments: argparse.Namespace) -> int:
    """Bring the database up to date and keep the node's processes running."""
    start()
    from django.conf import settings

    from taawun.node.server import Process
    from taawun.node.server import run as supervise

    port = arguments.port or urlsplit(settings.BASE_URL).port or 8000
    if arguments.only == "web":
        return _web(arguments.host, port)
    if arguments.only == "worker":
        return _worker()
    _prepare()
    this = [sys.executable, "-m", "taawun", "up", "--host", arguments.host, "--port", str(port)]
    print(f"taawun: {settings.BASE_URL} (listening at {arguments.host}:{port}); stop with Ctrl+C", flush=True)
    return supervise(
        [Process("web", [*this, "--only", "web"]), Process("worker", [*this, "--only", "worker"])]
    )


def _prepare() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)


def _web(host: str, port: int) -> int:
    from django.conf import settings

    from taawun.node.server import BodyRules, serve

    # bodies and answers too large for memory wait beside the node's data, not in a small system folder
    spool = settings.HOME / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    serve(
        "taawun.node.wsgi:application",
        host=host,
        port=port,
        workers=settings.WEB_WORKERS,
        threads=settings.WEB_THREADS,
        bodies=BodyRules(limit_of=_Limits(settings.MAX_UPLOAD_BYTES), spool=spool),
        trusted_proxies=settings.TRUSTED_PROXIES,
        spool=spool,
    )
    return 0


@dataclass(frozen=True)
class _Limits:
    """The most bytes a body may have: large where files are taken in, small everywhere else."""

    uploads: int

    def __call__(self, path: str) -> int:
        return self.uploads + _FORM_OVERHEAD if "/intel/imports" in path else _ORDINARY


def _worker() -> int:
    from taawun.platform.work.worker import work

    work()
    return 0
