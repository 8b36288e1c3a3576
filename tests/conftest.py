"""What every test stands on: a home of its own, a real database, no network, the real data where it is."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import django
import hypothesis
import pytest
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connections
from django.db.backends.signals import connection_created
from django.test import TransactionTestCase

from taawun.foundation import identifiers
from taawun.node import catalogues
from taawun.node.testing import browser_program
from taawun.platform.web import kept
from tests import network
from tests.postgresql import TemporaryPostgres

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper
    from playwright.sync_api import Browser
    from pytest_django.plugin import DjangoDbBlocker

CHECKOUT = Path(__file__).resolve().parent.parent
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}

_HOME = pytest.StashKey[Path]()
_POSTGRES = pytest.StashKey[TemporaryPostgres]()

# How long an example takes is the machine's affair; a failing one is printed so that it can be kept.
hypothesis.settings.register_profile("taawun", deadline=None, print_blob=True)
hypothesis.settings.load_profile("taawun")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        default="sqlite",
        metavar="sqlite|postgres|URL",
        help="run on a SQLite file (default), on a PostgreSQL started for the tests, or on a given one",
    )
    parser.addoption(
        "--requests",
        default="4",
        metavar="N[,SEED]",
        help="how many requests test_any_request.py draws for each operation of the machine interface",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Makes the node that the tests run on, in the main process and in each xdist worker."""
    network.guard()
    is_worker = hasattr(config, "workerinput")
    url = os.environ.get("TAAWUN_DATABASE_URL", "") if is_worker else _database_url(config)
    data = os.environ.get("TAAWUN_DATA")
    for name in [name for name in os.environ if name.startswith("TAAWUN_")]:
        del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="taawun-test-"))
    config.stash[_HOME] = home
    (home / "static").mkdir()  # whitenoise warns about a folder that is not there, and a warning is an error
    os.environ |= {
        "TAAWUN_HOME": str(home),
        "TAAWUN_DATABASE_URL": url,
        "TAAWUN_SECRET_KEY": "only for the tests " * 4,
        **({"TAAWUN_DATA": data} if data else {}),
    }
    if not is_worker:
        catalogues.compile_stale()
    _set_up_django()
    # hashed in the same way, for less: what a guess costs is for attackers, not for hundreds of sign-ins of tests
    ScryptPasswordHasher.work_factor, ScryptPasswordHasher.parallelism = 2**4, 1
    connection_created.connect(_reverse_what_has_no_order)
    # the cast speaks of models, so it can only be imported now
    config.pluginmanager.import_plugin("tests.cast")


def _set_up_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "taawun.node.settings"
    try:
        django.setup()
    finally:
        # pytest-django would read the settings from here in an xdist worker, before its home is made
        del os.environ["DJANGO_SETTINGS_MODULE"]


def _reverse_what_has_no_order(connection: BaseDatabaseWrapper, **_: object) -> None:
    # rows that nobody put in order come as the database likes: on SQLite as they were written, until one day on
    # PostgreSQL they do not. So a test that relies on it fails here, and each time.
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA reverse_unordered_selects = ON")


def _database_url(config: pytest.Config) -> str:
    wanted = str(config.getoption("--database"))
    if wanted == "sqlite":
        return ""
    if wanted != "postgres":
        return wanted
    config.stash[_POSTGRES] = TemporaryPostgres()
    return config.stash[_POSTGRES].url


def pytest_unconfigure(config: pytest.Config) -> None:
    if _POSTGRES in config.stash:
        config.stash[_POSTGRES].stop()
    if _HOME in config.stash:
        connections.close_all()
        shutil.rmtree(config.stash[_HOME], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        case = getattr(item, "cls", None)
        of_django = isinstance(case, type) and issubclass(case, TransactionTestCase)
        if of_django or item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES:
            item.add_marker("database")
        if "data_dir" in fixtures:
            item.add_marker("data")
        if "browser" in fixtures:
            item.add_marker("browser")
    # what takes long begins first: begun last, one process would work on it while the others have nothing to do
    items.sort(key=_urgency)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # thousands of tests and all that they import stay to the end: to look through them again and again for what is
    # unreachable took a tenth of the time of the others, and a fifth of the time that it takes to read them
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
        gc.set_threshold(50_000, 20, 100)


def _urgency(item: pytest.Item) -> int:
    marks = ("slow", "journey", "browser")
    return next((place for place, mark in enumerate(marks) if item.get_closest_marker(mark)), len(marks))


@pytest.fixture(autouse=True)
def nobody_asked_before() -> None:
    """No test meets a limit because of what others asked before it."""
    # speaks of models, so it can only be imported once Django is up
    from tests import limits  # noqa: PLC0415 - see above

    limits.nobody_asked_before()


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """No page of a test shows what stood in the database of another."""
    kept.forget()


@pytest.fixture(autouse=True)
def identifiers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test's identifiers lie after those of another whose clock stood in the future."""
    monkeypatch.setattr(identifiers, "_sequence", identifiers._Sequence())


@pytest.fixture(scope="session")
def django_db_keepdb(
    request: pytest.FixtureRequest, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> bool:
    """Whether the database stands before pytest-django makes it: with tables that were made once, for every process."""
    from tests.tables import begin_with_tables  # noqa: PLC0415 - asks for the settings, which are made by now

    if request.config.getoption("--database") not in {"sqlite", "postgres"}:
        return False  # on somebody's own server nothing is left
    with django_db_blocker.unblock():
        return begin_with_tables(request.config.cache.mkdir("tables"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data: TAAWUN_DATA, else `shared/data` beside the checkout."""
    given = os.environ.get("TAAWUN_DATA")
    folder = Path(given) if given else CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data is not here: {folder} is no folder (TAAWUN_DATA names another)")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium that reaches nothing but this machine; open a context of your own in it."""
    program = browser_program()
    if program is None:
        pytest.skip("no Chromium or Chrome is installed; as root on Debian `./taawun test` installs one")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where a browser is

    # Playwright keeps an event loop on this thread, which makes Django refuse the database without this.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(program),
            args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1", *as_root],
        )
        yield opened
        opened.close()
