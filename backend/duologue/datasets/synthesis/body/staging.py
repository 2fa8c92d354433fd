"""Where two composed performers stand, so that their bodies stay out of each other, and who looks where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from duologue.datasets.synthesis.body.head import glances, head_pose, look, world_of
from duologue.datasets.synthesis.body.performer import ARRIVING, Composer, Part
from duologue.datasets.synthesis.body.pieces import Array, Motion
from duologue.features import pose as poses
from duologue.motion.capsules import pair_penetration
from duologue.motion.cleanup import Cleaner, CleanupOptions
from duologue.motion.skeleton import Skeleton

NEAREST: Final = 0.45
"""Metres between the hips: pairs that come nearer at any time are placed anew."""
_DEEPEST, _OFTEN = 0.03, 0.01
"""Bodies may overlap by more than this many metres in at most this share of the frames."""
_TRIES: Final = 8


def place(rng: np.random.Generator, distance: float = 1.4, closeness: float = 0.5, *, walking: bool = False) -> Array:
    """Draw where the two are (2, 3), x, z, heading: ``distance`` metres apart, up to 25 % more or less.

    Face to face; or, the closer they are the more often (5 to 35 %), side by side and turned in a little. Strangers turn away
    from each other by up to half a right angle. ``walking``: side by side, straight ahead.
    """
    distance = max(0.8, distance * float(rng.uniform(0.8, 1.25)))
    if walking or rng.random() < 0.05 + 0.3 * closeness:
        distance = float(rng.uniform(0.75, 1.2)) if walking else min(distance, 1.4)
        inward = rng.uniform(0.0, 0.12) if walking else rng.uniform(0.2, 0.7)
        headings = np.array([inward, -inward])
    else:
        headings = np.array([np.pi / 2, -np.pi / 2]) + rng.normal(0, 0.4 - 0.25 * closeness, 2)
    starts = np.array([[-distance / 2, 0, headings[0]], [distance / 2, 0, headings[1]]])
    yaw = rng.uniform(-np.pi, np.pi)
    sine, cosine = np.sin(yaw), np.cos(yaw)
    turned = np.stack(
        [cosine * starts[:, 0] + sine * starts[:, 1], cosine * starts[:, 1] - sine * starts[:, 0]], axis=-1
    )
    return np.concatenate([turned, starts[:, 2:] + yaw], axis=-1)


def compose_pair(
    composer: Composer, parts: Sequence[Part], distance: float = 1.4, closeness: float = 0.5
) -> tuple[list[Motion], Array]:
    """Return both motions and their root paths (2, T, 3), placed so that nobody stands in anybody.

    When no place in eight does, both are moved apart by a tenth each time, and at last performed anew.
    """
    walking = all(part.posture == "walk" for part in parts)
    while True:
        motions = [composer.perform(part) for part in parts]
        for attempt in range(_TRIES):
            starts = place(composer.rng, distance * (1 + 0.1 * attempt), closeness, walking=walking)
            paths = follow(motions, parts, starts)
            if apart(composer.skeleton, motions, paths):
                return face(composer, motions, paths, parts), paths


def follow(motions: Sequence[Motion], parts: Sequence[Part], starts: Array) -> Array:
    """Return the paths (2, T, 3) from ``starts`` (2, 3), or *to* them for who walks in, sits down or turns: they arrive there."""
    return np.stack(
        [
            _arriving(motion, start) if part.posture in ARRIVING else motion.path(start)
            for motion, start, part in zip(motions, starts, parts, strict=True)
        ]
    )


def apart(skeleton: Skeleton, motions: Sequence[Motion], paths: Array) -> bool:
    """Whether the hips stay ``NEAREST`` apart and the bodies out of each other (looked at six times a second)."""
    away = np.hypot(*(paths[0] - paths[1])[:, :2].T)
    if away.min() < NEAREST:
        return False
    near = np.flatnonzero(away < 1.6)[::5]
    if not len(near):
        return True
    root, rotations = world(motions, paths)
    overlap = pair_penetration(skeleton, rotations[:, near], root[:, near]).depth
    return float((overlap > _DEEPEST).sum()) <= _OFTEN * len(away) / 5


def face(composer: Composer, motions: Sequence[Motion], paths: Array, parts: Sequence[Part]) -> list[Motion]:
    """Let both look at the other's eyes: 85 % of listening and 55 % of speaking, more or less by their manner; then nods.

    The share of somebody of high status is more while speaking and less while listening, and of low status the other way round.
    """
    skeleton, rng = composer.skeleton, composer.rng
    eyes = [world_of(head_pose(motion, skeleton)[1], path) for motion, path in zip(motions, paths, strict=True)]
    looking: list[Motion] = []
    for i, part in enumerate(parts):
        more = part.manner.gaze + np.where(part.speaking, 1.0, -1.0) * part.manner.speaking_gaze
        share = np.clip(np.where(part.speaking, 0.55, 0.85) + more, 0.1, 0.97)
        up = float(np.radians(part.manner.head))
        turned = look(motions[i], paths[i], eyes[1 - i], glances(share, rng), skeleton, head=up)
        looking.append(composer.nods(turned, part))
    return looking


def _arriving(motion: Motion, end: Array) -> Array:
    """Return the path (T, 3) that ends at ``end`` (3,)."""
    path = motion.path((0.0, 0.0, 0.0))
    turn = end[2] - path[-1, 2]
    sine, cosine = np.sin(turn), np.cos(turn)
    away = path[:, :2] - path[-1, :2]
    x, z = cosine * away[:, 0] + sine * away[:, 1], cosine * away[:, 1] - sine * away[:, 0]
    return np.stack([end[0] + x, end[1] + z, path[:, 2] + turn], axis=-1)


def world(motions: Sequence[Motion], paths: Array) -> tuple[Array, Array]:
    """Return world hips (2, T, 3) and exponential maps (2, T, J, 3) of a composed pair."""
    root, rotations = poses.to_world(np.stack([motion.features() for motion in motions]), paths)
    return np.asarray(root, np.float64), np.asarray(rotations, np.float64)


def free_hands(skeleton: Skeleton, root: Array, rotations: Array) -> tuple[Array, Array]:
    """Hold feet that bear weight, bring hands out of thighs, trunks and the partner: our own clean-up, unsmoothed.

    Takes and returns world hips (2, T, 3), metres, and exponential maps (2, T, J, 3).
    """
    cleaner = Cleaner(skeleton, options=CleanupOptions(smooth=False, settle=False, part_bodies=False))
    pieces = [cleaner.push(root, rotations), cleaner.flush()]
    cleaned = [np.concatenate([piece[k] for piece in pieces], axis=1).astype(np.float64) for k in (0, 1)]
    return cleaned[0], cleaned[1]
