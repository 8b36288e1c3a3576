"""What federation's API takes and answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from taawun.platform.web.api import Body
from taawun.platform.web.shapes import Flag, Instant, Schema

__all__ = [
    "AgainDecided",
    "AgainDecision",
    "ClauseRef",
    "Decided",
    "Duties",
    "Duty",
    "Hop",
    "Ledger",
    "LedgerLine",
    "LedgerQuery",
    "OnwardAudience",
    "OnwardReason",
    "Owed",
    "Passage",
    "Question",
    "Reach",
    "Receipt",
    "Receiver",
    "Release",
    "ReleaseFilter",
    "Unreached",
    "WaitsForEverybody",
]

Marking = Annotated[str, Field(max_length=20, description="TLP 2.0, for example `TLP:AMBER+STRICT`.")]


class Question(Body):
    """What would be published."""

    kind: Annotated[str, Field(min_length=1, max_length=80, examples=["intel.report"])]
    tlp: Marking
    topics: Annotated[list[str], Field(max_length=500, description="`vocabulary:id` terms.")] = Field(
        default_factory=list
    )
    audience: Annotated[
        list[str] | None,
        Field(
            max_length=500, description="Party keys; null is everybody the clauses allow, empty is nobody."
        ),
    ] = None
    names_persons: Annotated[Flag, Field(description="Whether it names the persons it is for.")] = False


class ClauseRef(Schema):
    """A clause of an agreement."""

    agreement: UUID
    code: Annotated[str, Field(description="What people on this node call the agreement.")]
    clause: str
    title: Annotated[dict[str, str], Field(description="A text by language: `ar`, `en`, `fr`.")]
    tlp_max: str
    onward: str


class Receiver(Schema):
    """A party that would receive it."""

    party: Annotated[str, Field(description="A node's base address, or `host#ref` for a guest.")]
    name: str
    clause: ClauseRef
    sentence: Annotated[str, Field(description="Why, in the language of the answer.")]
    also: Annotated[list[ClauseRef], Field(description="Further clauses that would allow it too.")]


class Unreached(Schema):
    """A party that would not receive it."""

    party: str
    name: str
    reason: Annotated[str, Field(description="Stable code.")]
    sentence: Annotated[str, Field(description="Why not, in the language of the answer.")]
    mend: Annotated[str, Field(description="What would change it; never a lower marking.")]
    step: Annotated[str, Field(description="Where the mend begins: `partner`, `agreement` or `audience`.")]
    nearest: Annotated[ClauseRef | None, Field(description="The clause that came nearest.")]


class PublicAnswer(Schema):
    """Whether it may go over the public lane, to anybody at all."""

    allowed: bool
    reason: Annotated[str, Field(description="Why not, as a stable code; empty where it may.")] = ""
    sentence: Annotated[str, Field(description="The same in the language of the answer.")] = ""


class Decided(Schema):
    """Who would receive it, by which clause; who would not, and why."""

    receivers: list[Receiver]
    others: list[Unreached]
    public: Annotated[
        PublicAnswer | None,
        Field(
            description="Whether it may go to everybody, where that was asked; it goes there only by choice."
        ),
    ] = None


class OnwardAudience(Body):
    """Whom it is shared with."""

    audience: Annotated[
        list[str] | None,
        Field(max_length=500, description="Party keys; null is everybody whom every hop's clause allows."),
    ] = None


class OnwardReason(Body):
    """Why what was shared onward is taken back."""

    reason: Annotated[str, Field(max_length=2000, description="Its receivers read it.")] = ""


class Duty(Schema):
    """What one party has to delete of ours under an agreement, and what of it is proven."""

    partner: Annotated[str, Field(description="Its base address.")]
    ended: Annotated[datetime | None, Field(description="When the agreement ended between us.")]
    due: Annotated[datetime | None, Field(description="Until when it has to say so.")]
    given: Annotated[int, Field(description="What it may hold: not withdrawn, and not turned away there.")]
    proven: Annotated[
        int, Field(description="Of how many it signed that it deleted them under this agreement.")
    ]
    held: Annotated[int, Field(description="Of how many of those it says that it keeps them by another way.")]
    last: Annotated[datetime | None, Field(description="Its last statement.")]
    overdue: bool


class Owed(Schema):
    """What this node deletes of one partner's because an agreement is over."""

    partner: Annotated[str, Field(description="Base address of who sent it.")]
    ended: datetime
    goes: Annotated[datetime, Field(description="When it is deleted.")]
    releases: Annotated[int, Field(description="How many.")]


