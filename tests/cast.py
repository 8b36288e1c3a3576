"""The fixed cast: who meets every address, and the rows they need. A plugin of the tests (see conftest.py).

The node of the tests speaks for the invented nation XN; its partners are made by :func:`partner`, each with a
key of its own. Evidence (a signature, an instrument) is written as the node itself would have kept it.
"""

from __future__ import annotations

import base64
import itertools
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.test import Client

from taawun.cooperation.agreements.actions import SIGNATURE_TYP, changed, next_agreement_number
from taawun.cooperation.agreements.document import Clause, Document, Onward, Party, parse, write
from taawun.cooperation.agreements.models import Agreement, PartyInstrument, PartySignature, Version
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.identity.keys import create_keys, node_key
from taawun.cooperation.partners.models import Partner, PolicyGeneration
from taawun.cooperation.people import actions
from taawun.cooperation.people.actors import PersonActor, SystemActor
from taawun.cooperation.people.models import ApiToken, Membership, Organisation, Person
from taawun.cooperation.people.permissions import Permission, Role
from taawun.cooperation.people.queries import actor_of
from taawun.foundation import request_signatures
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry
from tests.told import hold_against_the_document

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

__all__ = [
    "API",
    "Caller",
    "Cast",
    "Member",
    "PartnerNode",
    "agreement_in_force",
    "agreement_proposed",
    "clause",
    "document",
    "establish_node",
    "instrument_kept",
    "partner",
    "person",
    "sign_version",
    "token_of",
]

API = "/api/v1"
SYSTEM = SystemActor("tests")
_count = itertools.count(1)


class Caller:
    """Somebody at the machine interface: a client with a bearer token, or without one.

    Args:
        token: the bearer token; None sends no Authorization header.
        language: what it asks for in Accept-Language.
    """

    def __init__(self, token: str | None, language: str = "en") -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Accept-Language": language}
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request to a path below ``/api/v1``; ``raw`` is sent as it is, any other body as JSON."""
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        answer = self.client.generic(
            method,
            API + path,
            content,
            content_type="application/json",
            headers={**self.headers, **(headers or {})},
        )
        hold_against_the_document(method, API + path, answer)
        return answer

    def get(self, path: str, **query: str | int) -> Response:
        """GET with a query."""
        answer = self.client.get(API + path, query, headers=self.headers)
        hold_against_the_document("GET", API + path, answer)
        return answer

    def post(self, path: str, body: object = None, **headers: str) -> Response:
        """POST a JSON body; header names are written with underscores."""
        return self.send("POST", path, body, headers=_header_names(headers))

    def put(self, path: str, body: object = None, **headers: str) -> Response:
        """PUT a JSON body; header names are written with underscores."""
        return self.send("PUT", path, body, headers=_header_names(headers))

    def delete(self, path: str, **headers: str) -> Response:
        """DELETE; header names are written with underscores."""
        return self.send("DELETE", path, headers=_header_names(headers))


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True)
class Member:
    """Somebody of the cast.

    Attributes:
        person: their row; None for whom this node does not know.
        token: their API token, with every scope there is; None for who brings none.
    """

    person: Person | None
    token: str | None

    @property
    def api(self) -> Caller:
        """Them at the machine interface."""
        return Caller(self.token)

    @property
    def actor(self) -> PersonActor:
        """Them as the one who acts."""
        return actor_of(self.row)

    @property
    def row(self) -> Person:
        """Their row, where this node knows them."""
        assert self.person is not None
        return self.person

    def browser(self) -> Client:
        """A test client in which they are signed in."""
        client = Client()
        client.force_login(self.row, "allauth.account.auth_backends.AuthenticationBackend")
        return client


@dataclass(frozen=True)
class Cast:
    """Everybody. Each page and each address of the API meets them all.

    Attributes:
        stranger: a person of this node without any role.
        former: an analyst who was made inactive; their token is still around.
        elsewhere: a member of a partner, with a token that their own node gave them.
        nobody: who sends no token at all.
    """

    administrator: Member
    analyst: Member
    officer: Member
    other_officer: Member
    observer: Member
    trainee: Member
    stranger: Member
    former: Member
    elsewhere: Member
    nobody: Member

    def __iter__(self) -> Iterator[tuple[str, Member]]:
        for field in fields(self):
            yield field.name, getattr(self, field.name)

    def meet(self, method: str, path: str, body: object = None, **headers: str) -> dict[str, int]:
        """The status that each of them gets for the same request."""
        return {
            name: member.api.send(method, path, body, headers=_header_names(headers)).status_code
            for name, member in self
        }

    @staticmethod
    def statuses(others: int, **named: int) -> dict[str, int]:
        """A table for :meth:`meet`: without a valid token 401, those named theirs, all others this."""
        found = dict.fromkeys((field.name for field in fields(Cast)), others)
        return found | {"former": 401, "elsewhere": 401, "nobody": 401} | named


def establish_node() -> Organisation:
    """Give the node of the tests its keys (once a process) and its organisation (once a test)."""
    if not (settings.HOME / "keys" / "node.pem").exists():
        create_keys()
    return actions.establish_host(
        SYSTEM,
        names=Text.of(en="Northern CERT", ar="فريق الشمال", fr="CERT du Nord"),
        kind=Organisation.Kind.NATIONAL_CERT,
        node_kind=Organisation.NodeKind.NATION,
        nation="XN",
        nation_names=Text.of(en="Northland", ar="الشمال", fr="Nord"),
    )


def person(
    *roles: str, name: str = "", organisation: Organisation | None = None, is_active: bool = True
) -> Person:
    """A person with these roles, in the host's organisation unless another is given; without a password."""
    made = _person(name, is_active=is_active)
    made.save()
    place = organisation or Organisation.objects.get(is_host=True)
    Membership.objects.bulk_create(Membership(person=made, organisation=place, role=role) for role in roles)
    return made


