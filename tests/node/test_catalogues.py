"""The catalogues: what is collected, what is kept, what is found wrong, and that ours are complete."""

import gettext
import os
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.test import override_settings
from django.utils.translation.trans_real import DjangoTranslation

from taawun.capabilities.intel.stix import SENTENCES
from taawun.node import catalogues

CODE = """
from django.utils.translation import gettext_lazy as _, ngettext, npgettext_lazy, pgettext

# Translators: on a button
SIGN = _("Sign")
COUNT = ngettext("%(n)s release", "%(n)s releases", 2)
STATE = pgettext("agreement", "open")
PARTIES = npgettext_lazy("agreement", "one party", "%(n)s parties", "n")
NOT_OURS = translate("not a message")
"""
TEMPLATE = """{% load i18n %}
<div>
      <p>{% translate "Sign" %} {{ name|default:_("nobody") }}
  {% blocktranslate trimmed count n=n %}
    {{ n }} sighting
  {% plural %}
    {{ n }} sightings
  {% endblocktranslate %}</p>
    <i>{% translate "open" context "door" %} 100%</i>
</div>
"""
COLLECTED = {
    (None, ("Sign",)),
    (None, ("nobody",)),
    (None, ("%(n)s release", "%(n)s releases")),
    (None, ("%(n)s sighting", "%(n)s sightings")),
    ("agreement", ("open",)),
    ("agreement", ("one party", "%(n)s parties")),
    ("door", ("open",)),
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small package with messages in code and in a template."""
    (tmp_path / "room" / "templates").mkdir(parents=True)
    (tmp_path / "room" / "models.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "room" / "templates" / "page.html").write_text(TEMPLATE, encoding="utf-8")
    return tmp_path


def source(package: Path, language: str) -> Path:
    return package / "locale" / language / "LC_MESSAGES" / "django.po"


def write(package: Path, code: str, catalogue: str, language: str = "fr") -> None:
    (package / "room" / "models.py").write_text(code, encoding="utf-8")
    (package / "room" / "templates" / "page.html").unlink()
    catalogues.extract(package)
    header = source(package, language).read_text(encoding="utf-8").partition("\n\n")[0]
    source(package, language).write_text(f"{header}\n\n{catalogue}\n", encoding="utf-8")


def problems(package: Path, language: str = "fr") -> list[str]:
    return [problem for problem in catalogues.problems(package) if problem.startswith(f"{language}: ")]


def test_the_catalogues_of_this_checkout_are_complete_and_right():
    assert catalogues.problems() == []


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_every_sentence_about_a_file_is_in_the_catalogues_of_this_checkout(language: str):
    with source(catalogues.PACKAGE, language).open("rb") as file:
        messages = {message.id for message in read_po(file)}

    assert set(SENTENCES.values()) - messages == set()


@pytest.mark.parametrize("language", ["ar", "fr"])
def test_messages_are_collected_from_code_and_templates(package: Path, language: str):
    catalogues.extract(package)

    with source(package, language).open("rb") as file:
        found = read_po(file)

    messages = {
        (message.context, message.id if isinstance(message.id, tuple) else (message.id,))
        for message in found
        if message.id
    }
    assert messages == COLLECTED


def test_a_catalogue_has_no_dates_and_no_line_numbers(package: Path):
    write(package, '\n\n# Translators: on a button\nA = _("Sign")\nB = _("%(n)s") + _("Sign")\n', "")
    catalogues.extract(package)

    assert source(package, "fr").read_text(encoding="utf-8") == (
        'msgid ""\n'
        'msgstr ""\n'
        '"Language: fr\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n'
        "\n"
        "#. Translators: on a button\n"
        "#: room/models.py\n"
        'msgid "Sign"\n'
        'msgstr ""\n'
        "\n"
        "#: room/models.py\n"
        "#, python-format\n"
        'msgid "%(n)s"\n'
        'msgstr ""\n'
    )


def test_extracting_again_keeps_translations_and_drops_what_is_gone(package: Path):
    code = 'A = _("Sign")\nB = _("Gone")\n'
    write(package, code, 'msgid "Sign"\nmsgstr "Signer"\n\nmsgid "Gone"\nmsgstr "Parti"\n')
    (package / "room" / "models.py").write_text('A = _("Sign")\nC = _("New")\n', encoding="utf-8")

    catalogues.extract(package)

    text = source(package, "fr").read_text(encoding="utf-8")
    assert 'msgid "Sign"\nmsgstr "Signer"\n' in text
    assert 'msgid "New"\nmsgstr ""\n' in text
    assert "Gone" not in text
    assert "Parti" not in text


def test_extracting_twice_changes_nothing(package: Path):
    catalogues.extract(package)
    first = source(package, "ar").read_bytes()

    catalogues.extract(package)

    assert source(package, "ar").read_bytes() == first


RELEASES = 'msgid "%(n)s release"\nmsgid_plural "%(n)s releases"\n'
PLURAL = 'A = ngettext("%(n)s release", "%(n)s releases", n)'


@pytest.mark.parametrize(
    ("code", "catalogue", "expected"),
    [
        ('A = _("Sign")', 'msgid "Sign"\nmsgstr "Signer"', []),
        ('A = _("Sign")', 'msgid "Sign"\nmsgstr ""', ["fr: 'Sign': is not translated"]),
        ('A = _("Sign")', 'msgid "Sign"\nmsgstr " "', ["fr: 'Sign': has not all of its 1 plural forms"]),
        (
            'A = _("Sign")',
            '#, fuzzy\nmsgid "Sign"\nmsgstr "Signer"',
            ["fr: 'Sign': is marked fuzzy: read it, correct it, and take the mark away"],
        ),
        (
            'A = _("Sign")',
            "",
            ["fr: 'Sign' (room/models.py): is not in the catalogue; `catalogues extract` adds it"],
        ),
        (
            "",
            'msgid "Sign"\nmsgstr "Signer"',
            ["fr: 'Sign': is no longer in the code; extract takes it out"],
        ),
        (
            'A = _("by %(name)s")',
            'msgid "by %(name)s"\nmsgstr "par %(nom)s"',
            [
                "fr: 'by %(name)s': has %(nom)s, which the English has not",
                "fr: 'by %(name)s': lacks %(name)s",
            ],
        ),
        ('A = _("by {name}")', 'msgid "by {name}"\nmsgstr "par"', ["fr: 'by {name}': lacks {name}"]),
        (
            'A = _("<b>now</b>")',
            'msgid "<b>now</b>"\nmsgstr "<b>maintenant"',
            ["fr: '<b>now</b>': lacks </b>"],
        ),
        (
            'A = _("Name: ")',
            'msgid "Name: "\nmsgstr "Nom\u00a0:"',
            ["fr: 'Name: ': has other blanks at its end than the English"],
        ),
        (
            'A = _("Why?")',
            'msgid "Why?"\nmsgstr "Pourquoi ?"',
            ["fr: 'Why?': should read 'Pourquoi\\u202f?'; `python -m taawun.node.catalogues tidy` sets it"],
        ),
        (
            PLURAL,
            RELEASES + 'msgstr[0] "%(n)s publication"\nmsgstr[1] ""',
            ["fr: '%(n)s release': has not all of its 2 plural forms"],
        ),
        (
            PLURAL,
            RELEASES + 'msgstr[0] "une"\nmsgstr[1] "%(n)s publications"',
            ["fr: '%(n)s release': form 0 lacks %(n)s"],
        ),
    ],
)
def test_a_fault_in_a_catalogue_is_named(package: Path, code: str, catalogue: str, expected: list[str]):
    write(package, code, catalogue)

    assert problems(package) == expected


ARABIC_RELEASES = """msgid "%(n)s release"
msgid_plural "%(n)s releases"
msgstr[0] "لا نشرات"
msgstr[1] "نشرة واحدة"
msgstr[2] "نشرتان"
msgstr[3] "%(n)s نشرات"
msgstr[4] "%(n)s نشرة"
msgstr[5] "%(n)s نشرة كاملة"
"""


def test_arabic_forms_for_one_number_may_say_it_in_words_and_the_others_may_not(package: Path):
    write(package, PLURAL, ARABIC_RELEASES.replace("%(n)s نشرات", "نشرات"), "ar")

    assert problems(package, "ar") == ["ar: '%(n)s release': form 3 lacks %(n)s"]


def test_a_middle_dot_is_refused_in_arabic(package: Path):
    write(package, 'A = _("a, b")', 'msgid "a, b"\nmsgstr "أ · ب"', "ar")

    assert problems(package, "ar") == [
        "ar: 'a, b': has a middle dot, which looks like the digit zero: use a comma or a dash"
    ]


def test_a_middle_dot_is_refused_in_the_code_as_well(package: Path):
    write(package, 'A = f"{a} · {b}"', "", "ar")

    [found] = [each for each in catalogues.problems(package) if "middle dot" in each]
    assert ".py: has a middle dot" in found


@pytest.mark.parametrize("turning", ["\u202d", "\u202c", "\u2066", "\u2069"])
def test_a_character_that_pages_show_as_a_mark_is_refused(package: Path, turning: str):
    write(package, 'A = _("like a.*")', f'msgid "like a.*"\nmsgstr "مثل {turning}a.*"', "ar")

    assert problems(package, "ar") == [
        "ar: 'like a.*': has a character that pages show as a mark: use U+200E or U+200F on both sides"
    ]


def test_direction_marks_are_taken(package: Path):
    write(package, 'A = _("like a.*")', 'msgid "like a.*"\nmsgstr "مثل \u200ea.*\u200e"', "ar")

    assert problems(package, "ar") == []


def test_tidy_leaves_messages_in_the_order_of_the_code(package: Path) -> None:
    code = "".join(f'_("{word}")\n' for word in ("Zebra", "Apple", "Mango"))
    (package / "room" / "models.py").write_text(code, encoding="utf-8")
    page = '{% load i18n %}{% translate "Zebra" %}'
    (package / "room" / "templates" / "page.html").write_text(page, encoding="utf-8")
    catalogues.extract(package)
    extracted = source(package, "fr").read_text(encoding="utf-8")
    assert extracted.index("Zebra") < extracted.index("Apple") < extracted.index("Mango")
    catalogues.tidy(package)
    assert source(package, "fr").read_text(encoding="utf-8") == extracted


def test_tidy_sets_what_check_finds(package: Path):
    write(package, 'A = _("Why?")', 'msgid "Why?"\nmsgstr "Pourquoi ?"')

    catalogues.tidy(package)

    assert problems(package) == []
    assert 'msgstr "Pourquoi\u202f?"' in source(package, "fr").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "لا نشرات"),
        (1, "نشرة واحدة"),
        (2, "نشرتان"),
        (3, "%(n)s نشرات"),
        (10, "%(n)s نشرات"),
        (11, "%(n)s نشرة"),
        (99, "%(n)s نشرة"),
        (100, "%(n)s نشرة كاملة"),
        (102, "%(n)s نشرة كاملة"),
        (103, "%(n)s نشرات"),
    ],
)
def test_a_compiled_catalogue_chooses_among_the_six_arabic_forms(package: Path, number: int, expected: str):
    write(package, PLURAL, ARABIC_RELEASES, "ar")
    catalogues.compile_all(package)

    with source(package, "ar").with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    assert compiled.ngettext("%(n)s release", "%(n)s releases", number) == expected


@pytest.mark.parametrize(("number", "expected"), [(0, "%d secteur"), (1, "%d secteur"), (2, "%d secteurs")])
def test_our_two_french_forms_live_beside_the_three_of_django(package: Path, number: int, expected: str):
    write(
        package,
        'A = ngettext("%d sector", "%d sectors", n)',
        'msgid "%d sector"\nmsgid_plural "%d sectors"\nmsgstr[0] "%d secteur"\nmsgstr[1] "%d secteurs"',
    )
    catalogues.compile_all(package)

    with override_settings(LOCALE_PATHS=[package / "locale"]):
        french = DjangoTranslation("fr")

    assert french.ngettext("%d sector", "%d sectors", number) == expected
    assert french.gettext("Yes") == "Oui"


def test_only_a_catalogue_that_changed_is_compiled_again(package: Path):
    catalogues.extract(package)
    catalogues.compile_stale(package)
    compiled = {language: source(package, language).with_suffix(".mo") for language in ("ar", "fr")}
    for path in compiled.values():
        os.utime(path, (2_000_000_000, 2_000_000_000))
    os.utime(source(package, "fr"), (2_000_000_001, 2_000_000_001))

    catalogues.compile_stale(package)

    assert compiled["ar"].stat().st_mtime == 2_000_000_000
    assert compiled["fr"].stat().st_mtime != 2_000_000_000


def test_the_command_refuses_a_word_it_does_not_know(capsys: pytest.CaptureFixture[str]):
    assert catalogues.main(["extrakt"]) == 2
    assert "extract|tidy|check|compile" in capsys.readouterr().err
