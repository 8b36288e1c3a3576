"""Signing in by an organisation's own provider: a real one on the loopback, which may be told to lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from joserfc import jws, jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from pytest_django import Settings

from taawun.cooperation.people import actions, oidc
from taawun.cooperation.people.actions import ProviderFields
from taawun.cooperation.people.errors import NotAllowed, ProviderRefused
from taawun.cooperation.people.models import Identity, IdentityProvider, Membership, Organisation, Person
from taawun.cooperation.people.permissions import Role
from taawun.cooperation.people.queries import actor_of
from taawun.foundation.clock import frozen, now
from taawun.platform.audit.models import Entry
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.notices.models import Notice
from taawun.platform.registry import registry
from tests.cast import SYSTEM, Cast, person
from tests.pages import read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pages")]

KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
SECRET = "a secret: +/%"


@dataclass
class Provider:
    """An OpenID Connect provider, and what it does otherwise than it should."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    keys: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answer_instead: tuple[int, bytes, dict[str, str]] | None = None

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        } | self.metadata

    def agree(self, address: str) -> str:
        """What the browser comes back with, once its person has agreed there."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"code={code}&state={query['state']}"

    def token(self, form: dict[str, str], basic: str) -> dict[str, Any]:
        asked = self.codes.pop(form["code"])  # a code is good once
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        assert form["redirect_uri"] == asked["redirect_uri"]
        assert basic == "Basic " + base64.b64encode(b"taawun:a%20secret%3A%20%2B%2F%25").decode()
        now = int(time.time())
        told = {
            "iss": self.issuer,
            "aud": "taawun",
            "sub": "user-1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": "new@cert.example",
            "email_verified": True,
            "name": "Nadia",
        } | self.claims
        sign = self.sign or (lambda claims: jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY))
        return {"access_token": "x", "token_type": "Bearer", "id_token": sign(told)}


class Handler(BaseHTTPRequestHandler):
    provider: ClassVar[Provider]

    def do_GET(self) -> None:
        self.provider.asked.append(self.path)
        if self.provider.answer_instead:
            self._send(*self.provider.answer_instead)
        elif self.path == "/.well-known/openid-configuration":
            self._send(200, json.dumps(self.provider.about()).encode())
        else:
            keys = self.provider.keys or KeySet([KEY]).as_dict(private=False)
            self._send(200, json.dumps(keys).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.provider.asked.append(self.path)
        if form["code"] not in self.provider.codes:
            self._send(400, b'{"error": "invalid_grant"}')
            return
        self._send(200, json.dumps(self.provider.token(form, self.headers["Authorization"] or "")).encode())

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Says nothing on the terminal."""


@pytest.fixture
def provider(settings: Settings) -> Iterator[Provider]:
    settings.OUTBOUND_ALLOW = ("127.0.0.1",)
    Handler.provider = Provider()
    oidc._discovered.clear()  # a port may have been another provider's
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.provider.issuer = f"http://127.0.0.1:{server.server_port}"
        serving = Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield Handler.provider
        server.shutdown()
        serving.join()


def given(provider: Provider, **changes: Any) -> ProviderFields:
    fields: dict[str, Any] = {
        "name": "Our provider",
        "issuer": provider.issuer,
        "client": "taawun",
        "secret": SECRET,
        "domains": ("cert.example",),
    }
    return ProviderFields(**fields | changes)


def host() -> Organisation:
    return Organisation.objects.get(is_host=True)


@pytest.fixture
def kept(cast: Cast, provider: Provider) -> IdentityProvider:
    return actions.add_provider(cast.administrator.actor, host(), given(provider))


def go(browser: Client, kept: IdentityProvider, following: str = "") -> str:
    answer = browser.get(reverse("provider-go", args=[kept.id]), {"next": following} if following else {})
    assert answer.status_code == 302, answer.content
    return answer["Location"]


def back(browser: Client, kept: IdentityProvider, query: str) -> Any:  # an answer of the test client
    return browser.get(reverse("provider-back", args=[kept.id]) + "?" + query)


def sign_in(
    browser: Client, provider: Provider, kept: IdentityProvider
) -> Any:  # an answer of the test client
    return back(browser, kept, provider.agree(go(browser, kept)))


def is_in(browser: Client) -> bool:
    return browser.get(reverse("profile")).status_code == 200


def refusals() -> list[str]:
    found = Entry.objects.filter(verb="people.sign-in-refused").order_by("id")
    return [each.details["code"] for each in found]


