"""A node with something of everything on it, and everybody who may come to it: what meets every address.

Much of it is marked TLP:RED or TLP:AMBER+STRICT. Each such thing carries a word of its own, so that a word that
is found in an answer tells what has leaked, and to whom.
"""

from __future__ import annotations

import functools
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, TestCase

from taawun.capabilities.intel import actions as intel
from taawun.capabilities.intel.models import Import, Report
from taawun.cooperation.agreements import actions as agreements
from taawun.cooperation.agreements.document import Party
from taawun.cooperation.agreements.models import Agreement, Version
from taawun.cooperation.federation import actions as federation
from taawun.cooperation.federation.guests import Guest
from taawun.cooperation.federation.models import Receipt, Release
from taawun.cooperation.partners.errors import ChainBroken
from taawun.cooperation.partners.logs import chain
from taawun.cooperation.partners.logs.stopping import stop_lane
from taawun.cooperation.partners.models import Lane, LaneEntry, Partner
from taawun.cooperation.partners.restarts import restarting, statements
from taawun.cooperation.people.actors import SystemActor
from taawun.cooperation.people.letters import stop_mark
from taawun.cooperation.people.models import (
    ApiToken,
    Community,
    DutyContact,
    IdentityProvider,
    Invitation,
    Membership,
    Organisation,
    Person,
    Span,
)
from taawun.cooperation.people.permissions import Role
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp, stix_marking_id
from taawun.platform.notices.actions import raise_notice
from taawun.platform.notices.models import Notice
from taawun.platform.work.models import Job
from tests.cast import (
    Member,
    PartnerNode,
    agreement_in_force,
    agreement_proposed,
    clause,
    document,
    establish_node,
    instrument_kept,
    partner,
    person,
    token_of,
)
from tests.cooperation.federation.newcomers import accede
from tests.lanes import TheirLane, clause_lane
from tests.limits import nobody_asked_before
from tests.told import hold_against_the_document

if TYPE_CHECKING:
    from django.http import StreamingHttpResponse
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

__all__ = ["WANTED", "Comer", "Secret", "WithWorld", "World", "build", "rows", "undone"]

# stands in everything that is marked, so that one search would find all of it
WANTED: Final = "wanted"
_TIME, _LATER = "2024-01-31T12:00:00.000Z", "2024-02-01T12:00:00.000Z"
# of nobody's password; allauth asks only those who have one for it
_PASSWORD: Final = make_password("known to nobody")
# what of a row tells who came, and not what they did
_BOOKKEEPING: Final = frozenset({"sessions.session", "partners.nonce", "web.counted"})
_NOTED: Final = frozenset({"last_used", "last_login"})
_FORM: Final = "application/x-www-form-urlencoded"


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is taken back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@dataclass(frozen=True)
class Comer:
    """Somebody who comes to an address.

    Attributes:
        name: of the cast, or what is special about them.
        permissions: what they hold; None for whom this node does not let in.
        client: their browser, or what sends their token.
        headers: what every request of theirs carries.
        signer: signs each request, where they are a node.
    """

    name: str
    permissions: frozenset[str] | None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    headers: Mapping[str, str] = field(default_factory=dict)
    signer: PartnerNode | None = None

    def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Response:
        """Send a request; a body goes as JSON to machines and as a form to pages."""
        is_page = path.startswith(("/ar/", "/en/", "/fr/"))
        data = b""
        if body is not None:
            data = urlencode(body, doseq=True).encode() if is_page else json.dumps(body).encode()
        headers = {**self.headers, "If-Match": "*"}
        if self.signer:
            headers |= self.signer.sign(method, path, data)
        content_type = _FORM if is_page else "application/json"
        cache.clear()  # allauth counts attempts in it
        before = deepcopy(self.client.cookies)
        try:
            answer = self.client.generic(method, path, data, content_type=content_type, headers=headers)
        finally:
            # whoever signs out, or is sent away, comes back as they were
            self.client.cookies = before
        hold_against_the_document(method, path, answer)
        if answer.streaming:
            # read to its end, so that what it is read from is let go
            cast("StreamingHttpResponse", answer).streaming_content = [answer.getvalue()]
        return answer


