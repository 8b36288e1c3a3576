"""The story the demonstration plays, over real HTTP, as the people of two nations would.

Every step goes through a page, the machine interface or a command; nothing is planted in a database. Each sentence
that is printed with a check mark was checked.
"""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from taawun.node.demo.nodes import DemoFailed, wait_for

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from taawun.node.demo.narration import Narrator
    from taawun.node.demo.nodes import ApiClient, RunningNode

__all__ = ["Material", "Story"]

_IMPORT_SECONDS: Final = 180.0
_TRAVEL_SECONDS: Final = 30.0
KIND: Final = "intel.report"
SEEN: Final = 3
# what a sighting can be of, the likeliest first
_OCCURRING: Final = ("indicator", "malware", "tool", "attack-pattern", "vulnerability", "observed-data")


@dataclass(frozen=True, slots=True)
class Material:
    """What the story is told with.

    Args:
        name: what the report's file is called.
        report: its bytes, STIX or MISP.
        attack: the ATT&CK bundle, imported first, or None.
    """

    name: str
    report: bytes
    attack: Path | None = None


@dataclass
class Story:
    """Two nations and what happens between them.

    Args:
        north, south: their nodes, not yet created.
        material: what is shared.
        tell: says it.
        password: of every person, made for this one play.
    """

    north: RunningNode
    south: RunningNode
    material: Material
    tell: Narrator
    password: str = field(default_factory=lambda: f"walk-{secrets.token_hex(5)}")
    agreement: str = ""
    report: str = ""
    release_seconds: float = 0.0

    def until_shared(self) -> None:
        """From nothing to a report that has reached the partner, and a sighting that came back."""
        self.found()
        self.meet()
        self.take_in()
        self.ask_without_agreement()
        self.agree()
        self.publish()
        self.sight()

    def after_that(self) -> None:
        """What else must hold: a marking too strict, a suspension, a withdrawal, and the trail of it all."""
        self.keep_at_home()
        self.suspend_and_resume()
        self.withdraw()
        self.prove()

    def found(self) -> None:
        """Two nodes with their own keys and databases, and people of each role."""
        with self.tell.step("Two nations set up a node each, and invite their people"):
            with ThreadPoolExecutor(2) as both:
                list(both.map(lambda node: node.found(self.password), (self.north, self.south)))
            for node in (self.north, self.south):
                self.tell.say(
                    f"{node.nation.organisation[0]}: {node.base}, {len(node.nation.players)} persons"
                )

    def meet(self) -> None:
        """Each adds the other; two administrators compare fingerprints."""
        with self.tell.step("They meet, and their administrators compare fingerprints"):
            for node, other in ((self.north, self.south), (self.south, self.north)):
                # one that listens elsewhere than at its address can only call
                self._admin(node).post("/partners", {"node": other.base, "calls_us": bool(other.called)})
            for node, other in ((self.north, self.south), (self.south, self.north)):
                shown = wait_for(f"{node.nation.key} to meet the other", partial(self._met, node))
                own = self._admin(other).get("/node", language="en")["fingerprint"]
                self.tell.check(
                    f"{node.nation.key} reads of {other.nation.key} what {other.nation.key} reads of itself: "
                    f"{', '.join(own['words'][:4])} …",
                    holds=shown["fingerprint"]["words"] == own["words"],
                    found=shown["fingerprint"],
                )
                verified = self._admin(node).post(
                    f"/partners/{shown['id']}/verify", {"kid": shown["fingerprint"]["kid"]}
                )
                self.tell.check(
                    f"{node.nation.key} holds {other.nation.key} for verified",
                    holds=verified["state"] == "verified",
                    found=verified,
                )

    def _met(self, node: RunningNode) -> Any:
        # the answers of the machine interface are JSON, here and below
        partners = self._admin(node).get("/partners", language="en")["items"]
        return next((each for each in partners if each["fingerprint"]), None)

    def take_in(self) -> None:
        """The analyst of the north brings in what is known, then what is new."""
        with self.tell.step("An analyst of the north brings in intelligence"):
            if self.material.attack:
                done = self.north.command(
                    "intel", "import", str(self.material.attack), "--tlp", "TLP:CLEAR", "--json"
                )
                self.tell.say(f"ATT&CK: {done.stdout.strip()}")
            analyst = self._analyst(self.north)
            begun = analyst.call(
                "POST",
                "/intel/imports",
                params={"name": self.material.name, "tlp": "TLP:GREEN"},
                content=self.material.report,
                headers={"Content-Type": "application/json"},
            )
            ended = wait_for("the import", lambda: self._ended(analyst, begun["id"]), seconds=_IMPORT_SECONDS)
            self.tell.check(
                f"“{self.material.name}” was taken in: {ended['counts']}",
                holds=ended["state"] == "done",
                found=ended,
            )
            reports = analyst.get("/intel/reports", state="draft")["items"]
            if not reports:
                raise DemoFailed("the file holds no report; give one with a STIX report or a MISP event")
            self.report = reports[0]["id"]
            self.tell.say(f"It brought the report “{reports[0]['title']}”, {reports[0]['tlp']}")

    @staticmethod
    def _ended(analyst: ApiClient, import_id: str) -> Any:
        found = analyst.get(f"/intel/imports/{import_id}")
        return found if found["state"] != "waiting" else None

    def ask_without_agreement(self) -> None:
        """Nobody would receive it yet, and the node says why."""
        with self.tell.step("Who would receive it? Nobody, for there is no agreement yet"):
            analyst = self._analyst(self.north)
            asked = analyst.post(f"/intel/reports/{self.report}/preview")
            self.tell.check("no party would receive the report", holds=not asked["receivers"], found=asked)
            refusal = analyst.refused("POST", f"/intel/reports/{self.report}/publish")
            self.tell.check(
                f"publishing is refused: “{refusal['detail']}”",
                holds=refusal["type"].endswith("nobody-receives"),
                found=refusal,
            )

    def agree(self) -> None:
        """Drafted, countered, adopted, approved by two persons on each side, signed by both nodes."""
        with self.tell.step(
            "Officers negotiate an agreement; two persons of each side approve; both nodes sign"
        ):
            north, south = self._officer(self.north), self._officer(self.south)
            partner = self._met(self.north)["id"]
            drafted = north.post(
                "/agreements",
                {
                    "template": "threat-sharing",
                    "partners": [partner],
                    "valid_from": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
                },
            )
            self.agreement = drafted["id"]
            self._propose(north)
            proposed = wait_for("the proposal in the south", lambda: self._in_state(south, "proposed"))
            self._counter(south, proposed["versions"][-1]["number"])
            countered = wait_for("the counter-proposal", lambda: self._in_state(north, "countered"))
            suggestion = next(each for each in countered["history"] if each["what"] == "countered")
            north.post(f"/agreements/{self.agreement}/adopt", {"suggestion": suggestion["instrument"]})
            self._propose(north)
            wait_for("version 2 in the south", lambda: self._version(south, 2))
            self._approve(self.north)
            self._approve(self.south)
            for node in (self.north, self.south):
                held = wait_for(
                    "the agreement in force", partial(self._in_state, self._officer(node), "in-force")
                )
                self.tell.check(
                    f"{node.nation.key}: {held['code']} version {held['version']} is in force",
                    holds=held["version"] == 2,  # noqa: PLR2004 - the counter-proposal became version 2
                    found=held,
                )

    def _propose(self, officer: ApiClient) -> None:
        edition = officer.get(f"/agreements/{self.agreement}")["draft_edition"]
        officer.post(f"/agreements/{self.agreement}/propose", headers={"If-Match": f'"{edition}"'})

    def _counter(self, officer: ApiClient, number: int) -> None:
        document = officer.get(f"/agreements/{self.agreement}/versions/{number}")["document"]
        document["clauses"][0]["retention_days"] = 365
        note = "We keep reports for a year; that serves us both."
        officer.post(f"/agreements/{self.agreement}/counter", {"document": document, "note": note})

    def _approve(self, node: RunningNode) -> None:
        digest = self._officer(node).get(f"/agreements/{self.agreement}")["versions"][-1]["digest"]
        for which in (0, 1):
            officer = node.api(node.nation.player("officer", which))
            officer.post(f"/agreements/{self.agreement}/approve", {"digest": digest})

    def _version(self, officer: ApiClient, number: int) -> Any:
        held = officer.get(f"/agreements/{self.agreement}")
        return held if any(each["number"] == number for each in held["versions"]) else None

    def _in_state(self, officer: ApiClient, state: str) -> Any:
        found = officer.raw("GET", f"/agreements/{self.agreement}")
        held = found.json() if found.is_success else {}
        return held if held.get("state") == state else None

    def publish(self) -> None:
        """Asked again, then published: it reaches the partner, whole, with its provenance."""
        with self.tell.step("Who would receive it now? The south, by clause 1. It is published, and travels"):
            analyst, there = self._analyst(self.north), self._analyst(self.south)
            asked = analyst.post(f"/intel/reports/{self.report}/preview")
            receiver = next((each for each in asked["receivers"] if each["party"] == self.south.base), None)
            if receiver is None:
                raise DemoFailed(f"the south should be among the receivers: {asked}")
            self.tell.check(
                f"the south would receive it: “{receiver['sentence']}”",
                holds=receiver["clause"]["clause"] == "1",
                found=asked,
            )
            start = time.monotonic()
            published = analyst.post(f"/intel/reports/{self.report}/publish")
            arrived = wait_for(
                "the report in the south", lambda: self._received(there), seconds=_TRAVEL_SECONDS
            )
            self.release_seconds = time.monotonic() - start
            self.tell.check(
                f"the south holds “{arrived['title']}” {self.release_seconds:.1f} s later",
                holds=arrived["title"] == published["title"],
                found=arrived,
            )
            self._same_objects(analyst, there, arrived["id"])
            self._receipt(analyst)

    def _received(self, there: ApiClient) -> Any:
        found = there.get("/intel/reports", state="received")["items"]
        return found[0] if found else None

    def _same_objects(self, here: ApiClient, there: ApiClient, received: str) -> None:
        sent = self._texts(here.raw("GET", f"/intel/reports/{self.report}/bundle").json())
        came = self._texts(there.raw("GET", f"/intel/reports/{received}/bundle").json())
        self.tell.check(
            f"all {len(sent)} objects of it arrived unchanged",
            holds=bool(sent) and sent == came,
            found=len(came),
        )

    @staticmethod
    def _texts(bundle: Mapping[str, Any]) -> dict[str, Any]:
        return {each["id"]: each for each in bundle["objects"]}

    def _receipt(self, analyst: ApiClient) -> None:
        release = analyst.get("/federation/releases", direction="sent", kind=KIND)["items"][0]["id"]
        receipt = wait_for(
            "the receipt", partial(self._first, analyst, f"/federation/releases/{release}/receipts")
        )
        self.tell.check(
            "the south signed a receipt for it", holds=receipt["outcome"] == "done", found=receipt
        )

    @staticmethod
    def _first(api: ApiClient, path: str, **query: str) -> Any:
        items = api.get(path, **query)["items"]
        return items[0] if items else None

    def sight(self) -> None:
        """The partner saw one of the objects, and says so."""
        with self.tell.step("The south has seen one of its objects, and tells the north"):
            there, here = self._analyst(self.south), self._analyst(self.north)
            received = self._received(there)["id"]
            bundle = there.raw("GET", f"/intel/reports/{received}/bundle").json()
            seen = self._worth_sighting(bundle)
            sighted = there.post(
                "/intel/sightings", {"of": seen, "count": SEEN, "note": "Seen at our mail gateway."}
            )
            self.tell.check(
                "the sighting goes to the north, and to nobody else",
                holds=sighted["sent_to"] == [self.north.base],
                found=sighted,
            )
            came = wait_for(
                "the sighting in the north", partial(self._first, here, "/intel/sightings", of=seen)
            )
            self.tell.check(
                f"the north knows that the south saw it {SEEN} times",
                holds=came["count"] == SEEN,
                found=came,
            )

    @staticmethod
    def _worth_sighting(bundle: Mapping[str, Any]) -> str:
        """An indicator if there is one, else something that occurs, else whatever the report names."""
        objects = bundle["objects"]
        found = {each["type"]: each for each in reversed(objects)}
        chosen = next((found[each] for each in _OCCURRING if each in found), None)
        report = next(each for each in objects if each["type"] in {"report", "grouping"})
        seen: str = chosen["id"] if chosen else report["object_refs"][0]
        return seen

    def keep_at_home(self) -> None:
        """A report that is marked more strictly than the clause allows stays where it is."""
        with self.tell.step("A report marked TLP:AMBER+STRICT stays at home: the clause goes up to AMBER"):
            analyst = self._analyst(self.north)
            named = analyst.get(f"/intel/reports/{self.report}")["object_ids"][:1]
            body = {
                "title": "For ourselves alone",
                "summary": "Stays inside our organisation.",
                "tlp": "TLP:AMBER+STRICT",
                "object_ids": named,
            }
            strict = analyst.post("/intel/reports", body)["id"]
            asked = analyst.post(f"/intel/reports/{strict}/preview")
            refused = next(each for each in asked["others"] if each["party"] == self.south.base)
            self.tell.check(
                f"the south would not receive it: “{refused['sentence']}”",
                holds=not asked["receivers"] and refused["reason"] == "tlp",
                found=asked,
            )

    def suspend_and_resume(self) -> None:
        """A suspension takes effect at once, here and there."""
        with self.tell.step("The north suspends the agreement: nothing flows; then resumes it"):
            officer, analyst = self._officer(self.north), self._analyst(self.north)
            officer.post(f"/agreements/{self.agreement}/suspend", {"note": "We check something."})
            question = {"kind": KIND, "tlp": "TLP:GREEN"}
            asked = analyst.post("/federation/decide", question)
            self.tell.check(
                "the next request already finds it suspended",
                holds=not asked["receivers"] and asked["others"][0]["reason"] == "suspended",
                found=asked,
            )
            wait_for(
                "the suspension in the south", lambda: self._in_state(self._officer(self.south), "suspended")
            )
            officer.post(f"/agreements/{self.agreement}/resume", {"note": "All is well."})
            wait_for(
                "the resumption in the south", lambda: self._in_state(self._officer(self.south), "in-force")
            )
            asked = analyst.post("/federation/decide", question)
            self.tell.check(
                "once resumed, the south would receive again", holds=bool(asked["receivers"]), found=asked
            )

    def withdraw(self) -> None:
        """The report is withdrawn: its content goes at the partner too."""
        with self.tell.step("The north withdraws the report"):
            analyst, there = self._analyst(self.north), self._analyst(self.south)
            received = self._received(there)["id"]
            why = "It named a shared server."
            analyst.post(f"/intel/reports/{self.report}/withdraw", {"reason": why})

            def gone() -> Any:
                found = there.get(f"/intel/reports/{received}")
                return found if found["state"] == "withdrawn" else None

            emptied = wait_for("the withdrawal in the south", gone)
            self.tell.check(
                "the south's copy is withdrawn and its objects are gone",
                holds=not emptied["object_ids"],
                found=emptied,
            )

            def reasons() -> Any:
                said = there.get("/federation/releases")["items"]
                return said if any(each["withdrawal_reason"] == why for each in said) else None

            self.tell.check(
                "the south is told why", holds=bool(wait_for("the reason in the south", reasons)), found=why
            )

    def prove(self) -> None:
        """Trail and lanes hold on both sides."""
        with self.tell.step("Both prove what happened"):
            for node in (self.north, self.south):
                wait_for("the trail to be sealed", partial(self._sealed, node))
                lanes = self._lanes(node)
                self.tell.check(
                    f"{node.nation.key}: the audit trail is unbroken, and its {len(lanes)} lanes run",
                    holds=all(each["state"] == "running" for each in lanes),
                    found=lanes,
                )

    def _sealed(self, node: RunningNode) -> bool | None:
        done = node.command("audit", "verify", "--json", check=False)
        if done.returncode:
            raise DemoFailed(f"the audit trail of {node.nation.key} is broken: {done.stdout}")
        return True if '"unsealed": 0' in done.stdout else None

    def _lanes(self, node: RunningNode) -> list[Any]:
        api = self._admin(node)
        partner = api.get("/partners")["items"][0]["id"]
        found: list[Any] = api.get(f"/partners/{partner}/lanes")["items"]
        return found

    @staticmethod
    def _admin(node: RunningNode) -> ApiClient:
        return node.api(node.nation.player("administrator"))

    @staticmethod
    def _analyst(node: RunningNode) -> ApiClient:
        return node.api(node.nation.player("analyst"))

    @staticmethod
    def _officer(node: RunningNode) -> ApiClient:
        return node.api(node.nation.player("officer"))
