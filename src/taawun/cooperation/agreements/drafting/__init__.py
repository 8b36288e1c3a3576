"""First drafts from templates: the agreements that partners most often want, in three languages.

A template is a start, not a standard form: its text is the parties' own as soon as it is drafted, and every word of
it can be changed before it is proposed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from taawun.cooperation.agreements.document import Document, Party, parse, write
from taawun.cooperation.agreements.drafting.building import DRILL, TRAINING
from taawun.cooperation.agreements.drafting.sharing import BILATERAL_SHARING, COMMUNITY, EARLY_WARNING
from taawun.cooperation.agreements.drafting.templates import Template
from taawun.cooperation.agreements.errors import StepRefused
from taawun.cooperation.partners.identity.keys import node_key
from taawun.cooperation.people.queries import host
from taawun.foundation.identifiers import uuid7
from taawun.foundation.multilingual import LANGUAGES, Text
from taawun.platform.web import formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taawun.cooperation.partners.models import Partner

__all__ = ["TEMPLATES", "Template", "draft_from", "specimen", "template"]

TEMPLATES: Final = (BILATERAL_SHARING, COMMUNITY, TRAINING, DRILL, EARLY_WARNING)
_LEAST: Final = 2


def template(name: str) -> Template:
    """The template of a name.

    Raises:
        StepRefused: there is none (``unknown-template``).
    """
    found = next((each for each in TEMPLATES if each.name == name), None)
    if found is None:
        names = formats.listed([each.name for each in TEMPLATES])
        raise StepRefused(
            "unknown-template", _("Choose one of these templates: %(names)s.") % {"names": names}
        )
    return found


def draft_from(
    name: str, partners: Sequence[Partner], *, valid_from: datetime, valid_until: datetime | None = None
) -> Document:
    """The first version of an agreement between this node and partners.

    Args:
        name: of a template.
        partners: the other parties; each has shown its key.
        valid_from: earliest entry into force.
        valid_until: end, or None.

    Returns:
        A document that holds together, with this node as its depositary. Nothing is stored.

    Raises:
        StepRefused: there is no such template, or a partner has not answered yet.
        DocumentRefused: the parties or instants do not fit together.
    """
    start = template(name)
    for partner in partners:
        if not partner.kid:
            raise StepRefused(
                "not-met",
                _("%(node)s has not answered yet, so its key is not known.") % {"node": partner.node},
            )
    return _document(start, _parties(partners), valid_from, valid_until)


def specimen(start: Template) -> Document:
    """A template as it would read between parties that are not named yet, for whoever is about to choose one."""
    names = [
        Text.of(en="First party", ar="الطرف الأول", fr="Première partie"),
        Text.of(en="Second party", ar="الطرف الثاني", fr="Deuxième partie"),
    ]
    if start.is_multilateral:
        names.append(Text.of(en="Third party", ar="الطرف الثالث", fr="Troisième partie"))
    parties = tuple(
        Party(
            ref=f"P-{number}",
            kind="node",
            node=f"https://party-{number}.example",
            host="",
            nation="",
            organisation=name,
            kid="A" * 43,
        )
        for number, name in enumerate(names, 1)
    )
    # whatever it names is never kept: the same at each look
    begins = datetime(2000, 1, 1, tzinfo=UTC)
    return _document(start, parties, begins, None, lineage=UUID(int=0))


def _document(
    start: Template,
    parties: tuple[Party, ...],
    valid_from: datetime,
    valid_until: datetime | None,
    *,
    lineage: UUID | None = None,
) -> Document:
    document = Document(
        id=lineage or uuid7(),
        version=1,
        title=start.title,
        parties=parties,
        clauses=start.clauses,
        valid_from=valid_from,
        valid_until=valid_until,
        supersedes="",
        accession=start.accession,
        min_signatories=start.signatures or _LEAST,
        entry_into_force=start.signatures or "all",
        notice_days=start.notice_days,
        authentic_languages=LANGUAGES,
        # which of their languages decides is for the parties to say
        prevailing="",
        preamble=start.preamble,
        text=b"",
        digest="",
    )
    return parse(write(document))


def _parties(partners: Sequence[Partner]) -> tuple[Party, ...]:
    own = host()
    nations = [own.nation_id or "", *(partner.nation for partner in partners)]
    refs = _refs(nations)
    ourselves = Party(
        ref=refs[0],
        kind="node",
        node=settings.BASE_URL,
        host="",
        nation=nations[0],
        organisation=own.name,
        kid=node_key().kid,
    )
    others = (
        Party(
            ref=ref,
            kind="node",
            node=partner.node,
            host="",
            nation=partner.nation,
            organisation=partner.name,
            kid=partner.kid,
        )
        for ref, partner in zip(refs[1:], partners, strict=True)
    )
    return (ourselves, *others)


def _refs(nations: Sequence[str]) -> list[str]:
    """Short names of parties: the nation's letters, with a number where two share them or one has none."""
    return [
        nation if nation and nations.count(nation) == 1 else f"{nation or 'P'}-{number}"
        for number, nation in enumerate(nations, 1)
    ]
