"""How large and how involved a SAML answer may be, looked at before anything that costs more than reading it once.

Anybody may post an answer. To check a signature what it covers is canonicalised first (XML Signature 1.1, section 3.2),
and that takes about elements × namespaces in scope², and attributes² of one element: 100 KB can be written so that it
takes a quarter of a minute. What a provider writes is far below each of these bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.parsers import expat

from taawun.foundation.errors import CodedError

if TYPE_CHECKING:
    from collections.abc import Collection

    from lxml import etree

__all__ = ["SamlRefused", "check_markup", "check_signature"]

# elements, comments and processing instructions; somebody in a thousand groups has some 1,100
MOST_NODES: Final = 2_000
MOST_DEPTH: Final = 32
MOST_ATTRIBUTES: Final = 32
# declarations of prefixes that hold at one place, one for each time that it is declared around it
MOST_NAMESPACES: Final = 32
_MOST_PREFIXES: Final = 16

_NS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
_INCLUSIVE: Final = "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces"
_EXCLUSIVE: Final = frozenset(
    {"http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"}
)
# SAML 2.0 Core, section 5.4.4: no other transform may stand there
_TRANSFORMS: Final = _EXCLUSIVE | {"http://www.w3.org/2000/09/xmldsig#enveloped-signature"}


class SamlRefused(CodedError):
    """The provider's word does not hold."""


def check_markup(text: bytes) -> None:
    """Hold an answer's markup to what an answer is, in one pass over it that knows no namespaces and keeps no tree.

    Args:
        text: XML in UTF-8, which is what it is read as, whatever it says of itself.

    Raises:
        SamlRefused: it is no XML, declares a document type, or is more involved than an answer is.
    """
    parser = expat.ParserCreate("utf-8")
    scan = _Scan()
    parser.StartDoctypeDeclHandler = scan.doctype
    parser.StartElementHandler = scan.begin
    parser.EndElementHandler = scan.end
    parser.CommentHandler = parser.ProcessingInstructionHandler = scan.node
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        raise SamlRefused("malformed", "The answer is no XML.") from None


class _Scan:
    """What was seen so far."""

    def __init__(self) -> None:
        self.nodes = 0
        self.declared: list[int] = []
        self.in_scope = 0

    def doctype(self, *_about: object) -> None:
        raise SamlRefused("document-type", "The answer declares a document type.")

    def node(self, *_about: object) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _too_involved(f"more than {MOST_NODES} elements")

    def begin(self, _name: str, attributes: Collection[str]) -> None:
        self.node()
        declared = sum(each == "xmlns" or each.startswith("xmlns:") for each in attributes)
        self.declared.append(declared)
        self.in_scope += declared
        if len(self.declared) > MOST_DEPTH:
            raise _too_involved(f"elements more than {MOST_DEPTH} deep")
        if len(attributes) > MOST_ATTRIBUTES:
            raise _too_involved(f"more than {MOST_ATTRIBUTES} attributes of one element")
        if self.in_scope > MOST_NAMESPACES:
            raise _too_involved(f"more than {MOST_NAMESPACES} namespaces at one place")

    def end(self, _name: str) -> None:
        self.in_scope -= self.declared.pop()


def check_signature(signature: etree._Element) -> None:
    """Hold a signature to the shape that one of an assertion has (Core, section 5.4): one reference, exclusive C14N.

    Args:
        signature: the ``ds:Signature`` of the assertion.

    Raises:
        SamlRefused: it has another.
    """
    info, value, *_key = _held(signature, "SignedInfo SignatureValue", "SignedInfo SignatureValue KeyInfo")
    method, algorithm, reference = _held(info, "CanonicalizationMethod SignatureMethod Reference")
    *transforms, digest, digest_value = _held(
        reference, "Transforms DigestMethod DigestValue", "DigestMethod DigestValue"
    )
    applied = [each for one in transforms for each in _held(one, "Transform", "Transform Transform")]
    for plain in (value, algorithm, digest, digest_value):
        _held(plain, "")
    _check_algorithm(method, _EXCLUSIVE)
    for each in applied:
        _check_algorithm(each, _TRANSFORMS)
    # without one, what is referred to is canonicalised in the inclusive way
    if not any(each.get("Algorithm") in _EXCLUSIVE for each in applied):
        raise _misshapen("is not over exclusive canonical XML")


def _held(element: etree._Element, *forms: str) -> list[etree._Element]:
    """An element's children, whose names in their order are one of so many forms."""
    children = list(element)
    if [each.tag for each in children] not in [[f"{_NS}{name}" for name in form.split()] for form in forms]:
        raise _misshapen(f"has more, or less, than it needs in {element.tag.removeprefix(_NS)}")
    return children


def _check_algorithm(element: etree._Element, allowed: Collection[str]) -> None:
    if element.get("Algorithm") not in allowed:
        raise _misshapen("names a canonicalisation or a transform that is not taken here")
    for each in element:
        prefixes = each.get("PrefixList", "").split()
        if each.tag != _INCLUSIVE or len(element) > 1 or len(each) or len(prefixes) > _MOST_PREFIXES:
            raise _misshapen("lists more than a few prefixes")


def _too_involved(what: str) -> SamlRefused:
    return SamlRefused("too-involved", f"The answer has {what}, which no answer needs.")


def _misshapen(what: str) -> SamlRefused:
    return SamlRefused("signature-form", f"The signature {what}.")
