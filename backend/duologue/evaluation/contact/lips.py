"""Whether a touch parts lips that are shut: what it does to a closure of p, b or m that falls into it."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.arkit import INDEX, NAMES
from duologue.errors import DuologueError
from duologue.evaluation.contact.played import Played
from duologue.evaluation.face.mesh import FaceMesh, facing_lips
from duologue.interactions.actor import Array, Character
from duologue.interactions.landmarks import find_landmark

Indices = NDArray[np.int64]

_NEAR: Final = 0.015
"""Metres from the middle of the mouth within which the lips' edges are looked for."""
_STILL: Final = 0.2
"""Of how far a jaw takes a lower lip along: what it takes along less is the upper lip."""


def parted(played: Played, rows: Indices) -> float | None:
    """Return how far (millimetres) a touch moves the lips apart at most, of those frames; negative together.

    With the face at rest, whose lips are shut; what a face says meanwhile adds to both. None where nobody is touched whose lips
    are found.
    """
    if played.keys is None:
        return None
    character = played.other.character
    pairs = lip_pairs(character)
    if pairs is None:
        return None
    upper, lower = pairs
    vertices = np.concatenate(pairs)
    gained = {name: values[rows] for name, values in played.other.weights.items()}
    had = {name: values[rows] for name, values in played.said.items()}
    mesh = character.mesh
    moved = mesh.shaped(gained, vertices, len(rows)) - mesh.shaped(had, vertices, len(rows))
    place = np.full(len(mesh.vertices), -1)
    place[played.keys.vertices] = np.arange(len(played.keys.vertices))
    known = place[vertices] >= 0
    moved[:, known] += played.keys.offsets()[rows][:, place[vertices[known]]]
    gap = moved[:, : len(upper), 1] - moved[:, len(upper) :, 1]
    return 1000 * float(gap.mean(axis=1).max(initial=0.0)) if len(lower) else None


@lru_cache(maxsize=8)
def lip_pairs(character: Character) -> tuple[Indices, Indices] | None:
    """Return vertices of the upper and the lower lip that face each other, or None for a face without a jaw or lips."""
    mesh = character.mesh
    if "jawOpen" not in mesh.shapes:
        return None
    try:
        centre = find_landmark(character, "lips").centre
    except DuologueError:
        return None
    deltas = np.zeros((len(NAMES), len(mesh.vertices), 3), np.float32)
    index, delta = mesh.shapes["jawOpen"]
    deltas[INDEX["jawOpen"], index] = 1000 * delta
    face = FaceMesh((1000 * mesh.vertices).astype(np.float32), deltas)
    drop: Array = np.linalg.norm(deltas[INDEX["jawOpen"]], axis=1)
    near = np.flatnonzero(np.linalg.norm(mesh.vertices - centre, axis=1) < _NEAR)
    if not len(near) or drop[near].max() <= 0:
        return None
    away = np.linalg.norm(mesh.vertices[near] - centre, axis=1)
    with_jaw = drop[near] > _STILL * drop[near].max()
    if with_jaw.all() or not with_jaw.any():
        return None
    lower = near[with_jaw][away[with_jaw].argmin()]
    upper = near[~with_jaw][away[~with_jaw].argmin()]
    pairs = facing_lips(face, int(upper), int(lower))
    return pairs if len(pairs[0]) else None
