"""Waiting for what a cluster does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
PERIOD_SECONDS = 0.2


def until(what: str, condition: Callable[[], T], seconds: float, explain: Callable[[], Any] | None = None) -> T:
    """Polls until the condition is true and returns its value. The error says what was missing and what was there."""
    deadline = time.monotonic() + seconds
    fault: Exception | None = None
    while True:
        try:
            value = condition()
            fault = None
            if value:
                return value
        except Exception as error:  # a resource that is not there yet, an API server that is away
            fault = error
        if time.monotonic() > deadline:
            text = f"{what}: not within {seconds:g} s"
            if fault is not None:
                text += f"; last: {fault}"
            if explain is not None:
                text += f"; there is: {explain()}"
            raise TimeoutError(text)
        time.sleep(PERIOD_SECONDS)


def always(what: str, condition: Callable[[], bool], seconds: float) -> None:
    """Polls for so long and fails at the first time that the condition does not hold."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"{what}: not so any more"
        time.sleep(PERIOD_SECONDS)
