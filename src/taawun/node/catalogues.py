"""The message catalogues: collects what people read from the code, compiles translations, and checks them.

The sentences in the code are English; ``src/taawun/locale/{ar,fr}`` holds the other languages. Babel reads
and writes the files, because GNU gettext is not on every machine.

    python -m taawun.node.catalogues extract    brings both catalogues in line with the code
    python -m taawun.node.catalogues tidy       sets French spaces and Arabic marks right, in the texts of the help too
    python -m taawun.node.catalogues check      prints what is missing or wrong; ends with 1 if anything is
    python -m taawun.node.catalogues compile    writes the .mo files (./taawun does it by itself)
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages import extract as babel_extract
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

import taawun
from taawun.node import typography
from taawun.platform.web.directions import TURNING

__all__ = ["compile_all", "compile_stale", "extract", "main", "problems", "tidy"]

PACKAGE = Path(taawun.__file__).resolve().parent
TEMPLATE_ENDINGS = {".html", ".txt", ".svg", ".xml"}
MIDDLE_DOT = "\N{MIDDLE DOT}"

# Babel's own table lacks Django's lazy twins.
KEYWORDS = babel_extract.DEFAULT_KEYWORDS | {
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


@dataclass(frozen=True, slots=True)
class Language:
    """A language that we translate into.

    Args:
        code: the folder below ``locale``.
        plurals: the Plural-Forms header.
        exact: the forms that stand for one number only, which they may therefore write as a word.
        set_marks: gives a text the punctuation of the language.
    """

    code: str
    plurals: str
    exact: frozenset[int]
    set_marks: Callable[[str], str]

    def path(self, package: Path) -> Path:
        """The catalogue's source file."""
        return package / "locale" / self.code / "LC_MESSAGES" / "django.po"


LANGUAGES = (
    Language(
        "ar",
        # 0, 1, 2, 3–10, 11–99, then 100, 101, 102: in the order of Django's own catalogue
        "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
        "n%100>=11 && n%100<=99 ? 4 : 5;",
        frozenset({0, 1, 2}),
        typography.arabic,
    ),
    # the first form is for 0 and 1, so it must show its number
    Language("fr", "nplurals=2; plural=(n > 1);", frozenset(), typography.french),
)


def main(arguments: list[str]) -> int:
    """Runs one of the commands in the module's docstring; 0 done, 1 problems were found, 2 wrong use."""
    match arguments:
        case ["extract"]:
            extract()
        case ["tidy"]:
            tidy()
        case ["compile"]:
            compile_all()
        case ["check"]:
            found = problems()
            print("\n".join(found) if found else "the catalogues are complete")
            return 1 if found else 0
        case _:
            print("usage: python -m taawun.node.catalogues extract|tidy|check|compile", file=sys.stderr)
            return 2
    return 0


def extract(package: Path = PACKAGE) -> None:
    """Brings every catalogue in line with the code: new messages come in empty, messages that went go."""
    template = _collect(package)
    for language in LANGUAGES:
        catalogue = _read(language, package)
        catalogue.update(template, no_fuzzy_matching=True)
        _write(language, package, catalogue)


def tidy(package: Path = PACKAGE) -> None:
    """Sets the punctuation of every translation as its language wants it."""
    for language in LANGUAGES:
        catalogue = _read(language, package)
        for message in catalogue:
            if message.id:
                marked = [language.set_marks(text) for text in _forms(message)]
                message.string = tuple(marked) if message.pluralizable else marked[0]
        _write(language, package, catalogue)
        for text in _help_texts(language, package):
            _replace(text, language.set_marks(text.read_text(encoding="utf-8")).encode())
    # what is read has no lines of code, by which messages of one file are ordered
    extract(package)


def compile_all(package: Path = PACKAGE) -> None:
    """Writes the compiled catalogue beside each source, whole or not at all."""
    for language in LANGUAGES:
        if language.path(package).exists():
            _compile(language, package)


def compile_stale(package: Path = PACKAGE) -> None:
    """Compiles the catalogues whose source is newer than what was compiled from it."""
    for language in LANGUAGES:
        source, compiled = language.path(package), language.path(package).with_suffix(".mo")
        if not source.exists():
            continue
        if not compiled.exists() or compiled.stat().st_mtime <= source.stat().st_mtime:
            _compile(language, package)


def problems(package: Path = PACKAGE) -> list[str]:
    """What keeps the catalogues from being complete and right: a sentence each, with language and message."""
    template = _collect(package)
    found = list(_dots(package))
    for language in LANGUAGES:
        catalogue = _read(language, package)
        found += [f"{language.code}: {sentence}" for sentence in _compare(template, catalogue)]
        for message in catalogue:
            if message.id and template.get(_key(message), message.context):
                about = f"{language.code}: {_quote(message)}"
                found += [f"{about}: {sentence}" for sentence in _judge(message, language)]
        found += [
            f"{text.relative_to(package).as_posix()}: a mark or a space is not as it should be; "
            "`python -m taawun.node.catalogues tidy` sets it"
            for text in _help_texts(language, package)
            if (written := text.read_text(encoding="utf-8")) != language.set_marks(written)
        ]
    return found


def _help_texts(language: Language, package: Path) -> list[Path]:
    return sorted(package.rglob(f"help/*.{language.code}.md"))


