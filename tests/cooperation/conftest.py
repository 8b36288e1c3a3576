"""A kind of release and a kind of message that note what reaches them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from taawun.cooperation.federation.kinds import Arrival
    from taawun.cooperation.federation.models import Release
    from taawun.cooperation.partners.exchange.messages import Message

__all__ = ["Notes", "notes"]


@dataclass
class Notes:
    """What was handed to the kinds ``tests.note`` and ``tests.word``.

    Attributes:
        received: subject, version and content of each release that was taken in.
        withdrawn: subject of each release that was taken out.
        heard: payloads of messages.
        problem: raised instead of taking anything in, where there is one.
    """

    received: list[tuple[str, str, bytes]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    heard: list[object] = field(default_factory=list)
    problem: Exception | None = None

    def receive(self, arrival: Arrival) -> None:
        """Take in a release."""
        if self.problem:
            raise self.problem
        self.received.append((arrival.release.subject, arrival.release.version, arrival.content))

    def withdraw(self, release: Release) -> None:
        """Take out a release."""
        self.withdrawn.append(release.subject)

    def hear(self, message: Message) -> None:
        """Take in a message."""
        if self.problem:
            raise self.problem
        self.heard.append(message.payload["word"])


@pytest.fixture
def notes(monkeypatch: pytest.MonkeyPatch) -> Notes:
    """The kinds, registered for the length of a test."""
    # this file is read before Django is started
    from taawun.cooperation.federation.kinds import ReleaseKind  # noqa: PLC0415 - models need Django to be up, which it is when the fixture runs
    from taawun.cooperation.partners.exchange.messages import MessageKind  # noqa: PLC0415 - models need Django to be up, which it is when the fixture runs
    from taawun.platform.registry import registry  # noqa: PLC0415 - models need Django to be up, which it is when the fixture runs

    kept = Notes()
    release = ReleaseKind(
        "tests.note", "Note", "publish:intel", kept.receive, kept.withdraw, lambda _release: ""
    )
    message = MessageKind("tests.word", kept.hear)
    for part in (release, message):
        monkeypatch.setitem(registry._parts[type(part)], part.name, part)
    return kept
