"""Reading agreements: their evidence, the policy compiled from it, and the decision as a database condition."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Exists, F, OuterRef, Q, UUIDField, Value
from django.db.models.functions import Concat
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from taawun.cooperation.agreements import shelf
from taawun.cooperation.agreements.document import parse
from taawun.cooperation.agreements.keeping import stands_for
from taawun.cooperation.agreements.models import (
    Agreement,
    Newcomer,
    PartyInstrument,
    PartySignature,
    Scan,
    Version,
)
from taawun.cooperation.agreements.policy import Agreed, PartnerTrust, Policy, compile_policy
from taawun.cooperation.agreements.standing import Evidence, Signature, stand
from taawun.cooperation.agreements.statements import instrument_of
from taawun.cooperation.partners.identity.keys import lineage_of
from taawun.cooperation.partners.models import Partner, PolicyGeneration
from taawun.cooperation.partners.rules import can_receive
from taawun.cooperation.people.queries import host
from taawun.cooperation.people.rules import Refused
from taawun.foundation.clock import now
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.queries import Filters, entries
from taawun.platform.web.drafts import Standing as DraftStanding
from taawun.platform.web.questions import Question, given
from taawun.platform.web.unit import forget, once

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import Model, QuerySet

    from taawun.cooperation.agreements.decision import Grant
    from taawun.cooperation.agreements.document import Document, Paper, Party
    from taawun.cooperation.agreements.standing import Instrument, Standing, Window
    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "Speakers",
    "current_policy",
    "draft_standing",
    "evidence_of",
    "forget_policy",
    "named_parties",
    "newest_documents",
    "papers_of",
    "party_name",
    "policy_for_guest",
    "policy_of_sender",
    "readable_by",
    "standing_of",
    "standings",
    "standings_of",
    "windows_of",
]

_FEW: Final = 200
# rows of a list that are read at once rather than asked for one by one
_FEW_ROWS: Final = 60_000


@dataclass
class _Compiled:
    """What is kept of one generation: the agreements, read once, and each policy that was asked for.

    Args:
        generation: the mark of the changes it was read at.
        agreed: all agreements.
        by_party: those of each node that is a party of one of their versions.
        windows: of each agreement when its versions that came about are, were or will be in force, oldest first.
        outbound: the policy of this node as the sender.
        inbound: the policy of each partner, and of each guest of one, as the sender.
        guests: the policy of each guest of this node as the sender, in one agreement.
        named: the parties as the agreements name them, by their keys.
    """

    generation: int
    agreed: list[Agreed]
    by_party: dict[str, list[Agreed]]
    windows: dict[UUID, tuple[Window, ...]]
    outbound: Policy | None = None
    inbound: dict[str, Policy] = field(default_factory=dict)
    guests: dict[tuple[str, UUID], Policy] = field(default_factory=dict)
    named: dict[str, Party] | None = None


_held: _Compiled | None = None


def current_policy() -> Policy:
    """The policy as of now: recompiled when anything it is made of has changed, in whatever process.

    The generation is read from the database once per request, so a suspension takes effect at once everywhere.
    """
    return once("agreements.policy", _fresh_policy, Policy)


def _fresh_policy() -> Policy:
    held = _of_generation(_generation())
    if held.outbound is None:
        held.outbound = _compile_own(settings.BASE_URL, held)
    return held.outbound


def policy_for_guest(key: str, agreement: UUID) -> Policy:
    """The same rules of one agreement with a guest of this node as the sender, for whom this node signs and sends.

    Args:
        key: the guest's party key; in another agreement somebody else may bear it.
        agreement: lineage.
    """
    held = _of_generation(_generation())
    found = held.guests.get((key, agreement))
    if found is None:
        found = held.guests[key, agreement] = _compile_own(key, held, agreement)
    return found


def _compile_own(sender: str, held: _Compiled, agreement: UUID | None = None) -> Policy:
    at = now()
    trust = {partner.node: _trust(partner, at) for partner in Partner.objects.all()}
    confirmed = {(each.lineage, each.party): each.reads_earlier for each in Newcomer.objects.all()}
    agreed = [each for each in held.agreed if agreement is None or _is_of(each, agreement)]
    return compile_policy(sender, agreed, trust, held.generation, confirmed)


def _is_of(agreed: Agreed, lineage: UUID) -> bool:
    current = agreed.standing.current
    return current is not None and current.id == lineage


def policy_of_sender(node: str) -> Policy:
    """The same rules with a partner as the sender: what it may send to us.

    Args:
        node: the partner's base address, or the party key of a guest of it.
    """
    held = _of_generation(_generation())
    found = held.inbound.get(node)
    if found is None:
        ourselves = {settings.BASE_URL: PartnerTrust("", float("inf"))}
        its_own = held.by_party.get(node.partition("#")[0], [])
        found = held.inbound[node] = compile_policy(node, its_own, ourselves, held.generation)
    return found


def forget_policy() -> None:
    """Whoever changed an agreement in this unit of work sees the change in it."""
    forget("agreements.policy")
    forget("agreements.generation")


def _generation() -> int:
    return once("agreements.generation", PolicyGeneration.current, int)


def _of_generation(generation: int) -> _Compiled:
    global _held  # noqa: PLW0603 - what is compiled is kept once a process, replaced as a whole
    held = _held
    if held is None or held.generation != generation:
        stood = standings(now())
        agreed = [Agreed(agreement.code, standing) for agreement, standing in stood]
        windows = {agreement.id: standing.windows for agreement, standing in stood}
        held = _held = _Compiled(generation, agreed, _by_party(agreed), windows)
    return held


def windows_of(agreement: UUID) -> tuple[Window, ...]:
    """When the versions of an agreement that came about are, were or will be in force, oldest first.

    It is read with the policy, and kept with it: however much is proposed, asking costs no text.

    Args:
        agreement: its lineage.
    """
    return _of_generation(_generation()).windows.get(agreement, ())


def _by_party(agreed: Iterable[Agreed]) -> dict[str, list[Agreed]]:
    """The agreements that a node's policy as a sender is compiled from, for each node."""
    found: dict[str, list[Agreed]] = {}
    for each in agreed:
        current = each.standing.current
        documents = [*(window.document for window in each.standing.windows), *([current] if current else [])]
        for node in {party.node for document in documents for party in document.parties if party.node}:
            found.setdefault(node, []).append(each)
    return found


