"""Quick turns of joints damped, or enlarged, about their slow ones: a head that is held, gestures that are small or large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.motion.rotations import Floats, einsum, exp_to_quat, quat_slerp, quat_to_exp
from duologue.motion.skeleton import Skeleton

HEAD: Final = ("Neck", "Neck1", "Head")
GESTURES: Final = (
    "Spine", "Spine1", "Spine2", "Spine3", *HEAD,
    *(side + joint for side in ("Left", "Right") for joint in ("Shoulder", "Arm", "ForeArm", "Hand")),
)  # fmt: skip
"""What is larger or smaller with a performer's intensity; legs carry, and stay."""
SECONDS: Final = 2.0
"""Time constant of the slow motion: nods and shakes (1 to 5 Hz) go, turning to somebody else takes about this long."""
_BLOCK: Final = 128
"""Frames that are filtered at once."""


class Damper:
    """Draws each joint towards the slow mean of its own past. One object a take; windows of any length, in order.

    The mean is an exponential one over the past alone, so nothing is held back and a window's last frame does not know whether
    more will follow. It starts at the first frame's pose.
    """

    def __init__(
        self, skeleton: Skeleton, amounts: Sequence[float], joints: Sequence[str] = HEAD, fps: float = 30.0
    ) -> None:
        """Prepare for P performers; ``amounts`` are 0 (as the body moves) to 1 (only the slow mean is left); below 0 what is
        quick grows by that much. ``joints``: those of them that a skeleton has."""
        self._columns = [skeleton.index(name) for name in joints if name in skeleton.names]
        self._amounts = np.array(amounts, np.float64)
        keep = np.exp(-1.0 / (SECONDS * fps))
        lag = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)[None]
        # Row t weighs the frames up to t of a block; what came before the block counts keep^(t + 1).
        self._weights = np.where(lag >= 0, (1 - keep) * keep ** lag.clip(0), 0.0)
        self._carried = keep ** np.arange(1, _BLOCK + 1)
        self._mean: NDArray[np.float64] | None = None

    def push(self, rotations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next frames' rotations (P, n, J, 3), exponential maps, with heads held."""
        if not self._amounts.any() or not self._columns or not rotations.shape[1]:
            return rotations
        turns = rotations[:, :, self._columns].astype(np.float64)
        blocks = range(0, turns.shape[1], _BLOCK)
        held = np.concatenate([self._held(exp_to_quat(turns[:, first : first + _BLOCK])) for first in blocks], axis=1)
        out = rotations.copy()
        for performer in np.flatnonzero(self._amounts):  # who isn't held stays as they were, to the bit
            # The shortest form is the continuous one here: no neck turns half a circle.
            out[performer][:, self._columns] = quat_to_exp(held[performer])
        return out

    def _held(self, turns: Floats) -> Floats:
        """Return quaternions (P, n, K, 4), n up to a block, drawn towards their running mean, and carry that on."""
        mean = turns[:, 0] if self._mean is None else self._mean
        # q and -q are one rotation: all on the mean's side, or they would cancel each other.
        near = np.where(einsum("pnki,pki->pnk", turns, mean)[..., None] < 0, -turns, turns)
        n = near.shape[1]
        slow = einsum("ts,pski->ptki", self._weights[:n, :n], near) + self._carried[:n, None, None] * mean[:, None]
        self._mean = slow[:, -1].astype(np.float64)  # not made unit: so it is the same however the frames are cut
        unit = slow / np.linalg.norm(slow, axis=-1, keepdims=True)
        return quat_slerp(near, unit, self._amounts[:, None, None])