@dataclass(frozen=True)
class Secret:
    """A word that only some may read, by whatever address.

    Attributes:
        word: stands in marked content and nowhere else.
        readers: names of comers.
        about: what it stands in.
    """

    word: str
    readers: frozenset[str]
    about: str


@dataclass
class World:
    """Everything on the node.

    Attributes:
        members: the persons of this node, by name.
        people: who comes to pages, each in a browser.
        machines: who comes to the machine interface.
        nodes: partners that sign their requests.
        things: for each parameter of an address, something that everybody with the permission may see.
        hidden: for each parameter, things that only some may see.
        secrets: words that only some may read.
        tables: each row of each table, as it was built.
    """

    members: dict[str, Member] = field(default_factory=dict)
    people: list[Comer] = field(default_factory=list)
    machines: list[Comer] = field(default_factory=list)
    nodes: dict[str, PartnerNode] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    tables: dict[str, object] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, object]) -> World:
        """Django copies what a test class holds, once for each test. This is only read."""
        return self

    def comer(self, name: str, *, machine: bool = True) -> Comer:
        """Somebody by name."""
        return next(each for each in (self.machines if machine else self.people) if each.name == name)

    def before(self) -> dict[str, object]:
        """What :func:`rows` finds before a case: the tables are as they were built, as each case is undone."""
        return {**self.tables, "files": _files()}

    def secret(self, about: str, readers: str) -> str:
        """A new word that only these may read."""
        word = f"secret{len(self.secrets):02d}"
        self.secrets.append(Secret(word, frozenset(readers.split()), about))
        return word

    def hide(self, parameter: str, thing: object, readers: str) -> None:
        """Say that a thing is there for these alone."""
        self.hidden.setdefault(parameter, {})[str(thing)] = frozenset(readers.split())


class _Quiet:
    def progress(self, done: int, total: int | None = None) -> None:
        """Nobody watches."""


def build() -> World:
    """Put something of everything on the node of the tests."""
    establish_node()
    world = World()
    _let_come(world)
    _agree(world)
    _stop_a_lane(world)
    _open_things(world)
    _imports(world)
    _own_reports(world)
    _received(world)
    _sightings(world)
    _host_a_guest(world)
    _join(world)
    return world


# ---- who comes --------------------------------------------------------------------------------------------------
def _let_come(world: World) -> None:
    ministry = Organisation.objects.create(names={"en": "Ministry"}, kind=Organisation.Kind.OTHER)
    world.things["organisation_id"] = str(ministry.id)
    world.things["host_id"] = str(Organisation.objects.get(is_host=True).id)
    duty = DutyContact.objects.create(organisation=ministry, names={"en": "Duty"}, zone="UTC", is_always=True)
    world.things["contact_id"] = str(duty.id)
    provider = IdentityProvider.objects.create(
        organisation=Organisation.objects.get(is_host=True),
        name="Ours",
        issuer="http://127.0.0.1:9",
        client="x",
    )
    world.things["provider_id"] = str(provider.id)
    by_saml = IdentityProvider.objects.create(
        organisation=Organisation.objects.get(is_host=True),
        protocol=IdentityProvider.Protocol.SAML,
        name="Theirs",
        issuer="urn:example:idp",
        sign_in_url="http://127.0.0.1:9/sso",
    )
    world.things["saml_provider_id"] = str(by_saml.id)
    union = Community.objects.create(code="union", names={"en": "Union"})
    world.things |= {"community_id": str(union.id), "code": "XN"}
    world.things["span_id"] = str(Span.objects.create(community=union, nation_id="XN", standing="member").id)
    roles = (Role.ADMINISTRATOR, Role.ANALYST, Role.OFFICER, Role.OBSERVER, Role.TRAINEE)
    world.members = {
        **{str(role): _member(person(role, name=role.capitalize())) for role in roles},
        "stranger": _member(person(name="Stranger")),
        "named": _member(person(Role.ANALYST, name="Named")),
        "outsider": _member(person(Role.ANALYST, name="Outsider", organisation=ministry)),
    }
    for name, member in world.members.items():
        held = frozenset(member.actor.permissions)
        world.people.append(Comer(name, held, member.browser()))
        world.machines.append(_bearer(name, held, member.token))
    narrow = person(Role.ADMINISTRATOR, Role.ANALYST, Role.OFFICER, name="Narrow")
    token = token_of(narrow, "read:people", "read:nothing")
    world.machines.append(_bearer("narrow", frozenset({"read:people"}), token))
    _turned_away(world)


