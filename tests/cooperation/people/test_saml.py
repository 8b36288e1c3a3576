"""Signing in by an organisation's own SAML 2.0 provider: one that signs as a real one does, and may be told to lie."""

from __future__ import annotations

import base64
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from django.test import Client
from django.urls import reverse
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner

from taawun.cooperation.people import actions
from taawun.cooperation.people.actions import ProviderFields
from taawun.cooperation.people.errors import ProviderRefused
from taawun.cooperation.people.models import Identity, IdentityProvider, Membership, Organisation, Person
from taawun.foundation.clock import frozen, now
from taawun.platform.audit.models import Entry
from tests.cast import SYSTEM, Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

ENTITY = "https://idp.cert.example/metadata"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"


def certificate_of(key: Any, days: int = 365) -> str:
    """A certificate that a provider made for its own key, as they do."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp")])
    at = datetime.now(tz=UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(at - timedelta(days=1000)).not_valid_after(at + timedelta(days=days))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


KEY, OTHER = rsa.generate_private_key(65537, 2048), rsa.generate_private_key(65537, 2048)
CERTIFICATE, OTHERS = certificate_of(KEY), certificate_of(OTHER)


def instant(seconds: float) -> str:
    """So many seconds from now."""
    return (datetime.now(tz=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@dataclass
class Idp:
    """A provider: its answers, and what it says otherwise than it should."""

    issuer: str = ENTITY
    subject: str = "user-1"
    format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    audience: str = ""
    recipient: str = ""
    request: str | None = None
    begins: float = -5
    ends: float = 300
    status: str = "urn:oasis:names:tc:SAML:2.0:status:Success"
    attributes: dict[str, list[str]] = field(
        default_factory=lambda: {"mail": ["new@cert.example"], "displayName": ["Nadia"]}
    )
    key: Any = KEY
    method: SignatureMethod = SignatureMethod.RSA_SHA256
    digest: DigestAlgorithm = DigestAlgorithm.SHA256
    sign: bool = True
    change: Callable[[str], str] = field(default=lambda assertion: assertion)
    wrap: Callable[[str, str], str] | None = None

    def answer(self, address: str) -> tuple[str, dict[str, str]]:
        """Where the browser posts what, once its person has signed in there."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        asked = etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"]), -15))
        consumer, request = asked.get("AssertionConsumerServiceURL"), asked.get("ID")
        assert asked.get("Destination") == "https://idp.cert.example/sso"
        audience = self.audience or asked.findtext(f"{{{SAML}}}Issuer")
        attributes = "".join(
            f'<saml:Attribute Name="{name}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, values in self.attributes.items()
        )
        request = request if self.request is None else self.request
        assertion = (
            f'<saml:Assertion xmlns:saml="{SAML}" ID="_{uuid4().hex}" Version="2.0" IssueInstant="{instant(0)}">'
            f"<saml:Issuer>{self.issuer}</saml:Issuer>"
            f'<saml:Subject><saml:NameID Format="{self.format}">{self.subject}</saml:NameID>'
            f'<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">'
            f'<saml:SubjectConfirmationData InResponseTo="{request}" Recipient="{self.recipient or consumer}" '
            f'NotOnOrAfter="{instant(self.ends)}"/></saml:SubjectConfirmation></saml:Subject>'
            f'<saml:Conditions NotBefore="{instant(self.begins)}" NotOnOrAfter="{instant(self.ends)}">'
            f"<saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>"
            f'</saml:Conditions><saml:AuthnStatement AuthnInstant="{instant(0)}"/>'
            f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement></saml:Assertion>"
        )
        assertion = self.change(assertion)
        signed = self.signed(assertion) if self.sign else assertion
        body = self.wrap(signed, assertion) if self.wrap else signed
        response = (
            f'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_{uuid4().hex}" Version="2.0" '
            f'Destination="{consumer}" InResponseTo="{request}" IssueInstant="{instant(0)}">'
            f'<samlp:Status><samlp:StatusCode Value="{self.status}"/></samlp:Status>{body}</samlp:Response>'
        )
        return str(consumer), {
            "SAMLResponse": base64.b64encode(response.encode()).decode(),
            "RelayState": query["RelayState"],
        }

    def signed(self, assertion: str) -> str:
        """The assertion with a signature of its own, after its issuer."""
        placed = assertion.replace(
            "</saml:Issuer>",
            '</saml:Issuer><ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>',
            1,
        )
        root = etree.fromstring(placed)
        signer = XMLSigner(
            signature_algorithm=self.method,
            digest_algorithm=self.digest,
            c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#",
        )
        made = signer.sign(root, key=self.key, reference_uri=f"#{root.get('ID')}", id_attribute="ID")
        return str(etree.tostring(made, encoding="unicode"))