def _dots(package: Path) -> Iterator[str]:
    # also where a sentence is put together and no catalogue holds it
    for path in [*sorted(package.rglob("*.py")), *sorted(package.rglob("templates/**/*"))]:
        if path.suffix in {".py", *TEMPLATE_ENDINGS} and MIDDLE_DOT in path.read_text(encoding="utf-8"):
            about = path.relative_to(package).as_posix()
            yield f"{about}: has a middle dot, which looks like the digit zero in Arabic: use a comma of the language"


# ---- collecting --------------------------------------------------------------------------------------------
def _collect(package: Path) -> Catalog:
    template = Catalog(charset="utf-8")
    for path in sorted(package.rglob("*.py")):
        if "migrations" not in path.parts:
            _add(template, path.relative_to(package), path.read_bytes())
    for path in sorted(package.rglob("templates/**/*")):
        if path.suffix in TEMPLATE_ENDINGS:
            _add(template, path.relative_to(package), _as_python(path))
    return template


def _as_python(template: Path) -> bytes:
    text = templatize(template.read_text(encoding="utf-8"), origin=str(template))
    # each call stands on one line; the indentation of the markup would be no Python
    return "\n".join(line.strip() for line in text.split("\n")).encode()


def _add(template: Catalog, path: Path, source: bytes) -> None:
    found = babel_extract.extract("python", io.BytesIO(source), KEYWORDS, ("Translators:",), None)
    for line, message, comments, context in found:
        template.add(message, None, [(path.as_posix(), line)], auto_comments=comments, context=context)


# ---- reading and writing -----------------------------------------------------------------------------------
def _read(language: Language, package: Path) -> Catalog:
    if language.path(package).exists():
        with language.path(package).open("rb") as file:
            catalogue = read_po(file, locale=language.code, charset="utf-8")
    else:
        catalogue = Catalog(locale=language.code, charset="utf-8")
    catalogue.mime_headers = [("Plural-Forms", language.plurals)]
    return catalogue


def _write(language: Language, package: Path, catalogue: Catalog) -> None:
    # no dates and no line numbers: two branches that add different messages then merge without a conflict
    body = io.BytesIO()
    write_po(
        body,
        catalogue,
        width=110,
        omit_header=True,
        sort_by_file=True,
        ignore_obsolete=True,
        include_lineno=False,
    )
    header = (
        'msgid ""\nmsgstr ""\n'
        f'"Language: {language.code}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {language.plurals}\\n"\n\n'
    )
    path = language.path(package)
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, header.encode() + body.getvalue().rstrip(b"\n") + b"\n")


def _compile(language: Language, package: Path) -> None:
    body = io.BytesIO()
    write_mo(body, _read(language, package))
    _replace(language.path(package).with_suffix(".mo"), body.getvalue())


def _replace(path: Path, content: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(path)


# ---- checking ----------------------------------------------------------------------------------------------
def _compare(template: Catalog, catalogue: Catalog) -> Iterator[str]:
    for message in template:
        if message.id and not catalogue.get(_key(message), message.context):
            yield f"{_quote(message)}: is not in the catalogue; `catalogues extract` adds it"
    for message in catalogue:
        if message.id and not template.get(_key(message), message.context):
            yield f"{_quote(message)}: is no longer in the code; extract takes it out"


def _judge(message: Message, language: Language) -> Iterator[str]:
    forms = _forms(message)
    wanted = int(language.plurals.partition("nplurals=")[2][0]) if message.pluralizable else 1
    if len(forms) != wanted or not all(form.strip() for form in forms):
        yield "is not translated" if not any(forms) else f"has not all of its {wanted} plural forms"
        return
    if message.fuzzy:
        yield "is marked fuzzy: read it, correct it, and take the mark away"
    for number, form in enumerate(forms):
        where = f"form {number} " if message.pluralizable else ""
        may_lack = 1 if message.pluralizable and number in language.exact else 0
        yield from (where + sentence for sentence in _judge_form(message, form, may_lack))
        marked = language.set_marks(form)
        if marked != form:
            yield f"{where}should read {marked!r}; `python -m taawun.node.catalogues tidy` sets it"
        if language.code == "ar" and MIDDLE_DOT in form:
            yield f"{where}has a middle dot, which looks like the digit zero: use a comma or a dash"
        if TURNING.search(form):
            yield f"{where}has a character that pages show as a mark: use U+200E or U+200F on both sides"


def _judge_form(message: Message, form: str, may_lack: int) -> Iterator[str]:
    sources = message.id if isinstance(message.id, tuple | list) else (message.id,)
    known = {part for source in sources for part in _fixed(source)}
    needed = set(_fixed(sources[-1]))
    has = set(_fixed(form))
    if has - known:
        yield f"has {', '.join(sorted(has - known))}, which the English has not"
    if len(needed - has) > may_lack:
        yield f"lacks {', '.join(sorted(needed - has))}"
    for edge, name in ((re.compile(r"^\s*"), "beginning"), (re.compile(r"\s*$"), "end")):
        if _found(edge, form) != _found(edge, sources[-1]):
            yield f"has other blanks at its {name} than the English"


def _fixed(text: str) -> Iterator[str]:
    # an entity may be another one in another language; a percent sign may stand elsewhere
    return (part for part in typography.protected(text) if not part.startswith(("&", "%%")))


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[0] if match else ""


def _forms(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string or ""]


def _key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple | list) else message.id


def _quote(message: Message) -> str:
    files = sorted({place for place, _line in message.locations})
    return f"{_key(message)!r}" + (f" ({', '.join(files)})" if files else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
