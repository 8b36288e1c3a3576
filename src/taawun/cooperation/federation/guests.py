"""Guests of this node: parties without a node, on whose behalf it signs, sends and receives.

What is for a guest comes or goes over a lane like anything else, and lies here until the guest reads it. Whether it may
have it is decided at each reading, over the very clause and lane by which it came: what was withdrawn, suspended or
ended since is served no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef, Q

from taawun.cooperation.agreements.models import Agreement, PartySignature
from taawun.cooperation.agreements.policy import Facts
from taawun.cooperation.agreements.queries import (
    policy_of_sender,
    standing_of,
    standings,
    windows_of,
)
from taawun.cooperation.federation.decisions import policy_of_giver
from taawun.cooperation.federation.hops import giving_history, version_under
from taawun.cooperation.federation.models import Behalf, GuestCopy, GuestToken, Passage, Receipt, Release
from taawun.cooperation.partners.logs.joining import audience_at
from taawun.cooperation.partners.models import LaneEntry
from taawun.cooperation.people.actors import PartyActor
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.multilingual import Text
from taawun.foundation.strict_json import canonical
from taawun.foundation.tlp import Tlp
from taawun.platform.web.matching import has_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from taawun.cooperation.agreements.document import Document, Party
    from taawun.cooperation.agreements.policy import Policy
    from taawun.cooperation.agreements.standing import Standing
    from taawun.cooperation.partners.logs.chain import Header
    from taawun.cooperation.partners.models import Lane

__all__ = [
    "Guest",
    "Hosted",
    "Named",
    "copies_for",
    "given_by",
    "guest_in",
    "hosted",
    "identity_of",
    "lay_ready",
    "may_read",
    "named_here",
    "names_of_guests",
    "note_served",
    "policies_of",
    "readings_of",
    "signed_for",
    "stands",
    "tokens_of",
    "version_for",
    "withdrawn_from",
]


# of one content
_MOST_PARTS: Final = 100


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest of this node that came with its token.

    Args:
        token: by which it came; it is bound to one agreement.
    """

    token: GuestToken

    @property
    def key(self) -> str:
        """Its party key."""
        return self.token.key

    @property
    def agreement(self) -> UUID:
        """Lineage of the agreement under which it is served."""
        return self.token.agreement

    @property
    def behalf(self) -> Behalf:
        """For whom this node sends what the guest gives."""
        return Behalf(self.key, self.agreement)

    @property
    def actor(self) -> PartyActor:
        """The guest as the one who acts."""
        return PartyActor(self.key, self.token.guest)


@dataclass(frozen=True, slots=True)
class Hosted:
    """A guest of this node in an agreement.

    Args:
        agreement: the agreement.
        standing: where that stands.
        party: the guest, as the newest version names it.
        tokens: how many of its tokens are open.
        last_used: when one of its tokens was last used.
        read: how many releases it has read.
        last_read: when it last read one.
    """

    agreement: Agreement
    standing: Standing
    party: Party
    tokens: int = 0
    last_used: datetime | None = None
    read: int = 0
    last_read: datetime | None = None

    @property
    def ref(self) -> str:
        """What the agreement calls it."""
        return self.party.ref

    @property
    def key(self) -> str:
        """By which it is told from all others; as the form of its tokens names it."""
        return f"{self.agreement.id}#{self.ref}"

    @property
    def name(self) -> Text:
        """What it is called."""
        return self.party.organisation


# ---- who they are -----------------------------------------------------------------------------------------------
def hosted(agreement: Agreement | None = None) -> list[Hosted]:
    """The guests of this node, by the number of their agreement; in a handful of queries however many there are.

    Args:
        agreement: those of one alone; of all when left out.
    """
    at = now()
    tokens = {
        (lineage, identity): (count, last)
        for lineage, identity, count, last in GuestToken.objects.order_by()
        .values_list("agreement", "identity")
        .annotate(n=Count("id", filter=Q(revoked=None, expires__gt=at)), last=Max("last_used"))
    }
    read = {
        (lineage, guest): (count, last)
        for lineage, guest, count, last in GuestCopy.objects.filter(
            read__isnull=False, guest__startswith=f"{settings.BASE_URL}#"
        )
        .order_by()
        .values_list("passage__agreement", "guest")
        .annotate(n=Count("id"), last=Max("read"))
    }
    found = []
    for each, standing in [(agreement, standing_of(agreement, at))] if agreement else standings(at):
        for party in _guests(standing.current):
            count, last_used = tokens.get((each.id, identity_of(party)), (0, None))
            copies, last_read = read.get((each.id, f"{settings.BASE_URL}#{party.ref}"), (0, None))
            found.append(Hosted(each, standing, party, count, last_used, copies, last_read))
    return found


