"""What agreements' API takes and answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from taawun.foundation.multilingual import Language
from taawun.platform.web.api import Body
from taawun.platform.web.shapes import Flag, Instant, Schema

__all__ = [
    "AccessionInvitation",
    "Agreement",
    "AgreementSummary",
    "Approval",
    "ApprovalGiven",
    "Change",
    "Comparison",
    "ComparisonQuery",
    "CounterProposal",
    "Declaration",
    "DeclarationLifted",
    "DeclarationMade",
    "Draft",
    "DraftEdit",
    "Event",
    "Joining",
    "Leaving",
    "Narrowing",
    "NewAgreement",
    "NewcomerConfirmed",
    "Note",
    "Part",
    "Party",
    "Scan",
    "Signature",
    "SuggestionAdopted",
    "SuggestionTurnedDown",
    "Suspension",
    "Template",
    "TemplateList",
    "Version",
    "VersionBrief",
]

Words = Annotated[dict[str, str], Field(description="A text by language: `ar`, `en`, `fr`.")]
# JSON of the protocol's own shape; `document.parse` reads it
DocumentJson = Annotated[
    dict[str, Any], Field(description="An agreement document of the federation protocol.")
]
NoteText = Annotated[str, Field(max_length=4000, description="For the other parties and the trail.")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of a version's exact text.")]


class Party(Schema):
    """A party."""

    ref: str
    kind: str
    node: str
    nation: str | None
    organisation: Words
    is_us: bool


class AgreementSummary(Schema):
    """An agreement in a list."""

    id: Annotated[UUID, Field(description="The same at every party and in every version.")]
    code: Annotated[str, Field(description="What people on this node call it.")]
    title: Words
    state: Annotated[
        str,
        Field(
            description="`draft`, `proposed`, `countered`, `signed`, `in-force`, `suspended`, `expired`, "
            "`terminated` or `declined`."
        ),
    ]
    version: Annotated[int | None, Field(description="Number of the version the state speaks about.")]
    parties: list[Party]
    valid_from: datetime | None
    valid_until: datetime | None
    ends: Annotated[datetime | None, Field(description="When a notice of termination takes effect.")]
    waits_for_us: Annotated[bool, Field(description="Whether a version waits for our signature.")]


class Signature(Schema):
    """A party's signature on a version."""

    party: str
    node: str
    at: datetime


class VersionBrief(Schema):
    """A version as it was proposed."""

    number: int
    digest: str
    received: datetime
    opens: Annotated[datetime | None, Field(description="When it enters, or entered, into force.")]
    closes: datetime | None
    signatures: list[Signature]
    required_signatures: int


class Version(VersionBrief):
    """A version with its text, parsed; the exact bytes that are signed are at `/text`."""

    document: DocumentJson


class Suspension(Schema):
    """A suspension that its party has not lifted."""

    instrument: UUID
    party: str
    since: datetime


class Leaving(Schema):
    """A party that gave notice of leaving."""

    party: str
    at: Annotated[datetime, Field(description="When it is a party no more.")]


class Part(Body):
    """A clause in which a party that was invited takes part."""

    clause: Annotated[str, Field(max_length=40)]
    directions: Annotated[list[Literal["gives", "takes"]], Field(min_length=1, max_length=2)]


class Narrowing(Body):
    """What a declaration leaves out: a lower marking, fewer kinds or topics, some parties, or the whole clause."""

    clause: Annotated[str, Field(max_length=40)]
    direction: Literal["gives", "takes"]
    tlp_max: Annotated[str | None, Field(max_length=20)] = None
    kinds: Annotated[list[str], Field(max_length=100)] = Field(default_factory=list)
    topics: Annotated[list[str], Field(max_length=1000)] = Field(default_factory=list)
    without: Annotated[list[str], Field(max_length=250, description="Refs of parties.")] = Field(
        default_factory=list
    )
    closes: Annotated[
        bool, Field(description="Nothing is left of the clause; then none of the limits may stand beside it.")
    ] = False


class Declaration(Schema):
    """A declaration that its party has not lifted."""

    instrument: UUID
    party: str
    since: datetime
    narrows: list[Narrowing]


