"""Two small pictures of the same samples: text for a terminal, SVG for a browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT, _MARGIN = 860, 220, 46
_COLOURS = ("#1f6feb", "#d2691e", "#2e8b57", "#8a2be2", "#888888")


@dataclass
class Series:
    """One line of a picture; `unit` stands behind its numbers."""

    title: str
    values: list[float]
    unit: str = ""


def spark(series: Series, width: int = 72) -> str:
    """One line of block letters with the highest value behind it."""
    values = _squeezed(series.values, width)
    top = max(values, default=0) or 1
    bars = "".join(_BARS[round(value / top * (len(_BARS) - 1))] for value in values)
    return f"{series.title:>22} |{bars}| max {max(values, default=0):g}{series.unit}"


def svg(times: Sequence[float], panels: Sequence[tuple[str, Sequence[Series]]]) -> str:
    """The panels under each other, with a common time axis in seconds."""
    height = len(panels) * (_HEIGHT + _MARGIN) + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH + 2 * _MARGIN}" height="{height}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for number, (title, lines) in enumerate(panels):
        parts += _panel(times, title, lines, _MARGIN + number * (_HEIGHT + _MARGIN))
    return "\n".join([*parts, "</svg>\n"])


def _panel(times: Sequence[float], title: str, lines: Sequence[Series], above: int) -> list[str]:
    top = max((value for line in lines for value in line.values), default=0) or 1
    end = times[-1] if times else 1
    bottom = above + _HEIGHT
    parts = [
        f'<text x="{_MARGIN}" y="{above - 8}" font-weight="bold">{title}</text>',
        f'<path d="M{_MARGIN} {above}V{bottom}H{_MARGIN + _WIDTH}" fill="none" stroke="black"/>',
        f'<text x="{_MARGIN - 6}" y="{above + 10}" text-anchor="end">{top:g}</text>',
        f'<text x="{_MARGIN + _WIDTH}" y="{bottom + 14}" text-anchor="end">{end:.0f} s</text>',
    ]
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(
            f"{_MARGIN + time / end * _WIDTH:.1f},{bottom - value / top * _HEIGHT:.1f}"
            for time, value in zip(times, line.values)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{_MARGIN + 120 + 170 * number}" y="{above - 8}" fill="{colour}">{line.title}</text>')
    return parts


def _squeezed(values: Sequence[float], width: int) -> list[float]:
    """At most `width` values: the highest of each run."""
    if len(values) <= width:
        return list(values)
    edges = [round(i * len(values) / width) for i in range(width + 1)]
    return [max(values[a:b]) for a, b in zip(edges, edges[1:])]
