"""Two people who stand before each other and sway, for touches that are judged without a take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np

from duologue import arkit
from duologue.brief.nearness import NEAR
from duologue.errors import invalid
from duologue.interactions.actor import Character, Scene, scene_of
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track
from duologue.units import FPS

FRAMES: Final = 150
APART: Final = 0.52
"""Metres between two people who are near enough for most touches of a face."""
_ASIDE: Final = 15.0
"""Degrees by which two people who talk are turned from each other, where a touch may come from straight before."""
_SWAY: Final = {"Head": (1, 0.08, 2.0), "Neck": (0, 0.05, 3.0), "Spine1": (2, 0.03, 1.5)}
"""Joint -> axis, radians and radians a second."""


@cache
def _skeleton() -> Skeleton:
    return Skeleton.builtin("duologue60")


def standing(x: float, heading: float) -> Track:
    """Return somebody at ``x`` metres who looks along ``heading`` radians, arms hanging, head and trunk swaying."""
    skeleton = _skeleton()
    rotations = np.zeros((FRAMES, len(skeleton), 3), np.float32)
    time = np.arange(FRAMES) / FPS
    rotations[:, 0, 1] = heading
    for side, sign in (("Left", -1), ("Right", 1)):
        rotations[:, skeleton.index(side + "Arm")] = (0, 0, sign * 1.35)
        rotations[:, skeleton.index(side + "ForeArm")] = (0, sign * 0.25, 0)
    for joint, (axis, size, speed) in _SWAY.items():
        rotations[:, skeleton.index(joint), axis] = size * np.sin(speed * time + heading)
    root = np.tile(np.array([x, skeleton.offsets[0][1], 0.0], np.float32), (FRAMES, 1))
    weights = np.zeros((FRAMES, len(arkit.NAMES)), np.float32)
    return Track(root, rotations, weights, np.ones(FRAMES, bool), np.zeros(FRAMES, np.uint8))


def standing_take(pattern: str) -> Take:
    """Return a take of two people who stand for a touch as a brief would have them: A touches B, or themselves."""
    near = NEAR[pattern]
    least, most = near.bearing
    bearing = min(_ASIDE, most) if least == 0 else 0.5 * (least + most)
    return _two(near.led, np.radians(bearing), alongside=near.alongside)


def standing_pair(cast: Sequence[Character], apart: float) -> Scene:
    """Let two characters stand straight before each other, ``apart`` metres."""
    return scene_of_take(cast, _two(apart, 0.0, alongside=False))


def _two(apart: float, bearing: float, *, alongside: bool) -> Take:
    # B faces back along -x, turned so that A stands on their left.
    heading = -np.pi / 2 - bearing
    tracks = standing(-apart / 2, heading if alongside else np.pi / 2), standing(apart / 2, heading)
    return Take(_skeleton(), tracks, {"made_by": "duologue evaluate contact"})


def nearer(take: Take, pattern: str) -> Take:
    """Return ``FRAMES`` frames out of the middle of a take, B moved as a whole so that both are near enough on average.

    Raises:
        DuologueError: INVALID_ARGUMENT ``take-too-short``.
    """
    if take.frames < FRAMES:
        raise invalid("take-too-short", f"the take has {take.frames} frames; {FRAMES} are needed", field="--take")
    first = (take.frames - FRAMES) // 2
    a, b = (track[first : first + FRAMES] for track in take.tracks)
    way = (b.root_translation - a.root_translation).mean(axis=0) * (1.0, 0.0, 1.0)
    far = float(np.linalg.norm(way))
    moved = b.root_translation + (NEAR[pattern].led - far) * way / max(far, 1e-6)
    return replace(take, tracks=(a, replace(b, root_translation=moved.astype(np.float32))))


def scene_of_take(cast: Sequence[Character], take: Take) -> Scene:
    """Let two characters play a take."""
    return scene_of(cast, take.skeleton, take.tracks)
