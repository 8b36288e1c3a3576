"""Showing what is held of an agreement to another party: everything, some of it, or what it lacks.

Whatever a party signed proves itself, so anybody may pass it on. That is how a word that its author, or the depositary,
told to some and not to others reaches them all (docs/protocol.md, "What the others hold").
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum

from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
    Shown,
    Told,
    Version,
)
from taawun.cooperation.agreements.queries import Speakers, standing_of
from taawun.cooperation.partners.exchange import disk, messages
from taawun.cooperation.partners.identity.keys import lineage_of, own_lineage
from taawun.cooperation.partners.models import Partner
from taawun.foundation.clock import now
from taawun.foundation.digests import sha256
from taawun.foundation.signing import peek
from taawun.foundation.strict_json import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

_Signed: TypeAlias = "PartySignature | PartyInstrument"
_Row: TypeAlias = "Version | PartySignature | PartyInstrument"

__all__ = ["answer_comparisons", "compare", "held_of", "show", "show_all"]

# signed texts in one message
MOST_SHOWN: Final = 200
# versions in one message
MOST_DOCUMENTS: Final = 2
# what is shown in one message as JSON; the other node takes 4 MiB, and the largest version or counter-proposal that
# is kept here is under 3 MiB with what is signed about it
MOST_BYTES: Final = 3_500_000
_SIZE_OF_KEY: Final = 250
# what one comparison names at most; what holds more tells it in parts
MOST_MARKS: Final = 5_000
# each part is what begins with one of these
PREFIXES: Final = tuple("0123456789abcdef")
_AT_ONCE: Final = 100
# what is shown to one party before others have their turn, in bytes and before anybody else may write
_MOST_AT_ONCE: Final = 4 * MOST_BYTES
# what was shown is shown again after this time, then after twice as long each time, and at last once a week
_SHOWING: Final = timedelta(days=1)
_AGAIN: Final = timedelta(days=7)
# so many bytes of what it was shown before are shown to one node within a week
_MOST_AGAIN: Final = 16 * 2**20
# the same with what it is told that is held here, so that it shows what it holds more
_ASKING: Final = timedelta(minutes=5)


def held_of(agreement: Agreement) -> dict[str, _Row]:
    """What is held of an agreement and others would take: each with the digest of its text, by which they know it.

    A version on which its depositary gave no word is not among it, nor is a word about a version that is not here or by
    somebody who has no say: nobody takes these from anybody but their author.
    """
    found: dict[str, _Row] = {}
    versions = list(agreement.versions.defer("text"))
    documents = {each.digest: each.document() for each in versions}
    signatures = list(PartySignature.objects.filter(lineage=agreement.id, digest__in=documents))
    signed = {(each.digest, each.node) for each in signatures}
    for version in versions:
        if version.proposal or (version.digest, documents[version.digest].depositary.node) in signed:
            found[version.digest] = version
    for signature in signatures:
        if documents[signature.digest].party_of(signature.node):
            found[sha256(signature.token.encode())] = signature
    words = list(
        PartyInstrument.objects.filter(lineage=agreement.id, digest__in=documents).defer("suggestion")
    )
    speakers = Speakers(documents, words)
    for word in words:
        if speakers.may(documents[word.digest], word):
            found[word.mark] = word
    return found


def show_all(agreement: Agreement, partner: Partner) -> None:
    """Show a partner everything that was proposed and signed: who was invited sees what it may accede to."""
    _send(agreement, partner, held_of(agreement).values())


def show(agreement: Agreement, partner: Partner, instruments: Collection[UUID]) -> None:
    """Show a partner some instruments, whoever signed them."""
    _send(agreement, partner, PartyInstrument.objects.filter(id__in=instruments))


def _send(agreement: Agreement, partner: Partner, rows: Iterable[_Row]) -> None:
    """Say it in as many messages as it takes: one that is too large is opened by nobody."""
    parcel, size, said = list[_Row](), 0, set[tuple[type, object]]()
    for unit in _units(agreement, partner, rows):
        new = [each for each in unit if (type(each), each.pk) not in said]
        added = sum(_size_of(each) for each in new)
        if parcel and (size + added > MOST_BYTES or not _fits([*parcel, *new])):
            _say(agreement, partner, parcel)
            # what a version goes with goes with it once more
            parcel, size, new = [], 0, unit
            added = sum(_size_of(each) for each in new)
        parcel += new
        size += added
        said.update((type(each), each.pk) for each in new)
    if parcel:
        _say(agreement, partner, parcel)


def _fits(rows: Sequence[_Row]) -> bool:
    documents = sum(isinstance(each, Version) for each in rows)
    return documents <= MOST_DOCUMENTS and len(rows) - documents <= MOST_SHOWN


def _size_of(row: _Row) -> int:
    """How many bytes of JSON it takes, with its key."""
    if isinstance(row, Version):
        return len(canonical(bytes(row.text).decode())) + len(row.proposal) + _SIZE_OF_KEY
    text = _suggestion_of(row)
    return len(row.token) + _SIZE_OF_KEY + (0 if text is None else len(canonical(text)))


def _units(agreement: Agreement, partner: Partner, rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """What is taken in only together, in the order in which it is understood: versions, invitations, the rest."""
    rows = list(rows)
    # of an agreement that it does not know a node takes nothing without its invitation
    invitations = [
        each
        for each in rows
        if isinstance(each, PartyInstrument)
        and each.node == settings.BASE_URL
        and each.said.get("party", {}).get("node") == partner.node
    ][-1:]
    versions = [each for each in rows if isinstance(each, Version)]
    for version in sorted(versions, key=lambda each: (each.number, each.digest)):
        # nobody takes a version from somebody else without a word of its depositary
        own = PartySignature.objects.filter(
            lineage=agreement.id, digest=version.digest, node=version.depositary
        )
        yield [version, *own, *invitations]
    signed = [each for each in rows if not isinstance(each, Version)]
    for row in sorted(signed, key=lambda each: (_kind_of(each) != "invited", each.at, str(each.pk))):
        yield [row]


def _kind_of(row: _Signed) -> str:
    return row.kind if isinstance(row, PartyInstrument) else "signed"


def _suggestion_of(row: _Signed) -> str | None:
    is_counter = isinstance(row, PartyInstrument) and row.kind == PartyInstrument.Kind.COUNTERED
    return bytes(row.suggestion or b"").decode() if isinstance(row, PartyInstrument) and is_counter else None


def _say(agreement: Agreement, partner: Partner, rows: Sequence[_Row]) -> None:
    versions = [each for each in rows if isinstance(each, Version)]
    signed = [each for each in rows if not isinstance(each, Version)]
    known = [_jwk_of(each.depositary, each.proposal) for each in versions if each.proposal]
    keys = {jwk["x"]: jwk for jwk in [*known, *(_key_of(each) for each in signed)] if jwk}
    instruments = list[dict[str, str]]()
    for each in signed:
        if isinstance(each, PartyInstrument):
            text = _suggestion_of(each)
            instruments.append({"instrument": each.token, **({} if text is None else {"document": text})})
    messages.send(
        partner,
        "agreement.evidence",
        {
            "agreement": str(agreement.id),
            "documents": [bytes(each.text).decode() for each in versions],
            "proposals": [each.proposal for each in versions if each.proposal],
            "signatures": [each.token for each in signed if isinstance(each, PartySignature)],
            "instruments": instruments,
            "keys": list(keys.values()),
        },
    )


def _key_of(row: _Signed) -> dict[str, str]:
    """The public key that signed a row; what was kept by an earlier version of this node has it by its party."""
    if row.jwk:
        return dict(row.jwk)
    return _jwk_of(row.node, row.token)


def _jwk_of(node: str, token: str) -> dict[str, str]:
    """The public key of a node that signed a text, as far as it is known here."""
    kid = peek(token).kid
    if node == settings.BASE_URL:
        known = own_lineage().find(kid)
    else:
        partner = Partner.objects.filter(node=node).exclude(kid="").first()
        known = lineage_of(partner).find(kid) if partner else None
    return known.key.to_jwk() if known else {}


# ---- comparing --------------------------------------------------------------------------------------------------


def compare() -> int:
    """Tell the other parties what is held here of the agreements about which something new came; how many were told.

    Two parties need no third to tell them what the other one said. Those who are quiet compare once a week: a word may
    have been refused where its author's new key was not known yet. Who was told the same within the week is not told
    again: what is repeated to this node is no news.
    """
    told = 0
    due = Q(is_uncompared=True) | Q(compared__lt=now() - _AGAIN)
    for agreement in Agreement.objects.filter(due).order_by("number")[:_AT_ONCE]:
        with transaction.atomic():
            held = Agreement.objects.select_for_update().get(id=agreement.id)
            nodes = _parties(held)
            if len(nodes) > 1:
                marks = held_of(held).keys()
                for partner in _met(nodes):
                    before = Told.objects.filter(lineage=held.id, node=partner.node).first()
                    is_old = before is None or before.at <= now() - _AGAIN
                    if before is None or is_old or before.holding != _holding(marks):
                        _tell(held.id, partner, marks)
                        told += 1
            Agreement.objects.filter(id=held.id).update(is_uncompared=False, compared=now())
    return told


def _tell(lineage: UUID, partner: Partner, marks: Collection[str]) -> None:
    """Tell a party what is held here, and remember that it was."""
    about, holding = {"agreement": str(lineage)}, _holding(marks)
    row, _is_new = Told.objects.get_or_create(
        lineage=lineage, node=partner.node, defaults={"holding": holding}
    )
    row.times = row.times + 1 if row.holding == holding else 1
    row.holding, row.at = holding, now()
    row.save()
    if len(marks) <= MOST_MARKS:
        messages.send(partner, "agreement.held", {**about, "held": sorted(marks)})
        return
    for prefix in PREFIXES:
        part = sorted(mark for mark in marks if mark.startswith(prefix))[:MOST_MARKS]
        messages.send(partner, "agreement.held", {**about, "held": part, "prefix": prefix})


def _holding(marks: Collection[str]) -> str:
    return sha256(canonical(sorted(marks)))


def _may_tell_from(lineage: UUID, partner: Partner, marks: Collection[str]) -> datetime | None:
    """From when on a party may be told what is held here, so that it shows more; None for at once.

    It may hold what is not taken here, or say so of what nobody holds. So it is told the same ever more seldom.
    """
    row = Told.objects.filter(lineage=lineage, node=partner.node).first()
    if row is None:
        return None
    is_news = row.holding != _holding(marks)
    return row.at + (_ASKING if is_news else _pause(_ASKING, row.times))


def _pause(first: timedelta, times: int) -> timedelta:
    """How long something waits after it was said so many times: twice as long each time, at most a week."""
    # beyond this it is a week in any case
    return min(first * (1 << min(times - 1, 20)), _AGAIN)


def answer_comparisons() -> int:
    """Show those who told what they hold what they lack, and ask them for what they have more; how many were.

    Two may each hold a word that the other does not take, and whoever lies says that it holds nothing, or what nobody
    knows. So nothing is said a second time before a day is over, nor a third time before two more are, whatever
    somebody tells: all of it goes into a log that is kept.
    """
    answered = 0
    waiting = Comparison.objects.filter(Q(not_before=None) | Q(not_before__lte=now()), is_waiting=True)
    for row in waiting.order_by("received")[:_AT_ONCE]:
        if not disk.has_room():
            break
        with transaction.atomic():
            answered += _answer(row)
    return answered


def _answer(row: Comparison) -> bool:
    """Answer one comparison, or as much of it as may be said now; whether anything was said."""
    agreement = Agreement.objects.select_for_update().filter(id=row.lineage).first()
    held = Comparison.objects.select_for_update().get(pk=row.pk)
    partner = Partner.objects.filter(node=held.node).exclude(state=Partner.State.BLOCKED).first()
    held.is_waiting, held.not_before, is_said = False, None, False
    if agreement is None and partner is not None:
        # whoever names this node as a party shows it what that is about
        told = Told.objects.filter(lineage=held.lineage, node=partner.node).first()
        if told is None or told.at <= now() - _pause(_SHOWING, told.times):
            _tell(held.lineage, partner, ())
            is_said = True
    elif agreement is not None and partner is not None and partner.node in _parties(agreement):
        everything = held_of(agreement)
        own = {mark: each for mark, each in everything.items() if mark.startswith(held.prefix)}
        theirs = set(held.held)
        is_said = _show_lacking(agreement, partner, held, {mark: own[mark] for mark in own.keys() - theirs})
        if theirs - own.keys():
            begins = _may_tell_from(agreement.id, partner, everything)
            if begins is None or begins <= now():
                _tell(agreement.id, partner, everything)
                is_said = True
            else:
                held.wait_until(begins)
    held.save()
    return is_said


def _show_lacking(
    agreement: Agreement, partner: Partner, held: Comparison, lacking: Mapping[str, _Row]
) -> bool:
    """Show what a party lacks, but for what it was shown not long ago; whether anything was shown.

    What it still lacks after that it says again when it compares the next time.
    """
    at = now()
    before = {each.mark: each for each in Shown.objects.filter(lineage=agreement.id, node=partner.node)}
    due = [
        mark
        for mark in lacking
        if mark not in before or before[mark].at + _pause(_SHOWING, before[mark].times) <= at
    ]
    left, size, some = _MOST_AGAIN - _shown_again(partner), 0, dict[str, int]()
    # what it never saw first, then what it saw longest ago
    for mark in sorted(due, key=lambda mark: (before[mark].at.timestamp() if mark in before else 0.0, mark)):
        if size >= _MOST_AT_ONCE:
            held.wait_until(at)
            break
        weight = _size_of(lacking[mark])
        if mark in before:
            if weight > left:
                continue
            left -= weight
        some[mark] = weight
        size += weight
    if some:
        _send(agreement, partner, [lacking[mark] for mark in some])
        _note(agreement, partner, some, before)
    return bool(some)


def _shown_again(partner: Partner) -> int:
    """How many bytes a node was shown within the week of what it had been shown before."""
    again = Shown.objects.filter(node=partner.node, times__gt=1, at__gt=now() - _AGAIN)
    return again.aggregate(size=Sum("size"))["size"] or 0


def _note(
    agreement: Agreement, partner: Partner, some: Mapping[str, int], before: Mapping[str, Shown]
) -> None:
    at, repeated = now(), [before[mark] for mark in some if mark in before]
    for each in repeated:
        each.times, each.at = each.times + 1, at
    Shown.objects.bulk_update(repeated, ["times", "at"], batch_size=500)
    Shown.objects.bulk_create(
        Shown(lineage=agreement.id, node=partner.node, mark=mark, size=size, at=at)
        for mark, size in some.items()
        if mark not in before
    )


def _parties(agreement: Agreement) -> set[str]:
    """The other nodes that are, or were, parties of it, or acceded to it."""
    standing = standing_of(agreement)
    documents = [standing.current, standing.pending, *(window.document for window in standing.windows)]
    nodes = {party.node for document in documents if document for party in document.parties if party.node}
    return nodes - {settings.BASE_URL}


def _met(nodes: Collection[str]) -> list[Partner]:
    met = Partner.objects.filter(node__in=nodes).exclude(kid="")
    return list(met.filter(~Q(state=Partner.State.BLOCKED)).order_by("node"))
