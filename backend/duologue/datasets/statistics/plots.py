"""Plots as SVG: bars and histograms are lines and rectangles, and one page of them should not ask for a plotting library.

Every plot is complete in itself, with its unit on its axis, so that it can stand in a page or be a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's, which can be told apart by those who see no red or green."""
_WIDTH: Final = 460
_LABELS: Final = 190
"""Pixels for the names of bars."""
_ROW: Final = 24
_LETTER: Final = 6.6
"""Pixels that a letter takes, about."""
_PLOT: Final = (48.0, 14.0, 448.0, 176.0)
"""Left, top, right, bottom of a histogram's axes."""
_BINS: Final = 50
"""Of a histogram that is drawn: more are finer than the eye."""
_FEWEST: Final = 9
"""Bins beside the first that are drawn though they are empty: one bin alone has no shape."""
_DOTS: Final = 2500
"""Of a face that is drawn."""
_SCALE: Final = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Viridis, at every quarter."""


def bars(rows: Sequence[tuple[str, float, str]], unit: str) -> str:
    """Draw (name, value, what it is of) from above; a value is written beside its bar, and what it is of behind it."""
    finite = [value for _, value, _ in rows if np.isfinite(value)]
    top = max([*finite, 1e-12])
    room = _WIDTH - _LABELS - 18 - max(_LETTER * (len(_number(value)) + len(about)) for _, value, about in rows)
    parts: list[str] = []
    for k, (name, value, about) in enumerate(rows):
        y = 4 + k * _ROW
        length = room * max(value, 0.0) / top if np.isfinite(value) else 0.0
        parts.append(_text(_LABELS - 8, y + 14, name, anchor="end"))
        parts.append(f'<rect x="{_LABELS}" y="{y + 2}" width="{length:.1f}" height="{_ROW - 8}" fill="{COLOURS[0]}"/>')
        written = _number(value)
        parts.append(_text(_LABELS + length + 6, y + 14, written))
        parts.append(_text(_LABELS + length + 12 + _LETTER * len(written), y + 14, about, colour="#777"))
    height = 8 + len(rows) * _ROW + 18
    parts.append(_text(_LABELS, height - 6, unit, colour="#555"))
    return _svg(_WIDTH, height, parts)


def histogram(series: Mapping[str, tuple[Array, Array]], unit: str) -> str:
    """Draw how often values are of each size, of several series: edges (N + 1,) and shares (N,) by name; in percent of each."""
    drawn = {name: _coarse(*_filled(series, values)) for name, values in series.items()}
    left, top, right, bottom = _PLOT
    low = min(edges[0] for edges, _ in drawn.values())
    high = max(edges[-1] for edges, _ in drawn.values())
    most = max(max(float(shares.max()) for _, shares in drawn.values()) * 100, 1e-9)

    def at(x: Array, y: Array) -> list[str]:
        return [
            f"{left + (right - left) * (a - low) / (high - low):.1f},{bottom - (bottom - top) * b / most:.1f}"
            for a, b in zip(x, y, strict=True)
        ]

    parts = _axes(low, high, most)
    for k, (name, (edges, shares)) in enumerate(drawn.items()):
        x, y = np.repeat(edges, 2), np.concatenate([[0.0], np.repeat(100 * shares, 2), [0.0]])
        colour = COLOURS[k % len(COLOURS)]
        parts.append(
            f'<polygon points="{" ".join(at(x, y))}" fill="{colour}" fill-opacity=".25" stroke="{colour}" stroke-width="1.5"/>'
        )
        if len(drawn) > 1:
            parts.append(_text(right, top + 12 + 16 * k, name, colour=colour, anchor="end"))
    parts.append(_text((left + right) / 2, bottom + 34, unit, anchor="middle"))
    parts.append(_text(4, 11, "%", colour="#555"))
    return _svg(_WIDTH, bottom + 44, parts)


def face(points: Array, values: Array, most: float) -> str:
    """Draw a face from the front: vertices (V, 3), X to its left and Y up, as dots coloured by a value (V,), 0 to ``most``."""
    every = max(1, len(points) // _DOTS)
    order = np.argsort(points[::every, 2])  # what lies in front is drawn last
    at, shown = points[::every][order], values[::every][order]
    low, high = at.min(0), at.max(0)
    scale = 190 / max(float((high - low)[:2].max()), 1e-9)
    x, y = (at[:, 0] - (low[0] + high[0]) / 2) * scale + 100, (high[1] - at[:, 1]) * scale + 5
    stops = np.linspace(0, 1, len(_SCALE))
    share = np.clip(shown / max(most, 1e-12), 0, 1)
    colours = np.stack([np.interp(share, stops, channel) for channel in np.array(_SCALE).T], axis=-1).astype(int)
    dots = [
        f'<circle cx="{a:.0f}" cy="{b:.0f}" r="2.6" fill="#{r:02x}{g:02x}{blue:02x}"/>'
        for a, b, (r, g, blue) in zip(x, y, colours, strict=True)
    ]
    return _svg(200, 200, dots)


def _filled(series: Mapping[str, tuple[Array, Array]], values: tuple[Array, Array]) -> tuple[Array, Array]:
    """Return a series over the bins that any of them fills, in what they share."""
    used = np.any([shares > 1e-4 for _, shares in series.values()], axis=0)
    edges, shares = values
    if not used.any():
        return edges, shares
    first, last = (int(k) for k in np.flatnonzero(used)[[0, -1]])
    first = 0 if first < len(shares) // 4 else max(0, min(first, last - _FEWEST))
    last = min(max(last, first + _FEWEST), len(shares) - 1)
    return edges[first : last + 2], shares[first : last + 1]


def _coarse(edges: Array, shares: Array) -> tuple[Array, Array]:
    """Return no more than ``_BINS`` bins, several joined into one."""
    each = -(-len(shares) // _BINS)
    starts = np.arange(0, len(shares), each)
    return np.append(edges[starts], edges[-1]), np.add.reduceat(shares, starts)


def _axes(low: float, high: float, most: float) -> list[str]:
    left, top, right, bottom = _PLOT
    parts = [f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#999"/>']
    for tick in _ticks(low, high):
        x = left + (right - left) * (tick - low) / (high - low)
        parts.append(f'<path d="M{x:.1f} {bottom}v4" stroke="#999"/>')
        parts.append(_text(x, bottom + 17, _number(tick), anchor="middle", colour="#555"))
    for tick in _ticks(0.0, most):
        y = bottom - (bottom - top) * tick / most
        parts.append(f'<path d="M{left} {y:.1f}H{right}" stroke="#eee"/>')
        parts.append(_text(left - 5, y + 4, _number(tick), anchor="end", colour="#555"))
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Return four to eight round numbers between two."""
    raw = (high - low) / 5
    power = 10.0 ** np.floor(np.log10(raw))
    step = power * min((1, 2, 5, 10), key=lambda factor: abs(factor * power - raw))
    return [float(k * step) for k in range(int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9)) + 1)]


def _number(value: float) -> str:
    return "–" if not np.isfinite(value) else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )
