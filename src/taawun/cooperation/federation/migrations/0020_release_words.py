from typing import Any

from django.db import migrations

from taawun.platform.web.matching import WordsOf, words_of

_AT_ONCE = 1000


def write_words(apps: Any, _editor: Any) -> None:  # historical apps and their editor have no types
    """What releases were called before the column was there."""
    releases = apps.get_model("federation", "Release").objects
    batch = []
    for release in releases.exclude(title="").only("id", "title").iterator(_AT_ONCE):
        release.words = words_of(release.title)
        batch.append(release)
        if len(batch) == _AT_ONCE:
            releases.bulk_update(batch, ["words"])
            batch = []
    releases.bulk_update(batch, ["words"])


class Migration(migrations.Migration):
    dependencies = [("federation", "0019_withdrawals_uncounted")]

    operations = [
        migrations.AddField(
            model_name="release",
            name="words",
            field=WordsOf(blank=True, default="", editable=False, of="title"),
        ),
        migrations.RunPython(write_words, migrations.RunPython.noop),
    ]
