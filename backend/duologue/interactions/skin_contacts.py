"""Where a hand's capsules meet skin, and pushing what is inside of them out, as far as tissue lets it.

Of thousands of points of the skin a few hundred are near one of a hand's capsules: what is looked at are those pairs alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.indentation import Capsules, exit_length
from duologue.interactions.surface import Skin
from duologue.motion.rotations import einsum

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

CLOSE: Final = 0.006
"""Metres from a capsule within which skin may come to be inside of it: by the rim of a dent, or by what trails behind."""
_BESIDE: Final = 0.014
"""Metres from a capsule within which skin that is close to another one may come to be inside of it: a whole dent away."""
_FACING: Final = -0.3
"""Of a capsule's radius: skin that faces away from its line by more lies inside the mouth, and does not say where outside is."""
_PUSHES: Final = 2
"""Times that what is inside is pushed: out of one capsule may be into another."""


@dataclass(frozen=True, eq=False)
class Contacts:
    """Where each of K capsules meets the skin, over T frames."""

    depth: Array
    """(T, K): metres by which skin has to give way; 0 apart."""
    inward: Array
    """(T, K, 3): unit, which way it does, in the world; 0 apart."""
    along: Array
    """(T, K): where on the capsule's line the middle of the contact is, in [0, 1]."""
    vertex: Indices
    """(T, K): the vertex nearest to where it is pressed deepest; -1 apart."""
    height: Array
    """(T, K): how far the deepest place is from the capsule's line along ``inward``."""

    def part(self, frames: slice | Indices) -> Contacts:
        """Return some of the frames."""
        return Contacts(*(getattr(self, f.name)[frames] for f in fields(Contacts)))


@dataclass(frozen=True, eq=False)
class Pairs:
    """m pairs of a probe of the skin and a capsule, in one frame each, in the order of frame and probe."""

    frame: Indices
    probe: Indices
    capsule: Indices
    points: Array
    """(m, 3): where the probes are, before anything gives way."""
    normals: Array
    """(m, 3): of the skin there, as long as the mean of its corners' is."""
    apart: Array
    """(m,): how far it is from the capsule's surface then."""

    def chosen(self, which: NDArray[np.bool_]) -> Pairs:
        """Return some of the pairs (m,)."""
        return Pairs(*(getattr(self, f.name)[which] for f in fields(Pairs)))


@dataclass(frozen=True, eq=False)
class Near:
    """Skin at ``posed`` (T, n, 3) and K ``capsules`` near it."""

    skin: Skin
    posed: Array
    capsules: Capsules

    @cached_property
    def _lines(self) -> tuple[Array, Array]:
        return self.capsules.on_lines(self.posed)

    @cached_property
    def apart(self) -> Array:
        """(T, n, K): how far the skin's vertices are from each capsule."""
        return np.sqrt(self._lines[0]) - self.capsules.radius

    def beside(self, inward: Array) -> tuple[Array, Array]:
        """Return how far (T, n, K) vertices are from each capsule's line along a direction (T, K, 3), and across it."""
        square, along = self._lines
        start, line = self.capsules.ends[:, :, 0], self.capsules.ends[:, :, 1] - self.capsules.ends[:, :, 0]
        height = self.posed @ inward.swapaxes(1, 2)
        height -= einsum("tki,tki->tk", start, inward)[:, None] + along * einsum("tki,tki->tk", line, inward)[:, None]
        return height, np.sqrt(np.maximum(square - height * height, 0.0))

    @cached_property
    def pairs(self) -> Pairs:
        """Probes with the capsules they are close to and face: what lies inside of the mouth does not."""
        skin = self.skin
        rows = _close(skin, self.apart)
        corners, shares = skin.probes[0][rows], skin.probes[1][rows]
        points = einsum("pc,tpci->tpi", shares, self.posed[:, corners])
        vertices = int(np.searchsorted(rows, len(skin.rest)))  # the first probes are the vertices
        apart = np.concatenate([self.apart[:, rows[:vertices]], self.capsules.apart(points[:, vertices:])], axis=1)
        known = apart.min(axis=(0, 2), initial=np.inf) < CLOSE
        rows, corners, shares, points, apart = (
            rows[known],
            corners[known],
            shares[known],
            points[:, known],
            apart[:, known],
        )
        normals = einsum("pc,tpci->tpi", shares, skin.normals(self.posed, np.unique(corners))[:, corners])
        frame, row, capsule = np.nonzero(apart < _BESIDE)
        found = Pairs(frame, rows[row], capsule, points[frame, row], normals[frame, row], apart[frame, row, capsule])
        away, _ = self.capsules.from_lines(found.points, frame, capsule)
        return found.chosen(-einsum("mi,mi->m", away, found.normals) > _FACING * self.capsules.radius[capsule])

    def deepest(self, inside: Array) -> Array:
        """Return the largest (T,) of what is told of each of the pairs (m,), at least 0."""
        found = np.zeros(len(self.posed))
        np.maximum.at(found, self.pairs.frame, inside)
        return found


def _close(skin: Skin, apart: Array) -> Indices:
    """Return the probes (p,) that may be close to a capsule, given how far (T, n, K) the vertices are."""
    nearest = apart.min(axis=(0, 2), initial=np.inf)
    corners, _ = skin.probes
    between = nearest[corners[len(skin.rest) :]].min(axis=1) < CLOSE + skin.probes_aside
    return np.concatenate((np.flatnonzero(nearest < CLOSE), len(skin.rest) + np.flatnonzero(between)))


