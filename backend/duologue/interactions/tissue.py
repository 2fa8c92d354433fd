"""How far skin gives way: what lies beneath it, by the landmarks of the face, by teeth and eyeballs, or as a user painted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.interactions.actor import Array, Character
from duologue.interactions.landmark_places import NEEDED
from duologue.interactions.landmarks import find_landmark, sides_of
from duologue.rigs.skinned import SkinnedMesh

TISSUE: Final = {
    "cheek": 0.008,
    "lips": 0.006,
    "chin": 0.004,
    "nose": 0.004,
    "ear": 0.004,
    "forehead": 0.002,
    "bridge": 0.002,
}
"""Metres that soft tissue gives way before there is bone, by landmark; ``bridge``: of the nose."""
ELSEWHERE: Final = 0.003
SOFTEST: Final = 0.008
"""Metres at 1 in the vertex group ``duologue_softness``."""
_SPREAD: Final = 0.022
"""Metres round a landmark over which its tissue fades into its neighbours', on a face that is ``_FACE`` wide at the cheeks."""
_FACE: Final = 0.095
_CLEARANCE: Final = 0.7
"""Share of the distance to teeth or eyeballs that skin may take."""


def tissue_of(character: Character, skin: NDArray[np.int64], inner: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return how far each vertex of ``skin`` (n,) gives way, metres, and how much it goes along with its neighbours, in [0, 1].

    Args:
        character: whose skin it is.
        skin: vertices of its mesh.
        inner: those of what lies inside: eyeballs and teeth, which skin can't go through.
    """
    mesh = character.mesh
    rest = mesh.vertices[skin]
    room = _CLEARANCE * _nearest(rest, mesh.vertices[inner])
    lids = _lids(mesh)[skin]
    depths = np.minimum(_depths(character, rest, mesh.softness[skin] if len(mesh.softness) else None), room)
    return depths * (1 - 0.8 * lids), 1 - 0.9 * lids


def _nearest(points: Array, others: Array) -> Array:
    """Return the distance (n,) of points to the nearest of others; infinite where there are none."""
    best = np.full(len(points), np.inf)
    for part in np.array_split(others, max(1, len(others) // 256)):
        if len(part):
            square = (points**2).sum(1)[:, None] + (part**2).sum(1) - 2 * points @ part.T
            best = np.minimum(best, np.sqrt(np.maximum(square, 0)).min(axis=1))
    return best


def _lids(mesh: SkinnedMesh) -> Array:
    """Return how much (V,) each vertex is an eyelid: how far it goes in a blink, of the farthest."""
    lid = np.zeros(len(mesh.vertices))
    for side in ("Left", "Right"):
        if f"eyeBlink{side}" in mesh.shapes:
            index, delta = mesh.shapes[f"eyeBlink{side}"]
            far = np.linalg.norm(delta, axis=1)
            lid[index] = np.maximum(lid[index], np.sqrt(far / max(float(far.max(initial=0.0)), 1e-9)))
    return lid


def _depths(character: Character, rest: Array, softness: Array | None) -> Array:
    """Return how far (n,) skin gives way: each landmark's depth round it, what is nearest counting most."""
    if softness is not None:
        return SOFTEST * softness
    places = landmark_points(character)
    if not places:
        return np.full(len(rest), ELSEWHERE)
    cheeks = [point for name, point in places if name == "cheek"]
    size = float(np.linalg.norm(cheeks[0] - cheeks[1])) / _FACE if len(cheeks) == 2 else 1.0
    weight, total = np.full(len(rest), 0.02), np.full(len(rest), 0.02 * ELSEWHERE)
    for name, point in places:
        near = np.exp(-0.5 * (((rest - point) ** 2).sum(axis=1)) / (size * _SPREAD) ** 2)
        weight += near
        total += near * TISSUE[name]
    return total / weight


def landmark_points(character: Character) -> list[tuple[str, Array]]:
    """Return the landmarks that a face has, and the bridge of the nose: names and places (3,) at rest."""
    found: list[tuple[str, Array]] = []
    for name in NEEDED:
        for side in sides_of(name):
            try:
                found.append((name, find_landmark(character, name, side).centre))
            except DuologueError as error:
                if error.reason != "face-without-landmarks":
                    raise
    known: Mapping[str, Array] = dict(found)
    if {"nose", "forehead"} <= set(known):
        found.append(("bridge", 0.5 * (known["nose"] + known["forehead"])))
    return found
