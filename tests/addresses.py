"""Every address of the node, and what opens it: the table of ``test_every_address.py``, one line an address.

A new address needs a line here. The line names the permission that opens each method, or one of the words below.
Whoever lacks it is turned away: strangers to the sign-in page (pages) or with 401 (machines), members with 403.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from taawun.cooperation.people.permissions import Role, matrix

__all__ = [
    "ADDRESSES",
    "CAST",
    "GUEST",
    "NOTHING",
    "OFF",
    "OWN",
    "PUBLIC",
    "SIGNED",
    "SIGNED_IN",
    "Address",
    "filled",
    "holders",
]

PUBLIC: Final = "public"  # everybody
SIGNED_IN: Final = "signed in"  # everybody whom this node knows
OWN: Final = "own"  # only whose it is: the analyst's; to others it is not there
SIGNED: Final = "signed by a partner"
GUEST: Final = "a guest of this node"  # by its token, which opens nothing else
NOTHING: Final = "nothing"  # there is nothing at this address for anybody: 404
OFF: Final = "off"  # there is nothing unless a setting says so, also for whom this node does not know: 404


@dataclass(frozen=True, slots=True)
class Address:
    """One address.

    Args:
        route: as in the URL map, of pages without the language.
        get: what opens it for reading; empty where it is not read. Alternatives stand beside each other: ``a | b``.
        post: the same for POST.
        put: the same for PUT.
        patch: the same for PATCH.
        delete: the same for DELETE.
        unseen: a permission without which what the address is about is not told apart from nothing (404).
        is_inside: whether what it is about stays inside its organisation; to others it is not there either.
        is_theirs: whether those of another organisation see what it is about, and may not change it.
        body: what a POST, PUT or PATCH carries; ``{name}`` stands for a thing of the tests' world.
        query: what a GET asks.
        opened: what a GET answers to those who may.
        is_from_elsewhere: whether forms of other sites are meant to come here; what they carry proves itself.
        things: for parameters of the route whose usual thing does not fit here: the name of another.
    """

    route: str
    get: str = ""
    post: str = ""
    put: str = ""
    patch: str = ""
    delete: str = ""
    unseen: str = ""
    is_inside: bool = False
    is_theirs: bool = False
    body: Mapping[str, object] = field(default_factory=dict)
    query: str = ""
    opened: tuple[int, ...] = (200,)
    is_from_elsewhere: bool = False
    things: Mapping[str, str] = field(default_factory=dict)

    @property
    def methods(self) -> dict[str, str]:
        """What opens each method that it takes."""
        given = {
            "GET": self.get,
            "POST": self.post,
            "PUT": self.put,
            "PATCH": self.patch,
            "DELETE": self.delete,
        }
        return {method: opener for method, opener in given.items() if opener}

    @property
    def is_page(self) -> bool:
        """Whether it is for people, below a language."""
        return not self.route.startswith(
            ("api/", "^api", "federation/", ".well-known/", "healthz", "readyz", "metrics")
        )

    @property
    def is_borrowed(self) -> bool:
        """Whether its view is allauth's: such views take methods that they do not need."""
        return self.route.startswith("account/")

    def path(self, things: Mapping[str, str], language: str = "en") -> str:
        """Where it is, with these things in it.

        Args:
            things: for each parameter of the route, something.
            language: of a page.
        """

        def thing(found: re.Match[str]) -> str:
            name = found["name"]
            return quote(things[self.things.get(name, name)])

        if self.route.startswith("^"):
            return "/api/nothing"
        plain = re.sub(r"\(\?P<(\w+)>(?:[^()]|\\.)+\)", r"<\1>", self.route).replace("^", "").replace("$", "")
        path = re.sub(r"<(?:\w+:)?(?P<name>\w+)>", thing, plain)
        return f"/{language}/{path}" if self.is_page else f"/{path}"


def filled(value: Any, things: Mapping[str, str]) -> Any:
    """A body or a query with these things in the place of their names in braces."""
    # Any: JSON of any shape, a thing's name in braces anywhere in it
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: things[found[1]], value)
    if isinstance(value, list):
        return [filled(each, things) for each in value]
    if isinstance(value, Mapping):
        return {name: filled(each, things) for name, each in value.items()}
    return value


# the role of each of the cast that comes with one, and whether it is held in the organisation that runs the node
CAST: Final[Mapping[str, tuple[Role, bool]]] = {
    "administrator": (Role.ADMINISTRATOR, True),
    "analyst": (Role.ANALYST, True),
    "named": (Role.ANALYST, True),
    "officer": (Role.OFFICER, True),
    "observer": (Role.OBSERVER, True),
    "trainee": (Role.TRAINEE, True),
    "outsider": (Role.ANALYST, False),
}


def holders() -> dict[str, frozenset[str]]:
    """Who of the cast holds each permission, by the node's own matrix."""
    held = {name: matrix().given_to(role, in_host=in_host) for name, (role, in_host) in CAST.items()}
    return {
        permission: frozenset(name for name, its in held.items() if permission in its)
        for permission in matrix().names
    }