def given(**changes: Any) -> ProviderFields:
    """What an administrator says of the provider."""
    fields: dict[str, Any] = {
        "name": "Our provider",
        "protocol": "saml",
        "issuer": ENTITY,
        "sign_in_url": "https://idp.cert.example/sso",
        "certificates": CERTIFICATE,
        "domains": ("cert.example",),
    }
    return ProviderFields(**fields | changes)


def host() -> Organisation:
    return Organisation.objects.get(is_host=True)


@pytest.fixture
def kept(cast: Cast) -> IdentityProvider:
    return actions.add_provider(cast.administrator.actor, host(), given())


def go(browser: Client, kept: IdentityProvider, following: str = "") -> str:
    answer = browser.get(reverse("provider-go", args=[kept.id]), {"next": following} if following else {})
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def post(browser: Client, where: str, form: dict[str, str]) -> Any:  # an answer of the test client
    """The browser posts what the provider's page holds: without a cookie of this node, as from another site."""
    elsewhere = Client(enforce_csrf_checks=True)
    answer = elsewhere.post(urlsplit(where).path, form)
    return browser.get(answer["Location"]) if answer.status_code == 303 else answer


def sign_in(browser: Client, idp: Idp, kept: IdentityProvider) -> Any:  # an answer of the test client
    return post(browser, *idp.answer(go(browser, kept)))


def is_in(browser: Client) -> bool:
    return browser.get(reverse("profile")).status_code == 200


def refusals() -> list[str]:
    found = Entry.objects.filter(verb="people.sign-in-refused").order_by("id")
    return [each.details["code"] for each in found]


def invite(email: str = "new@cert.example") -> None:
    actions.invite(SYSTEM, email=email, organisation=host(), roles=["analyst"])


# ---- who comes in ----------------------------------------------------------------------------------------------
def test_who_was_invited_comes_in_with_the_roles_of_the_invitation(kept: IdentityProvider) -> None:
    invite()
    browser = Client()
    answer = post(browser, *Idp().answer(go(browser, kept, "/en/people/")))
    assert (answer.status_code, answer["Location"]) == (302, "/en/people/")
    assert is_in(browser)
    made = Person.objects.get(email="new@cert.example")
    assert (made.name, made.has_usable_password()) == ("Nadia", False)
    assert list(Membership.objects.filter(person=made).values_list("role", flat=True)) == ["analyst"]
    assert Entry.objects.filter(verb="people.signed-in").latest("id").details == {"by": ["saml"]}
    # afterwards they are known by their lasting name there, whatever their address has become
    again = Client()
    assert sign_in(again, Idp(attributes={"mail": ["other@elsewhere.example"]}), kept).status_code == 302
    assert is_in(again)
    assert Identity.objects.get().person == made


def test_a_group_gives_the_roles_that_the_administrator_named(cast: Cast, kept: IdentityProvider) -> None:
    groups = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
    fields = given(groups_claim=groups, roles_by_group={"soc": ("analyst",)})
    actions.change_provider(SYSTEM, kept, fields)
    told = {"urn:oid:0.9.2342.19200300.100.1.3": ["new@cert.example"], groups: ["all", "soc"]}
    assert sign_in(browser := Client(), Idp(attributes=told), kept).status_code == 302
    assert is_in(browser)
    assert list(
        Membership.objects.filter(person__email="new@cert.example").values_list("role", flat=True)
    ) == ["analyst"]


