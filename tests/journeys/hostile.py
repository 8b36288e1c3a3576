"""A node that lies as it pleases: its own key, its own server, lanes written by hand; and the node that it meets."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx

from taawun.cooperation.agreements.actions import INSTRUMENT_TYP, SIGNATURE_TYP
from taawun.cooperation.agreements.proposals import PROPOSAL_TYP
from taawun.cooperation.partners.identity import descriptor
from taawun.cooperation.partners.logs import chain
from taawun.foundation import request_signatures
from taawun.foundation.clock import now, timestamp
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.signing import SigningKey, peek
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.node.demo.cast import SOUTH
from taawun.node.demo.nodes import PLAIN, ApiClient, RunningNode, free_ports, wait_for
from tests.journeys.conftest import rows, with_tables

__all__ = ["Answer", "Hostile", "HostileLane", "Victim", "found_victim", "indicator"]

AT = "2026-01-01T00:00:00.000Z"


@dataclass
class HostileLane:
    """A lane of its own making.

    Attributes:
        owner: who signs it.
        purpose: ``talk`` or ``clause``.
        agreement: lineage of the agreement, for a clause.
        clause: the clause's ref.
        id: as it likes.
        entries: header and inline content of each.
        head_seq: how far it says that the lane reaches; None for the truth.
    """

    owner: Hostile
    purpose: str = "talk"
    agreement: str | None = None
    clause: str = ""
    id: UUID = field(default_factory=uuid4)
    entries: list[tuple[str, bytes | None]] = field(default_factory=list)
    head_seq: int | None = None

    @property
    def _digest(self) -> str:
        return chain.digest_of(self.entries[-1][0]) if self.entries else "0" * 64

    def add(self, kind: str, content: bytes | None = None, **changes: Any) -> None:
        """Append an entry; ``changes`` are members of its header of whatever type each has."""
        header = chain.Header(
            lane=self.id,
            sender=self.owner.base,
            seq=len(self.entries),
            prev=self._digest,
            kind=kind,
            subject=f"urn:uuid:{uuid4()}",
            version="",
            action="publish",
            tlp=Tlp.GREEN,
            digest=sha256(content) if content is not None else "",
            size=len(content) if content is not None else 0,
            issued=now(),
            clause=self.clause,
            to=self.owner.victim if self.purpose == "talk" else "",
        )
        self.entries.append((chain.write_header(replace(header, **changes), self.owner.key), content))

    def say(self, kind: str, payload: dict[str, Any]) -> None:
        """Append a message."""
        self.add(kind, canonical({**payload, "id": str(uuid4()), "to": self.owner.victim}))

    def release(self, title: str, agreement: str) -> None:
        """Append a report about one indicator.

        Args:
            title: of the report.
            agreement: digest of the document it is sent under.
        """
        one = indicator(title)
        about = {
            "type": "report",
            "spec_version": "2.1",
            "id": f"report--{uuid4()}",
            "created": AT,
            "modified": AT,
            "name": title,
            "published": AT,
            "object_refs": [one["id"]],
        }
        subject = f"urn:taawun:stix:{about['id']}"
        self.add("intel.report", bundle(about, one), subject=subject, version=AT, agreement=agreement)

    def head(self) -> str:
        """What it signs for."""
        seq = len(self.entries) - 1 if self.head_seq is None else self.head_seq
        digest = self._digest if self.head_seq is None else "ab" * 32
        return chain.write_head(chain.Head(self.id, seq, digest, now()), self.owner.key)

    def offer(self) -> dict[str, Any]:
        """How it is listed."""
        return {
            "lane": str(self.id),
            "purpose": self.purpose,
            "agreement": self.agreement,
            "clause": self.clause,
            "head": self.head(),
        }


class Answer(BaseHTTPRequestHandler):
    """One request to a hostile node."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer; names of headers are written with underscores."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def drip(self) -> None:
        """Answer with a blank line a second, for ever."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        ended = threading.Event()
        try:
            while not ended.wait(1):
                self.wfile.write(b"1\r\n\n\r\n")
        except OSError:
            return

    def do_POST(self) -> None:
        """The inbox: everything is taken and nothing read."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send(b"", 202)

    def do_GET(self) -> None:
        """Everything else."""
        node = self.server.node
        node.asked.append(self.path)
        face = next(
            (each for kid, each in node.faces.items() if kid in self.headers.get("Signature-Input", "")), node
        )
        instead = next((each for begin, each in node.instead.items() if self.path.startswith(begin)), None)
        if instead:
            instead(self)
            return
        parts = urlsplit(self.path)
        if parts.path == "/.well-known/taawun":
            self.send(node.descriptor().encode())
        elif parts.path == "/federation/lanes":
            self.send(json.dumps({"lanes": [lane.offer() for lane in face.lanes]}).encode())
        else:
            self._serve(face, parts.path.rpartition("/")[2], parse_qs(parts.query))

    def _serve(self, face: Hostile, name: str, query: dict[str, list[str]]) -> None:
        lane = next((each for each in face.lanes if str(each.id) == name), None)
        if lane is None:
            self.send(b"{}", 404)
            return
        after = int(query["after"][0])
        # all there is, however much was asked for
        lines = [chain.write_line(*each) for each in lane.entries[after + 1 :]]
        self.send(b"".join([*lines, chain.write_head_line(lane.head())]))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    node: Hostile


