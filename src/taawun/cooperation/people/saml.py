"""Signing in by a SAML 2.0 identity provider: what is asked of it, and what its word is held to.

The Web Browser SSO profile, begun here: an AuthnRequest by redirect, the answer by POST. Sources: SAML 2.0 Core,
sections 2 and 3; Bindings, sections 3.4 and 3.5; Profiles, section 4.1; the OWASP cheat sheet on SAML. Nothing is
called: the administrator gives the provider's certificates, and what is read is only what a signature by one of them
covers.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from lxml import etree

from taawun.cooperation.people.oidc import Claims
from taawun.cooperation.people.saml_bounds import SamlRefused, check_markup, check_signature
from taawun.foundation.clock import SKEW, TimestampRefused, now, parse_timestamp, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

__all__ = [
    "Answer",
    "Idp",
    "SamlRefused",
    "Service",
    "begin",
    "certificates_in",
    "finish",
    "metadata",
    "request_id",
]

_PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
_ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
_METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
_SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_EMAIL_FORMAT: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
# what providers call these attributes: by their OID (eduPerson, X.500), by Microsoft's names, and plainly
_EMAIL: Final = (
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "mail",
    "email",
)
_NAME: Final = (
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "displayName",
    "name",
)
# who it is, where the NameID is made anew each time (SAML 2.0 Subject Identifier Attributes Profile, 3.3 and 3.4)
_LASTING: Final = (
    "urn:oasis:names:tc:SAML:attribute:pairwise-id",
    "urn:oasis:names:tc:SAML:attribute:subject-id",
)
_FINER: Final = re.compile(r"(\.\d{6})\d+Z$")
LONGEST_ANSWER: Final = 256 * 1024
_MOST_CERTIFICATES: Final = 4
_MOST_GROUPS: Final = 500
_LONGEST_SUBJECT: Final = 255


@dataclass(frozen=True, slots=True)
class Service:
    """What this node is at a provider.

    Args:
        entity: its entity id, which is the address of its metadata; another for each provider.
        consumer: where the provider posts its answers to.
    """

    entity: str
    consumer: str


@dataclass(frozen=True, slots=True)
class Idp:
    """A provider.

    Args:
        entity: its entity id.
        sign_in: its address for AuthnRequests by redirect.
        certificates: PEM; its answers are signed with the key of one of these.
        groups_attribute: the attribute in which it lists groups; empty for none.
    """

    entity: str
    sign_in: str
    certificates: str
    groups_attribute: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a signed assertion says.

    Args:
        claims: of whoever signed in.
        request: id of the AuthnRequest that it answers.
        assertion: its own id.
        until: from when on it is over.
    """

    claims: Claims
    request: str
    assertion: str
    until: datetime


# ---- asking -----------------------------------------------------------------------------------------------------
def request_id() -> str:
    """An id for an AuthnRequest, which nobody guesses."""
    return f"_{secrets.token_hex(20)}"


def begin(idp: Idp, service: Service, request: str, state: str) -> str:
    """Where to send the browser (Bindings, section 3.4).

    Args:
        idp: the provider.
        service: what this node is there.
        request: id of the request, which its answer names.
        state: comes back as ``RelayState``.
    """
    root = etree.Element(
        f"{{{_PROTOCOL}}}AuthnRequest",
        nsmap={"samlp": _PROTOCOL, "saml": _ASSERTION},
        ID=request,
        Version="2.0",
        IssueInstant=timestamp(now()),
        Destination=idp.sign_in,
        AssertionConsumerServiceURL=service.consumer,
        ProtocolBinding=_POST,
    )
    etree.SubElement(root, f"{{{_ASSERTION}}}Issuer").text = service.entity
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(etree.tostring(root)) + packer.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(packed).decode(), "RelayState": state})
    return f"{idp.sign_in}{'&' if urlsplit(idp.sign_in).query else '?'}{query}"


