"""What the reads of agreements answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from taawun.cooperation.agreements.document import Party
from taawun.cooperation.agreements.queries import party_name
from taawun.foundation.multilingual import Text
from tests.cast import agreement_in_force, agreement_proposed, document, partner

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


def test_who_is_no_partner_and_who_is_a_guest_are_called_as_the_agreements_do_that_this_node_signed(
    cast: Cast, settings: Settings
) -> None:
    south, east = partner("Southern CERT", nation="XS"), partner("Eastern CERT", nation="XE")
    text = document(south, east)
    uni = Party("uni", "guest", "", "us", "XN", Text.of(en="Northern University"), "")
    # what is only proposed gives nobody a name
    agreement_in_force(south, east, parties=(*text.parties, uni))
    lying = tuple(
        replace(each, organisation=Text.of(en="A lie"))
        for each in (*document(south, east, depositary=south).parties, uni)
    )
    agreement_proposed(south, east, depositary=south, parties=lying)
    known = {south.node: south.row}
    assert party_name(east.node, known) == "Eastern CERT"
    assert party_name(f"{settings.BASE_URL}#uni", known) == "Northern University, guest of Northern CERT"
