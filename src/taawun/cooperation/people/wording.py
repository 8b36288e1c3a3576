"""Why nobody came in by a provider, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

__all__ = ["refused_because"]

# of calls, and of what answers; what an assertion itself is refused for stands in the manual by its code
_REASONS: Final[Mapping[str, _StrOrPromise]] = {
    "no-such-host": gettext_lazy("the address of the provider cannot be looked up"),
    "unreachable": gettext_lazy("the provider cannot be reached"),
    "tls-failed": gettext_lazy("the certificate of the provider cannot be trusted"),
    "too-slow": gettext_lazy("the provider took too long"),
    "broken-off": gettext_lazy("the connection to the provider broke off"),
    "not-https": gettext_lazy("the provider is called by HTTPS only"),
    "private-address": gettext_lazy("the provider has no public address"),
    "redirect": gettext_lazy("the provider answers that it has moved"),
    "answer-too-large": gettext_lazy("the answer of the provider is too large"),
    "bad-answer": gettext_lazy("the answer of the provider cannot be read"),
    "bad-json": gettext_lazy("the answer of the provider cannot be read"),
    "other-issuer": gettext_lazy("the provider calls itself otherwise than it is called here"),
    "no-endpoint": gettext_lazy("the provider does not name its own addresses as it should"),
    "provider-refused": gettext_lazy("the provider itself refused it"),
}


def refused_because(code: str) -> str:
    """Why nobody came in, in the reader's words; a code without words is shown as it is."""
    return str(_REASONS.get(code, code))