def _member(row: Person) -> Member:
    row.password = _PASSWORD
    row.save(update_fields=["password"])
    return Member(row, token_of(row))


def _token(secret: str) -> ApiToken:
    return ApiToken.objects.get(digest=sha256(secret.encode()))


def _bearer(name: str, permissions: frozenset[str] | None, token: str | None) -> Comer:
    return Comer(name, permissions, headers={"Authorization": f"Bearer {token}"})


def _turned_away(world: World) -> None:
    """Whom this node does not let in, with whatever they bring."""
    analyst, administrator = world.members["analyst"], world.members["administrator"]
    left = _member(person(Role.ADMINISTRATOR, name="Left"))
    browser = left.browser()
    Person.objects.filter(id=left.row.id).update(is_active=False)
    elsewhere = Client(raise_request_exception=False)
    elsewhere.cookies[settings.SESSION_COOKIE_NAME] = secrets.token_hex(16)
    expired = token_of(analyst.row, expires=now() - timedelta(seconds=1))
    revoked = token_of(analyst.row)
    ApiToken.objects.filter(digest=sha256(revoked.encode())).update(revoked=now())
    world.people += [
        Comer("nobody", None),
        Comer("former", None, browser),
        Comer("elsewhere", None, elsewhere),
        # a token opens the machine interface, never a page
        Comer("bearer", None, headers={"Authorization": f"Bearer {administrator.token}"}),
    ]
    world.machines += [
        Comer("nobody", None),
        _bearer("former", None, left.token),
        _bearer("elsewhere", None, "taawun_" + secrets.token_urlsafe(32)),
        _bearer("expired", None, expired),
        _bearer("revoked", None, revoked),
        # a session opens pages, never the machine interface
        Comer("session", None, administrator.browser()),
    ]


# ---- partners and agreements ------------------------------------------------------------------------------------
def _agree(world: World) -> None:
    officer = world.members["officer"].actor
    nodes = {
        "south": partner("Southern CERT", nation="XS"),
        "east": partner("Eastern CERT", nation="XE"),
        "met": partner("Western CERT", nation="XW", state=Partner.State.MET),
        "blocked": partner("Blocked CERT", nation="XB", state=Partner.State.BLOCKED),
    }
    world.nodes = nodes
    for name, each in nodes.items():
        world.machines.append(Comer(f"node {name}", None, signer=each))
        world.people.append(Comer(f"node {name}", None, signer=each))
    south = nodes["south"]
    open_to_all = clause(tlp_max=Tlp.RED, senders=("us", "xs"), receivers=("us", "xs"))
    agreed = agreement_in_force(south, nodes["met"], nodes["blocked"], clauses=(open_to_all,))
    proposed = agreement_proposed(south)
    word = world.secret("a draft that was not proposed", "officer")
    drafted = agreements.draft(
        officer,
        document(south, preamble=Text.of(en=word), clauses=(clause(title=Text.of(en=f"{WANTED} {word}")),)),
    )
    version = Version.objects.get(agreement=proposed)
    about = Version.objects.get(agreement=agreed).digest
    suggestion = instrument_kept(south.node, agreed.id, about, "countered", suggestion=bytes(version.text))
    world.things |= {
        "partner_id": str(south.row.id),
        "kid": south.row.kid,
        "agreement_id": str(agreed.id),
        "draft_id": str(drafted.id),
        "template_name": "training",
        "help_topic": "drafting",
        "proposed_id": str(proposed.id),
        "proposed_digest": version.digest,
        "instrument_id": str(suggestion.id),
        "number": "1",
    }


