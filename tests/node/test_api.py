"""The machine interface as a whole: its document tells the truth, and no address is open by oversight."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import jsonschema_rs
import pytest
from django.test import Client

from tests.addresses import ADDRESSES, Address, filled
from tests.cast import API, Cast, some_id
from tests.pages import pages
from tests.world import WithWorld

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["pages"]

# of the code, not of the database; or, of one partner or agreement, as many as two nodes ever agree on
BOUNDED = {
    "/agreement-templates",
    "/federation/ledger",
    "/partners/{partner_id}/lane-files",
    "/agreements/{agreement_id}/newcomers",
    "/federation/releases/{release_id}/readings",
}
# nothing in the tests' world came under a key that was stolen, no guest of a partner read anything of ours, and
# nothing that our guest read was taken back
EMPTY = {
    "/partners/{partner_id}/quarantine",
    "/federation/releases/{release_id}/readings",
    "/guest/withdrawals",
    "/federation/public/waiting",
}
# what anybody with a token may ask about themselves; no role is needed for it
OF_ONESELF = {("get", "/me"), ("get", "/me/notifications"), ("get", "/tokens"), ("get", "/notices")}


@pytest.fixture(scope="module")
def document(django_db_setup: None) -> dict[str, Any]:
    found: dict[str, Any] = Client().get(f"{API}/openapi.json").json()
    return found


def _operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path.removeprefix(API), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _filled(path: str) -> str:
    """The path with an id of nothing for each of its parameters."""
    return re.sub(r"\{\w+\}", str(some_id()), re.sub(r"\{(number|membership_id)\}", "1", path))


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    operations = _operations(document)
    assert len(operations) > 40
    for method, path, operation in operations:
        place = f"{method} {path}"
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"]), place
        assert operation["summary"][-1] not in ". ", place
        assert operation["description"].endswith("."), place
        assert operation["tags"], place
        assert operation["security"] == [{"TokenAuth": []}], place


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _method, _path, operation in _operations(document)]
    assert sorted(names) == sorted(set(names))


def test_every_operation_tells_how_it_succeeds_and_how_it_fails(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        statuses = {int(status) for status in operation["responses"]}
        # what may take longer than a request is done at once or is waited for
        done = {status for status in statuses if status < 300}
        assert len(done) == 1 or done == {200, 202}, path
        assert statuses >= {401, 403, 429, 500, 503}, path
        assert (404 in statuses) >= ("{" in path), path
        takes = list(operation.get("requestBody", {}).get("content", {}))
        assert ({400, 408, 413, 422} <= statuses) >= bool(takes), path
        assert (415 in statuses) == (takes == ["application/json"]), path
        named = {each["name"] for each in operation["parameters"]}
        assert ("Idempotency-Key" in named) == (method == "post"), path
        assert (428 in statuses) == ("If-Match" in named), path
        assert (412 in statuses) == ("If-Match" in named or _names_edition(document, operation)), path
        for status in statuses:
            if status >= 400:
                content = operation["responses"][str(status)]["content"]
                assert content == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }


def _names_edition(document: dict[str, Any], operation: dict[str, Any]) -> bool:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return "edition" in document["components"]["schemas"].get(name, {}).get("properties", {})


def test_what_says_the_edition_that_was_read_may_come_too_late(document: dict[str, Any]) -> None:
    for path in ("publish", "withdraw"):
        operation = document["paths"][f"{API}/intel/reports/{{report_id}}/{path}"]["post"]
        assert {"412", "413", "415"} <= set(operation["responses"])


def test_a_file_is_brought_in_as_itself_or_in_a_form(document: dict[str, Any]) -> None:
    operation = document["paths"][f"{API}/intel/imports"]["post"]
    body = operation["requestBody"]
    assert body["required"] is True
    assert set(body["content"]) == {
        "application/json",
        "application/octet-stream",
        "application/stix+json;version=2.1",
        "multipart/form-data",
    }
    form = body["content"]["multipart/form-data"]["schema"]
    assert (form["required"], form["properties"]["file"]["format"]) == (["file"], "binary")
    assert {each["name"]: (each["in"], each["required"]) for each in operation["parameters"]} == {
        "name": ("query", False),
        "tlp": ("query", True),
        "leave_out_refused": ("query", False),
        "Idempotency-Key": ("header", False),
    }
    assert "413" in operation["responses"]


@pytest.mark.parametrize("path", ["/intel/objects/{stix_id}", "/intel/reports/{report_id}/bundle"])
def test_what_is_answered_as_stix_is_told_as_stix(document: dict[str, Any], path: str) -> None:
    told = document["paths"][API + path]["get"]["responses"]["200"]["content"]
    assert list(told) == ["application/stix+json;version=2.1"]


@pytest.mark.parametrize(
    ("method", "path", "status", "headers"),
    [
        ("get", "/agreements/{agreement_id}/draft", 200, ["ETag"]),
        ("put", "/agreements/{agreement_id}/draft", 200, ["ETag"]),
        ("put", "/agreements/{agreement_id}/draft", 412, ["ETag"]),
        ("get", "/agreements/{agreement_id}/versions/{number}/text", 200, ["ETag"]),
        ("post", "/intel/imports", 202, ["Location", "Idempotency-Replayed"]),
        ("post", "/intel/reports", 201, ["ETag", "Location", "Idempotency-Replayed"]),
        ("get", "/intel/reports/{report_id}/bundle", 200, ["Content-Disposition"]),
        ("get", "/me", 401, ["WWW-Authenticate"]),
        ("get", "/me", 429, ["Retry-After"]),
        ("get", "/me", 503, ["Retry-After"]),
    ],
)
def test_the_headers_of_answers_are_told(
    document: dict[str, Any], method: str, path: str, status: int, headers: list[str]
) -> None:
    assert list(document["paths"][API + path][method]["responses"][str(status)]["headers"]) == headers


def test_every_part_the_document_refers_to_is_in_it(document: dict[str, Any]) -> None:
    parts = document["components"]["schemas"]
    for reference in re.findall(r"'\$ref': '([^']+)'", str(document)):
        assert reference.removeprefix("#/components/schemas/") in parts
    for name, schema in parts.items():
        assert re.fullmatch(r"[A-Za-z]+", name)
        jsonschema_rs.meta.validate(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **_with_parts(document, schema)}
        )


def _with_parts(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": document["components"]}


# they are turned away before anything is looked for
@pytest.mark.any_database
def test_no_operation_is_open_to_who_has_no_token(cast: Cast, document: dict[str, Any]) -> None:
    for method, path, _operation in _operations(document):
        for member in (cast.nobody, cast.elsewhere, cast.former):
            assert member.api.send(method.upper(), _filled(path)).status_code == 401, path


@pytest.mark.any_database
def test_who_has_no_role_learns_nothing_but_about_themselves(cast: Cast, document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        answer = cast.stranger.api.send(method.upper(), _filled(path))
        if path.startswith("/guest/"):
            # behind a door of its own, which no person's token opens
            assert answer.status_code == 401, path
        elif (method, path) in OF_ONESELF:
            assert answer.status_code == 200, path
        else:
            # the request is looked at before the permission, and this one lacks what it needs
            assert answer.status_code in ({403, 404, 422} if _needs(operation) else {403, 404}), path


def _needs(operation: dict[str, Any]) -> bool:
    return "requestBody" in operation or any(each["required"] for each in operation["parameters"])


def test_what_is_listed_comes_by_pages_or_cannot_grow(document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        content = operation["responses"].get("200", {}).get("content", {})
        name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
        shape = document["components"]["schemas"].get(name, {}).get("properties", {})
        if method == "get" and "items" in shape and path not in BOUNDED:
            assert "next" in shape, path
            assert {"limit", "after"} <= {each["name"] for each in operation["parameters"]}, path


# test_every_address.py and test_marked_content.py ask the same on both databases
@pytest.mark.any_database
class TestAnswers(WithWorld):
    """What is read is of the shape that the document tells; every operation is, or a new one would be forgotten."""

    def test_every_read_is_answered_in_the_shape_that_the_document_tells(self) -> None:
        told = Client().get(f"{API}/openapi.json").json()
        lines = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{each.route}"): each for each in ADDRESSES}
        empty = set()
        for path, methods in told["paths"].items():
            if "get" not in methods:
                continue
            with self.each(path):
                value = self._read(told, path, lines[path])
                if isinstance(value, dict) and value.get("items") == []:
                    empty.add(path.removeprefix(API))
        # the shape of a row is not shown by a list without one
        assert empty == EMPTY

    def _read(self, told: dict[str, Any], path: str, line: Address) -> Any:
        address = line.path(self.world.things)
        if line.query:
            address += "?" + quote(filled(line.query, self.world.things), safe="=&")
        readers = [self.world.comer(name) for name in ("analyst", "officer", "administrator", "guest")]
        answers = [one.send("GET", address) for one in readers]
        answer = next((each for each in answers if each.status_code == 200), None)
        if answer is None:
            # there is none of it in the world; the line of the address says so
            assert {each.status_code for each in answers} & set(line.opened) - {200}
            return None
        content = told["paths"][path]["get"]["responses"]["200"]["content"]
        kind = answer["Content-Type"].removesuffix("; charset=utf-8")
        shape = content[kind]["schema"]
        if shape.get("format") == "binary":
            assert answer.getvalue()
            return None
        value = json.loads(answer.getvalue())
        jsonschema_rs.Draft202012Validator(_with_parts(told, shape), validate_formats=True).validate(value)
        return value


def test_the_document_and_its_page_are_open_and_lead_nowhere_else(db: None, pages: object) -> None:
    page = Client().get(f"{API}/docs")
    assert page.status_code == 200
    assert "//" not in page.content.decode()
    assert Client().get(f"{API}/").headers["Location"] == f"{API}/docs"


def test_the_page_shows_every_operation_in_a_browser_without_asking_anybody_else(
    visit: Callable[..., Page], document: dict[str, Any]
) -> None:
    page = visit(f"{API}/docs")
    page.wait_for_selector(".opblock")
    assert page.locator(".opblock").count() == len(_operations(document))
