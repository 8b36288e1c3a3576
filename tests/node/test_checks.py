"""Rooms that do not fit together are refused before the node is started, with both of their names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from ninja import Router, Schema

from taawun.node import api as machine_interface
from taawun.node import checks
from taawun.platform.registry import Capability, Registry
from taawun.platform.web.navigation import Group, NavigationEntry
from taawun.platform.web.openapi import DocumentedAPI
from tests.tables import put_tables

CHECKOUT = Path(__file__).resolve().parents[2]


def addresses(module: str, *names: str) -> ModuleType:
    made = ModuleType(module)
    made.urlpatterns = [path(f"{name}/", HttpResponse, name=name) for name in names]  # type: ignore[attr-defined]  # a module made for the test
    return made


def test_the_rooms_of_this_node_fit_together() -> None:
    assert [each for each in run_checks() if not each.is_silenced()] == []


def test_an_address_name_of_two_rooms_is_refused_by_both_names() -> None:
    root = ModuleType("root")
    rooms = (addresses("intel.urls", "reports", "objects"), addresses("events.urls", "sessions", "reports"))
    root.urlpatterns = [path(f"{room.__name__}/", include(room)) for room in rooms]  # type: ignore[attr-defined]  # a module made for the test

    with override_settings(ROOT_URLCONF=root):
        found = checks.address_names()

    assert [each.msg for each in found] == [
        "The address name 'reports' is given by intel.urls and events.urls: links to one would lead to the other."
    ]


def test_a_name_in_a_namespace_of_its_own_is_another_name() -> None:
    root = ModuleType("root")
    theirs = addresses("events.urls", "reports")
    root.urlpatterns = [  # type: ignore[attr-defined]  # a module made for the test
        path("intel/", include(addresses("intel.urls", "reports"))),
        path("events/", include((theirs.urlpatterns, "events"))),
    ]

    with override_settings(ROOT_URLCONF=root):
        assert checks.address_names() == []


def test_an_entry_of_the_navigation_that_leads_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Registry()
    entries = (
        NavigationEntry("people", Group.NODE, "People", "people"),
        NavigationEntry("events", Group.CONVENE, "Events", "evnets"),
        NavigationEntry("event", Group.CONVENE, "Event", "person"),  # needs an argument
    )
    made.register(Capability("events", "Events", entries))
    monkeypatch.setattr(checks, "registry", made)

    assert [each.msg for each in checks.navigation()] == [
        "The navigation entry 'events' leads to 'evnets', which is no address.",
        "The navigation entry 'event' leads to 'person', which is no address.",
    ]


def test_schemas_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = DocumentedAPI(urls_namespace="of-a-check")
    for module in ("intel.schemas", "events.schemas"):
        router = Router()
        report = type("Report", (Schema,), {"__module__": module})
        router.get(f"/{module}", response=report)(lambda request: request)
        made.add_router("", router)
    monkeypatch.setattr(machine_interface, "api", made)

    assert [each.id for each in checks.schema_names()] == ["taawun.E003"]


@pytest.fixture(scope="module")
def home(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The home of a node that `taawun init` has made."""
    folder = put_tables(tmp_path_factory.mktemp("home"), tables)
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT / "src"),
        "TAAWUN_HOME": str(folder),
    }
    init = [
        "init",
        "--yes",
        "--name",
        "A",
        "--name-ar",
        "أ",
        "--nation",
        "XN",
        "--admin-email",
        "a@cert.example",
    ]
    done = _python(["-m", "taawun", *init], environment)
    assert done.returncode == 0, done.stderr
    return str(folder)


@pytest.mark.slow
def test_a_capability_is_served_by_its_registration_alone(tmp_path: Path) -> None:
    parts = "Pages('events', 'events_urls'), Operations('events', 'events_api')"
    environment = _with_events(tmp_path, parts)
    (tmp_path / "events_urls.py").write_text(
        "from django.http import HttpResponse\n"
        "from django.urls import path\n"
        "urlpatterns = [path('all/', lambda request: HttpResponse('all events'), name='events')]\n"
    )
    (tmp_path / "events_api.py").write_text(
        "from ninja import Router\n"
        "router = Router(tags=['events'])\n"
        "@router.get('/events')\n"
        "def list_events(request): pass\n"
    )
    ask = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "from django.urls import reverse\n"
        "print(Client().get(reverse('events'), headers={'host': '127.0.0.1:8000'}).content.decode())\n"
        "from taawun.node.api import api\n"
        "print('/api/v1/events' in api.get_openapi_schema()['paths'])\n"
    )

    done = _python(["-c", ask], environment)

    assert (done.stdout.splitlines(), done.returncode) == (["all events", "True"], 0), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "told"),
    [
        ('Pages("events", "taawun.platform.audit.urlz")', "taawun.platform.audit.urlz"),
        (
            'Pages("events", "taawun.platform.audit.urls")',
            "'audit' is given by taawun.platform.audit.urls, twice",
        ),
        ('NavigationEntry("events", Group.CONVENE, "Events", "evnets")', "leads to 'evnets'"),
    ],
)
def test_a_node_whose_rooms_do_not_fit_is_not_started(
    tmp_path: Path, home: str, part: str, told: str
) -> None:
    environment = _with_events(tmp_path, part) | {"TAAWUN_HOME": home}

    done = _python(["-m", "taawun", "up", "--port", "1"], environment)

    assert done.returncode == 3, done.stderr
    assert told in done.stderr.splitlines()[-1]


def _with_events(folder: Path, parts: str) -> dict[str, str]:
    """The environment of a node that has one capability more, which registers these parts."""
    (folder / "events.py").write_text(
        "from django.apps import AppConfig\n"
        "from taawun.platform.registry import Capability, registry\n"
        "from taawun.platform.web.navigation import Group, NavigationEntry\n"
        "from taawun.platform.web.rooms import Operations, Pages\n"
        "class EventsConfig(AppConfig):\n"
        "    name = 'events'\n"
        f"    def ready(self): registry.register(Capability('events', 'Events', ({parts},)))\n"
    )
    (folder / "with_events.py").write_text(
        "from taawun.node.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'events.EventsConfig']\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{folder}:{CHECKOUT / 'src'}",
        "TAAWUN_HOME": str(folder / "home"),
        "DJANGO_SETTINGS_MODULE": "with_events",
    }


def _python(arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