class Duties(Schema):
    """What goes here, and what the parties proved that they deleted."""

    here: list[Owed]
    there: list[Duty]


class Reach(Schema):
    """How far a release reached."""

    direct: Annotated[int, Field(description="Parties that signed for it.")]
    onward: Annotated[
        int,
        Field(
            description="Parties that it reached onward, as its receivers count: one may be counted twice."
        ),
    ]


class ReleaseFilter(Schema):
    """Which releases."""

    text: Annotated[
        str,
        Field(
            max_length=200,
            description="Words; each must begin a word of the title. Nobody finds what is RED.",
        ),
    ] = ""
    kind: Annotated[str, Field(max_length=80)] = ""
    direction: Literal["sent", "received"] | None = None
    partner: Annotated[UUID | None, Field(description="Sent to it, or received from it.")] = None
    readable_by: Annotated[
        UUID | None,
        Field(description="Sent to this partner over a lane, and clauses that hold now let it have it."),
    ] = None
    state: Literal["live", "withdrawn", "ended", "aside"] | None = None
    subject: Annotated[str, Field(max_length=400)] = ""
    ends_before: Annotated[
        Instant | None, Field(description="Of which a way ends before this instant: its time is over then.")
    ] = None


class Release(Schema):
    """One version of one thing that travelled."""

    id: UUID
    kind: str
    direction: Literal["sent", "received"]
    tlp: str
    subject: Annotated[str | None, Field(description="Null where its marking keeps it from the caller.")]
    title: Annotated[str | None, Field(description="Null where its marking keeps it from the caller.")]
    topics: Annotated[list[str] | None, Field(description="Null where its marking keeps them.")]
    restricted: Annotated[str, Field(description="Why its marking keeps it from the caller, or empty.")]
    version: str
    digest: Annotated[str, Field(description="SHA-256 of its content.")]
    size: int
    licence: str
    languages: list[str]
    origin: Annotated[UUID | None, Field(description="The partner it came from; null for our own.")]
    source: Annotated[
        str,
        Field(
            description="Its source, by the word of `origin` alone, which shared it onward: the source's signature "
            "cannot be verified here. Empty where `origin` is the source."
        ),
    ]
    onward: Annotated[
        str, Field(description="How far it may go on: `own`, `none`, `named`, `parties` or `public`.")
    ]
    published_by: str
    issued: datetime
    state: Annotated[
        Literal["live", "withdrawn", "ended", "aside"],
        Field(description="`ended`: nothing lets this node keep it any more; `gone` says why."),
    ]
    withdrawn: Annotated[datetime | None, Field(description="When its content went, for whatever reason.")]
    gone: Annotated[
        str,
        Field(
            description="Why it went: `source`, `sender`, `retention` or `agreement`; empty while it stands."
        ),
    ]
    withdrawal_reason: str


class Hop(Schema):
    """One step of the way by which a release came."""

    node: Annotated[str, Field(description="Base address of who sent it on.")]
    agreement: Annotated[str, Field(description="Digest of the version it went under; empty: a public lane.")]
    clause: str
    issued: datetime
    signature: Annotated[
        Literal["verified", "not-verified"],
        Field(description="`verified` with a key that administrators here compared."),
    ]


class Passage(Schema):
    """A release on one lane: where it went from here, or over what it came."""

    direction: Literal["sent", "received"]
    hops: Annotated[
        list[Hop], Field(description="From its source to here, for what was received; else empty.")
    ]

    lane: UUID
    seq: int
    agreement: Annotated[UUID | None, Field(description="Null over a public lane.")]
    document: Annotated[str, Field(description="Digest of the version it went under.")]
    clause: str
    partners: Annotated[list[str], Field(description="Base addresses at the other end of the lane.")]
    issued: datetime
    ends: Annotated[datetime | None, Field(description="When its clause says that it goes here.")]
    ended: Annotated[
        datetime | None, Field(description="When it was withdrawn on this lane, or its time was over.")
    ]
    why_ended: Annotated[str, Field(description="As `gone` of a release; `aside` while it is in quarantine.")]
    withdrawal_signed_by: Annotated[
        list[str], Field(description="Base addresses of those that signed for its withdrawal on our lane.")
    ]


