"""Both bodies of a take: sampled, damped or enlarged, cleaned, directed, and joined with what stays of an earlier take.

Of a take that is partly kept only the stretch that is made again is sampled, with a little around it that the networks fit it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.body.conditions import BodyConditions
from duologue.body.pipeline import BodyPipeline
from duologue.body.sampling import BodyWindow
from duologue.motion.cleanup import Cleaner, CleanupOptions, CleanupReport
from duologue.motion.damping import GESTURES, Damper
from duologue.motion.foot_lock import AT_REST
from duologue.motion.placement import faces_partner, partner_from_head
from duologue.motion.skeleton import forward_kinematics
from duologue.performance.direction import Direction
from duologue.performance.features import PairFeatures, from_first
from duologue.performance.inpainting import KeptTake
from duologue.performance.score import Score
from duologue.take import Notice

CHEST, HEAD = "Spine3", "Head"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BodyStretch:
    """Consecutive frames of both bodies, final."""

    start: int
    root: Floats
    """(2, n, 3) hips in the world, metres."""
    rotations: Floats
    """(2, n, J, 3) exponential maps."""
    facing: NDArray[np.bool_]
    """(2, n) who faces the partner."""
    aim: Floats
    """(2, n, 2) where the eyes aim, degrees right and up of the head: at the partner, or where the brief wants them."""

    @property
    def frames(self) -> int:
        """n."""
        return self.root.shape[1]


class Bodies:
    """The bodies of one take, stretch by stretch; each as soon as it is final."""

    def __init__(
        self,
        pipeline: BodyPipeline,
        score: Score,
        features: PairFeatures,
        should_stop: Callable[[], bool],
        kept: KeptTake | None = None,
    ) -> None:
        self._score, self._kept = score, kept
        self._skeleton = skeleton = pipeline.skeleton
        self._chest, self._head = skeleton.index(CHEST), skeleton.index(HEAD)
        self._span = slice(0, score.frames) if kept is None else kept.stretch(kept.bodies)
        self._sampled = self._sample(pipeline, features, should_stop)
        self._gestures = Damper(skeleton, [*(1.0 - score.intensities)], GESTURES)
        self._cleaner = Cleaner(skeleton, options=CleanupOptions(feet=AT_REST))
        self._heads = Damper(skeleton, [expression.head_still for expression in score.expressions])
        self._direction = Direction(skeleton, score.constraints)
        self._facing = np.zeros((2, 0), bool)

    def __iter__(self) -> Iterator[BodyStretch]:
        """Yield the take's bodies from its first frame to its last, or to where it was stopped."""
        span, kept = self._span, self._kept
        for root, rotations in kept.kept_bodies(0, span.start) if kept is not None else ():
            yield self._stretch(root, rotations)
        for root, rotations in self._remade() if span.start < span.stop else ():
            if root.shape[1]:
                yield self._stretch(root, rotations)
        if kept is not None and self._done == span.stop:  # else it was stopped
            for root, rotations in kept.kept_bodies(span.stop, self._score.frames):
                yield self._stretch(root, rotations)

    def facing(self, start: int, stop: int) -> NDArray[np.bool_]:
        """(2, stop - start): who faces the partner. Bodies that are not there yet are taken to stay as they were last."""
        known = self._facing[:, start:stop]
        missing = stop - start - known.shape[1]
        last = self._facing[:, -1:] if self._facing.shape[1] else np.ones((2, 1), bool)
        guess = np.concatenate([known, np.repeat(last, missing, axis=1)], axis=1)
        return guess if self._kept is None else self._kept.facing(start, guess)

    def notices(self) -> Iterator[Notice]:
        """Say what the clean-up changed and which constraints could not be held: nothing is changed in silence."""
        if self._cleaner.report.frames:  # else the bodies were all kept
            yield Notice("clean-up", _summary(self._cleaner.report))
        if late := self._score.late():
            total = len(self._score.constraints)
            text = f"{late} of {total} constraints come after the end of the take and were left out"
            yield Notice("constraints", text)
        if (beyond := self._direction.out_of_reach) > 0.01:
            text = f"a hand's point was up to {beyond * 100:.0f} cm beyond the arm; the hand went as near as it could"
            yield Notice("constraints", text)

    @property
    def _done(self) -> int:
        """Frames that are final."""
        return self._facing.shape[1]

    def _sample(
        self, pipeline: BodyPipeline, features: PairFeatures, should_stop: Callable[[], bool]
    ) -> Iterator[BodyWindow]:
        """Yield the bodies of the stretch that is not kept, as sampled."""
        span, score, kept = self._span, self._score, self._kept
        if span.start == span.stop:
            return iter(())
        return pipeline.stream(
            BodyConditions(
                mel=features.mel[:, span],
                text=features.text_of(span),
                prominence=from_first(features.prominence, span.start),
                activity=features.activity[:, span],
                actions=score.actions[:, span],
                emotion=score.emotions[:, span],
                roles=score.roles,
                style=score.styles,
                starts=score.starts if kept is None or not span.start else kept.places(span.start),
                mirrored=score.mirrored,
            ),
            seed=score.seed,
            steps=score.steps,
            strengths=score.strengths,
            should_stop=should_stop,
            control=score.control(span, kept),
        )

    def _remade(self) -> Iterator[tuple[Floats, Floats]]:
        """Yield what was sampled, finished: hips (2, n, 3) and rotations (2, n, J, 3)."""
        for window in self._sampled:
            rotations = self._gestures.push(window.rotations)
            yield self._directed(*self._cleaner.push(window.root_translation, rotations))
        yield self._directed(*self._cleaner.flush())

    def _directed(self, root: Floats, rotations: Floats) -> tuple[Floats, Floats]:
        """Return clean bodies with heads and hands where they are wanted, and with what is kept in its place."""
        rotations = self._direction.apply(self._done, root, self._heads.push(rotations))
        return (root, rotations) if self._kept is None else self._kept.merge_bodies(self._done, root, rotations)

    def _stretch(self, root: Floats, rotations: Floats) -> BodyStretch:
        """Look at final bodies: who faces whom, and where the eyes should aim."""
        start = self._done
        matrices, positions = forward_kinematics(self._skeleton, rotations, root)
        heads = positions[:, :, self._head], matrices[:, :, self._head]
        aim = self._direction.looked_at(start, partner_from_head(*heads), *heads)
        facing = faces_partner(positions[:, :, self._chest], matrices[:, :, self._chest])
        if self._kept is not None:
            facing = self._kept.facing(start, facing)
        self._facing = np.concatenate([self._facing, facing], axis=1)
        return BodyStretch(start, root, rotations, facing, aim)


def _summary(report: CleanupReport) -> str:
    """Return what the clean-up changed, in a sentence."""
    changes = [
        (f"{what} in {a} frames of A and {b} of B", max(lengths))
        for what, (a, b), lengths in (
            ("feet held", report.feet_held, report.feet_moved_by),
            ("hips lowered", report.hips_lowered, report.hips_lowered_by),
            ("hands kept out of bodies", report.hands_freed, report.hands_freed_by),
            ("legs kept out of each other", report.legs_parted, report.legs_parted_by),
        )
        if a or b
    ]
    if report.bodies_parted:
        changes.append((f"bodies moved apart in {report.bodies_parted} frames", report.bodies_parted_by))
    text = "; ".join(f"{change}, by up to {length * 100:.0f} cm" for change, length in changes)
    return f"Clean-up of {report.frames} frames: {text or 'nothing was changed'}"
