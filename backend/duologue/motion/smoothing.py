"""Filters that run along with a stream: no jump where one push ends and the next begins.

Arrays are time first, (n, ...).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import einsum, exp_to_quat, quat_to_exp

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

WEIGHTS: Final = np.array([-3.0, 12.0, 17.0, 12.0, -3.0]) / 35.0
"""Savitzky and Golay's quadratic through five samples (Analytical Chemistry 36, 1964, table I): parabolas pass unchanged, so
the peak of a stroke keeps its height; at 30 fps what shakes faster than about 9 Hz is damped."""


class Tally:
    """Counts for performers A and B how many frames a correction moved something, and by how much at most."""

    LEAST: Final = 1e-3
    """Metres from which a correction counts."""

    def __init__(self) -> None:
        self.counts: tuple[int, int] = (0, 0)
        self.largest: tuple[float, float] = (0.0, 0.0)

    def add(self, sizes: Array, counted: NDArray[np.bool_] | None = None) -> None:
        """Take sizes (n, 2) in metres; ``counted`` (n, 2) says which frames count, if not those of at least ``LEAST``."""
        number = (sizes >= self.LEAST if counted is None else counted).sum(axis=0)
        largest = sizes.max(axis=0, initial=0.0)
        self.counts = (self.counts[0] + int(number[0]), self.counts[1] + int(number[1]))
        self.largest = (max(self.largest[0], float(largest[0])), max(self.largest[1], float(largest[1])))


class Queue:
    """Arrays of equal length along time, pushed behind and taken in front."""

    def __init__(self) -> None:
        self._arrays: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return len(self._arrays[0]) if self._arrays else 0

    def push(self, *arrays: Array) -> None:
        """Append arrays (n, ...)."""
        held = self._arrays
        self._arrays = tuple(np.concatenate(pair) for pair in zip(held, arrays, strict=True)) if held else arrays

    def take(self, count: int) -> tuple[Array, ...]:
        """Remove and return the first ``count`` frames of each array."""
        taken = tuple(array[:count] for array in self._arrays)
        self._arrays = tuple(array[count:] for array in self._arrays)
        return taken

    def peek(self, index: int) -> Array:
        """Return all held frames of one array."""
        return self._arrays[index]


class Smoother:
    """Takes jitter out of positions and rotations without blurring strokes; two frames late.

    The first and last two frames pass as they are.
    """

    AHEAD: Final = 2

    def __init__(self) -> None:
        self._positions: Array | None = None
        self._quats: Array | None = None
        self._done = 0  # of the held frames, how many went out already

    def push(self, positions: Array, rotations: Array, *, last: bool = False) -> tuple[Array, Array]:
        """Take positions (n, ..., 3) and exponential maps (n, ..., J, 3); return those frames that have become final."""
        quats = np.asarray(exp_to_quat(rotations), np.float64)
        if self._positions is not None and self._quats is not None:
            positions = np.concatenate([self._positions, positions])
            quats = np.concatenate([self._quats, quats])
        flips = np.sign(einsum("t...i,t...i->t...", quats[1:], quats[:-1]))
        quats[1:] *= np.cumprod(np.where(flips < 0, -1.0, 1.0), axis=0)[..., None]

        ahead, count = self.AHEAD, len(positions)
        stop = count if last else max(count - ahead, self._done)
        first, final = max(self._done, ahead), min(stop, count - ahead)
        out_positions, out_quats = positions[self._done : stop].copy(), quats[self._done : stop].copy()
        if final > first:
            inner = slice(first - self._done, final - self._done)
            out_positions[inner] = _convolve(positions[first - ahead : final + ahead])
            out_quats[inner] = _convolve(quats[first - ahead : final + ahead])
            out_quats[inner] /= np.linalg.norm(out_quats[inner], axis=-1, keepdims=True)
        drop = max(stop - ahead, 0)
        # Frames before `ahead` only pass raw at the start of the stream, so keep `ahead` frames of history once there are any.
        self._positions, self._quats, self._done = positions[drop:], quats[drop:], stop - drop
        return out_positions, np.asarray(quat_to_exp(out_quats), np.float64)


def _convolve(values: Array) -> Array:
    count = len(values) - len(WEIGHTS) + 1
    total = WEIGHTS[0] * values[:count]
    for k in range(1, len(WEIGHTS)):
        total += WEIGHTS[k] * values[k : k + count]
    return total


class Envelope:
    """Follows corrections (..., D) that are needed now and soon: there in time, let go gently.

    Each frame aims at the largest need within the next ``AHEAD`` frames, through two one-pole filters in a row whose pole is
    quick while the need grows and slow while it shrinks: at most a tenth of a need that comes as a step is missing.
    """

    AHEAD: Final = 4
    ATTACK: Final = 0.5
    RELEASE: Final = 0.9

    def __init__(self) -> None:
        self._first: Array | None = None
        self._second: Array | None = None

    def follow(self, needs: Array, count: int, firm: Flags | None = None) -> Array:
        """Return the corrections (count, ..., D) of the first frames, given the needs (n, ..., D) of those and the next.

        Where ``firm`` (n, ..., D) a correction stays what it was; what of it may go there goes soon.
        """
        size = np.linalg.norm(needs, axis=-1)
        best = needs[:count].copy()
        best_size = size[:count].copy()
        for k in range(1, self.AHEAD + 1):
            later, later_size = needs[k : k + count], size[k : k + count]
            n = len(later)
            larger = later_size > best_size[:n]
            best[:n] = np.where(larger[..., None], later, best[:n])
            best_size[:n] = np.where(larger, later_size, best_size[:n])
        # A take begins as if its first need had always been there: what starts inside something starts pushed out.
        begin = best[0] if count else np.zeros(needs.shape[1:])
        first = begin if self._first is None else self._first
        second = begin if self._second is None else self._second
        out = np.zeros_like(best)
        for t in range(count if best.any() or second.any() else 0):  # a recursion: frame t needs frame t - 1
            growing = best_size[t] >= np.sqrt((second * second).sum(axis=-1))
            quick = growing if firm is None else growing | firm[t].any(axis=-1)
            pole = np.where(quick, self.ATTACK, self.RELEASE)[..., None]
            first = pole * first + (1.0 - pole) * best[t]
            after = pole * second + (1.0 - pole) * first
            if firm is not None:  # it goes on from there at rest
                first, after = (np.where(firm[t], second, x) for x in (first, after))
            second = after
            # What is too small to see is begin: limbs that need no correction are then passed through untouched.
            first, second = (np.where(np.abs(x) < 1e-6, 0.0, x) for x in (first, second))
            out[t] = second
        if count:
            self._first, self._second = first, second
        return out
