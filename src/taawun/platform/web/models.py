"""What the machine interface remembers."""

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
