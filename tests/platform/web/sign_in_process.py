"""A web process of its own, in which somebody tries to sign in.

python -m tests.platform.web.sign_in_process EMAIL PASSWORD TIMES

Writes the status of each answer: 302 leads on, 200 is the form again.
"""

from __future__ import annotations

import atexit
import os
import sys

import django

from taawun.node.memory import imported_to_stay, leave


def main() -> None:
    """Start Django on the database of the tests, and try."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "taawun.node.settings"
    with imported_to_stay():
        django.setup()
        from django.conf import settings  # noqa: PLC0415 - only once Django is started
        from django.test import Client  # noqa: PLC0415 - only once Django is started
    atexit.register(leave)

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    email, password, times = sys.argv[1:]
    given = {"login": email, "password": password}
    statuses = [Client().post("/en/account/login/", given).status_code for _ in range(int(times))]
    sys.stdout.write(" ".join(map(str, statuses)))


if __name__ == "__main__":
    main()
