"""Every setting of a node: its type, its default and what it is for, in one table.

A value comes from the environment (``TAAWUN_X``), else from the file that ``TAAWUN_X_FILE`` names, else from
``node.env`` in the node's home (written by ``taawun init``), else from the default here. A value that cannot be
read is a loud failure that names the setting, and so is a name that is almost one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from taawun.foundation.multilingual import LANGUAGES
from taawun.node import values

__all__ = ["SETTINGS", "Environment", "Setting", "SettingRefused"]


class SettingRefused(ValueError):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Args:
        name: the environment variable.
        read: turns its text into a value; raises ValueError with a sentence.
        default: the text used when it is not given.
        purpose: one sentence for the documentation.
    """

    name: str
    read: Callable[[str], Any]  # each setting has its own type; settings.py gives it back its name and type
    default: str
    purpose: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "TAAWUN_HOME",
        values.text,
        "~/.local/share/taawun",
        "The node's data folder: keys, database (SQLite), files.",
    ),
    Setting(
        "TAAWUN_BASE_URL",
        values.address,
        "http://127.0.0.1:8000",
        "The node's public address, without a path. Signatures cover it.",
    ),
    Setting(
        "TAAWUN_DATABASE_URL",
        values.database,
        "",
        "`postgresql://user:password@host/name` or `sqlite:///path`; empty is SQLite in the home. Parameters of libpq "
        "may follow, as in `…/name?sslmode=verify-full`; what it does not know is refused.",
    ),
    Setting(
        "TAAWUN_SECRET_KEY",
        values.text,
        "",
        "Signs sessions. Empty: the file `secret-key` in the home, which `taawun init` makes.",
    ),
    Setting(
        "TAAWUN_NODE_KEY",
        values.private_key,
        "",
        "The node's Ed25519 key (PEM). Empty: the file `keys/node.pem` in the home, which `taawun init` makes. "
        "It may hold the next key behind the present one: see [The node's keys](#the-nodes-keys).",
    ),
    Setting(
        "TAAWUN_OUTBOUND_ALLOW",
        values.outbound,
        "",
        "Networks or hosts (`10.1.0.0/16`, `partner.internal`, `127.0.0.1:8002`), separated by commas, that the "
        "node may call although they are private or speak plain HTTP.",
    ),
    Setting(
        "TAAWUN_PUBLIC_HOSTS",
        values.texts,
        "",
        "Further host names under which people open the node, separated by commas.",
    ),
    Setting(
        "TAAWUN_TRUSTED_PROXIES",
        values.networks,
        "",
        "Addresses or networks of the proxies in front of the node, separated by commas; they are believed about who "
        "the client is and whether it came by HTTPS.",
    ),
    Setting("TAAWUN_WEB_WORKERS", values.number(1, 1024), "2", "Web processes."),
    Setting(
        "TAAWUN_WEB_THREADS",
        values.number(0, 1024),
        "0",
        "Threads in each web process; 0 is one on SQLite and two on PostgreSQL.",
    ),
    Setting(
        "TAAWUN_MAX_UPLOAD_BYTES",
        values.number(1, 2**40),
        str(64 * 1024 * 1024),
        "The largest file or release content that is taken, in bytes.",
    ),
    Setting(
        "TAAWUN_FREE_DISK_BYTES",
        values.number(0, 2**50),
        str(512 * 1024 * 1024),
        "How much of the disk of the home stays free, in bytes; while less is, nothing is read from partners.",
    ),
    Setting(
        "TAAWUN_POLL_SECONDS",
        values.number(1, 86_400),
        "30",
        "How often partners are asked for news when no hint came, in seconds.",
    ),
    Setting(
        "TAAWUN_REACHABLE",
        values.switch,
        "yes",
        "Whether partners can call this node. `no`, where only outgoing connections are allowed: the node introduces "
        "itself, fetches what is for it and delivers what it says.",
    ),
    Setting(
        "TAAWUN_BANDWIDTH",
        values.bandwidth,
        "",
        "How much of its line the node takes for partners, in bits a second with `k`, `M` or `G`: `2M`, or by hours of "
        "`TAAWUN_TIME_ZONE`, `08:00-17:00=256k,17:00-22:00=2M`. It holds for what is fetched, served and delivered, "
        "compressed as it is, in all processes of one machine together. Readers without a name (`/federation/public`) "
        "have a quarter of it, when partners leave the line free, and keep no partner waiting; empty, and at other "
        "hours, is no limit.",
    ),
    Setting(
        "TAAWUN_STRANGER_DAYS",
        values.number(1, 36_500),
        "14",
        "How many days a node that introduced itself is remembered when nobody compares its fingerprint.",
    ),
    Setting(
        "TAAWUN_SECOND_FACTOR",
        values.one_of("required", "optional"),
        "required",
        "Whether a person must have a passkey or an authenticator app to work here.",
    ),
    Setting(
        "TAAWUN_EMAIL_URL",
        values.mail,
        "",
        "`smtp://user:password@host:587` (STARTTLS) or `smtps://…`; empty: links are printed on the page for the "
        "administrator to hand over.",
    ),
    Setting(
        "TAAWUN_EMAIL_FROM", values.text, "", "The sender of e-mail; empty is `taawun@` the node's host."
    ),
    Setting(
        "TAAWUN_LANGUAGE",
        values.one_of(*LANGUAGES),
        "en",
        "The language of a visitor whose browser asks for none of ours.",
    ),
    Setting(
        "TAAWUN_TIME_ZONE",
        values.zone,
        "UTC",
        "The zone in which this node shows times, for example `Asia/Amman`; a person may choose another.",
    ),
    Setting(
        "TAAWUN_METRICS_TOKEN",
        values.bearer,
        "",
        "Opens `/metrics` to the monitoring that brings it as a bearer token. Empty: nobody.",
    ),
    Setting(
        "TAAWUN_LOG_LEVEL",
        values.one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "INFO",
        "The least severity that is logged, on standard error.",
    ),
    Setting(
        "TAAWUN_DEBUG", values.switch, "no", "Django's debug pages. Never on a node that others can reach."
    ),
)

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_PREFIX: Final = "TAAWUN_"
_FROM_FILE: Final = "_FILE"
# what begins like a setting and is none: the folder of real data that tests and the demonstration may read
_NO_SETTINGS: Final = frozenset({"TAAWUN_DATA"})


