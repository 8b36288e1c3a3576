"""The machine face of intelligence: every address, everybody of the cast, works, missing, malformed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from taawun.capabilities.intel import actions
from taawun.capabilities.intel.models import Import, Report, StixObject
from taawun.cooperation.people.permissions import Role
from taawun.foundation.tlp import Tlp, stix_marking_id
from taawun.platform.files.models import StoredFile
from taawun.platform.work.models import Job
from tests.capabilities.intel.factories import Silent, bring, indicator, marked, report, sender
from tests.capabilities.intel.stix.examples import bundle, identifier, sco, sdo
from tests.cast import (
    API,
    Caller,
    Cast,
    Member,
    agreement_in_force,
    clause,
    partner,
    person,
    some_id,
    token_of,
)

pytestmark = pytest.mark.django_db

FIRST, SECOND = identifier("indicator", 1), identifier("indicator", 2)
READERS = {"analyst": 200, "officer": 200, "other_officer": 200}
WRITERS = {"analyst": 201}
HIDDEN = Cast.statuses(403, analyst=200, officer=404, other_officer=404)


def draft(cast: Cast, **changes: Any) -> Report:
    given: dict[str, Any] = {"title": "Wave 3", "summary": "", "tlp": Tlp.GREEN, "object_ids": (FIRST,)}
    return actions.create_report(cast.analyst.actor, actions.ReportFields(**{**given, **changes}))


BODY = {"title": "Wave 3", "summary": "What happened.", "tlp": "TLP:GREEN", "object_ids": [FIRST]}


# ---- bringing in ------------------------------------------------------------------------------------------------


def send_raw(cast: Cast, raw: bytes, query: str = "?tlp=TLP:AMBER&name=wave.json", **headers: str) -> Any:
    return cast.analyst.api.send("POST", f"/intel/imports{query}", raw=raw, headers=headers)


def send_form(cast: Cast, raw: bytes, query: str = "?tlp=amber", field: str = "file") -> Any:
    file = SimpleUploadedFile("from-disk.json", raw, content_type="application/json")
    return Client().post(
        f"{API}/intel/imports{query}",
        {field: file},
        headers={"Authorization": f"Bearer {cast.analyst.token}"},
    )


@pytest.mark.parametrize("send", [send_raw, send_form])
def test_a_file_is_accepted_and_then_watched(cast: Cast, send: Callable[..., Any]) -> None:
    raw = bundle(indicator(1), indicator(2))
    answer = send(cast, raw)
    begun = answer.json()
    assert (answer.status_code, begun["state"], begun["counts"]) == (202, "waiting", {})
    assert answer["Location"] == f"{API}/intel/imports/{begun['id']}"
    assert (begun["tlp"], begun["size"], begun["person"]) == ("TLP:AMBER", len(raw), "Analyst")
    assert begun["name"] == ("wave.json" if send is send_raw else "from-disk.json")
    actions.run_import(Silent(), begun["id"])
    watched = cast.analyst.api.get(f"/intel/imports/{begun['id']}").json()
    assert (watched["state"], watched["counts"]["new"]) == ("done", 2)
    assert StoredFile.objects.get().size == len(raw)


def test_the_progress_of_the_job_is_told(cast: Cast) -> None:
    begun = send_raw(cast, bundle(indicator(1))).json()
    assert (begun["done"], begun["total"]) == (0, None)
    Job.objects.filter(subject_id=begun["id"]).update(done=500, total=1000)
    watched = cast.analyst.api.get(f"/intel/imports/{begun['id']}").json()
    assert (watched["done"], watched["total"]) == (500, 1000)


def test_who_may_not_see_an_import_learns_nothing_of_it_from_its_job(cast: Cast) -> None:
    held = bring(indicator(1), actor=cast.analyst.actor, name="Redwood.json")
    job = Job.objects.get(subject_id=str(held.id))
    assert cast.meet("GET", f"/jobs/{job.id}") == Cast.statuses(404, analyst=200)
    answer = cast.administrator.api.get(f"/jobs/{job.id}")
    for told in (str(held.id), "Redwood", "intel.import"):
        assert told not in answer.content.decode()
    # what a job failed of may quote the file; it is told to nobody but its readers
    assert "Redwood" not in cast.analyst.api.get(f"/jobs/{job.id}").content.decode()


def test_the_job_of_a_red_import_is_there_for_who_brought_it_and_no_colleague(cast: Cast) -> None:
    row = person(Role.ANALYST, name="Colleague")
    colleague = Member(row, token_of(row))
    for tlp, status in ((Tlp.AMBER, 200), (Tlp.RED, 404)):
        held = bring(indicator(1), actor=cast.analyst.actor, tlp=tlp)
        job = Job.objects.get(subject_id=str(held.id))
        assert cast.analyst.api.get(f"/jobs/{job.id}").status_code == 200
        assert colleague.api.get(f"/jobs/{job.id}").status_code == status


@pytest.mark.parametrize("send", [send_raw, send_form])
@pytest.mark.parametrize(
    ("raw", "status", "code", "line", "column", "pointer"),
    [
        (b'{"type":"bundle",\n "objects":[{"a":1,}]}', 422, "not-json", 2, 20, "/objects/0/a"),
        (b'{"objects":[\n{"a":1,"a":2}]}', 422, "duplicate-key", 2, 8, "/objects/0/a"),
        (b'{"objects":[' + b"[" * 99 + b"]" * 99 + b"]}", 422, "too-deep", 1, 75, "/objects" + "/0" * 63),
        (b'{"objects":\n["\xff"]}', 422, "not-utf8", 2, 3, None),
        (b'{"hello":"world"}', 422, "not-intelligence", None, None, None),
        (b"", 422, "not-json", 1, 1, None),
    ],
)
def test_what_is_no_sound_file_is_answered_at_once_with_its_place(
    cast: Cast,
    send: Callable[..., Any],
    raw: bytes,
    status: int,
    code: str,
    line: int | None,
    column: int | None,
    pointer: str | None,
) -> None:
    answer = send(cast, raw)
    problem = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert problem["type"] == f"urn:taawun:problem:{code}"
    assert (problem.get("line"), problem.get("column")) == (line, column)
    assert problem.get("pointer") == pointer
    assert not Import.objects.exists()
    assert not StoredFile.objects.exists()


@pytest.mark.parametrize("send", [send_raw, send_form])
def test_a_file_over_the_limit_is_answered_413(cast: Cast, send: Callable[..., Any]) -> None:
    with override_settings(MAX_UPLOAD_BYTES=100):
        answer = send(cast, b" " * 101)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:taawun:problem:too-large")


def test_a_file_larger_than_ordinary_bodies_is_taken(cast: Cast) -> None:
    raw = bundle(indicator(1)) + b" " * (3 * 1024 * 1024)
    assert send_raw(cast, raw).status_code == 202
    assert send_form(cast, raw).status_code == 202


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [("", 422, "invalid"), ("?tlp=PURPLE", 422, "unknown-marking"), ("?tlp=", 422, "unknown-marking")],
)
def test_the_marking_must_be_said(cast: Cast, query: str, status: int, code: str) -> None:
    answer = send_raw(cast, bundle(indicator(1)), query)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:taawun:problem:{code}")


def test_a_form_without_the_file_or_that_is_no_form_is_told(cast: Cast) -> None:
    assert send_form(cast, b"{}", field="other").json()["type"] == "urn:taawun:problem:no-file"
    answer = cast.analyst.api.client.generic(
        "POST",
        f"{API}/intel/imports?tlp=amber",
        b"nothing of the kind",
        content_type="multipart/form-data",
        headers=cast.analyst.api.headers,
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:taawun:problem:bad-form")


def test_the_same_upload_under_one_key_is_one_import(cast: Cast) -> None:
    raw = bundle(indicator(1))
    one = send_raw(cast, raw, **{"Idempotency-Key": "wave-3"})
    two = send_raw(cast, raw, **{"Idempotency-Key": "wave-3"})
    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json() == two.json()
    assert Import.objects.count() == 1


def test_refused_objects_are_listed_in_the_readers_language(cast: Cast) -> None:
    bad = {**indicator(2), "valid_from": "yesterday"}
    begun = send_raw(cast, bundle(indicator(1), bad), "?tlp=CLEAR&leave_out_refused=true").json()
    actions.run_import(Silent(), begun["id"])
    found = cast.analyst.api.get(f"/intel/imports/{begun['id']}/issues").json()
    assert found == {
        "items": [
            {
                "severity": "error",
                "code": "bad-timestamp",
                "sentence": "“yesterday” is no STIX timestamp; it must read like 2024-01-31T12:00:00.000Z.",
                "place": "objects/1/valid_from",
                "line": 1,
                "object": SECOND,
            }
        ],
        "next": None,
    }
    french = cast.analyst.api
    french.headers["Accept-Language"] = "fr"
    sentence = french.get(f"/intel/imports/{begun['id']}/issues").json()["items"][0]["sentence"]
    assert sentence.startswith("«")


def test_imports_are_listed_by_pages_and_state_without_a_query_for_each(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        bring(indicator(number + 1), actor=cast.analyst.actor)
    send_raw(cast, bundle(indicator(9)))
    first = cast.analyst.api.get("/intel/imports", limit=4).json()
    second = cast.analyst.api.get("/intel/imports", limit=4, after=first["next"]).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (4, 2, None)
    assert len(cast.analyst.api.get("/intel/imports", state="waiting").json()["items"]) == 1
    assert [each["name"] for each in cast.analyst.api.get("/intel/imports", text="WAVE").json()["items"]] == [
        "wave.json"
    ]
    with django_assert_max_num_queries(12):
        cast.analyst.api.get("/intel/imports")


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("hameconnage", ["Campagne d’hameçonnage.json"]),
        ("HAMEÇONNAGE campagne", ["Campagne d’hameçonnage.json"]),
        ("مؤشرات", ["مُؤَشِّرات الخليج.json"]),
        ("onnage.JS", ["Campagne d’hameçonnage.json"]),
        ("hameconnage خليج", []),
    ],
)
def test_imports_are_found_by_folded_words_or_a_part_of_their_name(
    cast: Cast, asked: str, names: list[str]
) -> None:
    for number, name in enumerate(("Campagne d’hameçonnage.json", "مُؤَشِّرات الخليج.json")):
        held = bring(indicator(number + 1), actor=cast.analyst.actor)
        Import.objects.filter(id=held.id).update(name=name)
    items = cast.analyst.api.get("/intel/imports", text=asked).json()["items"]
    assert [each["name"] for each in items] == names
    page = cast.analyst.browser().get("/en/intel/imports/", {"q": asked, "format": "json"})
    assert [each["name"] for each in json.loads(page.getvalue())] == names


def test_who_may_bring_in_and_watch(cast: Cast) -> None:
    held = bring(indicator(1), actor=cast.analyst.actor)
    raw = bundle(indicator(1))
    statuses = {
        name: member.api.send("POST", "/intel/imports?tlp=CLEAR", raw=raw).status_code
        for name, member in cast
    }
    assert statuses == Cast.statuses(403, analyst=202)
    # as at the page of imports
    for path in ("", f"/{held.id}", f"/{held.id}/issues"):
        assert cast.meet("GET", f"/intel/imports{path}") == Cast.statuses(403, analyst=200)
    assert cast.analyst.api.get(f"/intel/imports/{some_id()}").status_code == 404


# ---- objects ----------------------------------------------------------------------------------------------------


def test_objects_are_listed_as_they_are_held_in_a_few_queries(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    bring(*(marked(indicator(number), Tlp.GREEN) for number in range(1, 301)))
    with django_assert_max_num_queries(8):
        found = cast.analyst.api.get("/intel/objects", limit=300)
    texts = [each["id"] for each in found.json()["items"]]
    assert (len(texts), found.json()["next"]) == (300, None)
    held = StixObject.objects.get(stix_id=FIRST).text
    assert held in found.content.decode()


def test_objects_are_searched_filtered_and_paged(cast: Cast) -> None:
    bring(indicator(1, name="حملة على الوزارات"), indicator(2, name="other"), tlp=Tlp.GREEN)
    bring(sco("domain-name", 3, value="host.example"), tlp=Tlp.CLEAR)

    def found(**query: str | int) -> list[str]:
        return [each["id"] for each in cast.analyst.api.get("/intel/objects", **query).json()["items"]]

    assert found(text="وزارات") == [FIRST]
    assert found(type="domain-name") == [identifier("domain-name", 3)]
    assert found(tlp="TLP:GREEN") == [SECOND, FIRST]
    first = cast.analyst.api.get("/intel/objects", limit=2).json()
    assert [each["id"] for each in first["items"]] == [identifier("domain-name", 3), SECOND]
    assert found(limit=2, after=first["next"]) == [FIRST]
    assert found(text="؟") == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"after": "xx"}, 422, "bad-cursor"),
        ({"limit": "0"}, 422, "invalid"),
        ({"limit": "501"}, 422, "invalid"),
        ({"tlp": "purple"}, 422, "unknown-marking"),
        ({"text": "x" * 201}, 422, "invalid"),
    ],
)
def test_a_list_that_cannot_be_given_is_a_problem(
    cast: Cast, query: dict[str, str], status: int, code: str
) -> None:
    answer = cast.analyst.api.get("/intel/objects", **query)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:taawun:problem:{code}")


def test_an_object_is_answered_to_the_letter(cast: Cast) -> None:
    text = (
        f'{{"type": "domain-name",  "id": "{identifier("domain-name", 1)}", "value": "a.example",'
        f' "object_marking_refs": ["{stix_marking_id(Tlp.AMBER)}"]}}'
    )
    bring(raw=f'{{"type":"bundle","id":"{identifier("bundle")}","objects":[{text}]}}'.encode())
    answer = cast.analyst.api.get(f"/intel/objects/{identifier('domain-name', 1)}")
    assert (answer.content.decode(), answer["Content-Type"]) == (
        text,
        "application/stix+json;version=2.1",
    )


def test_every_version_is_listed_with_whose_word_it_is(cast: Cast) -> None:
    south = sender("South", "XS")
    bring(indicator(1))
    south.publish(report(1, FIRST), indicator(1, modified="2024-05-01T00:00:00.000Z"))
    found = cast.analyst.api.get(f"/intel/objects/{FIRST}/versions").json()["items"]
    assert [(each["version"], each["origin"], each["is_current"], each["tlp"]) for each in found] == [
        ("2024-05-01T00:00:00.000000Z", south.node, False, "TLP:AMBER"),
        ("2024-01-31T12:00:00.000000Z", "", True, "TLP:CLEAR"),
    ]


def test_the_ties_of_an_object_are_told_in_both_directions(cast: Cast) -> None:
    malware = sdo("malware", 3, name="Bad", is_family=False)
    tie = sdo("relationship", 4, relationship_type="indicates", source_ref=FIRST, target_ref=malware["id"])
    bring(indicator(1), malware, tie)
    of_malware = cast.analyst.api.get(f"/intel/objects/{malware['id']}/relations").json()["items"]
    of_tie = cast.analyst.api.get(f"/intel/objects/{tie['id']}/relations").json()["items"]
    assert of_malware == [
        {
            "relation": "target_ref",
            "id": tie["id"],
            "direction": "in",
            "type": "relationship",
            "name": "indicates",
        }
    ]
    assert [(each["relation"], each["direction"], each["name"]) for each in of_tie] == [
        ("source_ref", "out", "Indicator 1"),
        ("target_ref", "out", "Bad"),
    ]


@pytest.mark.parametrize("path", ["", "/versions", "/relations"])
def test_who_sees_an_object(cast: Cast, path: str) -> None:
    bring(indicator(1), tlp=Tlp.GREEN)
    bring(indicator(2), tlp=Tlp.RED, actor=cast.analyst.actor)
    assert cast.meet("GET", f"/intel/objects/{FIRST}{path}") == Cast.statuses(403, **READERS)
    assert cast.meet("GET", f"/intel/objects/{SECOND}{path}") == HIDDEN
    assert cast.analyst.api.get(f"/intel/objects/{identifier('indicator', 9)}{path}").status_code == 404


# ---- reports ----------------------------------------------------------------------------------------------------


def test_a_report_is_begun_read_and_changed_under_its_etag(cast: Cast) -> None:
    bring(indicator(1), indicator(2))
    made = cast.analyst.api.post("/intel/reports", BODY)
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    path = made["Location"].removeprefix(API)
    got = cast.analyst.api.get(path)
    assert (got.json(), got["ETag"]) == (made.json(), '"1"')
    assert got.json()["object_ids"] == [FIRST]
    changed = cast.analyst.api.put(path, {**BODY, "title": "Wave 4", "object_ids": [SECOND]}, If_Match='"1"')
    assert (changed.status_code, changed["ETag"], changed.json()["title"]) == (200, '"2"', "Wave 4")
    late = cast.analyst.api.put(path, BODY, If_Match='"1"')
    assert (late.status_code, late.json()["type"]) == (412, "urn:taawun:problem:edited-meanwhile")
    assert cast.analyst.api.put(path, BODY).status_code == 428


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"title": " "}, "title", "/title"),
        ({"title": "x" * 301}, "invalid", "/title"),
        ({"tlp": "purple"}, "unknown-marking", "/tlp"),
        ({"topics": ["T1566"]}, "topics", "/topics"),
        ({"object_ids": ["indicator--no"]}, "objects", "/objects"),
        ({"unknown": 1}, "invalid", "/unknown"),
        ({"tlp": "TLP:RED"}, "persons", "/persons"),
    ],
)
def test_a_report_that_cannot_be_names_the_place(
    cast: Cast, changes: dict[str, Any], code: str, pointer: str
) -> None:
    bring(indicator(1))
    answer = cast.analyst.api.post("/intel/reports", {**BODY, **changes})
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["pointer"]) == (
        422,
        f"urn:taawun:problem:{code}",
        pointer,
    )
    assert not Report.objects.exists()


def test_reports_are_listed_with_where_they_came_from(cast: Cast) -> None:
    south = sender("South", "XS")
    bring(indicator(1))
    draft(cast)
    south.publish(report(2, FIRST, name="Theirs"), indicator(1))
    found = cast.analyst.api.get("/intel/reports").json()["items"]
    assert [(each["title"], each["state"], each["partner"], each["author"]) for each in found] == [
        ("Theirs", "received", south.node, None),
        ("Wave 3", "draft", None, "Analyst"),
    ]
    assert (
        len(cast.analyst.api.get("/intel/reports", state="draft", tlp="green", text="wave").json()["items"])
        == 1
    )
    assert cast.analyst.api.get("/intel/reports", tlp="red").json()["items"] == []


def test_reports_are_listed_in_a_few_queries(cast: Cast, django_assert_max_num_queries: Any) -> None:
    south = sender("South", "XS")
    bring(indicator(1))
    for _number in range(10):
        draft(cast)
    for number in range(2, 12):
        south.publish(report(number, FIRST, name="Theirs"), indicator(1))
    with django_assert_max_num_queries(8):
        found = cast.analyst.api.get("/intel/reports").json()["items"]
    assert len(found) == 20


def test_a_bundle_is_a_file_of_the_report_and_what_it_names(cast: Cast) -> None:
    sender("South", "XS")
    bring(indicator(1))
    made = actions.publish_report(cast.analyst.actor, draft(cast))
    answer = cast.analyst.api.get(f"/intel/reports/{made.id}/bundle")
    held = json.loads(answer.getvalue())
    assert [each["id"] for each in held["objects"]] == [made.stix_id, FIRST]
    assert answer["Content-Disposition"] == f'attachment; filename="{made.stix_id}.json"'
    assert answer["Content-Security-Policy"].startswith("sandbox")


def test_a_preview_answers_who_and_why_and_what(cast: Cast) -> None:
    south, east = sender("South", "XS"), partner("East", nation="XE")
    agreement_in_force(east, clauses=(clause(tlp_max=Tlp.CLEAR),))
    bring(indicator(1))
    made = draft(cast)
    found = cast.analyst.api.post(f"/intel/reports/{made.id}/preview", {}).json()
    assert [(each["party"], each["name"], each["clause"]["clause"]) for each in found["receivers"]] == [
        (south.node, "South", "1")
    ]
    assert [(each["party"], each["reason"]) for each in found["others"]] == [(east.node, "tlp")]
    assert (found["objects"], found["missing"]) == (1, [])
    narrowed = cast.analyst.api.post(f"/intel/reports/{made.id}/preview", {"audience": []}).json()
    assert narrowed["receivers"] == []


def test_a_report_is_published_to_those_who_were_chosen_and_withdrawn_with_a_reason(cast: Cast) -> None:
    south = sender("South", "XS")
    sender("East", "XE")
    bring(indicator(1))
    path = f"/intel/reports/{draft(cast).id}"
    done = cast.analyst.api.post(f"{path}/publish", {"audience": [south.node], "edition": 1})
    assert (done.status_code, done.json()["state"], done.json()["edition"]) == (200, "published", 2)
    assert done.json()["release"]
    again = cast.analyst.api.post(f"{path}/publish", {"edition": 1})
    assert (again.status_code, again.json()["type"]) == (412, "urn:taawun:problem:edited-meanwhile")
    silent = cast.analyst.api.post(f"{path}/withdraw", {})
    assert (silent.status_code, silent.json()["pointer"]) == (422, "/reason")
    gone = cast.analyst.api.post(f"{path}/withdraw", {"reason": "A shared server.", "edition": 2})
    assert (gone.status_code, gone.json()["state"]) == (200, "withdrawn")
    assert cast.analyst.api.post(f"{path}/withdraw", {"reason": "Again."}).status_code == 403


def test_what_reaches_nobody_is_not_published(cast: Cast) -> None:
    bring(indicator(1))
    answer = cast.analyst.api.post(f"/intel/reports/{draft(cast).id}/publish", {})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:nobody-receives")


def test_what_cannot_be_published_as_it_is_names_the_field(cast: Cast) -> None:
    sender("South", "XS")
    bring(indicator(1), tlp=Tlp.AMBER)
    answer = cast.analyst.api.post(f"/intel/reports/{draft(cast).id}/publish", {})
    problem = answer.json()
    assert (answer.status_code, problem["type"], problem["pointer"]) == (
        422,
        "urn:taawun:problem:stricter-objects",
        "/tlp",
    )


def test_a_publication_sent_twice_under_one_key_is_one_version(cast: Cast) -> None:
    sender("South", "XS")
    bring(indicator(1))
    path = f"/intel/reports/{draft(cast).id}/publish"
    one = cast.analyst.api.post(path, {}, Idempotency_Key="once")
    two = cast.analyst.api.post(path, {}, Idempotency_Key="once")
    assert one.json() == two.json()
    assert StixObject.objects.filter(type="report").count() == 1


def test_who_may_do_what_with_a_report(cast: Cast) -> None:
    sender("South", "XS")
    bring(indicator(1))
    held = draft(cast)
    path = f"/intel/reports/{held.id}"
    assert cast.meet("GET", "/intel/reports") == Cast.statuses(403, **READERS)
    assert cast.meet("GET", path) == Cast.statuses(403, **READERS)
    assert cast.meet("GET", f"{path}/bundle") == Cast.statuses(403, **READERS)
    assert cast.meet("POST", "/intel/reports", BODY) == Cast.statuses(403, **WRITERS)
    assert cast.meet("PUT", path, BODY, If_Match="*") == Cast.statuses(403, analyst=200)
    assert cast.meet("POST", f"{path}/preview", {}) == Cast.statuses(403, analyst=200)
    assert cast.meet("POST", f"{path}/publish", {}) == Cast.statuses(403, analyst=200)
    assert cast.meet("POST", f"{path}/withdraw", {"reason": "x"}) == Cast.statuses(403, analyst=200)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", BODY),
        ("GET", "/bundle", None),
        ("POST", "/preview", {}),
        ("POST", "/publish", {}),
        ("POST", "/withdraw", {"reason": "x"}),
    ],
)
def test_a_report_that_is_not_here_or_not_for_ones_eyes_is_missing(
    cast: Cast, method: str, path: str, body: object
) -> None:
    bring(indicator(1))
    red = draft(cast, tlp=Tlp.RED, persons=("far@partner.example",))
    for report_id in (some_id(), red.id):
        answer = cast.officer.api.send(
            method, f"/intel/reports/{report_id}{path}", body, headers={"If-Match": "*"}
        )
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:taawun:problem:no-such-report")


# ---- tokens -----------------------------------------------------------------------------------------------------


def test_a_token_with_fewer_scopes_may_do_less(cast: Cast) -> None:
    bring(indicator(1))
    reading = Caller(token_of(cast.analyst.row, "read:intel"))
    assert reading.get("/intel/objects").status_code == 200
    assert reading.post("/intel/reports", BODY).status_code == 403
    assert reading.post("/intel/sightings", {"of": FIRST}).status_code == 403
