"""What the reads of agreements answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taawun.cooperation.agreements.queries import party_name
from tests.cast import partner

if TYPE_CHECKING:
    from pytest_django.fixtures import Settings

    from tests.cast import Cast


def test_a_guest_is_called_by_its_ref_and_the_name_of_its_host_also_where_that_is_this_node(
    cast: Cast, settings: Settings
) -> None:
    south = partner("Southern CERT", nation="XS")
    known = {south.node: south.row}
    assert party_name(f"{settings.BASE_URL}#uni", known) == "uni, guest of Northern CERT"
    assert party_name(f"{south.node}#lab", known) == "lab, guest of Southern CERT"
    assert party_name("https://unknown.example#lab", known) == "lab, guest of https://unknown.example"
