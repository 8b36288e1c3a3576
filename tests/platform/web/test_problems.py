"""Errors for machines are problem documents."""

from __future__ import annotations

import json

import pytest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from taawun.platform.web.problems import problem, title_of


def test_a_problem_names_its_type_its_title_its_status_and_its_detail() -> None:
    answer = problem(422, "bad-clause", "The clause has no receivers.")
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content) == {
        "type": "urn:taawun:problem:bad-clause",
        "title": "Understood, and not possible",
        "status": 422,
        "detail": "The clause has no receivers.",
    }


def test_a_problem_can_tell_its_place_and_further_members() -> None:
    answer = problem(400, "bad-json", "A comma is missing.", pointer="/objects/3", line=17, limit=64)
    document = json.loads(answer.content)
    assert (document["pointer"], document["line"], document["limit"]) == ("/objects/3", 17, 64)


def test_a_detail_that_is_translated_later_is_written_out() -> None:
    assert json.loads(problem(404, "gone", _("Not found")).content)["detail"] == "Not found"


def test_letters_outside_ascii_stay_letters() -> None:
    assert "لا".encode() in problem(404, "not-found", "لا").content


@pytest.mark.parametrize(
    ("status", "language", "title"),
    [
        (404, "en", "Not found"),
        (404, "ar", "غير موجود"),
        (418, "fr", "I'm a Teapot"),
    ],
)
def test_the_title_is_in_the_readers_language_where_there_is_one(
    status: int, language: str, title: str
) -> None:
    with override(language):
        assert title_of(status) == title
