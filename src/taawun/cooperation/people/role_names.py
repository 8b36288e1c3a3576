"""What a role is called, as the person who has it is addressed.

By default by its field (“analysis”), which fits everybody; in the feminine or the masculine where they chose it. The
words differ only in languages that have two forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import pgettext_lazy

from taawun.cooperation.people.permissions import Role
from taawun.platform.web.reader import Addressed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrOrPromise

__all__ = ["role_name"]

# Translators: the role of a woman
_FEMININE: Final[Mapping[Role, _StrOrPromise]] = {
    Role.ADMINISTRATOR: pgettext_lazy("of a woman", "administrator"),
    Role.ANALYST: pgettext_lazy("of a woman", "analyst"),
    Role.RESEARCHER: pgettext_lazy("of a woman", "researcher"),
    Role.INSTRUCTOR: pgettext_lazy("of a woman", "instructor"),
    Role.TRAINEE: pgettext_lazy("of a woman", "trainee"),
    Role.CONTROLLER: pgettext_lazy("of a woman", "exercise controller"),
    Role.DELEGATE: pgettext_lazy("of a woman", "delegate"),
    Role.OFFICER: pgettext_lazy("of a woman", "agreements officer"),
    Role.POLICYMAKER: pgettext_lazy("of a woman", "policymaker"),
    Role.EDITOR: pgettext_lazy("of a woman", "standards editor"),
    Role.ORGANISER: pgettext_lazy("of a woman", "organiser"),
    Role.OBSERVER: pgettext_lazy("of a woman", "observer"),
}
# Translators: the role of a man
_MASCULINE: Final[Mapping[Role, _StrOrPromise]] = {
    Role.ADMINISTRATOR: pgettext_lazy("of a man", "administrator"),
    Role.ANALYST: pgettext_lazy("of a man", "analyst"),
    Role.RESEARCHER: pgettext_lazy("of a man", "researcher"),
    Role.INSTRUCTOR: pgettext_lazy("of a man", "instructor"),
    Role.TRAINEE: pgettext_lazy("of a man", "trainee"),
    Role.CONTROLLER: pgettext_lazy("of a man", "exercise controller"),
    Role.DELEGATE: pgettext_lazy("of a man", "delegate"),
    Role.OFFICER: pgettext_lazy("of a man", "agreements officer"),
    Role.POLICYMAKER: pgettext_lazy("of a man", "policymaker"),
    Role.EDITOR: pgettext_lazy("of a man", "standards editor"),
    Role.ORGANISER: pgettext_lazy("of a man", "organiser"),
    Role.OBSERVER: pgettext_lazy("of a man", "observer"),
}


def role_name(role: str, addressed: Addressed) -> str:
    """What a role is called.

    Args:
        role: a value of :class:`Role`.
        addressed: how the person who has it is addressed.
    """
    named = {Addressed.FEMININE: _FEMININE, Addressed.MASCULINE: _MASCULINE}.get(addressed)
    return str(named[Role(role)] if named else Role(role).label)
