"""From solved movements to skin: when a hand is near a head, where the skin is then, and the shapes that hold the touch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Actor, Character, Pose
from duologue.interactions.contact_keys import ContactKeys, contact_keys
from duologue.interactions.hand import Hand
from duologue.interactions.indentation import REACH, Capsules
from duologue.interactions.press import Pressed, press
from duologue.interactions.pressing_capsules import pressing_capsules
from duologue.interactions.surface import Skin, skin_of
from duologue.motion.rotations import einsum
from duologue.rigs.skinned import SkinnedMesh

Array = NDArray[np.float64]

_AFTER = 0.7
"""Seconds after a hand has left within which skin is back."""


def give_way(touched: Actor, hands: Sequence[tuple[Hand, Pose]], fps: float) -> ContactKeys:
    """Let a character's face give way to hands, its own or the partner's, all in one world and of the same T frames.

    Args:
        touched: whose face it is, as it moves after all has been solved.
        hands: each hand, and the solved pose of whoever it belongs to.
        fps: frames a second.

    Raises:
        DuologueError: FAILED_PRECONDITION ``head-without-skin``.
    """
    skin = known_skin(touched.character)
    pressed: list[Pressed] = []
    for hand, pose in hands:
        capsules = pressing_capsules(hand, pose)
        pressed += [
            _pressed(skin, touched, capsules, frames, fps) for frames in _stretches(skin, touched, capsules, fps)
        ]
    if not pressed:
        nobody = skin.part(np.zeros(len(skin.rest), np.bool_))
        pressed = [Pressed(nobody, np.zeros((len(touched), 0, 3)), np.zeros(len(touched)))]
    return contact_keys(pressed)


@lru_cache(maxsize=8)
def known_skin(character: Character) -> Skin:
    """Return a character's skin; worked out once."""
    return skin_of(character)


def linear_parts(mesh: SkinnedMesh, skinning: Array, vertices: NDArray[np.int64]) -> Array:
    """Return how vertices (n,) are turned (T, n, 3, 3): their bones' matrices (T, B, 3, 4), blended as skinning blends them."""
    return mesh.blended(skinning, vertices)[..., :3]


def _stretches(skin: Skin, touched: Actor, capsules: Capsules, fps: float) -> list[slice]:
    """Return the stretches of frames in which a hand is within reach of the head, or has left it a moment ago."""
    head = touched.character.joint["Head"]
    middle = 0.5 * (skin.rest.min(axis=0) + skin.rest.max(axis=0))
    size = float(np.linalg.norm(skin.rest - middle, axis=1).max())
    skinning = touched.pose.skinning()[:, head]
    centre = einsum("tij,j->ti", skinning[..., :3], middle) + skinning[..., 3]
    away, _ = capsules.from_line(centre[:, None])
    near = ((np.linalg.norm(away[:, 0], axis=-1) - capsules.radius).min(axis=1) < size + REACH).astype(np.int8)
    after = int(np.ceil(_AFTER * fps))
    near = np.array([near[max(t - after, 0) : t + 3].max() for t in range(len(near))])
    edges = np.flatnonzero(np.diff(np.concatenate(([0], near, [0]))))
    return [slice(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _pressed(skin: Skin, touched: Actor, capsules: Capsules, frames: slice, fps: float) -> Pressed:
    """Press one stretch of frames; the offsets returned are of all T frames, 0 in the others."""
    mesh, skinning = touched.character.mesh, np.asarray(touched.pose.part(frames).skinning(), np.float64)
    weights = {name: values[frames] for name, values in touched.weights.items()}
    posed = mesh.pose(skinning, weights, skin.vertices)
    part = press(
        skin, posed, lambda near: linear_parts(mesh, skinning, skin.vertices[near]), capsules.part(frames), fps
    )
    offsets, left = np.zeros((len(touched), *part.offsets.shape[1:])), np.zeros(len(touched))
    offsets[frames], left[frames] = part.offsets, part.left
    return Pressed(part.skin, offsets, left)
