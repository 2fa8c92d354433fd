"""The root as steps a frame: what a network can learn anywhere on the floor, and how steps become a path again.

After the "pos_rot_deltas" of PyMO as LDA's published code uses it (Alexanderson et al. 2023, arXiv 2211.09707;
docs/reference/papers.md#lda). Theirs always starts in the origin; a pair needs each performer's own start, or the two lose sight
of each other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duologue.motion.rotations import Floats, as_floats, exp_to_quat, quat_multiply, quat_rotate, quat_to_exp

COLUMNS: Final = ("dx", "dz", "dyaw", "height")


def heading(hips: ArrayLike) -> Floats:
    """Return the yaw (...) in radians of hips that are turned by exponential maps (..., 3).

    Forward is across the hips' own side axis, on the floor, and not where the pelvis points: that way a pelvis that pitches
    (bowing, sitting back) keeps its heading. Undefined when lying on one's side.
    """
    side = quat_rotate(exp_to_quat(hips), np.array([1.0, 0.0, 0.0]))
    return np.arctan2(-side[..., 2], side[..., 0])


def _yaw_quat(yaw: Floats) -> Floats:
    quats = np.zeros((*yaw.shape, 4), yaw.dtype)
    quats[..., 0], quats[..., 2] = np.cos(0.5 * yaw), np.sin(0.5 * yaw)
    return quats


def _turn_floor(x: Floats, z: Floats, yaw: Floats) -> tuple[Floats, Floats]:
    sine, cosine = np.sin(yaw), np.cos(yaw)
    return cosine * x + sine * z, cosine * z - sine * x


def encode_root(root_translation: ArrayLike, hips: ArrayLike) -> tuple[Floats, Floats, NDArray[np.float64]]:
    """Code a path as steps a frame.

    Args:
        root_translation: world positions of the hips (..., T, 3), metres.
        hips: their world rotations (..., T, 3), exponential maps.

    Returns:
        ``steps`` (..., T, 4) in the order of ``COLUMNS``: the step from the frame before, in this frame's heading
        (metres; x left, z forward), the turn from the frame before (radians), the hips' height (metres). Frame 0 has no
        frame before it and repeats frame 1's step. ``local`` (..., T, 3): the hips' rotation without the heading.
        ``path`` (..., T, 3): x, z, heading, unwrapped along time. Arrays keep the input's precision, ``path`` has float64.
    """
    positions, turns = as_floats(root_translation), as_floats(hips)
    quats = exp_to_quat(turns.astype(np.float64))
    yaw = np.unwrap(heading(turns.astype(np.float64)), axis=-1)
    path = np.stack([positions[..., 0], positions[..., 2], yaw], axis=-1).astype(np.float64)
    change = np.diff(path, axis=-2, prepend=path[..., :1, :])
    if change.shape[-2] > 1:
        change[..., 0, :] = change[..., 1, :]
    dx, dz = _turn_floor(change[..., 0], change[..., 1], -yaw)
    steps = np.stack([dx, dz, change[..., 2], positions[..., 1]], axis=-1)
    local = quat_to_exp(quat_multiply(_yaw_quat(-yaw), quats))
    return steps.astype(positions.dtype), local.astype(turns.dtype), path


def decode_root(
    steps: ArrayLike, local: ArrayLike, start: ArrayLike, *, moving: bool = False
) -> tuple[Floats, Floats, NDArray[np.float64]]:
    """Integrate steps back to a path in the world; the inverse of ``encode_root``.

    Sums run in float64 whatever the precision of the steps: over 60 s float32 steps stay within a hundredth of a millimetre.

    Args:
        steps: (..., T, 4), see ``encode_root``.
        local: the hips' rotation without heading (..., T, 3).
        start: x, z, heading (..., 3) of each performer: of frame 0, whose own step is then not taken; or, if ``moving``, of
            the frame before it, so that a path goes on window by window from the last row of the window before.
        moving: whether ``start`` is the frame before.

    Returns:
        ``root_translation`` (..., T, 3), ``hips`` (..., T, 3) as exponential maps, and ``path`` (..., T, 3) in float64.
    """
    steps, turns = as_floats(steps), as_floats(local)
    change = steps[..., :3].astype(np.float64)
    if not moving:
        change[..., 0, :] = 0.0
    first = np.asarray(start, np.float64)
    yaw = first[..., None, 2] + np.cumsum(change[..., 2], axis=-1)
    dx, dz = _turn_floor(change[..., 0], change[..., 1], yaw)
    x, z = first[..., None, 0] + np.cumsum(dx, axis=-1), first[..., None, 1] + np.cumsum(dz, axis=-1)
    hips = quat_to_exp(quat_multiply(_yaw_quat(yaw), exp_to_quat(turns.astype(np.float64))))
    root = np.stack([x, steps[..., 3], z], axis=-1)
    return root.astype(steps.dtype), hips.astype(turns.dtype), np.stack([x, z, yaw], axis=-1)
