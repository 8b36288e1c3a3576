"""Nations by name, and communities of nations: who belongs to them, as what, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from taawun.cooperation.people import actions, editions, naming, queries, roll
from taawun.cooperation.people.cards import nation_mark, organisation_card
from taawun.cooperation.people.errors import EditedMeanwhile, PeopleError, RollRefused
from taawun.cooperation.people.forms import (
    CommunityForm,
    EndForm,
    NationFilters,
    RenameForm,
    RollForm,
    SpanFilters,
    SpanForm,
)
from taawun.cooperation.people.models import Community, Nation, Organisation, Span
from taawun.cooperation.people.rolling import rolled
from taawun.cooperation.people.sessions import signed_in
from taawun.cooperation.people.shipped import SHIPPED
from taawun.cooperation.people.views.beside import beside
from taawun.foundation.clock import now
from taawun.foundation.folding import words_match
from taawun.foundation.multilingual import LANGUAGES, OWN_NAMES
from taawun.foundation.nations import ASSIGNED, is_code
from taawun.foundation.weeks import working_days
from taawun.foundation.zones import zones_of_nation
from taawun.platform.web import formats
from taawun.platform.web.formats import called, with_names
from taawun.platform.web.listing import Column, Empty, Held, Stored, Table, show
from taawun.platform.web.pages import confirm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from uuid import UUID

    from django.forms import Form
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from taawun.cooperation.people.actors import PersonActor
    from taawun.foundation.multilingual import Text
    from taawun.platform.web.drafts import Stale

__all__ = [
    "add_community",
    "add_shipped",
    "begin_span",
    "communities",
    "community",
    "end_span",
    "import_roll",
    "nation",
    "nations",
    "rename_community",
    "strike_span",
]

_CARDS: Final = 24

_MANAGE = "manage:communities"


def _called(community: Community) -> str:
    return called(community.name)


# ---- nations -----------------------------------------------------------------------------------------------
NATIONS: Final = Table(
    name="nations",
    caption=gettext_lazy("Nations"),
    columns=(
        Column("name", gettext_lazy("Name")),
        Column("code", gettext_lazy("Code"), sort="code"),
        Column("source", gettext_lazy("Named by")),
    ),
    orders={"code": ("code",)},
    sort="code",
    unfit=Empty(gettext_lazy("No nation fits"), gettext_lazy("No nation has this name or code.")),
    saved=("code", *(f"name_{language}" for language in LANGUAGES), "source"),
    key="code",
)


@require_safe
@signed_in("read:people")
def nations(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Every nation by its code, with what it is called here and who says so."""
    del actor
    return show(
        request,
        NATIONS,
        "people/nations.html",
        form=NationFilters(request.GET),
        find=_nations,
        save=_saved_nations,
    )


def _nations(wanted: Mapping[str, Any]) -> Held[naming.NamedNation]:
    codes = ASSIGNED | set(Nation.objects.values_list("code", flat=True))
    return Held(
        [
            each
            for each in naming.named_nations(sorted(codes)).values()
            if words_match(wanted.get("q", ""), (each.code, *each.name.by_language.values()))
            and wanted.get("source", "") in {"", each.source}
        ]
    )


def _saved_nations(found: Iterable[naming.NamedNation]) -> Iterator[dict[str, Any]]:
    # Any: JSON values of a row
    for each in found:
        yield {
            "code": each.code,
            **{f"name_{language}": each.name.by_language.get(language, "") for language in LANGUAGES},
            "source": each.source.value,
        }