def _stop_a_lane(world: World) -> None:
    """A lane of the south that does not hold, and the restart of one that was proposed and answered."""
    south, administrator = world.nodes["south"], world.members["administrator"].actor
    stopped, other = (
        TheirLane(south, Lane.objects.create(purpose=Lane.Purpose.TALK, sender=south.row)) for _ in range(2)
    )
    for lane in (stopped, other):
        lane.open()
        lane.take()
        broken = ChainBroken("fork", 0, "another", proof=chain.write_head(_another(lane), south.key))
        stop_lane(lane.row, south.row, broken)
    reset = restarting.propose(administrator, other.row)
    said = statements.Statement(
        id=reset.id,
        kind=statements.ANSWERED,
        lane=other.row.id,
        sender=south.node,
        reader=settings.BASE_URL,
        seq=0,
        digest=other.entries[0].digest,
        at=now(),
        about=statements.digest_of(reset.proposal),
    )
    world.things |= {
        "stopped_lane_id": str(stopped.row.id),
        "restart_id": str(reset.id),
        "statement": statements.write(said, south.key),
    }


def _another(lane: TheirLane) -> chain.Head:
    return chain.Head(lane.row.wire_id, 0, "e" * 64, now())


# ---- what everybody with the permission may see -----------------------------------------------------------------
def _open_things(world: World) -> None:
    analyst, trainee = world.members["analyst"], world.members["trainee"]
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        email="invited@cert.example",
        organisation=Organisation.objects.get(is_host=True),
        roles=[Role.TRAINEE],
        token_digest=sha256(secret.encode()),
        expires=now() + timedelta(days=1),
    )
    notice = raise_notice(
        "federation.conflict",
        "urn:uuid:00000000-0000-4000-8000-000000000000",
        Notice.Level.ALARM,
        {"node": world.nodes["south"].node, "subject": "urn:x", "version": "1"},
    )
    settled = raise_notice(
        "federation.conflict",
        "urn:uuid:00000000-0000-4000-8000-000000000001",
        Notice.Level.ALARM,
        {"node": world.nodes["south"].node, "subject": "urn:y", "version": "1"},
    )
    Notice.objects.filter(id=settled.id).update(resolved=now())
    spare = _token(token_of(analyst.row))
    # a token revokes what was made with it
    ApiToken.objects.filter(id=spare.id).update(made_with=_token(analyst.token or ""))
    world.things |= {
        "person_id": str(trainee.row.id),
        "membership_id": str(Membership.objects.get(person=trainee.row).pk),
        "token_id": str(spare.id),
        "invitation_id": str(invitation.id),
        "secret": secret,
        "notice_id": str(notice.id),
        "settled_notice_id": str(settled.id),
        "mark": stop_mark(trainee.row, None),
        "pk": "1",
        "key": "a:b",
        "uidb36": "1",
    }


# ---- STIX -------------------------------------------------------------------------------------------------------
def sdo(type_: str, words: str, **properties: Any) -> dict[str, Any]:
    """An object of STIX 2.1 whose texts are these words; ``properties`` are of whatever type each has."""
    value = {
        "type": type_,
        "spec_version": "2.1",
        "id": f"{type_}--{uuid4()}",
        "created": _TIME,
        "modified": _TIME,
        "name": words,
        "description": f"described as {words}",
    }
    by_type: dict[str, dict[str, Any]] = {
        "indicator": {
            "pattern": f"[domain-name:value = '{words.rsplit(maxsplit=1)[-1]}.example']",
            "pattern_type": "stix",
            "valid_from": _TIME,
        },
        "malware": {"is_family": False},
        "report": {"published": _TIME},
    }
    if type_ == "relationship":
        del value["name"]
    return {**value, **by_type.get(type_, {}), **properties}