def names_of_guests(copies: Iterable[GuestCopy]) -> list[Text]:
    """What each guest is called by the version of the agreement under which something was for it; else its ref."""
    held = list(copies)
    documents = {digest: version_under(digest) for digest in {copy.passage.document for copy in held}}
    found = []
    for copy in held:
        ref, document = copy.guest.partition("#")[2], documents.get(copy.passage.document)
        party = document.party(ref) if document else None
        found.append(party.organisation if party else Text.of(en=ref))
    return found


def guest_in(agreement: Agreement, ref: str) -> Party | None:
    """A guest of this node in the newest version of an agreement; None where it names none under this ref."""
    parties = _guests(standing_of(agreement).current)
    return next((party for party in parties if party.ref == ref), None)


def identity_of(party: Party) -> str:
    """By which a guest of this node is known again: a later version may call another organisation by the same ref.

    Args:
        party: the guest, as a version names it.
    """
    about = {
        "host": settings.BASE_URL,
        "guest": party.ref,
        "nation": party.nation,
        "organisation": party.organisation.to_json(),
    }
    return sha256(canonical(about))


def stands(guest: Guest) -> bool:
    """Whether the version that is in force, or was last, names the guest that the token was made for."""
    at, windows = now(), windows_of(guest.agreement)
    begun = [each for each in windows if each.opens <= at]
    in_force = [each for each in windows if each.holds(at)]
    last = (in_force or begun or windows)[-1:]
    return any(_names(each.document, guest) for each in last)


def version_for(guest: Guest, standing: Standing) -> Document | None:
    """The version that a guest may see: the newest that came about and names it; of a proposal it is told nothing.

    Args:
        guest: who asks.
        standing: where its agreement stands.
    """
    came_about = [standing.current] if standing.window else []
    came_about += [each.document for each in reversed(standing.windows)]
    return next((each for each in came_about if _names(each, guest)), None)


def _names(document: Document | None, guest: Guest) -> bool:
    return any(identity_of(party) == guest.token.identity for party in _guests(document))


def _versions_naming(guest: Guest) -> list[str]:
    """Digests of the versions in which the guest's ref is its own; what came under another was for another."""
    return [each.digest for each in _came_about(guest) if _names(each, guest)]


def _versions_open_to(guest: Guest) -> list[str]:
    """The same, and those in which its ref means nobody: what came under them may be history to it."""
    return [
        each.digest
        for each in _came_about(guest)
        if _names(each, guest) or each.party(guest.token.guest) is None
    ]


def _came_about(guest: Guest) -> list[Document]:
    """The versions under which something may have come: of what is only proposed, however much, none is read."""
    found = {each.document.digest: each.document for each in windows_of(guest.agreement)}
    # a version that this node signed may have ended at the moment in which it came about, by what came later
    signed = PartySignature.objects.filter(lineage=guest.agreement, node=settings.BASE_URL)
    for digest in signed.values_list("digest", flat=True):
        document = found.get(digest) or version_under(digest)
        if document is not None and document.id == guest.agreement:
            found[digest] = document
    return list(found.values())


def _guests(document: Document | None) -> list[Party]:
    me = document.party_of(settings.BASE_URL) if document else None
    if document is None or me is None:
        return []
    return [party for party in document.parties if party.kind == "guest" and party.host == me.ref]


def tokens_of(agreement: UUID | None = None, guest: str = "", text: str = "") -> QuerySet[GuestToken]:
    """Tokens of guests, newest first, with those that are over.

    Args:
        agreement: of guests of one agreement alone.
        guest: of one guest alone: its ref.
        text: words of their name, or a part of their ref or holder.
    """
    found = GuestToken.objects.select_related("made_by").order_by("-id")
    if agreement:
        found = found.filter(agreement=agreement)
    if guest:
        found = found.filter(guest=guest)
    if text:
        by_address = Q(guest__icontains=text) | Q(email__icontains=text)
        found = found.filter(has_words(found, text, "name") | by_address)
    return found


