"""What went wrong between two nodes, kept as a code with facts and said in the reader's language.

Receipts, entries, stopped lanes and failed calls carry codes only: who reads about them may read another language than
whoever was there. What has no words here is shown as it was kept, as are rows of an older node that kept a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from taawun.cooperation.partners.errors import DescriptorRefused, PartnerRefused
from taawun.foundation.errors import CodedError
from taawun.platform.web.formats import digits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

    from taawun.cooperation.partners.models import Partner

__all__ = [
    "OWN_FAULT",
    "Problem",
    "entry_reason",
    "is_not_called",
    "last_problem",
    "problem_of",
    "return_fault",
    "stop_reason",
]

OWN_FAULT: Final = "own-fault"

# why a lane was stopped
_STOPS: Final[Mapping[str, _StrOrPromise]] = {
    "gap": gettext_lazy("an entry is missing"),
    "reordered": gettext_lazy("entries are out of order"),
    "fork": gettext_lazy("the sender signed two different histories"),
    "signature": gettext_lazy("a signature is not the sender's"),
    "digest": gettext_lazy("a content is not the one that was signed for"),
    "malformed": gettext_lazy("an entry cannot be read"),
    "truncated": gettext_lazy("entries that were signed for are not served any more"),
    "sender": gettext_lazy("an entry belongs to another lane or sender"),
    "opening": gettext_lazy("its first entry says that it is another lane than it was offered as"),
    "too-many-joined": gettext_lazy("it announces new readers more often than a lane may"),
}

# why a call to a node failed
_CALLS: Final[Mapping[str, _StrOrPromise]] = {
    "no-such-host": gettext_lazy("its address cannot be looked up"),
    "unreachable": gettext_lazy("it cannot be reached"),
    "tls-failed": gettext_lazy("its certificate cannot be trusted"),
    "too-slow": gettext_lazy("it took too long"),
    "broken-off": gettext_lazy("the connection broke off"),
    "bad-answer": gettext_lazy("its answer cannot be read"),
    "bad-setting": gettext_lazy("TAAWUN_OUTBOUND_ALLOW cannot be read"),
    "bad-url": gettext_lazy("its address is none that can be called"),
    "not-https": gettext_lazy("it is called by HTTPS only; TAAWUN_OUTBOUND_ALLOW can name an exception"),
    "private-address": gettext_lazy(
        "it has no public address; whoever runs this node has to add %(place)s to TAAWUN_OUTBOUND_ALLOW and restart it"
    ),
    "redirect": gettext_lazy("it answers that it has moved; add it by its new address"),
    "answer-too-large": gettext_lazy("its answer is too large"),
    "line-too-long": gettext_lazy("a line of its answer is too long"),
    "unknown-encoding": gettext_lazy("its answer is compressed in a way that is not read here"),
    "bad-request": gettext_lazy("the request to it cannot be sent"),
    "no-descriptor": gettext_lazy("it answered %(status)s instead of its descriptor"),
    "bad-list": gettext_lazy("its list of lanes cannot be read"),
    "bad-range": gettext_lazy("it served another part of a content than it was asked for"),
    "both-unreachable": gettext_lazy(
        "neither it nor this node can be called; one of the two has to accept connections"
    ),
    "not-delivered": gettext_lazy("it has not delivered the content yet"),
    "stale-head": gettext_lazy("it delivers its talk with a signature of long ago, which is not heard"),
    "descriptor-refused": gettext_lazy("its descriptor is not accepted: %(why)s"),
    "return-refused": gettext_lazy("what it holds of the lanes of this node is not taken"),
    "http": gettext_lazy("it answered %(status)s: %(said)s"),
    OWN_FAULT: gettext_lazy("an error at this node; see its log"),
}

# what this node refuses by itself before anything leaves it
_NOT_CALLED: Final = frozenset({"bad-setting", "bad-url", "not-https", "private-address"})
_PORTS: Final = {"https": 443, "http": 80}

# what another node says when it refuses: the codes of its problem documents
_SAID: Final[Mapping[str, _StrOrPromise]] = {
    "partner-blocked": gettext_lazy("it has blocked this node"),
    "too-many-strangers": gettext_lazy("too many unknown nodes have introduced themselves there"),
    "too-many-requests": gettext_lazy("too many unknown nodes came from the address of this one"),
    "returning": gettext_lazy(
        "it was restored from a backup and waits for what its partners hold of its lanes"
    ),
    "asked-too-often": gettext_lazy("it is asked too often by this node"),
    "unknown-key": gettext_lazy("it does not know the key of this node"),
    "other-key": gettext_lazy("it waits for another key than that of this node"),
    "address-taken": gettext_lazy(
        "somebody else has introduced themselves there under the address of this node"
    ),
    "descriptor-lapsed": gettext_lazy("the descriptor of this node has lapsed there"),
    "line-busy": gettext_lazy("its line is busy at the moment"),
    "busy": gettext_lazy("it is still dealing with what this node delivered before"),
    "no-room": gettext_lazy("its disk is almost full, and it takes nothing for the moment"),
    "gap": gettext_lazy("it expects another entry than the one it was brought"),
    "not-wanted": gettext_lazy("it does not wait for the content that it was brought"),
    "other-content": gettext_lazy("what it was brought is another content than the one that was signed for"),
    "other-place": gettext_lazy("it expects another part of a content than the one it was brought"),
    "retired-key": gettext_lazy("it knows of a newer key of this node than the one that signed the request"),
    "expired": gettext_lazy("the clocks of the two nodes differ"),
    "not-yet-valid": gettext_lazy("the clocks of the two nodes differ"),
    "future": gettext_lazy("the clocks of the two nodes differ"),
    "replayed": gettext_lazy("it saw the same request before"),
    "withdrawn": gettext_lazy("the content was withdrawn"),
    "no-such-blob": gettext_lazy("it does not give the content out at the moment"),
    "no-such-lane": gettext_lazy("it does not let this node read the lane"),
}

_DESCRIPTORS: Final[Mapping[str, _StrOrPromise]] = {
    "signature": gettext_lazy("its signature does not verify"),
    "malformed": gettext_lazy("it cannot be read"),
    "protocol": gettext_lazy("it speaks another protocol"),
    "kind": gettext_lazy("it names no kind of node that is known here"),
    "nation": gettext_lazy("its nation is not two capital letters"),
    "node": gettext_lazy("it is that of another address"),
    "issued": gettext_lazy("it is issued in the future: compare the two clocks"),
    "lapsed": gettext_lazy("it has lapsed"),
    "valid-until": gettext_lazy("it claims to be valid for too long"),
    "key-changed": gettext_lazy("it names another key than the one that is held"),
    "retired-key": gettext_lazy("it names a key that the node had replaced"),
    "older": gettext_lazy("it is older than the one that is held"),
    "other-key": gettext_lazy("it names another key than the one that is waited for"),
}

# what became of an entry, seen from whoever received it
_ENTRIES: Final[Mapping[str, _StrOrPromise]] = {
    "unknown-kind": gettext_lazy("its receiver does not know this kind"),
    "to-set-aside": gettext_lazy("the key that signed it was revoked"),
    "dropped": gettext_lazy("the key that signed it was revoked, and its receiver dropped it"),
    "revoked-key": gettext_lazy("the key that signed it was revoked"),
    "retired-key": gettext_lazy(
        "the key that signed it was replaced, and its author has not said yet that it holds it"
    ),
    "own-word-forged": gettext_lazy("it is in the name of its receiver, which never said it"),
    "not-vouched": gettext_lazy(
        "the key that signed it was replaced, and the present key of its sender has not signed for it yet"
    ),
    "unverified-quota": gettext_lazy("its sender has said all that one may before fingerprints are compared"),
    "too-large": gettext_lazy("it is larger than its receiver takes"),
    "past": gettext_lazy("it is dated before 1970: compare the two clocks"),
    "long-header": gettext_lazy(
        "its header names too many topics, parties, persons or languages, or one that is too long"
    ),
    "not-to-us": gettext_lazy("it is addressed to another node"),
    "not-in-audience": gettext_lazy("its receiver is not in its audience"),
    "other-clause": gettext_lazy("it names another clause than its lane"),
    "red-unnamed": gettext_lazy("TLP:RED names the persons it is for, and this names nobody"),
    "not-verified": gettext_lazy("the fingerprint of its sender is not compared yet"),
    "partner-blocked": gettext_lazy("its sender is blocked"),
    "descriptor-lapsed": gettext_lazy("the descriptor of its receiver has lapsed"),
    "unknown-agreement": gettext_lazy("its receiver does not hold the agreement that it names"),
    "no-agreement": gettext_lazy("there is no agreement for it"),
    "direction": gettext_lazy("no clause lets its sender send to its receiver"),
    "kind": gettext_lazy("no clause covers its kind"),
    "topics": gettext_lazy("its clause covers other topics"),
    "tlp": gettext_lazy("its marking is stricter than its clause allows"),
    "unsigned": gettext_lazy("the agreement is not signed by all its parties"),
    "unratified": gettext_lazy("the agreement is not ratified by all its parties"),
    "left": gettext_lazy("one of its two nodes has left the agreement"),
    "narrowed": gettext_lazy("one of its two nodes has declared that it gives or takes less"),
    "not-begun": gettext_lazy("the agreement is not in force yet"),
    "suspended": gettext_lazy("the agreement is suspended"),
    "ended": gettext_lazy("the agreement is no longer in force"),
    "expired": gettext_lazy("the agreement has expired"),
    "terminated": gettext_lazy("the agreement was terminated"),
    "audience": gettext_lazy("its receiver is not in its audience"),
    "onward": gettext_lazy("its source does not allow it onward"),
    "origin-malformed": gettext_lazy("the header of its source cannot be read"),
    "origin-differs": gettext_lazy("it is not what its source signed"),
    "origin-not-theirs": gettext_lazy("its source did not send it to who shared it onward"),
    "origin-not-onward": gettext_lazy("its source does not allow it onward to its receiver"),
    "origin-signature": gettext_lazy("the signature of its source does not verify"),
    "origin-revoked": gettext_lazy("its source had revoked the key that signed it"),
    "came-from-here": gettext_lazy("it came from its receiver in the first place"),
    "source-blocked": gettext_lazy("its source is blocked"),
    "withdrawn-by-source": gettext_lazy("its source had withdrawn it before"),
    "conflict": gettext_lazy("the same version was sent before with another content, marking or readers"),
    "document-refused": gettext_lazy("the document cannot be accepted as it is"),
    "not-depositary": gettext_lazy("its sender is not the depositary"),
    "not-a-party": gettext_lazy("its receiver is not a party of the document"),
    "unknown-key": gettext_lazy("its receiver does not know the key that signed it"),
    "too-many-waiting": gettext_lazy("too many others of its sender wait to be answered there"),
    "unknown-instrument": gettext_lazy("its receiver does not know this instrument"),
    "future": gettext_lazy("it is signed in the future: compare the two clocks"),
    "unknown-lane": gettext_lazy("it speaks of a lane that its receiver does not have with its sender"),
    "not-genuine": gettext_lazy("it cannot be read, or its signature is not its sender's"),
    "not-clear": gettext_lazy("a public lane carries nothing but TLP:CLEAR"),
    "not-public": gettext_lazy("it is on a public lane, and names for whom it is"),
    "not-followed": gettext_lazy("its receiver follows the public lane no longer"),
    "before-accession": gettext_lazy(
        "it was sent before this node joined, under a clause that gave newcomers no history"
    ),
    "left-behind": gettext_lazy("it stands in a history that a restart of its lane left behind"),
    "unknown-reset": gettext_lazy("it belongs to no restart of a lane that is under way"),
    "replaced": gettext_lazy("a later proposal has taken its place"),
    "proves-nothing": gettext_lazy("what it shows as a proof does not prove anything"),
    "other-head": gettext_lazy("it signs for another history than the one that was sent"),
    "not-theirs": gettext_lazy("somebody else sent the same before"),
    "our-name": gettext_lazy("something in it is said in the name of its receiver"),
    "not-valid": gettext_lazy("its content is not valid"),
    "not-stix-2.1": gettext_lazy("its content is not STIX 2.1"),
    "too-many-objects": gettext_lazy("it holds too many objects"),
    "marking": gettext_lazy("something in it is marked more strictly than the whole"),
    "no-report": gettext_lazy("it does not hold the report that it names"),
    "no-sighting": gettext_lazy("it does not hold the sighting that it names"),
    "other-version": gettext_lazy("it holds another version than it names"),
    OWN_FAULT: gettext_lazy("an error at its receiver, whose log says more"),
}

# why a restored node did not take what a partner holds of its lanes
_RETURNS: Final[Mapping[str, _StrOrPromise]] = {
    "signature": gettext_lazy("it is not signed by the key of this node"),
    "sender": gettext_lazy("it belongs to another lane or sender"),
    "gap": gettext_lazy("an entry is missing"),
    "reordered": gettext_lazy("entries are out of order"),
    "fork": gettext_lazy(
        "the key of this node signed two different histories: it was stolen, or a second copy of this node ran"
    ),
    "digest": gettext_lazy("a content is not the one that was signed for"),
    "malformed": gettext_lazy("it cannot be read"),
    "truncated": gettext_lazy("it sends less than it says it holds"),
    "not-a-reader": gettext_lazy("it is of a lane that it does not read"),
    "floor": gettext_lazy("it says that it began to read a lane later than it did"),
    "out-of-reach": gettext_lazy("it holds what followed entries that nobody has told yet"),
    "key-forgotten": gettext_lazy(
        "the key of this node was replaced after the backup, and the node does not have the one that followed"
    ),
    "key-disputed": gettext_lazy("another partner shows another key that followed the key of this node"),
    "not-awaited": gettext_lazy("this node does not wait for it any more"),
    "retired-key": gettext_lazy(
        "it is signed with a key that this node had replaced by then: somebody else has that key"
    ),
    "revoked-key": gettext_lazy("it is signed with a key that this node has revoked"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a call or an entry failed.

    Args:
        code: stable code.
        facts: what its sentence is made of.
        said: the same in English, for logs and for readers of a code that has no words.
    """

    code: str
    facts: Mapping[str, str] = field(default_factory=dict)
    said: str = ""


