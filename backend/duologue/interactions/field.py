"""How far points are from a head's outside, looked up on a grid that goes along with the head.

Worked out once a character. Between its grid points it is good to about a millimetre and a half, enough to keep fingers, forearm
and elbow out; what touches is placed on the skin itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character, Pose
from duologue.interactions.outside import seen_from_outside
from duologue.motion.rotations import einsum
from duologue.rigs.skinned import vertex_normals

CELL: Final = 0.007
"""Metres between grid points."""
_MARGIN: Final = 0.05
_SPACING: Final = 0.006
"""Metres: of the vertices that lie nearer to each other, one is taken."""
_BAND: Final = 4
"""Cells on either side of the surface in which distances are worked out."""


class HeadField:
    """Signed distance from head, neck and hair, metres, negative inside; in the head's rest frame."""

    def __init__(self, character: Character) -> None:
        mesh = character.mesh
        self.bone = character.joint["Head"]
        self.rest, self.turn = character.rest[self.bone], character.rest_turns[self.bone]
        moving = np.concatenate([character.under[character.neck()[0]], character.head_bones])
        chosen = np.flatnonzero(mesh.weight_of(np.unique(moving)) > 0.5)
        points = mesh.vertices[chosen]
        normals = vertex_normals(mesh.vertices, mesh.triangles)[chosen]
        outer = seen_from_outside(points, normals)
        points, normals = points[outer], normals[outer]
        _, first = np.unique(np.floor(points / _SPACING).astype(np.int64), axis=0, return_index=True)
        points, normals = points[first], normals[first]
        self.low = points.min(axis=0) - _MARGIN
        self.count = np.ceil((points.max(axis=0) + _MARGIN - self.low) / CELL).astype(np.int64) + 1
        self.values = self._signed(points, normals)

    def _signed(self, points: Array, normals: Array) -> Array:
        """Return the signed distance on the grid: within a band of the points the mean height over their planes, by nearness
        (Shepard 1968); beyond it the band's width, with the sign of what lies before along the last axis."""
        steps = np.stack(np.meshgrid(*[np.arange(-_BAND, _BAND + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        place = np.round((points - self.low) / CELL).astype(np.int64)
        rest = (
            self.low + CELL * place - points
        )  # from each point to the cell nearest to it, and from there on by whole cells
        height = einsum("pi,pi->p", rest, normals)[:, None] + normals @ (CELL * steps.T)
        square = (rest * rest).sum(axis=-1)[:, None] + rest @ (2 * CELL * steps.T) + CELL**2 * (steps**2).sum(axis=-1)
        weight = 1.0 / (square + 1e-6) ** 2
        # The grid goes on beyond all points by more than the band, so that no cell is outside of it.
        stride = np.array([self.count[1] * self.count[2], self.count[2], 1])
        flat = ((place @ stride)[:, None] + steps @ stride).ravel()
        total = int(self.count.prod())
        mass = np.bincount(flat, weight.ravel(), total)
        values = np.bincount(flat, (weight * height).ravel(), total) / np.maximum(mass, 1e-12)
        known = (mass > 0).reshape(tuple(self.count))
        values = values.reshape(tuple(self.count))
        last = np.maximum.accumulate(np.where(known, np.arange(self.count[2]), 0), axis=2)
        sign = np.where(np.take_along_axis(known, last, 2) & (np.take_along_axis(values, last, 2) < 0), -1.0, 1.0)
        return np.where(known, values, sign * CELL * _BAND)

    @staticmethod
    def of(character: Character) -> HeadField:
        """Return a character's field; worked out once."""
        return _field_of(character)

    def _local(self, pose: Pose, points: Array) -> Array:
        """Take points (T, n, 3) in the world to where they are on the resting head."""
        back = einsum("tji,tnj->tni", pose.turns[:, self.bone], points - pose.heads[:, self.bone, None])
        turn = self.turn
        return back @ turn.T + self.rest[:3, 3]

    def at(self, pose: Pose, points: Array) -> Array:
        """Return the distance (T, n) of points (T, n, 3) in the world; beyond the grid it is only a lower bound."""
        return self.at_rest(self._local(pose, points))

    def at_rest(self, points: Array) -> Array:
        """Return the distance (...) of points (..., 3) where the head rests."""
        place = (points - self.low) / CELL
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
            + CELL * np.sqrt(einsum("...i,...i->...", beyond, beyond))
        )

    def outwards(self, pose: Pose, points: Array) -> Array:
        """Return the unit direction (T, n, 3), in the world, in which the distance of points (T, n, 3) grows fastest."""
        local = self._local(pose, points)
        steps = 0.5 * CELL * np.eye(3)
        slope = np.stack([self.at_rest(local + s) - self.at_rest(local - s) for s in steps], axis=-1)
        turn = self.turn
        world = einsum("tij,tnj->tni", pose.turns[:, self.bone], slope @ turn)
        return world / np.maximum(np.linalg.norm(world, axis=-1, keepdims=True), 1e-12)


@lru_cache(maxsize=8)
def _field_of(character: Character) -> HeadField:
    return HeadField(character)
