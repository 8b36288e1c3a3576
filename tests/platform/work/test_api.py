"""The machine face of background work."""

from __future__ import annotations

import pytest
from django.utils.translation import override

from taawun.cooperation.people.actors import PersonActor
from taawun.foundation.clock import now
from taawun.platform.registry import Capability, Registry
from taawun.platform.work import api
from taawun.platform.work.models import Job
from taawun.platform.work.schedules import JobKind, Reporter
from tests.cast import Cast, some_id


def _run(_reporter: Reporter, _subject: str) -> dict[str, object]:
    return {}


def _sees(actor: PersonActor, subject: str) -> bool:
    return "read:audit" in actor.permissions and subject != "secret"


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Registry()
    made.register(
        Capability(
            "tests",
            "tests",
            (
                JobKind("tests.import", "Import", _run, visible=_sees),
                JobKind("tests.inner", "Inner", _run),
            ),
        )
    )
    monkeypatch.setattr(api, "registry", made)


def test_a_job_is_there_for_whom_its_room_lets_see_what_it_is_about(cast: Cast) -> None:
    job = Job.objects.create(kind="tests.import", subject_id="7")
    assert cast.meet("GET", f"/jobs/{job.id}") == Cast.statuses(
        404, administrator=200, officer=200, other_officer=200
    )
    secret = Job.objects.create(kind="tests.import", subject_id="secret")
    assert cast.meet("GET", f"/jobs/{secret.id}") == Cast.statuses(404)


def test_a_job_that_is_not_ones_to_see_is_answered_as_one_that_is_not_there(cast: Cast) -> None:
    job = Job.objects.create(kind="tests.import", subject_id="secret")
    hidden = cast.officer.api.get(f"/jobs/{job.id}")
    absent = cast.officer.api.get(f"/jobs/{some_id()}")
    assert hidden.json() | {"instance": ""} == absent.json() | {"instance": ""}


def test_a_job_tells_how_far_it_is(cast: Cast) -> None:
    job = Job.objects.create(
        kind="tests.import", subject_id="7", state=Job.State.RUNNING, done=3, total=9, started=now()
    )
    found = cast.officer.api.get(f"/jobs/{job.id}").json()
    assert {name: found[name] for name in ("label", "subject_id", "state", "done", "total", "finished")} == {
        "label": "Import",
        "subject_id": "7",
        "state": "running",
        "done": 3,
        "total": 9,
        "finished": None,
    }


def test_a_job_that_failed_tells_why_and_one_that_is_done_what_came_of_it(cast: Cast) -> None:
    failed = Job.objects.create(kind="tests.import", subject_id="1", state="failed", error="ValueError: no")
    done = Job.objects.create(kind="tests.import", subject_id="2", state="done", result={"stored": 5})
    assert cast.officer.api.get(f"/jobs/{failed.id}").json()["error"] == "ValueError: no"
    assert cast.officer.api.get(f"/jobs/{done.id}").json()["result"] == {"stored": 5}


@pytest.mark.parametrize("kind", ["tests.inner", "tests.gone"])
def test_a_job_that_is_nobodys_to_watch_is_not_found(cast: Cast, kind: str) -> None:
    job = Job.objects.create(kind=kind, subject_id="7")
    answer = cast.administrator.api.get(f"/jobs/{job.id}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-job")


def test_a_job_that_is_not_there_is_not_found(cast: Cast) -> None:
    assert cast.administrator.api.get(f"/jobs/{some_id()}").status_code == 404


@pytest.mark.parametrize(
    ("code", "facts", "english", "french"),
    [
        (
            "fault",
            {"attempts": 1},
            "This node failed at it; its log says why.",
            "Ce nœud a échoué\u202f; son journal dit pourquoi.",
        ),
        (
            "worker-died",
            {"attempts": 5},
            "The worker died 5 times while doing this.",
            "Le processus s’est arrêté 5 fois pendant ce travail.",
        ),
        ("", {}, "ValueError: kept by an older node", "ValueError: kept by an older node"),
    ],
)
def test_a_job_that_failed_says_why_in_the_language_of_the_answer(
    cast: Cast, code: str, facts: dict[str, int], english: str, french: str
) -> None:
    job = Job.objects.create(
        kind="tests.import",
        subject_id="7",
        state=Job.State.FAILED,
        error="ValueError: kept by an older node",
        error_code=code,
        error_facts=facts,
    )
    api = cast.officer.api
    for language, sentence in (("en", english), ("fr", french)):
        api.headers["Accept-Language"] = language
        with override("en"):  # what the request activates ends with it
            found = api.get(f"/jobs/{job.id}").json()
        assert (found["error"], found["error_code"]) == (sentence, code)
