"""Put a node back from a backup.

Everything is read, proven and laid out before anything of a node that is here is changed. Afterwards the node says
nothing until its partners have told it what it had said since the backup was made; else it would say something else in
the same place, which is a fork.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, CannotDo
from taawun.node.commands import passphrases
from taawun.node.commands.django import start
from taawun.node.commands.progress import shown

if TYPE_CHECKING:
    import argparse

    from taawun.node.backup.restoring import Restored


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun restore` takes."""
    parser.add_argument("file", type=Path, help="what `taawun backup` made")
    passphrases.add_option(parser)
    parser.add_argument("--replace", action="store_true", help="give up the node that is here already")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Restore and say what was put back."""
    start(initialised=False)
    from django.conf import settings
    from django.db import DatabaseError

    from taawun.node.backup.container import BackupRefused
    from taawun.node.backup.restoring import restore
    from taawun.node.running import alone

    try:
        size = arguments.file.stat().st_size
        with alone(settings.HOME) as is_ours, shown("read", size) as progress:
            if not is_ours:
                raise CannotDo("the node is running; stop it first")
            restored = restore(
                arguments.file,
                lambda: passphrases.asked_for(arguments),
                replace=arguments.replace,
                progress=progress,
            )
    except BackupRefused as refused:
        raise CannotDo(str(refused)) from None
    except (OSError, DatabaseError) as problem:
        raise CannotDo(
            f"the node cannot be restored: {problem}; nothing was changed, make room and try again"
        ) from None
    if arguments.json:
        print(json.dumps(_as_json(restored)))
    else:
        _tell(restored)
    return DONE


def _as_json(restored: Restored) -> dict[str, object]:
    about = restored.about
    return {
        "node": about.node,
        "made": about.made,
        "program": about.program,
        "rows": restored.rows,
        "files": restored.files,
        "damaged": list(restored.damaged),
        "awaited": list(restored.awaited),
        "settings": dict(about.settings),
        "secret_settings": list(about.secret_settings),
    }


def _tell(restored: Restored) -> None:
    about = restored.about
    print(
        f"{about.node} is here as it was at {about.made}: {restored.rows} rows, {restored.files} stored files."
    )
    for digest in restored.damaged:
        print(f"The stored file {digest} was lost before the backup was made.", file=sys.stderr)
    if about.settings or about.secret_settings:
        print("These settings came from the environment there; give them here too, where they still hold:")
        for name, value in sorted(about.settings.items()):
            print(f"  {name}={value}")
        for name in about.secret_settings:
            print(f"  {name} (secret; the node's key and the session key are restored into its home)")
    if restored.awaited:
        print("It says nothing until these partners have told it what it had said since then:")
        for node in restored.awaited:
            print(f"  {node}")
        print("Persons who left, and tokens that were revoked since, are back: look through both.")
    print("\nNow run `taawun up`.")
