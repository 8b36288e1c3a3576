"""What intelligence's API takes and answers with."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from taawun.cooperation.federation.schemas import Decided, Unreached
from taawun.platform.web.api import Body
from taawun.platform.web.shapes import Instant, Schema, Whole

__all__ = [
    "Audience",
    "Import",
    "ImportFilter",
    "Issue",
    "NewImport",
    "NewSighting",
    "ObjectFilter",
    "ObjectVersion",
    "Previewed",
    "Publication",
    "Relation",
    "Report",
    "ReportFilter",
    "ReportSummary",
    "ReportText",
    "Sighting",
    "SightingFilter",
    "SightingMade",
    "StixBundle",
    "StixObject",
    "Withdrawal",
]

Marking = Annotated[str, Field(max_length=20, description="TLP 2.0, for example `TLP:AMBER+STRICT`.")]
StixId = Annotated[str, Field(max_length=300, examples=["indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"])]


class NewImport(Schema):
    """How a file is to be taken in."""

    name: Annotated[
        str, Field(max_length=300, description="What it is called; the file's own name by default.")
    ] = ""
    tlp: Annotated[Marking, Field(description="Of objects that carry no marking of their own.")]
    leave_out_refused: Annotated[
        bool,
        Field(description="Take the rest when single objects are refused; otherwise nothing is stored then."),
    ] = False


class ImportFilter(Schema):
    """Which imports."""

    text: Annotated[str, Field(max_length=200, description="Words or part of a name.")] = ""
    state: Annotated[str, Field(max_length=8, description="`waiting`, `done`, `refused` or `failed`.")] = ""


class Previewed(Decided):
    """Who would receive a report, and what would go with it."""

    objects: Annotated[int, Field(description="How many objects would go.")]
    missing: Annotated[
        list[StixId],
        Field(description="What it names and does not go: not for the caller's eyes, or here no more."),
    ]
    leaves_as: Annotated[
        Literal["own", "passed-on", "derived"],
        Field(
            description="As our own; as somebody else wrote it, to the letter; or as a report of ours, under a new "
            "identifier, that was made from somebody else's."
        ),
    ]


class Import(Schema):
    """A file on its way in, and what came of it."""

    id: UUID
    name: str
    format: Annotated[str, Field(description="`stix-2.1`, `stix-2.0` or `misp`.")]
    size: int
    tlp: Annotated[str, Field(description="Of objects that carried no marking of their own.")]
    leave_out_refused: bool
    state: Annotated[str, Field(description="`waiting`, `done`, `refused` or `failed`.")]
    done: Annotated[int, Field(description="Objects dealt with so far.")]
    total: Annotated[int | None, Field(description="Null until it is known.")]
    counts: Annotated[
        dict[str, int],
        Field(
            description="When it is over: versions that were `new` and `known`, objects that were `refused`, …"
        ),
    ]
    person: str | None
    created: datetime
    finished: datetime | None


class Issue(Schema):
    """Something that was wrong or could not be mapped."""

    severity: Annotated[str, Field(description="`error` refused its object, `warning` and `info` did not.")]
    code: str
    sentence: Annotated[str, Field(description="In the language of the answer.")]
    place: Annotated[
        str, Field(description="JSON pointer without its first slash, for example `objects/17/pattern`.")
    ]
    line: Annotated[int | None, Field(description="From 1.")]
    object: str


class ObjectFilter(Schema):
    """Which objects; only the newest version of each."""

    text: Annotated[
        str, Field(max_length=200, description="Words; each must begin a word of the object.")
    ] = ""
    type: Annotated[str, Field(max_length=250, description="A STIX type.")] = ""
    tlp: Annotated[Marking | None, Field(description="Exactly this marking.")] = None


class StixObject(Schema):
    """An object of STIX 2.1, exactly as it is held."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=["indicator"])]
    id: StixId


class StixBundle(Schema):
    """A bundle of STIX 2.1."""

    type: Literal["bundle"]
    id: StixId
    objects: list[StixObject]


class ObjectVersion(Schema):
    """One version of an object."""

    id: StixId
    type: str
    version: str
    is_current: Annotated[
        bool, Field(description="Whether it is the one that you are shown; others may be shown another.")
    ]
    state: Annotated[str, Field(description="`live`, or `withdrawn`: then its content is gone.")]
    tlp: str
    name: str
    origin: Annotated[str, Field(description="Whose word it is: a partner's address, or empty for ours.")]
    recorded: datetime


class Relation(Schema):
    """An object that names this one, or is named by it."""

    relation: str
    id: StixId
    direction: Annotated[
        str, Field(description="`out` when this object names the other, `in` when it is named.")
    ]
    type: str
    name: str