def bundle(*objects: Mapping[str, Any]) -> bytes:
    """A bundle of them."""
    return json.dumps({"type": "bundle", "id": f"bundle--{uuid4()}", "objects": objects}).encode()


def bring(member: Member, tlp: Tlp, *objects: Mapping[str, Any], name: str = "file.json") -> Import:
    """Import objects at once."""
    data = bundle(*objects)
    held = intel.begin_import(member.actor, data, name=name, default_tlp=tlp, leave_out_refused=True)
    intel.run_import(_Quiet(), str(held.id))
    held.refresh_from_db()
    assert held.state == Import.State.DONE
    return held


def _imports(world: World) -> None:
    open_objects = [sdo("indicator", "openly known"), sdo("malware", "openly seen")]
    report = sdo("report", "openly told", object_refs=[each["id"] for each in open_objects])
    held = bring(world.members["analyst"], Tlp.GREEN, *open_objects, report, _faulty("openly wrong"))
    world.things |= {
        "import_id": str(held.id),
        "stix_id": open_objects[0]["id"],
        "report_id": str(Report.objects.get(stix_id=report["id"]).id),
        "job_id": str(Job.objects.get(subject_id=str(held.id)).id),
    }
    _brought(world, world.members["named"], Tlp.RED, "named")
    _brought(world, world.members["analyst"], Tlp.AMBER_STRICT, "analyst named officer", "analyst named")
    _brought(world, world.members["outsider"], Tlp.AMBER_STRICT, "outsider")
    _marked_by_itself(world)
    _same_identifiers(world)


def _faulty(value: str, **properties: list[str]) -> dict[str, Any]:
    return {
        "type": "ipv4-addr",
        "spec_version": "2.1",
        "id": f"ipv4-addr--{uuid4()}",
        "value": value,
        **properties,
    }


def _marked_by_itself(world: World) -> None:
    """A file that colleagues may know of; what was left out of it as not valid is RED by its own marking."""
    word = world.secret("what an import noticed of a RED object in it", "named")
    address = _faulty(word, object_marking_refs=[stix_marking_id(Tlp.RED)])
    held = bring(world.members["named"], Tlp.GREEN, address, sdo("malware", "openly brought"))
    assert held.issues.exists()


def _brought(world: World, member: Member, tlp: Tlp, readers: str, importers: str = "") -> None:
    """A file of somebody with a report, what it names, a tie to what everybody sees, and a fault in it."""
    words = f"{WANTED} {world.secret(f'{tlp.label} objects of {readers}', readers)}"
    named = [sdo("indicator", words), sdo("malware", words)]
    tie = sdo(
        "relationship",
        words,
        relationship_type="indicates",
        source_ref=named[0]["id"],
        target_ref=world.things["stix_id"],
    )
    technique = f"T{9000 + len(world.secrets)}"
    pattern = sdo(
        "attack-pattern",
        words,
        external_references=[{"source_name": "mitre-attack", "external_id": technique}],
    )
    world.secrets.append(Secret(f"attack:{technique}", frozenset(readers.split()), "the topic of a report"))
    report = sdo(
        "report", words, object_refs=[*(each["id"] for each in named), tie["id"], pattern["id"]], lang="en"
    )
    name = world.secret(f"the name of a {tlp.label} file of {readers}", importers or readers)
    held = bring(member, tlp, *named, tie, pattern, report, name=f"{WANTED} {name}.json")
    made = Report.objects.get(stix_id=report["id"])
    for each in (*named, tie, pattern, report):
        world.hide("stix_id", each["id"], readers)
    world.hide("report_id", made.id, readers)
    world.hide("import_id", held.id, importers or readers)
    # what is open may name what is not
    openly = sdo("report", "openly naming", object_refs=[named[0]["id"], pattern["id"]])
    bring(world.members["analyst"], Tlp.GREEN, openly)


