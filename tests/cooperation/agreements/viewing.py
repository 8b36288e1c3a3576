"""Agreements as their pages show them, and what a browser would send back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from taawun.cooperation.agreements import actions
from taawun.cooperation.agreements.document import write
from taawun.cooperation.agreements.models import Agreement, PartyInstrument
from tests.cast import Cast, PartnerNode, document, instrument_kept, partner
from tests.pages import Markup, read

__all__ = ["LIST", "countered", "drafted", "edit_form", "page_of", "seen", "south"]

LIST = "/en/agreements/"


@pytest.fixture
def south(cast: Cast) -> PartnerNode:
    """The partner that these agreements are with."""
    return partner("Southern CERT")


def page_of(held: Agreement, step: str = "") -> str:
    return f"{LIST}{held.id}/{step}"


def seen(client: Client, path: str, status: int = 200) -> Markup:
    return read(client.get(path), status)


def drafted(cast: Cast, *others: PartnerNode) -> Agreement:
    return actions.draft(cast.officer.actor, document(*others))


def countered(held: Agreement, south: PartnerNode, note: str = "Thirty days, please.") -> PartyInstrument:
    """A counter-proposal as it would have been kept when it arrived."""
    about = held.versions.get()
    text = write(replace(about.document(), version=2, supersedes=about.digest, notice_days=30))
    actions.changed()
    return instrument_kept(south.node, held.id, about.digest, "countered", suggestion=text, note=note)


def edit_form(shown: Markup) -> dict[str, object]:
    """What a browser would send for the form of the editor: each field with what it holds."""
    found: dict[str, object] = {}
    for element, has in shown.elements:
        name = has.get("name", "")
        if element != "input" or not name or has.get("type") in {"search", "submit"}:
            continue
        if has.get("type") in {"checkbox", "radio"}:
            if "checked" in has:
                found.setdefault(name, [])
                held = found[name]
                assert isinstance(held, list)
                held.append(has["value"])
            continue
        found[name] = has.get("value", "")
    return {**_chosen(shown), **_written(shown), **found}


def _chosen(shown: Markup) -> dict[str, object]:
    found: dict[str, object] = {}
    select = ""
    for element, has in shown.elements:
        if element == "select":
            select = has["name"]
        if element == "option" and "selected" in has:
            found[select] = has["value"]
    return found


def _written(shown: Markup) -> dict[str, object]:
    return {has["name"]: shown.inside.get(has["name"], "") for has in shown.all("textarea")}
