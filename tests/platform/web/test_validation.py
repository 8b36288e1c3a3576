"""What does not fit is named with its place, in our words."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from django.utils.translation import override
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from taawun.platform.web.shapes import Day, Flag, Instant, Whole
from taawun.platform.web.validation import worded


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: Annotated[int, Field(ge=1, le=9)] = 1


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=2, max_length=4)] = "ab"
    code: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "XN"
    flag: bool = True
    kind: Literal["a", "b"] = "a"
    id: UUID | None = None
    at: AwareDatetime | None = None
    when: datetime | None = None
    since: Instant | None = None
    day: Day | None = None
    number: Whole = 1
    really: Flag = True
    inner: _Inner = Field(default_factory=_Inner)
    words: Annotated[list[str], Field(min_length=1, max_length=2)] = Field(default_factory=lambda: ["x"])
    texts: dict[str, str] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("value", "pointer", "sentence"),
    [
        ({"name": 1}, "/name", "must be a text"),
        ({"name": "a"}, "/name", "must be at least 2 characters long"),
        ({"name": "abcde"}, "/name", "must be at most 4 characters long"),
        ({"code": "xn"}, "/code", "must match ^[A-Z]{2}$"),
        ({"flag": "perhaps"}, "/flag", "must be true or false"),
        ({"flag": []}, "/flag", "must be true or false"),
        ({"kind": "c"}, "/kind", "must be a or b"),
        ({"id": "x"}, "/id", "must be a UUID"),
        ({"id": 1}, "/id", "must be a UUID"),
        ({"at": "2026-10-01T00:00:00"}, "/at", "must name its zone, like 2026-10-01T00:00:00Z"),
        ({"at": "soon"}, "/at", "must be an instant, like 2026-10-01T00:00:00Z"),
        ({"when": []}, "/when", "must be an instant, like 2026-10-01T00:00:00Z"),
        ({"since": 0}, "/since", "must be an instant, like 2026-10-01T00:00:00Z"),
        ({"since": "0.5"}, "/since", "must be an instant, like 2026-10-01T00:00:00Z"),
        ({"since": "2026-10-01T00:00:00"}, "/since", "must name its zone, like 2026-10-01T00:00:00Z"),
        ({"day": 0}, "/day", "must be a day, like 2026-10-01"),
        ({"day": "20261001"}, "/day", "must be a day, like 2026-10-01"),
        ({"day": "2026-02-30"}, "/day", "must be a day, like 2026-10-01"),
        ({"day": "2026-10-01T08:00:00Z"}, "/day", "must be a day, like 2026-10-01"),
        ({"number": "5"}, "/number", "must be a whole number"),
        ({"number": True}, "/number", "must be a whole number"),
        ({"really": 0}, "/really", "must be true or false"),
        ({"really": "yes"}, "/really", "must be true or false"),
        ({"inner": {"count": 0}}, "/inner/count", "must be at least 1"),
        ({"inner": {"count": 10}}, "/inner/count", "must be at most 9"),
        ({"inner": {"count": "many"}}, "/inner/count", "must be a whole number"),
        ({"inner": {"count": 1.5}}, "/inner/count", "must be a whole number"),
        ({"inner": 3}, "/inner", "must be an object"),
        ({"words": []}, "/words", "must have at least 1 entries"),
        ({"words": ["a", "b", "c"]}, "/words", "must have at most 2 entries"),
        ({"words": "a"}, "/words", "must be a list"),
        ({"words": ["a", None]}, "/words/1", "must be a text"),
        ({"texts": []}, "/texts", "must be an object"),
        ({"a/b~c": 1}, "/a~1b~0c", "is not a member that is known here"),
    ],
)
def test_each_fault_has_its_place_and_its_sentence(value: Any, pointer: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Model.model_validate(value)
    (error,) = refused.value.errors()
    found = worded({**error, "loc": ("body", "body", *error["loc"])})
    assert (found["pointer"], found["detail"]) == (pointer, f"{pointer}: {sentence}")


def test_a_missing_body_is_named_as_the_body() -> None:
    found = worded({"type": "missing", "loc": ("body", "body")})
    assert found == {"detail": "the body: is missing", "pointer": "", "code": "missing"}


def test_a_parameter_is_named_by_its_name() -> None:
    found = worded({"type": "less_than_equal", "loc": ("query", "limit"), "ctx": {"le": 500}})
    assert found == {"detail": "limit: must be at most 500", "parameter": "limit", "code": "less_than_equal"}


def test_a_fault_without_words_of_ours_still_has_its_place() -> None:
    found = worded({"type": "something_new", "loc": ("body", "body", "name")})
    assert found["detail"] == "/name: is not valid here"


@pytest.mark.parametrize(
    ("language", "detail"),
    [
        ("fr", "/kind\u00a0: doit être a ou b"),
        ("ar", "/kind: يجب أن يكون a أو b"),
        ("en", "/kind: must be a or b"),
    ],
)
def test_the_words_to_choose_from_are_joined_as_the_reader_joins_them(language: str, detail: str) -> None:
    with override(language), pytest.raises(ValidationError) as refused:
        _Model.model_validate({"kind": "c"})
    error = {**refused.value.errors()[0], "loc": ("body", "body", "kind")}
    with override(language):
        assert worded(error)["detail"] == detail