def _trust(partner: Partner, at: datetime) -> PartnerTrust:
    answer = can_receive(partner, at)
    hindrance = answer.reason if isinstance(answer, Refused) else ""
    until = partner.descriptor_valid_until
    return PartnerTrust(hindrance, until.timestamp() if until else 0.0)


def standings(at: datetime) -> list[tuple[Agreement, Standing]]:
    """Every agreement with where it stands, by number; in five queries however many there are."""
    agreements = list(Agreement.objects.order_by("number"))
    # all of them are asked for by no condition, which is faster than a thousand ids
    evidence = _evidence(agreements, Q())
    return [(agreement, stand(evidence[agreement.id], at)) for agreement in agreements]


def standings_of(agreements: Sequence[Agreement], at: datetime | None = None) -> dict[UUID, Standing]:
    """Where some agreements stand, by id; in four queries."""
    if len(agreements) == 1:
        evidence: Mapping[UUID, Evidence] = {agreements[0].id: evidence_of(agreements[0])}
    else:
        evidence = _evidence(agreements, Q(lineage__in=[agreement.id for agreement in agreements]))
    moment = at or now()
    return {key: stand(found, moment) for key, found in evidence.items()}


def standing_of(agreement: Agreement, at: datetime | None = None) -> Standing:
    """Where one agreement stands."""
    return stand(evidence_of(agreement), at or now())