class ReportFilter(Schema):
    """Which reports."""

    text: Annotated[str, Field(max_length=200)] = ""
    state: Annotated[
        str, Field(max_length=9, description="`draft`, `published`, `received` or `withdrawn`.")
    ] = ""
    tlp: Marking | None = None
    early_warnings: Annotated[bool, Field(description="Only early warnings.")] = False


class ReportText(Body):
    """What a person writes of a report."""

    title: Annotated[str, Field(max_length=300)]
    summary: Annotated[str, Field(max_length=100_000)] = ""
    tlp: Marking
    topics: Annotated[list[str], Field(max_length=500)] = Field(default_factory=list)
    object_ids: Annotated[list[StixId], Field(max_length=20_000)] = Field(default_factory=list)
    languages: Annotated[list[str], Field(max_length=20)] = Field(default_factory=list)
    persons: Annotated[
        list[str], Field(max_length=100, description="For RED: e-mail addresses of the persons it is for.")
    ] = Field(default_factory=list)
    is_warning: Annotated[
        bool,
        Field(
            description="Goes as an early warning: before everything else, as `intel.warning`; 256 KiB at most."
        ),
    ] = False


class ReportSummary(Schema):
    """A report in a list."""

    id: UUID
    stix_id: StixId
    title: str
    tlp: str
    state: str
    topics: list[str]
    is_warning: Annotated[bool, Field(description="Whether it leaves, or came, as an early warning.")]
    edition: int
    author: str | None
    partner: Annotated[str | None, Field(description="Address of the partner it came from; null for ours.")]
    created: datetime
    changed: datetime


class Report(ReportSummary):
    """A report."""

    summary: str
    languages: list[str]
    persons: list[str]
    object_ids: Annotated[list[StixId], Field(description="What it names, as far as the caller may see it.")]
    release: Annotated[UUID | None, Field(description="Its newest release.")]


class Audience(Body):
    """Whom it is for."""

    audience: Annotated[
        list[str] | None,
        Field(max_length=500, description="Party keys; null is everybody the clauses allow."),
    ] = None


class Publication(Audience):
    """What is published, to whom."""

    public: Annotated[
        bool,
        Field(
            description="Over the public lane as well, to anybody at all. Needs the permission `publish:public`."
        ),
    ] = False

    edition: Annotated[
        Whole | None, Field(description="The edition that was read; another one is answered 412.")
    ] = None


class Withdrawal(Body):
    """Why it is withdrawn."""

    reason: Annotated[str, Field(min_length=1, max_length=2000, description="For its receivers.")]
    edition: Annotated[
        Whole | None, Field(description="The edition that was read; another one is answered 412.")
    ] = None


class NewSighting(Body):
    """Something that was seen."""

    of: StixId
    count: Annotated[Whole, Field(ge=1, le=999_999_999)] = 1
    first_seen: Annotated[Instant | None, Field(description="Now, unless it is given.")] = None
    last_seen: Instant | None = None
    note: Annotated[str, Field(max_length=10_000, description="For whoever receives it.")] = ""
    may_count: Annotated[
        bool,
        Field(
            description="Whoever told of the object may share it on in a count, with two others at least, unnamed."
        ),
    ] = False


class SightingFilter(Schema):
    """Sightings of what."""

    of: Annotated[StixId, Field(description="An object; empty for all.")] = ""


class Sighting(Schema):
    """Somebody saw an object."""

    id: UUID
    of: StixId
    count: int
    first_seen: datetime
    last_seen: datetime
    note: str
    tlp: str
    seen_by: Annotated[
        str,
        Field(
            description="A partner's address; empty when we saw it. Of a count: who counted, and not who saw it."
        ),
    ]
    is_count: Annotated[bool, Field(description="Whether it sums up what several nodes saw, by months.")]
    may_count: Annotated[bool, Field(description="Whether it may be shared on as part of a count.")]
    created: datetime


class SightingCount(Decided):
    """What a count of sightings would say, and who would receive it."""

    of: StixId
    count: int
    first_seen: Annotated[datetime, Field(description="The first day of a month, UTC.")]
    last_seen: Annotated[datetime, Field(description="The first day of a month, UTC.")]
    tlp: str


class SightingMade(Schema):
    """A sighting and where it went."""

    sighting: Sighting
    sent_to: Annotated[
        list[str], Field(description="Party keys of those the object came from and who may know.")
    ]
    sources: Annotated[list[str], Field(description="Addresses of the partners the object came from.")]
    not_sent: Annotated[
        list[Unreached], Field(description="Of those the object came from, who may not, and why.")
    ]
    withheld: Annotated[
        list[str],
        Field(
            description="Party keys of those who may, while it went to nobody: whoever recorded it may not publish, or "
            "no clause allowed it then."
        ),
    ]
    release: Annotated[
        UUID | None, Field(description="In which it went; its receipts tell what became of it there.")
    ]
