"""Showing what is held of an agreement to another party: everything, some of it, or what it lacks.

Whatever a party signed proves itself, so anybody may pass it on. That is how a word that its author, or the depositary,
told to some and not to others reaches them all (docs/protocol.md, "What the others hold").
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Q, Sum

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
from taawun.cooperation.partners.models import Partner, PolicyGeneration
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
_SIZE_OF_MARK: Final = 67
# what one comparison names at most; what holds more tells it in parts
MOST_MARKS: Final = 5_000
# each part is what begins with one of these
PREFIXES: Final = tuple("0123456789abcdef")
# of so many all are told at once, whatever of it is new
_FEW_MARKS: Final = 100
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
# what is new is told to one party so often at once, and then once in this time
_NEWS_AT_ONCE: Final = 6
_NEWS: Final = timedelta(hours=1)


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


@dataclass(frozen=True)
class _Holding:
    """What is held of an agreement, reckoned while others may write.

    Args:
        agreement: which.
        rows: what others would take, by its marks.
        nodes: its other parties.
        stamp: what changes with whatever is held here.
    """

    agreement: Agreement
    rows: Mapping[str, _Row]
    nodes: frozenset[str]
    stamp: str


def _reckon(lineage: UUID) -> _Holding | None:
    """Outside of a transaction that writes: of an agreement with thousands of words this takes long."""
    agreement = Agreement.objects.filter(id=lineage).first()
    if agreement is None:
        return None
    stamp = _stamp(lineage)
    return _Holding(agreement, held_of(agreement), frozenset(_parties(agreement)), stamp)


def _has_moved(lineage: UUID, holding: _Holding | None) -> bool:
    """Whether something else is held by now than was reckoned; locks the agreement, so that this stays so."""
    held = Agreement.objects.select_for_update().filter(id=lineage).first()
    if held is None or holding is None:
        return held is not None or holding is not None
    return _stamp(lineage) != holding.stamp


def _stamp(lineage: UUID) -> str:
    texts = (
        Version.objects.filter(agreement=lineage).values_list("digest", flat=True),
        PartySignature.objects.filter(lineage=lineage).values_list("token", flat=True),
        PartyInstrument.objects.filter(lineage=lineage).values_list("mark", flat=True),
    )
    return sha256(canonical([sorted(each) for each in texts]))


def compare() -> int:
    """Tell the other parties what is held here of the agreements about which something new came; how many were told.

    Two parties need no third to tell them what the other one said. Those who are quiet compare once a week: a word may
    have been refused where its author's new key was not known yet. Who was told the same within the week is not told
    again: what is repeated to this node is no news. Of what is new a party is told some times at once, then once an
    hour: whoever says one word after another does not make all nodes write to each other for each of them.
    """
    told, left, at = 0, _MOST_AT_ONCE, now()
    is_new = Q(is_uncompared=True) | Q(compare_from__lte=at)
    due = Agreement.objects.filter(is_new | Q(compared__lt=at - _AGAIN))
    longest_ago = due.order_by(F("compared").asc(nulls_first=True), "number").values_list("id", flat=True)
    for lineage in list(longest_ago[:_AT_ONCE]):
        if left <= 0 or not disk.has_room():
            break
        holding = _reckon(lineage)
        with transaction.atomic():
            # where something came meanwhile, all of it is told the next time
            if holding is not None and not _has_moved(lineage, holding):
                nodes, size = _tell_news(holding)
                told, left = told + nodes, left - size
    return told


def _tell_news(holding: _Holding) -> tuple[int, int]:
    """Tell the other parties what is held here where that is news; how many were told, and in how many bytes."""
    told, size, later = 0, 0, []
    lineage, marks, at = holding.agreement.id, holding.rows.keys(), now()
    before = {each.node: each for each in Told.objects.filter(lineage=lineage)}
    # two parties need not compare
    for partner in _met(holding.nodes) if len(holding.nodes) > 1 else ():
        row = before.get(partner.node)
        is_old = row is None or row.at <= at - _AGAIN
        news = PREFIXES if row is None or is_old else _news(row, marks)
        begins = at if row is None or is_old else _news_from(row)
        if news and (begins > at or size >= _MOST_AT_ONCE):
            later.append(max(begins, at))
        elif news:
            size += _tell(lineage, partner, marks, news)
            told += 1
    Agreement.objects.filter(id=lineage).update(
        is_uncompared=False, compare_from=min(later, default=None), compared=at
    )
    return told, size


def _news(row: Told, marks: Collection[str]) -> tuple[str, ...]:
    """The prefixes of what a party was not told as it is held now."""
    if not row.parts and row.holding == _holding(marks):
        # an earlier version of this node told all of it
        return ()
    parts = _parts(marks)
    return tuple(each for each in PREFIXES if row.parts.get(each) != parts[each])


def _news_from(row: Told) -> datetime:
    """From when on a party may be told something new: some times at once, then once in a while."""
    return row.at if row.spent_until is None else row.spent_until - (_NEWS_AT_ONCE - 1) * _NEWS


def _tell(lineage: UUID, partner: Partner, marks: Collection[str], prefixes: Sequence[str] = PREFIXES) -> int:
    """Tell a party what is held here, and remember that it was.

    Args:
        lineage: of which agreement.
        partner: whom.
        marks: all that is held.
        prefixes: of what begins with these it is told; of little that is held it is told the whole in any case.

    Returns:
        How many bytes that took.
    """
    row = Told.objects.filter(lineage=lineage, node=partner.node).first()
    row = row or Told(lineage=lineage, node=partner.node)
    holding, parts, at = _holding(marks), _parts(marks), now()
    if row.holding == holding:
        row.times += 1
    else:
        row.times, row.spent_until = 1, max(row.spent_until or at, at) + _NEWS
    is_whole = len(marks) <= (MOST_MARKS if len(prefixes) == len(PREFIXES) else min(_FEW_MARKS, MOST_MARKS))
    row.parts = parts if is_whole else {**row.parts, **{each: parts[each] for each in prefixes}}
    row.holding, row.at = holding, at
    row.save()
    about, size = {"agreement": str(lineage)}, 0
    if is_whole:
        messages.send(partner, "agreement.held", {**about, "held": sorted(marks)})
        return len(marks) * _SIZE_OF_MARK + _SIZE_OF_KEY
    for prefix in prefixes:
        part = sorted(mark for mark in marks if mark.startswith(prefix))[:MOST_MARKS]
        messages.send(partner, "agreement.held", {**about, "held": part, "prefix": prefix})
        size += len(part) * _SIZE_OF_MARK + _SIZE_OF_KEY
    return size


def _holding(marks: Collection[str]) -> str:
    return sha256(canonical(sorted(marks)))


def _parts(marks: Collection[str]) -> dict[str, str]:
    """The digest of the marks that begin with each prefix."""
    parts: dict[str, list[str]] = {each: [] for each in PREFIXES}
    for mark in marks:
        parts[mark[0]].append(mark)
    return {prefix: _holding(part) for prefix, part in parts.items()}


def _may_tell_from(row: Told | None, marks: Collection[str]) -> datetime | None:
    """From when on a party may be told what is held here, so that it shows more; None for at once.

    It may hold what is not taken here, or say so of what nobody holds. So it is told the same ever more seldom.
    """
    if row is None:
        return None
    if row.holding != _holding(marks):
        return max(row.at + _ASKING, _news_from(row))
    return row.at + _pause(_ASKING, row.times)


def _pause(first: timedelta, times: int) -> timedelta:
    """How long something waits after it was said so many times: twice as long each time, at most a week."""
    # beyond this it is a week in any case
    return min(first * (1 << min(times - 1, 20)), _AGAIN)


# ---- answering --------------------------------------------------------------------------------------------------


@dataclass
class _Answer:
    """What is said to a party on all that it told of an agreement.

    Args:
        shown: what it is shown, by its marks, each with its bytes.
        before: what it was shown before.
        asks: the prefixes under which it is told what is held here, so that it shows what it holds more.
        again: from when on there is more to say; None where that is all.
        quiet_until: before this there is nothing to say on whatever it tells, unless something new is held here.
    """

    shown: dict[str, int]
    before: Mapping[str, Shown]
    asks: tuple[str, ...] = ()
    again: datetime | None = None
    quiet_until: datetime | None = None

    def wait_until(self, at: datetime) -> None:
        """Let it go on from an instant on; the earliest of several counts."""
        self.again = min(at, self.again or at)


def answer_comparisons() -> int:
    """Show those who told what they hold what they lack, and ask them for what they have more; how many were.

    Two may each hold a word that the other does not take, and whoever lies says that it holds nothing, or what nobody
    knows. So nothing is said a second time before a day is over, nor a third time before two more are, whatever
    somebody tells: all of it goes into a log that is kept. All that one party told of an agreement is answered
    together, and is not looked at before something may be said to it: what it costs to tell is next to nothing.
    """
    answered = 0
    for lineage, nodes in _waiting().items():
        asking = [node for node in nodes if not _is_quiet(lineage, node)]
        holding = _reckon(lineage) if asking else None
        for node in asking:
            if not disk.has_room():
                return answered
            answered += _answer(lineage, node, holding)
    return answered


def _waiting() -> dict[UUID, list[str]]:
    """The parties that wait for an answer, by the agreement of which they told; those of whom it came first."""
    rows = Comparison.objects.filter(Q(not_before=None) | Q(not_before__lte=now()), is_waiting=True)
    found: dict[UUID, list[str]] = {}
    told = rows.values_list("lineage", "node").annotate(first=Min("received")).order_by("first")
    for lineage, node, _first in told[:_AT_ONCE]:
        found.setdefault(lineage, []).append(node)
    return found


def _is_quiet(lineage: UUID, node: str) -> bool:
    """Whether there is nothing to say to a party yet, whatever it told; then that waits."""
    rows = Comparison.objects.filter(lineage=lineage, node=node)
    looked = rows.filter(quiet_until__gt=now()).values_list("quiet_until", "quiet_stamp")
    until, stamp = looked.order_by("-quiet_until").first() or (None, "")
    if until is None or stamp != _quiet_stamp(_stamp(lineage)):
        return False
    rows.filter(is_waiting=True).update(not_before=until)
    return True


def _quiet_stamp(stamp: str) -> str:
    """It changes with what is held here, and with whom people here believe."""
    return sha256(f"{stamp} {PolicyGeneration.current()}".encode())


def _answer(lineage: UUID, node: str, holding: _Holding | None) -> bool:
    """Answer what a party told, or as much of it as may be said now; whether anything was said."""
    partner = Partner.objects.filter(node=node).exclude(state=Partner.State.BLOCKED).first()
    rows = list(Comparison.objects.filter(lineage=lineage, node=node, is_waiting=True))
    stamp = "" if holding is None else _quiet_stamp(holding.stamp)
    # of who is no party, nothing that it tells changes that
    answer = _Answer({}, {}, quiet_until=now() + _SHOWING if holding else None)
    if partner is not None and holding is None:
        # whoever names this node as a party shows it what that is about
        told = Told.objects.filter(lineage=lineage, node=node).first()
        is_due = told is None or told.at <= now() - _pause(_SHOWING, told.times)
        answer.asks = PREFIXES if is_due else ()
    elif partner is not None and holding is not None and node in holding.nodes:
        answer = _reckon_answer(holding, partner, rows)
    with transaction.atomic():
        if _has_moved(lineage, holding) or not _are_as_read(rows):
            # what came meanwhile is answered with it the next time
            return False
        if partner is not None and holding is not None and answer.shown:
            _send(holding.agreement, partner, [holding.rows[mark] for mark in answer.shown])
            _note(lineage, partner, answer)
        if partner is not None and answer.asks:
            _tell(lineage, partner, () if holding is None else holding.rows.keys(), answer.asks)
        told_all = Comparison.objects.filter(lineage=lineage, node=node)
        told_all.update(quiet_until=answer.quiet_until, quiet_stamp=stamp)
        told_all.filter(pk__in=[each.pk for each in rows]).update(
            is_waiting=answer.again is not None, not_before=answer.again
        )
    return bool(answer.shown or answer.asks)


def _are_as_read(rows: Sequence[Comparison]) -> bool:
    """Whether nothing was told anew, nor answered, since it was read; locks it, so that this stays so."""
    locked = Comparison.objects.select_for_update().filter(pk__in=[each.pk for each in rows], is_waiting=True)
    found = dict(locked.values_list("pk", "received"))
    return found == {each.pk: each.received for each in rows}


def _reckon_answer(holding: _Holding, partner: Partner, rows: Sequence[Comparison]) -> _Answer:
    """What to say to a party, and when to look again; outside of a transaction that writes."""
    lineage, own, at = holding.agreement.id, holding.rows, now()
    lacking, more = set[str](), set[str]()
    for row in rows:
        theirs = set(row.held)
        lacking |= {mark for mark in own if mark.startswith(row.prefix)} - theirs
        more |= theirs - own.keys()
    shown = Shown.objects.filter(lineage=lineage, node=partner.node)
    answer = _Answer({}, {each.mark: each for each in shown})
    _choose(answer, partner, {mark: own[mark] for mark in lacking}, at)
    told = Told.objects.filter(lineage=lineage, node=partner.node).first()
    begins = _may_tell_from(told, own.keys()) or at
    if more and begins <= at:
        answer.asks = tuple(sorted({mark[0] for mark in more}))
    elif more:
        answer.wait_until(begins)
    if answer.again != at:
        answer.quiet_until = max(at + _ASKING, min([begins, *_due(answer, own)]))
    return answer


def _due(answer: _Answer, own: Iterable[str]) -> Iterator[datetime]:
    """From when on a party may be shown what is held here, should it come to lack that."""
    for mark in own:
        if mark in answer.shown:
            continue
        # that it holds what it was not shown yet was its own word
        yield _again_from(answer.before[mark]) if mark in answer.before else now()


def _choose(answer: _Answer, partner: Partner, lacking: Mapping[str, _Row], at: datetime) -> None:
    """What a party lacks is shown, but for what it was shown not long ago.

    What it still lacks after that it says again when it compares the next time.
    """
    before = answer.before
    due = [mark for mark in lacking if mark not in before or _again_from(before[mark]) <= at]
    left, size = _MOST_AGAIN - _shown_again(partner), 0
    # what it never saw first, then what it saw longest ago
    for mark in sorted(due, key=lambda mark: (before[mark].at.timestamp() if mark in before else 0.0, mark)):
        if size >= _MOST_AT_ONCE:
            answer.wait_until(at)
            break
        weight = _size_of(lacking[mark])
        if mark in before:
            if weight > left:
                continue
            left -= weight
        answer.shown[mark] = weight
        size += weight


def _again_from(shown: Shown) -> datetime:
    return shown.at + _pause(_SHOWING, shown.times)


def _shown_again(partner: Partner) -> int:
    """How many bytes a node was shown within the week of what it had been shown before."""
    again = Shown.objects.filter(node=partner.node, times__gt=1, at__gt=now() - _AGAIN)
    return again.aggregate(size=Sum("size"))["size"] or 0


def _note(lineage: UUID, partner: Partner, answer: _Answer) -> None:
    at, before = now(), answer.before
    repeated = [before[mark] for mark in answer.shown if mark in before]
    for each in repeated:
        each.times, each.at = each.times + 1, at
    Shown.objects.bulk_update(repeated, ["times", "at"], batch_size=500)
    Shown.objects.bulk_create(
        Shown(lineage=lineage, node=partner.node, mark=mark, size=size, at=at)
        for mark, size in answer.shown.items()
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