def _person(name: str, *, is_active: bool) -> Person:
    number = next(_count)
    made = Person(name=name or f"Person {number}", email=f"person{number}@cert.example", is_active=is_active)
    made.set_unusable_password()
    return made


def token_of(owner: Person, *scopes: str, expires: datetime | None = None) -> str:
    """A token of a person; without scopes it has all there are, which their roles narrow."""
    row, secret = _token(owner, *scopes, expires=expires)
    row.save(force_insert=True)
    return secret


def _token(owner: Person, *scopes: str, expires: datetime | None = None) -> tuple[ApiToken, str]:
    secret = "taawun_" + secrets.token_urlsafe(32)
    row = ApiToken(
        person=owner,
        name="of the tests",
        digest=sha256(secret.encode()),
        hint=secret[:12],
        scopes=list(scopes) or sorted(each.name for each in registry.all(Permission)),
        expires=expires or now() + timedelta(days=1),
    )
    return row, secret


@dataclass(frozen=True)
class PartnerNode:
    """Another node: how we keep it, and the key that only it has."""

    row: Partner
    key: SigningKey

    @property
    def node(self) -> str:
        """Its base address."""
        return self.row.node

    def descriptor(self, at: datetime | None = None) -> str:
        """Its descriptor, signed at an instant."""
        return _descriptor(self.row.node, self.row.nation, self.row.name, self.key, at or now())

    def sign(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        """Headers that sign a request of it to this node."""
        return request_signatures.sign(method, settings.BASE_URL + path, body, self.key)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Response:
        """Send a signed request to this node, for example to ``/federation/lanes``."""
        signed = {**self.sign(method, path, body), **_header_names(headers)}
        return Client().generic(method, path, body, content_type="application/json", headers=signed)


def partner(
    name: str = "Southern CERT",
    *,
    nation: str = "XS",
    node: str = "",
    state: str = Partner.State.VERIFIED,
    issued: datetime | None = None,
) -> PartnerNode:
    """A partner that we met, with a key and a valid descriptor of its own.

    Args:
        name: what it is called, in English.
        nation: its two letters.
        node: its base address; one of its own by default.
        state: how far we trust it; verified by default.
        issued: when its descriptor was signed; 28 days later it lapses.
    """
    key, at = SigningKey.generate(), issued or now()
    node = node or f"https://{nation.lower()}{next(_count)}.example"
    token = _descriptor(node, nation, Text.of(en=name), key, at)
    row = Partner.objects.create(
        node=node,
        kind="nation",
        nation=nation,
        names={"en": name},
        nation_names={"en": f"Nation {nation}"},
        kid=key.kid,
        jwk=key.public.to_jwk(),
        descriptor=token,
        descriptor_issued=at,
        descriptor_valid_until=at + descriptor.LIFE,
        descriptor_fetched=at,
        state=state,
        verified=at if state == Partner.State.VERIFIED else None,
        verified_by="Administrator" if state == Partner.State.VERIFIED else "",
    )
    PolicyGeneration.bump()
    return PartnerNode(row, key)


def _descriptor(node: str, nation: str, name: Text, key: SigningKey, at: datetime) -> str:
    return descriptor.write(
        node=node,
        kind="nation",
        nation=nation,
        name=name,
        nation_name=Text.of(en=f"Nation {nation}"),
        contacts=[],
        key=key,
        recovery_jwk=None,
        at=at,
    )


def clause(ref: str = "1", **changes: Any) -> Clause:
    """A clause that lets everything up to TLP:AMBER flow between all signatories, but for what is changed.

    ``changes`` are members of :class:`Clause` of whatever type each has.
    """
    members: dict[str, Any] = {
        "ref": ref,
        "title": Text.of(en=f"Clause {ref}"),
        "senders": ("any",),
        "receivers": ("any",),
        "kinds": ("*",),
        "topics": (),
        "tlp_max": Tlp.AMBER,
        "purpose": (),
        "onward": Onward("none"),
        "history": "from-accession",
        "retention_days": None,
        "on_termination": "delete",
        "recognises": (),
    }
    return Clause(**(members | changes))


def document(
    *others: PartnerNode,
    clauses: tuple[Clause, ...] = (),
    depositary: PartnerNode | None = None,
    **changes: Any,
) -> Document:
    """A document between this node and partners, valid since an hour ago, but for what is changed.

    Args:
        others: the other parties; their refs are ``us`` and their nation's letters in lower case.
        clauses: by default one, :func:`clause`.
        depositary: who stands first; this node by default.
        changes: members of :class:`Document` of whatever type each has.
    """
    us = Party(
        "us", "node", settings.BASE_URL, "", "XN", Organisation.objects.get(is_host=True).name, node_key().kid
    )
    theirs = [_party(each) for each in others]
    parties = [us, *theirs]
    if depositary:
        parties.sort(key=lambda party: party.node != depositary.node)
    members: dict[str, Any] = {
        "id": uuid4(),
        "version": 1,
        "title": Text.of(en="Sharing agreement", ar="اتفاقية تبادل", fr="Accord de partage"),
        "parties": tuple(parties),
        "clauses": clauses or (clause(),),
        "valid_from": now() - timedelta(hours=1),
        "valid_until": None,
        "supersedes": "",
        "accession": "closed",
        "min_signatories": 2,
        "entry_into_force": "all",
        "notice_days": 0,
        "authentic_languages": ("en",),
        "prevailing": "en",
        "preamble": None,
        "text": b"",
        "digest": "",
    }
    return parse(write(Document(**(members | changes))))


def _party(node: PartnerNode) -> Party:
    row = node.row
    return Party(row.nation.lower(), "node", row.node, "", row.nation, row.name, node.key.kid)


def agreement_proposed(*others: PartnerNode, **members: Any) -> Agreement:
    """An agreement that was proposed and that nobody has signed; takes what :func:`document` takes."""
    text = document(*others, **members)
    agreement = Agreement.objects.create(
        id=text.id, number=next_agreement_number(), titles=text.title.to_json()
    )
    Version.objects.create(
        agreement=agreement,
        number=text.version,
        text=text.text,
        digest=text.digest,
        depositary=text.depositary.node,
        is_said=text.depositary.node == settings.BASE_URL,
    )
    changed()
    return agreement


def agreement_in_force(*others: PartnerNode, **members: Any) -> Agreement:
    """An agreement that every party signed; takes what :func:`document` takes, which may hold it back."""
    agreement = agreement_proposed(*others, **members)
    version = Version.objects.get(agreement=agreement)
    sign_version(version, settings.BASE_URL, node_key())
    for other in others:
        sign_version(version, other.node, other.key)
    return agreement


def instrument_kept(
    node: str, lineage: UUID, digest: str, kind: str, *, suggestion: bytes | None = None, note: str = ""
) -> PartyInstrument:
    """What a node said about a version, as it would have been kept when it arrived; what was signed is made up."""
    chosen = uuid7()
    return PartyInstrument.objects.create(
        id=chosen,
        chosen=chosen,
        words=sha256(chosen.bytes),
        mark=sha256(chosen.hex.encode()),
        lineage=lineage,
        kind=kind,
        node=node,
        digest=digest,
        suggestion=suggestion,
        note=note,
        token="kept as it came",
        at=now(),
        is_said=node == settings.BASE_URL,
    )


def sign_version(version: Version, node: str, key: SigningKey) -> PartySignature:
    """Write down a party's signature on a version, as if it had arrived."""
    text, at = version.document(), now()
    payload = {
        "id": str(uuid7()),
        "agreement": str(text.id),
        "digest": text.digest,
        "node": node,
        "at": timestamp(at),
        "to": [party.node for party in text.parties if party.kind == "node" and party.node != node],
    }
    signed = PartySignature.objects.create(
        lineage=text.id,
        digest=text.digest,
        node=node,
        token=key.sign(canonical(payload), SIGNATURE_TYP),
        at=at,
        is_said=node == settings.BASE_URL,
    )
    changed()
    return signed


def basic(user: str, password: str) -> str:
    """An Authorization header of another scheme than ours."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def some_id() -> UUID:
    """An id that nothing has."""
    return uuid4()


@pytest.fixture
def node(db: None) -> Organisation:
    """This node: its keys and the organisation that runs it."""
    return establish_node()


@pytest.fixture
def cast(node: Organisation) -> Cast:
    """Everybody, on this node."""
    roles = {
        "Administrator": Role.ADMINISTRATOR,
        "Analyst": Role.ANALYST,
        "Officer": Role.OFFICER,
        "Other officer": Role.OFFICER,
        "Observer": Role.OBSERVER,
        "Trainee": Role.TRAINEE,
        "Stranger": None,
        "Former": Role.ANALYST,
    }
    people = {name: _person(name, is_active=name != "Former") for name in roles}
    tokens = {name: _token(each) for name, each in people.items()}
    # most tests begin with them: three statements write them all
    Person.objects.bulk_create(people.values())
    Membership.objects.bulk_create(
        Membership(person=people[name], organisation=node, role=role) for name, role in roles.items() if role
    )
    ApiToken.objects.bulk_create(row for row, _secret in tokens.values())
    known = {name.lower().replace(" ", "_"): Member(each, tokens[name][1]) for name, each in people.items()}
    return Cast(
        **known, elsewhere=Member(None, "taawun_" + secrets.token_urlsafe(32)), nobody=Member(None, None)
    )
