"""Signing in by an OpenID Connect provider: what is asked of it, and what its word is held to.

The authorization code flow with PKCE (RFC 7636), state and nonce. Sources: OpenID Connect Core 1.0, sections 3.1.2,
3.1.3.3 and 3.1.3.7; OpenID Connect Discovery 1.0, sections 3 and 4; RFC 9207 (``iss`` in the answer); RFC 9700, the
best current practice. Every call goes through the guard against private addresses (foundation/outbound).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from taawun.foundation import strict_json
from taawun.foundation.clock import SKEW, now
from taawun.foundation.errors import CodedError
from taawun.foundation.outbound import Outbound, OutboundFailed, OutboundRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Attempt", "Claims", "Client", "OidcRefused", "attempt_at", "begin", "finish", "forget"]

# signed by a key that the provider publishes; nothing symmetric, and never none
_ALGORITHMS: Final = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
_LIMITS: Final = strict_json.Limits(max_bytes=64 * 1024, max_depth=12)
_DEADLINE_SECONDS: Final = 5.0
_LONGEST_TOKEN: Final = 16 * 1024
_LONGEST_SUBJECT: Final = 255
_MOST_GROUPS: Final = 500
_REMEMBERED_SECONDS: Final = 600.0
_LEFT_IN_PEACE_SECONDS: Final = 15.0
# more providers than any node has; administrators alone add them
_MOST_REMEMBERED: Final = 200


class OidcRefused(CodedError):
    """The provider did not answer, or its word does not hold."""


# what each issuer said of itself, or why it did not, and until when that is not asked again; each process has its own
_discovered: dict[str, tuple[Mapping[str, Any] | OidcRefused | None, float]] = {}


@dataclass(frozen=True, slots=True)
class Client:
    """What this node is at a provider.

    Args:
        issuer: the provider's address, exactly as it calls itself.
        id: what it calls this node.
        secret: empty for a public client.
        redirect: where it sends the browser back to; another address for each provider.
        groups_claim: the claim in which it lists groups; empty for none.
    """

    issuer: str
    id: str
    secret: str
    redirect: str
    groups_claim: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody on their way to a provider and back; sealed in their browser's session meanwhile.

    Args:
        provider: id of the provider as this node keeps it.
        language: of the page from which they went.
        nonce: comes back in the ID token.
        verifier: of PKCE.
        following: a path of this node to lead on to.
    """

    provider: str
    language: str
    nonce: str
    verifier: str
    following: str


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider says of whoever signed in.

    Args:
        subject: who, for ever the same at this issuer.
        email: their address, or empty where the issuer did not verify it.
        name: what they are called, or empty.
        groups: groups they are in at the issuer.
    """

    subject: str
    email: str
    name: str
    groups: frozenset[str]


def begin(client: Client, attempt: Attempt, state: str) -> str:
    """Where to send the browser.

    Args:
        client: what this node is at the provider.
        attempt: kept until the browser comes back.
        state: by which the attempt is found again.

    Raises:
        OidcRefused: the provider does not answer, or says that it is another.
    """
    target = _endpoint(_discover(client.issuer), "authorization_endpoint")
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": client.redirect,
        "scope": "openid email profile",
        "state": state,
        "nonce": attempt.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{target}{'&' if urlsplit(target).query else '?'}{urlencode(query)}"


def attempt_at(provider: str, language: str, following: str) -> tuple[Attempt, str]:
    """A new attempt, and the state by which it is found again."""
    kept = Attempt(provider, language, secrets.token_urlsafe(32), secrets.token_urlsafe(48), following)
    return kept, secrets.token_urlsafe(32)


def finish(client: Client, attempt: Attempt, answered: Mapping[str, str]) -> Claims:
    """Who signed in, by the answer with which the provider sent the browser back.

    Args:
        client: what this node is at the provider.
        attempt: what was kept under the answer's state.
        answered: the query of the answer.

    Raises:
        OidcRefused: with what does not hold.
    """
    # first what needs no call: whoever has a browser may send any answer
    _check_answer(client.issuer, answered)
    about = _discover(client.issuer)
    if "iss" not in answered and about.get("authorization_response_iss_parameter_supported") is True:
        raise OidcRefused("no-issuer", "The answer does not say whose it is.")
    token = _exchange(about, client, attempt, answered["code"])
    keys = _fetch(_endpoint(about, "jwks_uri"))
    return _claims(_verified(token, keys), client, attempt.nonce)


def _check_answer(issuer: str, answered: Mapping[str, str]) -> None:
    """RFC 9207: an answer of another provider is not taken for one of this (mix-up)."""
    told = answered.get("iss")
    if told is not None and told != issuer:
        raise OidcRefused("mixed-up", "The answer is another provider's.")
    if "error" in answered:
        raise OidcRefused("provider-refused", f"The provider says {answered['error'][:60]!a}.")
    if not 0 < len(answered.get("code", "")) <= 2048:  # noqa: PLR2004 - no provider's code is longer
        raise OidcRefused("no-code", "The answer carries no code.")


def forget(issuer: str) -> None:
    """Ask a provider anew what it says of itself, when that is needed next.

    Args:
        issuer: whose.
    """
    _discovered.pop(issuer, None)


def _discover(issuer: str) -> Mapping[str, Any]:
    """What the provider says of itself (Discovery 1.0, section 4); asked once in ten minutes, whoever comes.

    One that does not answer is left in peace for some seconds: who comes meanwhile is told so at once.
    """
    at = now().timestamp()
    held, until = _discovered.get(issuer, (None, 0.0))
    if at >= until or held is None:
        try:
            held, life = _asked(issuer), _REMEMBERED_SECONDS
        except OidcRefused as refused:
            held, life = refused, _LEFT_IN_PEACE_SECONDS
        if len(_discovered) >= _MOST_REMEMBERED:
            _discovered.clear()
        _discovered[issuer] = (held, at + life)
    if isinstance(held, OidcRefused):
        raise held
    return held


def _asked(issuer: str) -> Mapping[str, Any]:
    about = _fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if about.get("issuer") != issuer:
        raise OidcRefused("other-issuer", "The provider calls itself otherwise than it is called here.")
    return about


def _endpoint(about: Mapping[str, Any], name: str) -> str:
    address = about.get(name)
    allowed = {"https"} | ({"http"} if urlsplit(str(about["issuer"])).scheme == "http" else set())
    if not isinstance(address, str) or urlsplit(address).scheme not in allowed:
        raise OidcRefused("no-endpoint", f"The provider names no proper {name}.")
    return address


def _fetch(address: str) -> Mapping[str, Any]:
    return _call("GET", address, {"Accept": "application/json"}, b"")


def _call(method: str, address: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    try:
        with Outbound(allow=settings.OUTBOUND_ALLOW) as outbound:
            answer = outbound.request(
                method,
                address,
                headers=headers,
                body=body,
                limit_bytes=_LIMITS.max_bytes,
                deadline_seconds=_DEADLINE_SECONDS,
            )
        found = strict_json.parse(answer.body, _LIMITS) if answer.status == HTTPStatus.OK else None
    except (OutboundFailed, OutboundRefused) as failed:
        raise OidcRefused(failed.code, str(failed)) from failed
    except strict_json.JsonRefused as refused:
        raise OidcRefused("bad-json", f"The provider answers with bad JSON: {refused}") from refused
    if not isinstance(found, dict):
        raise OidcRefused("bad-answer", f"The provider answers with status {answer.status}.")
    return found


def _exchange(about: Mapping[str, Any], client: Client, attempt: Attempt, code: str) -> str:
    """The ID token for a code (Core 1.0, section 3.1.3)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect,
        "code_verifier": attempt.verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if client.secret:
        pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"  # RFC 6749, section 2.3.1
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        form["client_id"] = client.id
    answer = _call("POST", _endpoint(about, "token_endpoint"), headers, urlencode(form).encode())
    token = answer.get("id_token")
    if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
        raise OidcRefused("no-token", "The provider hands out no ID token.")
    return token


