"""One term has one translation: the catalogues say what docs/glossary.md says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from taawun.foundation.folding import fold
from taawun.node import catalogues, typography

GLOSSARY = (Path(__file__).parent.parent / "docs" / "glossary.md").read_text(encoding="utf-8")
LANGUAGES = ("ar", "fr")


@dataclass(frozen=True, slots=True)
class Term:
    """How a term is found in a sentence, and in which forms it may stand in its translation.

    Args:
        english: a pattern of the term, where it is meant and not another word that is written alike.
        ar: beginnings or parts of its Arabic forms, folded: singular, dual and broken plural.
        fr: the same in French.
        never: folded words that a translation must not have in its place, in either language.
    """

    english: str
    ar: str
    fr: str
    never: str = ""


TERMS: Final = {
    "node": Term(r"\bnodes?\b", "عقد", "noeud"),
    "descriptor": Term(r"\bdescriptors?\b", "بطاق", "fiche"),
    "fingerprint": Term(r"\bfingerprints?\b", "بصم", "empreinte"),
    "partner": Term(r"\bpartners?\b", "شريك|شركا", "partenaire"),
    "agreement": Term(r"\bagreements?\b", "اتفاقي", "accord", never=r"الاتفاق\b|\bconvention"),
    "clause": Term(r"\bclauses?\b", "بند|بنود", "clause"),
    "party": Term(r"\bpart(?:y|ies)\b", "طرف|اطراف", "partie"),
    "depositary": Term(r"\bdepositary\b", r"جهه (?:ال)?ايداع", "depositaire"),
    "template": Term(r"\btemplates?\b", "قالب|قوالب", "modele", never="النماذج"),
    "draft": Term(
        r"\b(?:the|a|our|this|next|of|no|first) draft\b|^drafts?\b(?! (?:an|a|it|from|and)\b)|\bdrafts\b",
        "مسود",
        "projet",
    ),
    "version": Term(r"\bversions?\b", "اصدار", "version"),
    "release": Term(r"\breleases?\b", "نشر", "publication"),
    "marking": Term(r"\bmarkings?\b", "وسم|وسوم", "marquage"),
    "lane": Term(r"\blanes?\b", "مسار", "voie"),
    "receipt": Term(r"\breceipts?\b", "اقرار|الاستلام", "accuse|reception"),
    "digest": Term(r"\bdigests?\b", r"بصم\w* (?:ال)?رقمي", "condensat"),
    "threat intelligence": Term(
        r"\b(?:threat )?intelligence\b", "معلومات", "menace|informations", never="renseignement"
    ),
    "indicator": Term(r"\bindicators?\b", "موشر", "indicateur"),
    "sighting": Term(r"\bsightings?\b", "مشاهد", "observation"),
    "hunt": Term(r"\bhunt", "تقص", "traque|recherche dans les journaux"),
    "hit": Term(r"\bhits?\b", "تطابق", "correspondance"),
    "rule": Term(r"\brules?\b(?! out)", "قاعد|قواعد", "regle"),
    "drill": Term(r"\bdrills?\b", "تمرين|تمارين", "exercice"),
    "inject": Term(r"\binjects?\b", "مستجد", "inject"),
    "lesson": Term(r"\blessons?\b", "درس|دروس", "lecon"),
    "credential": Term(r"\bcredentials?\b", "شهاد", "attestation"),
    "recognition": Term(r"\brecogni[sz]", "اعتراف|عترف", "reconna"),
    "gap": Term(r"\bgaps?\b", "فجو", "lacune"),
    "need": Term(r"\b(?:a|the|their|our) needs?\b", "احتياج", "besoin"),
    "offer": Term(r"\b(?:an|the|their|our) offers?\b", "عرض|عروض", "offre"),
    "plan": Term(r"\bplans?\b", "خط", "plan"),
    "ballot": Term(r"\bballots?\b", "تصويت", "scrutin"),
    "consultation": Term(r"\bconsultations?\b", "مشاور", "consultation", never="استشار"),
    "campaign": Term(r"\bcampaigns?\b", "حمل", "campagne"),
    "event": Term(r"(?<!MISP )\bevents?\b", "فعالي", "evenement"),
}

# Sentences that have the English word and rightly not its translation, each with its reason.
EXCEPTIONS: Final = {
    ("event", "event"): "an event of MISP is an occurrence (حدث), not a meeting",
    ("party", 'must be "none", "parties", "public" or {"named": [addresses]}'): "a value that is written so",
}


def rows(heading: str) -> dict[str, dict[str, str]]:
    """A table of the glossary: what each term is in each language."""
    section = GLOSSARY.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.split("|")[1:5]] for line in section.splitlines() if "|" in line]
    return {english: {"ar": arabic, "fr": french} for english, arabic, french, _what in cells[2:]}


def messages(code: str) -> list[tuple[str, str]]:
    """Each sentence of the code with what a reader of this language gets, all plural forms in one."""
    language = next(each for each in catalogues.LANGUAGES if each.code == code)
    found = []
    for message in catalogues._read(language, catalogues.PACKAGE):
        if message.id:
            source = message.id if isinstance(message.id, str) else message.id[-1]
            found.append((source, " ".join(catalogues._forms(message))))
    return found


def plain(sentence: str) -> str:
    """Without what no translation changes: placeholders, addresses, code and technical names."""
    return re.sub(
        r"[\w.-]*[:/_][\w./:-]*|\w+\.\*|“[a-z_]+”",
        " ",
        re.sub(typography.PROTECTED, " ", sentence),
    )


def test_every_term_of_the_glossary_is_held() -> None:
    assert sorted(rows("Terms")) == sorted(TERMS)


def test_every_exception_is_of_a_sentence_that_is_there() -> None:
    said = {source for source, _translated in messages("ar")}

    assert [sentence for _term, sentence in EXCEPTIONS if sentence not in said] == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_glossary_itself_uses_the_forms_that_are_held(code: str) -> None:
    terms = rows("Terms")

    wrong = [
        name for name, term in TERMS.items() if not re.search(getattr(term, code), fold(terms[name][code]))
    ]
    assert wrong == []


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("name", TERMS)
def test_a_term_is_translated_by_its_one_word(code: str, name: str) -> None:
    term = TERMS[name]
    wrong = []
    for source, translated in messages(code):
        if not re.search(term.english, plain(source), re.IGNORECASE) or (name, source) in EXCEPTIONS:
            continue
        read = fold(translated)
        if not re.search(getattr(term, code), read) or (term.never and re.search(term.never, read)):
            wrong.append((source, translated))
    assert wrong == []


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("heading", ["States of an agreement", "Headings of the navigation"])
def test_states_and_headings_read_exactly_so(code: str, heading: str) -> None:
    said: dict[str, set[str]] = {}
    for source, translated in messages(code):
        said.setdefault(source.lower(), set()).add(translated.lower())

    for english, words in rows(heading).items():
        assert words[code].lower() in said[english.lower()], english
