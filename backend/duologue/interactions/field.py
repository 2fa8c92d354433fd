"""How far points are from the outside of a head or a trunk, looked up on a grid that goes along with it.

Worked out once a character. Between its grid points a head's is good to about a millimetre and a half, enough to keep fingers,
forearm and elbow out; what touches is placed on the skin itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.dense_skin import DenseSkin
from duologue.interactions.outside import seen_from_outside
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES, chain
from duologue.rigs.skinned import vertex_normals

HEAD: Final = 0.007
TRUNK: Final = 0.0125
"""Metres between grid points."""
_SPACING: Final = 0.85
"""Of that: of the vertices that lie nearer to each other, one is taken."""
_WIDEST: Final = 0.03
"""Metres between points that leave no holes: larger triangles, of 12 cm in trunks, count by points within them as well."""
_BAND: Final = 4
"""Cells on either side of the surface in which distances are worked out…"""
_FAR: Final = 0.08
"""…and metres outside of it up to which they are added up cell by cell: a sleeve is thicker than four cells of a head."""


class BodyField:
    """Signed distance from a part of a body and what is worn there, metres, negative inside; in a bone's rest frame."""

    def __init__(self, character: Character, joint: str, bones: NDArray[np.int64], cell: float) -> None:
        """Take what ``bones`` move; it goes along with a ``joint``'s bone. ``cell``: metres between grid points."""
        mesh = character.mesh
        self.cell, self.bone = cell, character.joint[joint]
        self.rest, self.turn = character.rest[self.bone], character.rest_turns[self.bone]
        chosen = np.flatnonzero(mesh.weight_of(bones) > 0.5)
        local = _among(mesh.triangles, chosen)
        points, normals = DenseSkin(mesh.vertices[chosen], local, _WIDEST).posed(mesh.vertices[chosen])
        normals[: len(chosen)] = vertex_normals(mesh.vertices, mesh.triangles)[chosen]
        rim = np.zeros(len(points), np.bool_)
        rim[: len(chosen)] = _open_edges(local, len(chosen))
        outer = seen_from_outside(points, normals)
        points, normals, rim = points[outer], normals[outer], rim[outer]
        _, first = np.unique(np.floor(points / (_SPACING * cell)).astype(np.int64), axis=0, return_index=True)
        points, normals, rim = points[first], normals[first], rim[first]
        margin = (_BAND + 3) * cell
        self.low = points.min(axis=0) - margin
        self.count = np.ceil((points.max(axis=0) + margin - self.low) / cell).astype(np.int64) + 1
        self.values = self._signed(points, normals, rim)

    def _signed(self, points: Array, normals: Array, rim: NDArray[np.bool_]) -> Array:
        """Return the signed distance on the grid: within a band of the points the mean height over their planes, by nearness
        (Shepard 1968); beyond it outside the way to that, up to ``_FAR``, else the band's width, negative where no way leads
        there from outside.

        What is beside the open ``rim`` of a neck or a sleeve is outside.
        """
        cell = self.cell
        steps = np.stack(np.meshgrid(*[np.arange(-_BAND, _BAND + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        place = np.round((points - self.low) / cell).astype(np.int64)
        rest = (
            self.low + cell * place - points
        )  # from each point to the cell nearest to it, and from there on by whole cells
        height = einsum("pi,pi->p", rest, normals)[:, None] + normals @ (cell * steps.T)
        height = np.where(rim[:, None], np.abs(height), height)
        square = (rest * rest).sum(axis=-1)[:, None] + rest @ (2 * cell * steps.T) + cell**2 * (steps**2).sum(axis=-1)
        weight = 1.0 / (square + 1e-6) ** 2
        # The grid goes on beyond all points by more than the band, so that no cell is outside of it.
        stride = np.array([self.count[1] * self.count[2], self.count[2], 1])
        flat = ((place @ stride)[:, None] + steps @ stride).ravel()
        total = int(self.count.prod())
        mass = np.bincount(flat, weight.ravel(), total)
        values = np.bincount(flat, (weight * height).ravel(), total) / np.maximum(mass, 1e-12)
        known = (mass > 0).reshape(tuple(self.count))
        values = values.reshape(tuple(self.count))
        outside = _flooded(~known | (values > 0))
        far = _farther(np.where(known, values, np.inf), known & outside, cell)
        return np.where(known, values, np.where(outside, far, -cell * _BAND))

    def _local(self, pose: Pose, points: Array) -> Array:
        """Take points (T, n, 3) in the world to where they are on the resting body."""
        back = einsum("tji,tnj->tni", pose.turns[:, self.bone], points - pose.heads[:, self.bone, None])
        turn = self.turn
        return back @ turn.T + self.rest[:3, 3]

    def at(self, pose: Pose, points: Array) -> Array:
        """Return the distance (T, n) of points (T, n, 3) in the world; beyond the grid it is only a lower bound."""
        return self.at_rest(self._local(pose, points))

    def at_rest(self, points: Array) -> Array:
        """Return the distance (...) of points (..., 3) where that bone rests."""
        place = (points - self.low) / self.cell
        inside = np.clip(place, 0.0, self.count - 1.001)
        corner = inside.astype(np.int64)
        x, y, z = np.moveaxis(inside - corner, -1, 0)
        across, along, _ = stride = np.array([self.count[1] * self.count[2], self.count[2], 1])
        flat, at = self.values.reshape(-1), corner @ stride

        def on_edge(low: NDArray[np.int64]) -> Array:
            return (1.0 - z) * flat[low] + z * flat[low + 1]

        def on_side(low: NDArray[np.int64]) -> Array:
            return (1.0 - y) * on_edge(low) + y * on_edge(low + along)

        beyond = place - inside
        return (
            (1.0 - x) * on_side(at)
            + x * on_side(at + across)
            + self.cell * np.sqrt(einsum("...i,...i->...", beyond, beyond))
        )

    def outwards(self, pose: Pose, points: Array) -> Array:
        """Return the unit direction (T, n, 3), in the world, in which the distance of points (T, n, 3) grows fastest."""
        local = self._local(pose, points)
        steps = 0.5 * self.cell * np.eye(3)
        slope = np.stack([self.at_rest(local + s) - self.at_rest(local - s) for s in steps], axis=-1)
        turn = self.turn
        world = einsum("tij,tnj->tni", pose.turns[:, self.bone], slope @ turn)
        return world / np.maximum(np.linalg.norm(world, axis=-1, keepdims=True), 1e-12)


def _among(triangles: NDArray[np.integer[Any]], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the triangles (f, 3) between the ``chosen`` vertices (n,), as indices into these."""
    place = np.full(int(triangles.max(initial=0)) + 1, -1)
    place[chosen] = np.arange(len(chosen))
    local = place[triangles]
    return local[(local >= 0).all(axis=1)]


def _open_edges(local: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Return which of ``count`` vertices lie on an edge of only one of the triangles ``local`` (f, 3)."""
    edges = np.sort(np.concatenate([local[:, :2], local[:, 1:], local[:, ::2]]), axis=1)
    _, first, times = np.unique(edges @ np.array([count, 1]), return_index=True, return_counts=True)
    found = np.zeros(count, np.bool_)
    found[edges[first[times == 1]]] = True
    return found


def _farther(values: Array, known: NDArray[np.bool_], cell: float) -> Array:
    """Return the distances ``values`` on a grid, where they are ``known``, and elsewhere the least of a neighbour's and the way
    to it (G. Borgefors, "Distance transformations in digital images", 1986), ``_FAR`` at most: 8 % too far at worst."""
    found = np.where(known, values, np.inf)
    steps = [step for step in np.ndindex(3, 3, 3) if step != (1, 1, 1)]
    ways = [cell * float(np.linalg.norm(np.array(step) - 1)) for step in steps]
    for _ in range(int(np.ceil(_FAR / cell)) - _BAND):
        padded = np.pad(found, 1, constant_values=np.inf)
        x, y, z = found.shape
        nearest = found
        for (i, j, k), way in zip(steps, ways, strict=True):
            nearest = np.minimum(nearest, padded[i : i + x, j : j + y, k : k + z] + way)
        found = np.where(known, values, nearest)
    return np.minimum(found, _FAR)


def _flooded(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells of a grid are reached from its border through ``free`` ones."""
    reached = free.copy()
    reached[1:-1, 1:-1, 1:-1] = False
    while True:
        more = reached.copy()
        for axis in range(3):
            low = [slice(None)] * 3
            high = [slice(None)] * 3
            low[axis], high[axis] = slice(None, -1), slice(1, None)
            more[tuple(high)] |= reached[tuple(low)]
            more[tuple(low)] |= reached[tuple(high)]
        more &= free
        if (more == reached).all():
            return reached
        reached = more


@lru_cache(maxsize=8)
def head_field(character: Character) -> BodyField:
    """Return the field of a head, with neck and hair."""
    bones = np.unique(np.concatenate([character.under[character.neck()[0]], character.head_bones]))
    return BodyField(character, "Head", bones, HEAD)


@lru_cache(maxsize=8)
def trunk_field(character: Character) -> BodyField:
    """Return the field of a trunk, from the hips to the shoulders, as it rests on the chest: a bent one is off by centimetres at
    the hips, where hands that touch faces only pass."""
    # Of a generated rig other bones than the played ones move skin: they hang on those.
    ends = [
        *(side + part for side in SIDES for part in ("Shoulder", "Arm", "UpLeg")),
        *chain("Neck", character.joint),
        "Head",
    ]
    limbs = [character.under[character.joint[name]] for name in ends if name in character.joint]
    bones = np.setdiff1d(character.under[character.joint["Hips"]], np.concatenate(limbs))
    return BodyField(character, character.chest, bones, TRUNK)
