"""What the people of any number of nodes do with each other: they meet, agree, and take one more party in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from taawun.node.demo.nodes import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from taawun.node.demo.nodes import ApiClient, RunningNode

__all__ = ["Several", "clause"]

# Any: JSON of the machine interface and of agreements, here and below


class Several:
    """Nodes whose people act through the machine interface; whoever plays with some of them adds what they need."""

    @staticmethod
    def analyst(node: RunningNode) -> ApiClient:
        """An analyst of a node."""
        return node.api(node.nation.player("analyst"))

    @staticmethod
    def officer(node: RunningNode, which: int = 0) -> ApiClient:
        """An officer of a node: the first, or the second."""
        return node.api(node.nation.player("officer", which))

    @staticmethod
    def administrator(node: RunningNode) -> ApiClient:
        """The administrator of a node."""
        return node.api(node.nation.player("administrator"))

    # ---- partners -----------------------------------------------------------------------------------------------
    def meet(self, one: RunningNode, other: RunningNode) -> None:
        """One adds the other; at both an administrator holds the fingerprint for compared."""
        self.administrator(one).post("/partners", {"node": other.base})
        for at, of in ((one, other), (other, one)):
            found = wait_for("the two to meet", partial(self.met, at, of.base))
            self.administrator(at).post(
                f"/partners/{found['id']}/verify", {"kid": found["fingerprint"]["kid"]}
            )

    def met(self, at: RunningNode, base: str) -> dict[str, Any] | None:
        """What a node knows of another by its base address, once it has its key; None before."""
        found = self.known(at, base)
        return found if found.get("fingerprint") else None

    def partner(self, at: RunningNode, of: RunningNode) -> dict[str, Any]:
        """A node as another one knows it."""
        return self.known(at, of.base)

    def known(self, at: RunningNode, base: str) -> dict[str, Any]:
        """What a node knows of another by its base address; nothing where it knows none there."""
        known = self.administrator(at).get("/partners")["items"]
        found: dict[str, Any] = next((each for each in known if each["node"] == base), {})
        return found

    def key(self, node: RunningNode) -> str:
        """The thumbprint of a node's key."""
        return str(self.administrator(node).get("/node")["fingerprint"]["kid"])

    # ---- agreements ---------------------------------------------------------------------------------------------
    def propose(self, depositary: RunningNode, *others: RunningNode, **members: Any) -> str:
        """Draft a document and propose it; the agreement's id. ``members`` are of the document, of whatever type."""
        officer = self.officer(depositary)
        drafted = officer.post("/agreements", {"document": self.document(depositary, *others, **members)})
        edition = {"If-Match": f'"{drafted["draft_edition"]}"'}
        officer.post(f"/agreements/{drafted['id']}/propose", headers=edition)
        return str(drafted["id"])

    def document(self, *parties: RunningNode, **members: Any) -> dict[str, Any]:
        """A document between these, the first its depositary, but for ``members``; ``ratify`` are those who do."""
        ratify = members.pop("ratify", ())
        return {
            "id": str(uuid4()),
            "version": 1,
            "title": {
                "en": "Agreement of several",
                "ar": "اتفاقية متعددة الأطراف",
                "fr": "Accord à plusieurs",
            },
            "parties": [
                {
                    "ref": each.nation.code.lower(),
                    "kind": "node",
                    "node": each.base,
                    "nation": each.nation.code,
                    "organisation": {"en": each.nation.organisation[0]},
                    "kid": self.key(each),
                    **({"ratifies": True} if each in ratify else {}),
                }
                for each in parties
            ],
            "clauses": [clause("1")],
            "valid_from": (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "accession": "closed",
            "min_signatories": 2,
            "entry_into_force": "all",
            "notice_days": 0,
            "authentic_languages": ["en"],
            "prevailing": "en",
            **members,
        }

    def agreement(self, node: RunningNode, agreement: str, is_so: Callable[[Any], object]) -> Any:
        """An agreement as a node has it, once it is so.

        Raises:
            DemoFailed: it did not become so within a minute.
        """

        def look() -> Any:
            answer = self.officer(node).raw("GET", f"/agreements/{agreement}")
            return answer.json() if answer.is_success and is_so(answer.json()) else None

        return wait_for(f"the agreement to be so in the {node.nation.key}", look, seconds=60)

    def approve(self, node: RunningNode, agreement: str, digest: str, verb: str = "approve") -> None:
        """Two officers of a node approve, one after the other."""
        for which in (0, 1):
            self.officer(node, which).post(f"/agreements/{agreement}/{verb}", {"digest": digest})

    def agree(self, depositary: RunningNode, *others: RunningNode, **members: Any) -> str:
        """An agreement in force, signed by all that it names; its id. ``members`` are of the document."""
        agreement = self.propose(depositary, *others, **members)
        for node in (depositary, *others):
            held = self.agreement(node, agreement, lambda found: found["versions"])
            self.approve(node, agreement, held["versions"][-1]["digest"])
        for node in (depositary, *others):
            self.agreement(node, agreement, lambda found: found["state"] == "in-force")
        return agreement

    # ---- newcomers ----------------------------------------------------------------------------------------------
    def invite(self, depositary: RunningNode, agreement: str, newcomer: RunningNode) -> dict[str, Any]:
        """The depositary invites a node that the agreement does not name; the agreement as that one then has it."""
        invitation = {
            "partner": self.partner(depositary, newcomer)["id"],
            "ref": newcomer.nation.code.lower(),
        }
        self.officer(depositary).post(f"/agreements/{agreement}/invite", invitation)
        invited: dict[str, Any] = self.agreement(newcomer, agreement, lambda found: found["invitations"])
        return invited

    def accede(self, newcomer: RunningNode, agreement: str, *told: RunningNode) -> None:
        """Two officers of a node that was invited accede; done once it and all that are to be told know of it."""
        held = self.officer(newcomer).get(f"/agreements/{agreement}")
        self.approve(newcomer, agreement, held["versions"][-1]["digest"], "accede")
        ref = newcomer.nation.code.lower()
        for node in (newcomer, *told):
            self.agreement(node, agreement, lambda found: ref in found["acceded"])

    def confirm(self, at: RunningNode, agreement: str, newcomer: RunningNode) -> None:
        """An officer confirms a node that acceded: it may read what was sent before."""
        body = {"party": newcomer.base, "reads_earlier": True}
        self.officer(at).post(f"/agreements/{agreement}/newcomers", body)


def clause(ref: str, **changes: Any) -> dict[str, Any]:
    """A clause that lets reports and sightings up to TLP:GREEN flow between all, but for what is changed."""
    return {
        "ref": ref,
        "title": {"en": f"Clause {ref}"},
        "from": ["any"],
        "to": ["any"],
        "kinds": ["intel.report", "intel.sighting"],
        "topics": [],
        "tlp_max": "TLP:GREEN",
        "onward": "none",
        "history": "from-accession",
        "retention_days": None,
        "on_termination": "delete",
    } | changes