def evidence_of(agreement: Agreement) -> Evidence:
    """Everything that was signed about one agreement."""
    lineage = agreement.id
    documents = _read(_VERSIONS_OF.ask(lineage=lineage), Q(lineage=lineage))
    rows = [
        PartyInstrument.from_db(DEFAULT_DB_ALIAS, _INSTRUMENT, row)
        for row in _INSTRUMENTS_OF.ask(lineage=lineage)
    ]
    return _weighed({lineage}, documents, _SIGNATURES_OF.ask(lineage=lineage), rows)[lineage]


_SIGNATURE: Final = ("lineage", "digest", "node", "at", "received")
_INSTRUMENT: Final = tuple(each.attname for each in PartyInstrument._meta.concrete_fields)  # noqa: SLF001 - Django's public name for it
# where one agreement stands is asked several times on its page, and wherever something is done under it
_LINEAGE: Final = given("lineage", UUIDField())
_VERSIONS_OF: Final = Question(
    lambda: Version.objects.filter(agreement=_LINEAGE).values_list("agreement_id", "digest")
)
_SIGNATURES_OF: Final = Question(
    lambda: PartySignature.objects.filter(lineage=_LINEAGE).values_list(*_SIGNATURE)
)
_INSTRUMENTS_OF: Final = Question(
    lambda: PartyInstrument.objects.filter(lineage=_LINEAGE).values_list(*_INSTRUMENT)
)


def _evidence(agreements: Iterable[Agreement], wanted: Q) -> Mapping[UUID, Evidence]:
    return _weighed(
        {agreement.id for agreement in agreements},
        _documents(wanted),
        PartySignature.objects.filter(wanted).values_list(*_SIGNATURE),
        list(PartyInstrument.objects.filter(wanted)),
    )


def _weighed(
    ids: Collection[UUID],
    read: Iterable[tuple[UUID, Document]],
    signed: Iterable[tuple[Any, ...]],
    rows: Sequence[PartyInstrument],
) -> Mapping[UUID, Evidence]:
    """The evidence on each of some agreements, of what was read about them.

    Args:
        ids: of the agreements.
        read: their versions, each with its lineage.
        signed: the columns ``_SIGNATURE`` of their signatures.
        rows: what else their parties, and others, signed about them.
    """
    documents: dict[str, Document] = {}
    versions: dict[UUID, list[Document]] = {each: [] for each in ids}
    signatures: dict[UUID, list[Signature]] = {each: [] for each in ids}
    instruments: dict[UUID, list[Instrument]] = {each: [] for each in ids}
    # what another process committed since the agreements were read belongs to the next reading
    for lineage, document in read:
        if lineage in ids:
            documents[document.digest] = document
            versions[lineage].append(document)
    for lineage, digest, node, at, received in signed:
        party = _party(documents, lineage, digest, node)
        if party:
            signatures[lineage].append(Signature(digest, party, at, received))
    speakers = Speakers(documents, rows)
    for each in rows:
        about = documents.get(each.digest)
        if about is not None and about.id == each.lineage and speakers.may(about, each):
            party = _party(documents, each.lineage, each.digest, each.node)
            instruments[each.lineage].append(instrument_of(each, party))
    return {key: Evidence(versions[key], signatures[key], instruments[key]) for key in ids}


