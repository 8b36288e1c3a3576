"""The trail: a row for every act, and a chain in which nothing can be changed unseen."""

from __future__ import annotations

import random
from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connections, transaction
from django.db.utils import IntegrityError

from taawun.foundation.clock import frozen, now
from taawun.foundation.identifiers import uuid7
from taawun.platform.audit.actions import GENESIS, digest_of, record, seal, verify
from taawun.platform.audit.actors import AuditIdentity
from taawun.platform.audit.models import Entry
from taawun.platform.audit.queries import Chain, chain

pytestmark = pytest.mark.django_db


class Somebody:
    """Whoever acts."""

    def __init__(self, label: str = "Somebody") -> None:
        self.audit_identity = AuditIdentity("person", "7", label)


def _write(count: int) -> list[Entry]:
    return [
        record(Somebody(), "tests.done", f"urn:test:{number}", {"number": number}) for number in range(count)
    ]


def test_a_row_says_who_did_what_to_which_thing_and_when() -> None:
    with frozen(now()) as clock:
        entry = record(Somebody(), "tests.done", "urn:test:1", {"why": "because"})
        entry.refresh_from_db()
        assert (entry.at, entry.actor_kind, entry.actor_id, entry.actor_label) == (
            clock.now(),
            "person",
            "7",
            "Somebody",
        )
    assert (entry.verb, entry.subject, entry.details) == ("tests.done", "urn:test:1", {"why": "because"})
    assert (entry.seq, entry.digest) == (None, "")


def test_a_name_longer_than_its_column_is_cut() -> None:
    assert len(record(Somebody("n" * 500), "tests.done", "urn:test:1").actor_label) == 300


def test_an_act_that_is_undone_leaves_no_row() -> None:
    with transaction.atomic():
        _write(1)
        transaction.set_rollback(True)
    assert Entry.objects.count() == 0


def test_the_sweep_gives_every_row_its_place_oldest_first_and_only_once() -> None:
    entries = _write(5)
    assert verify().unsealed == 5
    assert [seal(), seal()] == [5, 0]
    more = _write(2)
    assert seal() == 2
    sealed = list(Entry.objects.order_by("seq"))
    assert [each.seq for each in sealed] == [1, 2, 3, 4, 5, 6, 7]
    assert [each.id for each in sealed] == [each.id for each in [*entries, *more]]
    assert len({each.digest for each in sealed}) == 7
    found = verify()
    assert (found.rows, found.broken_at, found.unsealed, found.head) == (7, None, 0, sealed[-1].digest)
    assert chain() == Chain(7, sealed[-1].digest, 0)


def test_more_rows_than_one_batch_are_sealed_in_one_run() -> None:
    _write(1)
    Entry.objects.bulk_create(
        Entry(actor_kind="system", actor_id="s", actor_label="s", verb="tests.done", subject="urn:x")
        for _ in range(2100)
    )
    assert seal() == 2101
    assert (verify().rows, verify().broken_at) == (2101, None)


def test_what_is_written_in_another_way_than_the_fast_one_holds_too() -> None:
    # a number that one way writes as 1e+16 and the other as 1e16, and one that the fast way cannot write at all
    record(Somebody(), "tests.done", "urn:test:1", {"share": 1e16})
    record(Somebody(), "tests.done", "urn:test:2", {"size": 2**70})
    assert seal() == 2
    assert (verify().rows, verify().broken_at) == (2, None)
    Entry.objects.filter(seq=2).update(details={"size": 2**70 + 1})
    assert verify().broken_at == 2


def test_an_empty_trail_is_whole() -> None:
    found = verify()
    assert (found.rows, found.broken_at, found.unsealed, found.head) == (0, None, 0, GENESIS)
    assert chain() == Chain(0, "", 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"at": now() + timedelta(microseconds=1)},
        {"actor_kind": "system"},
        {"actor_id": "8"},
        {"actor_label": "Nobody"},
        {"verb": "tests.undone"},
        {"subject": "urn:test:other"},
        {"details": {"number": 3}},
        {"details": {"number": "2"}},
        {"details": {}},
        {"digest": "d" * 64},
        {"id": uuid7()},
    ],
    ids=("at", "kind", "id", "label", "verb", "subject", "number", "type", "empty", "digest", "row"),
)
def test_a_change_of_any_column_breaks_the_chain_at_that_row(changes: dict[str, Any]) -> None:
    _write(5)
    seal()
    heads = list(Entry.objects.order_by("seq").values_list("digest", flat=True))
    Entry.objects.filter(seq=3).update(**changes)
    found = verify()
    assert (found.rows, found.broken_at, found.head) == (2, 3, heads[1])


@pytest.mark.parametrize(("gone", "broken_at"), [(1, 1), (3, 3), (4, 4)])
def test_a_row_taken_out_breaks_the_chain_at_its_place(gone: int, broken_at: int) -> None:
    _write(5)
    seal()
    Entry.objects.filter(seq=gone).delete()
    assert verify().broken_at == broken_at


def test_a_row_renumbered_breaks_the_chain() -> None:
    _write(5)
    seal()
    Entry.objects.filter(seq=5).update(seq=6)
    assert (verify().rows, verify().broken_at) == (4, 5)


def test_two_rows_exchanged_break_the_chain() -> None:
    _write(5)
    seal()
    for seq, becomes in ((2, 9), (3, 2), (9, 3)):
        Entry.objects.filter(seq=seq).update(seq=becomes)
    assert verify().broken_at == 2


def test_an_end_cut_off_shows_by_the_head_that_was_noted() -> None:
    _write(5)
    seal()
    noted = verify().head
    Entry.objects.filter(seq=5).delete()
    found = verify()
    assert (found.rows, found.broken_at) == (4, None)
    assert found.head != noted


def test_a_row_is_sealed_wholly_or_not_at_all() -> None:
    [entry] = _write(1)
    for half in ({"seq": 1}, {"digest": "d" * 64}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Entry.objects.filter(id=entry.id).update(**half)


@pytest.mark.django_db(transaction=True)
def test_many_that_write_and_seal_at_once_make_one_chain() -> None:
    def work(number: int) -> None:
        try:
            for each in range(40):
                record(Somebody(), "tests.done", f"urn:test:{number}.{each}")
                if random.random() < 0.5:  # noqa: S311 - no secret
                    seal()
        finally:
            connections.close_all()

    threads = [Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seal()
    found = verify()
    assert (found.rows, found.broken_at, found.unsealed) == (240, None, 0)


def test_a_row_that_is_rewritten_with_a_digest_of_its_own_breaks_the_chain_at_the_next() -> None:
    _write(5)
    seal()
    before, row = Entry.objects.get(seq=2), Entry.objects.get(seq=3)
    row.details = {"number": "forged"}
    row.digest = digest_of(row, before.digest)  # whoever can write the table also knows the rule
    row.save()
    assert verify().broken_at == 4
