"""SMPL-H and SMPL-X motion of data sets on our skeleton: which way is up, frames that are not known, the person's own bones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.readers.upright import TURNS, Axis, axis_name, axis_of
from duologue.datasets.scene import Motion, Reading
from duologue.errors import invalid
from duologue.motion.rotations import exp_to_matrix, exp_to_quat, matrix_to_exp, quat_slerp, quat_to_exp, unroll_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.smpl import BodyModel, BodyParameters
from duologue.smpl.joints import adult
from duologue.smpl.motion import onto
from duologue.units import FPS


def on_skeleton(
    parameters: BodyParameters, file: str, reading: Reading, model: Path | None = None, *, expected: str = ""
) -> Motion:
    """Return the motion on duologue60 at 30 fps, Y up, the lowest height of the soles at 0.

    Args:
        parameters: T frames of one person.
        file: what they came from, for notes.
        reading: hears what is other than one would think.
        model: the user's own model file, from which the person's bones come; without it they are our adult's.
        expected: which way is up in such files, ``+Y`` or ``+Z``, if all are alike; another way is noted.

    Raises:
        DuologueError: what ``BodyModel.load`` and ``smpl.motion.onto`` raise.
    """
    up = up_axis(parameters)
    if up is not None:
        name = axis_name(up)
        if expected and name != expected:
            reading.note(file, "up-axis", f"people stand along {name} and not {expected}; it is read so")
        parameters = _turned(parameters, TURNS[up])
    if abs(parameters.fps - FPS) > 0.1:
        reading.note(file, "frame-rate-other", f"it has {parameters.fps:g} frames a second and is brought to {FPS}")
    if not parameters.poses[:, adult(parameters.kind).indices("left_index1", "right_index1")].any():
        reading.note(file, "fingers-missing", "its fingers never move")
    return onto(parameters, Skeleton.builtin("duologue60"), None if model is None else _model(model))


def up_axis(parameters: BodyParameters) -> Axis | None:
    """Return the axis along which the trunk stands on the average, and its sign; None for one who lies or whom nothing tells
    of."""
    skeleton = adult(parameters.kind)
    every = slice(None, None, max(1, len(parameters) // 300))
    _, positions = forward_kinematics(skeleton, parameters.poses[every], parameters.trans[every])
    trunk = positions[:, skeleton.index("neck")] - positions[:, skeleton.index("pelvis")]
    return axis_of(np.asarray(trunk, np.float64))


def _turned(parameters: BodyParameters, turn: NDArray[np.float64]) -> BodyParameters:
    """Return the same in a turned world with Y up. Where the pelvis rests is not carried over: that is a constant shift, and
    where people are is decided afterwards."""
    poses = parameters.poses.copy()
    poses[:, 0] = matrix_to_exp(turn @ exp_to_matrix(poses[:, 0]))
    return replace(parameters, poses=poses, trans=parameters.trans @ turn.T, up="y")


def filled(
    poses: NDArray[np.float64], trans: NDArray[np.float64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return poses (T, J, 3) and places (T, 3) with frames that are not ``valid`` (T,) filled in from those around them:
    rotations by slerp, places linearly, held beyond the first and last.

    Raises:
        DuologueError: INVALID_ARGUMENT ``frames-invalid`` where no frame is valid.
    """
    frames = np.flatnonzero(valid)
    if not len(frames):
        raise invalid("frames-invalid", "no frame of it is marked valid")
    after = np.searchsorted(frames, np.arange(len(valid))).clip(0, len(frames) - 1)
    before = np.where(frames[after] > np.arange(len(valid)), np.maximum(after - 1, 0), after)
    first, last = frames[before], frames[after]
    share = np.clip((np.arange(len(valid)) - first) / np.maximum(last - first, 1), 0.0, 1.0)
    quats = exp_to_quat(np.where(valid[:, None, None], poses, 0.0))
    turned = quat_to_exp(quat_slerp(quats[first], quats[last], share[:, None]))
    places = np.where(valid[:, None], trans, 0.0)
    moved = places[first] + share[:, None] * (places[last] - places[first])
    return np.asarray(unroll_exp(turned), np.float64), moved


def joined(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return poses (T, J, 3) of arrays (T, 3 n)."""
    return np.concatenate([part.reshape(len(part), -1, 3) for part in parts], axis=1)


@lru_cache(maxsize=2)
def _model(path: Path) -> BodyModel:
    return BodyModel.load(path)
