"""The machine interface as a whole: its document tells the truth, and no address is open by oversight."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from django.test import Client

from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from tests.cast import API, Cast, agreement_in_force, partner, some_id

if TYPE_CHECKING:
    from playwright.sync_api import Page

# what anybody with a token may ask about themselves; no role is needed for it
OF_ONESELF = {("get", "/me"), ("get", "/tokens"), ("get", "/notices")}


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
        assert len([status for status in statuses if status < 300]) == 1, path
        assert statuses >= {401, 403, 429, 500, 503}, path
        assert (404 in statuses) >= ("{" in path), path
        assert ({400, 413, 415, 422} <= statuses) >= ("requestBody" in operation), path
        named = {each["name"] for each in operation["parameters"]}
        assert ("Idempotency-Key" in named) == (method == "post"), path
        assert ({412, 428} <= statuses) == ("If-Match" in named), path
        for status in statuses:
            if status >= 400:
                content = operation["responses"][str(status)]["content"]
                assert content == {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }


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


def test_no_operation_is_open_to_who_has_no_token(cast: Cast, document: dict[str, Any]) -> None:
    for method, path, _operation in _operations(document):
        for member in (cast.nobody, cast.elsewhere, cast.former):
            assert member.api.send(method.upper(), _filled(path)).status_code == 401, path


def test_who_has_no_role_learns_nothing_but_about_themselves(cast: Cast, document: dict[str, Any]) -> None:
    for method, path, operation in _operations(document):
        answer = cast.stranger.api.send(method.upper(), _filled(path))
        if (method, path) in OF_ONESELF:
            assert answer.status_code == 200, path
        else:
            # the request is looked at before the permission, and this one lacks what it needs
            assert answer.status_code in ({403, 404, 422} if _needs(operation) else {403, 404}), path


def _needs(operation: dict[str, Any]) -> bool:
    return "requestBody" in operation or any(each["required"] for each in operation["parameters"])


@pytest.mark.parametrize(
    "path",
    [
        "/me",
        "/tokens",
        "/people",
        "/people/{person_id}",
        "/organisations",
        "/nations",
        "/invitations",
        "/node",
        "/partners",
        "/partners/{partner_id}",
        "/partners/{partner_id}/lanes",
        "/agreements",
        "/agreement-templates",
        "/agreements/{agreement_id}",
        "/agreements/{agreement_id}/versions/{number}",
        "/agreements/{agreement_id}/versions/{number}/text",
        "/federation/releases",
        "/notices",
        "/audit",
    ],
)
def test_answers_are_of_the_shape_that_the_document_tells(
    cast: Cast, document: dict[str, Any], path: str
) -> None:
    south = partner()
    agreement = agreement_in_force(south)
    raise_notice(
        "partners.key-changed", "urn:x", Notice.Level.ALARM, {"node": "n", "partner": str(south.row.id)}
    )
    cast.administrator.api.post("/invitations", {"email": "a@cert.example", "roles": ["analyst"]})
    ids = {
        "person_id": cast.analyst.row.id,
        "partner_id": south.row.id,
        "agreement_id": agreement.id,
        "number": 1,
    }
    answer = cast.administrator.api.get(path.format(**ids))
    assert answer.status_code == 200
    told = document["paths"][API + path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema_rs.validate(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **_with_parts(document, told)},
        answer.json(),
    )


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
