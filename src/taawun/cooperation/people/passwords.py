"""How long a password is, said with the reader's digits; Django's own sentences write Western ones."""

from __future__ import annotations

from django.contrib.auth.password_validation import MinimumLengthValidator
from django.utils.translation import ngettext

from taawun.platform.web.formats import number

__all__ = ["LongEnough"]


class LongEnough(MinimumLengthValidator):
    """Refuses passwords of fewer characters than ``min_length``."""

    def get_error_message(self) -> str:
        """What is wrong with a shorter one."""
        told = ngettext(
            "This password is too short. It must contain at least %(shown)s character.",
            "This password is too short. It must contain at least %(shown)s characters.",
            self.min_length,
        )
        return told % {"shown": number(self.min_length)}

    def get_help_text(self) -> str:
        """The rule, beside the field."""
        told = ngettext(
            "Your password must contain at least %(shown)s character.",
            "Your password must contain at least %(shown)s characters.",
            self.min_length,
        )
        return told % {"shown": number(self.min_length)}
