"""What partners' administrators are told, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _

from taawun.cooperation.partners.wording import entry_reason, stop_reason
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.web.formats import digits

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS"]


def _address(params: Mapping[str, str]) -> str:
    return reverse("partner", kwargs={"partner_id": params["partner"]})


KINDS = (
    NoticeKind(
        "partners.lane-stopped",
        "read:partners",
        lambda p: (
            _("A lane of %(node)s was stopped at entry %(seq)s: %(reason)s.")
            % {"node": p["node"], "seq": digits(p["seq"]), "reason": stop_reason(p["reason"])}
        ),
        lambda _p: _(
            "Everything received before it is kept. Ask the partner's administrator what happened; the lane starts "
            "again when both of you agree where."
        ),
        _address,
    ),
    NoticeKind(
        "partners.lane-stopped-there",
        "read:partners",
        lambda p: (
            _("%(node)s stopped one of our lanes: %(reason)s.")
            % {"node": p["node"], "reason": stop_reason(p["reason"])}
        ),
        lambda _p: _("Check this node's database and clock, then speak with the partner's administrator."),
        _address,
    ),
    NoticeKind(
        "partners.key-changed",
        "read:partners",
        lambda p: _("%(node)s shows another key than the one that was compared.") % p,
        lambda _p: _("Nothing it signs with the new key is accepted. Telephone its administrator."),
        _address,
    ),
    NoticeKind(
        "partners.entry-unopened",
        "read:partners",
        lambda p: (
            _("Something of the kind %(kind)s from %(node)s was kept unopened: %(reason)s.")
            % {"kind": p["kind"], "node": p["node"], "reason": entry_reason(p["reason"])}
        ),
        lambda _p: _(
            "Speak with the partner's administrator about it: it stays here unopened, and they are told by receipt."
        ),
        _address,
    ),
    NoticeKind(
        "partners.entry-waits",
        "read:partners",
        lambda p: (
            _("Something of the kind %(kind)s from %(node)s has arrived but cannot be taken in yet.") % p
        ),
        lambda p: (
            _("It is tried again and again. The last problem: %(reason)s.")
            % {"reason": entry_reason(p["reason"]).rstrip(".")}
        ),
        _address,
    ),
)
