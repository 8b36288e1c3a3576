"""Publishing: decide, sign and append. Nothing leaves a node by another way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.policy import Facts, Origin
from taawun.cooperation.federation.bounds import are_within
from taawun.cooperation.federation.decisions import nobody, policy_of_giver, preview
from taawun.cooperation.federation.errors import ReleaseRefused
from taawun.cooperation.federation.guests import lay_ready
from taawun.cooperation.federation.history import side_of, whole_lane_of
from taawun.cooperation.federation.models import Behalf, Passage, Release, ReleaseParty, ReleaseTopic
from taawun.cooperation.federation.queries import stood_for_everybody
from taawun.cooperation.federation.rules import for_the_trail, may_speak_for
from taawun.cooperation.federation.standing import goes_to_everybody, may_be_public
from taawun.cooperation.partners.logs import lanes
from taawun.cooperation.partners.logs.chain import HeaderTooLong, one_line
from taawun.cooperation.partners.models import Partner
from taawun.cooperation.people.models import Organisation
from taawun.cooperation.people.rules import Refused, ensure, require
from taawun.foundation.digests import sha256
from taawun.foundation.tlp import Tlp
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from taawun.cooperation.agreements.policy import Grant
    from taawun.cooperation.federation.decisions import PartyDecision, Preview
    from taawun.cooperation.partners.models import Lane
    from taawun.cooperation.people.actors import Actor

__all__ = ["Draft", "append", "ensure_public", "long_header", "publish", "stand", "urn"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be published.

    Args:
        kind: name of a registered release kind.
        subject: URN of the thing.
        version: its version; a new version is a new release.
        title: what people call it.
        tlp: its marking.
        content: its bytes (JSON).
        topics: ``vocabulary:id`` terms.
        licence: SPDX identifier or address.
        languages: BCP 47 codes.
        persons: for RED: e-mail addresses of the persons it is for.
        origin: what its parts came from and how far that may go; our own parts narrow nothing.
        organisation: inside which AMBER+STRICT stays on this node; None for the one that runs it.
        behalf: the guest of this node that gives it; None for what is the node's own.
    """

    kind: str
    subject: str
    version: str
    title: str
    tlp: Tlp
    content: bytes
    topics: frozenset[str] = frozenset()
    licence: str = ""
    languages: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    origin: Origin = field(default_factory=Origin)
    organisation: Organisation | None = None
    behalf: Behalf | None = None

    def facts(self, audience: Collection[str] | None) -> Facts:
        """What a decision looks at."""
        return Facts(
            kind=self.kind,
            tlp=self.tlp,
            topics=self.topics,
            audience=None if audience is None else frozenset(audience),
            names_persons=bool(self.persons),
            origin=self.origin,
        )


def urn(release: Release) -> str:
    """The release as audit and notices name it."""
    return f"urn:uuid:{release.id}"


def publish(
    actor: Actor, draft: Draft, audience: Collection[str] | None = None, *, in_public: bool = False
) -> Release:
    """Decide, sign and append: the one way out.

    Everything is committed together: the release, its entries on every lane, and the audit row.

    Args:
        actor: who publishes; needs the kind's permission.
        draft: what.
        audience: party keys the publisher chose; None for everybody the clauses allow, now and while it stands.
        in_public: whether it goes over the public lane, to anybody at all, as well.

    Returns:
        The release. Publishing the same version with the same content again returns the first.

    Raises:
        NotAllowed: the actor may not publish this kind, or not to everybody.
        NobodyReceives: no clause in force, or its source, lets anybody have it, and it does not go to everybody.
        ReleaseRefused: another content was published under this version, its header names more than one may, or it may
            not go to everybody.
    """
    try:
        return _publish(actor, draft, audience, in_public=in_public)
    except IntegrityError:
        # the same version was published by somebody else in this moment: now it is there to be found
        return _publish(actor, draft, audience, in_public=in_public)


