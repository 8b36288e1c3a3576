"""Either party can propose a change to what is in force; what is in force stays so until all have signed anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from taawun.cooperation.agreements import actions, waiting
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP
from taawun.cooperation.agreements.document import Document, parse, write
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, Version
from taawun.cooperation.agreements.queries import standing_of
from taawun.cooperation.agreements.standing import State
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.partners.logs import contents
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.people.errors import NotAllowed
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.foundation.strict_json import canonical
from taawun.foundation.strict_json import parse as parse_json
from taawun.platform.audit.models import Entry
from tests.cast import Cast, PartnerNode, agreement_in_force, agreement_proposed, sign_version
from tests.cooperation.agreements.viewing import edit_form, south
from tests.lanes import talk_lane
from tests.pages import Markup, read

__all__ = ["south"]

pytestmark = pytest.mark.usefixtures("pages")


def verbs(agreement: Agreement) -> list[str]:
    found = Entry.objects.filter(subject=actions.urn(agreement)).order_by("id")
    return list(found.values_list("verb", flat=True))


def told(node: PartnerNode) -> list[tuple[str, dict[str, Any]]]:
    """Kind and payload of every message to a partner; a payload is JSON of any shape."""
    entries = LaneEntry.objects.filter(lane__sender=None, lane__readers__partner=node.row)
    return [
        (each.kind, parse_json(contents.get(each.content_digest)))
        for each in entries.exclude(kind="lane.opened").order_by("seq")
    ]


def in_force(agreement: Agreement) -> Document:
    found = standing_of(agreement).current
    assert found is not None
    return found


def declare(
    south: PartnerNode, about: Document, kind: str, *, suggestion: bytes | None = None, **said: Any
) -> None:
    """What a partner signs about a version, delivered over its talk lane; members are of several types."""
    payload = {
        "id": str(uuid7()),
        "kind": kind,
        "agreement": str(about.id),
        "digest": about.digest,
        "node": south.node,
        "at": timestamp(now()),
        "note": "",
        "to": [settings.BASE_URL],
        **({"suggestion": sha256(suggestion)} if suggestion else {}),
        **said,
    }
    lane = talk_lane(south)
    message = {"instrument": south.key.sign(canonical(payload), INSTRUMENT_TYP)}
    lane.say("agreement.declared", message | ({"document": suggestion.decode()} if suggestion else {}))
    assert lane.deliver()[-1] == ("done", "")


def seen(cast: Cast, agreement: Agreement, step: str = "") -> Markup:
    return read(cast.officer.browser().get(f"/en/agreements/{agreement.id}/{step}"))


def changed(about: Document, **members: Any) -> bytes:
    return write(replace(about, version=about.version + 1, supersedes=about.digest, **members))


# ---- this node is not the depositary ------------------------------------------------------------------------------
def test_a_party_that_is_not_the_depositary_proposes_a_change_and_the_next_version_replaces_what_is_in_force(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south, depositary=south)
    first = in_force(agreement)
    body = {"document": {**parse_json(first.text), "notice_days": 45}, "note": "Longer notice."}
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/counter", body).json()
    assert (answer["state"], answer["version"], len(answer["open_proposals"])) == ("in-force", 1, 1)
    [(kind, payload)] = told(south)
    said = parse_json(node_key().public.verify(payload["instrument"], INSTRUMENT_TYP))
    suggested = parse(payload["document"].encode())
    assert (kind, said["kind"], said["digest"]) == ("agreement.declared", "countered", first.digest)
    assert (said["suggestion"], suggested.notice_days, suggested.version) == (suggested.digest, 45, 2)
    assert in_force(agreement).digest == first.digest

    # the depositary adopts it: what it proposes is signed anew by both, and only then replaces the first
    lane = talk_lane(south)
    lane.say("agreement.proposed", {"document": suggested.text.decode()})
    assert lane.deliver()[-1] == ("done", "")
    standing = standing_of(agreement)
    assert (standing.state, standing.proposals) == (State.IN_FORCE, ())
    assert standing.pending is not None
    sign_version(Version.objects.get(digest=suggested.digest), south.node, south.key)
    for officer in (cast.officer, cast.other_officer):
        assert in_force(agreement).digest == first.digest
        actions.approve(officer.actor, agreement, suggested.digest)
    assert (in_force(agreement).version, in_force(agreement).notice_days) == (2, 45)
    assert verbs(agreement) == [
        "agreements.countered",
        "agreements.proposed",
        "agreements.approved",
        "agreements.approved",
        "agreements.signed",
    ]


def test_the_pages_lead_from_what_is_in_force_to_a_proposal_of_a_change(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south, depositary=south)
    assert "Propose a change…" in seen(cast, agreement).text
    assert "Propose a change…" not in read(cast.analyst.browser().get(f"/en/agreements/{agreement.id}/")).text
    shown = seen(cast, agreement, "edit/")
    assert "Proposal of a change" in shown.text
    text = replace(in_force(agreement), notice_days=45)
    actions.edit_draft(cast.officer.actor, agreement, text, edition=agreement.draft_edition)
    asked = seen(cast, agreement, "counter/")
    assert "Propose this change to Southern CERT?" in asked.text
    assert "What is in force stays so, word for word, until a next version is signed by all." in asked.text
    answer = cast.officer.browser().post(
        f"/en/agreements/{agreement.id}/counter/", {**edit_form(asked), "note": "Longer notice."}, follow=True
    )
    told_so = read(answer).text
    assert "The proposal of a change is sent." in told_so
    assert "This node proposed a change; the depositary has not answered yet." in told_so
    assert "Change proposed" in told_so
    assert standing_of(agreement).state == State.IN_FORCE


def test_the_depositary_writes_a_next_version_rather_than_to_propose_to_itself(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south)
    with pytest.raises(NotAllowed) as refused:
        actions.counter(cast.officer.actor, agreement, in_force(agreement), "", edition=0)
    assert refused.value.reason == "cannot-be-countered"
    assert "Write a next version" in seen(cast, agreement).text


# ---- this node is the depositary ----------------------------------------------------------------------------------
def test_a_change_that_a_partner_proposes_waits_for_the_depositary_who_adopts_it(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south)
    first = in_force(agreement)
    declare(south, first, "countered", suggestion=changed(first, notice_days=45))
    [open_one] = standing_of(agreement).proposals
    assert standing_of(agreement).state == State.IN_FORCE
    [waits] = waiting.waiting_for(cast.officer.actor)
    assert (waits.what, waits.is_negotiation, waits.instrument) == ("counter", False, open_one.id)
    assert "Southern CERT proposes a change." in seen(cast, agreement).text
    assert "Answer the change that is proposed to" in read(cast.officer.browser().get("/en/")).text
    suggestion = PartyInstrument.objects.get(id=open_one.id)
    agreement = actions.adopt(cast.officer.actor, agreement, suggestion, edition=agreement.draft_edition)
    version = actions.propose(cast.officer.actor, agreement, edition=agreement.draft_edition)
    assert (version.number, version.document().notice_days) == (2, 45)
    assert in_force(agreement).digest == first.digest


def test_a_change_that_is_turned_down_leaves_what_is_in_force_alone_and_is_told(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_in_force(south)
    first = in_force(agreement)
    declare(south, first, "countered", suggestion=changed(first, notice_days=45))
    [open_one] = standing_of(agreement).proposals
    path = f"turn-down/{open_one.id}/"
    assert "Turn down this proposal to" in seen(cast, agreement, path).text
    page = seen(cast, agreement, f"compare/?old=v1&new=c{open_one.id}")
    assert page.all("a", href=f"/en/agreements/{agreement.id}/{path}")
    answer = cast.officer.browser().post(
        f"/en/agreements/{agreement.id}/{path}", {"note": "Thirty days are enough."}, follow=True
    )
    assert "Turned down. The other parties are told." in read(answer).text
    standing = standing_of(agreement)
    assert (standing.state, standing.proposals) == (State.IN_FORCE, ())
    assert waiting.waiting_for(cast.officer.actor) == []
    [(_kind, payload)] = told(south)
    said = parse_json(node_key().public.verify(payload["instrument"], INSTRUMENT_TYP))
    assert (said["kind"], said["answers"], said["of"]) == ("declined", str(open_one.id), south.node)
    assert verbs(agreement)[-2:] == ["agreements.countered", "agreements.declined"]
    again = cast.officer.api.post(
        f"/agreements/{agreement.id}/turn-down", {"suggestion": str(open_one.id), "note": ""}
    )
    assert (again.status_code, again.json()["type"]) == (409, "urn:taawun:problem:no-suggestion")


def test_only_the_depositarys_no_closes_a_proposal(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_in_force(south, depositary=south)
    ours = actions.counter(
        cast.officer.actor, agreement, replace(in_force(agreement), notice_days=9), "", edition=0
    )
    with pytest.raises(StepRefused, match="Only the depositary"):
        actions.turn_down(cast.officer.actor, agreement, ours, "")
    declare(south, in_force(agreement), "declined", answers=str(ours.id), of=settings.BASE_URL)
    standing = standing_of(agreement)
    assert (standing.state, standing.proposals) == (State.IN_FORCE, ())


def test_a_counter_that_is_turned_down_while_it_is_negotiated_leaves_the_version_to_be_signed(
    cast: Cast, south: PartnerNode
) -> None:
    agreement = agreement_proposed(south)
    about = in_force(agreement)
    declare(south, about, "countered", suggestion=changed(about, notice_days=45))
    [open_one] = standing_of(agreement).proposals
    assert standing_of(agreement).state == State.COUNTERED
    body = {"suggestion": str(open_one.id), "note": "No."}
    answer = cast.officer.api.post(f"/agreements/{agreement.id}/turn-down", body).json()
    assert (answer["state"], answer["open_proposals"]) == ("proposed", [])
    assert answer["history"][-1]["answers"] == str(open_one.id)


def test_who_signs_after_having_countered_has_settled_it(cast: Cast, south: PartnerNode) -> None:
    agreement = agreement_proposed(south)
    about = in_force(agreement)
    declare(south, about, "countered", suggestion=changed(about, notice_days=45))
    version = Version.objects.get()
    sign_version(version, south.node, south.key)
    sign_version(version, settings.BASE_URL, node_key())
    standing = standing_of(agreement)
    assert (standing.state, standing.proposals) == (State.IN_FORCE, ())
    assert waiting.waiting_for(cast.officer.actor) == []
