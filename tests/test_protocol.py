"""docs/worked-example.md is what this node signs, byte for byte, and what it takes in.

Whatever a partner is answered, may be asked by or has to sign stands in docs/protocol.md: codes, addresses and types.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from taawun.cooperation.agreements import decision, proposals, statements
from taawun.cooperation.agreements.actions import INSTRUMENT_TYP
from taawun.cooperation.agreements.document import (
    Clause,
    Document,
    Onward,
    Party,
    check_narrowings,
    parse_narrowings,
)
from taawun.cooperation.agreements.document import parse as parse_document
from taawun.cooperation.agreements.document import write as write_document
from taawun.cooperation.federation.kinds import ReleaseKind
from taawun.cooperation.partners import wording
from taawun.cooperation.partners.exchange import protocol_urls
from taawun.cooperation.partners.exchange.messages import MessageKind
from taawun.cooperation.partners.identity import descriptor, rotation
from taawun.cooperation.partners.identity.lineage import KnownKey, Lineage, walk
from taawun.cooperation.partners.logs import chain, floors
from taawun.cooperation.partners.models import GENESIS
from taawun.foundation import fingerprint, request_signatures
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import canonical
from taawun.foundation.strict_json import parse as parse_json
from taawun.foundation.tlp import Tlp
from taawun.platform.registry import registry

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGE = CHECKOUT / "src" / "taawun"
PAGE = (CHECKOUT / "docs" / "protocol.md").read_text(encoding="utf-8")
EXAMPLE = (CHECKOUT / "docs" / "worked-example.md").read_text(encoding="utf-8")

# what names the code of a refusal that a partner is told, and which of its arguments does
TOLD = {
    "MessageRefused": 0,
    "ContentRefused": 0,
    "OriginRefused": 0,
    "DescriptorRefused": 0,
    "RequestRefused": 0,
    "ReadingRefused": 0,
    "JsonRefused": 0,
    "Outcome": 1,
    "AskedTooOften": 1,
    "Undeliverable": 1,
    "problem": 1,
}
# the rooms that speak with partners; other rooms answer people and their programs in these words
SPEAKING = (
    "cooperation/partners/exchange",
    "cooperation/partners/identity",
    "cooperation/partners/logs",
    "cooperation/partners/restarts/resets.py",
    "cooperation/partners/restored",
    "cooperation/federation/exchange",
    "cooperation/federation/hops.py",
    "cooperation/agreements",
    "capabilities/intel/exchange.py",
    "capabilities/intel/stix/reading.py",
    "foundation/request_signatures.py",
    "foundation/strict_json.py",
)
# said by a node to itself alone: of its own call, of its own fault, or of what it decided before anything left
AT_HOME = {
    "bad-url": "the request is not sent",
    "not-json-value": "the text is not written",
    "no-sender": "of a lane of its own, which is not received",
    "own-fault": "the entry waits, and nobody signs for what waits",
    "partner-blocked": "of a decision; whoever calls is told it in a problem, which is on the page",
    "no-agreement": "of a decision",
    "direction": "of a decision",
    "audience": "of a decision",
    "onward": "of a decision",
    "unconfirmed": "of a decision",
}

SEED = bytes(range(32))
KEY, NEXT_KEY, LAST_KEY, RECOVERY_KEY, SOUTHS_KEY = (
    SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(first, first + 32))))
    for first in (0, 32, 64, 96, 128)
)
AT = datetime(2026, 10, 1, 8, 30, tzinfo=UTC)
NORTH, SOUTH, EAST = "https://north.example", "https://south.example", "https://east.example"
LANE = UUID("01920f4e-0000-7000-8000-000000000001")
AGREEMENT = UUID("01920f4e-0000-7000-8000-000000000006")
NONCE = "AAAAAAAAAAAAAAAAAAAAAA"


def _described() -> str:
    return descriptor.write(
        node=NORTH,
        kind="nation",
        nation="XN",
        name=Text({"en": "CERT North", "ar": "فريق الشمال"}),
        nation_name=Text({"en": "North"}),
        contacts=[],
        key=KEY,
        recovery_jwk=None,
        at=AT,
    )


def _rotations() -> tuple[tuple[str, str], tuple[str, str]]:
    common: dict[str, Any] = {"node": NORTH, "key": rotation.CURRENT, "at": AT}
    return (
        rotation.write(
            id=UUID("01920f4e-0000-7000-8000-000000000004"),
            old=KEY.kid,
            new=NEXT_KEY.public,
            by=rotation.BY_CURRENT,
            revoked_since=None,
            signers=(KEY, NEXT_KEY),
            **common,
        ),
        rotation.write(
            id=UUID("01920f4e-0000-7000-8000-000000000005"),
            old=NEXT_KEY.kid,
            new=LAST_KEY.public,
            by=rotation.BY_RECOVERY,
            revoked_since=AT - timedelta(minutes=30),
            signers=(RECOVERY_KEY, LAST_KEY),
            **common,
        ),
    )


def _entry(seq: int, prev: str, kind: str, subject: str, content: bytes) -> str:
    header = chain.Header(
        lane=LANE,
        sender=NORTH,
        seq=seq,
        prev=prev,
        kind=kind,
        subject=subject,
        version="",
        action="publish",
        tlp=Tlp.AMBER if seq == 0 else Tlp.AMBER_STRICT,
        digest=sha256(content),
        size=len(content),
        issued=AT,
        to=SOUTH,
    )
    return chain.write_header(header, KEY)


def _agreed() -> bytes:
    """The agreement of the example: reports between North and South, and whoever accedes."""

    def party(ref: str, node: str, nation: str, name: str, key: SigningKey) -> Party:
        return Party(ref, "node", node, "", nation, Text({"en": name}), key.kid)

    clause = Clause(
        ref="1",
        title=Text({"ar": "التقارير", "en": "Reports"}),
        senders=("any",),
        receivers=("any",),
        kinds=("intel.report",),
        topics=(),
        tlp_max=Tlp.AMBER,
        purpose=("defence",),
        onward=Onward("parties"),
        history="all",
        retention_days=365,
        on_termination="delete",
        recognises=(),
    )
    return write_document(
        Document(
            id=AGREEMENT,
            version=1,
            title=Text({"ar": "اتفاقية تبادل", "en": "Sharing agreement"}),
            parties=(
                party("north", NORTH, "XN", "CERT North", KEY),
                party("south", SOUTH, "XS", "CERT South", SOUTHS_KEY),
            ),
            clauses=(clause,),
            valid_from=AT,
            valid_until=None,
            supersedes="",
            accession="by-invitation",
            min_signatories=2,
            entry_into_force="all",
            notice_days=30,
            authentic_languages=("ar", "en"),
            prevailing="",
            preamble=None,
            text=b"",
            digest="",
        )
    )


def _declared(about: Document) -> str:
    """North's declaration that it gives no more than TLP:GREEN of the clause."""
    said = statements.write(
        "declared",
        about,
        id=UUID("01920f4e-0000-7000-8000-000000000007"),
        node=NORTH,
        at=AT,
        note="Until our law is amended.",
        to=[SOUTH],
        more={"narrows": [{"clause": "1", "direction": "gives", "tlp_max": "TLP:GREEN"}]},
    )
    return KEY.sign(said, INSTRUMENT_TYP)


