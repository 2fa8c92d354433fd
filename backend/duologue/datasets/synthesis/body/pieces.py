"""Motion as pieces that can be cut, joined, overlaid, mirrored and stretched: what the composed corpus is made with.

A piece does not know where in the world it happens: its root is a step a frame in its own heading frame, as the networks see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.features import pose as poses
from duologue.motion.rotations import exp_to_quat, quat_conjugate, quat_multiply, quat_slerp, quat_to_exp, unroll_exp
from duologue.motion.skeleton import Skeleton

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """One performer's motion at 30 fps on our skeleton.

    ``steps`` (T, 3): dx, dz (metres) and dyaw (radians) from the frame before, in the heading frame. ``height`` (T,): of the
    hips, metres. ``rotations`` (T, J, 4): parent-local quaternions, the hips' with the heading taken out.
    """

    steps: Array
    height: Array
    rotations: Array

    def __len__(self) -> int:
        return len(self.height)

    @classmethod
    def from_world(cls, root_translation: NDArray[np.floating], rotations: NDArray[np.floating]) -> Motion:
        """Take a clip out of the world: hips (T, 3) metres, exponential maps (T, J, 3)."""
        features, _ = poses.from_world(root_translation, rotations)
        local = features[:, 4:].reshape(len(features), -1, 3)
        return cls(
            features[:, :3].astype(np.float64),
            features[:, 3].astype(np.float64),
            np.asarray(exp_to_quat(local), np.float64),
        )

    def features(self) -> NDArray[np.float32]:
        """Return (T, 4 + 3 J), the columns of ``features.pose.columns``."""
        local = unroll_exp(quat_to_exp(self.rotations)).reshape(len(self), -1)
        return np.concatenate([self.steps, self.height[:, None], local], axis=1).astype(np.float32)

    def path(self, start: Sequence[float] | Array) -> Array:
        """Return x, z, heading (T, 3) from a start (3,)."""
        steps = np.concatenate([self.steps, self.height[:, None]], axis=1)
        return poses.walk(np.asarray(start, np.float64), steps, moving=False)

    def cut(self, start: int, stop: int) -> Motion:
        """Return frames ``[start, stop)``."""
        return Motion(self.steps[start:stop], self.height[start:stop], self.rotations[start:stop])

    def mirrored(self, skeleton: Skeleton) -> Motion:
        """Return the motion seen in a mirror: left and right change places."""
        order = np.arange(len(skeleton))
        for left, right in skeleton.mirror_pairs:
            order[[left, right]] = right, left
        rotations = self.rotations[:, order] * np.array([1.0, 1.0, -1.0, -1.0])
        return Motion(self.steps * np.array([-1.0, 1.0, -1.0]), self.height, rotations)

    def stretched(self, factor: float) -> Motion:
        """Return the motion made ``factor`` times as long; the path stays as long as it was."""
        count = max(2, round(len(self) * factor))
        at = np.linspace(0, len(self) - 1, count)
        low = np.minimum(at.astype(int), len(self) - 2)
        part = at - low
        gone = np.concatenate([np.zeros((1, 3)), np.cumsum(self.steps, axis=0)])
        # Summing steps ignores that they turn with the heading: exact between frames, and a stretch stays between frames.
        travelled = np.stack(
            [np.interp(np.linspace(0, len(self), count + 1), np.arange(len(self) + 1), g) for g in gone.T], 1
        )
        return Motion(
            np.diff(travelled, axis=0),
            np.interp(at, np.arange(len(self)), self.height),
            np.asarray(quat_slerp(self.rotations[low], self.rotations[low + 1], part[:, None]), np.float64),
        )


def join(pieces: Sequence[Motion], ease: int = 12) -> Motion:
    """Put pieces behind one another; what differs at a joint fades out over ``ease`` frames of the later piece.

    This is inertialisation (Bollo, GDC 2018) with an eased offset: nothing is averaged, so strokes keep their shape.
    """
    steps, heights, rotations = [pieces[0].steps], [pieces[0].height], [pieces[0].rotations]
    for piece in pieces[1:]:
        count = min(ease, len(piece))
        fade = smoothstep(1 - (np.arange(count) + 1) / (count + 1))
        height, turned = piece.height.copy(), piece.rotations.copy()
        height[:count] += fade * (heights[-1][-1] - piece.height[0])
        offset = quat_multiply(rotations[-1][-1], quat_conjugate(piece.rotations[0]))
        turned[:count] = quat_multiply(_power(offset[None], fade[:, None]), piece.rotations[:count])
        step = piece.steps.copy()
        step[0] = steps[-1][-1]
        steps.append(step)
        heights.append(height)
        rotations.append(turned)
    return Motion(np.concatenate(steps), np.concatenate(heights), np.concatenate(rotations))


def overlay(base: Motion, over: Array, joints: Sequence[int], start: int, weight: Array) -> Motion:
    """Turn ``joints`` of ``base`` from frame ``start`` to ``over`` (n, J, 4), as far as ``weight`` (n,) from 0 to 1 says."""
    n = min(len(over), len(base) - start)
    rotations = base.rotations.copy()
    part = rotations[start : start + n, joints]
    rotations[start : start + n, joints] = quat_slerp(part, over[:n, joints], weight[:n, None])
    return replace(base, rotations=rotations)


def add(base: Motion, over: Array, joints: Sequence[int], start: int, weight: Array) -> Motion:
    """Add to ``joints`` of ``base`` how ``over`` (n, J, 4) departs from its own first frame, times ``weight`` (n,)."""
    n = min(len(over), len(base) - start)
    rotations = base.rotations.copy()
    departure = quat_multiply(over[:n, joints], quat_conjugate(over[:1, joints]))
    part = rotations[start : start + n, joints]
    rotations[start : start + n, joints] = quat_multiply(_power(departure, weight[:n, None]), part)
    return replace(base, rotations=rotations)


def envelope(n: int, rise: tuple[int, int], fall: tuple[int, int]) -> Array:
    """Return (n,): 0, eased up to 1 between the two frames of ``rise``, eased down between those of ``fall``."""
    frames = np.arange(n, dtype=np.float64)
    up = np.clip((frames - rise[0]) / max(1, rise[1] - rise[0]), 0, 1)
    down = np.clip((fall[1] - frames) / max(1, fall[1] - fall[0]), 0, 1)
    return smoothstep(np.minimum(up, down))


def _power(quaternions: NDArray[np.floating], exponent: NDArray[np.floating]) -> Array:
    """Turn (..., 4) by only a part (...) of its angle, the short way round."""
    short = quaternions * np.where(quaternions[..., :1] < 0, -1.0, 1.0)
    return np.asarray(exp_to_quat(quat_to_exp(short) * exponent[..., None]), np.float64)
