"""Many rows in one go are the same as each by itself."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from taawun.cooperation.people.models import Organisation
from taawun.platform.audit.models import Entry
from taawun.platform.work.rows import insert_rows, update_rows

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


def test_a_choice_is_held_as_its_text() -> None:
    made = Organisation(names={"en": "University"}, kind=Organisation.Kind.UNIVERSITY, is_host=False)
    with transaction.atomic():
        insert_rows([made])
    assert type(Organisation.objects.values_list("kind", flat=True).get(id=made.id)) is str
    assert Organisation.objects.get(kind="university").id == made.id


def test_a_change_of_many_rows_writes_the_named_fields_of_these_rows_alone() -> None:
    rows = [_entry(number) for number in range(4)]
    with transaction.atomic():
        insert_rows(rows)
        for number, row in enumerate(rows[:3]):
            row.seq, row.digest, row.details, row.subject = (
                number + 1,
                f"{number:064}",
                {"new": number},
                "urn:not-named",
            )
        update_rows(rows[:3], ("seq", "digest", "details"))
    held = Entry.objects.filter(verb="tests.did").order_by("subject")
    assert [(each.subject, each.seq, each.digest, each.details) for each in held] == [
        ("urn:test:0", 1, f"{0:064}", {"new": 0}),
        ("urn:test:1", 2, f"{1:064}", {"new": 1}),
        ("urn:test:2", 3, f"{2:064}", {"new": 2}),
        ("urn:test:3", None, "", {"number": 3, "text": "نص"}),
    ]


def test_of_changes_of_which_one_is_refused_none_is_there() -> None:
    rows = [_entry(number) for number in range(2)]
    with transaction.atomic():
        insert_rows(rows)
    for row in rows:
        row.seq, row.digest = 1, "0" * 64
    with pytest.raises(IntegrityError), transaction.atomic():
        update_rows(rows, ("seq", "digest"))
    assert not Entry.objects.filter(verb="tests.did", seq__isnull=False).exists()


def test_no_changes_are_nothing() -> None:
    row = _entry(1)
    with transaction.atomic():
        insert_rows([row])
    update_rows([], ("seq", "digest"))
    assert Entry.objects.get(id=row.id).seq is None