def _floor() -> str:
    floor = floors.Floor(
        lane=UUID("01920f4e-0000-7000-8000-000000000008"),
        reader=EAST,
        agreement=AGREEMENT,
        clause="1",
        seq=5,
        prev=sha256(b"the fifth header"),
        at=AT,
    )
    return floors.write(floor, KEY)


def example() -> dict[str, str]:
    """Every figure of the example, by its caption."""
    text = _agreed()
    proposal = proposals.write(parse_document(text), NORTH, KEY, AT)
    declaration, floor = _declared(parse_document(text)), _floor()
    message = "01920f4e-0000-7000-8000-000000000002"
    opening = canonical({"sender": NORTH, "purpose": "talk"})
    said = canonical(
        {
            "id": message,
            "to": SOUTH,
            "lane": "01920f4e-0000-7000-8000-000000000003",
            "from": 0,
            "to_seq": 4,
            "head": sha256(b"the fifth header"),
            "exceptions": [{"seq": 3, "outcome": "unopened", "reason": "unknown-kind"}],
        }
    )
    first = _entry(0, GENESIS, "lane.opened", f"urn:taawun:node:{NORTH}", opening)
    second = _entry(1, chain.digest_of(first), "receipt", f"urn:uuid:{message}", said)
    head = chain.write_head(chain.Head(LANE, 1, chain.digest_of(second), AT), KEY)
    page = chain.write_line(first, opening) + chain.write_line(second, said) + chain.write_head_line(head)
    rotated, revoked = _rotations()
    url = f"{SOUTH}/federation/lanes"
    headers = request_signatures.sign("GET", url, b"", KEY, at=AT)
    return {
        "Seed of North's key, hexadecimal": SEED.hex(),
        "Its public half as a JWK": canonical(KEY.public.to_jwk()).decode(),
        "Its thumbprint, the `kid`": KEY.kid,
        "Its fingerprint in English words": " ".join(fingerprint.words(KEY.kid, "en")),
        "Its fingerprint in digits": " ".join(fingerprint.digits(KEY.kid)),
        "Payload of the descriptor": peek(_described()).payload.decode(),
        "The descriptor": _described(),
        "Thumbprint of the next key": NEXT_KEY.kid,
        "Thumbprint of the one after it": LAST_KEY.kid,
        "Thumbprint of the recovery key": RECOVERY_KEY.kid,
        "Payload of the rotation": peek(rotated[0]).payload.decode(),
        "The rotation, by the first key": rotated[0],
        "The rotation, by the next key": rotated[1],
        "Payload of the revocation": peek(revoked[0]).payload.decode(),
        "The revocation, by the recovery key": revoked[0],
        "The revocation, by the key after it": revoked[1],
        "Content of entry 0": opening.decode(),
        "Payload of the header of entry 0": peek(first).payload.decode(),
        "Header of entry 0": first,
        "Digest of entry 0": chain.digest_of(first),
        "Content of entry 1": said.decode(),
        "Payload of the header of entry 1": peek(second).payload.decode(),
        "Header of entry 1": second,
        "Digest of entry 1": chain.digest_of(second),
        "Payload of the head": peek(head).payload.decode(),
        "Head": head,
        "SHA-256 of the page": f"{sha256(page)} ({len(page)} bytes)",
        "Thumbprint of South's key": SOUTHS_KEY.kid,
        "The document": text.decode(),
        "Digest of the document": sha256(text),
        "Payload of the proposal": peek(proposal).payload.decode(),
        "The proposal": proposal,
        "Payload of the instrument": peek(declaration).payload.decode(),
        "The instrument": declaration,
        "Payload of the floor": peek(floor).payload.decode(),
        "The floor": floor,
        "Headers of the request": "\n".join(f"{name}: {value}" for name, value in headers.items()),
    }


