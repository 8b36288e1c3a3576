"""The components of the interface as template tags; they are built in, so no template loads them.

Text given to a tag is escaped. Markup comes in through block tags, or as a value made with ``format_html``.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, get_language_from_path
from django.utils.translation import gettext as _

from taawun.foundation.multilingual import OWN_NAMES, Prose, Rendered, Text, is_rtl, script_of
from taawun.foundation.tlp import Tlp, UnknownMarking
from taawun.platform.registry import registry
from taawun.platform.web import formats, icons
from taawun.platform.web import live as part
from taawun.platform.web.charts import Reader
from taawun.platform.web.components import STATES, Station, Tone
from taawun.platform.web.entrance import SignInWays, Way
from taawun.platform.web.forms import FaultyPart, FieldView, address, filter_views
from taawun.platform.web.shell import Shell, shell_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.forms import BaseForm, BoundField
    from django.template.context import Context

    from taawun.platform.web.charts import Table
    from taawun.platform.web.components import Chart, Fact, Moment, PublishPreview, Step, Tab
    from taawun.platform.web.paging import Page

register = template.Library()


# ---- small things ------------------------------------------------------------------------------------------
# what lists have hundreds of is put together without format_html, which takes twice as long
@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon. With a label it speaks to screen readers; without one it is an ornament beside a word."""
    return _drawn(name, str(label))


# a page has some twenty, of which most are on every page
@lru_cache(maxsize=512)
def _drawn(name: str, label: str) -> SafeString:
    flip = " flip" if name in icons.FLIPPED else ""
    speaks = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    body = mark_safe(icons.ICONS[name])  # noqa: S308 - our own drawing
    return format_html('<svg class="icon{}" viewBox="0 0 20 20" {}>{}</svg>', flip, speaks, body)


@register.simple_tag
def star(size: str = "mark") -> SafeString:
    """The eight-fold star: ``mark`` (in the header) or ``empty`` (112 px, in an empty state)."""
    if size == "empty":
        return SafeString(render_to_string("web/components/star.html"))
    body = mark_safe(icons.STAR)  # noqa: S308 - our own drawing
    return format_html('<svg class="star" viewBox="0 0 32 32" aria-hidden="true">{}</svg>', body)


@register.simple_tag
def tlp(marking: Tlp | str | None) -> SafeString:
    """The chip of a marking, exactly as FIRST draws it. Nothing for no marking; an unknown one shows as RED."""
    if marking is None or marking == "":
        return mark_safe("")
    try:
        known = marking if isinstance(marking, Tlp) else Tlp.parse(marking)
    except UnknownMarking:
        known = Tlp.RED
    return _marked(known)


@lru_cache(maxsize=len(Tlp))
def _marked(marking: Tlp) -> SafeString:
    name = marking.name.lower().replace("_", "-")
    return format_html('<bdi dir="ltr" class="tlp tlp-{}">{}</bdi>', name, marking.label)


@register.simple_tag
def state(name: str, word: str = "") -> SafeString:
    """A state as icon and word.

    Args:
        name: a key of ``STATES`` (``in-force``, ``in_force`` and ``IN_FORCE`` are the same).
        word: says it in other words.
    """
    shown = STATES[str(name).lower().replace("_", "-")]
    return _standing(shown.tone, shown.icon, conditional_escape(word or shown.word))


# a list has one in each row, of which most are alike
@lru_cache(maxsize=512)
def _standing(tone: Tone, name: str, word: SafeString) -> SafeString:
    return format_html('<span class="state {}">{} {}</span>', tone, icon(name), word)


@register.simple_tag
def tile(code: str, name: str = "", *, own: bool = False, large: bool = False) -> SafeString:
    """A nation as a tile of two letters; its full name is for hovering and for screen readers."""
    return _tile(code, name, own=own, large=large)


# an agreement of many is named by its tiles, again and again; what is safe is not escaped, and equals what is not
@lru_cache(maxsize=4096, typed=True)
def _tile(code: str, name: str, *, own: bool, large: bool) -> SafeString:
    classes = "tile" + (" own" if own else "") + (" large" if large else "")
    if not name:
        return format_html('<bdi dir="ltr" class="{}">{}</bdi>', classes, code or "—")
    return format_html(
        '<bdi dir="ltr" class="{}" title="{}"><span aria-hidden="true">{}</span></bdi>'
        '<span class="unseen">{}</span>',
        classes,
        name,
        code or "—",
        name,
    )