def test_an_address_that_a_database_writes_alike_in_capitals_is_another(kept: IdentityProvider) -> None:
    invite("nidal@cert.example")
    # a dotless i: its capital is the same as that of an i
    told = {"mail": ["nıdal@cert.example"]}
    assert sign_in(browser := Client(), Idp(attributes=told), kept).status_code == 403
    assert (is_in(browser), refusals()) == (False, ["not-invited"])
    assert sign_in(browser, Idp(attributes={"mail": ["Nidal@Cert.example"]}), kept).status_code == 302
    assert is_in(browser)


def test_an_address_counts_only_in_a_domain_for_which_the_provider_is_trusted(kept: IdentityProvider) -> None:
    invite()
    told = {"mail": ["admin@elsewhere.example"]}
    assert sign_in(browser := Client(), Idp(attributes=told), kept).status_code == 403
    assert (is_in(browser), refusals()) == (False, ["not-trusted-for-address"])


@pytest.mark.parametrize(
    ("key", "method"),
    [
        (KEY, SignatureMethod.SHA256_RSA_MGF1),
        (ec.generate_private_key(ec.SECP256R1()), SignatureMethod.ECDSA_SHA256),
    ],
)
def test_other_keys_and_a_certificate_that_is_over_are_good_where_the_administrator_named_them(
    kept: IdentityProvider, key: Any, method: SignatureMethod
) -> None:
    invite()
    # of two certificates, as when a provider changes its key; one of them lapsed long ago
    actions.change_provider(SYSTEM, kept, given(certificates=OTHERS + certificate_of(key, days=-10)))
    assert sign_in(browser := Client(), Idp(key=key, method=method), kept).status_code == 302
    assert is_in(browser)


