"""A policy that was compiled inside a transaction dies with it."""

from __future__ import annotations

from django.db import transaction

from taawun.cooperation.agreements.queries import current_policy
from taawun.cooperation.people.models import Organisation
from tests.cast import agreement_in_force, partner


def test_a_policy_compiled_in_a_transaction_that_was_undone_is_not_used_again(node: Organisation) -> None:
    south, east = partner(nation="XS"), partner(nation="XE")
    with transaction.atomic():
        agreement_in_force(south)
        assert current_policy().parties == (south.node,)
        transaction.set_rollback(True)
    # as many changes as were undone: a count would stand where it stood inside the transaction
    agreement_in_force(east)
    assert current_policy().parties == (east.node,)
