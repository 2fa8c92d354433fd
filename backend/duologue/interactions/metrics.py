"""How well a hand touches, measured on the meshes: whether it goes into the face, whether it is there at all, and where.

The measures of work on hands and faces: non-collision and touchness as in Decaf (arXiv 2309.16670) and InterAct's contact
statistics, the contact F-score of DECO (arXiv 2309.15273) with 5 mm for contact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.interactions.actor import Actor, Array, Pose
from duologue.interactions.contact import Goal
from duologue.interactions.solved import Solved
from duologue.interactions.touching import Reaching, asked_capsules
from duologue.motion.rotations import einsum
from duologue.rigs.skinned import vertex_normals

NEAR: Final = 0.005
"""Metres within which skin and hand count as in contact, and deeper than which they count as colliding."""
_PATCH: Final = 0.06
"""Metres round the touched point within which skin is looked at."""


@dataclass(frozen=True)
class TouchFigures:
    """``non_collision``: share of frames in which no vertex of the hand is over 5 mm deep in the skin; ``mean_depth_mm``: of the
    vertices that are inside, over all frames; ``touchness``: share of the contact's frames in which the hand is within 5 mm;
    ``contact_f``: F-score of the skin within 5 mm of the hand against the area asked for; ``drift_mm``: mean distance along the
    skin of the touching point from the point asked for."""

    non_collision: float
    mean_depth_mm: float
    touchness: float
    contact_f: float
    drift_mm: float


def touching_of(solved: Solved) -> tuple[Reaching, Goal]:
    """Return how the hand of a solved touch lies.

    Raises:
        DuologueError: INVALID_ARGUMENT ``interaction-target`` for two hands that meet: there is no face to measure against.
    """
    if solved.touching is None:
        raise invalid("interaction-target", f"{solved.interaction.pattern} touches no face")
    return solved.touching


def patch(touched: Actor, solved: Solved) -> NDArray[np.int64]:
    """Return the skin's vertices (n,) that a touch can come near."""
    character = touched.character
    head = np.flatnonzero(character.head_weight > 0.5)
    spots = touching_of(solved)[0].contact.spots.at_rest(character)
    near = np.linalg.norm(character.mesh.vertices[head, None] - spots, axis=-1).min(axis=1) < _PATCH
    return head[near]


def figures(own: Actor, touched: Actor, solved: Solved, rows: slice, skin: Array | None = None) -> TouchFigures:
    """Measure one touch.

    Args:
        own, touched: both actors, solved, over the frames that were solved.
        solved: the touch.
        rows: of those frames, the ones of the touch.
        skin: (T, n, 3) where the vertices of :func:`patch` are in its frames, if something presses them; else they are posed.
    """
    reaching, goal = touching_of(solved)
    hand = reaching.contact.hand
    vertices = patch(touched, solved)
    pose, other = own.pose.part(rows), touched.pose.part(rows)
    weights = {name: values[rows] for name, values in touched.weights.items()}
    if skin is None:
        skin = touched.character.mesh.pose(other.skinning(), weights, vertices)
    normals = _normals(touched, vertices, skin)
    finger = own.character.mesh.pose(pose.skinning(), None, hand.vertices)
    depth, near = _depths(finger, skin, normals)
    held = solved.phases.contact(solved.seconds) > 0
    inside = np.maximum(depth, 0.0)
    count = (inside > 0).sum()
    asked = _within(skin, *asked_capsules(reaching, goal))
    hits = (near & asked)[held].sum()
    f = 2 * hits / max(int(near[held].sum() + asked[held].sum()), 1)
    return TouchFigures(
        float((depth.max(axis=1) <= NEAR).mean()),
        float(1000 * inside.sum() / max(int(count), 1)),
        float(near[held].any(axis=1).mean()),
        float(f),
        float(1000 * _drift(solved, pose)[held].mean()),
    )


def _depths(finger: Array, skin: Array, normals: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return how deep (T, h) the hand's vertices are under the skin, and which of the skin's (T, n) the hand is near to."""
    depth = np.full(finger.shape[:2], -np.inf)
    near = np.zeros(skin.shape[:2], np.bool_)
    for t in range(len(finger)):  # a frame at a time: all pairs of a take would not fit into memory
        square = (finger[t] ** 2).sum(axis=1)[:, None] + (skin[t] ** 2).sum(axis=1) - 2 * finger[t] @ skin[t].T
        nearest = square.argmin(axis=1)
        away = finger[t] - skin[t, nearest]
        height = (away * normals[t, nearest]).sum(axis=1)
        aside = np.linalg.norm(away - height[:, None] * normals[t, nearest], axis=1)
        depth[t] = np.where(aside < 2 * NEAR, -height, -np.inf)
        near[t] = square.min(axis=0) < NEAR**2
        under = nearest[(depth[t] > 0) & np.isfinite(depth[t])]
        near[t, under] = True
    return depth, near


def _normals(touched: Actor, vertices: NDArray[np.int64], skin: Array) -> Array:
    place = np.full(len(touched.character.mesh.vertices), -1)
    place[vertices] = np.arange(len(vertices))
    triangles = place[touched.character.mesh.triangles]
    return vertex_normals(skin, triangles[(triangles >= 0).all(axis=1)])


def _within(skin: Array, a: Array, b: Array, radius: Array) -> NDArray[np.bool_]:
    """Return the skin (T, n) within 5 mm of capsules from ``a`` to ``b`` (T, K, 3)."""
    found = np.zeros(skin.shape[:2], np.bool_)
    for k in range(a.shape[1]):
        line, away = (b - a)[:, None, k], skin - a[:, None, k]
        along = (away * line).sum(axis=-1) / np.maximum((line**2).sum(axis=-1), 1e-12)
        distance = np.linalg.norm(away - np.clip(along, 0.0, 1.0)[..., None] * line, axis=-1)
        found |= distance < radius[k] + NEAR
    return found


def _drift(solved: Solved, pose: Pose) -> Array:
    """Return how far along the skin (T,) the hand's touching point is from where it is asked to be."""
    reaching, goal = touching_of(solved)
    arm = reaching.arm
    wrist = pose.joint(arm.hand.side + "Hand")
    points = wrist + einsum("tij,tj->ti", arm.hand_frames(pose), reaching.contact.points(goal))
    away, normal = points - goal.centres, goal.frames[..., 2]
    return np.linalg.norm(away - einsum("ti,ti->t", away, normal)[:, None] * normal, axis=-1)