class Hostile:
    """A node that serves what it likes.

    Args:
        victim: base address of whom it meets.
        name: what it calls itself.

    Attributes:
        asked: paths that were asked of it, in order.
        instead: answers in place of its own, by the beginning of the path.
        faces: what it shows to others than its victim, by the thumbprint of whose key asks.
    """

    def __init__(self, victim: str, name: str = "Hostile CERT") -> None:
        self.victim, self.name, self.key = victim, name, SigningKey.generate()
        self.asked: list[str] = []
        self.instead: dict[str, Callable[[Answer], None]] = {}
        self.faces: dict[str, Hostile] = {}
        self._server = _Server(("127.0.0.1", 0), Answer)
        self._server.node = self
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.talk = HostileLane(self)
        self.lanes = [self.talk]
        self.talk.add("lane.opened", canonical({"purpose": "talk", "sender": self.base}))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def face(self, victim: str, kid: str) -> Hostile:
        """What it shows to another node with this key: a talk lane, and other lanes as they are added there."""
        other = copy(self)
        other.victim = victim
        other.talk = HostileLane(other)
        other.lanes = [other.talk]
        other.talk.add("lane.opened", canonical({"purpose": "talk", "sender": self.base}))
        self.faces[kid] = other
        return other

    def descriptor(self) -> str:
        """What it says of itself."""
        return descriptor.write(
            node=self.base,
            kind="nation",
            nation="XH",
            name=Text.of(en=self.name),
            nation_name=Text.of(en=f"Land of {self.name}"),
            contacts=[],
            key=self.key,
            recovery_jwk=None,
            at=now(),
        )

    def knock(self) -> None:
        """Tell the victim that there is news."""
        url = f"{self.victim}/federation/inbox"
        body = canonical({"descriptor": self.descriptor(), "heads": []})
        headers = request_signatures.sign("POST", url, body, self.key)
        done = httpx.post(url, content=body, headers=headers, timeout=60, trust_env=False, verify=PLAIN)
        assert done.status_code == httpx.codes.ACCEPTED, done.text

    def clause_lane(
        self, agreement: str, lane_id: UUID | None = None, audience: Sequence[str] = ()
    ) -> HostileLane:
        """Open a lane of the first clause of an agreement, under an id of its choice, for these base addresses."""
        lane = HostileLane(self, "clause", agreement, "1", lane_id or uuid4())
        said = {"purpose": "clause", "sender": self.base, "agreement": agreement, "clause": "1"}
        lane.add("lane.opened", canonical(said), audience=tuple(audience))
        self.lanes.append(lane)
        return lane

    def word(self, typ: str, lineage: str, digest: str, at: datetime | None = None, **members: str) -> str:
        """What it signs about an agreement, dated as it likes."""
        said = {"id": str(uuid4()), "agreement": lineage, "digest": digest, "node": self.base, **members}
        payload = said | {"at": timestamp(at or now()), "to": [self.victim]}
        return self.key.sign(canonical(payload), typ)

    def propose(self, document: dict[str, Any]) -> tuple[str, str]:
        """Propose a version as its depositary, and sign it; its lineage and digest."""
        text = canonical(document)
        lineage, digest = str(document["id"]), sha256(text)
        said = {"agreement": lineage, "digest": digest, "node": self.base, "at": timestamp(now())}
        word = self.key.sign(canonical(said), PROPOSAL_TYP)
        self.talk.say("agreement.proposed", {"document": text.decode(), "proposal": word})
        self.sign(lineage, digest)
        return lineage, digest

    def sign(self, lineage: str, digest: str, at: datetime | None = None) -> None:
        """Sign a version."""
        self.talk.say("agreement.signed", {"signature": self.word(SIGNATURE_TYP, lineage, digest, at)})

    def declare(self, kind: str, lineage: str, digest: str, at: datetime | None = None) -> None:
        """Suspend it, terminate it and so on."""
        token = self.word(INSTRUMENT_TYP, lineage, digest, at, kind=kind, note="")
        self.talk.say("agreement.declared", {"instrument": token})

    def read(self, path: str) -> httpx.Response:
        """Ask the victim for something."""
        url = f"{self.victim}{path}"
        headers = request_signatures.sign("GET", url, b"", self.key)
        return httpx.get(url, headers=headers, timeout=60, trust_env=False, verify=PLAIN)

    def served(self, agreement: str) -> list[tuple[str, bool]]:
        """Kind of each release it is served under an agreement, and whether its content comes along."""
        found = []
        for lane in self.read("/federation/lanes").json()["lanes"]:
            if lane["agreement"] == agreement:
                page = self.read(f"/federation/lanes/{lane['lane']}?after=0").content
                lines = [chain.read_line(line) for line in page.splitlines()]
                tokens = [(line.header, line.content is not None) for line in lines if line.header]
                found += [(json.loads(peek(token).payload)["kind"], comes) for token, comes in tokens]
        return found

    def stop(self) -> None:
        """Leave."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Victim:
    """A real node, and its people."""

    node: RunningNode

    @property
    def administrator(self) -> ApiClient:
        """Who adds, compares and blocks partners."""
        return self.node.api(self.node.nation.player("administrator"))

    @property
    def analyst(self) -> ApiClient:
        """Who imports and publishes."""
        return self.node.api(self.node.nation.player("analyst"))

    def met(self, hostile: Hostile) -> dict[str, Any]:
        """The partner as this node has it, once it knows its key."""

        def look() -> dict[str, Any] | None:
            known = self.administrator.get("/partners")["items"]
            return next(
                (each for each in known if each["node"] == hostile.base and each["fingerprint"]), None
            )

        found: dict[str, Any] = wait_for("the two to meet", look)
        return found

    def add(self, hostile: Hostile) -> dict[str, Any]:
        """An administrator names the other node, and it answers."""
        self.administrator.post("/partners", {"node": hostile.base})
        return self.met(hostile)

    def compare(self, hostile: Hostile) -> None:
        """Two administrators compare the fingerprint."""
        found = self.add(hostile)
        self.administrator.post(f"/partners/{found['id']}/verify", {"kid": found["fingerprint"]["kid"]})

    def forget(self, hostile: Hostile) -> None:
        """Have nothing to do with it any more."""
        for each in self.administrator.get("/partners")["items"]:
            if each["node"] == hostile.base:
                self.administrator.post(f"/partners/{each['id']}/block")

    def agree(self, hostile: Hostile, *others: Hostile, **members: object) -> tuple[str, str]:
        """An agreement in force, all kinds up to TLP:AMBER, that the two signed; its lineage and the document's digest.

        Args:
            hostile: its depositary.
            others: further parties, who have not signed.
            members: of the document, in place of its own.
        """
        lineage, digest = hostile.propose(_document(hostile, self.node.base, self._kid(), others) | members)
        hostile.knock()
        first, second = (self.node.api(self.node.nation.player("officer", which)) for which in (0, 1))
        wait_for("the proposal", lambda: first.raw("GET", f"/agreements/{lineage}").is_success or None)
        for officer in (first, second):
            officer.post(f"/agreements/{lineage}/approve", {"digest": digest})
        wait_for("force", lambda: first.get(f"/agreements/{lineage}")["state"] == "in-force" or None)
        return lineage, digest

    def _kid(self) -> str:
        token = httpx.get(f"{self.node.base}/.well-known/taawun", trust_env=False, verify=PLAIN).text
        return descriptor.read(token.strip(), at=now()).key.kid

    def import_one(self, name: str) -> str:
        """Import an indicator; its id."""
        one = indicator(name)
        begun = self.analyst.call(
            "POST", "/intel/imports", params={"name": name, "tlp": "TLP:GREEN"}, content=bundle(one)
        )
        path = f"/intel/imports/{begun['id']}"
        wait_for("the import", lambda: self.analyst.get(path)["state"] == "done" or None)
        return str(one["id"])

    def draft(self, title: str, indicator_id: str) -> str:
        """Draft a report about one indicator; its id."""
        body = {"title": title, "summary": title, "tlp": "TLP:GREEN", "object_ids": [indicator_id]}
        return str(self.analyst.post("/intel/reports", body)["id"])

    def outcomes(self, lane: HostileLane, count: int, seconds: float = 60) -> list[tuple[object, ...]]:
        """State and reason of each entry of a lane, once there are so many and none of them waits."""
        ask = "select state, reason from partners_laneentry where lane_id = ? order by seq"

        def look() -> list[tuple[object, ...]] | None:
            held = rows(self.node, ask, lane.id.hex)
            return held if len(held) >= count and all(state != "pending" for state, _why in held) else None

        found: list[tuple[object, ...]] = wait_for("the lane to be dealt with", look, seconds=seconds)
        return found


def _document(hostile: Hostile, victim: str, kid: str, others: Sequence[Hostile]) -> dict[str, Any]:
    clause = {
        "ref": "1",
        "title": {"en": "Reports"},
        "from": ["any"],
        "to": ["any"],
        "kinds": ["*"],
        "tlp_max": "TLP:AMBER",
        "onward": "none",
    }
    parties = [("h", hostile.base, hostile.key.kid), ("v", victim, kid)]
    parties += [(f"o{place}", other.base, other.key.kid) for place, other in enumerate(others)]
    return {
        "id": str(uuid4()),
        "version": 1,
        "title": {"en": "An agreement"},
        "parties": [
            {"ref": ref, "kind": "node", "node": node, "kid": key, "organisation": {"en": ref}}
            for ref, node, key in parties
        ],
        "clauses": [clause],
        "valid_from": "2026-01-01T00:00:00Z",
        "min_signatories": 2,
        "entry_into_force": "all",
        "notice_days": 0,
    }


def indicator(name: str) -> dict[str, Any]:
    """An indicator for an invented domain."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid4()}",
        "created": AT,
        "modified": AT,
        "name": name,
        "pattern": f"[domain-name:value = '{uuid4().hex}.example']",
        "pattern_type": "stix",
        "valid_from": AT,
    }


def bundle(*objects: dict[str, Any]) -> bytes:
    """A STIX bundle, as bytes."""
    return canonical({"type": "bundle", "id": f"bundle--{uuid4()}", "objects": list(objects)})


@contextmanager
def found_victim(folder: Path, tables: Path) -> Iterator[Victim]:
    """A node with people of every role, while it is needed."""
    node = with_tables(RunningNode(SOUTH, folder / "victim", free_ports(1)[0]), tables)
    try:
        node.found(f"walk-{secrets.token_hex(5)}")
        yield Victim(node)
    finally:
        node.stop()
