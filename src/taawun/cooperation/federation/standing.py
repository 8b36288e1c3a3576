"""What may stand on the public lane: nothing but what everybody may have (docs/protocol.md, "The public lane").

Pure but for its words. It is asked before something is put there, and again whenever it is served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from taawun.cooperation.people.rules import Granted, Refused
from taawun.foundation.tlp import Tlp

if TYPE_CHECKING:
    from taawun.cooperation.agreements.policy import Facts
    from taawun.cooperation.people.rules import Answer

__all__ = ["goes_to_everybody", "may_be_public"]


def goes_to_everybody(facts: Facts) -> bool:
    """Whether who published it, and everybody through whom it came here, lets it go to anybody at all."""
    return facts.origin.rule == "own" or (facts.origin.rule == "public" and facts.origin.bound is None)


def may_be_public(facts: Facts) -> Answer:
    """Whether a release may stand on the public lane.

    Args:
        facts: what a decision looks at.
    """
    if facts.tlp != Tlp.CLEAR:
        return Refused(
            "not-clear",
            _("Only TLP:CLEAR is for everybody, and this is %(tlp)s.") % {"tlp": facts.tlp.label},
        )
    if facts.audience is not None or facts.names_persons:
        return Refused(
            "not-public",
            _("It was meant for some receivers, so it is not for everybody. Publish it to all of them."),
        )
    if not goes_to_everybody(facts):
        return Refused(
            "onward",
            _(
                "Something in it came from partners, and not every clause by which it came lets it go to anybody."
            ),
        )
    return Granted()
