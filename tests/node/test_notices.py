"""What the node tells its administrators of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.urls import reverse
from pytest_django import Settings

from taawun.cooperation.partners.identity import keys
from taawun.node.notices import tell_of_restore, watch_recovery_key
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from taawun.platform.work.schedules import Schedule
from tests.cast import Cast
from tests.pages import read

_NOTHING = "nothing is at risk"


@pytest.mark.usefixtures("pages")
def test_the_recovery_key_is_told_of_while_it_lies_on_the_node_and_no_longer(
    cast: Cast, settings: Settings, tmp_path: Path
) -> None:
    settings.HOME = tmp_path
    place = keys.create_keys()
    watch = registry.get(Schedule, "node.recovery-key").run
    assert watch is watch_recovery_key
    watch()
    watch()
    assert Notice.objects.get().times == 1  # looking again is no new event
    administrator = cast.administrator.browser()
    home = read(administrator.get(reverse("home"))).text
    assert "The private recovery key still lies on this node." in home
    assert _NOTHING not in home
    assert "recovery key" not in read(cast.analyst.browser().get(reverse("home"))).text
    # settled by hand while it is still there, it is told again
    administrator.post(reverse("notice-resolve", args=[Notice.objects.get().id]))
    watch()
    assert Notice.objects.filter(resolved=None).count() == 1
    place.rename(tmp_path / "safe.pem")
    watch()
    assert Notice.objects.filter(resolved=None).count() == 0
    assert _NOTHING in read(administrator.get(reverse("home"))).text


@pytest.mark.usefixtures("pages")
def test_a_restored_node_says_who_is_back_until_an_administrator_has_looked(cast: Cast) -> None:
    tell_of_restore("https://north.example", "2026-10-02T08:30:00Z")
    administrator = cast.administrator.browser()
    home = read(administrator.get(reverse("home"))).text
    assert "This node was restored from a backup of 2 Oct 2026, 08:30." in home
    assert "tokens that were revoked since, are back" in home
    administrator.post(reverse("notice-resolve", args=[Notice.objects.get().id]))
    assert "restored" not in read(administrator.get(reverse("home"))).text
