"""The pages of agreements."""

from taawun.cooperation.agreements.views.drafting import edit, new
from taawun.cooperation.agreements.views.lists import agreements
from taawun.cooperation.agreements.views.reading import agreement, compare, version
from taawun.cooperation.agreements.views.steps import (
    adopt,
    approve,
    counter,
    decline,
    propose,
    resume,
    suspend,
    terminate,
)

__all__ = [
    "adopt",
    "agreement",
    "agreements",
    "approve",
    "compare",
    "counter",
    "decline",
    "edit",
    "new",
    "propose",
    "resume",
    "suspend",
    "terminate",
    "version",
]