# ---- what is not believed --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"issuer": "https://evil.example"}, "issuer"),
        ({"audience": "https://another.example"}, "audience"),
        ({"recipient": "https://another.example/acs"}, "recipient"),
        ({"request": "_another"}, "unasked"),
        ({"request": ""}, "unasked"),
        ({"ends": -120}, "expired"),
        ({"begins": 600}, "not-yet-valid"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Requester"}, "provider-refused"),
        ({"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "subject"),
        ({"subject": ""}, "subject"),
        ({"key": OTHER}, "bad-signature"),
        ({"sign": False}, "not-signed"),
        ({"change": lambda a: a.replace("cm:bearer", "cm:sender-vouches")}, "confirmation"),
        ({"change": lambda a: re.sub("<saml:AuthnStatement[^>]*/>", "", a)}, "no-sign-in"),
        (
            {"change": lambda a: re.sub("<saml:AudienceRestriction>.*</saml:AudienceRestriction>", "", a)},
            "audience",
        ),
        ({"change": lambda a: a.replace('"2.0" Issue', '"2.0" x="&#8238;" Issue')}, ""),
    ],
)
def test_an_answer_that_is_not_the_answer_to_this_question_lets_nobody_in(
    kept: IdentityProvider, changes: dict[str, Any], code: str
) -> None:
    invite()
    browser = Client()
    answer = sign_in(browser, Idp(**changes), kept)
    assert refusals() == ([code] if code else [])
    assert answer.status_code == (400 if code else 302)
    assert is_in(browser) is not bool(code)


def _altered(signed: str, _plain: str) -> str:
    return signed.replace("user-1", "user-2")


def _beside(signed: str, plain: str) -> str:
    """Another assertion before the one that is signed."""
    return plain.replace("user-1", "admin") + signed


def _around(signed: str, plain: str) -> str:
    """The signed one inside another, which stands where the answer's does (XML signature wrapping)."""
    evil = re.sub('ID="[^"]*"', 'ID="_evil"', plain.replace("user-1", "admin"), count=1)
    return evil.replace(
        "<saml:AttributeStatement>", f"<saml:Advice>{signed}</saml:Advice><saml:AttributeStatement>"
    )


def _moved(signed: str, plain: str) -> str:
    """The signature of one assertion in another, with the signed one in an object of it."""
    found = re.search("<ds:Signature.*</ds:Signature>", signed, re.DOTALL)
    assert found
    inside = found[0].replace("</ds:Signature>", f"<ds:Object>{signed}</ds:Object></ds:Signature>")
    evil = re.sub('ID="[^"]*"', 'ID="_evil"', plain.replace("user-1", "admin"), count=1)
    return evil.replace("</saml:Issuer>", f"</saml:Issuer>{inside}", 1)


def _same_id(signed: str, plain: str) -> str:
    """The same with the identifier of the signed one, so that it is ambiguous."""
    found = re.search("<ds:Signature.*</ds:Signature>", signed, re.DOTALL)
    assert found
    inside = found[0].replace("</ds:Signature>", f"<ds:Object>{signed}</ds:Object></ds:Signature>")
    return plain.replace("user-1", "admin").replace("</saml:Issuer>", f"</saml:Issuer>{inside}", 1)


@pytest.mark.parametrize(
    ("wrap", "code"),
    [
        (_altered, "bad-signature"),
        (_beside, "one-assertion"),
        (_around, "one-assertion"),
        (_moved, "one-assertion"),
        (_same_id, "one-assertion"),
        (lambda signed, _plain: f"<x>{signed}</x>", "one-assertion"),
        (lambda _signed, _plain: "", "one-assertion"),
        (lambda _signed, _plain: f'<saml:EncryptedAssertion xmlns:saml="{SAML}"/>', "encrypted"),
    ],
)
def test_what_is_wrapped_around_a_signed_assertion_is_not_believed(
    kept: IdentityProvider, wrap: Callable[[str, str], str], code: str
) -> None:
    invite()
    browser = Client()
    assert sign_in(browser, Idp(wrap=wrap), kept).status_code == 400
    assert (is_in(browser), refusals()) == (False, [code])


def test_a_comment_does_not_cut_a_name_short(kept: IdentityProvider) -> None:
    invite()
    told = {"mail": ["new@cert.example<!---->.evil.example"]}
    assert sign_in(browser := Client(), Idp(attributes=told), kept).status_code == 403
    assert (is_in(browser), refusals()) == (False, ["not-trusted-for-address"])


def test_weak_algorithms_are_not_taken(kept: IdentityProvider) -> None:
    def weakened(signed: str, _plain: str) -> str:
        return signed.replace(SignatureMethod.RSA_SHA256.value, "http://www.w3.org/2000/09/xmldsig#rsa-sha1")

    assert sign_in(Client(), Idp(wrap=weakened), kept).status_code == 400
    assert refusals() == ["bad-signature"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>', "document-type"),
        (b'<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>', "document-type"),
        (b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r/>', "document-type"),
        (b"<r/>", "malformed"),
        (b"<r", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b"", "malformed"),
        (b"<a>" * 1000, "too-involved"),
        (b"<r>" + b" " * 300_000 + b"</r>", "too-large"),
    ],
)
def test_what_is_no_answer_is_refused_and_fetches_nothing(
    kept: IdentityProvider, text: bytes, code: str
) -> None:
    form = {"SAMLResponse": base64.b64encode(text).decode(), "RelayState": "x"}
    assert post(Client(), reverse("provider-answer", args=[kept.id]), form).status_code == 400
    assert refusals() == [code]


# ---- what is refused before it costs anything --------------------------------------------------------------------
_INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"


def _namespaces(count: int) -> str:
    return "".join(f' xmlns:n{number}="urn:{number}"' for number in range(count))


def _attributes(count: int) -> str:
    return "".join(f' a{number}="1"' for number in range(count))


def _in_info(signed: str, references: int) -> str:
    """So many references in what the signature is over."""
    found = re.search("<ds:Reference.*</ds:Reference>", signed, re.DOTALL)
    assert found
    return signed.replace(found[0], found[0] * references)


def _costly(signed: str, _plain: str) -> str:
    """What takes minutes where it is canonicalised as it asks for."""
    wide = signed.replace("<saml:Assertion", f"<saml:Assertion{_namespaces(2_000)}", 1)
    return _in_info(wide.replace(_EXCLUSIVE, _INCLUSIVE), 300)


@pytest.mark.parametrize(
    ("wrap", "code"),
    [
        (_costly, "too-involved"),
        (lambda s, _: s.replace("<saml:Assertion", f"<saml:Assertion{_namespaces(40)}", 1), "too-involved"),
        (lambda s, _: s.replace("<saml:Subject>", f"<saml:Subject{_attributes(10_000)}>"), "too-involved"),
        (lambda s, _: s + "<a>" * 40 + "</a>" * 40, "too-involved"),
        (lambda s, _: s + "<a/>" * 2_100, "too-involved"),
        (lambda s, _: s + "<!---->" * 2_100, "too-involved"),
        (lambda s, _: _in_info(s, 2), "signature-form"),
        (lambda s, _: s.replace("</ds:SignedInfo>", "<ds:Object/></ds:SignedInfo>"), "signature-form"),
        (lambda s, _: s.replace("</ds:Signature>", "<ds:Object/></ds:Signature>"), "signature-form"),
        (
            lambda s, _: re.sub("(<ds:Signature .*</ds:Signature>)", r"\1\1", s, flags=re.DOTALL),
            "signature-form",
        ),
        (lambda s, _: s.replace("</ds:Transforms>", "<ds:Transform/></ds:Transforms>"), "signature-form"),
        (lambda s, _: re.sub("<ds:Transforms>.*</ds:Transforms>", "", s, flags=re.DOTALL), "signature-form"),
        (lambda s, _: s.replace(_EXCLUSIVE, _INCLUSIVE), "signature-form"),
        (lambda s, _: s.replace(_EXCLUSIVE, _XSLT), "signature-form"),
    ],
)
def test_what_would_be_costly_to_check_is_refused_before_a_signature_is_looked_at(
    kept: IdentityProvider, monkeypatch: pytest.MonkeyPatch, wrap: Callable[[str, str], str], code: str
) -> None:
    def looked_at(*_of: object, **_with: object) -> None:
        pytest.fail("canonicalised")

    monkeypatch.setattr("taawun.cooperation.people.assertions.verified", looked_at)
    where, form = Idp(wrap=wrap).answer(go(Client(), kept))
    begun = time.process_time()
    assert post(Client(), where, form).status_code == 400
    assert time.process_time() - begun < 0.5
    assert refusals() == [code]


def test_the_costliest_answer_that_is_looked_at_takes_a_moment(kept: IdentityProvider) -> None:
    """As large and wide as may be, and held to four certificates, of which none fits what is there."""
    prefixes = " ".join(f"n{number}" for number in range(16))
    listed = f'<ec:InclusiveNamespaces xmlns:ec="{_EXCLUSIVE}" PrefixList="{prefixes}"/>'
    filled = "<saml:Advice>" + f"<b{_attributes(20)}/>" * 1_000 + "</saml:Advice>"

    def wide(signed: str, _plain: str) -> str:
        full = signed.replace("<saml:Assertion", f"<saml:Assertion{_namespaces(25)}", 1)
        full = full.replace("<saml:AttributeStatement>", f"{filled}<saml:AttributeStatement>")
        return re.sub(
            f'<ds:Transform Algorithm="{re.escape(_EXCLUSIVE)}"/>',
            f'<ds:Transform Algorithm="{_EXCLUSIVE}">{listed}</ds:Transform>',
            full,
        )

    actions.change_provider(SYSTEM, kept, given(certificates=OTHERS * 3 + CERTIFICATE))
    where, form = Idp(wrap=wide).answer(go(Client(), kept))
    assert 150_000 < len(form["SAMLResponse"]) < 256 * 1024
    begun = time.process_time()
    assert post(Client(), where, form).status_code == 400
    took = time.process_time() - begun
    assert took < 1
    assert refusals() == ["bad-signature"]


def test_somebody_in_a_thousand_groups_comes_in(kept: IdentityProvider) -> None:
    invite()
    told = {"mail": ["new@cert.example"], "groups": [f"group-{number}" for number in range(1_000)]}
    assert sign_in(browser := Client(), Idp(attributes=told), kept).status_code == 302
    assert is_in(browser)


def test_a_network_that_posts_too_often_is_answered_before_anything_is_read(kept: IdentityProvider) -> None:
    where = reverse("provider-answer", args=[kept.id])
    # on a slow machine one more would be allowed meanwhile
    with frozen(now()):
        answers = [Client().post(where, {"SAMLResponse": "x"}).status_code for _ in range(62)]
    assert (answers[0], answers[-1]) == (400, 429)


def test_an_answer_is_taken_once_and_only_by_the_browser_that_asked(kept: IdentityProvider) -> None:
    invite()
    browser = Client()
    where, form = Idp().answer(go(browser, kept))
    # somebody else's browser is led on with it (login CSRF)
    assert post(Client(), where, form).status_code == 400
    # the same again
    assert post(browser, where, form).status_code == 400
    assert refusals() == ["replayed"]
    assert not is_in(browser)
    # a ticket is good once, and none opens anything by itself
    where, form = Idp().answer(go(browser, kept))
    led = Client().post(urlsplit(where).path, form)["Location"]
    assert browser.get(led).status_code == 302
    browser.post(reverse("account_logout"))
    assert browser.get(led).status_code == 400
    state = parse_qs(urlsplit(go(browser, kept)).query)["RelayState"][0]
    ticket = parse_qs(urlsplit(led).query)["ticket"][0]
    back = reverse("provider-back", args=[kept.id])
    assert browser.get(back, {"state": state, "ticket": ticket}).status_code == 400


def test_an_answer_to_one_attempt_is_not_taken_for_another(kept: IdentityProvider) -> None:
    invite()
    victim, thief = Client(), Client()
    _where, theirs = Idp(subject="thief").answer(go(thief, kept))
    asked = parse_qs(urlsplit(go(victim, kept)).query)["RelayState"][0]
    # the thief's own assertion under the victim's state
    answer = post(victim, reverse("provider-answer", args=[kept.id]), theirs | {"RelayState": asked})
    assert (answer.status_code, refusals()) == (400, ["unasked"])
    assert not is_in(victim)


# ---- keeping them ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"issuer": "idp"}, "issuer"),
        ({"issuer": "https://[x"}, "issuer"),
        ({"sign_in_url": ""}, "sign_in_url"),
        ({"sign_in_url": "javascript:alert(1)"}, "sign_in_url"),
        ({"certificates": ""}, "certificates"),
        ({"certificates": "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"}, "certificates"),
        ({"certificates": CERTIFICATE * 5}, "certificates"),
        ({"name": " "}, "name"),
        ({"protocol": "ldap"}, "protocol"),
    ],
)
def test_a_provider_that_cannot_be_is_refused_with_its_place(
    cast: Cast, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ProviderRefused) as why:
        actions.add_provider(SYSTEM, host(), given(**changes))
    assert why.value.field == field


