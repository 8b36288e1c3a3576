"""A version's text is read once: its digest finds the document again."""

from __future__ import annotations

import pytest

from taawun.cooperation.agreements import document as reading
from taawun.cooperation.agreements import shelf
from taawun.cooperation.agreements.document import Document, parse
from taawun.cooperation.agreements.models import Version
from taawun.cooperation.agreements.queries import current_policy, newest_documents, standings, standings_of
from taawun.cooperation.people.models import Organisation
from taawun.foundation.clock import now
from tests.cast import agreement_in_force, document, partner


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every text that is read from here on."""
    texts: list[bytes] = []

    def noted(text: bytes) -> Document:
        texts.append(text)
        return reading.parse(text)

    monkeypatch.setattr(shelf, "parse", noted)
    return texts


def test_a_version_is_read_once_whoever_asks(node: Organisation, parsed: list[bytes]) -> None:
    south = partner()
    held = [agreement_in_force(south), agreement_in_force(south)]
    texts = {bytes(each.text) for each in Version.objects.all()}
    standings(now())
    assert {*parsed} <= texts
    parsed.clear()
    standings(now())
    standings_of(held)
    newest_documents()
    current_policy()
    assert [each.document().digest for each in Version.objects.order_by("id")] == [
        each.digest for each in Version.objects.order_by("id")
    ]
    assert parsed == []


def test_a_text_that_does_not_bear_the_digest_is_not_remembered_under_it(
    node: Organisation, parsed: list[bytes]
) -> None:
    one, other = document(partner()), document(partner())
    assert shelf.document(other.digest, lambda: one.text) == one
    assert shelf.document(other.digest, lambda: other.text) == other
    assert parsed == [one.text, other.text]


def test_the_shelf_holds_no_more_text_than_it_may_and_loses_what_was_asked_for_longest_ago(
    node: Organisation,
) -> None:
    south = partner()
    texts = [document(south) for _each in range(4)]
    kept = shelf._Shelf(3 * max(len(each.text) for each in texts))
    for each in texts[:3]:
        kept.put(each.digest, each)
    assert kept.get(texts[0].digest) == texts[0]
    kept.put(texts[3].digest, texts[3])
    assert [kept.get(each.digest) is not None for each in texts] == [True, False, True, True]
    assert parse(texts[1].text) == texts[1]