@register.simple_tag
def clause(agreement: str, number: object, url: str = "", note: str = "") -> SafeString:
    """The chip of a clause: the agreement's code, then its number in the reader's digits."""
    # Translators: a clause and its number, as in § 2.1
    shown = _("§ %(number)s") % {"number": formats.digits(number)}
    return _clause(conditional_escape(agreement), escape(shown), conditional_escape(url), escape(str(note)))


# many rows of a list are under few clauses
@lru_cache(maxsize=2048)
def _clause(agreement: SafeString, shown: SafeString, url: SafeString, note: SafeString) -> SafeString:
    code = format_html('<bdi dir="ltr" class="mono">{}</bdi> ', agreement) if agreement else mark_safe("")
    more = format_html(" {}", note) if note else mark_safe("")
    inside = format_html("{}<b>{}</b>{}", code, shown, more)
    if url:
        return format_html('<a class="clause" href="{}">{}</a>', url, inside)
    return format_html('<span class="clause">{}</span>', inside)


@register.simple_tag
def code(value: object, *, short: int = 0, copy: bool = True) -> SafeString:
    """A technical value: left-to-right, isolated, with a copy button.

    Args:
        value: the value.
        short: shows only so many characters of its beginning and eight of its end; the button copies all.
        copy: whether there is a button.
    """
    text = str(value)
    shown = f"{text[:short]}…{text[-8:]}" if short and len(text) > short + 9 else text
    titled = f' title="{conditional_escape(text)}"' if shown != text else ""
    return SafeString(
        f'<span class="code"><bdi dir="ltr"><code{titled}>{conditional_escape(shown)}</code></bdi>'
        f"{copy_button(text) if copy else ''}</span>"
    )


@register.simple_tag
def copy_button(value: object, label: str = "") -> SafeString:
    """A button that copies a value; it shows itself only where JavaScript runs."""
    named = conditional_escape(label or _("Copy"))
    done = escape(_("Copied"))
    return SafeString(
        f'<button type="button" class="copy" hidden data-copy="{conditional_escape(str(value))}" data-done="{done}" '
        f'aria-label="{named}" title="{named}">{icon("copy")}</button>'
    )


@register.simple_tag
def text(words: Text | Rendered | str) -> SafeString:
    """A text that people wrote, in the page's language where it has it; a fallback bears its own language.

    Of a text in no language that is known, the script says which faces it is set in.
    """
    language = get_language() or "en"
    if isinstance(words, str):
        script = script_of(words)
        if script is None or (script == "und-Arab") == is_rtl(language):
            return format_html('<span dir="auto">{}</span>', words)
        return format_html('<span lang="{}" dir="auto">{}</span>', script, words)
    chosen = words.in_language(language) if isinstance(words, Text) else words
    if not chosen.is_fallback:
        return SafeString(conditional_escape(chosen.value))
    direction = "rtl" if is_rtl(chosen.language) else "ltr"
    return format_html('<bdi lang="{}" dir="{}">{}</bdi>', chosen.language, direction, chosen.value)


@register.simple_tag
def prose(words: Prose) -> SafeString:
    """Paragraphs that people wrote, in the page's language where they have it; a fallback bears its own language."""
    chosen = words.in_language(get_language() or "en")
    lines = format_html_join("", "<p>{}</p>", ((each,) for each in Prose.paragraphs(chosen.value)))
    if not chosen.is_fallback:
        return format_html('<div class="prose">{}</div>', lines)
    direction = "rtl" if is_rtl(chosen.language) else "ltr"
    return format_html('<div class="prose" lang="{}" dir="{}">{}</div>', chosen.language, direction, lines)


# ---- dates and numbers -------------------------------------------------------------------------------------
@register.simple_tag
def day(value: date | None, *, hijri: bool = False, weekday: bool = False) -> SafeString:
    """A day in full; a dash for none. What it stands with is as in :func:`taawun.platform.web.formats.day`."""
    if value is None:
        return mark_safe("—")
    shown = formats.day(value, with_hijri=hijri, with_weekday=weekday)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), shown)


@register.simple_tag
def moment(value: datetime | None) -> SafeString:
    """A day and time in the reader's zone; hovering tells it in UTC; a dash for none."""
    if value is None:
        return mark_safe("—")
    stamp = value.isoformat()
    # a page may have hundreds, and nothing in a stamp has to be escaped
    return SafeString(f'<time datetime="{stamp}" title="{stamp}">{escape(formats.moment(value))}</time>')