@require_safe
@signed_in("read:people")
def nation(request: HttpRequest, actor: PersonActor, code: str) -> HttpResponseBase:
    """What a nation is called and by whom, its clock and its week, its organisations here and its communities."""
    del actor
    if not is_code(code):
        raise Http404
    named = naming.named_nation(code)
    here = list(Organisation.objects.filter(nation=code).order_by("-is_host", "created", "id")[: _CARDS + 1])
    spans = Span.objects.filter(queries.covering(now().astimezone(UTC).date()), nation=code)
    context = {
        "nation": named,
        "mark": nation_mark(code),
        "names": [
            (tag, OWN_NAMES[tag], name) for tag, name in named.name.by_language.items() if tag in OWN_NAMES
        ],
        "organisations": [organisation_card(each) for each in here[:_CARDS]],
        "has_more": len(here) > _CARDS,
        "spans": spans.select_related("community").order_by("community__code", "standing", "id"),
        "week": formats.days_of_week(working_days(code)),
        "clocks": _clocks(code),
    }
    return render(request, "people/nation.html", context)


def _clocks(code: str) -> list[tuple[str, str]]:
    """The times of day in a nation, each once, with the cities whose clocks show it."""
    at, found = now(), dict[str, list[str]]()
    for zone in zones_of_nation(code):
        found.setdefault(formats.time_in(at, zone), []).append(formats.zone_name(zone))
    return [(shown, formats.listed(cities[:3])) for shown, cities in found.items()]


# ---- communities -------------------------------------------------------------------------------------------
COMMUNITIES: Final = Table(
    name="communities",
    caption=gettext_lazy("Communities"),
    columns=(
        Column("name", gettext_lazy("Name")),
        Column("code", gettext_lazy("Code"), sort="code"),
        Column("members", gettext_lazy("Members today"), is_number=True),
    ),
    orders={"code": ("code",)},
    sort="code",
    unfit=Empty(
        gettext_lazy("No community yet"),
        gettext_lazy("A community says which nations belong together, and what it calls them."),
    ),
)


