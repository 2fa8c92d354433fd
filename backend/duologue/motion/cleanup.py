"""The clean-up between the body model and the take: jitter, sliding feet, the floor, and bodies that stand in each other.

It runs along with the stream. Every step looks only a few frames ahead and carries its state on, so windows can be pushed in
pieces of any length and give the same motion; ``Cleaner.AHEAD`` frames are held back until those after them are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.motion.floor import Grounding
from duologue.motion.foot_lock import FootLockOptions
from duologue.motion.limbs import Limbs
from duologue.motion.push_out import Parting, PushOut
from duologue.motion.rotations import Floats, unroll_exp
from duologue.motion.skeleton import Skeleton
from duologue.motion.smoothing import Envelope, Smoother

Array = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class CleanupOptions:
    """What to do; all of it by default."""

    smooth: bool = True
    settle: bool = True
    feet: FootLockOptions = field(default_factory=FootLockOptions)
    part_bodies: bool = True
    free_hands: bool = True
    part_legs: bool = True


@dataclass(frozen=True)
class CleanupReport:
    """What was changed, for performers A and B. Counts are frames; lengths are the largest, in metres."""

    frames: int = 0
    settled: tuple[int, int] = (0, 0)
    settled_by: tuple[float, float] = (0.0, 0.0)
    feet_held: tuple[int, int] = (0, 0)
    feet_moved_by: tuple[float, float] = (0.0, 0.0)
    feet_given_up: int = 0
    hips_lowered: tuple[int, int] = (0, 0)
    hips_lowered_by: tuple[float, float] = (0.0, 0.0)
    bodies_parted: int = 0
    bodies_parted_by: float = 0.0
    hands_freed: tuple[int, int] = (0, 0)
    hands_freed_by: tuple[float, float] = (0.0, 0.0)
    legs_parted: tuple[int, int] = (0, 0)
    legs_parted_by: tuple[float, float] = (0.0, 0.0)


class Cleaner:
    """Cleans one take's motion while it is being made. One object a take."""

    AHEAD: Final = Smoother.AHEAD + 2 * Envelope.AHEAD
    """Frames held back: ten, a third of a second."""

    def __init__(self, skeleton: Skeleton, fps: float = 30.0, options: CleanupOptions | None = None) -> None:
        """Prepare for a skeleton that uses duologue60's joint names.

        Raises:
            DuologueError: NOT_FOUND ``unknown-joint`` for another skeleton.
        """
        self.options = options or CleanupOptions()
        self._skeleton = skeleton
        self._smoother = Smoother()
        self._grounding = Grounding(skeleton)
        push_out = PushOut(skeleton)
        self._parting = Parting(push_out)
        self._limbs = Limbs(
            push_out, fps, self.options.feet, free_hands=self.options.free_hands, part_legs=self.options.part_legs
        )
        self._last_rotations: Array | None = None
        self._closed = False

    @property
    def report(self) -> CleanupReport:
        """What was changed in the frames that have been returned so far."""
        limbs, parting = self._limbs, self._parting
        return CleanupReport(
            frames=limbs.frames,
            settled=self._grounding.settled.counts,
            settled_by=self._grounding.settled.largest,
            feet_held=limbs.held.counts,
            feet_moved_by=limbs.held.largest,
            feet_given_up=limbs.given_up,
            hips_lowered=limbs.lowered.counts,
            hips_lowered_by=limbs.lowered.largest,
            bodies_parted=parting.parted.counts[0],
            bodies_parted_by=parting.parted.largest[0] + parting.parted.largest[1],
            hands_freed=limbs.freed.counts,
            hands_freed_by=limbs.freed.largest,
            legs_parted=limbs.parted.counts,
            legs_parted_by=limbs.parted.largest,
        )

    def push(self, root_translation: Floats, rotations: Floats) -> tuple[Singles, Singles]:
        """Take the next frames of both performers and return those that have become final.

        Args:
            root_translation: (2, n, 3) world positions of the hips, metres. n may be 0, and differ from call to call.
            rotations: (2, n, J, 3) exponential maps.

        Returns:
            The same two arrays, cleaned, of the next m frames; m lags behind by at most ``AHEAD`` frames.

        Raises:
            DuologueError: INVALID_ARGUMENT ``motion-shape`` or ``motion-not-finite``.
        """
        joints = len(self._skeleton)
        frames = root_translation.shape[1] if root_translation.ndim == 3 else -1
        if root_translation.shape != (2, frames, 3) or rotations.shape != (2, frames, joints, 3):
            raise invalid(
                "motion-shape",
                f"got roots of shape {root_translation.shape} and rotations of shape {rotations.shape}; "
                f"expected (2, n, 3) and (2, n, {joints}, 3).",
            )
        if not (np.isfinite(root_translation).all() and np.isfinite(rotations).all()):
            raise invalid(
                "motion-not-finite", "the body model made values that are not finite; its checkpoint may be damaged."
            )
        return self._run(root_translation, rotations, last=False)

    def flush(self) -> tuple[Singles, Singles]:
        """Return the frames that were held back. Nothing may be pushed after."""
        empty = np.zeros((2, 0, 3))
        return self._run(empty, np.zeros((2, 0, len(self._skeleton), 3)), last=True)

    def _run(self, root_translation: Floats, rotations: Floats, *, last: bool) -> tuple[Singles, Singles]:
        if self._closed:
            raise invalid("cleaner-closed", "this take's clean-up is finished; use a new Cleaner for another take.")
        self._closed = last
        # Inside, time comes first: queues and filters run along it.
        root = np.moveaxis(root_translation, 0, 1).astype(np.float64)
        turns = np.moveaxis(rotations, 0, 1).astype(np.float64)
        if self.options.smooth:
            root, turns = self._smoother.push(root, turns, last=last)
        if self.options.settle:
            root = self._grounding.push(root, turns)
        if self.options.part_bodies:
            root, turns = self._parting.push(root, turns, last=last)
        root, turns = self._limbs.push(root, turns, last=last)
        if self._last_rotations is not None:
            turns = unroll_exp(np.concatenate([self._last_rotations, turns]))[1:]
        elif len(turns):
            turns = unroll_exp(turns)
        if len(turns):
            self._last_rotations = np.asarray(turns[-1:], np.float64)
        return np.moveaxis(root, 0, 1).astype(np.float32), np.moveaxis(turns, 0, 1).astype(np.float32)
