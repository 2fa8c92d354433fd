"""What one touch comes to on the meshes: depth, nearness, the area in contact against the asked one, and drift.

Non-collision and touchness as in Decaf (arXiv 2309.16670) and InterAct's contact statistics, the F-score of contact as in DECO
(arXiv 2309.15273), over areas instead of vertices, with 5 mm for contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from duologue.evaluation.contact.asked import Asked, asked_of
from duologue.evaluation.contact.distances import Surface
from duologue.evaluation.contact.played import Played
from duologue.evaluation.contact.surfaces import moved_by, near, outer_face, spread_over, trunk
from duologue.interactions.actor import Array
from duologue.interactions.patterns import FACE

Indices = NDArray[np.int64]

NEAR: Final = 0.005
"""Metres within which skin and hand are in contact, and deeper than which they collide."""
_LOOKED: Final = (0.012, 0.06)
"""Metres from the skin within which a hand's vertices are looked at, and further ones where any is nearly as deep as that."""
_BETWEEN: Final = 0.012
"""Metres between the points that tell which of them are."""
_AROUND: Final = 0.045
"""Metres from the hand within which skin is."""


@dataclass(frozen=True)
class Figures:
    """Of one touch. ``frames`` and ``held``: how many were looked at, under way and in contact.

    ``colliding``: frames in which a vertex of the hand is over 5 mm deep; ``deepest_mm``; ``inside`` vertices in all frames, and
    ``depth_mm`` their depths' sum; ``touching``: held frames in which the hand is within 5 mm; ``contact_f`` with its
    ``precision`` and ``recall``; ``drift_mm``: mean way of the touching points from their own mean place on the skin; ``off_mm``:
    how far that place is from the asked one; ``area_mm2`` in contact; ``deepest_frame`` of the scene; ``seconds`` to solve, for
    ``contact_seconds`` of contact.
    """

    frames: int
    held: int
    colliding: int
    deepest_mm: float
    deepest_frame: int
    inside: int
    depth_mm: float
    touching: int
    contact_f: float
    precision: float
    recall: float
    drift_mm: float
    off_mm: float | None
    area_mm2: float
    short_mm: float
    seconds: float
    contact_seconds: float


def figures_of(played: Played, every: int = 1) -> Figures:
    """Measure a touch in every so many frames."""
    rows = played.rows[::every]
    held = played.held(rows)
    judge = _Judge(played, rows)
    depths, near = judge.depths()
    asked = asked_of(played, rows[held])
    hits, found, wanted, right = judge.areas(held, asked)
    inside = depths[depths > 0]
    precision, recall = right / max(found, 1e-12), hits / max(wanted, 1e-12)
    drift, off = _drift(asked)
    interaction = played.interaction
    return Figures(
        len(rows),
        int(held.sum()),
        int((depths.max(axis=1, initial=0.0) > NEAR).sum()),
        1000 * max(float(depths.max(initial=0.0)), 0.0),
        _deepest_frame(depths, rows, held),
        len(inside),
        1000 * float(inside.sum()),
        int(near[held].sum()),
        2 * precision * recall / max(precision + recall, 1e-12),
        precision,
        recall,
        1000 * drift,
        None if off is None else 1000 * off,
        1e6 * found / max(int(held.sum()), 1),
        1000 * played.solved.short,
        played.seconds,
        interaction.until - interaction.seconds,
    )


def touched_surface(played: Played) -> Indices:
    """Return the triangles (f, 3) of what a touch is of: the face's outer skin, the trunk, or the hand that is met."""
    character, met = played.other.character, played.hands[1]
    if met is not None:
        return moved_by(character.mesh, character.under[met.bone])
    return outer_face(character) if played.landmark in FACE else trunk(character)


class _Judge:
    """A hand and the skin near it, frame by frame. A mesh of trimesh is a moment, so frames are gone through one by one."""

    def __init__(self, played: Played, rows: Indices) -> None:
        surface = touched_surface(played)
        vertices, local = np.unique(surface, return_inverse=True)
        self.skin = played.skin(vertices, rows)
        hand = played.hands[0]
        self.hand_triangles = moved_by(played.own.character.mesh, played.own.character.under[hand.bone])
        self.hand_vertices, corners = np.unique(self.hand_triangles, return_inverse=True)
        self.hand_local = corners.reshape(self.hand_triangles.shape)
        self.hand = played.hand(self.hand_vertices, rows)
        local = local.reshape(surface.shape)
        around = np.zeros(len(local), np.bool_)
        for points, skin in zip(self.hand, self.skin, strict=True):
            around |= near(skin, local, points, _AROUND)
        self.triangles = local[around]
        self.rest = played.other.character.mesh.vertices[vertices]

    def depths(self) -> tuple[Array, NDArray[np.bool_]]:
        """Return how deep each of the hand's vertices is (T, h), negative outside, and in which frames (T,) it is near."""
        depth = np.full(self.hand.shape[:2], -np.inf)
        touching = np.zeros(len(self.hand), np.bool_)
        used, between = np.unique(self.triangles), spread_over(self.rest, self.triangles, _BETWEEN)
        for t, (points, skin) in enumerate(zip(self.hand, self.skin, strict=True)):
            if not len(used):
                break
            surface = Surface(skin, self.triangles)
            all_over = np.concatenate([skin[used], between.at(skin)])
            away = KDTree(all_over).query(points, distance_upper_bound=_LOOKED[1])[0]
            for reach in _LOOKED:
                rows = np.flatnonzero(away < reach)
                depth[t, rows] = -surface.signed(points[rows])[0]
                if depth[t].max() < 0.7 * reach:
                    break
            touching[t] = depth[t].max() > -NEAR
        return depth, touching

    def areas(self, held: NDArray[np.bool_], asked: Asked) -> tuple[float, float, float, float]:
        """Return, over the held frames, square metres of skin in contact and asked for, in contact, asked for, and in contact
        where contact is as it should be."""
        points = spread_over(self.rest, self.triangles)
        sums = np.zeros(4)
        if not len(points.area):
            return 0.0, 0.0, float(asked.least_area()), 0.0
        frames: list[int] = np.flatnonzero(held).tolist()
        for k, t in enumerate(frames):
            at = points.at(self.skin[t])
            contact = Surface(self.hand[t], self.hand_local).within(at, NEAR)
            wanted, allowed = asked.at(k, at, Surface(self.skin[t], self.triangles), points)
            each = contact & wanted, contact, wanted, contact & allowed
            sums += [points.area[chosen].sum() for chosen in each]
        return float(sums[0]), float(sums[1]), float(sums[2]), float(sums[3])


def _deepest_frame(depths: Array, rows: Indices, held: NDArray[np.bool_]) -> int:
    """Return the frame in which the hand is deepest; where it never is inside, the middle of the contact."""
    of_frame = depths.max(axis=1, initial=-np.inf)
    if of_frame.max(initial=-np.inf) > 0:
        return int(rows[of_frame.argmax()])
    middle = rows[held] if held.any() else rows
    return int(middle[len(middle) // 2])


def _drift(asked: Asked) -> tuple[float, float | None]:
    """Return how far the touching points wander, and how far from the asked place they are on average; metres."""
    offsets = asked.offsets  # (T, parts, 2)
    if not len(offsets):
        return 0.0, None
    mean = offsets.mean(axis=0)
    wander = float(np.linalg.norm(offsets - mean, axis=-1).mean())
    return wander, float(np.linalg.norm(mean, axis=-1).mean()) if asked.placed else None
