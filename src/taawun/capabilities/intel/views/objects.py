"""The list of objects, the page of one, and saying that one was seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from taawun.capabilities.intel import actions, queries, ties
from taawun.capabilities.intel.actions.counting import may_count
from taawun.capabilities.intel.actions.sighting import is_sightable
from taawun.capabilities.intel.composing import bundle_chunks, text_under, value_under
from taawun.capabilities.intel.errors import SightingRefused
from taawun.capabilities.intel.forms import ObjectFilters, SightingForm
from taawun.capabilities.intel.models import Source, StixObject
from taawun.capabilities.intel.picturing import picture_around
from taawun.capabilities.intel.presenting import (
    is_technical,
    names_of,
    object_history,
    object_rows,
    report_badge,
    sighting_rows,
)
from taawun.capabilities.intel.reach import how_often_seen, reach_of, who_may_see
from taawun.capabilities.intel.wording import type_name
from taawun.cooperation.federation.decisions import Preview
from taawun.cooperation.federation.models import Release
from taawun.cooperation.federation.presenting import deliveries, release_rows, shown_preview, with_passages
from taawun.cooperation.federation.provenance import provenance
from taawun.cooperation.federation.rules import reader_of
from taawun.cooperation.people.sessions import signed_in
from taawun.foundation.tlp import Tlp
from taawun.platform.web import formats
from taawun.platform.web.components import Fact
from taawun.platform.web.downloads import attachment
from taawun.platform.web.forms import understood
from taawun.platform.web.listing import Act, Column, Empty, Stored, Table, show
from taawun.platform.web.paging import BadCursor, page
from taawun.platform.web.templatetags.components import code, moment, tlp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponseBase

    from taawun.capabilities.intel.models import Import, Reference, Report
    from taawun.cooperation.federation.presenting import ReleaseRow
    from taawun.cooperation.federation.rules import Reader
    from taawun.cooperation.people.actors import PersonActor

__all__ = [
    "found_object",
    "object_download",
    "object_page",
    "object_picture",
    "objects",
    "sighting_new",
    "sighting_told",
]

_RELATIONS: Final = 50
_SHORT_LIST: Final = 30
# among so many of its newest releases those are looked for that the reader may know of: mostly the first will do
_LOOKED_THROUGH: Final = (0, _SHORT_LIST, 100, 500)
_VALUES: Final = 50
_MOST_EXPORTED: Final = 100_000
_MOST_SHOWN: Final = 60_000  # characters of a text on the page; all of it is in the download


# ---- the list ---------------------------------------------------------------------------------------------------
OBJECTS: Final = Table(
    name="objects",
    caption=gettext_lazy("Objects"),
    columns=(
        Column("name", gettext_lazy("Value")),
        Column("kind", pgettext_lazy("of an object", "Kind"), sort="kind"),
        Column("marking", gettext_lazy("Marking"), sort="marking"),
        Column("created", gettext_lazy("Here since"), sort="-created", is_shown=False),
        Column("sightings", gettext_lazy("Sightings"), is_number=True),
        Column("act", gettext_lazy("Act"), is_silent=True),
    ),
    # in a kind and in a marking the newest stand first, as their indexes have them
    orders={"created": ("id",), "kind": ("type", "-id"), "marking": ("tlp", "-id")},
    sort="-created",
    unfit=Empty(
        gettext_lazy("No object fits"),
        gettext_lazy("Each word must begin a word of the object; an identifier must be whole."),
    ),
    saved=("id", "type", "name", "tlp", "version", "origin", "recorded"),
    key="stix_id",
)
# words are looked up in an index of their own, whose answers nothing orders but their age
_FOUND: Final = replace(
    OBJECTS,
    columns=tuple(
        replace(each, sort="") if each.sort in {"kind", "marking"} else each for each in OBJECTS.columns
    ),
    orders={"created": ("id",)},
)


@require_safe
@signed_in("read:intel")
def objects(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Every object in its current version, newest first."""
    # what holds NUL is no identifier, and PostgreSQL cannot be asked for it
    chosen = [each for each in request.GET.getlist("chosen") if "\0" not in each]
    if request.GET.get("format") == "stix" and "chosen" in request.GET:
        return attachment(
            bundle_chunks(queries.texts_of(actor, chosen)),
            name="objects-bundle.json",
            content_type="application/stix+json;version=2.1",
        )
    may_write = "write:intel" in actor.permissions
    form = ObjectFilters(request.GET)
    of_report = _of_report(actor, form)
    bundle = Act(_("Save as a STIX bundle"), icon="download", name="format", value="stix")
    writing = Act(_("Write a report of these…"), url=reverse("report-new"), icon="edit")
    return show(
        request,
        _FOUND if request.GET.get("q") else OBJECTS,
        "intel/objects.html",
        form=form,
        find=lambda wanted: _found(actor, _filters(wanted), is_sorted=bool(request.GET.get("sort"))),
        draw=lambda found: object_rows(actor, found),
        save=_saved,
        acts=(writing, bundle) if may_write else (bundle,),
        empty=Empty(
            _("No object yet"),
            _("Objects come with files that you import, and with reports that partners publish to you."),
            ((_("Import a file…"), reverse("import-new")),) if may_write else (),
        ),
        without=() if may_write else {"act"},
        context={
            "most_exported": _MOST_EXPORTED,
            "of_report": of_report,
            "its_marking": Tlp(of_report.tlp) if of_report else None,
        },
    )