def _verified(token: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    held = keys.get("keys")
    # a provider's own symmetric keys are no business of ours, and none of them may verify anything
    public = (
        [each for each in held if isinstance(each, dict) and each.get("kty") in {"RSA", "EC", "OKP"}]
        if (isinstance(held, list))
        else []
    )
    try:
        decoded = jwt.decode(token, KeySet.import_key_set({"keys": public}), algorithms=_ALGORITHMS)
    except (JoseError, ValueError, TypeError, KeyError) as refused:
        raise OidcRefused(
            "bad-signature", f"The ID token does not verify: {type(refused).__name__}."
        ) from refused
    return decoded.claims


def _claims(told: Mapping[str, Any], client: Client, nonce: str) -> Claims:
    """What the ID token says, held to Core 1.0, section 3.1.3.7."""
    audience = told.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    earliest, latest = (now() - SKEW).timestamp(), (now() + SKEW).timestamp()
    subject = told.get("sub")
    problems = (
        (told.get("iss") != client.issuer, "issuer", "it is issued by another"),
        (client.id not in audiences, "audience", "it is meant for another"),
        (len(audiences) > 1 and told.get("azp") != client.id, "audience", "it was asked for by another"),
        (told.get("azp", client.id) != client.id, "audience", "it was asked for by another"),
        (not _is_instant(told.get("exp")) or told["exp"] <= earliest, "expired", "it has expired"),
        (
            not _is_instant(told.get("iat")) or told["iat"] > latest,
            "issued",
            "it is of the future",
        ),
        (_is_instant(told.get("nbf")) and told["nbf"] > latest, "issued", "it is of the future"),
        (told.get("nonce") != nonce, "nonce", "it answers another question"),
        (
            not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT,
            "subject",
            "it names nobody",
        ),
    )
    for is_wrong, code, sentence in problems:
        if is_wrong:
            raise OidcRefused(code, f"The ID token is refused: {sentence}.")
    email = told.get("email") if told.get("email_verified") is True else ""
    name, groups = told.get("name"), told.get(client.groups_claim) if client.groups_claim else None
    return Claims(
        subject=str(subject),
        email=email if isinstance(email, str) and len(email) <= 254 else "",  # noqa: PLR2004 - RFC 5321
        name=" ".join(name.split())[:200] if isinstance(name, str) and name.isprintable() else "",
        groups=frozenset(each for each in groups[:_MOST_GROUPS] if isinstance(each, str))
        if isinstance(groups, list)
        else frozenset(),
    )


def _is_instant(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