class Environment:
    """Reads settings from the places named in this module's docstring.

    Args:
        variables: the environment; the process's own by default.

    Raises:
        SettingRefused: ``node.env`` cannot be read, or a variable begins with ``TAAWUN_`` and is no setting.
    """

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables
        for name in sorted(self._variables):
            if name.startswith(_PREFIX) and name not in _NO_SETTINGS:
                _known(name.removesuffix(_FROM_FILE), name)
        self._filed: dict[str, str] = {}
        self.home = Path(str(self["TAAWUN_HOME"])).expanduser().absolute()
        self._filed = _read_env_file(self.home / "node.env")

    def __getitem__(self, name: str) -> Any:
        """The value of a setting, in its own type.

        Raises:
            SettingRefused: the value cannot be used.
        """
        setting = _BY_NAME[name]
        try:
            return setting.read(self._raw(setting))
        except ValueError as problem:
            raise SettingRefused(name, str(problem)) from None

    def is_given(self, name: str) -> bool:
        """Whether somebody said it: in the environment, a file it names, or ``node.env``."""
        return name in self._variables or bool(self._variables.get(name + _FROM_FILE)) or name in self._filed

    def text(self, name: str) -> str:
        """The value of a text setting."""
        return str(self[name])

    def number(self, name: str) -> int:
        """The value of a numeric setting."""
        return int(self[name])

    def _raw(self, setting: Setting) -> str:
        if setting.name in self._variables:
            return self._variables[setting.name]
        named = self._variables.get(setting.name + _FROM_FILE, "")
        if named:
            try:
                return Path(named).read_text(encoding="utf-8").strip()
            except OSError as problem:
                raise SettingRefused(
                    setting.name + _FROM_FILE, f"{named} cannot be read: {problem}"
                ) from None
        return self._filed.get(setting.name, setting.default)


def _known(name: str, given: str) -> None:
    """Nothing, if there is such a setting; else a refusal with the name that was likely meant."""
    if name in _BY_NAME:
        return
    # the prefix, which all share, would make everything look alike
    ours = [each.removeprefix(_PREFIX) for each in _BY_NAME]
    near = get_close_matches(name.removeprefix(_PREFIX), ours, n=1)
    mend = f"did you mean {_PREFIX}{near[0]}?" if near else "docs/settings.md lists all of them"
    raise SettingRefused(given, f"there is no such setting; {mend}")


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as problem:
        raise SettingRefused(str(path), f"it cannot be read: {problem}") from None
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        _known(name.strip(), f"{path}, line {number}, {name.strip()!r}")
        if not equals:
            raise SettingRefused(f"{path}, line {number}", f"{name.strip()} has no value: write NAME=value")
        found[name.strip()] = value.strip()
    return found