def shown() -> dict[str, str]:
    """Every figure of the page, by its caption."""
    return dict(re.findall(r"^\*([^*\n]+)\*\n\n```text\n(.*?)\n```$", EXAMPLE, re.MULTILINE | re.DOTALL))


@pytest.fixture(autouse=True)
def _one_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taawun.foundation.request_signatures.secrets.token_urlsafe", lambda _count: NONCE)


def test_the_page_shows_what_this_node_signs() -> None:
    assert shown() == example()


def test_what_the_page_shows_is_taken_in() -> None:
    held = shown()
    key = KEY.public
    told = descriptor.read(held["The descriptor"], at=AT, expected_node=NORTH)
    assert (told.key, told.nation, told.name) == (key, "XN", Text({"en": "CERT North", "ar": "فريق الشمال"}))

    digest = GENESIS
    for seq in (0, 1):
        header = chain.read_header(held[f"Header of entry {seq}"], key)
        chain.check_next(header, lane=LANE, sender=NORTH, head_seq=seq - 1, head_digest=digest)
        assert header.digest == sha256(held[f"Content of entry {seq}"].encode())
        digest = held[f"Digest of entry {seq}"]
    assert chain.read_head(held["Head"], key) == chain.Head(LANE, 1, digest, AT)


def test_the_agreement_the_page_shows_is_taken_in() -> None:
    held = shown()
    document = parse_document(held["The document"].encode())
    assert (document.digest, document.depositary.kid) == (held["Digest of the document"], KEY.kid)
    assert proposals.check(held["The proposal"], document, KEY.public) == held["The proposal"]

    said = parse_json(KEY.public.verify(held["The instrument"], INSTRUMENT_TYP))
    assert (said["kind"], said["digest"], said["to"]) == ("declared", document.digest, [SOUTH])
    narrows = parse_narrowings(statements.check("declared", said)["narrows"])
    check_narrowings(document, "north", narrows)
    assert [(each.clause, each.direction, each.tlp_max) for each in narrows] == [("1", "gives", Tlp.GREEN)]

    floor = floors.read(held["The floor"], KEY.public)
    assert (floor.reader, floor.agreement, floor.clause, floor.seq) == (EAST, document.id, "1", 5)


