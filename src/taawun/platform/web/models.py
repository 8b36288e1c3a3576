"""What the machine interface remembers, and what all processes of a node count together."""

from __future__ import annotations

from django.db import models


class Answer(models.Model):
    """The answer to a request that named an Idempotency-Key, for whoever sends it again.

    The answer may hold a secret that is shown once. It is sealed with a key made from the caller's token, of which
    the node keeps only a digest: nobody reads it from the database.
    """

    token = models.UUIDField()
    key_digest = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    # empty while its request is being answered, which nobody sees: it is one transaction
    sealed = models.BinaryField(default=bytes)
    expires = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["token", "key_digest"], name="web_answer_once"),)
        # the sweep asks for those whose day is over
        indexes = (models.Index(fields=["expires"], name="web_answer_expiry"),)


class Counted(models.Model):
    """A row of Django's cache: how often somebody tried to sign in, and codes that were used already.

    The cache reads and writes this table itself (``CACHES`` in the settings); the columns are as it wants them. It is
    a model so that migrations make the table, and the sweep empties it.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField()

    class Meta:
        db_table = "web_counted"
        # the sweep, and the cache itself when it is full, ask for those that are over
        indexes = (models.Index(fields=["expires"], name="web_counted_expiry"),)
