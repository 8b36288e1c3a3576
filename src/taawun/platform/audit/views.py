"""The page of the trail: who did what, filtered, exported, and whether the chain is whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.shortcuts import redirect
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from taawun.platform.audit.actions import verify
from taawun.platform.audit.acts import Act, SystemPart, Thing, find_things, words_of
from taawun.platform.audit.queries import Filters, chain, entries
from taawun.platform.registry import registry
from taawun.platform.web.access import doorkeeper, signed_in
from taawun.platform.web.formats import number
from taawun.platform.web.listing import Column, Empty, Stored, Table, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.platform.audit.models import Entry

__all__ = ["check_chain", "trail"]

# about two seconds of walking; a longer chain is walked at the console
_LONGEST_VERB = 80


class _VerbField(forms.ChoiceField):
    """Offers what rooms registered, and takes what stands in an address: verbs of rooms that are gone."""

    def valid_value(self, value: object) -> bool:
        """Every verb is one; none holds NUL, for which PostgreSQL cannot be asked."""
        return len(str(value)) <= _LONGEST_VERB and "\0" not in str(value)


def _choices() -> list[tuple[str, Any]]:  # groups as Django takes them
    groups: list[tuple[str, Any]] = [("", _("all"))]
    acts = registry.all(Act)
    for capability in registry.capabilities():
        own = [act for act in acts if act.name.startswith(f"{capability.name}.")]
        if own:
            label = str(capability.label)
            whole = (f"{capability.name}.", _("%(room)s: every act") % {"room": label})
            groups.append((label, [whole, *((act.name, act.words) for act in own)]))
    return groups


class TrailFilters(forms.Form):
    """What to see of the trail."""

    verb = _VerbField(label=_("Act"), required=False, choices=_choices)
    subject = forms.CharField(label=_("Thing"), required=False, max_length=400)
    actor = forms.CharField(label=_("Who"), required=False, max_length=300)


TRAIL: Final = Table(
    name="audit",
    caption=_("Audit trail"),
    columns=(
        Column("act", _("Act")),
        Column("who", _("Who")),
        Column("thing", _("Thing")),
        Column("when", _("When"), sort="-when"),
        Column("details", _("Details")),
        Column("row", _("Row"), is_number=True),
    ),
    orders={"when": ("id",)},
    sort="-when",
    unfit=Empty(_("No such act"), _("Nothing in the trail fits these filters.")),
    saved=("seq", "at", "actor_kind", "actor_id", "actor_label", "verb", "subject", "details", "digest"),
)


@require_safe
@signed_in("read:audit")
def trail(request: HttpRequest, actor: object) -> HttpResponseBase:
    """The trail, newest first."""
    del actor  # who may read the trail, may read all of it
    state = SimpleLazyObject(chain)  # a file of the trail asks for no more than its rows
    return show(
        request,
        TRAIL,
        "audit/trail.html",
        form=TrailFilters(request.GET),
        find=lambda wanted: Stored(entries(Filters(**wanted))),
        draw=lambda found: _told(found, _permissions(request)),
        save=_saved,
        context={"chain": state},
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the trail as people read it.

    Args:
        entry: the row.
        act: the verb in words.
        who: who acted, and their page where they have one for the reader.
        thing: what it is about, likewise; None where no room knows it (any more).
        details: names and values of what it tells beyond that.
    """

    entry: Entry
    act: str
    who: Thing
    thing: Thing | None
    details: tuple[tuple[str, str], ...]


def _permissions(request: HttpRequest) -> frozenset[str]:
    door = doorkeeper()
    visitor = door.visitor(request) if door else None
    return visitor.permissions if visitor else frozenset()


def _told(entries_: Sequence[Entry], permissions: frozenset[str]) -> list[Row]:
    things = find_things(
        {name for entry in entries_ for name in (entry.subject, _name_of_actor(entry))}, permissions
    )
    return [_row(entry, things) for entry in entries_]


def _name_of_actor(entry: Entry) -> str:
    # a party acts under the address of its node
    return f"urn:taawun:node:{entry.actor_id}" if entry.actor_kind == "party" else entry.actor_id


def _row(entry: Entry, things: dict[str, Thing]) -> Row:
    # databases keep them in orders of their own
    details = tuple((name, _as_text(value)) for name, value in sorted(entry.details.items()))
    return Row(entry, words_of(entry.verb), _who(entry, things), things.get(entry.subject), details)


def _who(entry: Entry, things: dict[str, Thing]) -> Thing:
    part = registry.find(SystemPart, entry.actor_id) if entry.actor_kind == "system" else None
    if part:
        return Thing(part.words)
    now_there = things.get(_name_of_actor(entry))
    if now_there and entry.actor_kind == "party":
        return now_there  # a name in each language; the row has one
    # the name that they had then; the page is that of now
    return Thing(entry.actor_label, now_there.url if now_there else "")


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


@require_POST
@signed_in("read:audit")
def check_chain(request: HttpRequest, actor: object) -> HttpResponseBase:
    """Walk the chain and say what was found."""
    del actor
    if chain().is_long:
        messages.warning(request, _("The chain is long. Let the operator check it: taawun audit verify."))
        return redirect("audit")
    found = verify()
    if found.broken_at is None:
        told = ngettext(
            "The chain is whole: %(count)s row fits the one before it.",
            "The chain is whole: each of %(count)s rows fits the one before it.",
            found.rows,
        )
        messages.success(request, told % {"count": number(found.rows)})
    else:
        broken = _(
            "The chain is broken at row %(row)s. Compare with a backup, and find out who wrote to the database."
        )
        messages.error(request, broken % {"row": number(found.broken_at)})
    return redirect("audit")


def _saved(found: QuerySet[Entry]) -> Iterator[dict[str, Any]]:
    for entry in found.iterator(chunk_size=1000):
        yield {
            "seq": entry.seq,
            "at": entry.at,
            "actor_kind": entry.actor_kind,
            "actor_id": entry.actor_id,
            "actor_label": entry.actor_label,
            "verb": entry.verb,
            "subject": entry.subject,
            "details": entry.details,
            "digest": entry.digest,
        }