class Speakers:
    """Who may say something about an agreement: its parties, and whom an invitation names, with the key it names.

    Args:
        documents: the versions, by their digests.
        rows: all instruments about them.
    """

    def __init__(self, documents: Mapping[str, Document], rows: Iterable[PartyInstrument]) -> None:
        self._invited: dict[tuple[UUID, str], set[str]] = {}
        for each in rows:
            document = documents.get(each.digest)
            # whom anybody but the depositary invites is nobody
            if (
                each.kind == PartyInstrument.Kind.INVITED
                and document
                and each.node == document.depositary.node
            ):
                entry = each.said["party"]
                self._invited.setdefault((each.lineage, entry["node"]), set()).add(entry["kid"])
        self._compared: dict[str, Partner | None] = {}

    def may(self, document: Document, row: PartyInstrument) -> bool:
        """Whether an instrument is evidence on a version.

        Args:
            document: the version, as it was proposed.
            row: what was said about it; of a party the key was looked at when it came.
        """
        if document.party_of(row.node):
            return True
        kids = self._invited.get((row.lineage, row.node))
        if not kids:
            return False
        own = str(row.jwk.get("kid", ""))
        # an invitation names a key, and does not make it the node's: once people compared that, it alone speaks
        compared = self._compared_of(row.node)
        if compared is not None and lineage_of(compared).find(own) is None:
            return False
        return own in kids or any(stands_for(row.node, kid, own) for kid in kids)

    def _compared_of(self, node: str) -> Partner | None:
        if node not in self._compared:
            verified = Partner.objects.filter(node=node, state=Partner.State.VERIFIED)
            self._compared[node] = verified.first()
        return self._compared[node]


def newest_documents() -> dict[UUID, Document]:
    """The document of the newest version of every agreement, by lineage."""
    newest: dict[UUID, Document] = {}
    for lineage, document in _documents(Q()):
        if lineage not in newest or newest[lineage].version < document.version:
            newest[lineage] = document
    return newest


def _documents(wanted: Q) -> list[tuple[UUID, Document]]:
    """The versions' documents, each with its lineage; only texts that are not remembered leave the database."""
    return _read(list(_versions(wanted).values_list("agreement_id", "digest")), wanted)


def _versions(wanted: Q) -> QuerySet[Version]:
    return Version.objects.annotate(lineage=F("agreement_id")).filter(wanted)


def _read(held: Sequence[tuple[Any, ...]], wanted: Q) -> list[tuple[UUID, Document]]:
    """The documents of the versions that were asked for by a condition, and their lineages and digests read."""
    unread = shelf.missing(digest for _lineage, digest in held)
    texts: dict[str, bytes | memoryview] = {}
    if unread:
        rows = _versions(wanted)
        # many are asked for by the same condition again: an address for each would be longer than a query may be
        asked = rows if len(unread) > _FEW else rows.filter(digest__in=unread)
        texts = dict(asked.values_list("digest", "text"))
    return [(lineage, shelf.document(digest, partial(_text_of, digest, texts))) for lineage, digest in held]


def _text_of(digest: str, texts: Mapping[str, bytes | memoryview]) -> bytes:
    """A text that was just read, or one that was thrown off the shelf meanwhile."""
    found = texts.get(digest)
    return bytes(Version.objects.get(digest=digest).text if found is None else found)


def _party(documents: Mapping[str, Document], lineage: UUID, digest: str, node: str) -> str:
    """The ref under which a node is a party of a version, or empty.

    Evidence on a version that is not here yet waits for it. Evidence that names one agreement and the version of
    another is about neither: both are the sender's words, and only the signature over them was checked.
    """
    document = documents.get(digest)
    if document is None or document.id != lineage:
        return ""
    party = document.party_of(node)
    return party.ref if party else ""


def party_name(key: str, partners: Mapping[str, Partner]) -> str:
    """What people call a party key: a partner by its own name, and who is none, or is a guest, as an agreement does.

    Args:
        key: the party's.
        partners: those that may be named, by their base addresses.
    """
    language = get_language() or "en"
    node, _hash, guest = key.partition("#")
    named = named_parties()
    called = host() if node == settings.BASE_URL else partners.get(node)
    entry = named.get(node)
    if called:
        name = called.name.in_language(language).value
    else:
        name = entry.organisation.in_language(language).value if entry else node
    if not guest:
        return name
    own = named.get(key)
    called_guest = own.organisation.in_language(language).value if own else guest
    return _("%(guest)s, guest of %(host)s") % {"guest": called_guest, "host": name}


