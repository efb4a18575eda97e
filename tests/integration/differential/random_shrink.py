"""Cuts a failing script down: fewer steps, then fewer messages, as long as it fails in the same way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

from .random_script import Script

_SECONDS_MAX = 12.0
_KIND = re.compile(r"^  (?:PostgreSQL|proxy): +(\w+(?: \w+)?)|'C': '(\w+)'", re.M)


def shrunk(script: Script, fault_of: Callable[[Script], str]) -> tuple[Script, str]:
    """A smaller script that fails, and how it fails. Requires: the script fails when played alone."""
    fault = fault_of(script)
    kind = _KIND.findall(fault)
    deadline = time.monotonic() + _SECONDS_MAX
    changed = bool(fault)
    while changed:
        changed = False
        for smaller in _smaller(script):
            if time.monotonic() > deadline:
                return script, fault
            found = fault_of(smaller)
            if found and _KIND.findall(found) == kind:
                script, fault, changed = smaller, found, True
                break
    return script, fault


def _smaller(script: Script) -> list[Script]:
    steps = script.steps
    result = []
    size = len(steps) // 2
    while size > 0:
        result += [script.with_steps(steps[:at] + steps[at + size :]) for at in range(0, len(steps), size)]
        size //= 2
    for at, step in enumerate(steps):
        for left_out in range(len(step.messages)):
            fewer = replace(step, messages=step.messages[:left_out] + step.messages[left_out + 1 :])
            result.append(script.with_steps(steps[:at] + (fewer,) + steps[at + 1 :]))
        if step.cut:
            result.append(script.with_steps(steps[:at] + (replace(step, cut=0),) + steps[at + 1 :]))
    for who in script.startup:
        if len(script.startup) > 1 and all(step.who != who for step in steps):
            result.append(replace(script, startup={k: v for k, v in script.startup.items() if k != who}))
        for name in script.startup[who]:
            fewer_values = {k: v for k, v in script.startup[who].items() if k != name}
            result.append(replace(script, startup={**script.startup, who: fewer_values}))
    return result
