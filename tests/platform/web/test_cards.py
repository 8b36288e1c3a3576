"""Cards, and times on two clocks, as the markup that they make."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django import forms
from django.template import Context, Template
from django.utils.translation import override

from taawun.foundation.multilingual import Text
from taawun.platform.web.cards import ContactLine, NationMark, OrganisationCard, PersonCard
from taawun.platform.web.reader import Calendar, Digits, Reader, read_by
from tests.pages import Markup

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
EVIL = '<script>alert("x")</script>'
NEPAL = NationMark("NP", Text.of(en="Nepal", ar="نيبال"), "/en/nations/NP/")


def draw(template: str, **context: Any) -> str:  # Any: whatever a template is given
    return Template(template).render(Context(context)).strip()


def words(html: str) -> str:
    # the text of an element stands apart from what is around it
    return Markup(f"<h1></h1>{html}").text.replace("( ", "(").replace(" )", ")").replace(" ,", ",")


def test_a_person_is_a_seal_a_name_what_they_are_and_where() -> None:
    card = PersonCard(
        "Layla Haddad", "/en/1/", "analyst and observer", Text.of(en="Lab"), "/en/2/", NEPAL, "l@lab.example"
    )
    shown = draw("{% person_card card %}", card=card)
    assert words(shown) == "LH Layla Haddad Analyst and observer NP Lab l@lab.example"
    assert '<span class="seal" aria-hidden="true">LH</span>' in shown
    assert (
        words(draw("{% person_card card %}", card=PersonCard("ليلى", "", is_active=False)))
        == "ل ليلى Inactive"
    )


def test_an_organisation_tells_whom_to_call_there() -> None:
    line = ContactLine(
        Text.of(en="Duty officer"), "Sun to Thu, 08:00 to 16:00", "Kathmandu", "05:15 to 13:15", answers=True
    )
    always = ContactLine(Text.of(en="Night line"), "at any hour", "", "", answers=True, phone="+977 1")
    card = OrganisationCard(
        Text.of(en="Lab"), "/en/2/", "university", NEPAL, week="Mon to Fri", contacts=[line, always]
    )
    assert words(draw("{% organisation_card card %}", card=card)) == (
        "NP Lab University Nepal Works Mon to Fri"
        " Duty officer answers at this hour Sun to Thu, 08:00 to 16:00 (Kathmandu) 05:15 to 13:15 here"
        " Night line answers at this hour at any hour +977 1"
    )
    # who may not open its page finds no link
    unlinked = draw(
        "{% organisation_card card %}", card=OrganisationCard(Text.of(en="Lab"), "", "donor", NEPAL)
    )
    assert "<a " not in unlinked


def test_no_card_lets_markup_in_as_text() -> None:
    evil = Text.of(en=EVIL)
    mark = NationMark(EVIL, evil, EVIL)
    line = ContactLine(evil, EVIL, EVIL, EVIL, answers=False, phone=EVIL, email=EVIL)
    shown = draw(
        "{% person_card person %}{% organisation_card organisation %}{% nation_mark mark %}",
        person=PersonCard(EVIL, EVIL, EVIL, evil, EVIL, mark, EVIL),
        organisation=OrganisationCard(evil, EVIL, EVIL, mark, week=EVIL, contacts=[line]),
        mark=mark,
    )
    assert "<script" not in shown


@pytest.mark.parametrize(
    ("language", "zone", "shown"),
    [
        ("en", "Asia/Kathmandu", "22 Nov 2026, 13:43 (Kathmandu), 07:58 here"),
        ("ar", "Asia/Kathmandu", "٢٢ نوفمبر ٢٠٢٦، ١٣:٤٣ (كاتماندو)، ٧:٥٨ هنا"),
        ("fr", "Asia/Kathmandu", "22 nov. 2026, 13:43 (Katmandou), 07:58 ici"),
        ("en", "Africa/Accra", "22 Nov 2026, 07:58"),
    ],
)
def test_an_event_has_its_own_time_then_that_of_its_reader(language: str, zone: str, shown: str) -> None:
    with override(language):
        told = draw("{% event_time at zone %}", at=AT, zone=zone)
    assert words(told) == shown
    assert 'title="2026-11-22T07:58:00+00:00"' in told


class _Days(forms.Form):
    since = forms.DateField(widget=forms.DateInput({"type": "date"}))


@pytest.mark.parametrize(
    ("typed", "language", "shown"),
    [
        ("2026-11-22", "en", "11 Jumada al-Akhirah 1448"),
        ("2026-11-22", "ar", "11 جمادى الآخرة 1448"),
        ("22.11.2026", "en", ""),
        ("0500-01-01", "en", ""),
        ("", "en", ""),
    ],
)
def test_a_field_for_a_day_shows_the_other_calendar_to_who_wants_it(
    typed: str, language: str, shown: str
) -> None:
    form = _Days({"since": typed})
    who = Reader(calendar=Calendar.WITH_HIJRI, digits=Digits.WESTERN)
    with override(language), read_by(lambda: who):
        drawn = Markup(f"<h1></h1>{draw('{% field form.since %}', form=form)}")
    [beside] = [has for has in drawn.all("span") if has.get("class") == "other-day"]
    assert shown in drawn.text
    assert len(beside["data-months"].split("|")) == 12
    assert (beside["data-pattern"], beside["data-digits"]) == ("{day} {month} {year}", "0123456789")
    assert "other-day" not in draw("{% field form.since %}", form=form)