def named_parties() -> Mapping[str, Party]:
    """The parties that agreements name, by their keys; of several texts as the newest agreement's does.

    Only by what this node has signed as well: nobody gives an address or a guest a name by proposing a text.
    """
    held = _of_generation(_generation())
    if held.named is None:
        held.named = {}
        for each in held.agreed:
            document = each.standing.current
            if document and settings.BASE_URL in each.standing.joined:
                held.named |= {document.key_of(party): party for party in document.parties}
    return held.named


def papers_of(agreement: Agreement, *, with_draft: bool = False) -> list[tuple[Paper, Scan | None]]:
    """The paper instruments that versions name, the newest first, each with its scan where it is kept here.

    Args:
        agreement: which.
        with_draft: whether the one that the draft names is told, too; only to who may read drafts.
    """
    named: dict[str, Paper] = {}
    if with_draft and agreement.draft and (drafted := parse(agreement.draft.encode()).instrument):
        named[drafted.digest] = drafted
    for version in agreement.versions.order_by("-number"):
        paper = version.document().instrument
        if paper is not None:
            named.setdefault(paper.digest, paper)
    kept = {each.digest: each for each in Scan.objects.filter(lineage=agreement.id, digest__in=named)}
    return [(paper, kept.get(digest)) for digest, paper in named.items()]


def readable_by(  # noqa: PLR0913 - what is asked about, and of whom
    party: str,
    at: datetime,
    topics: type[Model],
    parties: type[Model],
    policy: Policy | None = None,
    *,
    over: Mapping[tuple[UUID, str], Q] | None = None,
) -> Q:
    """The decision as a database condition on a :class:`~taawun.cooperation.agreements.models.Governed` table.

    How a release's lists are asked depends on how much they hold for this party: little is read first and looked
    up in; of much the newest are tried one by one, for then a page is soon full (docs/performance.md).

    Args:
        party: a party key.
        at: now.
        topics: model of the topics relation, with ``owner`` and ``topic``, and an index that begins with the latter.
        parties: model of the parties relation, with ``owner``, ``role`` and ``party``, and an index that begins
            with the latter two.
        policy: the rules of whoever gives the rows; this node's own by default.
        over: for each clause (lineage and ref), what holds of the rows that went over it; it allows no others then.

    Returns:
        A condition that holds for exactly the rows for which ``Policy.decide`` allows.
    """
    policy = policy or current_policy()
    grants = policy.open_to(party, at.timestamp())
    if over is None:
        clauses = _clause_condition(grants, topics)
    else:
        each = {
            clause: [one for one in grants if (one.agreement, one.clause.ref) == clause] for clause in over
        }
        found = ((_clause_condition(held, topics), over[clause]) for clause, held in each.items())
        clauses = _either(allows & went for allows, went in found if allows is not None)
    if clauses is None:
        return Q(pk__in=[])
    in_audience = Q(has_audience=False) | _listed(parties, party, "audience")
    red_is_named = ~Q(tlp=Tlp.RED) | Q(names_persons=True)
    return clauses & in_audience & red_is_named & _onward_condition(policy, party, at.timestamp(), parties)


def _onward_condition(policy: Policy, party: str, at: float, parties: type[Model]) -> Q:
    within_bound = Q(is_bound=False) | _listed(parties, party, "bound")
    named = Q(onward="named") & _listed(parties, party, "named")
    mine = policy.agreements_of(party, at)
    of_mine = Q(onward="parties", onward_agreement__in=mine) if mine else Q(pk__in=[])
    wide = Q(tlp__lt=Tlp.AMBER) & (of_mine | Q(onward="public"))
    return Q(onward="own") | (Q(tlp__lt=Tlp.AMBER_STRICT) & (named | wide) & within_bound)


def _listed(parties: type[Model], party: str, role: str) -> Q:
    """Whether a row names the party in one of its lists."""
    rows = parties._default_manager.filter(party=party, role=role)  # noqa: SLF001 - Django's public name for it
    if _are_few(rows):
        return Q(pk__in=rows.values("owner"))
    return Q(Exists(rows.filter(owner=OuterRef("pk"))))