# ---- what lies here for them ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Named:
    """For whom on this node an entry is.

    Args:
        guests: party keys of guests of this node.
        is_for_node: whether it is for the node itself, and not only for guests of it.
    """

    guests: tuple[str, ...]
    is_for_node: bool


def named_here(lane: Lane, header: Header) -> Named:
    """For which guests of this node an entry is, and whether for the node itself.

    What a clause gives to guests alone their host holds for them, and none of its people reads it.

    Args:
        lane: ours, or a partner's.
        header: of the entry; where it names no readers of its own, those are meant that the lane was opened for.
    """
    own, sender = settings.BASE_URL, lane.sender
    if lane.agreement is None:
        # what is for everybody is given to nobody by name, whomever a partner writes into its public lane
        return Named((), is_for_node=True)
    if sender is None:
        audience = frozenset(header.audience) or audience_at(lane, header.seq)
        return Named(tuple(sorted({key for key in audience if key.startswith(f"{own}#")})), is_for_node=True)
    policies = policies_of(sender.node)
    # whom a partner names is its own word: only whom an agreement with it names is anybody here
    known = {key for each in policies for key in each.keys_of(own)} - {own}
    # to most partners no agreement names a guest of ours: then nobody looks at what their lanes say of their readers
    if not known:
        return Named((), is_for_node=True)
    audience = frozenset(header.audience) or audience_at(lane, header.seq)
    gives = any(each.grants_over(own, (lane.agreement, lane.clause)) for each in policies)
    # whom its sender let join a lane later is not named where it was opened
    is_named = own in audience or not audience or (lane.is_joined and not header.audience)
    return Named(tuple(sorted(known & audience)), is_for_node=gives and is_named)


def lay_ready(passages: Iterable[tuple[Passage, Collection[str]]]) -> None:
    """Note for which guests of this node something lies here.

    Args:
        passages: each with party keys, of whomever.
    """
    own = f"{settings.BASE_URL}#"
    GuestCopy.objects.bulk_create(
        (
            GuestCopy(passage=passage, guest=key)
            for passage, audience in passages
            for key in sorted(audience)
            if key.startswith(own)
        ),
        ignore_conflicts=True,
    )


def copies_for(guest: Guest) -> QuerySet[GuestCopy]:
    """What lies here for a guest under its agreement and was not withdrawn, newest first.

    Whether it may have each of them now, :func:`may_read` decides.
    """
    return (
        GuestCopy.objects.filter(
            guest=guest.key,
            passage__agreement=guest.agreement,
            passage__document__in=_versions_open_to(guest),
            passage__ended=None,
            passage__release__state=Release.State.LIVE,
        )
        .select_related("passage__release", "passage__entry__lane__sender")
        .prefetch_related("passage__release__topics", "passage__release__parties")
        .order_by("-id")
    )


def withdrawn_from(guest: Guest) -> QuerySet[GuestCopy]:
    """What a guest has read and is to delete: it was withdrawn since, or its time is over. Newest first."""
    over = Q(passage__ended__isnull=False) | ~Q(passage__release__state=Release.State.LIVE)
    return (
        GuestCopy.objects.filter(
            over,
            guest=guest.key,
            passage__agreement=guest.agreement,
            passage__document__in=_versions_open_to(guest),
            read__isnull=False,
        )
        .select_related("passage__release", "passage__entry")
        .order_by("-id")
    )


def may_read(guest: Guest, copies: Sequence[GuestCopy]) -> list[bool]:
    """Which of these a guest may have at this moment, each over the clause and the lane by which it came.

    Args:
        guest: who asks.
        copies: as :func:`copies_for` reads them.
    """
    at = now().timestamp()
    if not copies or not stands(guest):
        return [False] * len(copies)
    naming = {
        digest
        for digest in {copy.passage.document for copy in copies}
        if _names(version_under(digest), guest)
    }
    by_clause: dict[str, set[str]] = {}
    for copy in copies:
        by_clause.setdefault(copy.passage.clause, set()).add(copy.passage.document)
    giving = {clause: giving_history(digests, clause) for clause, digests in by_clause.items()}

    def may(passage: Passage) -> bool:
        gave = passage.document in giving[passage.clause]
        # of what was sent under a version that did not name it, it has what is history
        return (gave or passage.document in naming) and _may_read(guest, passage, at, gave_history=gave)

    return [may(copy.passage) for copy in copies]


def _may_read(guest: Guest, passage: Passage, at: float, *, gave_history: bool) -> bool:
    release, lane = passage.release, passage.entry.lane
    if passage.ended or release.state != Release.State.LIVE or passage.agreement != guest.agreement:
        return False
    if release.tlp == Tlp.RED and not _is_named(guest.token.email, release):
        return False
    if lane.sender is None:
        policies, facts = [policy_of_giver(release.behalf)], release.facts()
    else:
        policies = policies_of(lane.sender.node)
        facts = Facts(
            kind=release.kind,
            tlp=Tlp(release.tlp),
            topics=frozenset(each.topic for each in release.topics.all()),
            names_persons=release.names_persons,
        )
    clause, issued = (passage.agreement, passage.clause), passage.entry.issued.timestamp()
    return any(
        policy.allows_over(guest.key, facts, at, clause, issued, gave_history=gave_history)
        for policy in policies
    )


def _is_named(email: str, release: Release) -> bool:
    """TLP:RED is for the persons it names: a token that names nobody is nobody's."""
    return bool(email) and email.lower() in {str(each).lower() for each in release.persons}


def policies_of(node: str) -> list[Policy]:
    """The rules of a partner as a sender, and of each of its guests, for whom it signs and sends."""
    own = policy_of_sender(node)
    return [own, *(policy_of_sender(key) for key in own.keys_of(node))]


@transaction.atomic
def note_served(copies: Iterable[GuestCopy], part: tuple[int, int], size: int) -> None:
    """Note what a guest is served of a content now. With the last part of it the guest has read it: its receipt.

    What came from a partner is told to it, by the sweep.

    Args:
        copies: those over which it may have the content.
        part: from which byte to before which.
        size: of the content, in bytes.
    """
    at = now()
    unread = GuestCopy.objects.filter(id__in=[each.id for each in copies], read=None)
    for copy in unread.select_for_update(of=("self",)).select_related("passage__entry__lane"):
        served = _merged([*copy.served, list(part)])
        # nobody goes on so often where a download broke off: whoever hides what they have in crumbs has read it
        if served == [[0, size]] or len(served) > _MOST_PARTS:
            theirs = copy.passage.entry.lane.sender_id is not None
            GuestCopy.objects.filter(id=copy.id).update(read=at, served=[], is_unsaid=theirs)
        elif served != copy.served:
            GuestCopy.objects.filter(id=copy.id).update(served=served)


def _merged(parts: Iterable[list[int]]) -> list[list[int]]:
    """The same bytes in as few parts as there can be, in their order."""
    found: list[list[int]] = []
    for start, end in sorted(parts):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        elif start < end:
            found.append([start, end])
    return found


def given_by(guest: Guest) -> QuerySet[Release]:
    """What this node sent on a guest's behalf under the agreement of its token, newest first."""
    own = Release.objects.filter(on_behalf=guest.key, on_behalf_under=guest.agreement, origin=None)
    its = Passage.objects.filter(release=OuterRef("pk"), document__in=_versions_naming(guest))
    return own.filter(Exists(its)).order_by("-id")


def signed_for(releases: Iterable[Release]) -> dict[UUID, int]:
    """How many parties signed for each of some releases of ours."""
    counted = Receipt.objects.filter(
        entry__passage__release__in=[each.id for each in releases], outcome=LaneEntry.State.DONE
    )
    return dict(
        counted.order_by().values_list("entry__passage__release").annotate(n=Count("partner", distinct=True))
    )


def readings_of(release: Release) -> QuerySet[GuestCopy]:
    """Which guests read a release of ours, here or at their hosts; the oldest first."""
    found = GuestCopy.objects.filter(passage__release=release, read__isnull=False)
    return found.select_related("passage__entry__lane").order_by("read", "id")
