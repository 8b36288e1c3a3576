"""Which level of the Traffic Light Protocol a STIX object is under; in doubt the strictest."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from taawun.capabilities.intel.stix.findings import Finding, shown
from taawun.foundation.errors import CodedError
from taawun.foundation.tlp import Tlp, from_stix_marking, stix_marking_id

# OASIS, "TLP 2.0 Marking Definitions": the extension that carries the level.
_TLP_2_EXTENSION: Final = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
# Kinds of marking that say nothing about who may read: a text (STIX 2.1, section 7.2.1.3) and the
# Permissible Actions Protocol, which limits what a reader does. Any other kind is not understood, and so RED.
_KINDS_WITHOUT_LEVEL: Final = frozenset({"statement", "pap"})


class LoweringRefused(CodedError):
    """A marking would have become weaker than the object's own; code: ``marking-lowered``."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The level of an object.

    Attributes:
        tlp: the level.
        is_own: whether the object itself says so; otherwise the importer's level filled the gap.
        findings: warnings about markings that are not known.
    """

    tlp: Tlp
    is_own: bool
    findings: tuple[Finding, ...] = ()


# Any, here and below: STIX objects are JSON of any shape until they are validated.
class Markings:
    """The marking definitions that are known: those of TLP 1.0 and 2.0, and those a file brings along.

    A file cannot redefine the protocol's own definitions: their identifiers decide, whatever the file says
    of them.
    """

    def __init__(self, definitions: Iterable[Mapping[str, Any]] = ()) -> None:
        self._levels: dict[str, Tlp | None] = {}
        for definition in definitions:
            self.learn(definition)

    def learn(self, definition: Mapping[str, Any]) -> None:
        """Take in a marking definition of the file; of two with one identifier the stricter holds.

        Args:
            definition: a ``marking-definition`` of STIX 2.0 or 2.1; one that is malformed counts as RED.
        """
        identifier = definition.get("id")
        if not isinstance(identifier, str) or from_stix_marking(identifier) is not None:
            return
        self._levels[identifier] = _stricter(self._levels.get(identifier), _level_of_definition(definition))

    def knows(self, identifier: str) -> bool:
        """Tell whether a marking is one of the protocol's or one the file brought."""
        return identifier in self._levels or from_stix_marking(identifier) is not None

    def level(self, identifier: str) -> Tlp | None:
        """Tell which level a marking stands for.

        Returns:
            The level; None for a marking without one (a statement) and for one that is not known.
        """
        known = from_stix_marking(identifier)
        return known if known is not None else self._levels.get(identifier)

    def judge(self, value: Mapping[str, Any], default: Tlp) -> Judgement:
        """Tell the level of an object.

        The strictest of the object's markings holds; a reference to a marking that is not known is RED.
        Where the object has none that carries a level, ``default`` fills the gap, and only the gap: it
        raises nothing and lowers nothing. A granular marking covers a part of the object, so it can only
        make the whole stricter.

        Args:
            value: the object.
            default: the importer's level.
        """
        references = value.get("object_marking_refs")
        granular = value.get("granular_markings")
        if references is None and granular is None:
            return Judgement(default, is_own=False)
        findings: list[Finding] = []
        whole = self._strictest(_texts(references), ("object_marking_refs",), findings)
        parts = self._strictest(_granular_references(granular), ("granular_markings",), findings)
        tlp = default if whole is None else whole
        return Judgement(
            tlp if parts is None else max(tlp, parts),
            is_own=whole is not None,
            findings=tuple(findings),
        )

    def _strictest(
        self, references: Iterable[str], path: tuple[str, ...], findings: list[Finding]
    ) -> Tlp | None:
        strictest: Tlp | None = None
        for position, reference in enumerate(references):
            level = self.level(reference)
            if level is None and not self.knows(reference):
                level = Tlp.RED
                params = {"marking": shown(reference)}
                findings.append(Finding("warning", "unknown-marking", (*path, position), params))
            strictest = _stricter(strictest, level)
        return strictest


def with_tlp(value: Mapping[str, Any], tlp: Tlp) -> dict[str, Any]:
    """Copy an object under a level: the marking of TLP 2.0 stands in place of its own that are not stricter.

    Only references to the protocol's own definitions are judged and replaced; all others (statements, for
    example) stay where they are. What level an object with others is under is :meth:`Markings.judge`'s to
    say, and the caller's to keep.

    Args:
        value: the object; not changed.
        tlp: the level it is to carry.

    Returns:
        A new dictionary; the properties keep their order.

    Raises:
        LoweringRefused: when the object, or a part of it, is already under a stricter level.
    """
    references = list(_texts(value.get("object_marking_refs")))
    for reference in (*references, *_granular_references(value.get("granular_markings"))):
        own = from_stix_marking(reference)
        if own is not None and own > tlp:
            identifier = shown(value.get("id", ""))
            message = (
                f"{identifier} is {own.label} and cannot become {tlp.label}; a marking is never lowered."
            )
            raise LoweringRefused("marking-lowered", message)
    replaced = [stix_marking_id(tlp) if from_stix_marking(each) is not None else each for each in references]
    if stix_marking_id(tlp) not in replaced:
        replaced.append(stix_marking_id(tlp))
    return {**value, "object_marking_refs": list(dict.fromkeys(replaced))}


def _stricter(one: Tlp | None, other: Tlp | None) -> Tlp | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _level_of_definition(definition: Mapping[str, Any]) -> Tlp | None:
    extensions = definition.get("extensions")
    if isinstance(extensions, Mapping) and _TLP_2_EXTENSION in extensions:
        extension = extensions[_TLP_2_EXTENSION]
        return _parsed(extension.get("tlp_2_0") if isinstance(extension, Mapping) else None)
    kind = definition.get("definition_type")
    kind = kind.lower() if isinstance(kind, str) else ""
    if kind == "tlp":
        content = definition.get("definition")
        return _parsed(content.get("tlp") if isinstance(content, Mapping) else None)
    return None if kind in _KINDS_WITHOUT_LEVEL else Tlp.RED


def _parsed(level: object) -> Tlp:
    return Tlp.parse_or_red(level) if isinstance(level, str) else Tlp.RED


def _texts(references: object) -> Iterator[str]:
    # What is malformed cannot be resolved, so it comes out as a marking that is not known.
    if references is None:
        return
    for reference in references if isinstance(references, list) else [references]:
        yield reference if isinstance(reference, str) else repr(reference)


def _granular_references(granular: object) -> Iterator[str]:
    if granular is None:
        return
    for marking in granular if isinstance(granular, list) else [granular]:
        reference = marking.get("marking_ref", "") if isinstance(marking, dict) else repr(marking)
        if reference == "" and isinstance(marking, dict) and "lang" in marking:
            continue  # STIX 2.1, section 7.2.3: such an entry names a language, not a marking
        yield reference if isinstance(reference, str) else repr(reference)