@require_safe
@signed_in("read:people")
def communities(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """The communities that this node knows, and those it could."""
    here, may_manage = set(Community.objects.values_list("code", flat=True)), _MANAGE in actor.permissions

    def draw(found: list[Community]) -> list[tuple[Community, int]]:
        counts = queries.member_counts([each.id for each in found], now())
        return [(each, counts[each.id]) for each in found]

    return show(
        request,
        COMMUNITIES,
        "people/communities.html",
        form=None,
        find=lambda _wanted: Stored(Community.objects.all()),
        draw=draw,
        empty=replace(
            COMMUNITIES.unfit,
            links=((_("Add a community…"), reverse("community-new")),) if may_manage else (),
        ),
        context={
            "shipped": [each for each in SHIPPED.values() if each.code not in here],
            "may_manage": may_manage,
        },
    )


@require_POST
@signed_in(_MANAGE)
def add_shipped(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Add a community that ships with Taawun."""
    try:
        added = actions.add_shipped_community(actor, request.POST.get("code", ""))
    except PeopleError as refused:
        messages.error(request, str(refused))
        return redirect("communities")
    return redirect("community", added.id)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def add_community(request: HttpRequest, actor: PersonActor) -> HttpResponseBase:
    """Add a community, empty as yet."""
    form = CommunityForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            added = actions.add_community(actor, code=given["code"], names=given["name"])
        except PeopleError as refused:
            form.add_error("code", str(refused))
        else:
            return redirect("community", added.id)
    return _form_page(request, form, _("Add a community"), _("Add the community"), None)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def rename_community(request: HttpRequest, actor: PersonActor, community_id: UUID) -> HttpResponseBase:
    """Change what a community is called."""
    shown, stale = get_object_or_404(Community, id=community_id), None
    form = RenameForm(request.POST if request.method == "POST" else None, initial=_named(shown))
    if request.method == "POST" and form.is_valid():
        try:
            actions.rename_community(actor, shown, form.cleaned_data["name"], edition=form.opened)
        except EditedMeanwhile:
            shown.refresh_from_db()
            standing = editions.community_standing(actor, {"community_id": shown.id})
            form, stale = beside(
                request, lambda sent, begin: RenameForm(sent, initial=begin), _named(shown), standing
            )
        else:
            return redirect("community", shown.id)
    return _form_page(request, form, _("Rename the community"), _("Save the name"), shown, stale=stale)


def _named(shown: Community) -> dict[str, Any]:
    # Any: initial values of fields
    names = {f"name_{language}": words for language, words in shown.names.items()}
    return names | {"edition": shown.edition}


def _form_page(  # noqa: PLR0913 - each is a part of the page
    request: HttpRequest,
    form: Form,
    title: str,
    action: str,
    of: Community | None,
    *,
    stale: Stale | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "title": title,
        "action": action,
        "community_name": _called(of) if of else "",
        "back": reverse("community", args=[of.id]) if of else reverse("communities"),
        "stale": stale,
    }
    status = 409 if stale else 422 if form.errors else 200
    return render(request, "people/community_form.html", context, status=status)


@dataclass(frozen=True, slots=True)
class _Row:
    """What one is or was to a community, with whose it is: a nation, or an organisation of this node."""

    span: Span
    code: str
    name: Text
    called: str  # in the reader's language

    @property
    def id(self) -> UUID:
        return self.span.id

    @property
    def since(self) -> str:
        return self.span.since.isoformat() if self.span.since else ""

    @property
    def until(self) -> str:
        return self.span.until.isoformat() if self.span.until else ""


MEMBERS: Final = Table(
    name="members",
    caption=gettext_lazy("Who belongs to it"),
    columns=(
        Column("name", gettext_lazy("Name"), sort="name"),
        Column("code", gettext_lazy("Code"), sort="code"),
        Column("standing", gettext_lazy("Standing")),
        Column("since", gettext_lazy("Since"), sort="-since"),
        Column("until", gettext_lazy("Until"), sort="-until"),
        Column("act", gettext_lazy("Action"), is_silent=True),
    ),
    orders={
        "name": ("called", "since", "id"),
        "code": ("code", "called", "id"),
        "since": ("since", "called", "id"),
        "until": ("until", "called", "id"),
    },
    sort="name",
    unfit=Empty(gettext_lazy("Nobody fits"), gettext_lazy("Nobody belonged to it in this way on this day.")),
    saved=roll.COLUMNS,
)


@require_safe
@signed_in("read:people")
def community(request: HttpRequest, actor: PersonActor, community_id: UUID) -> HttpResponseBase:
    """A community: who belongs to it today, on another day, or ever."""
    shown = get_object_or_404(Community, id=community_id)
    may_manage = _MANAGE in actor.permissions

    def find(wanted: Mapping[str, Any]) -> Held[_Row]:
        if request.GET.get("format") and not any(wanted.values()):
            # a file of all that is asked for nothing is the whole roll, which can be imported again
            return Held(_rows(queries.spans(shown)))
        day = None if wanted.get("history") else wanted.get("at") or now().date()
        found = _rows(queries.spans(shown, day, wanted.get("standing", "")))
        words = wanted.get("q", "")
        return Held([row for row in found if words_match(words, (row.code, *row.name.by_language.values()))])

    return show(
        request,
        replace(MEMBERS, name=f"members-of-{shown.code}"),
        "people/community.html",
        form=SpanFilters(request.GET),
        find=find,
        save=lambda found: rolled(shown, {row.id for row in found}),
        empty=Empty(
            _("Nobody belongs to it today"),
            _("Write down who belongs to it, or import a file of its history."),
            ((_("Write down a membership…"), reverse("span-new", args=[shown.id])),) if may_manage else (),
        ),
        without=() if may_manage else ("act",),
        context={
            "community": shown,
            "members": queries.member_counts([shown.id], now())[shown.id],
            "may_manage": may_manage,
        },
    )


def _rows(spans: Iterable[Span]) -> list[_Row]:
    """Each span with the code and the name of whose it is."""
    held, language = list(spans), get_language() or "en"
    named = naming.named_nations(each.nation_id for each in held if each.nation_id)
    rows = []
    for each in held:
        code = each.nation_id or ""
        name = each.organisation.name if each.organisation else named[code].name
        rows.append(_Row(each, code, name, name.in_language(language).value))
    return rows


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def begin_span(request: HttpRequest, actor: PersonActor, community_id: UUID) -> HttpResponseBase:
    """Write down what a nation or an organisation is to a community."""
    shown = get_object_or_404(Community, id=community_id)
    form = SpanForm(request.POST if request.method == "POST" else None)
    back = reverse("community", args=[shown.id])
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        for language in LANGUAGES:
            del given[f"name_{language}"]
        try:
            actions.begin_span(actor, shown, **given)
        except RollRefused as refused:
            form.add_error(refused.column or None, refused.sentence)
        else:
            return HttpResponseRedirect(back)
    return _form_page(request, form, _("Write down a membership"), _("Write it down"), shown)


def _span(community_id: UUID, span_id: UUID) -> tuple[Span, str]:
    span = get_object_or_404(
        Span.objects.select_related("community", "organisation"), id=span_id, community=community_id
    )
    return span, _rows([span])[0].called


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def end_span(request: HttpRequest, actor: PersonActor, community_id: UUID, span_id: UUID) -> HttpResponseBase:
    """Write down that it has ended."""
    span, name = _span(community_id, span_id)
    form = EndForm(request.POST if request.method == "POST" else None, initial={"until": now().date()})
    back = reverse("community", args=[community_id])
    if request.method == "POST" and form.is_valid():
        try:
            actions.end_span(actor, span, form.cleaned_data["until"])
        except RollRefused as refused:
            form.add_error("until", refused.sentence)
        else:
            return HttpResponseRedirect(back)
    standing = Span.Standing(span.standing).label
    title = with_names(_("%(name)s, %(standing)s: when does it end?"), name=name, standing=standing)
    return _form_page(request, form, title, _("Write down the end"), span.community)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def strike_span(
    request: HttpRequest, actor: PersonActor, community_id: UUID, span_id: UUID
) -> HttpResponseBase:
    """Strike what was written down by mistake, after asking."""
    span, name = _span(community_id, span_id)
    refusal = ""
    if request.method == "POST":
        try:
            actions.strike_span(actor, span)
        except RollRefused as refused:
            refusal = refused.sentence
        else:
            return redirect("community", community_id)
    standing = Span.Standing(span.standing).label
    return confirm(
        request,
        question=with_names(
            _("Strike “%(standing)s” of %(name)s from the history?"), standing=standing, name=name
        ),
        effects=[
            _("Strike what was written down by mistake. What was so and is no longer, is ended instead."),
            _("The trail keeps what it said."),
        ],
        action=_("Strike it"),
        cancel_url=reverse("community", args=[community_id]),
        tone="alarm",
        refusal=refusal,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in(_MANAGE)
def import_roll(request: HttpRequest, actor: PersonActor, community_id: UUID) -> HttpResponseBase:
    """Put a file in the place of a community's history."""
    shown = get_object_or_404(Community, id=community_id)
    form = RollForm(request.POST, request.FILES) if request.method == "POST" else RollForm()
    back = reverse("community", args=[shown.id])
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            actions.replace_roll(actor, shown, _read(file.name or "", file.read(roll.MAX_BYTES + 1)))
        except PeopleError as refused:
            form.add_error("file", str(refused))
        else:
            messages.success(request, _("The roll is imported."))
            return HttpResponseRedirect(back)
    return _form_page(request, form, _("Import a roll"), _("Import"), shown)


def _read(name: str, body: bytes) -> list[roll.Line]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RollRefused(_("The file is not UTF-8.")) from None
    reads: Callable[[str], list[roll.Line]] = (
        roll.read_json if name.lower().endswith(".json") else roll.read_csv
    )
    return reads(text)
