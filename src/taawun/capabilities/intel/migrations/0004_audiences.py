"""A version, and a report, is held once for each audience. On the way back the strictest of each stays."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import migrations, models

from taawun.capabilities.intel import search

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import StateApps

AMBER_STRICT, RED = 3, 4
CHUNK = 500


def say_whom_for(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What is AMBER+STRICT or RED already is for its organisation, or for the persons it names."""
    objects, reports = apps.get_model("intel", "StixObject"), apps.get_model("intel", "Report")
    for model in (objects, reports):
        strict = model.objects.filter(tlp=AMBER_STRICT)
        for organisation in set(strict.values_list("organisation_id", flat=True)):
            strict.filter(organisation_id=organisation).update(audience=f"organisation:{organisation}")
    named = apps.get_model("intel", "NamedReader").objects.filter(source__object__tlp=RED)
    red: dict[Any, set[str]] = {key: set() for key in objects.objects.filter(tlp=RED).values_list("id", flat=True)}
    for key, person in named.values_list("source__object_id", "person_id").iterator():
        red[key].add(str(person))
    _update(objects, red)
    secret: dict[Any, set[str]] = {
        key: {str(author)} if author else set()
        for key, author in reports.objects.filter(tlp=RED).values_list("id", "author_id")
    }
    readers = apps.get_model("intel", "ReportReader").objects.filter(report__tlp=RED)
    for key, person in readers.values_list("report_id", "person_id").iterator():
        secret[key].add(str(person))
    _update(reports, secret)


def _update(model: Any, persons: dict[Any, set[str]]) -> None:
    of_same: dict[str, list[Any]] = defaultdict(list)
    for key, named in persons.items():
        of_same[f"persons:{sha256(','.join(sorted(named)).encode()).hexdigest()}"].append(key)
    for audience, keys in of_same.items():
        for chunk in _chunks(keys):
            model.objects.filter(pk__in=chunk).update(audience=audience)


