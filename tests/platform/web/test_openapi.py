"""The OpenAPI document keeps the schemas of all rooms apart."""

from __future__ import annotations

from typing import Any

import pytest
from ninja import Router, Schema
from pydantic import create_model

from taawun.node.api import api as of_the_node
from taawun.platform.web.api import Listing
from taawun.platform.web.openapi import DocumentedAPI, SchemasClash


def schema(name: str, module: str, **fields: Any) -> type[Schema]:
    return create_model(name, __base__=Schema, __module__=module, **fields)


def api_of(*answers: Any) -> DocumentedAPI:
    made = DocumentedAPI(urls_namespace="of-a-test")
    for number, answer in enumerate(answers):

        def ask(request: object) -> None:
            del request

        ask.__name__ = f"ask_{number}"
        router = Router()
        router.get(f"/{number}", response=answer)(ask)
        made.add_router("", router)
    return made


INTEL = schema("Report", "intel.schemas", title=(str, ...))
EVENTS = schema("Report", "events.schemas", grade=(int, ...))


@pytest.mark.parametrize(
    "answers",
    [
        (INTEL, EVENTS),
        (list[INTEL], EVENTS | None),  # type: ignore[valid-type]  # made by a function
        (schema("One", "a", of=(INTEL, ...)), schema("Two", "b", of=(list[EVENTS], ...))),  # type: ignore[valid-type]  # made by a function
        (Listing[INTEL], Listing[EVENTS]),  # type: ignore[valid-type]  # made by a function
    ],
)
def test_two_rooms_with_a_schema_of_one_name_are_refused_by_both_names(answers: tuple[Any, ...]) -> None:
    with pytest.raises(SchemasClash) as refused:
        api_of(*answers).get_openapi_schema(path_prefix="/")

    assert "intel.schemas.Report" in str(refused.value)
    assert "events.schemas.Report" in str(refused.value)
    assert "give one of the two classes a name that says what it is of" in str(refused.value)


def test_a_schema_named_as_the_list_of_another_is_refused() -> None:
    listed = schema("ReportList", "events.schemas", count=(int, ...))

    assert len(api_of(Listing[INTEL], listed).clashes()) == 1  # type: ignore[valid-type]  # made by a function


def test_a_schema_named_as_that_of_problems_is_refused() -> None:
    clashes = api_of(schema("Problem", "drills.schemas", text=(str, ...))).clashes()

    assert len(clashes) == 1
    assert "drills.schemas.Problem" in clashes[0]
    assert "taawun.platform.web.openapi" in clashes[0]


def test_one_schema_in_several_places_is_one() -> None:
    made = api_of(INTEL, list[INTEL], schema("Shelf", "intel.schemas", of=(INTEL, ...)))  # type: ignore[valid-type]  # made by a function

    assert made.clashes() == []
    assert {"Report", "Shelf"} < set(made.get_openapi_schema(path_prefix="/")["components"]["schemas"])


def test_the_rooms_of_this_node_have_no_two_schemas_of_one_name() -> None:
    assert of_the_node.clashes() == []