def _of_report(actor: PersonActor, form: ObjectFilters) -> Report | None:
    """The report whose objects are listed, where they are one's."""
    wanted = understood(form).get("report")
    return queries.report_named(actor, wanted) if wanted else None


def _found(actor: PersonActor, filters: queries.ObjectFilters, *, is_sorted: bool) -> Stored[StixObject]:
    found, first = queries.objects_and_first(actor, filters)
    common = tuple(name for name in filters.order if not name.endswith("id"))
    return Stored(found, common=common, sooner=None if is_sorted else first)


# Any: what the fields of the form make of the address
def _filters(wanted: Mapping[str, Any]) -> queries.ObjectFilters:
    return queries.ObjectFilters(
        text=wanted.get("q", ""),
        type=wanted.get("type", ""),
        tlp=Tlp.parse(wanted["tlp"]) if wanted.get("tlp") else None,
        report=wanted.get("report"),
    )


def _saved(found: QuerySet[StixObject]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in islice(found.iterator(chunk_size=1000), _MOST_EXPORTED):
        yield {
            "id": each.stix_id,
            "type": each.type,
            "name": each.name,
            "tlp": Tlp(each.tlp).label,
            "version": each.version,
            "origin": each.origin or None,
            "recorded": each.created,
        }


# ---- one object -------------------------------------------------------------------------------------------------
def found_object(actor: PersonActor, stix_id: str) -> StixObject:
    """An object as it shows to the reader; 404 where there is none for them."""
    held = queries.object_named(actor, stix_id)
    if held is None:
        raise Http404
    return held


@dataclass(frozen=True, slots=True)
class _Relation:
    """An object that this one names, or that names it; without a row where it is not here."""

    relation: str
    is_outward: bool
    other_id: str
    other: StixObject | None
    name: str

    @property
    def kind(self) -> str:
        return type_name(self.other.type if self.other else self.other_id.partition("--")[0])


@require_safe
@signed_in("read:intel")
def object_page(request: HttpRequest, actor: PersonActor, stix_id: str) -> HttpResponseBase:
    """One object: what is known of it, its text, its versions, its ties, and where it came from."""
    held = found_object(actor, stix_id)
    try:
        shown = page(
            ties.references_of(actor, held),
            order=("id",),
            after=request.GET.get("after"),
            limit=_RELATIONS,
            sooner=ties.first_references_of(actor, held, _RELATIONS + 1),
        )
    except BadCursor:
        return redirect("object", stix_id)
    reader = reader_of(actor)
    imported, came = _sources(actor, held, reader)
    given = _given(actor, held, reader)
    versions = list(queries.versions_of(actor, stix_id).defer(*queries.NOT_LISTED)[:_SHORT_LIST])
    sightings = sighting_rows(actor, list(queries.sightings(actor, stix_id)[:_SHORT_LIST]))
    value = value_under(held.text, Tlp(held.tlp))
    begun = _readable(value)
    is_cut = len(begun) > _MOST_SHOWN
    context = {
        "object": held,
        "marking": Tlp(held.tlp),
        "kind": type_name(held.type),
        "name": names_of(actor, [held])[held.pk],
        "is_technical": is_technical(held),
        "is_sightable": is_sightable(held),
        "facts": _facts(held, value),
        "text": begun[:_MOST_SHOWN],
        "copied": "" if is_cut else text_under(held.text, Tlp(held.tlp)),
        "is_cut": is_cut,
        "versions": [(each, Tlp(each.tlp)) for each in versions],
        "page": shown,
        # the list is turned over page by page; the picture stands with its beginning
        "picture": None if request.GET.get("after") else picture_around(actor, held),
        "relations": _relations(actor, held, shown.items),
        "reports": [
            (each, report_badge(each)) for each in queries.reports_naming(actor, stix_id)[:_SHORT_LIST]
        ],
        "sightings": sightings,
        "how_often_seen": how_often_seen(actor, [stix_id]) if sightings else None,
        "imported": imported,
        "released": came,
        "stations": provenance(came[0].release) if came else (),
        "reach": reach_of(*(row.release for row in [*came[:1], *given])),
        "given": given,
        "who_may_see": who_may_see(held),
        "history": object_history(versions, [*came, *given], sightings),
        "is_recorded_here": Source.objects.filter(object=held, sighting__isnull=False).exists(),
        "may_write": "write:intel" in actor.permissions,
        "may_share_count": "publish:intel" in actor.permissions
        and may_count(held)
        and queries.sightings(actor, stix_id).filter(may_count=True).exists(),
    }
    return render(request, "intel/object.html", context)


def _readable(value: Mapping[str, Any]) -> str:
    """The text with a line for each property, as far as it is shown and a little further.

    What was received stays as it is in the download. A report may name a hundred thousand objects: nobody waits for
    what is not shown.
    """
    pieces, length = list[str](), 0
    for piece in json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(value) if value else ():
        pieces.append(piece)
        length += len(piece)
        if length > _MOST_SHOWN:
            break
    return "".join(pieces)


def _facts(held: StixObject, value: Mapping[str, Any]) -> list[Fact]:
    facts = [
        Fact(_("Kind"), type_name(held.type)),
        Fact(_("Marking"), tlp(Tlp(held.tlp))),
        Fact(_("Identifier"), code(held.stix_id)),
        Fact(_("Version"), code(held.version, copy=False) if held.version else "—"),
        Fact(_("Here since"), moment(held.created)),
    ]
    for name, label in _shown_properties():
        if value.get(name) not in (None, "", []):
            facts.append(Fact(label, _shown(value[name])))
    for reference in _references(value)[:5]:
        known = " ".join(
            str(reference[part]) for part in ("source_name", "external_id") if reference.get(part)
        )
        facts.append(Fact(_("Known as"), code(known, copy=False)))
    return facts


def _references(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its external references; an observable has none by the standard, and may hold anything under that name."""
    found = value.get("external_references")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _shown_properties() -> tuple[tuple[str, str], ...]:
    return (
        ("pattern", _("Pattern")),
        ("value", _("Value")),
        ("valid_from", _("Valid from")),
        ("valid_until", _("Valid until")),
        ("confidence", _("Confidence, of 100")),
        ("labels", _("Labels")),
        ("indicator_types", _("Types")),
        ("malware_types", _("Types")),
        ("aliases", _("Also called")),
        ("relationship_type", _("Tie")),
    )


def _shown(value: object) -> SafeString:
    if not isinstance(value, list):
        return code(str(value)[:1000], copy=isinstance(value, str))
    # each in its own element, and the commas those of the reader's language
    shown = [code(str(each)[:200], copy=False) for each in value[:_VALUES]]
    # babel joins by replacing {0} and {1}; what stands in their place is markup by now
    return SafeString(formats.listed([*shown, "…"] if len(value) > _VALUES else shown))


def _relations(actor: PersonActor, held: StixObject, rows: Sequence[Reference]) -> list[_Relation]:
    ends = [each.target if each.source_id == held.pk else each.source.stix_id for each in rows]
    others = queries.current_among(actor, ends)
    called = names_of(actor, others.values())
    return [
        _Relation(
            each.relation,
            each.source_id == held.pk,
            end,
            others.get(end),
            called[others[end].pk] if end in others else end,
        )
        for each, end in zip(rows, ends, strict=True)
    ]


def _sources(actor: PersonActor, held: StixObject, reader: Reader) -> tuple[list[Import], list[ReleaseRow]]:
    """By which imports and partners' releases it is here, each only for whom it is there to see."""
    sources = Source.objects.filter(object=held)
    imported = queries.imports(actor).filter(id__in=sources.values("imported"))
    came = sources.filter(release__origin__isnull=False)
    return list(imported[:_SHORT_LIST]), _rows(reader, came)


def _given(actor: PersonActor, held: StixObject, reader: Reader) -> list[ReleaseRow]:
    """Releases of ours in which it went out, in any version that the reader sees."""
    versions = queries.versions_of(actor, held.stix_id).order_by().values("id")
    sources = Source.objects.filter(object__in=versions, release__isnull=False)
    return _rows(reader, sources.filter(release__origin__isnull=True))


def _rows(reader: Reader, sources: QuerySet[Source]) -> list[ReleaseRow]:
    """The newest that the reader may know of; which objects were in a release is part of what it is about."""
    # by way of their keys: asked for the newest releases of a few, SQLite looks through all the newest
    newest = sources.order_by("-release_id").values_list("release_id", flat=True).distinct()
    rows: list[ReleaseRow] = []
    for begin, end in pairwise(_LOOKED_THROUGH):
        keys = list(newest[begin:end])
        some = list(with_passages(Release.objects.filter(id__in=keys).order_by("-id"))) if keys else []
        rows += [row for row in release_rows(some, reader) if row.is_visible] if some else []
        if len(rows) >= _SHORT_LIST or len(keys) < end - begin:
            break
    return rows[:_SHORT_LIST]


@require_safe
@signed_in("read:intel")
def object_picture(request: HttpRequest, actor: PersonActor, stix_id: str) -> HttpResponseBase:
    """What an object is tied to, with more of it unfolded (``?open=``), for the place of the picture on its page."""
    held = found_object(actor, stix_id)
    if not request.headers.get("HX-Request"):
        return redirect("object", stix_id)
    picture = picture_around(actor, held, request.GET.getlist("open"))
    return render(request, "intel/picture.html", {"picture": picture})


@require_safe
@signed_in("read:intel")
def object_download(_request: HttpRequest, actor: PersonActor, stix_id: str) -> HttpResponseBase:
    """The object under the marking it is held under, to save."""
    held = found_object(actor, stix_id)
    return attachment(
        text_under(held.text, Tlp(held.tlp)).encode(),
        name=f"{held.stix_id}.json",
        content_type="application/stix+json;version=2.1",
    )


# ---- saying that it was seen ------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in("write:intel")
def sighting_new(request: HttpRequest, actor: PersonActor, stix_id: str) -> HttpResponseBase:
    """Record a sighting; it goes back to whoever told us of the object, as far as a clause allows it."""
    held = found_object(actor, stix_id)
    if not is_sightable(held):
        # no page leads here
        return redirect("object", stix_id)
    form = SightingForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = actions.sight(actor, stix_id, **given).sighting
        except SightingRefused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, str(refused))
        else:
            # another address, so that loading the page again records nothing
            return redirect("sighting-told", stix_id, made.id)
    context = {
        "object": held,
        "name": names_of(actor, [held])[held.pk],
        "marking": Tlp(held.tlp),
        "form": form,
    }
    return render(request, "intel/sighting_new.html", context, status=422 if form.errors else 200)


@require_safe
@signed_in("write:intel")
def sighting_told(
    request: HttpRequest, actor: PersonActor, stix_id: str, sighting_id: UUID
) -> HttpResponseBase:
    """What became of a sighting of ours: to whom it went, and to whom it did not and why."""
    held = found_object(actor, stix_id)
    made = queries.sightings(actor, stix_id).filter(id=sighting_id, seen_by="").first()
    if made is None:
        raise Http404
    outcome = actions.sighting_outcome(actor, made)
    shown = shown_preview(Preview((), outcome.refused), actor.permissions)
    release = with_passages(Release.objects.filter(id=made.release_id)).first() if made.release_id else None
    context = {
        "object": held,
        "name": names_of(actor, [held])[held.pk],
        "is_technical": is_technical(held),
        "deliveries": deliveries(release) if release else (),
        "others": shown.others,
        "is_withheld": bool(outcome.withheld),
        "has_sources": bool(outcome.sources),
    }
    return render(request, "intel/sighting_told.html", context)