def choose_again(apps: StateApps, _schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let one version be current in each audience, where there was one of the whole node."""
    objects = apps.get_model("intel", "StixObject").objects
    narrow = objects.exclude(audience="").values_list("stix_id", flat=True).distinct().order_by("stix_id")
    for chunk in _chunks(list(narrow)):
        versions: dict[tuple[str, str], list[Any]] = defaultdict(list)
        rows = objects.filter(stix_id__in=chunk, state="live").order_by("id")
        for row in rows.only("stix_id", "audience", "origin", "creator", "version"):
            versions[row.stix_id, row.audience].append(row)
        current = [_current(each).id for each in versions.values()]
        objects.filter(stix_id__in=chunk, is_current=True).exclude(id__in=current).update(is_current=False)
        objects.filter(id__in=current).update(is_current=True)


def _current(versions: list[Any]) -> Any:
    """Our own word before a partner's, the first partner's before another's, a named creator's, the newest."""
    first = min(versions, key=lambda row: (bool(row.origin), row.id))
    said = [row for row in versions if row.origin == first.origin]
    creator = min(said, key=lambda row: (not row.creator, row.id)).creator
    return max((row for row in said if row.creator == creator), key=lambda row: (row.version, -row.id))


def _chunks(keys: Collection[Any]) -> Iterator[list[Any]]:
    left: Iterable[Any] = iter(keys)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def one_of_each(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Hold a text once, under its strictest marking and with all that brought it; and of a report the strictest alone."""
    objects, reports = apps.get_model("intel", "StixObject").objects, apps.get_model("intel", "Report").objects
    for kept, others in _several(objects, "stix_id", "version", "digest"):
        _move_sources(apps, kept, others)
        lost = apps.get_model("intel", "Source").objects.filter(object_id__in=others).values_list("id", flat=True)
        _delete(schema_editor, apps, "NamedReader", "source_id", list(lost))
        _delete(schema_editor, apps, "Source", "object_id", others)
        _delete(schema_editor, apps, "Reference", "source_id", others)
        _delete(schema_editor, apps, "StixObject", "id", others)
    for _kept, others in _several(reports, "stix_id", "origin"):
        _delete(schema_editor, apps, "ReportObject", "report_id", others)
        _delete(schema_editor, apps, "ReportReader", "report_id", others)
        _delete(schema_editor, apps, "Report", "id", others)
    narrow = objects.exclude(audience="").values_list("stix_id", flat=True).distinct().order_by("stix_id")
    for chunk in _chunks(list(narrow)):
        held: dict[str, list[Any]] = defaultdict(list)
        for row in objects.filter(stix_id__in=chunk, state="live").order_by("id").defer("text", "received"):
            held[row.stix_id].append(row)
        objects.filter(stix_id__in=chunk, is_current=True).update(is_current=False)
        objects.filter(id__in=[_current(each).id for each in held.values()]).update(is_current=True)


def _several(held: Any, *names: str) -> Iterator[tuple[Any, list[Any]]]:
    """Of rows that agree in these columns the strictest, and the others."""
    found = held.order_by().values(*names).annotate(count=models.Count("id")).filter(count__gt=1)
    for same in list(found):
        rows = held.filter(**{name: same[name] for name in names}).order_by("-tlp", "id")
        kept, *others = rows.values_list("id", flat=True)
        yield kept, others


def _move_sources(apps: StateApps, kept: Any, others: list[Any]) -> None:
    sources = apps.get_model("intel", "Source").objects
    by = ("release_id", "imported_id", "sighting_id")
    known = set(sources.filter(object_id=kept).values_list(*by))
    for key, *brought in sources.filter(object_id__in=others).order_by("id").values_list("id", *by):
        if tuple(brought) not in known:
            known.add(tuple(brought))
            sources.filter(id=key).update(object_id=kept)


def _delete(
    schema_editor: BaseDatabaseSchemaEditor, apps: StateApps, model: str, column: str, keys: list[Any]
) -> None:
    """Without looking for what names them: on the way back the models of other rooms are of another time."""
    held = apps.get_model("intel", model).objects
    for chunk in _chunks(keys):
        found = held.filter(**{f"{column}__in": chunk})
        found._raw_delete(schema_editor.connection.alias)  # noqa: SLF001 - all that names them was deleted before


def check_now(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let PostgreSQL make the checks that it put off: a table is not altered while some wait."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        schema_editor.execute("SET CONSTRAINTS ALL DEFERRED")


def hear_of_changes(_apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """SQLite altered the table by making it anew, and the triggers that fill the full-text index went with the old."""
    if schema_editor.connection.vendor == "sqlite":
        for statement in search.SQLITE_TRIGGERS:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("intel", "0003_recorded_here")]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, hear_of_changes),
        migrations.RemoveConstraint("stixobject", "intel_text_once"),
        migrations.RemoveConstraint("stixobject", "intel_one_current"),
        migrations.RemoveConstraint("report", "intel_report_once"),
        migrations.AddField(
            model_name="stixobject",
            name="audience",
            field=models.CharField(blank=True, default="", max_length=72),
        ),
        migrations.AddField(
            model_name="report",
            name="audience",
            field=models.CharField(blank=True, default="", max_length=72),
        ),
        migrations.RunPython(say_whom_for, migrations.RunPython.noop),
        migrations.RunPython(choose_again, migrations.RunPython.noop),
        migrations.RunPython(check_now, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="stixobject",
            constraint=models.UniqueConstraint(
                fields=("stix_id", "version", "digest", "audience"), name="intel_text_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="stixobject",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_current", True)),
                fields=("audience", "stix_id"),
                name="intel_one_current",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.UniqueConstraint(
                fields=("stix_id", "origin", "audience"), name="intel_report_once"
            ),
        ),
        migrations.RunPython(migrations.RunPython.noop, check_now),
        migrations.RunPython(hear_of_changes, one_of_each),
    ]
