"""When to cut and to what: who speaks and who moves become a list of shots, as an editor of dialogue would cut it.

A shot is worth what it shows: a speaker's face, a listener's after a while, both where nobody or everybody speaks, everything
where somebody walks. Cuts cost, long shots tire, and none is shorter than ``SHORTEST``. The best list of all is found by dynamic
programming (Viterbi over stretches of any length), so there is no rule that could contradict another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from duologue.staging.turns import runs, without_short
from duologue.units import FPS

Size = Literal["wide", "two", "over", "close"]
"""Everything to the floor; both to the waist; a face past the partner's shoulder; a face."""

Float = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

SHORTEST: Final = 2 * FPS
"""Frames of the shortest shot."""
_CELL: Final = 5
"""Frames that are decided together; ``SHORTEST`` is a multiple."""
_LONGEST: Final = 15 * FPS // _CELL
"""Cells of the longest shot that is looked at as one; it may go on as the same shot."""

KINDS: Final[tuple[tuple[Size, int], ...]] = (
    ("wide", -1), ("two", -1), ("over", 0), ("over", 1), ("close", 0), ("close", 1),
)  # fmt: skip
_WIDE, _TWO, _OVER, _CLOSE = 0, 1, 2, 4

_NEVER: Final = -1e4
_CUT: Final = 0.7
"""What a cut costs, in seconds of a speaker's face."""
_SAME_FACE: Final = 0.9
"""And what it costs more where the same face is seen before and after: it jumps."""
_GO_ON: Final = 1.4
"""What a shot pays to go on past ``_LONGEST``."""
_FRESH: Final = 3.5
"""Seconds after which a shot begins to tire, and how fast, per second squared."""
_TIRES: Final = 0.05
_LEAD: Final = 4
"""Frames by which a cut comes before the word."""


@dataclass(frozen=True)
class Shot:
    """From frame ``start`` to before ``stop``; ``subject`` is whose face it is about (0: A, 1: B), -1 where it is both."""

    start: int
    stop: int
    size: Size
    subject: int = -1


