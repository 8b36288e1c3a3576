"""Starting Django for a command, with failures in one line."""

from __future__ import annotations

import atexit
import os

from taawun.node.backup.places import finish_before_start, mark
from taawun.node.cli import CannotDo
from taawun.node.environment import Environment, SettingRefused
from taawun.node.memory import imported_to_stay, leave

__all__ = ["is_initialised", "start"]


def start(*, initialised: bool = True) -> None:
    """Set Django up.

    Args:
        initialised: whether the command needs a node that `taawun init` has made.

    Raises:
        CannotDo: a setting cannot be used, the database does not answer, or there is no node yet.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taawun.node.settings")
    try:
        environment = Environment()
        environment.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # a restore that was decided and broken off: the settings that are read now are the restored ones
        finish_before_start(environment.home)
        environment = Environment()
        _set_up()
    except SettingRefused as refused:
        raise CannotDo(str(refused)) from None
    except OSError as problem:
        raise CannotDo(
            f"the node's home cannot be used: {problem}; set TAAWUN_HOME to another folder"
        ) from None
    _reach_database()
    if mark(environment.home).exists():
        from taawun.node.backup.switching import finish_after_start

        finish_after_start()
    if initialised and not is_initialised():
        raise CannotDo(f"there is no node in {environment.home}; run `taawun init` first, or set TAAWUN_HOME")


def _set_up() -> None:
    import django
    from django.apps import apps

    if apps.ready:
        return
    with imported_to_stay():
        django.setup()
    atexit.register(leave)


def _reach_database() -> None:
    from django.core.exceptions import ImproperlyConfigured
    from django.db import Error, connection

    try:
        connection.ensure_connection()
    except (Error, ImproperlyConfigured) as problem:
        raise CannotDo(f"the database cannot be used: {problem}; see TAAWUN_DATABASE_URL") from None


def is_initialised() -> bool:
    """Whether `taawun init` has made a node here."""
    from django.db import DatabaseError

    from taawun.cooperation.people.models import Organisation

    try:
        return Organisation.objects.filter(is_host=True).exists()
    except DatabaseError:
        return False  # no tables yet
