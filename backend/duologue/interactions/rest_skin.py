"""The outside of a head or a trunk at rest: what lies before a point, which way is out of the skin, what covers it."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character
from duologue.interactions.patterns import FACE
from duologue.motion.rotations import einsum
from duologue.rigs.joints import SIDES

_AROUND: Final = 0.012
"""Metres round a point over which its normal is averaged: a fingertip's width…"""
_BEYOND: Final = 3.5
"""…times which nothing counts any more: one in 200,000."""
_COVERED: Final = 0.004
"""Metres by which hair or a helmet lies above the skin before it counts as covering it."""


EYES: Final = ("eyeBlinkLeft", "eyeBlinkRight", "eyeSquintLeft", "browInnerUp")
"""The shapes that tell how high eyes are, the first that a face has before the others."""


EYES_APART: Final = 0.063
"""Metres between an adult's pupils (N. Dodgson, "Variation and extrema of human interpupillary distance", 2004)."""
_HEAD: Final = 0.23
"""Metres from an adult's chin to the crown."""


class RestSkin:
    """The outside of a head at rest, or of a trunk: triangles that it moves, the skin's and what covers it."""

    def __init__(self, character: Character, landmark: str) -> None:
        mesh = character.mesh
        self.character = character
        self.points = mesh.vertices
        weight = character.head_weight if landmark in FACE else character.trunk_weight
        chosen = np.flatnonzero(weight[mesh.triangles].min(axis=1) > 0.5)
        self.triangles = mesh.triangles[chosen]
        self.material = mesh.material[chosen] if len(mesh.material) else np.zeros(len(chosen), np.int64)
        moved = np.zeros(len(mesh.vertices), np.bool_)
        for name in ("cheekPuff", "noseSneerLeft", "mouthPucker", "mouthSmileLeft", "jawOpen"):
            if name in mesh.shapes:
                index, delta = mesh.shapes[name]
                moved[index[np.linalg.norm(delta, axis=1) > 1e-4]] = True
        own = np.unique(self.material[moved[self.triangles].all(axis=1)])
        self.is_skin = np.isin(self.material, own) if len(own) and landmark in FACE else np.ones(len(chosen), np.bool_)
        self.vertices = np.unique(self.triangles[self.is_skin])
        a, b, c = (self.points[self.triangles[:, k]] for k in range(3))
        cross = np.cross(b - a, c - a)
        self.middle, self.area = (a + b + c) / 3, cross
        self.eye_height = self._eye_height()

    @staticmethod
    def of(character: Character, landmark: str) -> RestSkin:
        """Return the skin that a landmark of a character lies on; worked out once for head and trunk."""
        return _skin_of(character, "nose" if landmark in FACE else "back")

    def _eye_height(self) -> float:
        found = self.centre_of(*EYES)
        return (
            float(found[1])
            if found is not None
            else float(np.mean(np.asarray(self.points[self.vertices, 1], np.float64)))
        )

    @cached_property
    def size(self) -> float:
        """How large the face is, of an adult's: by the distance between its eyes, else by its height."""
        eyes = [self.centre_of(f"eyeBlink{side}") for side in SIDES]
        if eyes[0] is not None and eyes[1] is not None:
            found = float(np.linalg.norm(eyes[0] - eyes[1])) / EYES_APART
        else:
            found = float(np.ptp(self.points[self.vertices, 1])) / _HEAD
        return float(np.clip(found, 0.3, 3.0))

    def centre_of(self, *shapes: str, where: NDArray[np.bool_] | None = None) -> Array | None:
        """Return the centre (3,) of what the first of these shapes moves, weighted by how far, squared; None without one."""
        for name in shapes:
            if name not in self.character.mesh.shapes:
                continue
            index, delta = self.character.mesh.shapes[name]
            weight = (delta**2).sum(axis=1)
            weight = weight * np.isin(index, self.vertices) * (1.0 if where is None else where[index])
            if weight.sum() > 0:
                return weight @ self.points[index] / weight.sum()
        return None

    def normal_at(self, point: Array, towards: Array) -> Array:
        """Return the unit normal (3,) of the skin round a point, of what faces ``towards``."""
        return self.normals_at(point[None], towards)[0]

    def normals_at(self, points: Array, towards: Array) -> Array:
        """Return the unit normals (S, 3) of the skin round points (S, 3), of what faces ``towards``."""
        low, high = points.min(axis=0) - _BEYOND * _AROUND, points.max(axis=0) + _BEYOND * _AROUND
        beside = ((self.middle > low) & (self.middle < high)).all(axis=1) & self.is_skin
        near = np.flatnonzero(beside & (self.area @ towards > 0))
        away = np.linalg.norm(self.middle[near] - points[:, None], axis=-1)
        normals = np.exp(-((away / _AROUND) ** 2)) @ self.area[near]
        return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)

    def nearest(self, point: Array) -> tuple[Array, Array]:
        """Return the skin's vertex (3,) nearest to a point, and the way out of the head there."""
        vertex = self.vertices[np.argmin(np.linalg.norm(self.points[self.vertices] - point, axis=1))]
        found = self.points[vertex]
        out = found - self.points[self.vertices].mean(axis=0)
        return found, out / np.linalg.norm(out)

    def first_hit(self, starts: Array, direction: Array) -> tuple[NDArray[np.int64], Array, tuple[str, ...]]:
        """Return where rays (S, 3) first meet the head: triangles (S,), -1 for none, shares (S, 3), names of what covers skin.

        Source: T. Möller and B. Trumbore, "Fast, minimum storage ray/triangle intersection", 1997.
        """
        beam = self._in_beam(starts, direction)
        a, b, c = (self.points[self.triangles[beam, k]] for k in range(3))
        first, second = b - a, c - a
        p = np.cross(direction, second)
        determinant = einsum("fi,fi->f", first, p)
        safe = np.where(np.abs(determinant) > 1e-14, determinant, np.inf)
        away = starts[:, None] - a
        u = einsum("sfi,fi->sf", away, p) / safe
        q = np.cross(away, first)
        v = einsum("sfi,i->sf", q, direction) / safe
        distance = einsum("sfi,fi->sf", q, second) / safe
        hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1 + 1e-9) & (distance > 0) & (determinant > 0)
        distance = np.where(hit, distance, np.inf)
        rows = np.arange(len(starts))
        if not len(beam):
            return np.full(len(starts), -1), np.zeros((len(starts), 3)), ()
        nearest = distance.argmin(axis=1)
        found = np.isfinite(distance[rows, nearest])
        on_skin = np.where(self.is_skin[beam], distance, np.inf).min(axis=1)
        covered = found & (distance[rows, nearest] < on_skin - _COVERED)
        names = {self.character.mesh.materials[self.material[k]] for k in beam[nearest[covered]]}
        u, v = u[rows, nearest], v[rows, nearest]
        shares = np.stack([1 - u - v, u, v], axis=-1)
        return np.where(found, beam[nearest], -1), shares, tuple(sorted(names))

    def _in_beam(self, starts: Array, direction: Array) -> NDArray[np.int64]:
        """Return the triangles (b,) that parallel rays from ``starts`` (S, 3) may meet: most of a head is beside them."""
        across = np.cross(direction, np.eye(3)[np.abs(direction).argmin()])
        across /= np.linalg.norm(across)
        axes = np.stack([across, np.cross(direction, across)], axis=-1)
        flat, beam = (self.points @ axes)[self.triangles], starts @ axes
        low, high = beam.min(axis=0) - 1e-6, beam.max(axis=0) + 1e-6
        return np.flatnonzero(((flat.max(axis=1) > low) & (flat.min(axis=1) < high)).all(axis=1))

    def front(self, point: Array, towards: Array) -> Array:
        """Return where the skin is met from outside, looking at ``point`` (3,) against ``towards``; the point if it isn't."""
        triangle, shares, _ = self.first_hit((point + 0.15 * towards)[None], -towards)
        if triangle[0] < 0:
            return point
        return shares[0] @ self.points[self.triangles[triangle[0]]]


@lru_cache(maxsize=8)
def _skin_of(character: Character, name: str) -> RestSkin:
    return RestSkin(character, name)
