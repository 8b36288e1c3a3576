"""What partners' administrators are told, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from taawun.cooperation.partners.identity.rotation import BY_RECOVERY
from taawun.cooperation.partners.wording import entry_reason, return_fault, stop_reason
from taawun.foundation.clock import parse_timestamp
from taawun.platform.notices.kinds import NoticeKind
from taawun.platform.web.formats import digits, filesize, moment

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS"]


def _address(params: Mapping[str, str]) -> str:
    return reverse("partner", kwargs={"partner_id": params["partner"]})


def _restart(params: Mapping[str, str]) -> str:
    return reverse("partner-restart", kwargs={"restart_id": params["reset"]})


def _named(params: Mapping[str, str], when: str) -> str:
    """A partner's name as it was noted for the reader's language."""
    return params.get(f"{when}_{get_language()}") or params.get(f"{when}_en", "")


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
        "partners.lane-forked",
        "read:partners",
        lambda p: (
            _(
                "%(node)s signed two different histories of one lane: %(shown_by)s was shown another entry "
                "%(seq)s than this node. The lane was stopped."
            )
            % {"node": p["node"], "shown_by": p["shown_by"], "seq": digits(p["seq"])}
        ),
        lambda _p: _(
            "Both signed words are kept here as proof, and its sender and other readers have them. Ask the "
            "administrators of both nodes what happened: the sender may have been set back to a backup, its key may be "
            "stolen, or it may lie. What came before that entry is kept; the lane starts again when both of you agree "
            "where."
        ),
        _address,
    ),
    NoticeKind(
        "partners.own-lane-forked",
        "read:partners",
        lambda p: (
            _(
                "%(node)s proves that this node signed two different histories of one of its lanes, at entry %(seq)s."
            )
            % {"node": p["node"], "seq": digits(p["seq"])}
        ),
        lambda _p: _(
            "This node was set back to an older backup, two nodes run with its key, or the key is stolen. Find out "
            "which before anything more is published, and speak with the readers of the lane."
        ),
        _address,
    ),
    NoticeKind(
        "partners.restart-proposed",
        "read:partners",
        lambda p: (
            _("%(node)s stopped a lane of this node at entry %(seq)s and asks to read on in it: %(reason)s.")
            % {"node": p["node"], "seq": digits(p["seq"]), "reason": stop_reason(p["reason"])}
        ),
        lambda _p: _(
            "Find out with its administrator what happened. Then answer: your node signs for the last entry on which "
            "both agree, and its administrator confirms."
        ),
        _restart,
    ),
    NoticeKind(
        "partners.restart-answered",
        "read:partners",
        lambda p: _("%(node)s has signed for the entry from which its stopped lane goes on.") % p,
        lambda _p: _("Look at what would be left behind, and confirm: the lane starts again then."),
        _restart,
    ),
    NoticeKind(
        "partners.lane-stale",
        "read:partners",
        lambda p: (
            _(
                "%(seen_by)s is shown more of a lane of %(node)s than this node: entry %(seq)s there, entry "
                "%(known)s here."
            )
            % {
                "seen_by": p["seen_by"],
                "node": p["node"],
                "seq": digits(p["seq"]),
                "known": digits(p["known"]),
            }
            if p["seq"] != p["known"]
            else _("%(seen_by)s hears from %(node)s, and this node has not for hours.")
            % {"seen_by": p["seen_by"], "node": p["node"]}
        ),
        lambda _p: _(
            "Its sender withholds it, or the line to it is down. Ask its administrator; this is over by itself when it "
            "comes here too."
        ),
        _address,
    ),
    NoticeKind(
        "partners.lanes-stopped",
        "read:partners",
        lambda p: _("Further lanes of %(node)s were stopped.") % p,
        lambda _p: _(
            "The partner's page says of each why. Ask the partner's administrator what happened, and block the partner "
            "if it does not end."
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
        "partners.two-claims",
        "read:partners",
        lambda p: _("Two keys say that they are the node %(node)s.") % p,
        lambda _p: _(
            "Only one can be right, and nothing of the second was taken. Telephone its administrator and compare the "
            "fingerprint; if the one here is not theirs, forget it on the partner's page."
        ),
        _address,
    ),
    NoticeKind(
        "partners.retired-key",
        "read:partners",
        lambda p: _("%(node)s shows a key that it had replaced.") % p,
        lambda _p: _(
            "Nothing new that it signs with that key is accepted. Either its node was restored from an old backup, or "
            "somebody has its old key. Telephone its administrator."
        ),
        _address,
    ),
    NoticeKind(
        "partners.key-rotated",
        "read:partners",
        lambda p: (
            (
                _("%(node)s signs with a new key; its recovery key says so.")
                if p["by"] == BY_RECOVERY
                else _("%(node)s signs with a new key; its old key says so.")
            )
            % p
        ),
        lambda _p: _(
            "Nothing needs to be compared again: trust and agreements go on. If its administrator knows nothing of it, "
            "block the partner."
        ),
        _address,
    ),
    NoticeKind(
        "partners.key-revoked",
        "read:partners",
        lambda p: (
            _("%(node)s revoked its key since %(since)s and signs with a new one.")
            % {"node": p["node"], "since": moment(parse_timestamp(p["since"]))}
        ),
        lambda _p: _(
            "What came under the old key after that is in quarantine. Ask its administrator what of it is genuine, "
            "then take it in or drop it."
        ),
        _address,
    ),
    NoticeKind(
        "partners.quarantined",
        "read:partners",
        lambda p: _("Something that came from %(node)s under a key it revoked since is in quarantine.") % p,
        lambda _p: _(
            "Nobody reads it, and it counts for nothing. Ask the partner's administrator what of it is genuine, then "
            "take it in or drop it."
        ),
        lambda p: reverse("partner-quarantine", kwargs={"partner_id": p["partner"]}),
    ),
    NoticeKind(
        "partners.recovery-key-changed",
        "read:partners",
        lambda p: _("%(node)s has a new recovery key; the old one and its key say so.") % p,
        lambda _p: _("Nothing needs to be done, unless its administrator knows nothing of it."),
        _address,
    ),
    NoticeKind(
        "partners.recovery-unproven",
        "read:partners",
        lambda p: _("%(node)s names another recovery key than the one that was pinned.") % p,
        lambda _p: _(
            "The pinned one stays, and the other counts for nothing. Telephone its administrator: somebody may have "
            "its key."
        ),
        _address,
    ),
    NoticeKind(
        "partners.renamed",
        "read:partners",
        lambda p: (
            _("%(node)s calls itself otherwise: it was %(before)s and is now %(after)s.")
            % {"node": p["node"], "before": _named(p, "before"), "after": _named(p, "after")}
        ),
        lambda _p: _(
            "Its key is the one that was compared, and agreements name it by address and key. Ask its administrator "
            "whether the change is meant."
        ),
        _address,
    ),
    NoticeKind(
        "partners.too-many-lanes",
        "read:partners",
        lambda p: (
            _("%(node)s offers more than %(most)s lanes; the further ones are not read.")
            % {"node": p["node"], "most": digits(p["most"])}
        ),
        lambda _p: _(
            "What it sends on them does not arrive. Ask its administrator why it needs so many: each agreement, clause "
            "and choice of readers is one lane."
        ),
        _address,
    ),
    NoticeKind(
        "partners.disk-full",
        "read:partners",
        lambda p: (
            _("Nothing is read from partners: the disk of this node has less than %(size)s free.")
            % {"size": filesize(int(p["most"]))}
        ),
        lambda _p: _(
            "Make room on the disk. Nothing is lost: what partners have sent waits with them, and is read by itself "
            "then."
        ),
        lambda _p: reverse("partners"),
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
    NoticeKind(
        "partners.returning",
        "read:partners",
        lambda _p: _(
            "This node was restored from a backup. It says nothing until its partners have told it what it had said "
            "since."
        ),
        lambda _p: _(
            "It asks them by itself. Where one of them is gone for good, an administrator need not wait for it; what "
            "is written here meanwhile is kept."
        ),
        lambda _p: reverse("partners"),
    ),
    NoticeKind(
        "partners.own-key-forgotten",
        "manage:partners",
        lambda p: (
            (
                _(
                    "This node signs with a key that was revoked after the backup from which it was restored: %(node)s "
                    "shows the proof."
                )
                if "since" in p
                else _("Somebody has let another key follow the key of this node: %(node)s shows the proof.")
                if "elsewhere" in p
                else _(
                    "This node signs with a key that was replaced after the backup from which it was restored: "
                    "%(node)s shows the proof."
                )
            )
            % p
        ),
        lambda _p: _(
            "Who knows that believes nothing it signs. Put the key that it signed with last back; if that is lost, run "
            "taawun key rotate with the recovery key. If nobody here replaced the key, it was stolen: run taawun key "
            "revoke."
        ),
        lambda _p: reverse("own-keys"),
    ),
    NoticeKind(
        "partners.own-key-disputed",
        "manage:partners",
        lambda p: (
            _(
                "%(node)s and %(other)s show two different keys that followed the key of this node after the backup."
            )
            % p
        ),
        lambda _p: _(
            "One of the two has the old key, or believes somebody who has it. Speak with both administrators, and wait "
            "no longer for the one that is wrong, on its page. Where nobody can tell, run taawun key revoke with the "
            "recovery key: both believe that."
        ),
        lambda _p: reverse("partners"),
    ),
    NoticeKind(
        "partners.return-doubted",
        "manage:partners",
        lambda p: (
            ngettext(
                "%(number)s entry that partners told this node it had said is signed with a key that was revoked.",
                "%(number)s entries that partners told this node it had said are signed with a key that was revoked.",
                int(p["count"]),
            )
            % {"number": digits(int(p["count"]))}
        ),
        lambda _p: _(
            "Nobody can tell them from the word of a thief. Their lanes are not continued, and the trail names the "
            "entries. Withdraw what nobody here published."
        ),
        lambda _p: reverse("partners"),
    ),
    NoticeKind(
        "partners.return-refused",
        "read:partners",
        lambda p: (
            _("What %(node)s says that this node said before it was restored was not taken: %(reason)s.")
            % {"node": p["node"], "reason": return_fault(p["reason"])}
        ),
        lambda _p: _(
            "Nothing of it was believed. Speak with the partner's administrator. If somebody else signs with this "
            "node's key, or a second copy of it runs, stop it and change the key."
        ),
        _address,
    ),
)