@register.simple_tag
def ago(value: datetime | None) -> SafeString:
    """How long ago or until when; hovering tells the moment; a dash for none."""
    if value is None:
        return mark_safe("—")
    stamp = value.isoformat()
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', stamp, formats.moment(value), formats.ago(value)
    )


@register.filter
def number(value: float) -> str:
    """A count in the reader's digits."""
    return formats.number(value)


@register.filter
def filesize(value: int) -> str:
    """A count of bytes with its unit, in the reader's digits."""
    return formats.filesize(value)


@register.filter
def digits(value: object) -> str:
    """A numbering such as a version or a clause, in the reader's digits."""
    return formats.digits(value)


# ---- things with parts -------------------------------------------------------------------------------------
@register.inclusion_tag("web/components/provenance.html")
def provenance(stations: Sequence[Station]) -> dict[str, Any]:
    """The strip of four stations; what comes after a failed one reads “not reached”."""
    shown: list[Station] = []
    failed = False
    for station in stations:
        unreached = Station(station.label, _("not reached"), station.icon, tone=Tone.MUTED)
        shown.append(unreached if failed else station)
        failed = failed or station.tone is Tone.ALARM
    return {"stations": shown}


@register.inclusion_tag("web/components/facts.html")
def facts(items: Sequence[Fact]) -> dict[str, Any]:
    """A definition list."""
    return {"facts": items}


@register.simple_tag
def history(items: Sequence[Moment]) -> SafeString:
    """A vertical history, newest first."""
    # written here and not by a template, which takes three times as long for each of some hundred lines
    return SafeString('<ol class="history">\n' + "".join([_event(each) for each in items]) + "</ol>\n")


def _event(item: Moment) -> str:
    title = conditional_escape(item.title)
    shown = f'<a href="{escape(item.url)}">{title}</a>' if item.url else title
    when = f"{moment(item.at)} " if item.at else ""
    detail = f'<span class="detail">{when}{conditional_escape(item.detail)}</span>'
    mark = ' class="marked"' if item.marked else ""
    return f"<li{mark}>\n<b>{shown}</b>\n{detail if item.at or item.detail else ''}\n</li>\n"


@register.inclusion_tag("web/components/state_line.html")
def state_line(steps: Sequence[Step]) -> dict[str, Any]:
    """The states of a thing as dots on a line."""
    return {"steps": steps}


@register.inclusion_tag("web/components/tabs.html")
def tabs(items: Sequence[Tab], label: str) -> dict[str, Any]:
    """Tabs; the label tells screen readers what they choose among."""
    return {"tabs": items, "label": label}


@register.inclusion_tag("web/components/crumbs.html")
def crumbs(*pairs: str) -> dict[str, Any]:
    """The way to this page: label, address, label, address …; the last label may lack its address."""
    steps = [(pairs[at], pairs[at + 1] if at + 1 < len(pairs) else "") for at in range(0, len(pairs), 2)]
    return {"steps": steps}


@register.inclusion_tag("web/components/progress.html")
def progress(name: str, done: int, total: int | None, sentence: str = "") -> dict[str, Any]:
    """Long work: its name, how far it is, one sentence. A total of None is not yet known."""
    share = formats.percent(min(done / total, 1)) if total else ""
    return {"name": name, "done": done, "total": total, "share": share, "sentence": sentence}


@register.inclusion_tag("web/components/publish_preview.html")
def publish_preview(preview: PublishPreview) -> dict[str, Any]:
    """Who will receive, by which clause; who will not, and why. It stands inside a form."""
    return {"preview": preview}


@register.inclusion_tag("web/components/paging.html", takes_context=True)
def paging(context: Context, page: Page[Any]) -> dict[str, Any]:
    """The way to the first and the following page of a part of a page; a list has ``{% listing %}``."""
    asked = context["request"].GET
    return {
        "first": address(asked) if asked.get("after") else "",
        "following": address(asked, after=page.next) if page.next else "",
    }


@register.inclusion_tag("web/components/exports.html", takes_context=True)
def exports(context: Context) -> dict[str, Any]:
    """Links to the same list as CSV and JSON (``?format=csv``), filters included."""
    asked = context["request"].GET
    return {"links": [(name.upper(), address(asked, format=name)) for name in ("csv", "json")]}


