"""Where a hand's capsules meet skin, and pushing what is inside of them out, as far as tissue lets it."""

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

CLOSE: Final = 0.006
"""Metres from a capsule within which skin may come to be inside of it: by the rim of a dent, or by what trails behind."""
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
    vertex: NDArray[np.int64]
    """(T, K): the vertex nearest to where it is pressed deepest; -1 apart."""
    height: Array
    """(T, K): how far the deepest place is from the capsule's line along ``inward``."""


@dataclass(frozen=True, eq=False)
class Near:
    """Skin at ``posed`` (T, n, 3), the capsules near it, and where they meet."""

    skin: Skin
    posed: Array
    capsules: Capsules
    contacts: Contacts

    def part(self, frames: slice) -> Near:
        """Return a stretch of frames."""
        cut = Contacts(*(getattr(self.contacts, f.name)[frames] for f in fields(Contacts)))
        return Near(self.skin, self.posed[frames], self.capsules.part(frames), cut)

    @cached_property
    def outside(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Probes (p,) close to a capsule, and which (T, p, K) face its line: what lies inside of the mouth does not."""
        points = self.skin.at_probes(self.posed)
        rows = np.flatnonzero(self.capsules.apart(points).min(axis=(0, 2)) < CLOSE)
        normals = self.skin.at_probes(self.skin.normals(self.posed))[:, rows]
        away, _ = self.capsules.from_line(points[:, rows])
        return rows, -einsum("tnki,tni->tnk", away, normals) > _FACING * self.capsules.radius


def find_contacts(skin: Skin, posed: Array, capsules: Capsules) -> Contacts:
    """Find where capsules meet skin at ``posed`` (T, n, 3), and which way it has to go: against the mean of its normals there."""
    points, normals = skin.at_probes(posed), skin.at_probes(skin.normals(posed))
    tissue = skin.at_probes(skin.tissue[:, None])[:, 0]
    away, along = capsules.from_line(points)
    inside = -capsules.apart(points)
    facing = -einsum("tnki,tni->tnk", away, normals) > _FACING * capsules.radius
    weight = np.where(facing & (tissue > 0)[:, None], np.maximum(inside, 0.0), 0.0)
    inward = -einsum("tnk,tni->tki", weight, normals)
    length = np.linalg.norm(inward, axis=-1, keepdims=True)
    inward = np.divide(inward, length, out=np.zeros_like(inward), where=length > 1e-12)
    t, n, k = np.nonzero(weight > 0)
    depth = np.zeros(inside.shape)
    depth[t, n, k] = exit_length(points[t, n], inward[t, k], capsules.ends[t, k], capsules.radius[k])
    depth = np.minimum(depth, tissue[:, None])
    pick = depth.argmax(axis=1)[:, None]
    height = np.take_along_axis(einsum("tnki,tki->tnk", away, inward), pick, axis=1)[:, 0]
    mean = einsum("tnk,tnk->tk", weight, along) / np.maximum(weight.sum(axis=1), 1e-12)
    most = np.take_along_axis(depth, pick, axis=1)[:, 0]
    corners, shares = skin.probes
    vertex = corners[np.arange(len(corners)), shares.argmax(axis=1)][pick[:, 0]]
    return Contacts(most, inward, mean, np.where(most > 0, vertex, -1), height)


def push_out(near: Near, moved: Array) -> tuple[Array, Array]:
    """Move skin (T, n, 3) on along its contact's direction until it is out, as far as tissue allows; return what is left (T,).

    A point within a triangle takes its corners along by the least that puts it where it has to be.
    """
    skin, capsules = near.skin, near.capsules
    rows, facing = near.outside
    corners, shares = skin.probes[0][rows], skin.probes[1][rows]
    largest = np.maximum(skin.tissue, np.linalg.norm(moved, axis=-1))
    left = np.zeros(len(moved))
    for turn in range(_PUSHES + 1):
        points = einsum("pc,tpci->tpi", shares, (near.posed + moved)[:, corners])
        inside = np.where(facing, -capsules.apart(points), -1.0)
        left = np.maximum(inside.max(axis=(1, 2), initial=0.0), 0.0)
        t, p = np.nonzero(inside.max(axis=-1, initial=-1.0) > 0)
        if turn == _PUSHES or not len(t):
            break
        k = inside[t, p].argmax(axis=-1)
        one = Capsules(capsules.ends[t, k][:, None], capsules.radius[:1])
        radial = one.from_line(points[t, p][:, None])[0][:, 0, 0]
        radial = radial / np.maximum(np.linalg.norm(radial, axis=-1, keepdims=True), 1e-12)
        way = np.where((near.contacts.depth[t, k] > 0)[:, None], near.contacts.inward[t, k], radial)
        far = exit_length(points[t, p], way, capsules.ends[t, k], capsules.radius[k])
        moved = moved + _taken_along(skin, moved, (t, rows[p]), far, way)
        size = np.maximum(np.linalg.norm(moved, axis=-1), 1e-12)
        moved = moved * np.minimum(1.0, largest / size)[..., None]
    return moved, left


def _taken_along(
    skin: Skin, moved: Array, at: tuple[NDArray[np.int64], NDArray[np.int64]], far: Array, way: Array
) -> Array:
    """Return how far vertices go (T, n, 3) so that probes ``at`` frames and places (m,) go ``far`` (m,) along ``way`` (m, 3).

    Each vertex goes as far as the point that needs most of it, and no further than its tissue allows.
    """
    t, probe = at
    corners, shares = skin.probes[0][probe], skin.probes[1][probe]
    share = shares / (shares**2).sum(axis=1, keepdims=True) * far[:, None]
    taken = einsum("mci,mi->mc", moved[t[:, None], corners], way)
    share = np.minimum(share, np.maximum(skin.tissue[corners] - taken, 0.0))
    farthest, total = np.zeros(moved.shape[:2]), np.zeros(moved.shape)
    for c in range(3):
        np.maximum.at(farthest, (t, corners[:, c]), share[:, c])
        np.add.at(total, (t, corners[:, c]), share[:, c, None] * way)
    return farthest[..., None] * total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-12)
