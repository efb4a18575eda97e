"""Prints "passed failed skipped", summed over the closing lines of ctest, pytest and of single checks in a log."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_CTEST = re.compile(r"^\d+% tests passed, (\d+) tests failed out of (\d+)$")
_CTEST_SKIPPED = re.compile(r"^\s*\d+ - .* \((Skipped|Disabled|Not Run \(Disabled\))\)$")
_PYTEST = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s")
_SINGLE = re.compile(r": (\d+) passed, (\d+) failed$")
_PYTEST_WORDS = {
    "passed": 0, "xfailed": 0, "failed": 1, "error": 1, "errors": 1, "xpassed": 1, "skipped": 2,
}


def results(lines: list[str]) -> list[int]:
    """[passed, failed, skipped]."""
    total = [0, 0, 0]
    for line in lines:
        if found := _CTEST.match(line):
            failed, tests = int(found[1]), int(found[2])
            total[0] += tests - failed
            total[1] += failed
        elif _CTEST_SKIPPED.match(line):
            total[0] -= 1
            total[2] += 1
        elif found := _PYTEST.match(line):
            for number, word in re.findall(r"(\d+) ([a-z]+)", found[1]):
                if word in _PYTEST_WORDS:
                    total[_PYTEST_WORDS[word]] += int(number)
        elif found := _SINGLE.search(line):
            total[0] += int(found[1])
            total[1] += int(found[2])
    return total


if __name__ == "__main__":
    print(*results(Path(sys.argv[1]).read_text(errors="replace").splitlines()))
