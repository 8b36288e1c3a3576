"""The signature of a SAML assertion: what it covers is all that is read (XML Signature 1.1; SAML 2.0 Core, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["verified"]

# RSA and elliptic curves over SHA-2; neither SHA-1 nor anything symmetric
_METHODS: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.SHA256_RSA_MGF1,
        SignatureMethod.SHA384_RSA_MGF1,
        SignatureMethod.SHA512_RSA_MGF1,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    }
)
_DIGESTS: Final = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512})


def verified(alone: bytes, certificate: x509.Certificate) -> etree._Element | None:
    """The assertion as the signature in it covers it.

    Args:
        alone: the assertion with its signature, and nothing around it.
        certificate: of the key that the administrator vouches for.

    Returns:
        The assertion, read from the very bytes that were signed; None where it does not verify with this key, or
        what is signed is something else.
    """
    config = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        # the administrator vouches for the key; that its certificate is of an authority, or young, says nothing here
        verification_time=certificate.not_valid_before_utc,
        ignore_ambiguous_key_info=True,
    )
    try:
        result = XMLVerifier().verify(alone, x509_cert=certificate, id_attribute="ID", expect_config=config)
    except (SignXMLException, etree.LxmlError, ValueError, TypeError, AttributeError):
        return None
    signed = None if isinstance(result, list) else result.signed_xml
    whole = etree.fromstring(alone)
    is_it = signed is not None and signed.tag == whole.tag and signed.get("ID") == whole.get("ID")
    return signed if is_it and whole.get("ID") else None