def _are_few(rows: QuerySet[Model]) -> bool:
    return not rows.values_list("owner")[_FEW_ROWS : _FEW_ROWS + 1]


def _clause_condition(grants: Iterable[Grant], topics: type[Model]) -> Q | None:
    """Clauses that hold now, merged: of the same kind and topics only the highest marking matters."""
    highest: dict[tuple[str, frozenset[str]], int] = {}
    for grant in grants:
        for kind in grant.clause.kinds:
            key = (kind, frozenset(grant.clause.topics))
            highest[key] = max(highest.get(key, -1), grant.clause.tlp_max)
    merged = _merged(highest)
    free = _either(_covers(kind, tlp) for kind, wanted, tlp in merged if not wanted)
    on_topics = _topic_condition([each for each in merged if each[1]], topics)
    return _either(each for each in (free, on_topics) if each is not None)


def _merged(highest: Mapping[tuple[str, frozenset[str]], int]) -> list[tuple[str, frozenset[str], int]]:
    """Leave out clauses on topics where one on all topics allows the kind as high; join the rest by marking."""
    merged: list[tuple[str, frozenset[str], int]] = []
    joined: dict[tuple[str, int], set[str]] = {}
    for (kind, topics), tlp in highest.items():
        if not topics:
            merged.append((kind, topics, tlp))
        elif highest.get((kind, frozenset()), -1) < tlp:
            joined.setdefault((kind, tlp), set()).update(topics)
    merged += [(kind, frozenset(topics), tlp) for (kind, tlp), topics in joined.items()]
    return merged


def _topic_condition(clauses: Sequence[tuple[str, frozenset[str], int]], topics: type[Model]) -> Q | None:
    """Clauses on some topics: what is about any of these at all is looked for once, then which clause it is."""
    about = topics._default_manager  # noqa: SLF001 - Django's public name for it
    rows = about.filter(topic__in=frozenset[str]().union(*(wanted for _kind, wanted, _tlp in clauses)))
    if not clauses:
        return None
    are_few = _are_few(rows)
    if are_few and len(clauses) == 1:
        kind, _wanted, tlp = clauses[0]
        return _covers(kind, tlp) & Q(pk__in=rows.values("owner"))
    # SQLite would look up each topic of a clause, which may have hundreds, for each row, which has few
    topic = Concat("topic", Value("")) if connection.vendor == "sqlite" else F("topic")
    own = about.filter(owner=OuterRef("pk")).alias(its_topic=topic)
    condition = _either(
        _covers(kind, tlp) & Q(Exists(own.filter(its_topic__in=wanted))) for kind, wanted, tlp in clauses
    )
    return Q(pk__in=rows.values("owner")) & condition if condition and are_few else condition


def _covers(kind: str, tlp: int) -> Q:
    """What one clause allows by kind and marking."""
    condition = Q(tlp__lte=tlp)
    if kind.endswith(".*"):
        return condition & Q(kind__startswith=kind[:-1])
    return condition if kind == "*" else condition & Q(kind=kind)


def _either(conditions: Iterable[Q]) -> Q | None:
    merged: Q | None = None
    for condition in conditions:
        merged = condition if merged is None else merged | condition
    return merged


def draft_standing(actor: PersonActor, arguments: Mapping[str, Any]) -> DraftStanding | None:
    """Which edition the draft of an agreement has, and who saved it when; None where the actor does not see it.

    Args:
        actor: who asks.
        arguments: of the address at which it is edited.
    """
    found = Agreement.objects.filter(id=arguments["agreement_id"]).first()
    if found is None or "write:agreements" not in actor.permissions:
        return None
    subject = f"urn:uuid:{found.id}"
    last = entries(Filters(verb="agreements.draft-edited", subject=subject)).first()
    edition = str(found.draft_edition)
    return DraftStanding(edition, last.actor_label, last.at) if last else DraftStanding(edition)
