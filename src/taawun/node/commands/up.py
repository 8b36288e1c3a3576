"""Run this node: migrations first, then the web server and the worker until told to stop."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from taawun.node.cli import CannotDo, whole_number
from taawun.node.commands.django import start
from taawun.node.memory import imported_to_stay, serve_long

if TYPE_CHECKING:
    import argparse

_ORDINARY: Final = 2 * 1024 * 1024
_FORM_OVERHEAD: Final = 1024 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun up` takes."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument(
        "--port",
        type=whole_number(1, 65535),
        help="port to listen at; by default the base address's, or 8000",
    )
    parser.add_argument("--only", choices=("web", "worker"), help="run one part, for several machines")


def run(arguments: argparse.Namespace) -> int:
    """Bring the database up to date and keep the node's processes running."""
    start()
    _check_keys()
    if arguments.only != "worker":
        # it serves no addresses, and to import all of them would be half of its start
        _check_rooms()
    from django.conf import settings

    from taawun.node.running import hold

    try:
        running = hold(settings.HOME)
    except BlockingIOError:
        raise CannotDo("the node is being restored; start it when that is done") from None
    with running:
        return _run(arguments)


def _run(arguments: argparse.Namespace) -> int:
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


def _check_keys() -> None:
    """The node's key and what signs sessions must be there, or the node is not started."""
    from django.conf import settings

    from taawun.cooperation.partners.errors import KeyUnusable
    from taawun.cooperation.partners.identity.keys import check_key

    try:
        check_key()
    except KeyUnusable as problem:
        raise CannotDo(str(problem)) from None
    kept = settings.HOME / "secret-key"
    if not (settings.ENVIRONMENT.text("TAAWUN_SECRET_KEY") or kept.exists()):
        raise CannotDo(f"what signs sessions is missing: put {kept} back, or set TAAWUN_SECRET_KEY")


def _check_rooms() -> None:
    """The rooms must fit together, or the node is not started."""
    from importlib import import_module

    from django.conf import settings
    from django.core.checks import ERROR, run_checks

    try:
        with imported_to_stay():
            import_module(settings.ROOT_URLCONF)
    except ImportError as missing:
        raise CannotDo(f"the addresses of a room that its apps.py names cannot be read: {missing}") from None
    wrong = [each for each in run_checks() if each.is_serious(ERROR)]
    if wrong:
        raise CannotDo("; ".join(f"{each.msg} {each.hint or ''}".strip() for each in wrong))


def _prepare() -> None:
    from django.core.management import call_command

    from taawun.node.statics import collect

    call_command("migrate", verbosity=0, interactive=False)
    collect()


def _web(host: str, port: int) -> int:
    from django.conf import settings

    from taawun.node.server import BodyRules, ServerRefused, serve
    from taawun.platform.registry import registry
    from taawun.platform.web.rooms import LargeBodies

    # bodies and answers too large for memory wait beside the node's data, not in a small system folder
    spool = settings.HOME / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    limits = _Limits(settings.MAX_UPLOAD_BYTES, tuple(each.path for each in registry.all(LargeBodies)))
    try:
        serve(
            "taawun.node.wsgi:application",
            host=host,
            port=port,
            workers=settings.WEB_WORKERS,
            threads=settings.WEB_THREADS,
            bodies=BodyRules(limit_of=limits, spool=spool),
            trusted_proxies=settings.TRUSTED_PROXIES,
            spool=spool,
        )
    except ServerRefused as refused:
        raise CannotDo(str(refused)) from None
    return 0


@dataclass(frozen=True)
class _Limits:
    """The most bytes a body may have: large where files are taken in, small everywhere else."""

    uploads: int
    paths: tuple[str, ...]

    def __call__(self, path: str) -> int:
        takes_files = any(each in path for each in self.paths)
        return self.uploads + _FORM_OVERHEAD if takes_files else _ORDINARY


def _worker() -> int:
    from taawun.platform.work.worker import work

    serve_long()
    work()
    return 0
