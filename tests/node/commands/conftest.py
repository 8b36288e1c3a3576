"""The tests of the commands have a console."""

import pytest

from tests.node.commands.console import Console

__all__ = ["console"]


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    """A console of the node of the tests, whose Django has been started."""
    return Console(capsys)
