"""A policy that was compiled inside a transaction dies with it."""

from __future__ import annotations

import pytest
from django.db import transaction

from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.people.models import Organisation
from taawun.foundation.multilingual import Text
from tests.cast import agreement_in_force, partner


class _UndoneError(Exception):
    """Undoes a transaction."""


def test_a_policy_compiled_in_a_transaction_that_was_undone_is_not_used_again(node: Organisation) -> None:
    south = partner()
    with pytest.raises(_UndoneError), transaction.atomic():
        agreement_in_force(south, title=Text.of(en="Never agreed"))
        assert current_policy().parties == (south.node,)
        raise _UndoneError
    east = partner(nation="XE")
    agreement_in_force(east)
    assert current_policy().parties == (east.node,)
