"""The scan of the paper instrument: attached on a page or over the API, proven by its digest, saved again."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from django.conf import settings

from taawun.cooperation.agreements.document import Paper
from taawun.cooperation.agreements.models import Agreement, Scan
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.platform.audit.models import Entry
from taawun.platform.files.models import FileUse
from tests.cast import Cast, PartnerNode, agreement_in_force, partner
from tests.cooperation.agreements.viewing import page_of, seen
from tests.pages import read

pytestmark = pytest.mark.usefixtures("pages")

SCAN = b"%PDF-1.7 a treaty" * 1000
PAPER = Paper(Text.of(en="Treaty of Friendship", ar="معاهدة صداقة"), date(2026, 10, 1), sha256(SCAN))


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    return partner("Southern CERT", nation="XS")


@pytest.fixture
def held(south: PartnerNode) -> Agreement:
    return agreement_in_force(south, instrument=PAPER)


def _file(content: bytes, name: str = "treaty.pdf") -> BytesIO:
    file = BytesIO(content)
    file.name = name
    return file


def test_the_scan_is_attached_on_its_page_and_saved_again_byte_for_byte(cast: Cast, held: Agreement) -> None:
    client = cast.officer.browser()
    assert page_of(held, "scan/") in [has["href"] for has in seen(client, page_of(held)).all("a")]
    before = seen(client, page_of(held, "scan/"))
    assert "Its scan is not kept on this node yet." in before.text
    answer = client.post(page_of(held, "scan/"), {"file": _file(SCAN)})
    assert answer["Location"] == page_of(held, "scan/")
    shown = seen(client, page_of(held, "scan/"))
    assert PAPER.digest in str(shown.elements)
    assert "treaty.pdf" in shown.text
    address = page_of(held, f"scan/{PAPER.digest}/")
    assert address in [has["href"] for has in shown.all("a")]
    saved = cast.observer.browser().get(address)
    assert saved.getvalue() == SCAN
    assert 'filename="treaty.pdf"' in saved["Content-Disposition"]
    assert "sandbox" in saved["Content-Security-Policy"]
    assert Entry.objects.get(verb="agreements.scan-attached").details == {
        "digest": PAPER.digest,
        "size": len(SCAN),
    }


def test_another_file_is_refused_with_its_digest_and_nothing_of_it_is_kept(
    cast: Cast, held: Agreement
) -> None:
    client = cast.officer.browser()
    shown = read(client.post(page_of(held, "scan/"), {"file": _file(b"another")}), 422)
    assert f"its digest begins with {sha256(b'another')[:12]}, and" in shown.text
    assert not Scan.objects.exists()
    assert not FileUse.objects.exists()


def test_an_empty_file_and_none_are_refused(cast: Cast, held: Agreement) -> None:
    client = cast.officer.browser()
    assert "This file is empty." in read(client.post(page_of(held, "scan/"), {"file": _file(b"")}), 422).text
    assert "This field is required." in read(client.post(page_of(held, "scan/"), {}), 422).text


def test_a_scan_that_is_too_large_is_refused(
    cast: Cast, held: Agreement, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taawun.cooperation.agreements.actions.papers.MAX_SCAN_BYTES", 10)
    client = cast.officer.browser()
    assert client.post(page_of(held, "scan/"), {"file": _file(SCAN)}).status_code == 422
    answer = cast.officer.api.send("PUT", f"/agreements/{held.id}/scan?name=x.pdf", raw=SCAN)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:taawun:problem:too-large")
    assert not FileUse.objects.exists()


def test_without_a_paper_there_is_nothing_to_attach_a_scan_to(cast: Cast, south: PartnerNode) -> None:
    bare = agreement_in_force(south)
    client = cast.officer.browser()
    shown = seen(client, page_of(bare, "scan/"))
    assert "No version of this agreement names a paper instrument." in shown.text
    assert not shown.all("input", type="file")
    assert page_of(bare, "scan/") not in [has["href"] for has in seen(client, page_of(bare)).all("a")]
    assert client.post(page_of(bare, "scan/"), {"file": _file(SCAN)}).status_code == 422


def test_who_may_not_write_agreements_reads_the_page_and_attaches_nothing(
    cast: Cast, held: Agreement
) -> None:
    client = cast.observer.browser()
    assert not seen(client, page_of(held, "scan/")).all("input", type="file")
    assert client.post(page_of(held, "scan/"), {"file": _file(SCAN)}).status_code == 403
    assert not Scan.objects.exists()


def test_over_the_api_it_is_put_and_got(cast: Cast, held: Agreement) -> None:
    path = f"/agreements/{held.id}/scan"
    assert cast.observer.api.get(path).json()["type"] == "urn:taawun:problem:no-scan"
    answer = cast.officer.api.send("PUT", f"{path}?name=treaty.pdf", raw=SCAN)
    assert answer.json() == {"digest": PAPER.digest, "size": len(SCAN), "name": "treaty.pdf"}
    assert cast.observer.api.get(path).content == SCAN
    refused = cast.officer.api.send("PUT", path, raw=b"another")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:taawun:problem:other-scan")
    wanted = f"what is wanted begins with {PAPER.digest[:12]}. Ask who wrote that text, at {settings.BASE_URL}, for"
    assert wanted in refused.json()["detail"]


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_the_page_is_whole_in_every_language(cast: Cast, held: Agreement, language: str) -> None:
    answer = cast.officer.browser().get(f"/{language}/agreements/{held.id}/scan/")
    assert read(answer).all("input", type="file")
