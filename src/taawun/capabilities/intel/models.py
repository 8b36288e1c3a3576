"""Threat intelligence: STIX objects in all their versions, where each came from, reports, sightings, imports."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from taawun.cooperation.federation.models import Release
from taawun.cooperation.people.models import Organisation, Person
from taawun.foundation.clock import now
from taawun.foundation.identifiers import uuid7

# STIX 2.1, sections 2.7 and 3.2: a type of at most 250 characters, two hyphens, a UUID; and some room
STIX_ID = 300
# "persons:" and a SHA-256
AUDIENCE = 72
# the kind of job that takes an import in
JOB = "intel.import"


class Import(models.Model):
    """A file, a paste or an API call that brought objects in, and what came of it."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", pgettext_lazy("an import", "waiting")
        DONE = "done", pgettext_lazy("an import", "taken in")
        REFUSED = "refused", pgettext_lazy("an import", "refused")
        FAILED = "failed", pgettext_lazy("an import", "failed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=300)
    file = models.CharField(max_length=64)  # digest of the bytes as received
    size = models.BigIntegerField()
    format = models.CharField(max_length=16, blank=True, default="")
    default_tlp = models.PositiveSmallIntegerField()  # for objects that carry no marking of their own
    leave_out_refused = models.BooleanField(default=False)
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    counts: Any = models.JSONField(default=dict)  # new, known, refused, warnings
    created = models.DateTimeField(default=now, editable=False)
    finished = models.DateTimeField(null=True)


class ImportIssue(models.Model):
    """Something that was wrong or could not be mapped, and where it stands."""

    owner = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="issues")
    severity = models.CharField(max_length=8)
    code = models.CharField(max_length=40)
    place = models.CharField(max_length=500, blank=True, default="")  # JSON pointer
    line = models.PositiveIntegerField(default=0)  # from 1; 0 where there is none
    object_id = models.CharField(max_length=STIX_ID, blank=True, default="")
    params: Any = models.JSONField(default=dict)


class StixObject(models.Model):
    """One version of one STIX object, in one wording, for one audience.

    Every version is kept, and the same text is kept once for an audience, whoever brought it. Two texts under one
    version are two rows: what one party says of an object never displaces what another says.
    ``text`` is STIX 2.1 as it is served; ``received`` is the source where that differs. The key is an integer because
    SQLite's full-text index refers to rows by integers; outside this room an object is known by its STIX identifier.
    """

    class State(models.TextChoices):
        """Whether its content is here."""

        LIVE = "live", pgettext_lazy("an object", "held")
        WITHDRAWN = "withdrawn", pgettext_lazy("an object", "withdrawn")

    stix_id = models.CharField(max_length=STIX_ID)
    type = models.CharField(max_length=250)
    version = models.CharField(max_length=40, blank=True, default="")
    # created_by_ref: versions of one object are those of one creator (STIX 2.1, section 3.6.2)
    creator = models.CharField(max_length=STIX_ID, blank=True, default="")
    # of this audience the one that a list, a search and a report show; store.py says which it is
    is_current = models.BooleanField(default=False)
    name = models.CharField(max_length=500, blank=True, default="")
    summary = models.TextField(blank=True, default="")
    # folded words of name, summary and values: what a search looks in
    search = models.TextField(blank=True, default="")
    tlp = models.PositiveSmallIntegerField()
    # whom it is for: empty is everybody who may read intelligence; store.audience_of says what else
    audience = models.CharField(max_length=AUDIENCE, blank=True, default="")
    text = models.TextField()
    received = models.TextField(blank=True, default="")
    digest = models.CharField(max_length=64)  # SHA-256 of the text; it stays when the text is withdrawn
    # inside which AMBER+STRICT stays; an index over the one or two there are would only cost
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, db_index=False)
    # whose word it is: empty is ours, else the partner's address
    origin = models.CharField(max_length=300, blank=True, default="")
    state = models.CharField(max_length=9, choices=State, default=State.LIVE)
    created = models.DateTimeField(default=now)

    class Meta:
        constraints = (
            # every write asks by it what is held under an identifier; the page of an object lists its versions
            models.UniqueConstraint(
                fields=["stix_id", "version", "digest", "audience"], name="intel_text_once"
            ),
            # the audience first: whether one sees anything that is not for everybody is asked with every list
            models.UniqueConstraint(
                fields=["audience", "stix_id"], name="intel_one_current", condition=Q(is_current=True)
            ),
            models.CheckConstraint(name="intel_object_tlp", condition=Q(tlp__gte=0, tlp__lte=4)),
        )
        indexes = (
            # the objects page: newest first, by type, current only
            models.Index(fields=["-id"], name="intel_newest", condition=Q(is_current=True)),
            models.Index(fields=["type", "-id"], name="intel_by_type", condition=Q(is_current=True)),
            # the same by marking
            models.Index(fields=["tlp", "-id"], name="intel_by_tlp", condition=Q(is_current=True)),
            # and by whose word it is: what a partner gave
            models.Index(fields=["origin", "-id"], name="intel_by_origin", condition=Q(is_current=True)),
        )


class Reference(models.Model):
    """An object names another: ``source_ref``, ``target_ref``, ``object_refs``, ``sighting_of_ref`` and the like."""

    source = models.ForeignKey(StixObject, on_delete=models.CASCADE, related_name="references")
    relation = models.CharField(max_length=250)
    target = models.CharField(max_length=STIX_ID)

    class Meta:
        indexes = (
            # "what names this?" on the page of an object, and the graph
            models.Index(fields=["target", "relation"], name="intel_reference_target"),
        )


