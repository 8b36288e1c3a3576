"""Put everything of this node into one file, while it runs: database, stored files, keys, settings.

The file holds the node's secret key: whoever opens it can speak as this node. So it is encrypted by a passphrase, in
the format of age.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from taawun.node.cli import DONE, FINDINGS, CannotDo, WrongUse
from taawun.node.commands import passphrases
from taawun.node.commands.django import start
from taawun.node.commands.progress import shown

if TYPE_CHECKING:
    import argparse

    from taawun.node.backup.taking import Taken


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `taawun backup` takes."""
    parser.add_argument("file", type=Path, help="where it will be; there is no such file yet")
    passphrases.add_option(parser)
    parser.add_argument(
        "--unencrypted",
        action="store_true",
        help="write it in the clear: for those who encrypt it themselves",
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Make the backup and say what is in it."""
    if arguments.unencrypted and arguments.passphrase_file:
        raise WrongUse("--unencrypted and --passphrase-file exclude each other; leave one out")
    passphrase = None if arguments.unencrypted else passphrases.chosen(arguments)
    start()
    from taawun.cooperation.partners.errors import KeyUnusable
    from taawun.node.backup.container import BackupRefused
    from taawun.node.backup.taking import back_up

    try:
        with shown("written") as progress:
            taken = back_up(arguments.file, passphrase, progress)
    except FileExistsError:
        raise CannotDo(f"{arguments.file} exists already; name a new file") from None
    except OSError as problem:
        raise CannotDo(
            f"the backup cannot be written: {problem.strerror or problem}; nothing is left of it, name a file on "
            "another disk or make room"
        ) from None
    except (BackupRefused, KeyUnusable) as problem:
        raise CannotDo(str(problem)) from None
    if arguments.json:
        print(json.dumps({"file": str(arguments.file), "encrypted": passphrase is not None, **asdict(taken)}))
    else:
        _tell(arguments.file, taken, is_open=passphrase is None)
    return FINDINGS if taken.damaged else DONE


def _tell(place: Path, taken: Taken, *, is_open: bool) -> None:
    print(f"{place}: {taken.bytes} bytes, {taken.rows} rows, {taken.files} stored files.")
    if is_open:
        print("It is NOT encrypted and holds the node's secret key: whoever reads it can speak as this node.")
    else:
        print(
            "It holds the node's secret key. Keep it and its passphrase in two places; without that it is lost."
        )
    for name in taken.left_out:
        print(
            f"{name} is not in it: the recovery key belongs on paper or a disk in a safe, not beside the node's."
        )
    for digest in taken.damaged:
        print(
            f"The stored file {digest} is missing or damaged on this node, and not in the backup.",
            file=sys.stderr,
        )
