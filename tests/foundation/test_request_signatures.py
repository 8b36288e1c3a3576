"""Signed requests between nodes: accepted as sent, refused in every other way."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taawun.foundation import clock
from taawun.foundation.request_signatures import RequestRefused, SignedBy, sign, verify
from taawun.foundation.signing import SigningKey

KEY = SigningKey.generate()
OTHER = SigningKey.generate()
AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
URL = "https://xs.example/federation/inbox?after=7&limit=10"
BODY = b'{"heads":[]}'
COVERED = ("@method", "@target-uri", "content-digest")


def known(kid):
    return {KEY.kid: KEY.public, OTHER.kid: OTHER.public}.get(kid)


def refused(method="POST", url=URL, headers=None, body=BODY, *, resolve=known, at=AT) -> str:
    with pytest.raises(RequestRefused) as caught:
        verify(
            method,
            url,
            sign("POST", URL, BODY, KEY, at=AT) if headers is None else headers,
            body,
            resolve,
            at=at,
        )
    assert str(caught.value).endswith(".")
    return caught.value.code


def handmade(
    covered=COVERED, *, method="POST", url=URL, body=BODY, key=KEY, label="sig", **changed
) -> dict[str, str]:
    """Headers under a right signature, built from RFC 9421, section 2.5, by hand; any part may be changed."""
    params = {
        "created": int(AT.timestamp()),
        "expires": int(AT.timestamp()) + 60,
        "nonce": "n" * 22,
        "keyid": key.kid,
        "tag": "taawun",
        **changed,
    }
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    values = {
        "@method": method,
        "@target-uri": url,
        "content-digest": digest,
        "date": "now",
        "@path": "/federation/inbox",
    }
    names = " ".join(f'"{name}"' for name in covered)
    written = "".join(
        f";{name}={value}" if isinstance(value, int) else f';{name}="{value}"'
        for name, value in params.items()
        if value is not None
    )
    lines = [f'"{name}": {values[name]}' for name in covered]
    base = "\n".join([*lines, f'"@signature-params": ({names}){written}'])
    signature = base64.b64encode(key.private_key.sign(base.encode())).decode()
    return {
        "Content-Digest": digest,
        "Date": "now",
        "Signature-Input": f"{label}=({names}){written}",
        "Signature": f"{label}=:{signature}:",
    }


def test_a_signed_request_is_accepted_and_tells_who_signed_it():
    headers = sign("POST", URL, BODY, KEY, at=AT)
    assert set(headers) == {"Content-Digest", "Signature-Input", "Signature"}
    signed = verify("POST", URL, headers, BODY, known, at=AT)
    assert (signed.kid, signed.created, signed.expires) == (KEY.kid, AT, AT + timedelta(seconds=60))
    # 128 random bits in base64url.
    assert len(signed.nonce) == 22


def test_what_is_signed_is_what_rfc_9421_says():
    signed = sign("POST", URL, BODY, KEY, at=AT)
    nonce = verify("POST", URL, signed, BODY, known, at=AT).nonce
    by_hand = handmade(label="taawun", nonce=nonce)
    params, ours = by_hand["Signature-Input"], signed["Signature-Input"]
    assert sorted(ours.split(";")) == sorted(params.split(";"))
    assert signed["Content-Digest"] == by_hand["Content-Digest"]
    assert verify("POST", URL, by_hand, BODY, known, at=AT) == SignedBy(
        KEY.kid, nonce, AT, AT + timedelta(seconds=60)
    )


def test_the_present_is_taken_from_the_clock_when_no_time_is_given():
    with clock.frozen(AT) as held:
        headers = sign("GET", URL, b"", KEY)
        assert verify("GET", URL, headers, b"", known).created == AT
        held.advance(timedelta(seconds=61))
        with pytest.raises(RequestRefused):
            verify("GET", URL, headers, b"", known)


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.from_regex(
        r"https?://[a-z]{1,9}\.example(:[1-9][0-9]{1,3})?(/[a-z0-9%._~-]{0,9}){0,3}(\?[a-z=&]*)?",
        fullmatch=True,
    ).filter(lambda url: "%" not in url),
    st.binary(max_size=100),
)
def test_whatever_is_signed_verifies(method, url, body):
    assert verify(method, url, sign(method, url, body, KEY, at=AT), body, known, at=AT).kid == KEY.kid


def test_every_request_has_its_own_nonce():
    nonces = {
        verify("GET", URL, sign("GET", URL, b"", KEY, at=AT), b"", known, at=AT).nonce for _ in range(50)
    }
    assert len(nonces) == 50


@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_the_case_of_header_names_does_not_matter(change):
    headers = {change(name): value for name, value in sign("POST", URL, BODY, KEY, at=AT).items()}
    assert verify("post", URL, {**headers, "Host": "elsewhere.example"}, BODY, known, at=AT).kid == KEY.kid


def test_another_method_address_or_body_is_refused():
    assert refused(method="PUT") == "bad-signature"
    assert refused(url=URL.replace("xs.", "xn.")) == "bad-signature"
    assert refused(url=URL.replace("https", "http")) == "bad-signature"
    assert refused(url=URL.replace("after=7", "after=8")) == "bad-signature"
    assert refused(body=BODY + b" ") == "digest-mismatch"
    assert refused(body=b"") == "digest-mismatch"


def test_a_body_swapped_together_with_its_digest_is_refused():
    headers = sign("POST", URL, BODY, KEY, at=AT)
    swapped = sign("POST", URL, b"other", KEY, at=AT)["Content-Digest"]
    assert refused(headers={**headers, "Content-Digest": swapped}, body=b"other") == "bad-signature"


@pytest.mark.parametrize("name", ["Signature", "Signature-Input", "Content-Digest"])
def test_a_request_without_one_of_the_headers_is_refused(name):
    headers = sign("POST", URL, BODY, KEY, at=AT)
    del headers[name]
    assert refused(headers=headers) == "not-signed"


def test_an_unsigned_request_is_refused():
    assert refused(headers={}) == "not-signed"


@pytest.mark.parametrize("missing", COVERED)
def test_a_signature_must_cover_method_address_and_body(missing):
    covered = tuple(name for name in COVERED if name != missing)
    assert refused(headers=handmade(covered)) == "missing-component"


def test_a_signature_may_cover_more_than_it_must():
    more = handmade((*COVERED, "@path", "date"))
    assert verify("POST", URL, more, BODY, known, at=AT).kid == KEY.kid
    assert refused(headers={**more, "Date": "then"}) == "bad-signature"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"created": None}, "missing-parameter"),
        ({"expires": None}, "missing-parameter"),
        ({"nonce": None}, "missing-parameter"),
        ({"keyid": None}, "missing-parameter"),
        ({"tag": None}, "malformed"),
        ({"tag": "other"}, "malformed"),
        ({"nonce": ""}, "bad-nonce"),
        ({"nonce": "n" * 65}, "bad-nonce"),
        ({"nonce": 7}, "malformed"),
        ({"expires": int(AT.timestamp()) + 61}, "lives-too-long"),
        ({"expires": int(AT.timestamp())}, "lives-too-long"),
        ({"expires": int(AT.timestamp()) - 5}, "lives-too-long"),
        ({"created": "now"}, "malformed"),
        ({"created": 999_999_999_999_999, "expires": 999_999_999_999_999}, "malformed"),
        ({"alg": "hmac-sha256"}, "malformed"),
        ({"extra": "x"}, "malformed"),
    ],
)
def test_parameters_that_are_missing_or_out_of_bounds_are_refused_though_they_are_signed(changed, code):
    assert refused(headers=handmade(**changed)) == code


def test_an_algorithm_that_is_named_rightly_is_accepted():
    assert verify("POST", URL, handmade(alg="ed25519"), BODY, known, at=AT).kid == KEY.kid


@pytest.mark.parametrize(
    ("later", "code"),
    [(-61, "not-yet-valid"), (-60, None), (0, None), (59, None), (60, "expired"), (3600, "expired")],
)
def test_a_signature_is_good_for_sixty_seconds_and_clocks_may_differ_by_as_much(later, code):
    at = AT + timedelta(seconds=later)
    if code is None:
        assert verify("POST", URL, sign("POST", URL, BODY, KEY, at=AT), BODY, known, at=at).kid == KEY.kid
    else:
        assert refused(at=at) == code


def test_an_unknown_key_a_wrong_answer_and_a_borrowed_name_are_refused():
    assert refused(resolve=lambda _: None) == "unknown-key"
    assert refused(resolve=lambda _: OTHER.public) == "unknown-key"
    assert refused(headers=handmade(key=OTHER, keyid=KEY.kid)) == "bad-signature"


def test_an_error_of_the_key_store_is_not_taken_for_a_bad_signature():
    def broken(_kid):
        raise ConnectionError("the database is down")

    with pytest.raises(ConnectionError):
        verify("POST", URL, sign("POST", URL, BODY, KEY, at=AT), BODY, broken, at=AT)


def test_the_key_is_not_looked_up_for_a_request_that_is_refused_anyway():
    asked: list[str] = []
    assert refused(headers=handmade(nonce=None), resolve=asked.append) == "missing-parameter"
    assert refused(at=AT + timedelta(hours=1), resolve=asked.append) == "expired"
    assert asked == []


def test_signatures_of_others_beside_ours_do_not_matter_and_two_of_ours_do():
    ours, proxy, again = handmade(label="a"), handmade(label="b", tag="proxy"), handmade(label="c")

    beside_proxy, twice = (
        {**ours, **{name: f"{ours[name]}, {other[name]}" for name in ("Signature", "Signature-Input")}}
        for other in (proxy, again)
    )
    assert verify("POST", URL, beside_proxy, BODY, known, at=AT).kid == KEY.kid
    assert refused(headers=twice) == "malformed"


def test_a_header_that_stands_twice_or_is_huge_is_refused():
    headers = sign("POST", URL, BODY, KEY, at=AT)
    assert refused(headers={**headers, "SIGNATURE": headers["Signature"]}) == "malformed"
    assert refused(headers={**headers, "Signature-Input": "a=()," * 1000}) == "malformed"


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha-256",
        "sha-256=:AAAA:",
        "md5=:AAAA:",
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:, sha-256=:AAAA:",
    ],
)
def test_a_digest_that_is_changed_is_refused(digest):
    headers = sign("POST", URL, BODY, KEY, at=AT)
    assert refused(headers={**headers, "Content-Digest": digest}) == "bad-signature"


@given(
    st.fixed_dictionaries(
        {
            name: st.one_of(st.text(max_size=60), st.text('a=();:",?0123 taawun@method', max_size=60))
            for name in ("Signature", "Signature-Input", "Content-Digest")
        }
    )
)
def test_noise_in_the_headers_is_refused_and_never_crashes(headers):
    with pytest.raises(RequestRefused):
        verify("POST", URL, headers, BODY, known, at=AT)


@given(st.data())
def test_no_changed_character_of_the_headers_is_accepted(data):
    headers = sign("POST", URL, BODY, KEY, at=AT)
    name = data.draw(st.sampled_from(sorted(headers)))
    at = data.draw(st.integers(0, len(headers[name]) - 1))
    other = data.draw(st.characters(min_codepoint=32, max_codepoint=126))
    changed = headers[name][:at] + other + headers[name][at + 1 :]
    try:
        signed = verify("POST", URL, {**headers, name: changed}, BODY, known, at=AT)
    except RequestRefused:
        return
    # The label is a name within the headers only: it is not signed and means nothing.
    assert signed == verify("POST", URL, headers, BODY, known, at=AT)


@pytest.mark.parametrize(
    "url", ["", "/federation", "https://xs.example/é", "https:///x", "https://xs.example/a b"]
)
def test_an_address_that_is_not_full_and_encoded_is_not_signed(url):
    with pytest.raises(RequestRefused) as caught:
        sign("GET", url, b"", KEY, at=AT)
    assert caught.value.code == "bad-url"