def invite(email: str = "new@cert.example", organisation: Organisation | None = None) -> None:
    actions.invite(SYSTEM, email=email, organisation=organisation or host(), roles=["analyst", "editor"])


# ---- who comes in ----------------------------------------------------------------------------------------------
def test_who_was_invited_comes_in_with_the_roles_of_the_invitation(
    provider: Provider, kept: IdentityProvider
) -> None:
    invite()
    browser = Client()
    page = browser.get(reverse("account_login") + "?next=/en/people/").content.decode()
    assert reverse("provider-go", args=[kept.id]) + "?next=%2Fen%2Fpeople%2F" in page
    answer = back(browser, kept, provider.agree(go(browser, kept, "/en/people/")))
    assert (answer.status_code, answer["Location"]) == (302, "/en/people/")
    assert is_in(browser)
    made = Person.objects.get(email="new@cert.example")
    assert (made.name, made.has_usable_password()) == ("Nadia", False)
    assert set(Membership.objects.filter(person=made).values_list("role", flat=True)) == {"analyst", "editor"}
    assert Entry.objects.filter(verb="people.signed-in").latest("id").details == {"by": ["oidc"]}
    # afterwards they are known by who they are there, whatever their address has become
    provider.claims = {"email": "other@elsewhere.example"}
    assert is_in(again := Client()) is False
    assert sign_in(again, provider, kept).status_code == 302
    assert is_in(again)
    assert Person.objects.filter(identities__subject="user-1").count() == 1


def test_who_was_not_invited_is_turned_away_and_leaves_nothing(
    provider: Provider, kept: IdentityProvider
) -> None:
    before = Person.objects.count()
    answer = sign_in(browser := Client(), provider, kept)
    assert answer.status_code == 403
    assert "who was not invited" in answer.content.decode()
    assert (is_in(browser), Person.objects.count(), Identity.objects.count()) == (False, before, 0)
    assert refusals() == ["not-invited"]


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email": "new@cert.example.evil.example"},
        {"email": "new@elsewhere.example"},
        {"email": ["new@cert.example"]},
        {"email": None},
    ],
)
def test_an_address_counts_only_verified_and_in_a_domain_for_which_the_issuer_is_trusted(
    provider: Provider, kept: IdentityProvider, claims: dict[str, Any]
) -> None:
    for email in ("new@cert.example", "new@elsewhere.example", "new@cert.example.evil.example"):
        invite(email)
    provider.claims = claims
    assert sign_in(browser := Client(), provider, kept).status_code == 403
    assert not is_in(browser)
    assert refusals() == ["not-trusted-for-address"]


def test_a_group_gives_the_roles_that_the_administrator_named_and_no_others(
    cast: Cast, provider: Provider, kept: IdentityProvider
) -> None:
    roles = {"soc": ("analyst", "researcher"), "board": ("policymaker",)}
    fields = given(provider, secret="", groups_claim="groups", roles_by_group=roles)
    actions.change_provider(cast.administrator.actor, kept, fields)
    provider.claims = {"groups": ["soc", "everybody", 7]}
    assert sign_in(browser := Client(), provider, kept).status_code == 302
    assert is_in(browser)
    made = Person.objects.get(email="new@cert.example")
    assert set(Membership.objects.filter(person=made).values_list("role", flat=True)) == {
        "analyst",
        "researcher",
    }
    provider.claims = {"groups": "soc", "sub": "user-2", "email": "next@cert.example"}
    assert sign_in(Client(), provider, kept).status_code == 403


def test_somebody_of_the_organisation_is_linked_by_address_and_somebody_disabled_is_not_let_in(
    cast: Cast, provider: Provider, kept: IdentityProvider
) -> None:
    row = cast.analyst.row
    provider.claims = {"email": row.email.upper()}
    assert sign_in(browser := Client(), provider, kept).status_code == 302
    assert is_in(browser)
    assert Identity.objects.get().person == row
    notice = Notice.objects.get()
    assert (notice.kind, notice.params) == (
        "people.identity-linked",
        {"email": row.email, "name": kept.name},
    )
    # once known by the provider's own name for them, nobody is told again
    assert sign_in(Client(), provider, kept).status_code == 302
    assert Notice.objects.get().times == 1
    actions.disable(cast.administrator.actor, row)
    assert sign_in(browser := Client(), provider, kept).status_code == 403
    assert (is_in(browser), refusals()) == (False, ["inactive"])


