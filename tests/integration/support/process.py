"""Child processes that never outlive a test, and ports that are free."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A port that nothing listens on. Another process could take it; the odds are small on a test machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """For preexec_fn: the child is killed when pytest dies, whatever the cause."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(what: str, condition: Callable[[], bool], seconds: float) -> None:
    """Polls a condition that has no event to await; raises TimeoutError that says what was missing."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def start(command: list[str], log: Path, user: str | None = None, **options: object) -> subprocess.Popen[bytes]:
    """Starts a child whose output goes to `log` and that dies with this process."""
    with open(log, "ab") as output:
        return subprocess.Popen(  # type: ignore[call-overload]
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            preexec_fn=die_with_parent, user=user, group=user, extra_groups=[] if user else None, **options,
        )


def stop(child: subprocess.Popen[bytes], sign: signal.Signals, seconds: float) -> int:
    """Sends the signal and waits; kills after the deadline and says so. Returns the exit code."""
    if child.poll() is None:
        child.send_signal(sign)
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise TimeoutError(f"{child.args!r} did not end within {seconds:g} s after {sign.name}") from None


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, from schedstat (nanoseconds, so short runs count too)."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9