class Receipt(Schema):
    """A receiver's signed word that a release of ours reached it."""

    partner: Annotated[str, Field(description="Its base address.")]
    lane: UUID
    seq: int
    outcome: Annotated[
        str,
        Field(description="`done`, `unopened`, `refused` or `withdrawn`: what became of it there."),
    ]
    reason: Annotated[str, Field(description="Why it was not simply taken in, as a stable code, or empty.")]
    sentence: Annotated[str, Field(description="The reason in the language of the answer.")]
    at: datetime


_Month = Annotated[str, Field(pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])$", description="As `2026-11`, in UTC.")]


class LedgerQuery(Schema):
    """Which part of the ledger, and by what it is summed."""

    by: Literal["agreement", "partner", "kind", "month"] = "agreement"
    agreement: UUID | None = None
    partner: UUID | None = None
    kind: Annotated[str, Field(max_length=80)] = ""
    since: _Month | None = None
    until: _Month | None = None


class LedgerLine(Schema):
    """What was given and received of one agreement, partner, kind or month."""

    key: Annotated[
        str | None,
        Field(
            description="Id of the agreement or partner, the kind or month; null: only guests received it, or, by "
            "agreement, it went or came over a public lane."
        ),
    ]
    given: Annotated[int, Field(description="Releases that this node sent, once for each clause.")]
    deliveries: Annotated[int, Field(description="The same, once for each partner it went to.")]
    signed: Annotated[int, Field(description="Of these deliveries, those that the partner took in.")]
    onward: Annotated[
        int | None, Field(description="Parties that partners passed it on to, as they tell; null: none told.")
    ]
    given_bytes: int
    given_back: Annotated[int, Field(description="Of what was given, what was withdrawn since.")]
    received: int
    received_bytes: int
    received_back: int


class Ledger(Schema):
    """The ledger by one dimension."""

    by: str
    items: list[LedgerLine]
    total: LedgerLine


# ---- guests -----------------------------------------------------------------------------------------------------
_Key = Annotated[str, Field(description="Party key of a guest: `host#ref`.")]
_Text = Annotated[dict[str, str], Field(description="A text by language: `ar`, `en`, `fr`.")]
_Standing = Literal[
    "draft",
    "proposed",
    "countered",
    "signed",
    "in-force",
    "suspended",
    "expired",
    "terminated",
    "declined",
]


class HostedGuest(Schema):
    """A guest of this node in an agreement."""

    agreement: UUID
    code: Annotated[str, Field(description="What people on this node call the agreement.")]
    state: _Standing
    guest: Annotated[str, Field(description="Its ref in the agreement.")]
    name: _Text
    nation: str
    tokens: Annotated[int, Field(description="How many of its tokens are open.")]
    last_used: datetime | None
    read: Annotated[int, Field(description="How many releases it has read.")]
    last_read: datetime | None


class GuestTokenFilter(Schema):
    """Which tokens."""

    agreement: UUID | None = None
    guest: Annotated[str, Field(max_length=40)] = ""
    text: Annotated[
        str, Field(max_length=200, description="Words of the name, or part of ref or holder.")
    ] = ""


class GuestToken(Schema):
    """A guest's token, without its secret."""

    id: UUID
    agreement: UUID
    guest: str
    name: str
    email: Annotated[str, Field(description="Who holds it; empty for a program.")]
    hint: Annotated[str, Field(description="Its first characters.")]
    created: datetime
    expires: datetime
    last_used: datetime | None
    revoked: datetime | None


class GuestTokenMade(Schema):
    """A new token, shown once."""

    token: str
    about: GuestToken


class NewGuestToken(Body):
    """A token for a guest of this node."""

    agreement: UUID
    guest: Annotated[str, Field(max_length=40, description="The guest's ref in the agreement.")]
    name: Annotated[str, Field(min_length=1, max_length=100, description="What or whom it is for.")]
    email: Annotated[
        str,
        Field(
            max_length=254,
            description="Who holds it, where it is one person: TLP:RED is served only to whom it names.",
        ),
    ] = ""
    days: Annotated[int, Field(ge=1, le=366)] = 90


class GuestReading(Schema):
    """A guest's receipt."""

    guest: _Key
    lane: UUID
    seq: int
    at: datetime
    said: Annotated[
        UUID | None,
        Field(description="Id of the signed message by which its host says so; null for our own guest."),
    ]