def test_the_provider_of_another_organisation_does_not_speak_for_who_works_for_the_host(
    cast: Cast, provider: Provider
) -> None:
    university = Organisation.objects.create(names={"en": "University"}, kind=Organisation.Kind.UNIVERSITY)
    dean = actor_of(person(Role.ADMINISTRATOR, organisation=university))
    kept = actions.add_provider(dean, university, given(provider))
    with pytest.raises(NotAllowed):
        actions.add_provider(dean, host(), given(provider, issuer="https://other.example"))
    # an address of the host's people, whom the university's provider claims
    provider.claims = {"email": cast.administrator.row.email}
    assert sign_in(Client(), provider, kept).status_code == 403
    # invited to the host, not to the university
    provider.claims = {}
    invite()
    assert sign_in(Client(), provider, kept).status_code == 403
    # known there, and called to the host later
    student = person(Role.TRAINEE, organisation=university)
    provider.claims = {"email": student.email, "sub": "student"}
    assert sign_in(Client(), provider, kept).status_code == 302
    Membership.objects.create(person=student, organisation=host(), role=Role.OFFICER)
    assert sign_in(browser := Client(), provider, kept).status_code == 403
    assert not is_in(browser)
    assert refusals() == ["other-organisation", "not-invited"]
    refused = Notice.objects.filter(kind="people.sign-in-refused").order_by("id")
    assert [(each.params["code"], each.times) for each in refused] == [
        ("other-organisation", 2),
        ("not-invited", 1),
    ]


def test_a_second_factor_is_asked_here_as_ever(
    cast: Cast, provider: Provider, kept: IdentityProvider, settings: Settings
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    invite()
    assert sign_in(browser := Client(), provider, kept).status_code == 302
    assert browser.get(reverse("people"))["Location"] == reverse("mfa_index")


# ---- what does not hold ----------------------------------------------------------------------------------------
def _none(claims: dict[str, Any]) -> str:
    head, body = (
        base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=").decode()
        for each in ({"alg": "none"}, claims)
    )
    return f"{head}.{body}."


def _by_public_key_as_secret(claims: dict[str, Any]) -> str:
    parts = [json.dumps(each).encode() for each in ({"alg": "HS256", "kid": "one"}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in parts)
    tag = hmac.digest(KEY.as_pem(private=False), signed, "sha256")
    return (signed + b"." + base64.urlsafe_b64encode(tag).rstrip(b"=")).decode()


def _by_another(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, OTHER_KEY)


def _with_its_own_key(claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "kid": "one", "jwk": OTHER_KEY.as_dict(private=False)}
    return jwt.encode(header, claims, OTHER_KEY)


def _changed(claims: dict[str, Any]) -> str:
    head, _body, signature = jwt.encode({"alg": "RS256", "kid": "one"}, claims | {"sub": "x"}, KEY).split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


@pytest.mark.parametrize("sign", [_none, _by_public_key_as_secret, _by_another, _with_its_own_key, _changed])
def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    provider: Provider, kept: IdentityProvider, sign: Callable[[dict[str, Any]], str]
) -> None:
    invite()
    provider.sign = sign
    answer = sign_in(browser := Client(), provider, kept)
    assert (answer.status_code, is_in(browser)) == (502, False)
    assert refusals() == ["bad-signature"]


def test_a_symmetric_key_that_a_provider_publishes_verifies_nothing(
    provider: Provider, kept: IdentityProvider
) -> None:
    invite()
    secret = OctKey.import_key("public to everybody, as it stands in the key set")
    provider.keys = {"keys": [secret.as_dict(private=True) | {"kid": "one"}]}
    provider.sign = lambda claims: jws.serialize_compact(
        {"alg": "HS256", "kid": "one"}, json.dumps(claims).encode(), secret, algorithms=["HS256"]
    )
    assert sign_in(Client(), provider, kept).status_code == 502
    assert refusals() == ["bad-signature"]


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "another"}, "audience"),
        ({"aud": ["taawun", "another"]}, "audience"),
        ({"aud": ["taawun", "another"], "azp": "another"}, "audience"),
        ({"azp": "another"}, "audience"),
        ({"aud": None}, "audience"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": True}, "expired"),
        ({"iat": 99999999999}, "issued"),
        ({"nbf": 99999999999}, "issued"),
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": ""}, "subject"),
        ({"sub": 7}, "subject"),
        ({"sub": "x" * 256}, "subject"),
    ],
)
def test_a_token_that_is_not_the_answer_to_this_question_lets_nobody_in(
    provider: Provider, kept: IdentityProvider, claims: dict[str, Any], code: str
) -> None:
    invite()
    provider.claims = claims
    answer = sign_in(browser := Client(), provider, kept)
    assert (answer.status_code, is_in(browser)) == (502, False)
    assert refusals() == [code]


