"""A worker of its own process: the node's real one, with a job that a test can watch and hold up.

python -m tests.platform.work.worker_process FOLDER
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import django


def _notes_in(folder: Path) -> None:
    from taawun.platform.registry import registry  # noqa: PLC0415 - only once Django is started
    from taawun.platform.work.schedules import JobKind, Reporter  # noqa: PLC0415 - only once Django is started

    def run(reporter: Reporter, subject_id: str) -> dict[str, object]:
        with (folder / "begun").open("a") as begun:
            begun.write(f"{subject_id}\n")
        reporter.progress(1, 2)
        deadline = time.monotonic() + 60
        while not (folder / "go").exists():
            if time.monotonic() > deadline:
                raise TimeoutError("nobody let the job go on")
            time.sleep(0.02)
        with (folder / "done").open("a") as done:
            done.write(f"{subject_id}\n")
        return {"subject": subject_id}

    registry._parts[JobKind]["tests.job"] = JobKind("tests.job", "Job", run)


def main() -> None:
    """Start Django on the database of the tests, and work until told to stop."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "taawun.node.settings"
    django.setup()
    _notes_in(Path(sys.argv[1]))
    from taawun.platform.work.worker import work  # noqa: PLC0415 - only once Django is started

    work()


if __name__ == "__main__":
    main()
