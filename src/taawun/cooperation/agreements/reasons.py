"""Decisions in words, in the reader's language, each refusal with what would change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from taawun.cooperation.agreements.policy import Allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from taawun.cooperation.agreements.policy import Decision, Denied

__all__ = ["Worded", "word"]


# who mends it; the mend of any other refusal is something that every person here may do
_NEEDS: Final = {
    **dict.fromkeys(
        ("no-agreement", "direction", "kind", "topics", "tlp", "left", "ended", "expired", "terminated"),
        "write:agreements",
    ),
    "unconfirmed": "approve:agreements",
    "not-verified": "manage:partners",
}


@dataclass(frozen=True, slots=True)
class Worded:
    """A decision a person can read.

    Args:
        sentence: why.
        mend: what would change a refusal, never a lower marking; empty for a yes.
        step: where the mend begins: ``partner``, ``agreement``, ``audience`` or empty.
        needs: the permission of whoever mends it; empty where it is only looked at.
    """

    sentence: str
    mend: str = ""
    step: str = ""
    needs: str = ""


def word(decision: Decision, number: Callable[[object], str] = str) -> Worded:
    """Put a decision into words.

    Args:
        decision: a yes or a no.
        number: writes the number of a clause; in the reader's digits where a page asks.
    """
    if isinstance(decision, Allowed):
        grant = decision.grant
        return Worded(
            _("Clause %(clause)s of %(agreement)s allows it.")
            % {"clause": number(grant.clause.ref), "agreement": grant.code}
        )
    return _refusal(decision, number)


def _refusal(denied: Denied, number: Callable[[object], str]) -> Worded:
    grant = denied.grant
    names = {
        "clause": number(grant.clause.ref) if grant else "",
        "agreement": grant.code if grant else "",
        "tlp": grant.clause.tlp_max.label if grant else "",
    }
    amend = _("Propose a change of the clause")
    worded = {
        "no-agreement": Worded(
            _("There is no agreement with this party."), _("Draft an agreement"), "agreement"
        ),
        "direction": Worded(_("No clause lets this node send anything to this party."), amend, "agreement"),
        "kind": Worded(_("No clause covers this kind of release."), amend, "agreement"),
        "topics": Worded(
            _("Clause %(clause)s of %(agreement)s covers other topics.") % names, amend, "agreement"
        ),
        "unsigned": Worded(
            _("%(agreement)s has not been signed by all its parties.") % names,
            _("Remind them to sign"),
            "agreement",
        ),
        "unratified": Worded(
            _("%(agreement)s is signed, but a party has not ratified it yet.") % names,
            _("See who has not ratified it"),
            "agreement",
        ),
        "left": Worded(
            _("The party, or this node, has left %(agreement)s.") % names,
            _("Draft an agreement"),
            "agreement",
        ),
        "unconfirmed": Worded(
            _(
                "Clause %(clause)s of %(agreement)s gives newcomers what was sent before, and nobody here has "
                "confirmed this one."
            )
            % names,
            _("Confirm the newcomer"),
            "agreement",
        ),
        "narrowed": Worded(
            _("A declaration leaves it out of clause %(clause)s of %(agreement)s.") % names,
            _("See the declarations"),
            "agreement",
        ),
        "not-begun": Worded(
            _("%(agreement)s is signed but not in force yet.") % names, _("See when it begins"), "agreement"
        ),
        "ended": Worded(
            _("%(agreement)s is no longer in force.") % names, _("Draft a new version"), "agreement"
        ),
        "expired": Worded(_("%(agreement)s has expired.") % names, _("Draft a new version"), "agreement"),
        "terminated": Worded(
            _("%(agreement)s was terminated.") % names, _("Draft an agreement"), "agreement"
        ),
        "suspended": Worded(
            _("%(agreement)s is suspended.") % names, _("See who suspended it and why"), "agreement"
        ),
        "partner-blocked": Worded(_("This partner is blocked."), _("See the partner"), "partner"),
        "not-verified": Worded(
            _("The fingerprint of this partner's node has not been compared yet."),
            _("Compare the fingerprint by telephone"),
            "partner",
        ),
        "descriptor-lapsed": Worded(
            _("The descriptor of this partner's node has lapsed."), _("See the partner"), "partner"
        ),
        "tlp": Worded(
            _("Clause %(clause)s of %(agreement)s allows up to %(tlp)s only.") % names, amend, "agreement"
        ),
        "red-unnamed": Worded(
            _("TLP:RED names the persons it is for, and this names nobody."),
            _("Name the persons"),
            "audience",
        ),
        "audience": Worded(
            _("It is outside the audience that was chosen."), _("Choose a wider audience"), "audience"
        ),
        "has-it": Worded(_("It came from there, or through there."), "", ""),
        "onward": Worded(
            _("Its source does not allow it to be shared onward to this party."),
            _("Ask the source"),
            "partner",
        ),
    }
    return replace(worded[denied.reason], needs=_NEEDS.get(denied.reason, ""))