def test_pages_and_interface_keep_providers_and_tell_the_metadata(cast: Cast) -> None:
    browser = cast.administrator.browser()
    sent = {
        "organisation": str(host().id),
        "name": "Ours",
        "protocol": "saml",
        "issuer": "urn:example:idp",
        "sign_in_url": "https://idp.cert.example/sso?tenant=1",
        "certificates": CERTIFICATE,
        "domains": "cert.example",
        "is_active": "on",
    }
    assert browser.post(reverse("provider-new"), sent).status_code == 302
    kept = IdentityProvider.objects.get()
    page = browser.get(reverse("providers")).content.decode()
    entity = f"/en/account/sign-in/{kept.id}/metadata/"
    assert entity in page
    told = Client().get(entity)
    assert told["Content-Type"] == "application/samlmetadata+xml"
    root = etree.fromstring(told.content)
    assert root.get("entityID", "").endswith(entity)
    assert 'WantAssertionsSigned="true"' in told.content.decode()
    assert "tenant=1&amp;SAMLRequest=" not in go(Client(), kept)
    assert "tenant=1&SAMLRequest=" in go(Client(), kept)
    [shown] = cast.administrator.api.get("/identity-providers").json()["items"]
    assert (shown["protocol"], shown["certificates"]) == ("saml", CERTIFICATE.strip())
    Identity.objects.create(provider=kept, subject="x", person=cast.analyst.row)
    actions.change_provider(SYSTEM, kept, ProviderFields("Ours", "https://id.example", "taawun"))
    assert not Identity.objects.exists()
    assert Client().get(entity).status_code == 404
    assert Client().post(reverse("provider-answer", args=[kept.id])).status_code == 404
