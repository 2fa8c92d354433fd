"""Clips at another frame rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.motion.bvh import BvhClip
from duologue.motion.rotations import exp_to_quat, quat_slerp, quat_to_exp, unroll_exp


def resample(clip: BvhClip, fps: float) -> BvhClip:
    """Return the clip at another frame rate: rotations by spherical interpolation, positions linearly.

    Frame 0 stays frame 0; the last new frame is the last one that lies within the clip. Frames that fall on old frames are those.

    Raises:
        DuologueError: INVALID_ARGUMENT ``frame-rate``.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise invalid("frame-rate", f"{fps} is not a frame rate; give frames a second, such as 30.", field="fps")
    if fps == clip.fps:
        return clip
    # A hair of tolerance, so that 24 to 120 fps ends on the last frame and not one short of it.
    count = int((clip.frames - 1) * fps / clip.fps + 1e-6) + 1
    times = np.minimum(np.arange(count) * (clip.fps / fps), clip.frames - 1)
    nearest = np.rint(times)
    times = np.where(np.abs(times - nearest) < 1e-6, nearest, times)
    before = times.astype(np.intp)
    after = np.minimum(before + 1, clip.frames - 1)
    part = times - before

    def linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
        weight = part.reshape(-1, *[1] * (values.ndim - 1))
        return (1 - weight) * values[before] + weight * values[after]

    quats = exp_to_quat(clip.rotations)
    rotations = unroll_exp(quat_to_exp(quat_slerp(quats[before], quats[after], part[:, None])))
    return replace(
        clip,
        rotations=np.asarray(rotations, np.float64),
        root_translation=linear(clip.root_translation),
        translations=None if clip.translations is None else linear(clip.translations),
        fps=float(fps),
    )