class Joining(Schema):
    """An invitation that can still be answered, or an accession that the depositary has not countersigned."""

    instrument: UUID
    node: str
    at: datetime
    until: datetime | None


class Approval(Schema):
    """One of our officers approved a version."""

    version: int
    person: str
    at: datetime
    step: Annotated[str, Field(description="`signature`, `ratification` or `accession`.")]


class Event(Schema):
    """Something that happened to an agreement."""

    at: datetime
    what: Annotated[
        str,
        Field(
            description="`proposed`, `approved`, `signed`, `countered`, `declined`, `suspended`, `resumed`, "
            "`terminated`, `ratified`, `invited`, `acceded`, `countersigned`, `left`, `declared` or `lifted`."
        ),
    ]
    who: Annotated[str, Field(description="A party's node, or the name of one of our officers.")]
    version: Annotated[int | None, Field(description="Null where the version is not here.")]
    note: str
    instrument: Annotated[UUID | None, Field(description="Id of a declaration; of a counter to adopt it.")]
    answers: Annotated[
        UUID | None, Field(description="Of `declined`: the counter it says no to; null where to the version.")
    ]


class Agreement(AgreementSummary):
    """An agreement with everything that was signed about it."""

    pending: Annotated[
        int | None,
        Field(description="Number of a newer version that waits for signatures while one is in force."),
    ]
    signed_by: Annotated[list[str], Field(description="Refs of who signed the version that is being signed.")]
    suspensions: list[Suspension]
    open_proposals: Annotated[
        list[UUID],
        Field(
            description="Counter-proposals, or proposals to change what is in force, that the depositary has "
            "neither adopted nor turned down, oldest first."
        ),
    ]
    signatories: Annotated[list[str], Field(description="Refs of the parties that are bound now.")]
    ratified_by: Annotated[
        list[str],
        Field(description="Refs of those in `signed_by` that have ratified, or need not."),
    ]
    acceded: Annotated[list[str], Field(description="Refs of parties that the text does not name.")]
    leaving: list[Leaving]
    declarations: list[Declaration]
    invitations: list[Joining]
    accessions: list[Joining]
    versions: list[VersionBrief]
    approvals: list[Approval]
    history: list[Event]
    draft_edition: Annotated[
        int | None, Field(description="Null without a draft, or for who may not see it.")
    ]


class Draft(Schema):
    """The draft that is being written here."""

    edition: int
    document: DocumentJson


class NewAgreement(Body):
    """An agreement to be drafted: a document of one's own, or a template with partners."""

    document: DocumentJson | None = None
    template: Annotated[str | None, Field(max_length=40)] = None
    partners: Annotated[list[UUID], Field(max_length=100, description="The other parties.")] = Field(
        default_factory=list
    )
    valid_from: Instant | None = None
    valid_until: Instant | None = None


class DraftEdit(Body):
    """A new text of a draft; its id and version are the agreement's own."""

    document: DocumentJson


class CounterProposal(Body):
    """A text of one's own, for the depositary to adopt."""

    document: DocumentJson
    note: NoteText = ""
    digest: Annotated[
        Digest | None,
        Field(description="Of the version it answers; refused with 412 where another came meanwhile."),
    ] = None


class SuggestionAdopted(Body):
    """The counter-proposal to be taken as our draft."""

    suggestion: Annotated[UUID, Field(description="Its `instrument` in the agreement's history.")]


class SuggestionTurnedDown(SuggestionAdopted):
    """The counter-proposal that is not taken, and why."""

    note: NoteText = ""


class ApprovalGiven(Body):
    """The version that was read, so that nobody approves what came meanwhile."""

    digest: Digest


class Note(Body):
    """A word to the other parties."""

    note: NoteText = ""


class AccessionInvitation(Body):
    """A node that is invited to accede."""

    partner: Annotated[UUID, Field(description="A verified partner.")]
    ref: Annotated[str, Field(max_length=40, description="Its short name in the agreement.")]
    organisation: Annotated[Words | None, Field(description="Its name; the partner's own by default.")] = None
    ratifies: Flag = False
    parts: Annotated[
        list[Part] | None,
        Field(
            max_length=500,
            description="The clauses in which it takes part; null for all that reach any party.",
        ),
    ] = None
    until: Annotated[
        Instant | None, Field(description="The end of the invitation; in 90 days by default.")
    ] = None
    note: NoteText = ""