class GuestClause(Schema):
    """A clause as it concerns a guest."""

    clause: str
    title: _Text
    kinds: list[str]
    topics: list[str]
    tlp_max: str
    onward: str
    retention_days: int | None


class GuestAgreement(Schema):
    """The agreement to which a guest's token is bound."""

    id: UUID
    code: str
    title: _Text
    state: _Standing
    version: int
    digest: Annotated[str, Field(description="SHA-256 of its exact text.")]
    guest: str
    name: _Text
    host: str
    is_party: Annotated[bool, Field(description="Whether its newest version still names the guest.")]
    receives: list[GuestClause]
    gives: list[GuestClause]
    token_expires: datetime


class GuestFilter(Schema):
    """Which of what is for a guest."""

    kind: Annotated[str, Field(max_length=80, examples=["intel.report"])] = ""
    unread: Annotated[bool, Field(description="Only what was not read yet.")] = False


class GuestRelease(Schema):
    """Something that a guest may have now; its content is read by its digest."""

    id: UUID
    kind: str
    subject: str
    version: str
    title: str
    tlp: str
    topics: list[str]
    persons: list[str]
    licence: str
    languages: list[str]
    digest: Annotated[str, Field(description="SHA-256 of its content.")]
    size: int
    sender: Annotated[
        str, Field(description="Base address of the node that sent it; empty for the host itself.")
    ]
    clause: str
    document: Annotated[
        str, Field(description="SHA-256 of the version of the agreement under which it came.")
    ]
    issued: datetime
    ends: Annotated[datetime | None, Field(description="When its clause says that it goes.")]
    read: datetime | None


class GuestWithdrawal(Schema):
    """Something that a guest has read and is to delete."""

    kind: str
    subject: str
    version: str
    digest: str
    read: datetime | None
    ended: datetime | None
    reason: str


class GuestOffer(Body):
    """What a guest gives."""

    kind: Annotated[str, Field(min_length=1, max_length=80, examples=["intel.report"])]
    subject: Annotated[
        str, Field(min_length=1, max_length=400, description="URN, for STIX `urn:taawun:stix:` and its id.")
    ]
    version: Annotated[str, Field(max_length=64, description="For STIX: `modified`.")] = ""
    title: Annotated[str, Field(max_length=300)] = ""
    tlp: Marking
    topics: Annotated[list[str], Field(max_length=500)] = Field(default_factory=list)
    licence: Annotated[str, Field(max_length=300)] = ""
    languages: Annotated[list[str], Field(max_length=50)] = Field(default_factory=list)
    persons: Annotated[
        list[str], Field(max_length=500, description="For TLP:RED: e-mail addresses of whom it names.")
    ] = Field(default_factory=list)
    content: Annotated[dict[str, Any], Field(description="Of `intel.report`: a STIX 2.1 bundle.")]


class GuestGiven(Schema):
    """Something that a guest gave."""

    id: UUID
    kind: str
    subject: str
    version: str
    title: str
    tlp: str
    digest: str
    size: int
    issued: datetime
    state: Literal["live", "withdrawn", "ended", "aside"]
    withdrawn: datetime | None
    signed: Annotated[int, Field(description="How many nodes signed for it.")]


class GuestReason(Body):
    """Why something is withdrawn."""

    reason: Annotated[str, Field(max_length=2000)] = ""


class WaitsForEverybody(Schema):
    """A release that stood for everybody before this node was restored, until somebody decides."""

    id: UUID
    kind: str
    tlp: str
    subject: str
    version: str
    title: str
    digest: str
    size: int
    issued: datetime
    refusal: Annotated[
        str,
        Field(description="Why it cannot be put back, in the language of the answer; empty where it can."),
    ]


class AgainDecision(Body):
    """About which releases somebody decides."""

    releases: Annotated[
        list[UUID] | None,
        Field(
            max_length=1000, description="Their ids; null for all that wait, which is done in the background."
        ),
    ] = None


class AgainDecided(Schema):
    """What became of a decision."""

    count: Annotated[int, Field(description="Of how many releases it was carried out by now.")] = 0
    kept: Annotated[int, Field(description="How many could not be put back, and wait on.")] = 0
    job: Annotated[
        UUID | None, Field(description="Of all that wait: watch it at `/jobs/{id}`; else null.")
    ] = None