def find_contacts(near: Near) -> Contacts:
    """Find where capsules meet skin, and which way it has to go: against the mean of its normals there."""
    skin, capsules, pairs = near.skin, near.capsules, near.pairs
    shape = len(near.posed), len(capsules.radius)
    corners, shares = skin.probes
    tissue = einsum("mc,mc->m", shares[pairs.probe], skin.tissue[corners[pairs.probe]])
    inside = (pairs.apart < 0) & (tissue > 0)
    pairs, tissue = pairs.chosen(inside), tissue[inside]
    t, k, weight = pairs.frame, pairs.capsule, -pairs.apart
    cell = t * shape[1] + k

    def total(values: Array) -> Array:
        return np.bincount(cell, values, shape[0] * shape[1]).astype(np.float64).reshape(shape)

    inward = -np.stack([total(weight * pairs.normals[:, i]) for i in range(3)], axis=-1)
    length = np.linalg.norm(inward, axis=-1, keepdims=True)
    inward = np.divide(inward, length, out=np.zeros_like(inward), where=length > 1e-12)
    way = inward[t, k]
    depth = np.minimum(exit_length(pairs.points, way, capsules.ends[t, k], capsules.radius[k]), tissue)
    most = np.zeros(shape)
    np.maximum.at(most.reshape(-1), cell, depth)
    pick = np.full(shape, -1)
    first = np.flatnonzero(depth == most[t, k])[::-1]
    pick[t[first], k[first]] = first
    away, along = capsules.from_lines(pairs.points, t, k)
    height = np.append(einsum("mi,mi->m", away, way), 0.0)[pick]
    mean = total(weight * along) / np.maximum(total(weight), 1e-12)
    vertex = np.append(corners[pairs.probe, shares[pairs.probe].argmax(axis=1)], -1)[pick]
    return Contacts(most, inward, mean, np.where(most > 0, vertex, -1), height)


def push_out(near: Near, contacts: Contacts, moved: Array) -> tuple[Array, Array]:
    """Move skin (T, n, 3) on along its contact's direction until it is out, as far as tissue allows; return what is left (T,).

    A point within a triangle takes its corners along by the least that puts it where it has to be.
    """
    skin, capsules, pairs = near.skin, near.capsules, near.pairs
    if not len(pairs.frame):
        return moved, np.zeros(len(moved))
    largest = np.maximum(skin.tissue, np.linalg.norm(moved, axis=-1))
    left = np.zeros(len(moved))
    for turn in range(_PUSHES + 1):
        # What has not gone as far as a capsule is can't be in it.
        far = np.linalg.norm(moved, axis=-1)
        able = np.flatnonzero(pairs.apart < far.max(axis=1, initial=0.0)[pairs.frame])
        corners = skin.probes[0][pairs.probe[able]]
        known = pairs.apart[able] < far[pairs.frame[able, None], corners].max(axis=1, initial=0.0)
        able, corners = able[known], corners[known]
        gone, shares = moved[pairs.frame[able, None], corners], skin.probes[1][pairs.probe[able]]
        t, k = pairs.frame[able], pairs.capsule[able]
        points = pairs.points[able] + einsum("mc,mci->mi", shares, gone)
        away, _ = capsules.from_lines(points, t, k)
        inside = capsules.radius[k] - np.sqrt(einsum("mi,mi->m", away, away))
        left = np.zeros(len(moved))
        np.maximum.at(left, t, inside)
        at = _deepest_of(pairs.frame[able], pairs.probe[able], inside)
        if turn == _PUSHES or not len(at):
            break
        t, k, radial = t[at], k[at], away[at]
        radial = radial / np.maximum(np.linalg.norm(radial, axis=-1, keepdims=True), 1e-12)
        way = np.where((contacts.depth[t, k] > 0)[:, None], contacts.inward[t, k], radial)
        far = exit_length(points[at], way, capsules.ends[t, k], capsules.radius[k])
        moved = moved + _taken_along(skin, moved, (t, pairs.probe[able][at]), far, way)
        size = np.maximum(np.linalg.norm(moved, axis=-1), 1e-12)
        moved = moved * np.minimum(1.0, largest / size)[..., None]
    return moved, left


def _deepest_of(frame: Indices, probe: Indices, inside: Array) -> Indices:
    """Return one pair (q,) for each probe that is inside of a capsule: where it is deepest."""
    at = np.flatnonzero(inside > 0)
    if not len(at):
        return at
    begins = np.flatnonzero(np.diff(frame[at], prepend=-1) | np.diff(probe[at], prepend=-1))
    most = np.maximum.reduceat(inside[at], begins)
    count = np.diff(np.append(begins, len(at)))
    deepest = np.flatnonzero(inside[at] == np.repeat(most, count))
    _, once = np.unique(np.repeat(np.arange(len(begins)), count)[deepest], return_index=True)
    return at[deepest[once]]


def _taken_along(skin: Skin, moved: Array, at: tuple[Indices, Indices], far: Array, way: Array) -> Array:
    """Return how far vertices go (T, n, 3) so that probes ``at`` frames and places (m,) go ``far`` (m,) along ``way`` (m, 3).

    Each vertex goes as far as the point that needs most of it, and no further than its tissue allows.
    """
    t, probe = at
    corners, shares = skin.probes[0][probe], skin.probes[1][probe]
    share = shares / (shares**2).sum(axis=1, keepdims=True) * far[:, None]
    taken = einsum("mci,mi->mc", moved[t[:, None], corners], way)
    share = np.minimum(share, np.maximum(skin.tissue[corners] - taken, 0.0)).ravel()
    cell = (t[:, None] * moved.shape[1] + corners).ravel()
    farthest = np.zeros(moved.shape[:2])
    np.maximum.at(farthest.reshape(-1), cell, share)
    ways = share[:, None] * np.repeat(way, 3, axis=0)
    total = np.stack([np.bincount(cell, ways[:, i], farthest.size) for i in range(3)], axis=-1).reshape(moved.shape)
    return farthest[..., None] * total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-12)
