"""What can be seen of a node without Django: its settings, its home, its keys."""

from __future__ import annotations

import ipaddress
import shutil
import stat
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from taawun.node.doctor.findings import Finding
from taawun.node.environment import SETTINGS, Environment, SettingRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_home", "check_keys", "check_outbound", "check_settings"]

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
# a network of private addresses that is larger than this is rarely one that somebody meant
_WIDE: Final = 2**16


def check_settings() -> Iterator[Finding]:
    """Every setting can be read, and none is meant for a desk."""
    try:
        environment = Environment()
    except SettingRefused as refused:
        yield Finding("settings", "fault", f"{refused}.", "Correct it; docs/settings.md lists all settings.")
        return
    wrong = False
    for setting in SETTINGS:
        try:
            environment[setting.name]
        except SettingRefused as refused:
            wrong = True
            yield Finding(
                "settings", "fault", f"{refused}.", "Correct it; docs/settings.md lists all settings."
            )
    if wrong:
        return
    if environment["TAAWUN_DEBUG"]:
        yield Finding(
            "settings", "fault", "TAAWUN_DEBUG is on: pages of errors show secrets.", "Unset it, and restart."
        )
    base = urlsplit(environment.text("TAAWUN_BASE_URL"))
    if base.scheme != "https" and not _is_loopback(base.hostname or ""):
        yield Finding(
            "settings",
            "fault",
            f"TAAWUN_BASE_URL is {base.geturl()}: partners call HTTPS only, and sign-in is open to whoever listens.",
            "Put a proxy with a certificate in front, and set it to https://….",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_outbound() -> Iterator[Finding]:
    """What the node may call although it is private is little."""
    for entry in Environment()["TAAWUN_OUTBOUND_ALLOW"]:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            continue
        if network.num_addresses > _WIDE:
            yield Finding(
                "outbound",
                "fault" if network.prefixlen == 0 else "advice",
                f"TAAWUN_OUTBOUND_ALLOW lets this node call all of {entry}: a partner's descriptor may name any of it.",
                "Name the hosts of partners instead.",
            )


def check_home() -> Iterator[Finding]:
    """The home is there, its own, and has room."""
    environment = Environment()
    home = environment.home
    if not home.is_dir():
        yield Finding("home", "fault", f"There is no {home}.", "Run `taawun init`, or set TAAWUN_HOME.")
        return
    free, least = shutil.disk_usage(home).free, environment.number("TAAWUN_FREE_DISK_BYTES")
    if free < least:
        yield Finding(
            "disk",
            "fault",
            f"The disk of {home} has {free} bytes left; below {least} nothing is read from partners.",
            "Make room, or move the home to a larger disk.",
        )
    elif free < 2 * least:
        yield Finding(
            "disk", "advice", f"The disk of {home} has {free} bytes left.", "Make room before it is full."
        )


def check_keys() -> Iterator[Finding]:
    """The keys are there, and nobody else reads them."""
    environment = Environment()
    home = environment.home
    named = (
        ("TAAWUN_NODE_KEY", home / "keys" / "node.pem", "the node's key"),
        ("TAAWUN_SECRET_KEY", home / "secret-key", "what signs sessions"),
    )
    for setting, place, what in named:
        if not environment.text(setting) and not place.exists():
            yield Finding(
                "keys",
                "fault",
                f"{place} is missing: {what}.",
                f"Put it back from a backup, or set {setting}.",
            )
    for place in (*(home / "keys").glob("*.pem"), home / "secret-key", home / "node.env"):
        if place.exists() and place.name != "node.env" and place.stat().st_mode & _OTHERS:
            yield Finding(
                "keys", "fault", f"Others on this machine can read {place}.", f"Run `chmod 600 {place}`."
            )
    if (home / "keys" / "recovery.pem").exists():
        yield Finding(
            "keys",
            "advice",
            f"The private recovery key lies on this machine still, in {home / 'keys' / 'recovery.pem'}.",
            "Move it to paper or a disk in a safe, and delete it here: whoever steals both keys cannot be revoked.",
        )