def test_an_answer_is_taken_once_and_only_from_the_browser_that_asked(
    provider: Provider, kept: IdentityProvider
) -> None:
    invite()
    browser = Client()
    query = provider.agree(go(browser, kept))
    # somebody else's browser is given the link (login CSRF), or the state is missing, or another
    for wrong in (query, query.partition("&")[0], query + "x", "state=", ""):
        assert back(Client(), kept, wrong).status_code == 400
    assert not refusals()
    assert back(browser, kept, query).status_code == 302
    browser.post(reverse("account_logout"))
    assert back(browser, kept, query).status_code == 400
    # a code that was used already, under a new state
    state = parse_qs(urlsplit(go(other := Client(), kept)).query)["state"][0]
    assert back(other, kept, f"code=code-0&state={state}").status_code == 502
    assert not is_in(other)


def test_an_answer_of_another_provider_is_not_taken_for_one_of_this(
    cast: Cast, provider: Provider, kept: IdentityProvider
) -> None:
    invite()
    evil = actions.add_provider(
        cast.administrator.actor, host(), given(provider, issuer="https://evil.example")
    )
    browser = Client()
    query = provider.agree(go(browser, kept))
    assert back(browser, evil, query).status_code == 400
    query = provider.agree(go(browser, kept))
    assert back(browser, kept, query + "&iss=https://evil.example").status_code == 502
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    oidc.forget(provider.issuer)
    assert back(browser, kept, provider.agree(go(browser, kept))).status_code == 502
    assert refusals() == ["mixed-up", "no-issuer"]
    assert (
        back(browser, kept, provider.agree(go(browser, kept)) + f"&iss={provider.issuer}").status_code == 302
    )


def test_what_a_provider_says_of_itself_is_asked_once_however_many_come(
    provider: Provider, kept: IdentityProvider
) -> None:
    for _visit in range(5):
        go(Client(), kept)
    assert provider.asked == ["/.well-known/openid-configuration"]


def test_a_provider_that_does_not_answer_is_left_in_peace_for_a_while(
    provider: Provider, kept: IdentityProvider
) -> None:
    provider.answer_instead = (500, b"{}", {})
    answers = [Client().get(reverse("provider-go", args=[kept.id])).status_code for _visit in range(5)]
    assert answers == [502] * 5
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [("error=access_denied", "provider-refused"), ("", "no-code"), ("code=" + "x" * 3000, "no-code")],
)
def test_an_answer_that_needs_no_call_is_refused_without_one(
    provider: Provider, kept: IdentityProvider, query: str, code: str
) -> None:
    for _visit in range(3):
        browser = Client()
        state = parse_qs(urlsplit(go(browser, kept)).query)["state"][0]
        oidc.forget(provider.issuer)
        provider.asked.clear()
        assert back(browser, kept, f"state={state}&{query}").status_code == 502
        assert provider.asked == []
    # one row of the trail and one notice, however often somebody does it
    assert refusals() == [code]
    assert [each.times for each in Notice.objects.all()] == [3]


def test_a_network_that_comes_too_often_is_told_to_wait(provider: Provider, kept: IdentityProvider) -> None:
    address = reverse("provider-go", args=[kept.id])
    # on a slow machine one more would be allowed meanwhile
    with frozen(now()):
        answers = [Client().get(address, REMOTE_ADDR="192.0.2.7") for _visit in range(62)]
        assert [each.status_code for each in answers] == [302] * 60 + [429] * 2
        assert int(answers[-1]["Retry-After"]) >= 1
        assert Client().get(address, REMOTE_ADDR="192.0.2.8").status_code == 302
        again = Client().get(reverse("provider-back", args=[kept.id]), REMOTE_ADDR="192.0.2.7")
        assert again.status_code == 429


@pytest.mark.parametrize(
    "following", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil"]
)
def test_it_never_leads_on_to_elsewhere(provider: Provider, kept: IdentityProvider, following: str) -> None:
    invite()
    browser = Client()
    answer = back(browser, kept, provider.agree(go(browser, kept, following)))
    assert answer["Location"] == reverse("home")


