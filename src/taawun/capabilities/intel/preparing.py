"""What is stored of an object: taken from what was checked or written here, for those it is for."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _

from taawun.capabilities.intel.errors import IntelError
from taawun.capabilities.intel.models import STIX_ID
from taawun.capabilities.intel.search import index_words
from taawun.capabilities.intel.stix.checking import CheckedObject, written
from taawun.capabilities.intel.stix.describing import name_of, references_of, summary_of
from taawun.capabilities.intel.stix.findings import Issue
from taawun.capabilities.intel.stix.validation import validate
from taawun.capabilities.intel.wording import issue_sentence
from taawun.foundation.digests import sha256
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from taawun.capabilities.intel.models import Import, Sighting, StixObject
    from taawun.capabilities.intel.stix import Reading
    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.people.models import Organisation, Person

__all__ = [
    "TAKEN",
    "Origin",
    "Prepared",
    "audience_of",
    "prepare",
    "prepare_own",
    "prepared_again",
    "prepared_from",
    "version_key",
]

log: Final = logging.getLogger(__name__)

_SEARCHED: Final = 2000
_MICROSECONDS, _LONGEST_FRACTION = 6, 18
# STIX 2.1, section 3.2; it has a column of its own
_CREATOR: Final = "created_by_ref"
# nearly every object of a file names these, and no page asks for them backwards
_NOT_KEPT: Final = frozenset({_CREATOR, "x_mitre_modified_by_ref"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where objects come from and who may see them.

    Args:
        organisation: inside which AMBER+STRICT stays.
        imported: the import, or None.
        release: the release, or None.
        sighting: the sighting that was recorded here, or None. Exactly one of the three is given.
        node: the partner's address for what a partner sent; empty for our own.
        readers: whom RED objects name; nobody else sees them.
    """

    organisation: Organisation
    imported: Import | None = None
    release: Release | None = None
    sighting: Sighting | None = None
    node: str = ""
    readers: Sequence[Person] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked object as it will be stored: its text, but no parsed value, so that many fit in memory."""

    stix_id: str
    type: str
    version: str
    creator: str
    name: str
    summary: str
    search: str
    tlp: Tlp
    text: str
    received: str
    references: tuple[tuple[str, str], ...]
    digest: str

    def audience(self, origin: Origin) -> str:
        """Whom it is for, coming from there; as in :func:`audience_of`."""
        return audience_of(self.tlp, origin.organisation.pk, (person.pk for person in origin.readers))


# what stands on the row of an object as it was prepared
TAKEN: Final = tuple(each.name for each in fields(Prepared) if each.name != "references")


def audience_of(tlp: Tlp, organisation: UUID, persons: Iterable[UUID]) -> str:
    """Whom something is for.

    Args:
        tlp: its marking.
        organisation: inside which AMBER+STRICT stays.
        persons: whom RED names.

    Returns:
        Empty for whoever of the node may read intelligence; else ``organisation:`` and its key, or ``persons:`` and
        a digest of their keys. As text the widest comes first, which is how rules.py orders them.
    """
    if tlp == Tlp.RED:
        return f"persons:{sha256(','.join(sorted(set(map(str, persons)))).encode())}"
    return f"organisation:{organisation}" if tlp == Tlp.AMBER_STRICT else ""


def prepare(checked: CheckedObject) -> Prepared:
    """Take from a checked object what is stored of it."""
    return Prepared(
        stix_id=checked.stix_id,
        type=checked.type,
        version=version_key(checked.version),
        creator=next((target for relation, target in checked.refs if relation == _CREATOR), "")[:STIX_ID],
        name=checked.name,
        summary=checked.summary,
        search=index_words(f"{checked.name} {checked.summary[:_SEARCHED]} {' '.join(_values(checked))}"),
        tlp=checked.tlp,
        text=checked.text,
        received=checked.received,
        references=tuple(
            (relation, target) for relation, target in checked.refs if relation not in _NOT_KEPT
        ),
        digest=sha256(checked.text.encode()),
    )


def prepared_from(reading: Reading, *, has_readers: bool = True) -> Iterator[Prepared]:
    """Everything valid in a file, as it will be stored; what this node fails at becomes an issue at its place.

    Args:
        reading: a file on its way in; its issues are complete when all was taken from here.
        has_readers: whether somebody is named who may read what is RED. Otherwise that becomes an issue too: it would
            be kept for nobody.
    """
    for checked in reading.objects:
        if checked.tlp == Tlp.RED and not has_readers:
            reading.issues.add(_issue("no-reader", checked), checked.index)
            continue
        try:
            prepared = prepare(checked)
        except Exception:
            # as in the reader: one object costs its file no more than itself
            log.exception("object %d of a file could not be prepared", checked.index)
            reading.issues.add(_issue("object-fault", checked), checked.index)
        else:
            yield prepared


def _issue(code: str, checked: CheckedObject) -> Issue:
    return Issue(
        severity="error",
        code=code,
        place=checked.place,
        line=checked.line or None,
        object_id=checked.stix_id,
        message=issue_sentence(code, {}),
        params={},
    )


def prepare_own(value: Mapping[str, Any], tlp: Tlp) -> Prepared:
    """What is stored of an object that this node wrote itself, held against the same rules as anybody's.

    Args:
        value: STIX 2.1.
        tlp: its marking.

    Raises:
        IntelError: it is not valid; a partner would refuse it.
    """
    text = written(value)
    wrong = next((each for each in validate(value, size=len(text)) if each.severity == "error"), None)
    if wrong:
        raise IntelError(
            "not-valid",
            _("This cannot be written as STIX. %(reason)s")
            % {"reason": issue_sentence(wrong.code, wrong.params)},
        )
    return prepare(
        CheckedObject(
            index=0,
            line=0,
            stix_id=value["id"],
            type=value["type"],
            version=value.get("modified", ""),
            text=text,
            received="",
            value=dict(value),
            tlp=tlp,
            is_marked=True,
            name=name_of(value),
            summary=summary_of(value),
            refs=references_of(value),
        )
    )


def prepared_again(row: StixObject) -> Prepared:
    """What is held already, to be remembered under one more source."""
    return Prepared(**{name: getattr(row, name) for name in TAKEN}, references=())


def version_key(version: str) -> str:
    """The version with at least six digits of a second, so that versions sort as text and one instant is one key."""
    if not version:
        return ""
    seconds, _dot, fraction = version.rstrip("Z").partition(".")
    return f"{seconds}.{fraction.ljust(_MICROSECONDS, '0')[:_LONGEST_FRACTION]}Z"


def _values(checked: CheckedObject) -> Iterator[str]:
    """What a person would paste into a search besides the name: pattern, hashes, external identifiers."""
    value = checked.value
    pattern = value.get("pattern")
    if isinstance(pattern, str):
        yield pattern[:_SEARCHED]
    hashes = value.get("hashes")
    if isinstance(hashes, dict):
        yield from (text for text in hashes.values() if isinstance(text, str))
    # an observable and a custom object have no property of this name, so it may hold anything there
    references = value.get("external_references")
    for reference in references if isinstance(references, list) else ():
        external = reference.get("external_id") if isinstance(reference, dict) else None
        if isinstance(external, str):
            yield external
