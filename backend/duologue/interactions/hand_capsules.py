"""The capsules that a hand is for whoever keeps it out of something: measured on its own mesh, at rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Array, Character
from duologue.rigs.joints import METACARPALS

Segments = Mapping[str, tuple[tuple[int, ...], Array]]
"""Finger -> the bones of its joints, and the points (n + 1, 3) they run through at rest, the tip last."""

HEEL: Final = 0.25
"""Of the way from the wrist to a knuckle, where the palm's capsule begins."""
_USUAL_RADIUS: Final = 0.0085
"""Metres: of a finger that no mesh tells about."""
_LAST: Final = 0.8
"""Of the bone before it, how long a last phalanx is where no mesh tells."""


@dataclass(frozen=True, eq=False)
class HandCapsules:
    """K capsules at rest in our world: ``names`` (K,), as ``Index3`` and ``Palm2``; ``bones`` (K,); ``ends`` (K, 2, 3) and
    ``radius`` (K,), metres."""

    names: tuple[str, ...]
    bones: NDArray[np.int64]
    ends: Array
    radius: Array


def finger_segments(character: Character, side: str, finger: str) -> tuple[tuple[int, ...], Array]:
    """Return the bones of a finger's joints, and the points (4, 3) they run through at rest; the mesh tells where its tip is."""
    bones = tuple(character.joint[f"{side}Hand{finger}{i}"] for i in (1, 2, 3))
    points = [character.rest[bone, :3, 3] for bone in bones]
    moved = np.flatnonzero(character.mesh.weight_of(character.under[bones[2]]) > 0.5)
    tip = points[2] + _LAST * (points[2] - points[1])
    if len(moved):
        vertices = character.mesh.vertices[moved]
        direction = vertices.mean(axis=0) - points[2]
        direction /= max(float(np.linalg.norm(direction)), 1e-9)
        tip = points[2] + float(((vertices - points[2]) @ direction).max()) * direction
    return bones, np.array([*points, tip])


def hand_capsules(character: Character, side: str, segments: Segments, knuckles: Array) -> HandCapsules:
    """Measure a hand's capsules: one for each bone of a finger, one from the wrist to each knuckle.

    Args:
        character, side: whose hand.
        segments: of its fingers.
        knuckles: (3,) where the knuckles of a mitten would be, from its wrist.
    """
    hand, wrist = character.joint[side + "Hand"], character.rest_point(side + "Hand")
    names, bones, ends = list[str](), list[int](), list[Array]()
    for finger, (joints, points) in segments.items():
        for i in range(3):
            names.append(f"{finger}{i + 1}")
            bones.append(joints[i])
            ends.append(points[i : i + 2])
    for i, finger in enumerate(tuple(segments) or ("",)):
        end = segments[finger][1][0] if finger else wrist + knuckles
        names.append(f"Palm{i}")
        bones.append(hand)
        ends.append(np.array([wrist + HEEL * (end - wrist), end]))
    found = HandCapsules(tuple(names), np.array(bones), np.array(ends), np.full(len(names), _USUAL_RADIUS))
    _measure(character, side, found)
    for k, name in enumerate(names):  # the ball at a tip does not stick out of it
        if name[:-1] in segments and name.endswith("3"):
            line = found.ends[k, 1] - found.ends[k, 0]
            length = float(np.linalg.norm(line))
            found.ends[k, 1] -= line * min(found.radius[k], 0.8 * length) / max(length, 1e-9)
    return found


def _measure(character: Character, side: str, capsules: HandCapsules) -> None:
    """Set each radius to the median distance of the vertices that its bone moves; the palm's go to their nearest line."""
    mesh = character.mesh
    held = [character.joint[side + part] for part in ("Hand", *METACARPALS) if side + part in character.joint]
    palm = np.flatnonzero(mesh.weight_of(np.array(held)) > 0.5)
    lines = [k for k, name in enumerate(capsules.names) if name.startswith("Palm")]
    nearest = np.argmin([line_distance(mesh.vertices[palm], capsules.ends[k]) for k in lines], axis=0)
    for k in range(len(capsules.names)):
        if k in lines:
            moved = palm[nearest == lines.index(k)]
        else:
            moved = np.flatnonzero(mesh.weight_of(np.array([capsules.bones[k]])) > 0.6)
        if len(moved) >= 4:
            capsules.radius[k] = float(np.median(line_distance(mesh.vertices[moved], capsules.ends[k])))


def line_distance(points: Array, ends: Array) -> Array:
    """Return the distance (n,) of points (n, 3) from a line between two ends (2, 3)."""
    line = ends[1] - ends[0]
    along = np.clip((points - ends[0]) @ line / max(float(line @ line), 1e-12), 0.0, 1.0)
    return np.linalg.norm(points - ends[0] - along[:, None] * line, axis=1)
