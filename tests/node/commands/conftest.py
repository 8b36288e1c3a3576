"""The tests of the commands have a console."""

import django
import pytest

from tests.node.commands.console import Console

__all__ = ["console"]


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Console:
    """A console of the node of the tests, whose Django has been started."""
    # started again it would log to what is captured here, for as long as the process lives
    monkeypatch.setattr(django, "setup", lambda: None)
    return Console(capsys)
