"""Schemathesis asks the machine interface all that its document allows, and much that it does not.

The document is read as a client reads it. Of each operation its boundaries are tried one by one (each limit, each
missing or unknown member, each wrong type), then requests that are drawn: about things that are there and about things
that are not, with bodies that fit and bodies that do not. Whatever is asked, the answer is one that the document tells
of, nothing that does not fit it is accepted, and nothing is a fault of the node.

``--requests 200,7`` draws more of them: so many for each operation, from this seed.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Err

# its plugin of pytest would make a test of each operation, and the world would be built for each
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.specs.openapi import checks

from taawun.cooperation.people.permissions import Role
from taawun.node.api import api
from tests.addresses import ADDRESSES, GUEST, Address, filled
from tests.cast import person, token_of
from tests.limits import nobody_asked_before
from tests.pages import pages
from tests.world import WithWorld, World, undone

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from schemathesis import Case
    from schemathesis.schemas import APIOperation, BaseSchema

__all__ = ["pages"]

CHECKED: Final = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.missing_required_header,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.ignored_auth,
)
_CONFIGURED: Final = {
    # who asks is said here; that nobody comes in without a token is tried by `ignored_auth`
    "generation": {"with-security-parameters": False},
    # a body may also be refused for its size, or because what it speaks of has changed meanwhile
    "checks": {
        "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 413, 415, 422]}
    },
}


class Asking:
    """Asks one operation, and keeps what went wrong."""

    def __init__(self, schema: BaseSchema, world: World, token: str) -> None:
        self._schema, self._things = schema, world.things
        self._whose = {GUEST: world.comer("guest").headers["Authorization"]}
        self._else = f"Bearer {token}"
        self._asked = 0
        self.answered: dict[int, int] = {}
        self.wrong: dict[str, str] = {}

    def all_of(self, operation: APIOperation[Any, Any, Any, Any], drawn: int, seed: int | None) -> None:
        """Ask its boundaries, and so many drawn requests."""
        address = _line_of(operation.path)
        drawing = hypothesis.settings(
            max_examples=drawn,
            derandomize=seed is None,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        modes = [HypothesisTestMode.COVERAGE, HypothesisTestMode.FUZZING]
        told = HypothesisTestConfig(project=self._schema.config, modes=modes, settings=drawing, seed=seed)

        def ask(case: Case[Any]) -> None:
            self._ask(address, case)

        create_test(operation=operation, test_func=ask, config=told)()

    def _ask(self, address: Address, case: Case[Any]) -> None:
        self._asked += 1
        if case.meta is not None and case.meta.generation.mode.is_positive:
            self._make_real(address, case)
        nobody_asked_before()
        with undone():
            try:
                answer = case.call_and_validate(headers=self._headers(address), checks=list(CHECKED))
            except FailureGroup as group:
                for each in group.exceptions:
                    self._note(case, each)
            else:
                self.answered[answer.status_code] = self.answered.get(answer.status_code, 0) + 1

    def _headers(self, address: Address) -> dict[str, str]:
        """A guest comes with its own token, which opens nothing else."""
        opener = next(iter(address.methods.values()))
        return {"Authorization": self._whose.get(opener, self._else), "Host": "testserver"}

    def _note(self, case: Case[Any], failure: BaseException) -> None:
        where = f"{case.operation.label}: {type(failure).__name__}"
        told = failure.message if isinstance(failure, Failure) else repr(failure)
        self.wrong.setdefault(where, f"{where}\n{told[:800]}\n{case.as_curl_command()[:1000]}")

    def _make_real(self, address: Address, case: Case[Any]) -> None:
        """Let most of what fits ask about something that is there; some of it with a body that says something."""
        turn = self._asked % 4
        if turn and case.path_parameters:
            real = {**self._things, **{name: self._things[other] for name, other in address.things.items()}}
            case.path_parameters = {
                name: _as_sent(real.get(name, value)) for name, value in case.path_parameters.items()
            }
        if turn > 1 and case.headers and "If-Match" in case.headers:
            case.headers["If-Match"] = "*"
        if turn > 1 and isinstance(case.body, dict) and address.body:
            said = filled(address.body, self._things)
            drawn = list(case.body.items())
            # one member as it was drawn, where there is one
            changed = dict(drawn[self._asked % len(drawn) :][:1]) if turn == 2 and drawn else {}
            case.body = {**said, **changed}


def _as_sent(value: object) -> str:
    return quote(str(value), safe="")


_LINES: Final = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", each.route): each for each in ADDRESSES}


def _line_of(path: str) -> Address:
    return _LINES[path.lstrip("/")]


def _read_whole(application: WSGIApplication) -> WSGIApplication:
    """Read what is answered and close it, as a server does: schemathesis leaves files open."""

    def served(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        answer = application(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            getattr(answer, "close", lambda: None)()

    return served


@contextmanager
def _one_connection() -> Iterator[None]:
    """The server closes connections of the database around each request; here all of them are one test's."""
    signals = (request_started, request_finished)
    for each in signals:
        each.disconnect(close_old_connections)
    try:
        yield
    finally:
        for each in signals:
            each.connect(close_old_connections)


@pytest.mark.slow
@pytest.mark.any_database
class TestAnyRequest(WithWorld):
    """Each operation of the document."""

    @pytest.fixture(autouse=True)
    def _how_many(self, request: pytest.FixtureRequest) -> None:
        drawn, _comma, seed = str(request.config.getoption("--requests")).partition(",")
        self.drawn, self.seed = int(drawn), int(seed) if seed else None

    def test_whatever_is_asked_the_document_tells_of_the_answer(self) -> None:
        document = json.loads(json.dumps(api.get_openapi_schema(), default=str))
        schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(_CONFIGURED))
        schema.app = _read_whole(get_wsgi_application())
        whoever = person(Role.ADMINISTRATOR, Role.ANALYST, Role.OFFICER, name="Whoever")
        asking = Asking(schema, self.world, token_of(whoever))
        logging.disable(logging.CRITICAL)  # each refusal is a warning
        try:
            with _one_connection():
                for found in schema.get_all_operations():
                    assert not isinstance(found, Err), found.err()
                    asking.all_of(found.ok(), self.drawn, self.seed)
        finally:
            logging.disable(logging.NOTSET)

        assert list(asking.wrong.values()) == [], "\n\n".join(asking.wrong.values())
        # it would all be as well where every request was refused
        assert sum(count for status, count in asking.answered.items() if status < 300) > 300