def cut(speaking: Bools, moving: Bools, over_shoulders: bool | Bools = True) -> list[Shot]:
    """Return the shots of a take in order, without gap or overlap.

    ``speaking`` (2, n): who speaks when; ``moving`` (2, n): who walks, sits down or stands up, which is always seen whole.
    ``over_shoulders``, or (n,): where two stand so that one can be seen past the other. No shot is shorter than ``SHORTEST`` but
    that of a take which is itself shorter.
    """
    frames = speaking.shape[1]
    if not frames:
        return []
    count = max(1, frames // _CELL)
    if count < SHORTEST // _CELL:
        return [Shot(0, frames, "wide" if moving.any() else "two")]
    worth = _worth(speaking, moving, np.broadcast_to(over_shoulders, frames), count)
    edges = [min(frames, cell * _CELL) for cell in range(count)] + [frames]
    return [Shot(edges[first], edges[last], *KINDS[kind]) for first, last, kind in _best(worth, _moves(moving, count))]


def wide(frames: int) -> list[Shot]:
    """Return the one shot of a take that isn't cut."""
    return [Shot(0, frames, "wide")] if frames else []


def _moves(moving: Bools, count: int) -> Bools:
    """Return (count,) in which cells anybody moves."""
    held = moving.any(axis=0)
    cells = np.zeros(count, bool)
    for start, end in runs(held):
        cells[min(start // _CELL, count - 1) : -(-end // _CELL)] = True
    return cells


def _worth(speaking: Bools, moving: Bools, over: Bools, count: int) -> Float:
    """Return (kinds, count): what each kind of shot is worth in each cell, in seconds of a speaker's face."""
    at = np.minimum(np.arange(count) * _CELL + _CELL // 2, speaking.shape[1] - 1)
    # Whoever is heard for less than half a second under the other's words does not take the floor.
    heard = np.stack([without_short(one, FPS // 2) for one in speaking])
    ahead = np.minimum(at + _LEAD, speaking.shape[1] - 1)
    talks = heard[:, ahead]
    alone = talks & ~talks[::-1]
    both, none = talks.all(axis=0), ~talks.any(axis=0)
    worth = np.zeros((len(KINDS), count))
    worth[_WIDE] = 0.1
    worth[_TWO] = 0.5 + 0.5 * both + 0.1 * none
    close_first = _closer(alone)
    listens = _reactions(alone)
    for who in (0, 1):
        face = 1.0 * alone[who] + 0.1 * alone[1 - who] + 0.55 * both + 0.35 * none + 0.95 * listens[who]
        worth[_CLOSE + who] = face - 0.15 * ~close_first
        worth[_OVER + who] = face - 0.15 * close_first - 0.35 * listens[who]
    worth[_OVER : _OVER + 2, ~over[at]] = _NEVER
    opening, ending = 2 * FPS // _CELL, int(1.5 * FPS) // _CELL
    worth[_TWO, :opening] += 1.5
    worth[_TWO, count - ending :] += 0.4
    moves = _moves(moving, count)
    worth[1:, moves] = _NEVER
    worth[_WIDE, moves] = 1.0
    return worth * _CELL / FPS


def _closer(alone: Bools) -> Bools:
    """Return (count,) whether a face is rather seen close: each pair of turns is, but the first and every third."""
    turns = sorted((start, who) for who in (0, 1) for start, _ in runs(alone[who]))
    closer = np.zeros(alone.shape[1], bool)
    floor, number = -1, -1
    for start, who in turns:
        number += who != floor
        floor = who
        closer[start:] = (number // 2) % 3 != 0
    return closer


def _reactions(alone: Bools) -> Bools:
    """Return (2, count): where a listener's face is worth seeing, the middle of a long turn of the other."""
    seen = np.zeros_like(alone)
    begins, ends = int(2.3 * FPS) // _CELL, FPS // 2 // _CELL
    for who in (0, 1):
        for start, end in runs(alone[who]):
            if (end - start) * _CELL > 5 * FPS:
                seen[1 - who, start + begins : end - ends] = True
    return seen


def _best(worth: Float, moves: Bools) -> list[tuple[int, int, int]]:
    """Return the stretches (first cell, cell after the last, kind) of the list that is worth most."""
    kinds, count = worth.shape
    least = SHORTEST // _CELL
    sums = np.concatenate([np.zeros((kinds, 1)), np.cumsum(worth, axis=1)], axis=1)
    still = np.concatenate([[0], np.cumsum(~moves)])
    costs = _costs()
    enter = np.full((kinds, count + 1), -np.inf)  # the best list up to a cell that a shot of this kind may follow
    came = np.zeros((kinds, count + 1), int)
    length = np.zeros((kinds, count + 1), int)
    enter[:, 0] = 0.0
    best = np.full((kinds, count + 1), -np.inf)
    for end in range(least, count + 1):
        starts = np.arange(max(0, end - _LONGEST), end - least + 1)
        tired = np.maximum((still[end] - still[starts]) * _CELL / FPS - _FRESH, 0.0) ** 2 * _TIRES
        values = enter[:, starts] + sums[:, end, None] - sums[:, starts] - tired
        pick = values.argmax(axis=1)
        best[:, end] = values[np.arange(kinds), pick]
        length[:, end] = end - starts[pick]
        onward = best[:, end, None] - costs
        came[:, end] = onward.argmax(axis=0)
        enter[:, end] = onward.max(axis=0)
    return _traced(int(best[:, count].argmax()), count, length, came)


def _costs() -> Float:
    """Return (kinds, kinds): what it costs to go from one kind of shot to another."""
    costs = np.full((len(KINDS), len(KINDS)), _CUT)
    for i, (_, one) in enumerate(KINDS):
        for j, (_, other) in enumerate(KINDS):
            costs[i, j] += _SAME_FACE * (one == other)
    np.fill_diagonal(costs, _GO_ON)
    costs[_WIDE, _WIDE] = 0.0
    return costs


def _traced(kind: int, end: int, length: NDArray[np.int_], came: NDArray[np.int_]) -> list[tuple[int, int, int]]:
    """Follow the best list back to its beginning; a shot that goes on as itself is one shot."""
    stretches: list[tuple[int, int, int]] = []
    while end > 0:
        first = end - int(length[kind, end])
        if stretches and stretches[-1][2] == kind:
            stretches[-1] = (first, stretches[-1][1], kind)
        else:
            stretches.append((first, end, kind))
        kind, end = int(came[kind, first]), first
    return stretches[::-1]