@transaction.atomic
def _publish(actor: Actor, draft: Draft, audience: Collection[str] | None, *, in_public: bool) -> Release:
    ensure(may_speak_for(actor, draft.kind, draft.behalf))
    if in_public:
        require(actor, "publish:public")
        ensure_public(draft.facts(audience), draft.behalf)
    draft = replace(draft, content=one_line(draft.content))
    digest = sha256(draft.content)
    whose = _whose(draft)
    if Release.objects.filter(subject=draft.subject, origin=None).exclude(**whose).exists():
        raise ReleaseRefused(
            "not-yours", _("Somebody else on this node published this before, and its versions are theirs.")
        )
    earlier = Release.objects.filter(subject=draft.subject, version=draft.version, origin=None).first()
    if earlier:
        if earlier.digest != digest or earlier.state != Release.State.LIVE:
            raise ReleaseRefused(
                "version-exists",
                _("This version was published before. Make a new version to publish changes."),
            )
        if in_public:
            # what was said of it the first time holds: its marking, and whom it was meant for
            ensure_public(earlier.facts(), earlier.behalf)
            stand(earlier, _item(draft))
        return earlier
    if not are_within(
        topics=draft.topics, audience=audience or (), persons=draft.persons, languages=draft.languages
    ):
        raise long_header()
    decided = preview(draft.facts(audience), draft.behalf)
    if not decided.receivers and not in_public:
        raise nobody(decided)
    release = _create(draft, digest, audience, actor)
    _send(release, draft, decided, audience, in_public=in_public)
    record(
        actor,
        "federation.published",
        urn(release),
        for_the_trail(
            draft.tlp,
            {
                "kind": draft.kind,
                "subject": draft.subject,
                "tlp": draft.tlp.label,
                "receivers": sorted(each.party for each in decided.receivers),
                "clauses": sorted(
                    {f"{g.code} § {g.clause.ref}" for each in decided.receivers if (g := each.grant)}
                ),
                **({"public": True} if in_public else {}),
            },
        ),
    )
    return release


def _send(
    release: Release,
    draft: Draft,
    decided: Preview,
    audience: Collection[str] | None,
    *,
    in_public: bool,
) -> None:
    """Put a release on the lane of each clause that was found, and on the public one where that was chosen."""
    # What others bound to some parties goes over a lane of those parties: nobody else sees so much as its header. So
    # does RED, whose header names persons: who joins later may read a lane for all from its beginning.
    is_for_some = audience is not None or draft.tlp == Tlp.RED
    narrowed = is_for_some or not goes_to_everybody(draft.facts(audience))
    try:
        for _clause, group in sorted(decided.by_clause().items(), key=lambda each: each[0]):
            append(release, _item(draft), group, narrowed=narrowed)
        if in_public:
            stand(release, _item(draft))
    except HeaderTooLong:
        raise long_header() from None


def ensure_public(facts: Facts, behalf: Behalf | None) -> None:
    """Go on only with what may stand on the public lane.

    Args:
        facts: what a decision looks at.
        behalf: the guest whose it is; None for what is not a guest's of this node.

    Raises:
        ReleaseRefused: it may not; the sentence says why.
    """
    if behalf:
        # what a guest gives it gives by its agreement, and this node has no word of it on who else may have it
        raise ReleaseRefused(
            "not-yours", _("It is a guest's of this node, who gave it to its parties alone.")
        )
    answer = may_be_public(facts)
    if isinstance(answer, Refused):
        raise ReleaseRefused(answer.reason, answer.sentence)


def stand(release: Release, item: lanes.Item) -> bool:
    """Put a release on the public lane. Whether it may stand there was decided before.

    What stood on one that a restore closed stands here from now on, and no longer there.

    Args:
        release: ours, or one that is shared onward.
        item: what its header says.

    Returns:
        Whether it did not stand there already.
    """
    lane = lanes.public_lane()
    if Passage.objects.filter(release=release, entry__lane=lane, ended__isnull=True).exists():
        return False
    entry = lanes.append(lane, [item])[0]
    before = list(stood_for_everybody().filter(release=release))
    stood = before[0] if before else Passage(release=release)
    Passage.objects.filter(id__in=[each.id for each in before[1:]]).update(ended=entry.issued)
    stood.entry, stood.size, stood.left_off = entry, entry.size, None
    for name, value in Passage.place_of(entry).items():
        setattr(stood, name, value)
    stood.save()
    return True


def long_header() -> ReleaseRefused:
    """The refusal of what says more than a header holds."""
    return ReleaseRefused(
        "long-header",
        _(
            "It names more topics, parties, persons or languages, or longer ones, than a partner takes. Name fewer."
        ),
    )


def _whose(draft: Draft) -> dict[str, Any]:
    """The columns that say for whom it is given."""
    behalf = draft.behalf
    return {
        "on_behalf": behalf.guest if behalf else "",
        "on_behalf_under": behalf.agreement if behalf else None,
    }


def _create(draft: Draft, digest: str, audience: Collection[str] | None, actor: Actor) -> Release:
    release = Release.objects.create(
        kind=draft.kind,
        tlp=draft.tlp,
        has_audience=audience is not None,
        names_persons=bool(draft.persons),
        onward=draft.origin.rule,
        onward_agreement=draft.origin.agreement,
        is_bound=draft.origin.bound is not None,
        subject=draft.subject,
        version=draft.version,
        title=draft.title[:300],
        digest=digest,
        size=len(draft.content),
        licence=draft.licence,
        languages=list(draft.languages),
        persons=list(draft.persons),
        published_by=actor.audit_identity.label[:200],
        organisation=draft.organisation,
        **_whose(draft),
    )
    ReleaseTopic.objects.bulk_create(
        ReleaseTopic(owner=release, topic=topic) for topic in sorted(draft.topics)
    )
    lists = {
        ReleaseParty.Role.AUDIENCE: audience or (),
        ReleaseParty.Role.NAMED: draft.origin.named,
        ReleaseParty.Role.BOUND: draft.origin.bound or (),
    }
    ReleaseParty.objects.bulk_create(
        ReleaseParty(owner=release, role=role, party=party)
        for role, parties in lists.items()
        for party in sorted(set(parties))
    )
    return release


def append(release: Release, item: lanes.Item, group: Sequence[PartyDecision], *, narrowed: bool) -> bool:
    """Put a release on the lane of the clause over which some parties may have it.

    Args:
        release: ours, or one that is shared onward.
        item: what its header says, without agreement, clause and audience.
        group: the parties, all by one clause.
        narrowed: whether only they may know of it, rather than all whom the clause gives to.

    Returns:
        Whether it was not there already.
    """
    grant = next(each.grant for each in group if each.grant)
    audience = {each.party for each in group}
    if narrowed:
        lane = _lane_of(grant, audience)
    elif release.behalf:
        # by a guest's rules, not this node's: a newcomer is confirmed for what the node itself gives
        audience = _receiving_side(grant, release)
        lane = _lane_of(grant, audience)
    else:
        lane, audience = whole_lane_of(grant)
    if Passage.objects.filter(release=release, entry__lane=lane, ended__isnull=True).exists():
        return False
    said = replace(
        item,
        agreement=grant.digest,
        clause=grant.clause.ref,
        audience=tuple(sorted(audience)) if narrowed else (),
    )
    entry = lanes.append(lane, [said])[0]
    passage = Passage.objects.create(
        **Passage.place_of(entry),
        release=release,
        entry=entry,
        size=entry.size,
        agreement=grant.agreement,
        document=grant.digest,
        clause=grant.clause.ref,
    )
    lay_ready([(passage, audience)])
    return True


def _item(draft: Draft) -> lanes.Item:
    return lanes.Item(
        kind=draft.kind,
        subject=draft.subject,
        version=draft.version,
        action="publish",
        tlp=draft.tlp,
        content=draft.content,
        topics=tuple(sorted(draft.topics)),
        persons=draft.persons,
        licence=draft.licence,
        languages=draft.languages,
    )


def _receiving_side(grant: Grant, release: Release) -> set[str]:
    """Every party key that the clause lets its guest reach now, or will once it can be sent something again."""
    policy = policy_of_giver(release.behalf)
    return set(side_of(policy, (grant.agreement, grant.clause.ref), grant.digest))


def _lane_of(grant: Grant, audience: Collection[str]) -> Lane:
    """The lane of a clause for some parties; a guest is served by its host."""
    nodes = {key.partition("#")[0] for key in audience}
    return lanes.open_clause_lane(
        agreement=grant.agreement,
        document=grant.digest,
        clause=grant.clause.ref,
        readers=list(Partner.objects.filter(node__in=nodes)),
        audience=audience,
    )