_NO_ADDRESSES = "the provider does not name its own addresses as it should"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"metadata": {"issuer": "https://evil.example"}},
            "the provider calls itself otherwise than it is called here",
        ),
        ({"metadata": {"authorization_endpoint": "javascript:alert(1)"}}, _NO_ADDRESSES),
        ({"metadata": {"authorization_endpoint": None}}, _NO_ADDRESSES),
        ({"answer_instead": (200, b"{", {})}, "the answer of the provider cannot be read"),
        ({"answer_instead": (200, b"[]", {})}, "the answer of the provider cannot be read"),
        ({"answer_instead": (500, b"{}", {})}, "the answer of the provider cannot be read"),
        (
            {"answer_instead": (302, b"", {"Location": "http://169.254.169.254/"})},
            "the provider answers that it has moved",
        ),
        ({"answer_instead": (200, b" " * 70_000, {})}, "the answer of the provider is too large"),
    ],
)
def test_a_provider_that_answers_strangely_is_told_and_nobody_is_sent_there(
    provider: Provider, kept: IdentityProvider, change: dict[str, Any], words: str
) -> None:
    for name, value in change.items():
        setattr(provider, name, value)
    answer = Client().get(reverse("provider-go", args=[kept.id]))
    assert answer.status_code == 502
    assert f"did not work: <bdi>{words}</bdi>." in answer.content.decode()
    # the administrator, to whom the page sends them, finds it there
    assert words in registry.get(NoticeKind, "people.sign-in-refused").sentence(Notice.objects.get().params)


def test_a_provider_that_cannot_be_reached_is_told_in_words(
    cast: Cast, kept: IdentityProvider, settings: Settings
) -> None:
    settings.OUTBOUND_ALLOW = ("127.0.0.1",)
    IdentityProvider.objects.update(issuer="http://127.0.0.1:1")
    answer = Client().get(f"/ar/account/sign-in/{kept.id}/")
    assert answer.status_code == 502
    assert "تعذّر الوصول إلى المزوّد" in answer.content.decode()
    assert "unreachable" not in answer.content.decode()


@pytest.mark.parametrize("name", ["token_endpoint", "jwks_uri"])
def test_an_address_that_must_not_be_called_is_not(
    provider: Provider, kept: IdentityProvider, settings: Settings, name: str
) -> None:
    invite()
    browser = Client()
    query = provider.agree(go(browser, kept))
    provider.metadata = {name: "https://169.254.169.254/latest"}
    oidc.forget(provider.issuer)
    assert back(browser, kept, query).status_code == 502
    assert refusals() == ["private-address"]
    settings.OUTBOUND_ALLOW = ()
    oidc.forget(provider.issuer)
    assert Client().get(reverse("provider-go", args=[kept.id])).status_code == 502


# ---- keeping them ----------------------------------------------------------------------------------------------
def test_a_secret_is_kept_sealed_and_told_to_no_other_issuer(
    cast: Cast, provider: Provider, kept: IdentityProvider
) -> None:
    assert SECRET not in kept.secret
    sealed = kept.secret
    held = actions.change_provider(SYSTEM, kept, given(provider, secret="", name="Renamed"))
    assert held.secret == sealed
    Identity.objects.create(provider=kept, subject="x", person=cast.analyst.row)
    held = actions.change_provider(SYSTEM, kept, given(provider, secret="", issuer="https://new.example"))
    assert (held.secret, Identity.objects.count()) == ("", 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"issuer": "id.example"}, "issuer"),
        ({"issuer": "https://id.example?x=1"}, "issuer"),
        ({"issuer": "ftp://id.example"}, "issuer"),
        ({"name": " "}, "name"),
        ({"client": " "}, "client"),
        ({"domains": ("example",)}, "domains"),
        ({"domains": ("*.example.org",)}, "domains"),
        ({"roles_by_group": {"soc": ("emperor",)}}, "roles_by_group"),
        ({"roles_by_group": {"soc": ()}}, "roles_by_group"),
    ],
)
def test_a_provider_that_cannot_be_is_refused_with_its_place(
    cast: Cast, provider: Provider, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ProviderRefused) as why:
        actions.add_provider(SYSTEM, host(), given(provider, **changes))
    assert why.value.field == field


