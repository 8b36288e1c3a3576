"""Runs one command on a leash: when the other end of a pipe is gone, so is the command, and all it started.

This file is run as a script by the supervisor, ``python -I -S leash.py FD GRACE COMMAND…``, in a process
group of its own. It uses the standard library only and starts no threads.

A supervisor that is killed with SIGKILL can tell its children nothing. But the system closes its end of the
pipe, on Linux and macOS alike, and nobody else has that end. (``PR_SET_PDEATHSIG`` exists on Linux only, is
tied to the thread that forked, and would have to be set between fork and exec, where Python code is not
safe.)
"""

import contextlib
import os
import select
import signal
import sys
import time

_ASKED_TO_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    """Run the command until it ends or the leash does.

    Args:
        arguments: the file descriptor of the pipe's reading end; how many seconds the command has to stop;
            the command and its arguments.

    Returns:
        The command's exit status; 128 and the signal's number where a signal ended it; 127 where it cannot be
        started.
    """
    leash, grace, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    signals = _watch_signals()
    try:
        child = os.posix_spawnp(
            command[0],
            command,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_CLOSE, leash)],
            setsigdef=[*_ASKED_TO_STOP, signal.SIGCHLD, signal.SIGPIPE],
        )
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be started: {error.strerror}\n")
        return 127
    return _accompany(child, leash, signals, grace)


def _watch_signals() -> int:
    """Turn signals into bytes on a pipe, so that none is missed between looking and waiting."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*_ASKED_TO_STOP, signal.SIGCHLD):
        signal.signal(number, lambda _number, _frame: None)
    return reading


def _accompany(child: int, leash: int, signals: int, grace: float) -> int:
    watched = [signals, leash]
    kill_at: float | None = None
    while (status := _exit_status(child)) is None:
        patience = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        ready, _, _ = select.select(watched, [], [], patience)
        stop = bool(signals in ready and set(os.read(signals, 512)) & set(_ASKED_TO_STOP))
        if leash in ready:
            watched.remove(leash)
            stop = True
        if stop and kill_at is None:
            kill_at = time.monotonic() + grace
            _send(child, signal.SIGTERM)
        if kill_at is not None and time.monotonic() >= kill_at:
            break
    if leash not in watched or status is None:
        # Nobody clears up behind the command, or it will not stop: end the whole group, this process too.
        os.killpg(0, signal.SIGKILL)
    return 0 if status is None else status


def _exit_status(child: int) -> int | None:
    ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _send(child: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