# ---- charts ------------------------------------------------------------------------------------------------
@register.inclusion_tag("web/components/chart.html")
def chart(drawn: Chart) -> dict[str, Any]:
    """A chart in its frame, drawn for who reads the page; where there is nothing to draw yet, it says so."""
    reader = Reader.of_page()
    table = drawn.behind or drawn.picture.table(reader)
    if not table.rows:
        return {"chart": drawn}
    drawing = drawn.picture.draw(reader)
    return {
        "chart": drawn,
        "drawing": drawing,
        "svg": drawing.svg(id=drawn.id, title=str(drawn.title), description=str(drawn.finding)),
        "heads": [(head, at in table.numbers) for at, head in enumerate(table.heads)],
        "rows": _rows(table),
    }


def _rows(table: Table) -> SafeString:
    """The rows behind a chart, of which the larger charts have hundreds; the first cell names its row."""
    marks = [
        format_html(
            '<td class="number" data-label="{}">' if at in table.numbers else '<td data-label="{}">', head
        )
        for at, head in enumerate(table.heads)
    ]
    drawn = []
    for name, *cells in table.rows:
        rest = [
            f"{mark}<bdi>{conditional_escape(cell)}</bdi></td>"
            for mark, cell in zip(marks[1:], cells, strict=True)
        ]
        drawn.append(f'<tr><th scope="row"><bdi>{conditional_escape(name)}</bdi></th>{"".join(rest)}</tr>')
    return SafeString("".join(drawn))


# ---- forms -------------------------------------------------------------------------------------------------
@register.simple_tag
def field(bound: BoundField, hint: str = "", *, label: str = "") -> SafeString:
    """A form's field: label, control, hint, and the error with its icon. Hidden fields are only themselves.

    Args:
        bound: the field.
        hint: said below it instead of its help text.
        label: stands above it instead of its label, for forms that others wrote.
    """
    if bound.is_hidden:
        return SafeString(str(bound))
    if label:
        bound.label = label
    return SafeString(render_to_string("web/components/field.html", {"view": FieldView(bound, hint)}))


@register.simple_tag
def fields(form: BaseForm, heading: str = "") -> SafeString:
    """The errors of a form as a whole, then each of its fields."""
    drawn = format_html_join("", "{}", ((field(bound),) for bound in form))
    return format_html("{}{}", errors(form, heading), drawn)


@register.simple_tag
def errors(form: BaseForm, heading: str = "") -> SafeString:
    """What stands in the way of a form, at its top, with links to the fields.

    Args:
        form: the form.
        heading: stands above it where nothing would be saved; without one it says that this cannot be saved yet.
    """
    return faults([FaultyPart.of(form)], heading) if form.errors else mark_safe("")


@register.simple_tag
def faults(parts: Sequence[FaultyPart], heading: str = "") -> SafeString:
    """What stands in the way of a page whose form has several parts, in one place at its top; see :func:`errors`."""
    if not parts:
        return mark_safe("")
    return SafeString(render_to_string("web/components/errors.html", {"heading": heading, "parts": parts}))


@register.inclusion_tag("web/components/filterbar.html", takes_context=True)
def filterbar(context: Context, form: BaseForm, count: str = "", path: str = "") -> dict[str, Any]:
    """Search and filters of a list; they live in the address.

    Args:
        context: of the template.
        form: bound to ``request.GET``; a field named ``q`` is the search.
        count: what the list holds, in words.
        path: of the page, where the list is drawn anew in its place.
    """
    asked = context["request"].GET
    filters, sort = filter_views(form, asked), asked.get("sort", "")
    is_on = asked.get("q") or any(each.without for each in filters)
    return {
        "form": form,
        "search": form["q"] if "q" in form.fields else None,
        "filters": filters,
        "sort": sort,
        "clear": address(QueryDict(mutable=True), sort=sort) if is_on else "",
        "count": count,
        "path": path,
    }


# ---- blocks ------------------------------------------------------------------------------------------------
@register.simple_block_tag
def sheet(content: str, title: str = "", note: str = "", *, id: str = "", flush: bool = False) -> SafeString:  # noqa: A002 - the attribute's own name
    """A sheet of paper with a heading.

    Args:
        content: between the tags.
        title: its heading (h2); empty for none.
        note: a few words beside the heading.
        id: for links to it.
        flush: without padding, for tables and lists that reach the edges.
    """
    return SafeString(
        render_to_string(
            "web/components/sheet.html",
            {"content": content, "title": title, "note": note, "id": id, "flush": flush},
        )
    )


@register.simple_block_tag
def notice(content: str, tone: str = "neutral") -> SafeString:
    """A notice: icon, sentence, one link. Tones: neutral, green, gold, alarm."""
    names = {"neutral": "info", "green": "check", "gold": "alert", "alarm": "close"}
    role = "alert" if tone == "alarm" else "status"
    return format_html(
        '<div class="notice {}" role="{}">{}<div>{}</div></div>', tone, role, icon(names[tone]), content
    )