_CONTACT: Final = {
    "name": {"en": "Duty officer"},
    "zone": "Asia/Kuala_Lumpur",
    "is_always": True,
    "phone": "+60 3 1234 5678",
}
_PROVIDER: Final = {"name": "Ours", "issuer": "https://id.new.example", "client": "taawun"}
_REPORT: Final = {"title": "A title", "tlp": "TLP:GREEN", "object_ids": ["{stix_id}"]}
_OFFER: Final = {
    "kind": "intel.report",
    "subject": "urn:x",
    "tlp": "TLP:GREEN",
    "content": {"type": "bundle"},
}
# signs in, signs out and keeps one's own keys; allauth asks again for a password or a passkey before it shows keys
_AGAIN: Final = (302,)

ADDRESSES: Final = (
    # ---- the node -----------------------------------------------------------------------------------------------
    Address("healthz", get=PUBLIC),
    Address("readyz", get=PUBLIC),
    Address("metrics", get=OFF),
    # ---- the protocol between nodes -----------------------------------------------------------------------------
    Address(".well-known/taawun", get=PUBLIC),
    Address("federation/lanes", get=SIGNED),
    Address("federation/lanes/<uuid:lane_id>", get=SIGNED),
    Address("federation/blobs/<str:digest>", get=SIGNED, put=SIGNED),
    Address("federation/inbox", post=SIGNED),
    Address("federation/public", get=PUBLIC),
    # what stands there by its digest; this one stands nowhere
    Address("federation/public/<str:digest>", get=PUBLIC, opened=(404,)),
    Address("federation/held", get=SIGNED, post=SIGNED, body={"lanes": []}),
    Address("federation/held/<uuid:lane_id>", get=SIGNED, post=SIGNED, opened=(404,)),
    Address("federation/held/<uuid:lane_id>/<str:digest>", get=SIGNED, opened=(404,)),
    # ---- the machine interface: itself --------------------------------------------------------------------------
    Address("api/v1/", get=PUBLIC, opened=(302,)),
    Address("api/v1/openapi.json", get=PUBLIC),
    Address("api/v1/docs", get=PUBLIC),
    Address("^api(?:/.*)?$", get=NOTHING, post=NOTHING, put=NOTHING, patch=NOTHING, delete=NOTHING),
    # ---- the machine interface: people --------------------------------------------------------------------------
    Address(
        "api/v1/me/notifications",
        get=SIGNED_IN,
        put=SIGNED_IN,
        body={"kinds": {}, "summary": {"rhythm": "weekly", "hour": 7}},
    ),
    Address("api/v1/me", get=SIGNED_IN, patch=SIGNED_IN, body={"name": "Another name", "language": "fr"}),
    Address(
        "api/v1/tokens",
        get=SIGNED_IN,
        post=SIGNED_IN,
        body={"name": "another", "scopes": ["read:people"], "days": 1},
    ),
    Address("api/v1/tokens/<uuidstr:token_id>", delete=f"{OWN} | manage:people"),
    Address("api/v1/permissions", get="manage:people"),
    Address("api/v1/people", get="read:people"),
    Address("api/v1/people/<uuidstr:person_id>", get="read:people"),
    Address(
        "api/v1/people/<uuidstr:person_id>/roles",
        post="manage:people",
        body={"organisation": "{organisation_id}", "role": "analyst"},
    ),
    Address("api/v1/people/<uuidstr:person_id>/roles/<int:membership_id>", delete="manage:people"),
    Address(
        "api/v1/people/<uuidstr:person_id>/organisations/<uuidstr:organisation_id>",
        put="manage:people",
        delete="manage:people",
        body={"roles": ["observer"]},
        things={"organisation_id": "host_id"},
    ),
    Address(
        "api/v1/people/<uuidstr:person_id>/move",
        post="manage:people",
        body={"before": "{host_id}", "after": "{organisation_id}", "roles": ["observer"]},
    ),
    Address("api/v1/people/<uuidstr:person_id>/disable", post="manage:people"),
    Address("api/v1/people/<uuidstr:person_id>/enable", post="manage:people"),
    Address(
        "api/v1/organisations", get="read:people", post="manage:people", body={"name": {"en": "Ministry"}}
    ),
    Address(
        "api/v1/organisations/<uuidstr:organisation_id>",
        get="read:people",
        put="manage:people",
        body={"name": {"en": "Ministry"}},
    ),
    Address(
        "api/v1/organisations/<uuidstr:organisation_id>/contacts",
        get="read:people",
        post="manage:contacts",
        body=_CONTACT,
    ),
    Address(
        "api/v1/contacts/<uuidstr:contact_id>", put="manage:contacts", delete="manage:contacts", body=_CONTACT
    ),
    Address(
        "api/v1/contacts/<uuidstr:contact_id>/test", post="manage:contacts", body={"outcome": "answered"}
    ),
    Address("api/v1/identity-providers", get="manage:people", post="manage:people", body=_PROVIDER),
    Address(
        "api/v1/identity-providers/<uuidstr:provider_id>",
        put="manage:people",
        delete="manage:people",
        body=_PROVIDER,
    ),
    Address("api/v1/nations", get="read:people"),
    Address("api/v1/nations/<code>", get="read:people"),
    Address("api/v1/communities", get="read:people", post="manage:communities", body={"code": "oic"}),
    Address(
        "api/v1/communities/<uuidstr:community_id>",
        get="read:people",
        patch="manage:communities",
        body={"name": {"en": "The Union"}},
    ),
    Address("api/v1/communities/<uuidstr:community_id>/members", get="read:people"),
    Address(
        "api/v1/communities/<uuidstr:community_id>/spans",
        get="read:people",
        post="manage:communities",
        body={"nation": "XE", "standing": "member"},
    ),
    Address("api/v1/communities/<uuidstr:community_id>/spans/<uuidstr:span_id>", delete="manage:communities"),
    Address(
        "api/v1/communities/<uuidstr:community_id>/spans/<uuidstr:span_id>/end",
        post="manage:communities",
        body={"until": "2026-01-31"},
    ),
    Address(
        "api/v1/communities/<uuidstr:community_id>/roll",
        get="read:people",
        put="manage:communities",
        body={"spans": []},
    ),
    Address(
        "api/v1/invitations",
        get="manage:people",
        post="manage:people",
        body={"email": "new@cert.example", "roles": ["administrator"]},
    ),
    Address("api/v1/invitations/<uuidstr:invitation_id>", delete="manage:people"),
    # ---- the machine interface: partners ------------------------------------------------------------------------
    Address("api/v1/node", get="read:partners"),
    Address(
        "api/v1/partners",
        get="read:partners",
        post="manage:partners",
        body={"node": "https://new.example"},
    ),
    Address("api/v1/partners/<uuidstr:partner_id>", get="read:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/verify", post="manage:partners", body={"kid": "{kid}"}),
    Address("api/v1/partners/<uuidstr:partner_id>/forget", post="manage:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/follow", post="manage:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/unfollow", post="manage:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/block", post="manage:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/unblock", post="manage:partners"),
    # nobody is waited for in this world
    Address("api/v1/partners/<uuidstr:partner_id>/give-up", post="manage:partners", opened=(409,)),
    Address("api/v1/partners/<uuidstr:partner_id>/lanes", get="read:partners"),
    Address("api/v1/return", get="read:partners"),
    Address("api/v1/node/keys", get="manage:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/keys", get="read:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/quarantine", get="manage:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/quarantine/take-in", post="manage:partners", body={}),
    Address("api/v1/partners/<uuidstr:partner_id>/quarantine/drop", post="manage:partners", body={}),
    Address("api/v1/partners/<uuidstr:partner_id>/restarts", get="read:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/forks", get="read:partners"),
    Address(
        "api/v1/partners/<uuidstr:partner_id>/lanes/<uuidstr:lane_id>/restart",
        post="manage:partners",
        things={"lane_id": "stopped_lane_id"},
    ),
    Address(
        "api/v1/partners/<uuidstr:partner_id>/statements",
        post="manage:partners",
        body={"statement": "{statement}"},
    ),
    Address("api/v1/restarts/<uuidstr:restart_id>", get="read:partners"),
    Address("api/v1/restarts/<uuidstr:restart_id>/answer", post="manage:partners"),
    Address("api/v1/restarts/<uuidstr:restart_id>/confirm", post="manage:partners"),
    # ---- the machine interface: agreements ----------------------------------------------------------------------
    Address(
        "api/v1/agreements",
        get="read:agreements",
        post="write:agreements",
        body={"template": "early-warning", "partners": ["{partner_id}"]},
    ),
    Address("api/v1/agreement-templates", get="read:agreements"),
    Address("api/v1/agreements/<uuidstr:agreement_id>", get="read:agreements"),
    Address("api/v1/agreements/<uuidstr:agreement_id>/versions/<int:number>", get="read:agreements"),
    Address("api/v1/agreements/<uuidstr:agreement_id>/versions/<int:number>/text", get="read:agreements"),
    Address("api/v1/agreements/<uuidstr:agreement_id>/versions/<int:number>/paper", get="read:agreements"),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/draft/paper",
        get="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/compare", get="read:agreements", query="before=1&after=1"
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/draft",
        get="write:agreements",
        put="write:agreements",
        delete="write:agreements",
        body={"document": {}},
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/propose",
        post="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/counter",
        post="write:agreements",
        body={"document": {}, "note": ""},
        things={"agreement_id": "proposed_id"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/adopt",
        post="write:agreements",
        body={"suggestion": "{instrument_id}"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/turn-down",
        post="write:agreements",
        body={"suggestion": "{instrument_id}", "note": ""},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/approve",
        post="approve:agreements",
        body={"digest": "{proposed_digest}"},
        things={"agreement_id": "proposed_id"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/decline",
        post="approve:agreements",
        things={"agreement_id": "proposed_id"},
    ),
    Address("api/v1/agreements/<uuidstr:agreement_id>/suspend", post="approve:agreements"),
    Address("api/v1/agreements/<uuidstr:agreement_id>/resume", post="approve:agreements"),
    Address("api/v1/agreements/<uuidstr:agreement_id>/terminate", post="approve:agreements"),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/ratify",
        post="approve:agreements",
        body={"digest": "{proposed_digest}"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/accede",
        post="approve:agreements",
        body={"digest": "{proposed_digest}"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/invite",
        post="approve:agreements",
        body={"partner": "{partner_id}", "ref": "new"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/newcomers",
        get="approve:agreements",
        post="approve:agreements",
        delete="approve:agreements",
        body={"party": "{newcomer}", "reads_earlier": False},
        query="party={newcomer}",
        things={"agreement_id": "joined_id"},
    ),
    Address("api/v1/agreements/<uuidstr:agreement_id>/leave", post="approve:agreements"),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/declare",
        post="approve:agreements",
        body={"narrows": [{"clause": "1", "direction": "gives", "closes": True}]},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/lift",
        post="approve:agreements",
        body={"declaration": "{instrument_id}"},
    ),
    Address(
        "api/v1/agreements/<uuidstr:agreement_id>/scan",
        get="read:agreements",
        put="write:agreements",
        opened=(404,),
    ),
    # ---- the machine interface: federation ----------------------------------------------------------------------
    Address(
        "api/v1/federation/decide", post="read:agreements", body={"kind": "intel.report", "tlp": "TLP:GREEN"}
    ),
    Address("api/v1/federation/releases", get="read:federation"),
    Address("api/v1/federation/releases/<uuidstr:release_id>", get="read:federation"),
    Address(
        "api/v1/federation/releases/<uuidstr:release_id>/onward",
        get="read:agreements",
        post="publish:intel",
        things={"release_id": "carried_id"},
    ),
    Address(
        "api/v1/federation/releases/<uuidstr:release_id>/onward/withdraw",
        post="publish:intel",
        body={"reason": "a mistake"},
        things={"release_id": "carried_id"},
    ),
    Address(
        "api/v1/federation/releases/<uuidstr:release_id>/public",
        post="publish:public",
        things={"release_id": "public_id"},
    ),
    Address("api/v1/federation/public/waiting", get="publish:public"),
    # nothing waits in this world
    Address("api/v1/federation/public/waiting/put-back", post="publish:public", body={"releases": []}),
    Address("api/v1/federation/public/waiting/leave-off", post="publish:public", body={"releases": []}),
    Address("api/v1/federation/releases/<uuidstr:release_id>/reach", get="read:federation"),
    Address("api/v1/federation/agreements/<uuidstr:agreement_id>/duties", get="read:federation"),
    Address("api/v1/federation/releases/<uuidstr:release_id>/passages", get="read:federation"),
    Address("api/v1/federation/releases/<uuidstr:release_id>/receipts", get="read:federation"),
    Address("api/v1/federation/releases/<uuidstr:release_id>/readings", get="read:federation"),
    Address("api/v1/federation/guests", get="read:federation"),
    Address(
        "api/v1/federation/guests/tokens",
        get="manage:guests",
        post="manage:guests",
        body={"agreement": "{hosting_id}", "guest": "uni", "name": "a reader"},
    ),
    Address(
        "api/v1/federation/guests/tokens/<uuidstr:token_id>",
        delete="manage:guests",
        things={"token_id": "guest_token_id"},
    ),
    # ---- the machine interface: what a guest may ask ------------------------------------------------------------
    Address("api/v1/guest/agreement", get=GUEST),
    Address("api/v1/guest/agreement/text", get=GUEST),
    Address("api/v1/guest/releases", get=GUEST, post=GUEST, body=_OFFER),
    Address("api/v1/guest/contents/<digest>", get=GUEST, things={"digest": "guest_digest"}),
    Address("api/v1/guest/withdrawals", get=GUEST),
    Address("api/v1/guest/given", get=GUEST),
    Address(
        "api/v1/guest/given/<uuidstr:release_id>/withdraw",
        post=GUEST,
        body={"reason": "wrong"},
        things={"release_id": "guest_given_id"},
    ),
    # ---- the machine interface: intelligence --------------------------------------------------------------------
    Address("api/v1/intel/imports", get="write:intel", post="write:intel", query="tlp=TLP:GREEN"),
    Address("api/v1/intel/imports/<uuidstr:import_id>", get="write:intel", is_inside=True),
    Address("api/v1/intel/imports/<uuidstr:import_id>/issues", get="write:intel", is_inside=True),
    Address("api/v1/intel/objects", get="read:intel"),
    Address("api/v1/intel/objects/<stix_id>", get="read:intel"),
    Address("api/v1/intel/objects/<stix_id>/versions", get="read:intel"),
    Address("api/v1/intel/objects/<stix_id>/relations", get="read:intel"),
    Address("api/v1/partners/<uuidstr:partner_id>/lane-files", get="manage:partners"),
    Address("api/v1/partners/<uuidstr:partner_id>/lane-files/<uuidstr:lane_id>", post="manage:partners"),
    Address("api/v1/lane-files", post="manage:partners"),
    Address("api/v1/intel/objects/<stix_id>/count", post="publish:intel"),
    Address("api/v1/intel/objects/<stix_id>/count/preview", post="publish:intel"),
    Address("api/v1/intel/reports", get="read:intel", post="write:intel", body=_REPORT),
    Address("api/v1/intel/reports/<uuidstr:report_id>", get="read:intel", put="write:intel", body=_REPORT),
    Address("api/v1/intel/reports/<uuidstr:report_id>/bundle", get="read:intel"),
    Address("api/v1/intel/reports/<uuidstr:report_id>/preview", post="publish:intel"),
    Address("api/v1/intel/reports/<uuidstr:report_id>/publish", post="publish:intel"),
    Address(
        "api/v1/intel/reports/<uuidstr:report_id>/withdraw",
        post="publish:intel",
        body={"reason": "wrong"},
        things={"report_id": "published_id"},
    ),
    Address(
        "api/v1/intel/sightings",
        get="read:intel",
        post="write:intel",
        body={"of": "{stix_id}"},
        query="of={stix_id}",
    ),
    Address("api/v1/intel/sightings/<uuidstr:sighting_id>/outcome", get="write:intel"),
    # ---- the machine interface: notices, trail, work ------------------------------------------------------------
    Address("api/v1/notices", get=SIGNED_IN),
    Address(
        "api/v1/notices/<uuidstr:notice_id>/reopen",
        post="manage:notices",
        unseen="read:federation",
        things={"notice_id": "settled_notice_id"},
    ),
    Address("api/v1/notices/<uuidstr:notice_id>/resolve", post="manage:notices", unseen="read:federation"),
    Address("api/v1/audit", get="read:audit"),
    Address("api/v1/audit/chain", get="read:audit", post="read:audit"),
    Address("api/v1/jobs/<uuidstr:job_id>", get=SIGNED_IN, unseen="write:intel", is_inside=True),
    # ---- pages: the node ----------------------------------------------------------------------------------------
    Address("", get=SIGNED_IN),
    Address("guide/", get=SIGNED_IN, post=SIGNED_IN),
    Address("search/", get=SIGNED_IN, query="q=wanted"),
    Address("components/", get=SIGNED_IN),
    Address("audit/", get="read:audit"),
    Address("audit/chain/", post="read:audit"),
    Address("notices/", get=SIGNED_IN),
    Address("notices/history/", get=SIGNED_IN),
    Address(
        "notices/<uuid:notice_id>/reopen/",
        post="manage:notices",
        unseen="read:federation",
        things={"notice_id": "settled_notice_id"},
    ),
    Address("notices/resolve/", post="manage:notices"),
    Address("notices/<uuid:notice_id>/resolve/", post="manage:notices", unseen="read:federation"),
    # ---- pages: people ------------------------------------------------------------------------------------------
    Address("people/", get="read:people"),
    Address("people/permissions/", get="manage:people"),
    Address("people/providers/", get="manage:people"),
    Address("people/providers/new/", get="manage:people", post="manage:people"),
    Address("people/providers/<uuid:provider_id>/", get="manage:people", post="manage:people"),
    Address("people/providers/<uuid:provider_id>/remove/", get="manage:people", post="manage:people"),
    Address("people/organisations/", get="read:people"),
    Address("people/organisations/new/", get="manage:people", post="manage:people"),
    Address("people/organisations/<uuid:organisation_id>/", get="read:people"),
    Address("people/organisations/<uuid:organisation_id>/change/", get="manage:people", post="manage:people"),
    Address(
        "people/organisations/<uuid:organisation_id>/contacts/new/",
        get="manage:contacts",
        post="manage:contacts",
    ),
    Address("people/contacts/<uuid:contact_id>/", get="manage:contacts", post="manage:contacts"),
    Address("people/contacts/<uuid:contact_id>/test/", get="manage:contacts", post="manage:contacts"),
    Address("people/contacts/<uuid:contact_id>/remove/", get="manage:contacts", post="manage:contacts"),
    Address("people/nations/", get="read:people"),
    Address("people/nations/<str:code>/", get="read:people"),
    Address("people/communities/", get="read:people"),
    Address("people/communities/new/", get="manage:communities", post="manage:communities"),
    Address("people/communities/shipped/", post="manage:communities", body={"code": "oic"}),
    Address("people/communities/<uuid:community_id>/", get="read:people"),
    Address(
        "people/communities/<uuid:community_id>/name/", get="manage:communities", post="manage:communities"
    ),
    Address(
        "people/communities/<uuid:community_id>/import/", get="manage:communities", post="manage:communities"
    ),
    Address(
        "people/communities/<uuid:community_id>/spans/new/",
        get="manage:communities",
        post="manage:communities",
    ),
    Address(
        "people/communities/<uuid:community_id>/spans/<uuid:span_id>/end/",
        get="manage:communities",
        post="manage:communities",
    ),
    Address(
        "people/communities/<uuid:community_id>/spans/<uuid:span_id>/strike/",
        get="manage:communities",
        post="manage:communities",
    ),
    Address("people/profile/", get=SIGNED_IN, post=SIGNED_IN),
    Address("people/profile/notifications/", get=SIGNED_IN, post=SIGNED_IN),
    # the link of a letter: mailboxes post there, without a cookie of this node
    Address("people/notifications/stop/<str:mark>/", get=PUBLIC, post=PUBLIC, is_from_elsewhere=True),
    # leads on where nothing waits to be sent, and where the link was shown
    Address("drafts/", post=SIGNED_IN),
    Address("drafts/discard/", post=SIGNED_IN),
    Address("people/unsent/", get=SIGNED_IN, opened=(302,)),
    Address("people/tokens/", get=SIGNED_IN, post=SIGNED_IN),
    Address("people/tokens/revoke/", get=SIGNED_IN, post=SIGNED_IN, opened=(302,)),
    Address("people/tokens/<uuid:token_id>/revoke/", get=OWN, post=OWN),
    Address("people/invitations/", get="manage:people"),
    Address("people/invitations/new/", get="manage:people", post="manage:people"),
    Address("people/invitations/revoke/", get="manage:people", post="manage:people", opened=(302,)),
    Address("people/invitations/<uuid:invitation_id>/link/", get="manage:people", opened=(302,)),
    Address("people/invitations/<uuid:invitation_id>/revoke/", get="manage:people", post="manage:people"),
    # whoever has the secret; somebody who is signed in has no use for it
    Address("people/invitations/<str:secret>/", get=PUBLIC, post=PUBLIC, opened=(200, 409)),
    Address("people/roles/<int:membership_id>/take/", get="manage:people", post="manage:people"),
    Address("people/<uuid:person_id>/", get="read:people"),
    Address("people/<uuid:person_id>/new-password/", get="manage:people", post="manage:people"),
    Address("people/<uuid:person_id>/new-password/link/", get="manage:people", opened=(302,)),
    Address("people/<uuid:person_id>/roles/", post="manage:people"),
    Address("people/<uuid:person_id>/disable/", get="manage:people", post="manage:people"),
    Address("people/<uuid:person_id>/enable/", get="manage:people", post="manage:people"),
    Address(
        "people/<uuid:person_id>/organisations/<uuid:organisation_id>/",
        get="manage:people",
        post="manage:people",
        things={"organisation_id": "host_id"},
    ),
    Address(
        "people/<uuid:person_id>/organisations/<uuid:organisation_id>/leave/",
        get="manage:people",
        post="manage:people",
        things={"organisation_id": "host_id"},
    ),
    Address(
        "people/<uuid:person_id>/organisations/<uuid:organisation_id>/move/",
        get="manage:people",
        post="manage:people",
        things={"organisation_id": "host_id"},
    ),
    # ---- pages: partners ----------------------------------------------------------------------------------------
    Address("partners/", get="read:partners"),
    Address("partners/new/", get="manage:partners", post="manage:partners"),
    Address("partners/keys/", get="manage:partners"),
    Address("partners/<uuid:partner_id>/quarantine/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/", get="read:partners"),
    Address("partners/<uuid:partner_id>/ask/", post="manage:partners"),
    Address("partners/<uuid:partner_id>/lanes/", get="read:partners"),
    Address("partners/<uuid:partner_id>/lane-files/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/lane-files/<uuid:lane_id>/", post="manage:partners"),
    Address(
        "partners/<uuid:partner_id>/lane-files/jobs/<uuid:job_id>/",
        get="manage:partners",
        opened=(404,),  # that job is another's; a test of files that were brought looks at one
    ),
    Address("partners/<uuid:partner_id>/verify/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/forget/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/give-up/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/follow/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/unfollow/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/block/", get="manage:partners", post="manage:partners"),
    Address("partners/<uuid:partner_id>/unblock/", get="manage:partners", post="manage:partners"),
    # ---- pages: the ledger --------------------------------------------------------------------------------------
    Address("releases/ledger/", get="read:federation"),
    Address("api/v1/federation/ledger", get="read:federation"),
    Address("partners/<uuid:partner_id>/proofs/", get="read:partners"),
    Address(
        "partners/<uuid:partner_id>/statement/",
        get="manage:partners",
        post="manage:partners",
        body={"statement": "{statement}"},
    ),
    Address(
        "partners/<uuid:partner_id>/lanes/<uuid:lane_id>/restart/",
        get="manage:partners",
        post="manage:partners",
        things={"lane_id": "stopped_lane_id"},
    ),
    Address("partners/restarts/<uuid:restart_id>/", get="read:partners"),
    Address("partners/restarts/<uuid:restart_id>/answer/", get="manage:partners", post="manage:partners"),
    Address("partners/restarts/<uuid:restart_id>/confirm/", get="manage:partners", post="manage:partners"),
    # ---- pages: agreements --------------------------------------------------------------------------------------
    Address("agreements/", get="read:agreements"),
    Address("agreements/new/", get="write:agreements", post="write:agreements"),
    Address("agreements/templates/", get="read:agreements"),
    Address("agreements/templates/<slug:name>/", get="read:agreements", things={"name": "template_name"}),
    Address("agreements/<uuid:agreement_id>/", get="read:agreements"),
    Address("agreements/<uuid:agreement_id>/versions/<int:number>/paper/", get="read:agreements"),
    Address(
        "agreements/<uuid:agreement_id>/draft/paper/",
        get="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/draft/parties/",
        get="write:agreements",
        post="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/draft/scan/",
        get="write:agreements",
        post="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/edit/",
        get="write:agreements",
        post="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/propose/",
        get="write:agreements",
        post="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/counter/",
        get="write:agreements",
        post="write:agreements",
        opened=(200, 302),
        things={"agreement_id": "proposed_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/adopt/<uuid:instrument_id>/",
        get="write:agreements",
        post="write:agreements",
    ),
    Address(
        "agreements/<uuid:agreement_id>/turn-down/<uuid:instrument_id>/",
        get="write:agreements",
        post="write:agreements",
    ),
    Address(
        "agreements/<uuid:agreement_id>/discard/",
        get="write:agreements",
        post="write:agreements",
        things={"agreement_id": "draft_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/decline/",
        get="approve:agreements",
        post="approve:agreements",
        things={"agreement_id": "proposed_id"},
    ),
    Address("agreements/<uuid:agreement_id>/suspend/", get="approve:agreements", post="approve:agreements"),
    Address("agreements/<uuid:agreement_id>/resume/", get="approve:agreements", post="approve:agreements"),
    Address("agreements/<uuid:agreement_id>/terminate/", get="approve:agreements", post="approve:agreements"),
    # of one that is closed they are sent back with the reason
    Address(
        "agreements/<uuid:agreement_id>/invite/",
        get="approve:agreements",
        post="approve:agreements",
        opened=(302,),
    ),
    Address(
        "agreements/<uuid:agreement_id>/newcomers/<str:ref>/",
        get="approve:agreements",
        post="approve:agreements",
        body={"reads": "accession"},
        things={"agreement_id": "joined_id", "ref": "newcomer_ref"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/newcomers/<str:ref>/take-back/",
        get="approve:agreements",
        post="approve:agreements",
        things={"agreement_id": "joined_id", "ref": "newcomer_ref"},
    ),
    Address("agreements/<uuid:agreement_id>/scan/", get="read:agreements", post="write:agreements"),
    # none is kept here
    Address(
        "agreements/<uuid:agreement_id>/scan/<slug:digest>/",
        get="read:agreements",
        opened=(404,),
        things={"digest": "proposed_digest"},
    ),
    Address("agreements/<uuid:agreement_id>/leave/", get="approve:agreements", post="approve:agreements"),
    Address("agreements/<uuid:agreement_id>/declare/", get="approve:agreements", post="approve:agreements"),
    Address(
        "agreements/<uuid:agreement_id>/lift/<uuid:instrument_id>/",
        get="approve:agreements",
        post="approve:agreements",
    ),
    Address(
        "agreements/<uuid:agreement_id>/versions/<int:number>/ratify/",
        get="approve:agreements",
        post="approve:agreements",
        things={"agreement_id": "proposed_id"},
    ),
    Address(
        "agreements/<uuid:agreement_id>/versions/<int:number>/accede/",
        get="approve:agreements",
        post="approve:agreements",
        things={"agreement_id": "proposed_id"},
    ),
    Address("agreements/<uuid:agreement_id>/compare/", get="read:agreements", opened=(200, 302)),
    Address("agreements/<uuid:agreement_id>/versions/<int:number>/", get="read:agreements"),
    Address(
        "agreements/<uuid:agreement_id>/versions/<int:number>/approve/",
        get="approve:agreements",
        post="approve:agreements",
        things={"agreement_id": "proposed_id"},
    ),
    # ---- pages: federation --------------------------------------------------------------------------------------
    Address("releases/", get="read:federation"),
    Address("releases/received/", get="read:federation"),
    Address("public/", get=PUBLIC),
    Address("releases/public/", get="publish:public", post="publish:public"),
    Address(
        "releases/<uuid:release_id>/public/",
        get="publish:public",
        post="publish:public",
        things={"release_id": "public_id"},
    ),
    Address("releases/who-would-receive/", get="read:agreements"),
    Address("releases/duties/<uuid:agreement_id>/", get="read:federation"),
    Address("releases/guests/", get="read:federation"),
    Address("releases/guests/tokens/", get="manage:guests"),
    Address(
        "releases/guests/tokens/new/",
        get="manage:guests",
        post="manage:guests",
        body={"guest": "{hosting_id}#uni", "name": "a reader", "days": 7},
    ),
    Address(
        "releases/guests/tokens/<uuid:token_id>/revoke/",
        get="manage:guests",
        post="manage:guests",
        things={"token_id": "guest_token_id"},
    ),
    Address("releases/<uuid:release_id>/", get="read:federation"),
    Address(
        "releases/<uuid:release_id>/onward/",
        get="publish:intel",
        post="publish:intel",
        things={"release_id": "carried_id"},
    ),
    Address(
        "releases/<uuid:release_id>/onward/withdraw/",
        get="publish:intel",
        post="publish:intel",
        body={"reason": "a mistake"},
        things={"release_id": "carried_id"},
    ),
    # ---- pages: intelligence ------------------------------------------------------------------------------------
    Address("intel/", get="read:intel"),
    Address("intel/reports/new/", get="write:intel", post="write:intel"),
    Address("intel/reports/<uuid:report_id>/", get="read:intel"),
    Address("intel/reports/<uuid:report_id>/edit/", get="write:intel", post="write:intel", is_theirs=True),
    Address(
        "intel/reports/<uuid:report_id>/publish/", get="publish:intel", post="publish:intel", is_theirs=True
    ),
    Address(
        "intel/reports/<uuid:report_id>/withdraw/",
        get="publish:intel",
        post="publish:intel",
        things={"report_id": "published_id"},
        is_theirs=True,
    ),
    Address("intel/reports/<uuid:report_id>/bundle/", get="read:intel"),
    # asked for by a page, they are a part of it; opened by themselves they lead to it
    Address("intel/reports/<uuid:report_id>/picture/", get="read:intel", opened=(302,)),
    Address("intel/objects/", get="read:intel"),
    Address("intel/objects/<str:stix_id>/", get="read:intel"),
    Address("intel/objects/<str:stix_id>/picture/", get="read:intel", opened=(302,)),
    Address("intel/objects/<str:stix_id>/download/", get="read:intel"),
    Address("intel/objects/<str:stix_id>/sighting/", get="write:intel", post="write:intel"),
    Address("intel/objects/<str:stix_id>/count/", get="publish:intel", post="publish:intel"),
    Address("intel/objects/<str:stix_id>/sighting/<uuid:sighting_id>/", get="write:intel"),
    Address("intel/imports/", get="write:intel"),
    Address("intel/imports/new/", get="write:intel", post="write:intel"),
    Address("intel/imports/<uuid:import_id>/", get="write:intel", is_inside=True),
    # ---- pages: the help, which says nothing of this node -----------------------------------------------------------
    Address("help/", get=PUBLIC),
    Address("help/<slug:name>/", get=PUBLIC, things={"name": "help_topic"}),
    # ---- pages: signing in and out, and one's own keys (allauth) ------------------------------------------------
    Address("account/login/", get=PUBLIC, post=PUBLIC, opened=(200, 302)),
    Address("account/logout/", get=PUBLIC, post=PUBLIC, opened=(200, 302)),
    Address("account/inactive/", get=PUBLIC),
    Address("account/signup/", get=PUBLIC, post=PUBLIC, opened=(200, 302)),
    Address("account/reauthenticate/", get=SIGNED_IN, post=SIGNED_IN, opened=(200, 302)),
    Address("account/password/change/", get=SIGNED_IN, post=SIGNED_IN, opened=(200, 302)),
    Address("account/password/set/", get=SIGNED_IN, post=SIGNED_IN, opened=(200, 302)),
    Address("account/password/reset/", get=PUBLIC, post=PUBLIC, opened=(200, 302)),
    Address("account/password/reset/done/", get=PUBLIC),
    Address("account/password/reset/key/done/", get=PUBLIC),
    Address("account/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$", get=PUBLIC, post=PUBLIC),
    # to a provider that does not answer; and back without having gone
    Address("account/sign-in/<uuid:provider_id>/", get=PUBLIC, opened=(302, 502)),
    Address("account/sign-in/<uuid:provider_id>/back/", get=PUBLIC, opened=(400,)),
    Address(
        "account/sign-in/<uuid:provider_id>/answer/",
        post=PUBLIC,
        is_from_elsewhere=True,
        things={"provider_id": "saml_provider_id"},
    ),
    Address(
        "account/sign-in/<uuid:provider_id>/metadata/",
        get=PUBLIC,
        things={"provider_id": "saml_provider_id"},
    ),
    Address("account/2fa/", get=SIGNED_IN),
    Address("account/2fa/authenticate/", get=PUBLIC, post=PUBLIC, opened=(302,)),
    Address("account/2fa/reauthenticate/", get=SIGNED_IN, post=SIGNED_IN, opened=(200, 302)),
    Address("account/2fa/totp/activate/", get=SIGNED_IN, post=SIGNED_IN, opened=_AGAIN),
    Address("account/2fa/totp/deactivate/", get=NOTHING, post=NOTHING),
    Address("account/2fa/recovery-codes/", get=NOTHING),
    Address("account/2fa/recovery-codes/generate/", get=SIGNED_IN, post=SIGNED_IN, opened=_AGAIN),
    Address("account/2fa/recovery-codes/download/", get=NOTHING),
    Address("account/2fa/webauthn/", get=SIGNED_IN),
    Address("account/2fa/webauthn/add/", get=SIGNED_IN, post=SIGNED_IN, opened=_AGAIN),
    Address("account/2fa/webauthn/reauthenticate/", get=SIGNED_IN, post=SIGNED_IN, opened=(200, 302)),
    Address("account/2fa/webauthn/keys/<int:pk>/remove/", get=SIGNED_IN, post=SIGNED_IN, opened=_AGAIN),
    Address("account/2fa/webauthn/keys/<int:pk>/edit/", get=SIGNED_IN, post=SIGNED_IN, opened=_AGAIN),
    Address("account/2fa/webauthn/login/", get=PUBLIC, post=PUBLIC, opened=(200, 302)),
)
