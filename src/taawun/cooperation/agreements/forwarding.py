"""Showing what is held of an agreement to another party: everything, some of it, or what it lacks.

Whatever a party signed proves itself, so anybody may pass it on. That is how a word that its author, or the depositary,
told to some and not to others reaches them all (docs/protocol.md, "What the others hold").
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from taawun.cooperation.agreements.models import (
    Agreement,
    Comparison,
    PartyInstrument,
    PartySignature,
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
# within this time nothing is shown to the same party a second time
_ONCE_IN: Final = timedelta(hours=1)
# what two hold is answered once in this time as long as neither has anything new
_SETTLED: Final = timedelta(days=1)
_AGAIN: Final = timedelta(days=7)
# a party is not asked more often what it holds than it is told what is held here
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
    have been refused where its author's new key was not known yet.
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
                    _tell(held, partner, marks)
                    told += 1
            Agreement.objects.filter(id=held.id).update(is_uncompared=False, compared=now())
    return told


def _tell(agreement: Agreement, partner: Partner, marks: Collection[str]) -> None:
    about = {"agreement": str(agreement.id)}
    if len(marks) <= MOST_MARKS:
        messages.send(partner, "agreement.held", {**about, "held": sorted(marks)})
        return
    for prefix in PREFIXES:
        part = sorted(mark for mark in marks if mark.startswith(prefix))[:MOST_MARKS]
        messages.send(partner, "agreement.held", {**about, "held": part, "prefix": prefix})


def answer_comparisons() -> int:
    """Show those who told what they hold what they lack, and ask them for what they have more; how many were.

    Two may each hold a word that the other does not take. So what both hold is answered once a day: as long as neither
    has anything new, there is nothing more to say. Whatever somebody tells, it is shown one thing once an hour: who
    says that it holds nothing would else have everything said to it again and again, into a log that is kept.
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
    if agreement is None and partner is not None and not _is_asked(held):
        # whoever names this node as a party shows it what that is about
        messages.send(partner, "agreement.held", {"agreement": str(held.lineage), "held": []})
        Comparison.objects.filter(pk=held.pk).update(is_waiting=False, asked=now())
        return True
    if agreement is None or partner is None or partner.node not in _parties(agreement):
        Comparison.objects.filter(pk=held.pk).update(is_waiting=False)
        return False
    own = {mark: each for mark, each in held_of(agreement).items() if mark.startswith(held.prefix)}
    theirs = set(held.held)
    both = sha256(canonical([sorted(own), sorted(theirs)]))
    if both == held.answered and held.begun and held.begun > now() - _SETTLED:
        Comparison.objects.filter(pk=held.pk).update(is_waiting=False, not_before=None)
        return False
    is_said = _show_lacking(agreement, partner, held, {mark: own[mark] for mark in own.keys() - theirs})
    if theirs - own.keys():
        if held.asked is None or held.asked <= now() - _ASKING:
            _tell(agreement, partner, held_of(agreement).keys())
            held.asked, is_said = now(), True
        else:
            held.wait_until(held.asked + _ASKING)
    if not held.is_waiting:
        held.answered = both
    held.save()
    return is_said


def _is_asked(held: Comparison) -> bool:
    return held.asked is not None and held.asked > now() - _SETTLED


def _show_lacking(
    agreement: Agreement, partner: Partner, held: Comparison, lacking: Mapping[str, _Row]
) -> bool:
    """Show what a party lacks, but for what it was shown within the hour; whether anything was shown.

    What it still lacks after that it says again when it compares the next time.
    """
    if held.begun is None or held.begun <= now() - _ONCE_IN:
        held.begun, held.shown = now(), []
    held.is_waiting, held.not_before = False, None
    fresh = sorted(lacking.keys() - set(held.shown))
    some, size = [], 0
    for mark in fresh:
        if size >= _MOST_AT_ONCE:
            held.wait_until(now())
            break
        some.append(mark)
        size += _size_of(lacking[mark])
    if some:
        _send(agreement, partner, [lacking[mark] for mark in some])
        held.shown = [*held.shown, *some]
    return bool(some)


def _parties(agreement: Agreement) -> set[str]:
    """The other nodes that are, or were, parties of it, or acceded to it."""
    standing = standing_of(agreement)
    documents = [standing.current, standing.pending, *(window.document for window in standing.windows)]
    nodes = {party.node for document in documents if document for party in document.parties if party.node}
    return nodes - {settings.BASE_URL}


def _met(nodes: Collection[str]) -> list[Partner]:
    met = Partner.objects.filter(node__in=nodes).exclude(kid="")
    return list(met.filter(~Q(state=Partner.State.BLOCKED)).order_by("node"))