def _same_identifiers(world: World) -> None:
    """Two organisations of this node hold reports and objects under the same identifiers."""
    ours, theirs = world.members["analyst"], world.members["outsider"]
    first = world.secret("a report of ours whose identifier they have too", "analyst named officer")
    second = world.secret("a report of theirs under our identifier", "outsider")
    red = world.secret("a RED report under that identifier", "named")
    about = sdo("malware", "openly shared")
    mine = sdo("report", f"{WANTED} {first}", object_refs=[about["id"]])
    bring(ours, Tlp.AMBER_STRICT, about, mine)
    newer = {**mine, "name": f"{WANTED} {second}", "description": second, "modified": _LATER}
    bring(theirs, Tlp.AMBER_STRICT, newer)
    newest = {**mine, "name": f"{WANTED} {red}", "description": red, "modified": "2024-02-02T12:00:00.000Z"}
    bring(world.members["named"], Tlp.RED, newest)
    world.hide("stix_id", mine["id"], "analyst named officer outsider")
    older = world.secret("an earlier version that was RED", "named")
    thing = sdo("malware", f"{WANTED} {older}")
    bring(world.members["named"], Tlp.RED, thing)
    bring(world.members["named"], Tlp.GREEN, {**thing, **_open("openly now"), "modified": _LATER})
    world.things["once_red"] = thing["id"]


def _open(words: str) -> dict[str, str]:
    return {"name": words, "description": words}


# ---- reports of our own -----------------------------------------------------------------------------------------
def _own_reports(world: World) -> None:
    held = _published(world, world.members["analyst"], Tlp.GREEN, "openly published", ())
    release = held.release
    assert release is not None
    entry = LaneEntry.objects.get(passage__release=release)
    Receipt.objects.create(
        **Receipt.place_of(entry), entry=entry, partner=world.nodes["south"].row, outcome="done", at=now()
    )
    world.things |= {
        "published_id": str(held.id),
        "release_id": str(release.id),
        "lane_id": str(entry.lane_id),
        "digest": entry.content_digest,
    }
    draft = federation.Draft("intel.report", "urn:x:public", "1", "openly published", Tlp.CLEAR, b"{}")
    world.things["public_id"] = str(federation.publish(SystemActor("tests"), draft, in_public=True).id)
    ours = "analyst named officer"
    word = world.secret("a RED report we published", "named south")
    persons = world.secret("whom it names", "named south")
    red = _published(world, world.members["named"], Tlp.RED, word, (f"{persons}@south.example",))
    world.hide("report_id", red.id, "named")
    word = world.secret("an AMBER+STRICT report we published", f"{ours} south administrator observer trainee")
    strict = _published(world, world.members["analyst"], Tlp.AMBER_STRICT, word, ())
    world.hide("report_id", strict.id, ours)
    word = world.secret("an AMBER+STRICT report of another organisation here", "outsider south")
    theirs = _published(world, world.members["outsider"], Tlp.AMBER_STRICT, word, ())
    world.hide("report_id", theirs.id, "outsider")
    word = world.secret("a RED report we took back", "named")
    reason = world.secret("why we took it back", "named south")
    gone = _published(world, world.members["named"], Tlp.RED, word, ("someone@south.example",))
    intel.withdraw_report(world.members["named"].actor, gone, f"{WANTED} {reason}")


def _published(world: World, member: Member, tlp: Tlp, words: str, persons: tuple[str, ...]) -> Report:
    fields = intel.ReportFields(
        title=f"{WANTED} {words}" if tlp > Tlp.AMBER else words,
        summary=words,
        tlp=tlp,
        object_ids=(world.things["stix_id"],),
        persons=persons,
    )
    made = intel.create_report(member.actor, fields)
    return intel.publish_report(member.actor, made)


