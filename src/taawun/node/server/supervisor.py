"""Keeps the processes of a node running together: the web server, the worker, whatever else there is.

Each process runs on a leash (``leash``), in a process group of its own. The supervisor starts them, restarts
what falls, and stops all when it is told to; and if it is killed itself, the leashes end them.
"""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from taawun.node.server import leash as leash_script

_logger = logging.getLogger(__name__)

_ASKED_TO_STOP: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_LONGEST_PAUSE_SECONDS: Final = 30.0
_HEALTHY_SECONDS: Final = 10.0
_QUICK_FAILURES: Final = 5
_LEASH_MARGIN_SECONDS: Final = 2.0

DONE: Final = 0
COULD_NOT: Final = 3


@dataclass(frozen=True)
class Process:
    """A process to keep running.

    Attributes:
        name: what the log calls it.
        argv: the command and its arguments.
        env: its environment; the supervisor's own where it is None.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None


class _Kept:
    """One process, through all its lives."""

    def __init__(self, process: Process, grace_seconds: float, pause_seconds: float) -> None:
        self.process = process
        self.running: subprocess.Popen[bytes] | None = None
        self.start_at = time.monotonic()
        self.quick_failures = 0
        self._grace_seconds = grace_seconds
        self._pause_seconds = pause_seconds
        self._started = 0.0
        self._leash = -1

    def start(self) -> None:
        """Start the process on its leash."""
        reading, self._leash = os.pipe()
        command = [
            sys.executable,
            "-I",
            "-S",
            str(leash_script.__file__),
            str(reading),
            str(self._grace_seconds),
        ]
        try:
            self.running = subprocess.Popen(
                [*command, *self.process.argv],
                env=None if self.process.env is None else dict(self.process.env),
                pass_fds=[reading],
                process_group=0,
            )
        finally:
            os.close(reading)
        self._started = time.monotonic()
        _logger.info("%s started (process %d)", self.process.name, self.running.pid)

    def stop(self, number: signal.Signals) -> None:
        """Pass a signal on. SIGKILL goes to all that the process started."""
        if self.running is None:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.running.pid, number)
            else:
                self.running.send_signal(number)

    def look(self) -> int | None:
        """Clear up if the process has ended; its exit status, or None while it runs or rests."""
        if self.running is None or (status := self.running.poll()) is None:
            return None
        # Whatever it left behind in its group must not meet its successor.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.running.pid, signal.SIGKILL)
        os.close(self._leash)
        self.running = None
        lasted = time.monotonic() - self._started
        self.quick_failures = self.quick_failures + 1 if lasted < _HEALTHY_SECONDS else 0
        pause = min(self._pause_seconds * 2 ** max(0, self.quick_failures - 1), _LONGEST_PAUSE_SECONDS)
        self.start_at = time.monotonic() + pause
        return status


class _Supervision:
    def __init__(
        self, processes: Sequence[Process], grace_seconds: float, pause_seconds: float, signals: int
    ) -> None:
        self._kept = [_Kept(process, grace_seconds, pause_seconds) for process in processes]
        self._grace_seconds = grace_seconds
        self._signals = signals
        self._kill_at: float | None = None
        self._result = DONE

    def run(self) -> int:
        while True:
            for kept in self._kept:
                self._look_after(kept)
            if self._kill_at is not None:
                if not any(kept.running for kept in self._kept):
                    return self._result
                if time.monotonic() >= self._kill_at:
                    self._stop_all(signal.SIGKILL)
            self._wait()

    def _look_after(self, kept: _Kept) -> None:
        status = kept.look()
        if self._kill_at is not None:
            return
        if status is not None:
            _logger.error("%s ended with status %d; it is started again", kept.process.name, status)
            if kept.quick_failures >= _QUICK_FAILURES:
                _logger.error(
                    "%s does not stay up (%d times); giving up", kept.process.name, kept.quick_failures
                )
                self._result = COULD_NOT
                self._begin_to_stop()
        elif kept.running is None and time.monotonic() >= kept.start_at:
            kept.start()

    def _begin_to_stop(self) -> None:
        self._kill_at = time.monotonic() + self._grace_seconds + _LEASH_MARGIN_SECONDS
        self._stop_all(signal.SIGTERM)

    def _stop_all(self, number: signal.Signals) -> None:
        for kept in self._kept:
            kept.stop(number)

    def _wait(self) -> None:
        moments = [kept.start_at for kept in self._kept if kept.running is None and self._kill_at is None]
        if self._kill_at is not None:
            moments.append(max(self._kill_at, time.monotonic() + 0.05))
        patience = max(0.0, min(moments) - time.monotonic()) if moments else None
        ready, _, _ = select.select([self._signals], [], [], patience)
        if ready and set(os.read(self._signals, 512)) & _ASKED_TO_STOP:
            if self._kill_at is None:
                self._begin_to_stop()
            else:
                # Told twice: whoever waits has no more patience.
                self._kill_at = time.monotonic()


def run(processes: Sequence[Process], *, grace_seconds: float = 30.0, pause_seconds: float = 0.5) -> int:
    """Keep processes running until SIGTERM, SIGINT or SIGHUP. Must be called in the main thread.

    What falls is started again after a pause, which doubles each time up to 30 seconds; ten seconds up make
    it healthy again. A process that falls five times without becoming healthy ends them all.

    Args:
        processes: what to keep running.
        grace_seconds: how long they may take to stop; a second signal takes that time away.
        pause_seconds: how long to wait before what fell is started again for the first time.

    Returns:
        0 when all were stopped because that was asked for; 3 when one of them would not stay up.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    handlers = {
        number: signal.signal(number, lambda *_: None) for number in (*_ASKED_TO_STOP, signal.SIGCHLD)
    }
    former = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        return _Supervision(processes, grace_seconds, pause_seconds, reading).run()
    finally:
        signal.set_wakeup_fd(former)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(reading)
        os.close(writing)