@register.simple_block_tag
def callout(content: str, name: str = "info") -> SafeString:
    """A remark in running text, in a thin gold border; the name is that of its icon."""
    return format_html('<div class="callout">{}<div>{}</div></div>', icon(name), content)


@register.simple_block_tag
def empty(content: str, title: str, why: str = "") -> SafeString:
    """An empty state: the star, what is missing, why it matters; between the tags the one thing to do first."""
    return SafeString(
        render_to_string("web/components/empty.html", {"content": content, "title": title, "why": why})
    )


@register.simple_block_tag
def table(content: str, caption: str, *, rows: bool = True) -> SafeString:
    """A table that scrolls by itself.

    Args:
        content: thead and tbody. Cells of numbers have the class ``number``.
        caption: what it lists, for screen readers.
        rows: on a phone each row becomes a title (its ``th``) and a meta line, whose cells are introduced by
            their ``data-label``.
    """
    return format_html(
        '<div class="table-frame" tabindex="0" role="region" aria-label="{}">'
        '<table class="{}"><caption class="unseen">{}</caption>{}</table></div>',
        caption,
        "rows" if rows else "",
        caption,
        content,
    )


@register.simple_block_tag
def live(  # noqa: PLR0913 - each is said by the name of what it is
    content: str, name: str, *, seconds: int = 20, watches: str = "", at: str = "", tag: str = "div"
) -> SafeString:
    """A part of a page that keeps itself current; see :mod:`taawun.platform.web.live`.

    Args:
        content: between the tags.
        name: of the part, unique on the page: small letters, digits and hyphens.
        seconds: between two polls; 0 for a part that asks no more.
        watches: the pulses that make it anew, with blanks between them, where they are not the usual ones.
        at: the address of a page that has the same part and is asked in the place of this one.
        tag: the name of its element.
    """
    rhythm = format_html("every {}s, taawun:look", seconds) if seconds else "taawun:look"
    return format_html(
        '{}<{} class="live" id="part-{}" data-part="{}" data-etag="" data-seconds="{}" hx-get="{}" hx-trigger="{}"'
        ' hx-target="this" hx-swap="outerHTML">{}</{}>{}',
        mark_safe(part.begin(name, watches.split() or part.WATCHED, at)),  # noqa: S308 - holds no markup but its own
        tag,
        name,
        name,
        seconds,
        at,
        rhythm,
        content,
        tag,
        mark_safe(part.end(name)),  # noqa: S308 - a name of letters and hyphens
    )


# ---- the shell ---------------------------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def shell(context: Context) -> Shell:
    """The frame of this page; the base template asks for it once."""
    return shell_of(context.get("request"))


@register.simple_tag(takes_context=True)
def sign_in_ways(context: Context) -> list[Way]:
    """Further ways to sign in, each leading on to where one was going."""
    following = context["request"].GET.get("next", "")
    query = f"?{urlencode({'next': following})}" if following else ""
    return [Way(way.label, way.url + query) for room in registry.all(SignInWays) for way in room.read()]


@register.simple_tag
def has_mail() -> bool:
    """Whether this node sends e-mail (``TAAWUN_EMAIL_URL``)."""
    return bool(settings.EMAIL_URL)


@register.simple_tag
def second_factor_is_required() -> bool:
    """Whether nobody works on this node without a second factor (``TAAWUN_SECOND_FACTOR``)."""
    return bool(settings.SECOND_FACTOR_REQUIRED)


@register.filter
def initials(name: str) -> str:
    """The first letters of a name's first and last word; in Arabic script, whose letters join, the first alone."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "?"
    if "\u0600" <= words[0][0] <= "\u06ff" or len(words) == 1:
        return words[0][0].upper()
    return (words[0][0] + words[-1][0]).upper()


@register.inclusion_tag("web/components/languages.html", takes_context=True)
def languages(context: Context) -> dict[str, Any]:
    """The same page in each language, each in its own name."""
    request = context.get("request")
    path = request.get_full_path() if request else "/"
    current = (get_language() or "en").partition("-")[0]
    # the first word of an address is its language, and no other word is in one
    said = get_language_from_path(path)
    rest = path.removeprefix(f"/{said}") if said else ""
    told = [(code, name, f"/{code}{rest}" if rest[:1] == "/" else path) for code, name in OWN_NAMES.items()]
    return {"languages": told, "current": current}
