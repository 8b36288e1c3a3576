"""Each component, as the markup that it makes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.html import format_html
from django.utils.translation import override

from taawun.foundation.multilingual import Prose, Text
from taawun.foundation.tlp import Tlp
from taawun.platform.web.charts import Bar, Bars, Lines, Series, Table
from taawun.platform.web.components import (
    STATES,
    Chart,
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
from taawun.platform.web.icons import FLIPPED, ICONS
from taawun.platform.web.paging import Page
from tests.pages import Markup

pytestmark = pytest.mark.django_db
EVIL = '<script>alert("x")</script>'


def draw(template: str, path: str = "/en/", **context: Any) -> str:
    return Template(template).render(Context({"request": RequestFactory().get(path), **context})).strip()


def words(html: str) -> str:
    return Markup(f"<h1></h1>{html}").text


# ---- small things ----------------------------------------------------------------------------------------------
def test_an_icon_is_an_ornament_unless_it_has_a_label() -> None:
    assert 'aria-hidden="true"' in draw('{% icon "check" %}')
    assert 'role="img" aria-label="Signed"' in draw('{% icon "check" "Signed" %}')


def test_pictures_of_a_direction_turn_with_the_reading_and_others_do_not() -> None:
    assert set(ICONS) >= FLIPPED
    assert 'class="icon flip"' in draw('{% icon "arrow" %}')
    assert 'class="icon"' in draw('{% icon "search" %}')


@pytest.mark.parametrize(
    ("marking", "shown"),
    [
        (Tlp.AMBER_STRICT, '<bdi dir="ltr" class="tlp tlp-amber-strict">TLP:AMBER+STRICT</bdi>'),
        ("TLP:CLEAR", '<bdi dir="ltr" class="tlp tlp-clear">TLP:CLEAR</bdi>'),
        ("white", '<bdi dir="ltr" class="tlp tlp-clear">TLP:CLEAR</bdi>'),
        ("nonsense", '<bdi dir="ltr" class="tlp tlp-red">TLP:RED</bdi>'),
        ("", ""),
        (None, ""),
    ],
)
def test_a_marking_is_a_chip_and_an_unknown_one_is_red(marking: object, shown: str) -> None:
    with override("ar"):
        assert draw("{% tlp marking %}", marking=marking) == shown


@pytest.mark.parametrize("name", [*STATES, "IN_FORCE", "in_force"])
def test_a_state_is_an_icon_and_a_word(name: str) -> None:
    markup = draw("{% state name %}", name=name)
    assert "<svg" in markup
    assert words(markup)


def test_a_state_can_be_said_in_other_words() -> None:
    assert words(draw('{% state "in-force" "nachweislich" %}')) == "nachweislich"


def test_a_tile_tells_its_name_to_who_hovers_and_who_listens() -> None:
    tile = draw('{% tile "XS" "Demo South" own=True large=True %}')
    assert 'class="tile own large" title="Demo South"' in tile
    assert words(tile) == "XS Demo South"
    assert 'dir="ltr"' in tile


@pytest.mark.parametrize(("language", "shown"), [("en", "AG-014 § 2.1"), ("ar", "AG-014 البند ٢.١")])
def test_a_clause_has_its_code_and_its_number_in_the_readers_digits(language: str, shown: str) -> None:
    with override(language):
        chip = draw('{% clause "AG-014" "2.1" "/en/agreements/1/" %}')
    assert words(chip) == shown
    assert '<a class="clause" href="/en/agreements/1/">' in chip
    assert '<bdi dir="ltr" class="mono">AG-014</bdi>' in chip


def test_a_technical_value_is_isolated_and_can_be_copied_whole() -> None:
    digest = "8d21f0c4" + "0" * 48 + "e93b07aa"
    shown = draw("{% code digest short=8 %}", digest=digest)
    assert words(shown) == "8d21f0c4…e93b07aa"
    assert f'data-copy="{digest}"' in shown
    assert '<bdi dir="ltr"><code' in shown
    assert "<button" not in draw("{% code digest copy=False %}", digest=digest)


@pytest.mark.parametrize(
    ("language", "shown"),
    [("ar", "تعاون"), ("fr", '<bdi lang="en" dir="ltr">Cooperation</bdi>'), ("en", "Cooperation")],
)
def test_a_text_in_another_language_than_the_page_says_so(language: str, shown: str) -> None:
    with override(language):
        assert draw("{% text words %}", words=Text.of(en="Cooperation", ar="تعاون")) == shown


@pytest.mark.parametrize(
    ("language", "words", "shown"),
    [
        ("ar", "Wave 3: بوابات", '<span lang="und-Latn" dir="auto">Wave 3: بوابات</span>'),
        ("en", "«3» بوابات", '<span lang="und-Arab" dir="auto">«3» بوابات</span>'),
        ("en", "Wave 3", '<span dir="auto">Wave 3</span>'),
        ("ar", "10.0.0.1", '<span dir="auto">10.0.0.1</span>'),
    ],
)
def test_a_text_in_no_known_language_says_in_which_script_it_is(
    language: str, words: str, shown: str
) -> None:
    with override(language):
        assert draw("{% text words %}", words=words) == shown


def test_a_text_that_only_exists_in_arabic_reads_right_to_left_on_an_english_page() -> None:
    assert draw("{% text words %}", words=Text.of(ar="تعاون")) == '<bdi lang="ar" dir="rtl">تعاون</bdi>'


def test_prose_in_another_language_than_the_page_reads_in_its_own_direction_and_lets_no_markup_in() -> None:
    shown = draw("{% prose words %}", words=Prose.of(ar="تعاون <b>"))
    assert shown == '<div class="prose" lang="ar" dir="rtl"><p>تعاون &lt;b&gt;</p></div>'


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ar", EVIL),
        ("en", f"تعاون {EVIL}"),
        ("en", Text.of(ar=EVIL)),
        ("ar", Text.of(en=EVIL)),
        ("en", Text.of(en=EVIL)),
    ],
)
def test_no_words_in_another_language_or_script_let_markup_in(language: str, words: Text | str) -> None:
    with override(language):
        shown = draw("{% text words %}", words=words)
    assert "<script" not in shown
    assert "&lt;script" in shown


@pytest.mark.parametrize(
    "template",
    [
        "{% tile evil evil %}",
        "{% clause evil evil evil evil %}",
        "{% code evil %}",
        "{% text evil %}",
        '{% icon "check" evil %}',
        '{% state "draft" evil %}',
        "{% crumbs evil evil evil %}",
        "{% progress evil 1 2 evil %}",
        "{% notice %}{{ evil }}{% endnotice %}",
        "{% sheet title=evil note=evil %}{{ evil }}{% endsheet %}",
        "{% empty title=evil why=evil %}{{ evil }}{% endempty %}",
        "{% table caption=evil %}{% endtable %}",
        "{% facts facts %}{% history history %}{% state_line steps %}{% provenance stations %}",
        "{% publish_preview preview %}",
        "{{ evil|initials }}",
    ],
)
def test_no_component_lets_markup_in_as_text(template: str) -> None:
    shown = draw(
        template,
        evil=EVIL,
        facts=[Fact(EVIL, EVIL)],
        history=[Moment(EVIL, detail=EVIL, url=EVIL)],
        steps=[Step(EVIL, EVIL)],
        stations=[Station(EVIL, EVIL, "seal", EVIL)],
        preview=PublishPreview(
            (ClauseReceivers(EVIL, EVIL, EVIL, EVIL, (Receiver(EVIL, EVIL, EVIL, EVIL),)),),
            (NonReceiver(EVIL, EVIL, EVIL, EVIL, EVIL),),
        ),
    )
    assert "<script" not in shown
    assert "script" not in [tag for tag, _has in Markup(shown).elements]


# ---- dates and numbers -----------------------------------------------------------------------------------------
def test_a_day_carries_its_machine_form_and_the_hijri_date_where_it_is_asked_for() -> None:
    assert (
        draw("{% day when %}", when=date(2026, 11, 22))
        == '<time datetime="2026-11-22">22 November 2026</time>'
    )
    assert words(draw("{% day when hijri=True %}", when=date(2026, 11, 22))) == (
        "22 November 2026, 11 Jumada al-Akhirah 1448"
    )


@pytest.mark.parametrize("tag", ["day", "moment", "ago"])
def test_what_has_no_date_is_a_dash(tag: str) -> None:
    assert draw(f"{{% {tag} when %}}", when=None) == "—"


def test_a_moment_tells_its_own_zone_when_one_hovers() -> None:
    at = datetime(2026, 11, 22, 7, 58, tzinfo=UTC)
    assert 'title="2026-11-22T07:58:00+00:00"' in draw("{% moment at %}", at=at)


@pytest.mark.parametrize(
    ("name", "letters"), [("Salma H.", "SH"), ("Maryam", "M"), ("سلمى ح.", "س"), ("", "?"), ("« »", "?")]
)
def test_a_person_has_initials(name: str, letters: str) -> None:
    assert draw("{{ name|initials }}", name=name) == letters


# ---- things with parts -----------------------------------------------------------------------------------------
def test_what_comes_after_a_failed_station_was_not_reached() -> None:
    strip = draw(
        "{% provenance stations %}",
        stations=[
            Station("Came from", format_html("<b>{}</b>", "South"), "partners"),
            Station("Signature", "Does not verify", "seal", "Telephone them", Tone.ALARM),
            Station("Matched", "11 hits", "search", "on 3 hosts"),
        ],
    )
    assert words(strip) == "Came from South Signature Does not verify Telephone them Matched not reached"
    assert "<b>South</b>" in strip


def test_a_preview_tells_who_receives_by_which_clause_and_who_does_not_and_why() -> None:
    preview = PublishPreview(
        (
            ClauseReceivers(
                "AG-014",
                "2.1",
                "/c/",
                "Reports",
                (Receiver("XS", "South", "a", "within seconds"), Receiver("XC", "Coast", "b", chosen=False)),
            ),
        ),
        (NonReceiver("XA", "Plateau", "AG-017 allows GREEN only.", "Propose a change of the clause", "/p/"),),
    )
    markup = Markup("<h1></h1>" + draw("{% publish_preview preview %}", preview=preview))
    assert markup.faults == []
    assert "2 parties receive it" in markup.text
    assert "1 does not, and why" in markup.text
    assert "XA Plateau AG-017 allows GREEN only. Propose a change of the clause" in markup.text
    boxes = {box["value"]: "checked" in box for box in markup.all("input", type="checkbox", name="receivers")}
    assert boxes == {"a": True, "b": False}
    assert (preview.chosen, preview.entitled) == (1, 2)


def test_a_preview_without_anybody_on_a_side_shows_no_icon_that_says_the_opposite() -> None:
    with override("ar"):
        drawn = draw("{% publish_preview preview %}", preview=PublishPreview((), ()))
        both = draw(
            "{% publish_preview preview %}",
            preview=PublishPreview(
                (ClauseReceivers("AG-1", "1", "/c/", "", (Receiver("XS", "South", "a"),)),),
                (NonReceiver("XA", "Plateau", "no"),),
            ),
        )
    assert drawn.count("<svg") == 0
    assert "لا يُستثنى أي طرف" in drawn
    assert both.count("<svg") == 2


def test_the_state_line_says_where_it_stands_to_who_listens() -> None:
    line = draw(
        "{% state_line steps %}",
        steps=[Step("Signed"), Step("In force", when="now"), Step("Ends", when="future")],
    )
    assert '<li class="now" aria-current="step">' in line


def test_work_whose_end_is_not_known_shows_no_share() -> None:
    assert "value=" not in draw('{% progress "Hunt" 5 None %}')
    half = draw('{% progress "Hunt" 31 50 "55 of 90 days read." %}')
    assert 'value="31" max="50"' in half
    assert words(half) == "Hunt 62% 55 of 90 days read. You can leave this page."


def test_tabs_mark_the_page_that_is_shown() -> None:
    shown = draw(
        '{% tabs tabs "Parts" %}',
        tabs=[Tab("Objects", "/o/", current=True), Tab("Sightings", "/s/", count=24)],
    )
    assert '<a href="/o/" aria-current="page">' in shown
    assert words(shown) == "Objects Sightings 24"


def test_the_next_page_keeps_the_filters() -> None:
    page: Page[Any] = Page([], "abc")
    shown = draw("{% paging page %}", "/en/people/?role=analyst&after=xyz", page=page)
    links = [has["href"] for has in Markup(shown).all("a")]
    assert links == ["?role=analyst", "?role=analyst&after=abc"]


def test_a_list_on_one_page_has_no_paging() -> None:
    assert draw("{% paging page %}", page=Page([], None)) == ""


def test_exports_keep_the_filters_and_forget_the_page() -> None:
    shown = draw("{% exports %}", "/en/people/?role=analyst&after=xyz")
    assert [has["href"] for has in Markup(shown).all("a")] == [
        "?role=analyst&format=csv",
        "?role=analyst&format=json",
    ]


def test_exports_forget_what_was_chosen_on_the_page_before() -> None:
    shown = draw("{% exports %}", "/en/people/?chosen=1&before=x&columns=name&sort=-name")
    assert [has["href"] for has in Markup(shown).all("a")] == [
        "?sort=-name&format=csv",
        "?sort=-name&format=json",
    ]


# ---- forms -----------------------------------------------------------------------------------------------------
class Example(forms.Form):
    title = forms.CharField(help_text="Shown to every recipient.")
    address = forms.URLField(required=False, assume_scheme="https")
    clause = forms.ChoiceField(choices=[("1", "§ 1"), ("2", "§ 2")])
    rules = forms.BooleanField(required=False)
    parties = forms.MultipleChoiceField(
        choices=[("a", "South"), ("b", "East")], widget=forms.CheckboxSelectMultiple
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


def test_every_field_has_a_label_and_points_to_its_hint_and_its_error() -> None:
    form = Example({"title": "", "address": "ftp//", "clause": "1", "version": "1"})
    markup = Markup("<h1></h1>" + draw("{% fields form %}", form=form))
    assert markup.faults == []
    ids = {has["id"] for _tag, has in markup.elements if "id" in has}
    labelled = {has["for"] for has in markup.all("label")}
    for control in (*markup.all("input"), *markup.all("select")):
        if control.get("type") != "hidden":
            assert control["id"] in labelled
        assert set(control.get("aria-describedby", "").split()) <= ids
    [title] = markup.all("input", name="title")
    assert title["aria-describedby"] == "id_title_helptext id_title_error"
    assert title["aria-invalid"] == "true"
    assert "This cannot be saved yet: Title : This field is required." in markup.text


def test_what_is_written_in_one_direction_stays_in_it_on_an_arabic_page() -> None:
    markup = Markup(
        draw("{% fields form %}", form=Example({"title": "عنوان", "address": "https://a.example"}))
    )
    assert markup.all("input", name="address")[0]["dir"] == "ltr"
    assert markup.all("input", name="title")[0]["dir"] == "auto"


def test_where_nothing_would_be_saved_the_heading_says_something_else() -> None:
    form = Example({"title": ""})
    for tag in ("errors", "fields"):
        told = words(draw(f'{{% {tag} form "Signing in did not work:" %}}', form=form))
        assert "Signing in did not work: Title : This field is required." in told
        assert "saved" not in told


def test_a_label_and_its_error_are_parted_by_a_colon_as_the_language_has_it() -> None:
    form = Example({"title": ""})
    assert "Title</a>: This field is required." in draw("{% errors form %}", form=form)
    with override("fr"):
        assert "Title</a>\u00a0: Ce champ est obligatoire." in draw("{% errors form %}", form=form)


class Counts(forms.Form):
    days = forms.IntegerField(min_value=1, max_value=90)
    name = forms.ChoiceField(choices=[("a", "a")])


def test_a_label_that_is_a_sentence_ends_in_no_stop_before_its_colon() -> None:
    class Spoken(forms.Form):
        same = forms.BooleanField(label="We spoke, and all words were the same.")

    assert "all words were the same</a>: This field is required." in draw(
        "{% errors form %}", form=Spoken({})
    )


def test_counts_in_errors_stand_in_the_readers_digits_and_values_as_they_were_given() -> None:
    form = Counts({"days": "91", "name": "b12"})
    with override("ar"):
        markup = Markup(draw("{% fields form %}", form=form))
    assert "أدخل قيمة لا تزيد على ٩٠." in markup.text
    assert "b12" in markup.text


@pytest.mark.parametrize("typed", ["12", "١٢", "۱۲"])
def test_a_number_can_be_typed_in_any_digits(typed: str) -> None:
    form = Counts({"days": typed, "name": "a"})
    assert form.is_valid()
    assert form.cleaned_data["days"] == 12
    [control] = Markup(draw("{% field form.days %}", form=form)).all("input")
    # a control of the type number would let no Arabic digit be typed
    assert {name: control.get(name) for name in ("type", "inputmode", "dir", "max")} == {
        "type": "text",
        "inputmode": "numeric",
        "dir": "ltr",
        "max": None,
    }


def test_a_form_without_errors_has_no_summary() -> None:
    assert draw("{% errors form %}", form=Example()) == ""


class Filters(forms.Form):
    q = forms.CharField(required=False, label="Name")
    role = forms.ChoiceField(required=False, label="Role", choices=[("", "all"), ("analyst", "analyst")])


def test_a_filter_that_is_on_says_so_and_can_be_taken_away_and_leaves_the_search() -> None:
    form = Filters(QueryDict("q=sal&role=analyst"))
    markup = Markup(
        draw("{% filterbar form %}", "/en/people/?q=sal&role=analyst&after=x&sort=name", form=form)
    )
    assert [has["href"] for has in markup.all("a")] == ["?q=sal&sort=name", "?sort=name"]
    assert "Take the filter “Role” away" in markup.text
    assert [has["class"] for has in markup.all("span") if "filter" in has.get("class", "").split()] == [
        "filter chosen"
    ]
    assert markup.all("option", value="analyst")[0]["selected"] == ""
    assert markup.all("input", type="search")[0]["value"] == "sal"
    assert markup.all("input", name="sort")[0]["value"] == "name"


def test_a_filter_that_is_off_is_called_as_it_is_where_it_would_say_all() -> None:
    shown = draw("{% filterbar form %}", "/en/people/", form=Filters(QueryDict("")))
    assert '<option value="" selected>Role</option>' in shown
    assert Markup(shown).all("a") == []


def test_the_language_switch_keeps_the_page() -> None:
    with override("en"):
        shown = draw("{% languages %}", "/en/people/?role=analyst")
    links = {has["hreflang"]: has["href"] for has in Markup(shown).all("a")}
    assert links == {lang: f"/{lang}/people/?role=analyst" for lang in ("ar", "en", "fr")}
    assert words(shown) == "العربية English Français"


def test_the_language_switch_of_an_address_that_is_in_no_language_stays_there() -> None:
    for path in ("/en-gb/people/", "/enfoo/", "/healthz"):
        links = [has["href"] for has in Markup(draw("{% languages %}", path)).all("a")]
        assert set(links) == {path}


# ---- charts ----------------------------------------------------------------------------------------------------
BARS = Bars("Kind", "Releases", (Bar("Reports", 1234), Bar(EVIL, None), Bar("Rules", 0)))


def test_a_chart_has_its_title_its_finding_a_named_drawing_and_the_same_as_a_table() -> None:
    html = draw("{% chart each %}", each=Chart("received", "Received", "Mostly reports.", BARS))
    markup = Markup(f"<h1></h1>{html}")
    assert markup.faults == []
    (svg,) = markup.all("svg")
    assert (svg["id"], svg["role"], svg["aria-labelledby"]) == ("received", "img", "received-title")
    assert '<desc id="received-desc">Mostly reports.</desc>' in html
    assert markup.text.startswith("Received Mostly reports. Received Mostly reports.")
    assert markup.text.endswith(
        "As a table Received, as a table Kind Releases Reports 1,234 " + EVIL + " — Rules 0"
    )
    assert markup.all("div", role="group")[0]["aria-label"] == "Received"
    assert "<script>" not in html


def test_a_chart_in_arabic_begins_at_the_right_in_the_digits_of_its_reader() -> None:
    with override("ar"):
        html = draw("{% chart each %}", each=Chart("received", "الوارد", "أكثره تقارير.", BARS))
    assert "١٬٢٣٤" in html
    assert '<td class="number" data-label="Releases"><bdi>صفر</bdi></td>' in html
    # names stand at the right edge, so the line from which bars begin is beside them
    assert 'x="480" y="24" text-anchor="end">Reports<' in html


def test_a_chart_of_nothing_says_so_and_draws_nothing() -> None:
    nothing = Lines("Month", (), (Series("South", ()),))
    html = draw("{% chart each %}", each=Chart("received", "Received", "", nothing))
    assert "There is nothing to draw yet." in words(html)
    assert "Nothing came." in words(
        draw("{% chart each %}", each=Chart("a", "Received", "Nothing came.", nothing))
    )
    assert "<svg" not in html
    assert "<details" not in html


def test_a_chart_may_have_another_table_behind_it_and_leave_its_title_to_the_sheet() -> None:
    table = Table(("Kind", "Why"), (("Reports", format_html('<a href="{}">they ask</a>', "/why/")),))
    html = draw("{% chart each %}", each=Chart("a", "Received", "Two.", BARS, table, is_titled=False))
    assert '<a href="/why/">they ask</a>' in html
    assert "1,234" not in words(html.partition("<details")[2])
    assert "figure-title" not in html
