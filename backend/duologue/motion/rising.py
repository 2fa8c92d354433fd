"""Trunks lean over the feet before hips leave a seat, and until they are down on one; as a stream of windows.

Whoever gets up brings their mass over their feet first, by leaning forward some 40 degrees; captured people do (sitting down 45),
and what is sampled leans less, or back. By how much the centre of mass is behind the heels as hips are off the seat is made up
for from the pelvis up; the legs stay, the head keeps most of where it looked and the arms hang.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from duologue.easing import smoothstep
from duologue.motion.contact import Soles
from duologue.motion.mass import centre_of_mass
from duologue.motion.rotations import Floats, einsum, exp_to_matrix, matrix_to_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics

Array = NDArray[np.float64]

_TURNED: Final = (
    ("Hips", 0.55), ("Spine", 0.65), ("Spine1", 0.78), ("Spine2", 0.9), ("Spine3", 1.0), ("Neck", 0.75), ("Neck1", 0.55),
    ("Head", 0.35), ("LeftArm", 0.3), ("RightArm", 0.3), ("LeftUpLeg", 0.0), ("RightUpLeg", 0.0),
)  # fmt: skip
"""How much of the lean each joint has in the world; what hangs on it follows."""
_UPPER: Final = (0.6, 0.55)
"""Share of the mass that leans, and how far up the trunk its centre is, from the hips to the neck."""
_FARTHEST: Final = np.radians(54.0)
"""That a trunk leans in all."""
_OFF: Final = (0.655, 0.705)
"""Of the standing height of the hips, where they are on a seat and where they have left it."""
_BEARS: Final = 0.05
"""Metres up to which a point of a sole bears."""
_AHEAD: Final = 6
"""Frames for which the lean is there before and after."""
_SMOOTH: Final = 21
"""Frames over which it comes and goes."""
_JOIN: Final = 15
"""Frames in which a window takes over the lean of the one before."""


class SeatLean:
    """The state of both performers' leans along a take. Arrays are (2 performers, n frames, ...)."""

    def __init__(self, skeleton: Skeleton) -> None:
        """Prepare for a skeleton that uses duologue60's joint names.

        Raises:
            DuologueError: NOT_FOUND ``unknown-joint`` for another skeleton.
        """
        self._skeleton, self._soles = skeleton, Soles.of(skeleton)
        self._turned = [(skeleton.index(name), share) for name, share in _TURNED]
        self._neck, *self._thighs = skeleton.indices("Neck", "LeftUpLeg", "RightUpLeg")
        self._standing = float(skeleton.offsets[0, 1])
        self._last = np.zeros((2, 2))  # of the last two frames

    def push(self, root: Floats, rotations: Floats, part: Array) -> tuple[Floats, Floats]:
        """Take the next frames' hips (2, n, 3), metres, and exponential maps (2, n, J, 3); return both, trunks leant.

        ``part`` (2, n): how far each frame may be changed, 0 to 1.
        """
        count = part.shape[1]
        if not count or not (part.any() or self._last.any()):
            return root, rotations
        turns = rotations.astype(np.float64)
        placed = forward_kinematics(self._skeleton, turns, root.astype(np.float64))
        matrices, positions = (np.asarray(x, np.float64) for x in placed)
        side = matrices[:, :, 0, :, 0]
        yaw = np.arctan2(-side[..., 2], side[..., 0])
        angle = self._joined(_spread(part * self._needed(matrices, positions, yaw)))
        self._last = np.concatenate([self._last, angle], axis=1)[:, -2:]
        if not angle.any():
            return root, rotations
        shift, out = self._leant(turns, (matrices, positions), yaw, angle)
        return (root + shift).astype(root.dtype), out.astype(rotations.dtype)

    def _needed(self, matrices: Array, positions: Array, yaw: Array) -> Array:
        """Return by how many radians (2, n) trunks lean forward so that the centre of mass is over the heels."""
        ahead = np.stack([np.sin(yaw), np.cos(yaw)], axis=-1)
        points = np.asarray(self._soles.place(matrices, positions), np.float64)
        along = einsum("pnfki,pni->pnfk", points[..., [0, 2]], ahead)
        bears = points[..., 1] < _BEARS
        heel = np.where(bears, along, np.inf).min((-2, -1))
        centre = einsum("pni,pni->pn", centre_of_mass(self._skeleton, matrices, positions)[..., [0, 2]], ahead)
        trunk = _UPPER[1] * (positions[:, :, self._neck] - positions[:, :, 0])
        up, forward = trunk[..., 1], einsum("pni,pni->pn", trunk[..., [0, 2]], ahead)
        behind = np.where(np.isfinite(heel), heel - centre, 0.0)
        lean = np.arcsin(np.clip(behind / (_UPPER[0] * np.maximum(up, 0.1)), 0.0, 1.0))
        lean = np.minimum(lean, np.maximum(_FARTHEST - np.arctan2(forward, up), 0.0))
        low, high = _OFF
        return lean * smoothstep((positions[:, :, 0, 1] / self._standing - low) / (high - low))

    def _joined(self, angle: Array) -> Array:
        """Return angles (2, n) that go on from the last two in place and in speed (Hermite's cubic)."""
        speed = self._last[:, 1] - self._last[:, 0]
        own = angle[:, 1] - angle[:, 0] if angle.shape[1] > 1 else np.zeros(2)
        s = np.minimum(np.arange(1, angle.shape[1] + 1, dtype=np.float64) / _JOIN, 1.0)
        gap = (self._last[:, 1] + own - angle[:, 0])[:, None]
        return np.maximum(
            angle + (1 - smoothstep(s)) * gap + (s - 2 * s**2 + s**3) * _JOIN * (speed - own)[:, None], 0.0
        )

    def _leant(self, turns: Array, placed: tuple[Array, Array], yaw: Array, angle: Array) -> tuple[Array, Array]:
        """Return by how much hips move (2, n, 3) so that the legs' joints stay in place, and the rotations."""
        matrices, positions = placed
        axis = np.stack([np.cos(yaw), np.zeros_like(yaw), -np.sin(yaw)], axis=-1)
        by = {joint: np.asarray(exp_to_matrix((share * angle)[..., None] * axis)) for joint, share in self._turned}
        world = {joint: turn @ matrices[:, :, joint] for joint, turn in by.items()}
        whole = np.asarray(exp_to_matrix(angle[..., None] * axis))
        out = turns.copy()
        leans = angle[..., None] > 1e-6
        for joint, turned in world.items():
            parent = self._skeleton.parents[joint]
            # The shoulders go with the chest.
            under = turned if parent < 0 else world.get(parent, whole @ matrices[:, :, parent])
            local = matrix_to_exp(turned if parent < 0 else np.swapaxes(under, -1, -2) @ turned)
            out[:, :, joint] = np.where(leans, local, turns[:, :, joint])
        middle = positions[:, :, self._thighs].mean(2) - positions[:, :, 0]
        return np.where(leans, middle - einsum("pnij,pnj->pni", by[0], middle), 0.0), out


def _spread(need: Array) -> Array:
    """Return a need (2, n) that is there some frames before and after, and comes and goes smoothly."""
    wide = sliding_window_view(np.pad(need, [(0, 0), (_AHEAD, _AHEAD)], mode="edge"), 2 * _AHEAD + 1, axis=1).max(-1)
    window = np.hanning(_SMOOTH + 2)[1:-1]
    padded = np.pad(wide, [(0, 0), (_SMOOTH // 2, _SMOOTH // 2)], mode="edge")
    return np.stack([np.convolve(row, window / window.sum(), "valid") for row in padded])
