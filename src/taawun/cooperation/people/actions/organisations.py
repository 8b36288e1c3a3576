"""Organisations whose people work here, the one that runs the node among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from taawun.cooperation.people.actions.editions import held_to
from taawun.cooperation.people.errors import PeopleError
from taawun.cooperation.people.models import Nation, Organisation
from taawun.cooperation.people.rules import ensure, holds_everywhere, holds_in, require
from taawun.foundation.nations import is_code
from taawun.platform.audit.actions import record

if TYPE_CHECKING:
    from collections.abc import Collection

    from taawun.cooperation.people.actors import Actor
    from taawun.foundation.multilingual import Text

__all__ = ["add_organisation", "change_organisation", "establish_host"]


@transaction.atomic
def establish_host(  # noqa: PLR0913 - each argument is one fact of the descriptor
    actor: Actor,
    *,
    names: Text,
    kind: Organisation.Kind,
    node_kind: Organisation.NodeKind,
    nation: str | None,
    nation_names: Text | None = None,
) -> Organisation:
    """Say which organisation runs this node; done once, by ``taawun init``.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: there is a host already, or a nation's node has no nation.
    """
    require(actor, "manage:people")
    if Organisation.objects.filter(is_host=True).exists():
        raise PeopleError(_("This node has its organisation already."))
    if node_kind == Organisation.NodeKind.NATION and not nation:
        raise PeopleError(_("A nation's node needs the nation's two-letter code."))
    if nation:
        _name_nation(actor, nation, nation_names)
    organisation = Organisation.objects.create(
        names=names.to_json(), kind=kind, node_kind=node_kind, nation_id=nation or None, is_host=True
    )
    record(actor, "people.host-established", f"urn:uuid:{organisation.id}", {"nation": nation or ""})
    return organisation


def _name_nation(actor: Actor, code: str, names: Text | None) -> None:
    """Write down a nation, and what it calls itself if that is known."""
    if not is_code(code):
        raise PeopleError(_("“%(code)s” is no code of ISO 3166-1.") % {"code": code[:20]})
    nation, created = Nation.objects.get_or_create(
        code=code, defaults={"names": names.to_json() if names else {}}
    )
    if names and nation.names != names.to_json():
        nation.names = names.to_json()
        nation.save(update_fields=["names"])
        created = True
    if created:
        record(actor, "people.nation-named", f"urn:taawun:nation:{code}", {})


@transaction.atomic
def add_organisation(
    actor: Actor,
    *,
    names: Text,
    kind: Organisation.Kind,
    nation: str | None,
    working_days: Collection[int] | None = None,
) -> Organisation:
    """Add an organisation whose people will work here.

    Args:
        actor: who adds it.
        names: what it is called.
        kind: what it is.
        nation: its nation's code; None where it has none.
        working_days: on which days it works, 0 is Monday; none where it works as its nation does.

    Raises:
        NotAllowed: the actor may not.
        PeopleError: the nation's code is none.
    """
    ensure(holds_everywhere(actor, "manage:people"))
    if nation:
        _name_nation(actor, nation, None)
    organisation = Organisation.objects.create(
        names=names.to_json(),
        kind=kind,
        nation_id=nation or None,
        working_days=sorted(set(working_days or ())),
    )
    record(actor, "people.organisation-added", f"urn:uuid:{organisation.id}", {})
    return organisation


@transaction.atomic
def change_organisation(  # noqa: PLR0913 - each argument is one fact of an organisation
    actor: Actor,
    organisation: Organisation,
    *,
    names: Text,
    kind: Organisation.Kind,
    nation: str | None,
    working_days: Collection[int] | None = None,
    edition: int | None = None,
) -> Organisation:
    """Change what an organisation is called, what it is, of which nation, and on which days it works.

    Args:
        actor: who changes it.
        organisation: which.
        names: what it is called.
        kind: what it is.
        nation: its nation's code; None where it has none.
        working_days: 0 is Monday; empty where it works as its nation does, None to leave them as they are.
        edition: the one the editor had before them; None where they are not held to it.

    Raises:
        NotAllowed: the actor may not; who manages one organisation alone may change its name and kind.
        EditedMeanwhile: somebody else changed it since.
        PeopleError: the nation's code is none, or it is the host of a nation's node, whose nation stays.
    """
    ensure(holds_in(actor, "manage:people", organisation.id))
    held = held_to(organisation, edition)
    if (nation or None) != held.nation_id:
        ensure(holds_everywhere(actor, "manage:people"))
        if held.is_host:
            raise PeopleError(_("A node speaks for its nation as long as it lives. Make another node."))
        if nation:
            _name_nation(actor, nation, None)
    held.names, held.kind, held.nation_id = names.to_json(), kind, nation or None
    if working_days is not None:
        held.working_days = sorted(set(working_days))
    held.edition += 1
    held.save(update_fields=["names", "kind", "nation", "working_days", "edition"])
    record(actor, "people.organisation-changed", f"urn:uuid:{held.id}", {"kind": str(kind)})
    return held
