"""A whole node as a process of its own, driven from outside as its users drive it: commands, pages, API."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taawun.node.demo.cast import Nation, Player

__all__ = ["PLAIN", "ApiClient", "DemoFailed", "RunningNode", "free_ports", "wait_for"]

START_SECONDS: Final = 90.0
_ASK_AGAIN: Final = 0.05
_ASK_AGAIN_AT_MOST: Final = 0.5
# to read the authorities that vouch for HTTPS takes a client 20 ms; a node of the demonstration has none
PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CSRF: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class DemoFailed(Exception):
    """A step did not come out as it must; the sentence says which and what came instead."""


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


T = TypeVar("T")


def wait_for(what: str, ask: Callable[[], T | None], *, seconds: float = 30.0) -> T:
    """Ask again and again until there is an answer.

    Args:
        what: what is waited for, for the message.
        ask: returns None while there is none.
        seconds: how long to wait.

    Raises:
        DemoFailed: it did not come.
    """
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < seconds:
        answer = ask()
        if answer is not None:
            return answer
        # whoever asks twenty times a second keeps a node from what is waited for
        time.sleep(min(max(_ASK_AGAIN, waited / 10), _ASK_AGAIN_AT_MOST))
    raise DemoFailed(f"waited {seconds:.0f} s for {what}, in vain")


class ApiClient:
    """The machine interface of a node, with one person's token.

    Args:
        base: the node's address.
        token: the bearer token.
    """

    def __init__(self, base: str, token: str) -> None:
        self._http = httpx.Client(
            base_url=f"{base}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
            verify=PLAIN,
        )

    def get(self, path: str, **query: str | int) -> Any:
        """The JSON answer of a GET that must succeed."""
        # Any: JSON of many shapes; each step of the story looks at what it needs
        return self.call("GET", path, params=query)

    def post(self, path: str, body: object = None, *, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON answer of a POST that must succeed."""
        return self.call("POST", path, json=body if body is not None else {}, headers=headers)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Call and expect success.

        Raises:
            DemoFailed: the node refused; the message is its problem document's own sentence.
        """
        response = self._http.request(method, path, **arguments)
        if response.is_success:
            return response.json() if response.content else None
        raise DemoFailed(f"{method} {path} was answered {response.status_code}: {response.text[:500]}")

    def refused(self, method: str, path: str, body: object = None) -> Any:
        """Call and expect a refusal.

        Returns:
            The problem document.

        Raises:
            DemoFailed: it succeeded.
        """
        response = self._http.request(method, path, json=body if body is not None else {})
        if response.is_success:
            raise DemoFailed(f"{method} {path} should have been refused")
        return response.json()

    def raw(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """The answer as it comes."""
        return self._http.request(method, path, **arguments)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()


@dataclass
class RunningNode:
    """A node with a home, an address and processes of its own.

    Args:
        nation: who it speaks for.
        home: its data folder.
        port: where it listens on loopback.
        extra: further settings.
        tokens: the API tokens made so far, by the person's address; a copy of the home knows them too.
        called: its base address, where that is another than where it listens: nobody can call it then.
    """

    nation: Nation
    home: Path
    port: int
    extra: Mapping[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    called: str = ""
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _clients: dict[str, ApiClient] = field(default_factory=dict, init=False)

    @property
    def base(self) -> str:
        """Its base address."""
        return self.called or self.here

    @property
    def here(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What its processes wrote."""
        return self.home / "node.log"

    @property
    def pid(self) -> int:
        """The process id of `taawun up`; 0 when it does not run."""
        return self._process.pid if self._process else 0

    def environment(self) -> dict[str, str]:
        """Its settings. A demonstration signs in without a second factor and may call loopback."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TAAWUN_")}
        return {
            **kept,
            "TAAWUN_HOME": str(self.home),
            "TAAWUN_BASE_URL": self.base,
            "TAAWUN_OUTBOUND_ALLOW": "127.0.0.0/8",
            "TAAWUN_SECOND_FACTOR": "optional",
            "TAAWUN_POLL_SECONDS": "5",
            "TAAWUN_LOG_LEVEL": "WARNING",
            **({"TAAWUN_REACHABLE": "no"} if self.called else {}),
            **self.extra,
        }

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a `taawun` command on this node.

        Raises:
            DemoFailed: it failed and ``check`` is set.
        """
        done = subprocess.run(
            [sys.executable, "-m", "taawun", *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise DemoFailed(
                f"taawun {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-800:]}"
            )
        return done

    def init(self) -> str:
        """Create the node.

        Returns:
            The first administrator's invitation link.
        """
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        nation, organisation = self.nation.nation, self.nation.organisation
        names = ["--name", organisation[0], "--name-ar", organisation[1], "--name-fr", organisation[2]]
        nations = ["--nation-name", nation[0], "--nation-name-ar", nation[1], "--nation-name-fr", nation[2]]
        administrator = self.nation.player("administrator")
        done = self.command(
            "init", "--yes", "--json", "--nation", self.nation.code, "--admin-email", administrator.email,
            "--base-url", self.base, "--language", administrator.language, *names, *nations,
        )  # fmt: skip
        link: str = json.loads(done.stdout)["invitation"]
        return link

    def found(self, password: str) -> None:
        """Create it, start it, and let all its people sign up through their invitations.

        Args:
            password: of each of them.
        """
        link = self.init()
        self.start()
        administrator = self.nation.player("administrator")
        self.sign_up(link, administrator, password)
        api = self.api(administrator)
        organisation = api.get("/organisations")["items"][0]["id"]
        for player in self.nation.players[1:]:
            body = {
                "email": player.email,
                "roles": [player.role],
                "language": player.language,
                "organisation": organisation,
            }
            self.sign_up(api.post("/invitations", body)["link"], player, password)

    def start(self) -> Self:
        """Start it and wait until it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "taawun", "up", "--port", str(self.port)],
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl+C on the terminal is the demonstration's to handle: it stops the nodes in its own order
                start_new_session=True,
            )
        wait_for(f"{self.nation.key} to start (see {self.log})", self._is_ready, seconds=START_SECONDS)
        return self

    def _is_ready(self) -> bool | None:
        if self._process and self._process.poll() is not None:
            raise DemoFailed(f"{self.nation.key} ended while starting:\n{self.log.read_text()[-2000:]}")
        with suppress(httpx.HTTPError):
            return (
                httpx.get(f"{self.here}/readyz", timeout=5, trust_env=False, verify=PLAIN).is_success or None
            )
        return None

    def stop(self) -> None:
        """Stop it, and wait until its processes are gone."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def kill(self, part: str = "") -> None:
        """Kill processes of the node at once (SIGKILL), as a power cut would.

        Args:
            part: ``web`` or ``worker`` for that part alone; its supervisor then starts it anew.
        """
        if self._process is None:
            return
        for pid in _descendants(self._process.pid, part):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not part:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None

    def sign_up(self, link: str, player: Player, password: str) -> None:
        """Accept an invitation through its page, as a person does.

        Raises:
            DemoFailed: the page did not accept it.
        """
        link = link.replace(self.base, self.here)
        with httpx.Client(timeout=30, trust_env=False, verify=PLAIN) as browser:
            page = browser.get(link)
            found = _CSRF.search(page.text)
            if not found:
                raise DemoFailed(f"the invitation page of {player.email} shows no form: {page.status_code}")
            form = {
                "csrfmiddlewaretoken": found[1],
                "name": player.name,
                "password": password,
                "password_again": password,
                "language": player.language,
            }
            done = browser.post(link, data=form, headers={"Referer": link})
            if done.status_code != httpx.codes.FOUND:
                raise DemoFailed(f"the invitation of {player.email} was answered {done.status_code}")

    def token(self, player: Player, scopes: str) -> str:
        """An API token for a person, made at the console."""
        done = self.command("token", "create", "--person", player.email, "--scope", scopes, "--json")
        token: str = json.loads(done.stdout)["token"]
        return token

    def api(self, player: Player) -> ApiClient:
        """The machine interface as this person, with everything their role lets them do."""
        if player.email not in self.tokens:
            self.tokens[player.email] = self.token(player, "all")
        known = self._clients.get(player.email)
        # of two threads that ask at once both get the same one: nobody would close the other
        return known or self._clients.setdefault(
            player.email, ApiClient(self.here, self.tokens[player.email])
        )


def _descendants(root: int, part: str) -> list[int]:
    """Processes below a process; with a part, only those that run it."""
    listing = subprocess.run(
        ["/bin/ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    children: dict[int, list[tuple[int, str]]] = {}
    for line in listing.splitlines():
        pid, parent, *rest = line.split(None, 2)
        children.setdefault(int(parent), []).append((int(pid), rest[0] if rest else ""))
    found: list[int] = []
    waiting = [(root, "")]
    while waiting:
        process, arguments = waiting.pop()
        waiting += children.get(process, [])
        if process != root and (not part or arguments.endswith(f"--only {part}")):
            found.append(process)
    return found
