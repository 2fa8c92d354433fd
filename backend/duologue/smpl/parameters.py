"""A person's motion as SMPL-H's or SMPL-X's parameters, whatever file it came in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.motion.rotations import exp_to_matrix, matrix_to_exp
from duologue.smpl.joints import COUNTS, Kind, hand_slices

Array = NDArray[np.float64]

Z_TO_Y = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""Turns a world with Z up into one with Y up: what pointed along -Y points along +Z."""


@dataclass(frozen=True, eq=False)
class BodyParameters:
    """T frames of one person. The arrays are made read-only.

    Raises:
        DuologueError: INVALID_ARGUMENT ``hands-pca`` for fewer columns than SMPL-H has, of which the last are principal
            components of hands; ``smpl-shape`` for joints of neither model or lengths that differ, ``smpl-not-finite`` with the
            first bad frame, ``frame-rate``.
    """

    poses: Array
    """(T, 52 or 55, 3): axis-angle, radians, each in its parent's frame, in the model's own order of joints."""
    trans: Array
    """(T, 3) metres: added to the model's rest place, so that the pelvis is at its rest place plus this."""
    fps: float
    betas: Array
    """(B,): shape; empty where it isn't known."""
    up: Literal["y", "z"] = "y"
    """The axis of the world that points up: AMASS has z, BEAT2 y."""
    gender: str = "neutral"
    expression: Array | None = None
    """(T, E): coefficients of the model's expression space."""
    hands_from_mean: bool = False
    """Finger poses are counted from the model's mean hand and not from a flat one: ``smplx``'s default, and BEAT2's."""

    def __post_init__(self) -> None:
        frames, joints = (self.poses.shape[:2]) if self.poses.ndim == 3 else (len(self.poses), 0)
        if joints not in COUNTS or self.poses.shape[2:] != (3,):
            raise invalid(
                "hands-pca" if 24 < joints < min(COUNTS) else "smpl-shape",
                f"poses have shape {self.poses.shape}; SMPL-H has (frames, 52, 3) and SMPL-X (frames, 55, 3). Hands stored as "
                "principal components have to be written out as 15 joints each first.",
                field="poses",
            )
        lengths = {"trans": (self.trans, (frames, 3)), "betas": (self.betas, self.betas.shape[:1])}
        if self.expression is not None:
            lengths["expression"] = self.expression, (frames, *self.expression.shape[1:2])
        for name, (array, shape) in lengths.items():
            if array.shape != shape:
                raise invalid("smpl-shape", f"{name} has shape {array.shape}, expected {shape}", field=name)
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise invalid("frame-rate", f"{self.fps} is not a frame rate; it must be frames a second", field="fps")
        for name in ("poses", "trans", "betas", "expression"):
            self._hold(name)

    def _hold(self, name: str) -> None:
        value: NDArray[Any] | None = getattr(self, name)
        if value is None:
            return
        array: Array = np.array(value, np.float64)
        if not np.isfinite(array).all():
            bad = int(np.argmin(np.isfinite(array.reshape(len(array), -1)).all(axis=1)))
            raise invalid("smpl-not-finite", f"{name} holds NaN or infinity, first in row {bad}", field=name)
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.poses)

    @property
    def kind(self) -> Kind:
        """Which model the poses are for."""
        return COUNTS[self.poses.shape[1]]

    def flat(self, mean_hands: Array) -> BodyParameters:
        """Return the same with fingers counted from a flat hand; ``mean_hands`` (2, 45): the model's, left and right."""
        return self._with_fingers(mean_hands) if self.hands_from_mean else self

    def from_mean(self, mean_hands: Array) -> BodyParameters:
        """Return the same with fingers counted from the model's mean hand."""
        return self if self.hands_from_mean else self._with_fingers(-mean_hands)

    def _with_fingers(self, added: Array) -> BodyParameters:
        # Not a composition of rotations: the models add the mean to the vector (smplx.SMPLX.forward, "pose_mean").
        poses = self.poses.copy()
        for fingers, mean in zip(hand_slices(self.kind), added, strict=True):
            poses[:, fingers] += mean.reshape(-1, 3)
        return replace(self, poses=poses, hands_from_mean=not self.hands_from_mean)

    def upright(self, pelvis: Sequence[float] | Array) -> BodyParameters:
        """Return the same in a world with Y up; ``pelvis`` (3,): where the model's pelvis rests, which stays where it was."""
        return self if self.up == "y" else self._turned(Z_TO_Y, pelvis, "y")

    def with_z_up(self, pelvis: Sequence[float] | Array) -> BodyParameters:
        """Return the same in a world with Z up."""
        return self if self.up == "z" else self._turned(Z_TO_Y.T, pelvis, "z")

    def _turned(self, turn: Array, pelvis: Sequence[float] | Array, up: Literal["y", "z"]) -> BodyParameters:
        # The model turns about its pelvis, so it is the pelvis that is carried over: R (J0 + t) = J0 + t'.
        rest = np.asarray(pelvis, np.float64)
        poses = self.poses.copy()
        poses[:, 0] = matrix_to_exp(turn @ exp_to_matrix(poses[:, 0]))
        return replace(self, poses=poses, trans=(self.trans + rest) @ turn.T - rest, up=up)