class NewcomerConfirmed(Body):
    """A party that acceded, and whether it may read what was sent before."""

    party: Annotated[str, Field(max_length=340, description="Its node.")]
    reads_earlier: Flag


class Earlier(Schema):
    """What of one kind and marking a newcomer would read under one clause."""

    clause: str
    kind: str
    tlp: str
    count: int
    since: Annotated[datetime, Field(description="When the oldest of them was sent.")]


class NewcomerShown(Schema):
    """A party that acceded, to which this node gives what was sent before under some clause."""

    party: Annotated[str, Field(description="Its node.")]
    ref: str
    clauses: Annotated[list[str], Field(description="Those clauses.")]
    reads_earlier: Annotated[
        bool | None, Field(description="Null while nobody here has confirmed it: it is given nothing then.")
    ]
    confirmed_by: str
    at: datetime | None
    earlier: Annotated[
        list[Earlier], Field(description="What it would read of what was sent before, once confirmed so.")
    ]


class Newcomers(Schema):
    """The newcomers of an agreement."""

    items: list[NewcomerShown]


class DeclarationMade(Body):
    """What this node does not give or take though it might."""

    narrows: Annotated[list[Narrowing], Field(min_length=1, max_length=500)]
    note: NoteText = ""


class DeclarationLifted(Body):
    """The declaration that is lifted."""

    declaration: Annotated[UUID, Field(description="Its `instrument`.")]
    note: NoteText = ""


class Scan(Schema):
    """The scan of the paper instrument, as this node keeps it."""

    digest: str
    size: int
    name: str


class Template(Schema):
    """A start for an agreement."""

    name: str
    label: Annotated[str, Field(description="In the language of the answer.")]
    purpose: str
    title: Words
    clauses: Annotated[list[Words], Field(description="Titles of its clauses.")]
    preamble: Annotated[Words, Field(description="A paragraph a line.")]
    sentences: Annotated[
        list[list[str]],
        Field(
            description="What each clause says, in the language of the answer, between parties not named yet."
        ),
    ]
    is_multilateral: Annotated[bool, Field(description="Whether it is meant for more than two parties.")]
    accession: Annotated[str, Field(description="`closed` or `by-invitation`.")]
    notice_days: int
    required_signatures: Annotated[
        int | None, Field(description="How many must sign before it is in force; null for all parties.")
    ]


class TemplateList(Schema):
    """All templates; the code of the node brings them, and nobody adds one."""

    items: list[Template]


class PaperQuery(Schema):
    """How an agreement is to be printed."""

    language: Language = "en"
    beside: Annotated[
        Language | None,
        Field(description="A second language, in a column beside the first."),
    ] = None
    form: Literal["pdf", "docx"] = "pdf"


class PaperAwaited(Schema):
    """A long agreement that is being printed."""

    job: Annotated[UUID, Field(description="The job to watch; ask again for the paper when it is done.")]


class VersionQuery(Schema):
    """Which text, where a depositary proposed several under one number; by default the one this node signed."""

    digest: Annotated[str, Field(max_length=64)] = ""


class ComparisonQuery(Schema):
    """Two texts: each a version's number or digest, `draft`, or the id of a counter-proposal."""

    before: Annotated[str, Field(max_length=64)]
    after: Annotated[str, Field(max_length=64)]


class Change(Schema):
    """One member that differs."""

    place: Annotated[
        str,
        Field(description="Its path; clauses and parties are named by their refs: `/clauses/2.1/tlp_max`."),
    ]
    before: Any  # whatever JSON value the member has; null where it was not there
    after: Any


class Comparison(Schema):
    """What differs from one text to another."""

    before: str
    after: str
    changes: list[Change]
    effects: Annotated[
        list[str],
        Field(
            description="What may flow that could not before, or no longer may, in the language of the answer."
        ),
    ]
