"""The OpenAPI document, complete: what holds for every operation is written into each of them here."""

from __future__ import annotations

import re
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, get_args

from ninja import NinjaAPI
from pydantic import BaseModel

from taawun.platform.web.idempotency import LIFE, LONGEST_KEY, MOST_KEPT
from taawun.platform.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ninja.openapi.schema import OpenAPISchema
    from ninja.operation import Operation
    from ninja.types import DictStrAny

__all__ = [
    "IF_MATCH",
    "IF_MATCH_IF_NAMED",
    "IF_MATCH_THE_DRAFT",
    "DocumentedAPI",
    "SchemasClash",
    "answering",
]


def _if_match(description: str, *, required: bool) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "in": "header",
                "name": "If-Match",
                "required": required,
                "schema": {"type": "string"},
                "description": description,
            }
        ]
    }


# an operation that checks editions takes this as its `openapi_extra`
IF_MATCH: Final = _if_match("The ETag of what was edited (RFC 9110).", required=True)
# an operation that ends or replaces a draft, if there is one, takes this
IF_MATCH_THE_DRAFT: Final = _if_match(
    "The ETag of the draft (RFC 9110); needed where one is being written here.", required=False
)
# an operation that was there before its things had editions, and takes any save without one, takes this
IF_MATCH_IF_NAMED: Final = _if_match(
    "The ETag of what was edited (RFC 9110). Without it the change is made whatever is there.", required=False
)
_IDEMPOTENCY_KEY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "description": (
        f"Sent again with the same key within {LIFE.total_seconds() // 3600:.0f} hours, the request is not done "
        f"again: it gets the first answer. Of one token the newest {MOST_KEPT // 2:,} answers at least are kept."
    ),
}
_PROBLEM: Final = {
    "title": "Problem",
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the problem: a URN."},
        "title": {"type": "string", "description": "What the status means, in the reader's language."},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong here and how to mend it."},
        "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) to the place in the body."},
        "parameter": {"type": "string", "description": "The parameter of the address that is wrong."},
        "line": {"type": "integer", "description": "Line of the body, from 1."},
        "column": {"type": "integer", "description": "Column of the body, from 1."},
        "errors": {
            "type": "array",
            "description": "Every place that does not fit.",
            "items": {
                "type": "object",
                "required": ["detail", "code"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
    },
}
# headers of answers; whether each is always there
_HEADERS: Final = {
    "ETag": (True, "The entity tag of what is answered (RFC 9110, 8.8.3)."),
    "Location": (True, "Where what was made, or was begun, can be read."),
    "Content-Disposition": (True, "A name to save it under."),
    "Idempotency-Replayed": (False, "`true` where the first answer to this Idempotency-Key is given again."),
}
_PROBLEM_HEADERS: Final = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", True, "How to authenticate (RFC 6750)."),
    HTTPStatus.PRECONDITION_FAILED: (
        "ETag",
        False,
        "The entity tag of what is there now, where there is one.",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", True, "Seconds to wait."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", True, "Seconds to wait."),
}
_JSON: Final = "application/json"
_ANSWERS: Final = "x-answers"  # what `answering` leaves for `_complete`, which takes it away
_LISTING: Final = re.compile(r"\bListing[_\[](\w+?)[_\]](?!\w)")
_UNNAMEABLE: Final = re.compile(r"[^\w.\-]", re.ASCII)  # what pydantic leaves out of a name
_ALWAYS: Final = (401, 403, 429, 500, 503)
_WITH_BODY: Final = (400, 408, 413, 422)
_WRITING: Final = frozenset({"post", "put", "patch", "delete"})


def answering(*headers: str, media_type: str = _JSON, problems: Iterable[int] = ()) -> dict[str, Any]:
    """What an operation that answers with more than its schema says takes as its ``openapi_extra``.

    Args:
        headers: of its answer, when it succeeds.
        media_type: of that answer, where it is not the API's own JSON.
        problems: statuses it may answer with that other operations of its kind do not.

    Returns:
        JSON values, to be joined with others by ``|``.
    """
    return {_ANSWERS: {"headers": headers, "media_type": media_type, "problems": tuple(problems)}}


class SchemasClash(TypeError):
    """Two classes would have one name in the document, in which the later takes the place of the earlier."""