# ---- what a partner sent ----------------------------------------------------------------------------------------
def _received(world: World) -> None:
    south = world.nodes["south"]
    lane = clause_lane(south, Agreement.objects.get(id=world.things["agreement_id"]))
    thing = sdo("indicator", "openly received")
    carried = sdo("report", "openly received", object_refs=[thing["id"]])
    _deliver(lane, "intel.report", Tlp.GREEN, carried, thing)
    world.things["carried_id"] = str(Release.objects.get(subject=f"urn:taawun:stix:{carried['id']}").id)
    named = world.members["named"].row
    inside = "administrator analyst named officer observer trainee"
    title = world.secret("the title of a RED report we received", "named")
    inner = world.secret("an object of it", "named")
    _take(world, lane, Tlp.RED, title, inner, "named", persons=(named.email.upper(),))
    title = world.secret("the title of an AMBER+STRICT report we received", inside)
    inner = world.secret("an object of it", "analyst named officer")
    _take(world, lane, Tlp.AMBER_STRICT, title, inner, "analyst named officer")
    note = world.secret("a partner's RED sighting of what everybody sees", "named")
    seen = sdo("sighting", note, sighting_of_ref=world.things["stix_id"], count=7)
    del seen["name"]
    _deliver(lane, "intel.sighting", Tlp.RED, seen, persons=(named.email,))


def _take(  # one parameter for each part of what is sent
    world: World, lane: TheirLane, tlp: Tlp, title: str, inner: str, readers: str, **members: Any
) -> None:
    thing = sdo("indicator", f"{WANTED} {inner}")
    report = sdo("report", f"{WANTED} {title}", object_refs=[thing["id"]])
    report["description"] = f"{WANTED} {inner}"
    _deliver(lane, "intel.report", tlp, report, thing, **members)
    held = Report.objects.get(stix_id=report["id"])
    world.hide("report_id", held.id, readers)
    for each in (thing, report):
        world.hide("stix_id", each["id"], readers)


def _deliver(lane: TheirLane, kind: str, tlp: Tlp, *objects: Mapping[str, Any], **members: Any) -> None:
    about = objects[0]
    lane.write(
        kind=kind,
        subject=f"urn:taawun:stix:{about['id']}",
        version=about["modified"],
        tlp=tlp,
        **_content(bundle(*objects)),
        **members,
    )
    outcomes = lane.deliver()
    assert outcomes[-1] == ("done", ""), outcomes[-1]


def _content(data: bytes) -> dict[str, Any]:
    return {"content": data, "digest": sha256(data), "size": len(data)}


# ---- a guest ----------------------------------------------------------------------------------------------------
def _host_a_guest(world: World) -> None:
    """A university that this node hosts: South gives it something, and it gives South something."""
    south, administrator = world.nodes["south"], world.members["administrator"].actor
    key = f"{settings.BASE_URL}#uni"
    party = Party("uni", "guest", "", "us", "XN", Text.of(en="University"), "")
    giving = clause(senders=("xs",), receivers=("uni",)), clause("2", senders=("uni",), receivers=("xs",))
    hosting = agreement_in_force(south, parties=(*document(south).parties, party), clauses=giving)
    lane = clause_lane(south, hosting, audience=(key,))
    thing = sdo("indicator", "openly given")
    carried = sdo("report", "openly given", object_refs=[thing["id"]])
    _deliver(lane, "intel.report", Tlp.GREEN, carried, thing)
    held, spare = (
        federation.issue_guest_token(administrator, hosting, "uni", name="of the tests") for _ in range(2)
    )
    told = sdo("report", "openly given by a guest", object_refs=[f"malware--{uuid4()}"])
    draft = federation.Draft(
        kind="intel.report",
        subject=f"urn:taawun:stix:{told['id']}",
        version=told["modified"],
        title="openly given by a guest",
        tlp=Tlp.GREEN,
        content=bundle(told),
    )
    given = federation.give_as_guest(Guest(held.thing), draft)
    world.machines.append(_bearer("guest", None, held.secret))
    # a token opens the machine interface, never a page
    world.people.append(_bearer("guest", None, held.secret))
    world.things |= {
        "hosting_id": str(hosting.id),
        "guest_token_id": str(spare.thing.id),
        "guest_digest": lane.entries[-1].header.digest,
        "guest_given_id": str(given.id),
    }


