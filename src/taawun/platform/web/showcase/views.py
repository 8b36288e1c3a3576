"""The page itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils.html import format_html
from django.views.decorators.http import require_safe

from taawun.foundation.multilingual import Text
from taawun.foundation.tlp import Tlp
from taawun.platform.web.access import signed_in
from taawun.platform.web.cards import ContactLine, NationMark, OrganisationCard, PersonCard
from taawun.platform.web.components import (
    STATES,
    ClauseReceivers,
    Fact,
    Moment,
    NonReceiver,
    PublishPreview,
    Receiver,
    Station,
    Step,
    Tab,
    Tone,
)
from taawun.platform.web.home import Line
from taawun.platform.web.listing import show
from taawun.platform.web.showcase.charts import sample_charts
from taawun.platform.web.showcase.forms import sample_form
from taawun.platform.web.showcase.lists import ACTS, SAMPLES, SampleFilters, find, saved
from taawun.platform.web.showcase.words import WORDS, said, words
from taawun.platform.web.templatetags.components import clause, code, state, tile, tlp

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

__all__ = ["components"]

_AT: Final = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
_COLOURS: Final = (
    "paper", "sheet", "sunk", "ink", "ink-2", "ink-3", "edge", "green", "green-strong", "green-tint",
    "gold", "gold-mark", "gold-tint", "alarm", "alarm-tint", "cover",
)  # fmt: skip
_STATES: Final = (
    "draft", "proposed", "countered", "signed", "in-force", "suspended", "expired", "terminated", "superseded",
)  # fmt: skip


@require_safe
@signed_in()
def components(request: HttpRequest, _actor: object) -> HttpResponseBase:
    """Each component once; the list among them is searched, sorted, leafed through and saved as any other."""
    return show(
        request,
        SAMPLES,
        "web/showcase/components.html",
        form=SampleFilters(request.GET),
        find=find,
        save=saved,
        acts=ACTS,
        context={"words": words(), **_samples()},
    )


def _samples() -> dict[str, Any]:
    # Any: each component takes its own type
    return {
        "day": date(2026, 11, 22),
        "at": _AT,
        "colours": _COLOURS,
        "markings": list(Tlp),
        "states": [each for each in _STATES if each in STATES],
        "form": sample_form(),
        "tabs": [
            Tab(said("objects"), "#", current=True),
            Tab(said("sightings"), "#", count=24),
            Tab(said("history"), "#"),
        ],
        "moments": [
            Moment(said("in_force"), _AT, marked=True),
            Moment(said("signed_by_both"), _AT),
            Moment(said("countered"), _AT, said("monthly")),
        ],
        "steps": [
            Step(said("proposed"), said("north")),
            Step(said("countered"), said("south")),
            Step(said("signed")),
            Step(said("in_force"), when="now"),
            Step(said("expires"), when="future"),
        ],
        "stations": _stations(Tone.GREEN),
        "broken": _stations(Tone.ALARM),
        "preview": _preview(),
        "charts": sample_charts(),
        "facts": [
            Fact(said("marking"), tlp(Tlp.AMBER)),
            Fact(said("onward"), said("parties_only")),
            Fact(said("kept"), said("two_years")),
        ],
        "lines": [
            Line(
                said("wave"),
                "#",
                format_html("{} <span>{}</span> {}", tlp(Tlp.AMBER), said("south"), clause("AG-014", "2.1")),
                _AT,
                "XS",
                said("south"),
                fresh=True,
            ),
            Line(
                said("loader"),
                "#",
                format_html("{} <span>{}</span> {}", tlp(Tlp.GREEN), said("coast"), clause("AG-021", "1")),
                _AT,
                "XC",
                said("coast"),
            ),
        ],
        "persons": _persons(),
        "organisations": _organisations(),
        "rows": [
            (said("wave"), "XS", said("south"), "AG-014", "2.1", Tlp.AMBER, 11),
            (said("loader"), "XC", said("coast"), "AG-021", "1", Tlp.GREEN, 1),
            (said("spraying"), "XE", said("east"), "AG-009", "3", Tlp.AMBER_STRICT, 0),
        ],
    }


def _named(name: str) -> Text:
    english, arabic, french = WORDS[name]
    return Text.of(en=english, ar=arabic, fr=french)


def _persons() -> tuple[PersonCard, ...]:
    nation = NationMark("XS", _named("south_nation"), "#cards")
    analyst = PersonCard(
        "Layla S.", "#cards", said("analyst"), _named("south"), "#cards", nation, "layla@south.example"
    )
    return analyst, PersonCard("Karim D.", "#cards", is_active=False)


def _organisations() -> tuple[OrganisationCard, ...]:
    duty = ContactLine(
        _named("duty"), said("hours"), said("city"), said("hours_here"), answers=True, phone="+999 555 0100"
    )
    night = ContactLine(_named("night"), said("any_hour"), "", "", answers=False, email="duty@south.example")
    nation = NationMark("XS", _named("south_nation"), "#cards")
    return (
        OrganisationCard(
            _named("south"), "#cards", said("cert"), nation, week=said("week"), contacts=(duty, night)
        ),
        OrganisationCard(_named("fund"), "#cards", said("donor"), is_host=True),
    )


def _stations(signature: Tone) -> list[Station]:
    fails = signature is Tone.ALARM
    return [
        Station(
            said("came"),
            format_html("{} {}", tile("XS"), said("south")),
            "partners",
            code("south.cert.example"),
        ),
        Station(said("allowed"), clause("AG-014", "2.1"), "agreement", said("allows"), Tone.GOLD),
        Station(said("signature"), said("fails") if fails else state("verified"), "seal", tone=signature),
        Station(said("matched"), said("matched_value"), "search"),
    ]


def _preview() -> PublishPreview:
    receivers = (
        Receiver("XS", said("south"), "south", said("seconds")),
        Receiver("XE", said("east"), "east", said("seconds")),
        Receiver("XC", said("coast"), "coast", chosen=False),
    )
    others = (NonReceiver("XD", said("delta"), said("reason"), said("mend"), "#"),)
    return PublishPreview((ClauseReceivers("AG-014", "2.1", "#", said("allows"), receivers),), others)
