"""The verbs of the room where pages and the API have bounds of their own before them, and the console has none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from taawun.cooperation.people.actions import create_token
from taawun.cooperation.people.errors import PeopleError
from taawun.cooperation.people.models import ApiToken
from tests.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("days", [0, -1, 367])
def test_a_token_lives_longer_than_an_instant_and_at_most_a_year(cast: Cast, days: int) -> None:
    member, before = cast.analyst, ApiToken.objects.count()
    with pytest.raises(PeopleError, match="366"):
        create_token(member.actor, member.row, name="x", scopes=["read:intel"], life=timedelta(days=days))
    assert ApiToken.objects.count() == before