def test_the_request_the_page_shows_is_believed() -> None:
    headers = dict(line.split(": ", 1) for line in shown()["Headers of the request"].splitlines())

    signed = request_signatures.verify(
        "GET",
        f"{SOUTH}/federation/lanes",
        headers,
        b"",
        lambda kid: KEY.public if kid == KEY.kid else None,
        at=AT,
    )

    assert (signed.kid, signed.nonce) == (KEY.kid, NONCE)


def test_a_reader_of_the_first_key_walks_over_the_statements_the_page_shows() -> None:
    held = shown()
    halves = (
        ("The rotation, by the first key", "The rotation, by the next key"),
        ("The revocation, by the recovery key", "The revocation, by the key after it"),
    )
    said = [rotation.read([held[one], held[other]], node=NORTH, at=AT) for one, other in halves]

    found = walk(Lineage([KnownKey(KEY.public)]), RECOVERY_KEY.public, said, at=AT)

    assert [(known.kid, known.revoked_since) for known in found.lineage.keys] == [
        (KEY.kid, None),
        (NEXT_KEY.kid, AT - timedelta(minutes=30)),
        (LAST_KEY.kid, None),
    ]


def _modules(*rooms: str) -> Iterator[ast.Module]:
    for room in rooms:
        place = PACKAGE / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            yield ast.parse(path.read_text(encoding="utf-8"))


def _codes(module: ast.Module) -> Iterator[str]:
    """Every code that is written out where a partner is refused something."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        place = TOLD.get(name)
        if place is None or len(node.args) <= place:
            continue
        said = node.args[place]
        if isinstance(said, ast.Constant) and isinstance(said.value, str) and said.value:
            yield said.value


def _types() -> set[str]:
    """Every type of a signed text that is written out in the code."""
    texts = (
        node.value
        for module in _modules(".")
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in texts if re.fullmatch(r"taawun-[a-z-]+\+jws", text)}


def test_every_type_of_signed_text_is_on_the_page() -> None:
    found = _types()

    assert {descriptor.TYP, rotation.TYP, chain.ENTRY_TYP, chain.HEAD_TYP} < found
    assert sorted(typ for typ in found if f"`{typ}`" not in PAGE) == []


def test_every_code_that_a_partner_can_be_told_is_on_the_page() -> None:
    found = {code for module in _modules(*SPEAKING) for code in _codes(module)}

    # one of each: of requests, deliveries, messages, contents and what becomes of an entry
    assert {"replayed", "not-wanted", "not-depositary", "our-name", "withdrawn-by-source"} < found
    assert sorted(code for code in found - AT_HOME.keys() if f"`{code}`" not in PAGE) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (wording, "_STOPS"),
        (wording, "_SAID"),
        (wording, "_DESCRIPTORS"),
        (wording, "_ENTRIES"),
        (decision, "_STAGES"),
    ],
)
def test_every_code_about_a_partner_that_is_kept_here_is_on_the_page(module: object, name: str) -> None:
    codes = set(getattr(module, name))

    assert sorted(code for code in codes - AT_HOME.keys() if f"`{code}`" not in PAGE) == []


def test_every_address_of_the_protocol_is_on_the_page() -> None:
    routes = [
        re.sub(r"<\w+:(\w+?)(?:_id)?>", r"{\1}", str(each.pattern)) for each in protocol_urls.urlpatterns
    ]

    assert "federation/lanes/{lane}" in routes
    # written out by its whole path, in backticks or behind its method
    assert [route for route in routes if not re.search(rf"/{re.escape(route)}(?=[`? ])", PAGE)] == []


def test_every_kind_of_release_is_on_the_page() -> None:
    kinds = [each.name for each in registry.all(ReleaseKind) if each.name.startswith("intel.")]

    assert kinds
    assert [name for name in kinds if f"| `{name}` |" not in PAGE] == []


def test_every_kind_of_message_is_on_the_page() -> None:
    assert [each.name for each in registry.all(MessageKind) if f"`{each.name}`" not in PAGE] == []


def test_every_member_of_a_header_is_on_the_page() -> None:
    members = set(chain.Header.__dataclass_fields__)
    assert [name for name in members if f"`{name}`" not in PAGE] == []
