"""What the machine interface remembers, what all processes of a node count, and what people wrote and did not send."""

from __future__ import annotations

from django.conf import settings
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


class Draft(models.Model):
    """What somebody wrote into a form and has not sent, kept by itself; see :mod:`taawun.platform.web.drafts`.

    Its id is that of one opening of the form, so that two tabs keep two drafts and neither writes over the other.
    """

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    # the address of the form without its language
    page = models.CharField(max_length=300)
    # the edition of what the form is about when it was opened; empty where there is none
    version = models.CharField(max_length=100, blank=True, default="")
    # names and values, sealed: they may be marked
    sealed = models.TextField()
    written = models.DateTimeField()

    class Meta:
        indexes = (
            # a form asks for what its reader wrote into it; the bounds count newest first
            models.Index(fields=["person", "page", "-written"], name="web_draft_of_page"),
            # the sweep asks for those that nobody came back to
            models.Index(fields=["written"], name="web_draft_written"),
        )