def test_the_pages_keep_providers(cast: Cast, provider: Provider) -> None:
    browser = cast.administrator.browser()
    sent = {
        "organisation": str(host().id),
        "name": "Ours <b>",
        "protocol": "oidc",
        "issuer": provider.issuer,
        "client": "taawun",
        "secret": SECRET,
        "domains": "cert.example, CERT.example",
        "groups_claim": "groups",
        "roles_by_group": "soc: analyst, researcher\nhttps://x.example/g: editor",
        "is_active": "on",
    }
    without = read(browser.post(reverse("provider-new"), sent | {"client": ""}), 422)
    assert "Client : The client is required in OpenID Connect." in without.text
    saved = read(browser.post(reverse("provider-new"), sent, follow=True))
    assert "Ours <b> is saved. Register the address that stands below at the provider;" in saved.text
    kept = IdentityProvider.objects.get()
    assert kept.roles_by_group == {"soc": ["analyst", "researcher"], "https://x.example/g": ["editor"]}
    assert kept.domains == ["cert.example"]
    assert browser.post(reverse("provider-new"), sent).status_code == 422
    assert (
        "Ours <b>" in read(browser.get(reverse("providers") + "?q=CERT.ex&protocol=oidc&state=active")).text
    )
    assert "No identity provider fits" in read(browser.get(reverse("providers") + "?state=inactive")).text
    [told] = json.loads(browser.get(reverse("providers") + "?format=json").getvalue())
    assert (told["name"], told["domains"], told["active"]) == ("Ours <b>", ["cert.example"], True)
    assert told["register"].endswith(f"/en/account/sign-in/{kept.id}/back/")
    page = browser.get(reverse("providers")).content.decode()
    assert f"/en/account/sign-in/{kept.id}/back/" in page
    assert SECRET not in page + browser.get(reverse("provider", args=[kept.id])).content.decode()
    assert "Ours &lt;b&gt;" in Client().get(reverse("account_login")).content.decode()
    closed = {name: value for name, value in sent.items() if name not in {"is_active", "secret"}} | {
        "edition": "1"
    }
    assert browser.post(reverse("provider", args=[kept.id]), closed).status_code == 302
    assert "Ours" not in Client().get(reverse("account_login")).content.decode()
    assert Client().get(reverse("provider-go", args=[kept.id])).status_code == 404
    assert browser.post(reverse("provider-remove", args=[kept.id])).status_code == 302
    assert not IdentityProvider.objects.exists()


@pytest.mark.parametrize(
    ("protocol", "asked"),
    [("oidc", {"issuer", "client", "secret"}), ("saml", {"issuer", "sign_in_url", "certificates"})],
)
def test_a_provider_is_asked_what_its_protocol_needs_and_nothing_else(
    cast: Cast, protocol: str, asked: set[str]
) -> None:
    browser = cast.administrator.browser()
    page = read(browser.get(reverse("provider-new"), {"protocol": protocol}))
    of_protocols = {"issuer", "client", "secret", "sign_in_url", "certificates"}
    names = {each.get("name") for tag in ("input", "textarea") for each in page.all(tag)}
    assert names & of_protocols == asked
    assert page.all("a", href="?protocol=oidc")
    assert page.all("a", href="?protocol=saml")
    empty = read(browser.post(reverse("provider-new"), {"protocol": protocol}), 422)
    assert {
        each.get("name") for tag in ("input", "textarea") for each in empty.all(tag)
    } & of_protocols == asked


def test_the_example_of_a_line_runs_from_left_to_right_in_every_language(cast: Cast) -> None:
    for language in ("ar", "en", "fr"):
        page = cast.administrator.browser().get(f"/{language}/people/providers/new/").content.decode()
        assert "<bdi>soc: analyst, instructor</bdi>" in page


def test_the_interface_keeps_providers(cast: Cast) -> None:
    api = cast.administrator.api
    body = {"name": "Ours", "issuer": "https://id.example", "client": "taawun", "secret": SECRET}
    made = api.post("/identity-providers", body).json()
    assert made["has_secret"] is True
    assert SECRET not in json.dumps(made)
    wrong = api.post("/identity-providers", body)
    assert (wrong.status_code, wrong.json()["pointer"]) == (422, "/issuer")
    changed = api.put(f"/identity-providers/{made['id']}", body | {"secret": "", "domains": ["cert.example"]})
    assert (changed.json()["has_secret"], changed.json()["domains"]) == (True, ["cert.example"])
    assert len(api.get("/identity-providers").json()["items"]) == 1
    assert api.delete(f"/identity-providers/{made['id']}").status_code == 204