def problem_of(error: Exception) -> Problem:
    """A failed call as it is kept."""
    said = str(error)
    if isinstance(error, DescriptorRefused):
        return Problem("descriptor-refused", {"why": error.code}, said)
    if isinstance(error, PartnerRefused):
        return Problem(error.code, error.facts, said)
    if isinstance(error, CodedError):
        return Problem(error.code, {}, said)
    return Problem(OWN_FAULT, {}, f"{type(error).__name__}: {said}")


def last_problem(partner: Partner) -> str:
    """Why the last call to a partner failed, in the reader's language; empty where none did."""
    words = _CALLS.get(partner.last_error_code)
    if words is None:
        return partner.last_error
    told: dict[str, str] = {name: str(value) for name, value in partner.last_error_facts.items()}
    said = _SAID.get(told.get("type", ""))
    facts = {
        "place": _place(partner.node),
        "status": digits(told.get("status", "")),
        "why": str(_DESCRIPTORS.get(told.get("why", ""), told.get("why", ""))),
        # its own words, where it says something this node has no words for
        "said": str(said) if said else told.get("detail", ""),
    }
    if partner.last_error_code == "http" and not facts["said"]:
        return _("it answered %(status)s") % facts
    return str(words) % facts


def _place(node: str) -> str:
    """Host and port of a node, as TAAWUN_OUTBOUND_ALLOW takes them."""
    address = urlsplit(node)
    return address.netloc if address.port else f"{address.netloc}:{_PORTS.get(address.scheme, '')}"


def is_not_called(partner: Partner) -> bool:
    """Whether this node itself refuses to call a partner, so that waiting helps nothing."""
    return partner.last_error_code in _NOT_CALLED


def return_fault(code: str) -> str:
    """Why what a partner told a restored node was not taken, in the reader's words; an unknown code as it is."""
    return str(_RETURNS.get(code, code))


def stop_reason(code: str) -> str:
    """Why a lane was stopped, in the reader's words; an unknown code is shown as it is."""
    return str(_STOPS.get(code, code))


def entry_reason(code: str) -> str:
    """What an entry was refused, kept unopened or left waiting for, in the reader's words.

    Args:
        code: as it was kept here, or as its receiver signed for it.

    Returns:
        The words; an unknown code, and what an older node kept as a sentence, as it is.
    """
    for words in (_ENTRIES, _STOPS, _SAID, _CALLS):
        # those with facts are of calls alone
        if code in words and "%(" not in str(words[code]):
            return str(words[code])
    return code