# ---- a newcomer ------------------------------------------------------------------------------------------------
def _join(world: World) -> None:
    """A party that acceded to an agreement whose clause gives the history, and waits to be confirmed here."""
    newcomer = partner("Joining CERT", nation="XJ")
    history = clause(senders=("any",), receivers=("any",), history="all")
    joined = agreement_in_force(world.nodes["south"], accession="by-invitation", clauses=(history,))
    accede(world.members["officer"].actor, joined, newcomer)
    world.things |= {"joined_id": str(joined.id), "newcomer": newcomer.node, "newcomer_ref": "new"}


# ---- sightings of our own ---------------------------------------------------------------------------------------
def _sightings(world: World) -> None:
    named, outsider = world.members["named"], world.members["outsider"]
    open_one = intel.sight(world.members["analyst"].actor, world.things["stix_id"], note="openly seen")
    world.things["sighting_id"] = str(open_one.sighting.id)
    red = _first(world, "stix_id", "named")
    note = world.secret("a sighting of what is RED", "named")
    intel.sight(named.actor, red, note=f"{WANTED} {note}")
    theirs = _first(world, "stix_id", "outsider")
    note = world.secret("a sighting inside another organisation", "outsider")
    intel.sight(outsider.actor, theirs, note=f"{WANTED} {note}")
    note = world.secret("a sighting of what was RED in an earlier version", "named")
    intel.sight(named.actor, world.things["once_red"], note=f"{WANTED} {note}")


def _first(world: World, parameter: str, readers: str) -> str:
    return next(thing for thing, who in world.hidden[parameter].items() if who == frozenset(readers.split()))


# ---- what is kept ----------------------------------------------------------------------------------------------
def rows() -> dict[str, object]:
    """Everything that is kept: each row of each table, and how many files there are."""
    kept = dict[str, object]()
    # as the database gives it: hundreds of times in a test, every table there is, most of them empty
    with connection.cursor() as cursor:
        for label, question in _questions():
            cursor.execute(question)
            kept[label] = cursor.fetchall()
    return {**kept, "files": _files()}


def _files() -> int:
    return sum(1 for each in (settings.HOME / "files").rglob("*") if each.is_file())


@functools.cache
def _questions() -> list[tuple[str, str]]:
    name, found = connection.ops.quote_name, []
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta
        if meta.label_lower in _BOOKKEEPING:
            continue
        columns = ", ".join(
            name(str(each.column)) for each in meta.concrete_fields if each.name not in _NOTED
        )
        question = f"SELECT {columns} FROM {name(meta.db_table)} ORDER BY {name(str(meta.pk.column))}"  # noqa: S608 - names of models alone
        found.append((meta.label_lower, question))
    return found


# ---- for the tests that use it ----------------------------------------------------------------------------------
@pytest.mark.usefixtures("pages")
class WithWorld(TestCase):
    """Tests in a world that is built once for all of them; whatever one writes is taken back after it."""

    world: ClassVar[World]

    @classmethod
    def setUpTestData(cls) -> None:
        """Build it."""
        cls.world = build()
        cls.world.tables = rows()

    @contextmanager
    def each(self, name: str) -> Iterator[None]:
        """One case of many: nothing of it stays, and nobody has asked too often before it."""
        nobody_asked_before()
        with self.subTest(name), undone():
            yield
