"""Many rows in one go are the same as each by itself."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from taawun.cooperation.people.models import Organisation
from taawun.platform.audit.models import Entry
from taawun.platform.work.rows import insert_rows

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def _entry(number: int) -> Entry:
    return Entry(
        actor_kind="system",
        actor_id="",
        actor_label="tests",
        verb="tests.did",
        subject=f"urn:test:{number}",
        details={"number": number, "text": "نص"},
    )


def test_they_are_read_as_they_were_made() -> None:
    rows = [_entry(number) for number in range(3)]
    with transaction.atomic():
        insert_rows(rows)
    held = Entry.objects.filter(verb="tests.did").order_by("id")
    assert [(each.subject, each.details, each.seq) for each in held] == [
        (f"urn:test:{number}", {"number": number, "text": "نص"}, None) for number in range(3)
    ]
    assert [each.at for each in held] == [each.at for each in rows]


def test_one_with_a_key_of_its_own_can_be_changed_afterwards() -> None:
    made = Organisation(names={"en": "University"}, kind="university")
    with transaction.atomic():
        insert_rows([made])
    made.names = {"en": "The University"}
    made.save()
    assert Organisation.objects.get(id=made.id).names == {"en": "The University"}


def test_of_those_of_which_one_is_refused_none_is_there() -> None:
    made = Organisation(names={"en": "University"}, kind="university")
    again = Organisation(id=made.id, names={"en": "Another"}, kind="university")
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows([made, again])
    assert not Organisation.objects.filter(kind="university").exists()


def test_none_are_nothing() -> None:
    insert_rows([])
    assert not Entry.objects.filter(verb="tests.did").exists()