class Source(models.Model):
    """Where a version of an object came from: an import or a sighting here, or a release. Without a source it goes."""

    # the first constraint's index begins with the object, so it needs none of its own
    object = models.ForeignKey(StixObject, on_delete=models.CASCADE, related_name="sources", db_index=False)
    release = models.ForeignKey(Release, null=True, on_delete=models.PROTECT, related_name="+")
    imported = models.ForeignKey(Import, null=True, on_delete=models.PROTECT, related_name="+")
    # what was seen here is written as STIX when it is recorded, whether it travels or not
    sighting = models.ForeignKey(
        "Sighting", null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    # it brought the version here; an import that is run again still counts what it brought
    is_first = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["object", "release"], name="intel_released_once"),
            models.UniqueConstraint(
                fields=["object", "imported"],
                name="intel_imported_once",
                condition=Q(imported__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["object", "sighting"],
                name="intel_recorded_once",
                condition=Q(sighting__isnull=False),
            ),
            models.CheckConstraint(
                name="intel_source_one",
                condition=Q(imported__isnull=False, release__isnull=True, sighting__isnull=True)
                | Q(imported__isnull=True, release__isnull=False, sighting__isnull=True)
                | Q(imported__isnull=True, release__isnull=True, sighting__isnull=False),
            ),
        )


class NamedReader(models.Model):
    """A person whom a RED object names, by one of its sources. Nobody else sees it."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="named_readers")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "person"], name="intel_reader_once"),)


class Report(models.Model):
    """A report: what is published as one, with the objects it speaks of.

    A partner's report is its own row even where it bears the identifier of one of ours, so that nobody's report
    can be replaced from outside; and so is a colleague's that is for another audience.
    """

    class State(models.TextChoices):
        """Where it stands."""

        DRAFT = "draft", pgettext_lazy("a report", "draft")
        PUBLISHED = "published", pgettext_lazy("a report", "published")
        RECEIVED = "received", pgettext_lazy("a report", "received")
        WITHDRAWN = "withdrawn", pgettext_lazy("a report", "withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    stix_id = models.CharField(max_length=STIX_ID)
    origin = models.CharField(max_length=300, blank=True, default="")  # as in StixObject
    title = models.CharField(max_length=300, blank=True)  # empty when it was withdrawn
    summary = models.TextField(blank=True, default="")
    search = models.TextField(blank=True, default="")
    tlp = models.PositiveSmallIntegerField()
    audience = models.CharField(max_length=AUDIENCE, blank=True, default="")  # as in StixObject
    topics: Any = models.JSONField(default=list)
    languages: Any = models.JSONField(default=list)
    persons: Any = models.JSONField(default=list)  # whom a RED report names at its receivers
    # whether it leaves, or came, as an early warning, which goes before everything else on a slow line
    is_warning = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    edition = models.PositiveIntegerField(default=1)  # for If-Match
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT)
    author = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    # the newest release of it, ours or a partner's
    release = models.ForeignKey(Release, null=True, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(default=now, editable=False)
    changed = models.DateTimeField(default=now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["stix_id", "origin", "audience"], name="intel_report_once"),
            models.CheckConstraint(name="intel_report_tlp", condition=Q(tlp__gte=0, tlp__lte=4)),
        )
        indexes = (
            models.Index(fields=["state", "-id"], name="intel_report_state"),
            # the list of reports in the order of a column
            models.Index(fields=["changed", "id"], name="intel_report_changed"),
            models.Index(fields=["title", "id"], name="intel_report_title"),
            # what one partner gave
            models.Index(fields=["origin", "-id"], name="intel_report_origin"),
            models.Index(fields=["-id"], name="intel_warnings", condition=Q(is_warning=True)),
        )


class ReportObject(models.Model):
    """An object a report speaks of, by its STIX identifier: the newest version counts until it is published."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="named_objects")
    stix_id = models.CharField(max_length=STIX_ID)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["report", "stix_id"], name="intel_in_report_once"),)
        indexes = (models.Index(fields=["stix_id"], name="intel_reports_of"),)


class ReportReader(models.Model):
    """A person of this node whom a RED report names."""

    report = models.ForeignKey(Report, on_delete=models.CASCADE, related_name="readers")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["report", "person"], name="intel_report_reader_once"),)


class Sighting(models.Model):
    """Somebody saw an object: we, or a partner that told us."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    stix_id = models.CharField(max_length=STIX_ID, unique=True)
    of = models.CharField(max_length=STIX_ID)  # STIX identifier of what was seen
    count = models.PositiveBigIntegerField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    note = models.TextField(blank=True, default="")
    tlp = models.PositiveSmallIntegerField()
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    release = models.ForeignKey(Release, null=True, on_delete=models.PROTECT, related_name="+")
    # whose eyes: empty is ours, else the partner's address
    seen_by = models.CharField(max_length=300, blank=True, default="")
    # whether who saw it lets whoever told of the object share it on as a count, without naming them
    may_count = models.BooleanField(default=False)
    # whether it is such a count: of several nodes, by months, and of no place
    is_count = models.BooleanField(default=False)
    withdrawn = models.DateTimeField(null=True)
    created = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = (models.Index(fields=["of", "-id"], name="intel_sightings_of"),)
