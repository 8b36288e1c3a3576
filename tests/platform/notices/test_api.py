"""The machine face of notices."""

from __future__ import annotations

from taawun.platform.audit.models import Entry
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from tests.cast import Caller, Cast, PartnerNode, partner, some_id, token_of


def _raised(south: PartnerNode) -> Notice:
    return raise_notice(
        "partners.key-changed",
        f"urn:taawun:node:{south.node}",
        Notice.Level.ALARM,
        {"node": south.node, "partner": str(south.row.id)},
    )


def test_everybody_lists_the_notices_that_are_meant_for_them(cast: Cast) -> None:
    notice = _raised(partner())
    assert cast.meet("GET", "/notices") == Cast.statuses(200)
    seen = {
        name
        for name, member in cast
        if member.token and str(notice.id) in member.api.get("/notices").content.decode()
    }
    assert seen == {"administrator", "analyst", "officer", "other_officer", "observer", "trainee"}
    filtered = {
        level: cast.analyst.api.get("/notices", level=level) for level in ("alarm", "warning", "loud")
    }
    assert [len(filtered[level].json()["items"]) for level in ("alarm", "warning")] == [1, 0]
    assert filtered["loud"].status_code == 422
    # a token without the scope hides what its person could see
    narrow = Caller(token_of(cast.administrator.row, "read:people"))
    assert narrow.get("/notices").json()["items"] == []


def test_a_notice_speaks_the_callers_language(cast: Cast) -> None:
    south = partner()
    _raised(south)
    sentences = [
        Caller(cast.observer.token, language).get("/notices").json()["items"][0]
        for language in ("en", "fr", "ar")
    ]
    assert sentences[0]["sentence"] == f"{south.node} shows another key than the one that was compared."
    assert sentences[0]["mend"].startswith("Nothing it signs")
    assert (sentences[0]["level"], sentences[0]["times"]) == ("alarm", 1)
    assert len({each["sentence"] for each in sentences}) == 3


def test_notices_are_resolved_by_who_may_manage_them(cast: Cast) -> None:
    # who cannot see it, or comes after the administrator who resolved it, finds none that is open
    notice = _raised(partner())
    assert cast.meet("POST", f"/notices/{notice.id}/resolve") == Cast.statuses(404, administrator=200)
    entry = Entry.objects.get(verb="notices.resolved")
    assert (entry.actor_id, entry.subject) == (str(cast.administrator.row.id), f"urn:uuid:{notice.id}")


def test_a_notice_that_is_seen_and_not_managed_is_refused(cast: Cast) -> None:
    notice = _raised(partner())
    answer = cast.observer.api.post(f"/notices/{notice.id}/resolve")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:taawun:problem:permission-missing")
    assert Notice.objects.get().resolved is None


def test_a_notice_is_resolved_once_and_opens_anew_when_it_happens_again(cast: Cast) -> None:
    south = partner()
    notice = _raised(south)
    resolved = cast.administrator.api.post(f"/notices/{notice.id}/resolve").json()
    assert resolved["resolved"] is not None
    again = cast.administrator.api.post(f"/notices/{notice.id}/resolve")
    assert (again.status_code, again.json()["type"]) == (404, "urn:taawun:problem:no-such-notice")
    _raised(south)
    (item,) = cast.observer.api.get("/notices").json()["items"]
    assert item["id"] != str(notice.id)
    assert Entry.objects.filter(verb="notices.resolved").count() == 1


def test_a_notice_that_is_not_there_is_not_found(cast: Cast) -> None:
    assert cast.administrator.api.post(f"/notices/{some_id()}/resolve").status_code == 404


def test_what_was_dealt_with_by_mistake_is_opened_again_unless_it_was_told_anew(cast: Cast) -> None:
    south = partner()
    notice = _raised(south)
    resolve, reopen = (f"/notices/{notice.id}/{verb}" for verb in ("resolve", "reopen"))
    assert cast.administrator.api.post(reopen).status_code == 404
    cast.administrator.api.post(resolve)
    listed = cast.observer.api.get("/notices", state="resolved").json()["items"]
    assert [each["id"] for each in listed] == [str(notice.id)]
    assert cast.observer.api.post(reopen).status_code == 403
    assert cast.administrator.api.post(reopen).json()["resolved"] is None
    cast.administrator.api.post(resolve)
    _raised(south)
    answer = cast.administrator.api.post(reopen)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:taawun:problem:told-anew")