def metadata(service: Service) -> bytes:
    """What this node tells a provider of itself (Metadata, section 2.4.4), as XML."""
    root = etree.Element(f"{{{_METADATA}}}EntityDescriptor", nsmap={None: _METADATA}, entityID=service.entity)
    about = etree.SubElement(
        root,
        f"{{{_METADATA}}}SPSSODescriptor",
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=_PROTOCOL,
    )
    for each in (_EMAIL_FORMAT, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"):
        etree.SubElement(about, f"{{{_METADATA}}}NameIDFormat").text = each
    etree.SubElement(
        about,
        f"{{{_METADATA}}}AssertionConsumerService",
        Binding=_POST,
        Location=service.consumer,
        index="0",
        isDefault="true",
    )
    told: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return told


def certificates_in(text: str) -> list[x509.Certificate]:
    """The certificates in a PEM text, of which a provider that changes its key has two.

    Raises:
        ValueError: there are none, more than four, or one cannot be read.
    """
    found = x509.load_pem_x509_certificates(text.encode())
    if not 0 < len(found) <= _MOST_CERTIFICATES:
        raise ValueError("one to four certificates")
    return found


# ---- the answer -------------------------------------------------------------------------------------------------
def finish(idp: Idp, service: Service, posted: str) -> Answer:
    """Who signed in, by the answer that a provider had the browser post.

    Whether it answers a request of this browser, and was not taken before, the caller asks: by ``request`` and
    ``assertion`` of what is returned.

    Args:
        idp: the provider.
        service: what this node is there.
        posted: ``SAMLResponse``, as it was posted.

    Raises:
        SamlRefused: with what does not hold.
    """
    response = _parsed(posted)
    _check_response(response, idp, service)
    assertion = _signed(response, idp)
    # from here on nothing is read but what the signature covers
    _check_assertion(assertion, idp, service)
    request, until = _confirmed(assertion, service)
    return Answer(_claims(assertion, idp), request, assertion.get("ID", ""), until)


def _parsed(posted: str) -> etree._Element:
    """The root of the answer. A document type is refused: it is where entities, bombs and files of ours come in."""
    if len(posted) > LONGEST_ANSWER:
        raise SamlRefused("too-large", "The answer is larger than an answer is.")
    try:
        text = base64.b64decode("".join(posted.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SamlRefused("malformed", "The answer is not in base64.") from None
    check_markup(text)
    parser = etree.XMLParser(
        # as it was looked at just now, whatever it says of itself
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise SamlRefused("malformed", "The answer is no XML.") from None
    about = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None:
        raise SamlRefused("document-type", "The answer declares a document type.")
    return root


def _check_response(response: etree._Element, idp: Idp, service: Service) -> None:
    """What can be told without the signature; none of it is believed by itself (Core, section 3.2.2)."""
    if response.tag != f"{{{_PROTOCOL}}}Response" or response.get("Version") != "2.0":
        raise SamlRefused("malformed", "The answer is no response of SAML 2.0.")
    if response.get("Destination", service.consumer) != service.consumer:
        raise SamlRefused("destination", "The answer is meant for another address.")
    issuer = response.find(f"{{{_ASSERTION}}}Issuer")
    if issuer is not None and _text(issuer) != idp.entity:
        raise SamlRefused("issuer", "The answer is another provider's.")
    code = response.find(f"{{{_PROTOCOL}}}Status/{{{_PROTOCOL}}}StatusCode")
    if code is None or code.get("Value") != _SUCCESS:
        told = "" if code is None else code.get("Value", "")[:120]
        raise SamlRefused("provider-refused", f"The provider says {told!a}.")
    if response.find(f"{{{_ASSERTION}}}EncryptedAssertion") is not None:
        raise SamlRefused("encrypted", "The assertion is encrypted, which is not read here.")


def _signed(response: etree._Element, idp: Idp) -> etree._Element:
    """The one assertion of the answer, as its own signature covers it: what stands around or beside it is not read.

    A signature over the response alone would not do: the assertion is what is believed.
    """
    assertions = response.findall(f".//{{{_ASSERTION}}}Assertion")
    if len(assertions) != 1 or assertions[0].getparent() is not response:
        raise SamlRefused("one-assertion", "The answer does not hold exactly one assertion in its place.")
    signatures = assertions[0].findall(f"{{{_SIGNATURE}}}Signature")
    if not signatures:
        raise SamlRefused("not-signed", "The assertion is not signed.")
    if len(signatures) > 1:
        raise SamlRefused("signature-form", "The assertion has more than one signature.")
    # before it is checked: to check it is to canonicalise what it names, in the way that it names
    check_signature(signatures[0])
    alone = etree.tostring(assertions[0], with_tail=False)
    # imported late: it takes 8 MB and an eighth of a second, which only who signs in by SAML needs
    from taawun.cooperation.people.assertions import verified  # noqa: PLC0415 - see above

    for certificate in certificates_in(idp.certificates):
        found = verified(alone, certificate)
        if found is not None:
            return found
    raise SamlRefused("bad-signature", "The assertion verifies with none of the provider's certificates.")


def _check_assertion(assertion: etree._Element, idp: Idp, service: Service) -> None:
    """Core, sections 2.3.3 and 2.5.1."""
    if _text(assertion.find(f"{{{_ASSERTION}}}Issuer")) != idp.entity:
        raise SamlRefused("issuer", "The assertion is another provider's.")
    conditions = assertion.find(f"{{{_ASSERTION}}}Conditions")
    if conditions is None:
        raise SamlRefused("audience", "The assertion does not say for whom it is.")
    _check_times(conditions)
    restrictions = conditions.findall(f"{{{_ASSERTION}}}AudienceRestriction")
    audiences = [
        {_text(each) for each in restriction.findall(f"{{{_ASSERTION}}}Audience")}
        for restriction in restrictions
    ]
    # each restriction has to name this node
    if not audiences or not all(service.entity in each for each in audiences):
        raise SamlRefused("audience", "The assertion is meant for another.")
    if assertion.find(f"{{{_ASSERTION}}}AuthnStatement") is None:
        raise SamlRefused("no-sign-in", "The assertion does not say that anybody signed in.")


def _confirmed(assertion: etree._Element, service: Service) -> tuple[str, datetime]:
    """Which request a bearer may answer with it, and until when (Profiles, section 4.1.4.2)."""
    path = f"{{{_ASSERTION}}}Subject/{{{_ASSERTION}}}SubjectConfirmation"
    for confirmation in assertion.findall(path):
        data = confirmation.find(f"{{{_ASSERTION}}}SubjectConfirmationData")
        if confirmation.get("Method") != _BEARER or data is None or data.get("NotBefore"):
            continue
        if data.get("Recipient") != service.consumer:
            raise SamlRefused("recipient", "The assertion is meant for another address.")
        if not data.get("InResponseTo"):
            raise SamlRefused("unasked", "The assertion answers nothing that was asked.")
        if not data.get("NotOnOrAfter"):
            raise SamlRefused("expired", "The assertion does not say until when it is good.")
        _check_times(data)
        return data.get("InResponseTo", ""), _instant(data.get("NotOnOrAfter", ""))
    raise SamlRefused("confirmation", "The assertion is not for who brings it.")


def _check_times(element: etree._Element) -> None:
    begins, ends = element.get("NotBefore"), element.get("NotOnOrAfter")
    if begins and _instant(begins) > now() + SKEW:
        raise SamlRefused("not-yet-valid", "The assertion is of the future.")
    if ends and _instant(ends) <= now() - SKEW:
        raise SamlRefused("expired", "The assertion has expired.")


def _instant(text: str) -> datetime:
    try:
        # some write ten-millionths of a second
        return parse_timestamp(_FINER.sub(r"\1Z", text))
    except TimestampRefused:
        raise SamlRefused("malformed", f"{text[:40]!a} is no instant.") from None


def _claims(assertion: etree._Element, idp: Idp) -> Claims:
    told = dict(_attributes(assertion))
    name_id = assertion.find(f"{{{_ASSERTION}}}Subject/{{{_ASSERTION}}}NameID")
    subject = _text(name_id)
    if name_id is None or name_id.get("Format") == _TRANSIENT:
        # made anew each time: it says nothing of who it is. What does is compared without case, and is no NameID
        lasting = (
            f"{each.rpartition(':')[2]}:{told[each][0].lower()}" for each in _LASTING if told.get(each)
        )
        subject = next(lasting, "")
    if not 0 < len(subject) <= _LONGEST_SUBJECT:
        raise SamlRefused("subject", "The assertion names nobody in a way that lasts.")
    by_name = subject if name_id is not None and name_id.get("Format") == _EMAIL_FORMAT else ""
    email = next((told[each][0] for each in _EMAIL if told.get(each)), by_name)
    name = next((told[each][0] for each in _NAME if told.get(each)), "")
    groups = told.get(idp.groups_attribute, []) if idp.groups_attribute else []
    return Claims(
        subject=subject,
        email=email if len(email) <= 254 else "",  # noqa: PLR2004 - RFC 5321
        name=" ".join(name.split())[:200] if name.isprintable() else "",
        groups=frozenset(groups[:_MOST_GROUPS]),
    )


def _attributes(assertion: etree._Element) -> Iterator[tuple[str, Sequence[str]]]:
    path = f"{{{_ASSERTION}}}AttributeStatement/{{{_ASSERTION}}}Attribute"
    for attribute in assertion.findall(path):
        values = [_text(each) for each in attribute.findall(f"{{{_ASSERTION}}}AttributeValue")]
        yield attribute.get("Name", ""), [each for each in values if each]


def _text(element: etree._Element | None) -> str:
    """All of an element's text: a comment in it ends nothing, though a parser would have it so."""
    return "" if element is None else "".join(str(each) for each in element.itertext()).strip()