class DocumentedAPI(NinjaAPI):
    """A ninja API whose document tells every problem that an operation may answer with."""

    # made once: the document is open to everybody, and making it takes a while
    _document: OpenAPISchema | None = None

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """An operation is called what its function is called; functions of all rooms differ."""
        return operation.view_func.__name__

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: DictStrAny | None = None
    ) -> OpenAPISchema:
        """The document, with headers, problems, Idempotency-Key and the schema of problems added.

        Raises:
            SchemasClash: two rooms have schemas of one name.
        """
        if self._document is None:
            self._document = self._complete(path_prefix, path_params)
        return self._document

    def clashes(self) -> list[str]:
        """A sentence for each name that more than one class would have in the document; empty when all is well."""
        owners: dict[str, type] = {}
        found = []
        for schema in _schemas(self):
            name = _tidily_named(_UNNAMEABLE.sub("_", schema.__name__))
            other = owners.setdefault(name, schema)
            if other is not schema or name == _PROBLEM["title"]:
                where = __name__ if other is schema else _place(other)
                found.append(
                    f"The OpenAPI document would call both {_place(schema)} and {where} {name}: "
                    "give one of the two classes a name that says what it is of."
                )
        return sorted(found)

    def _complete(self, path_prefix: str | None, path_params: DictStrAny | None) -> OpenAPISchema:
        clashes = self.clashes()
        if clashes:
            raise SchemasClash(" ".join(clashes))
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        schemas = document["components"]["schemas"]
        for path, method, operation in _operations(document):
            own = {"headers": (), "media_type": _JSON, "problems": (), **operation.pop(_ANSWERS, {})}
            if method == "post":
                operation["parameters"].append(_IDEMPOTENCY_KEY)
                own["headers"] = (*own["headers"], "Idempotency-Replayed")
            for response in operation["responses"].values():
                _tell_success(response, own["headers"], own["media_type"])
            for status in {*_problems_of(path, method, operation, schemas), *own["problems"]}:
                operation["responses"][status] = _problem_response(status)
            operation["responses"] = dict(sorted(operation["responses"].items()))
        schemas["Problem"] = _PROBLEM
        for part in ("paths", "components"):
            document[part] = _tidily_named(document[part])
        return document


def _schemas(api: NinjaAPI) -> Iterator[type]:
    """Every class that gets a name in the document: the operations' own wrappers do not."""
    wrappers: list[Any] = [
        model
        for _prefix, router in api._routers  # noqa: SLF001 - ninja offers no other way to its operations
        for view in router.path_operations.values()
        for operation in view.operations
        for model in (*operation.models, *operation.response_models.values())
    ]
    waiting = [part for wrapper in wrappers for part in _parts(wrapper)]
    seen: set[type] = set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, (BaseModel, Enum)) and each not in seen:
            seen.add(each)
            yield each
            waiting.extend(_parts(each))
        else:
            waiting.extend(get_args(each))


def _parts(model: Any) -> Iterable[Any]:
    # Any: an annotation is whatever Python allows there
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.annotation for field in model.model_fields.values()]
    return ()


def _place(schema: type) -> str:
    return f"{schema.__module__}.{schema.__qualname__}"


def _tidily_named(value: Any) -> Any:
    """A tree of JSON in which ``Listing_Partner_``, as pydantic calls a list of partners, is ``PartnerList``."""
    if isinstance(value, dict):
        return {_LISTING.sub(r"\1List", str(name)): _tidily_named(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_tidily_named(each) for each in value]
    return _LISTING.sub(r"\1List", value) if isinstance(value, str) else value


def _operations(document: OpenAPISchema) -> Iterator[tuple[str, str, dict[str, Any]]]:
    # Any: an operation of the document is a tree of JSON
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _tell_success(response: dict[str, Any], headers: Iterable[str], media_type: str) -> None:
    if headers:
        response["headers"] = {name: _header(_HEADERS[name]) for name in headers}
    if media_type != _JSON:
        response["content"] = {media_type: response["content"].pop(_JSON)}


def _header(row: tuple[bool, str]) -> dict[str, Any]:
    is_required, description = row
    return {"required": is_required, "schema": {"type": "string"}, "description": description}


def _problems_of(path: str, method: str, operation: dict[str, Any], schemas: Mapping[str, Any]) -> set[int]:
    statuses = {*_ALWAYS}
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        statuses.update(_WITH_BODY)
    if list(content) == [_JSON]:
        # what takes files looks into them, whatever they are called
        statuses.add(415)
    if operation["parameters"]:
        statuses.add(422)
    if re.search(r"\{\w+\}", path):
        statuses.add(404)
    if method in _WRITING:
        statuses.update((400, 409))
    if any(each["name"] == "If-Match" for each in operation["parameters"]):
        statuses.update((412, 428))
    if any(_names_edition(each["schema"], schemas) for each in content.values()):
        statuses.add(412)
    return statuses


def _names_edition(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> bool:
    """Whether a body says which edition was read, and so may come too late."""
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return "edition" in named.get("properties", {})


def _problem_response(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    header = _PROBLEM_HEADERS.get(HTTPStatus(status))
    if header:
        name, is_required, description = header
        response["headers"] = {name: _header((is_required, description))}
    return response
