"""One brief being performed: speech features in, take windows out.

Of a take that is partly kept only the stretch that is made again is sampled, with a little around it that the networks fit it to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.body.control import Control, Pins
from duologue.body.pipeline import BodyConditions, BodyPipeline, BodyWindow
from duologue.brief import Brief
from duologue.brief.constraints import places_of
from duologue.face.pipeline import FaceConditions, FacePipeline
from duologue.facial.expression import ExpressionLayer
from duologue.labels import PERFORMERS
from duologue.motion.cleanup import Cleaner
from duologue.motion.damping import GESTURES, Damper
from duologue.motion.placement import faces_partner, partner_from_head
from duologue.motion.skeleton import forward_kinematics
from duologue.performance.direction import Direction
from duologue.performance.inpainting import KeptTake
from duologue.speech.features import SpeechFeatures
from duologue.take import Progress, Track, Window
from duologue.units import FPS, SPEECH_RATE, samples_of

CHEST, HEAD = "Spine3", "Head"
FACE_STEPS = 8
"""The most denoising steps a face takes: held-out closures and jaw no longer change from 4 on (face/CARD.md)."""


Floats = NDArray[np.float32]


class Run:
    """One brief being performed: body windows in, cleaned; faces made as far as the bodies have come; take windows out."""

    def __init__(  # noqa: PLR0917
        self,
        body: BodyPipeline,
        face: FacePipeline,
        brief: Brief,
        features: list[SpeechFeatures],
        should_stop: Callable[[], bool],
        keep: KeptTake | None,
    ) -> None:
        a, b = features
        self._keep, self._constraints = keep, brief.constraints
        self._frames = a.frames
        self._actions = brief.frame_actions(a.frames)
        self._emotion = brief.frame_emotions(a.frames).astype(np.int64)
        self._chest, self._head = body.skeleton.index(CHEST), body.skeleton.index(HEAD)
        self._skeleton = body.skeleton
        self._done = self._actions if keep is None else keep.actions(self._actions)
        self._cleaner = Cleaner(body.skeleton)
        expressions = [performer.face for performer in brief.performers]
        amounts = [1.0 - performer.intensity for performer in brief.performers]
        self._intensity = Damper(body.skeleton, amounts, GESTURES)
        self._direction = Direction(body.skeleton, brief.constraints)
        self._hold = Damper(body.skeleton, [face.head_still for face in expressions])
        self._stretch = slice(0, a.frames) if keep is None else keep.stretch(keep.bodies)
        self._sampled = self._sample(body, brief, features, should_stop)
        self._facing = np.zeros((2, 0), bool)
        samples_16k, phones = np.stack([a.samples_16k, b.samples_16k]), (a.phones, b.phones)
        self._layer = ExpressionLayer(samples_16k, a.frames, brief.seed, expressions, phones)
        self._face = self._layer.spoken(self._faces(face, brief, samples_16k, should_stop))
        self._weights = np.zeros((2, 0, len(arkit.NAMES)), np.float32)
        self._start = self._made = 0

    def _sample(
        self, body: BodyPipeline, brief: Brief, features: list[SpeechFeatures], should_stop: Callable[[], bool]
    ) -> Iterator[BodyWindow]:
        """Yield the bodies of the stretch that is not kept, as sampled."""
        at, (a, b) = self._stretch, features
        if at.start == at.stop:
            return iter(())
        return body.stream(
            BodyConditions(
                mel=np.stack([a.mel, b.mel])[:, at],
                text=np.stack([a.text, b.text])[:, at],
                activity=np.stack([a.activity, b.activity]).astype(np.float32)[:, at],
                actions=self._actions[:, at],
                emotion=self._emotion[:, at],
                roles=(brief.a.role, brief.b.role),
                style=brief.styles,
                starts=brief.starts if self._keep is None or not at.start else self._keep.places(at.start),
                mirrored=(brief.a.mirror, brief.b.mirror),
            ),
            seed=brief.seed,
            steps=brief.steps,
            strengths=brief.strengths,
            should_stop=should_stop,
            control=_control(brief, self._keep, at),
        )

    def _faces(
        self, face: FacePipeline, brief: Brief, samples_16k: Floats, should_stop: Callable[[], bool]
    ) -> Iterator[Floats]:
        """Yield the faces, (2, n, 52), in consecutive stretches: as they were where all are kept, else as they are made."""
        keep = self._keep
        at = slice(0, self._frames) if keep is None else keep.stretch(keep.faces)
        if keep is not None and at.start:
            yield keep.kept_faces(slice(0, at.start))
        if at.start < at.stop:
            sound = slice(samples_of(at.start, SPEECH_RATE), samples_of(at.stop, SPEECH_RATE) + 1)
            strengths = brief.frame_emotion_strengths(self._frames)
            made = at.start
            for window in face.bare(
                FaceConditions(
                    samples_16k=samples_16k if at.stop - at.start == self._frames else samples_16k[:, sound],
                    frames=at.stop - at.start,
                    style=np.array(brief.styles),
                    emotion=self._emotion[:, at],
                    facing=lambda start, stop: self.facing(at.start + start, at.start + stop),
                    emotion_strength=None if strengths is None else strengths[:, at],
                ),
                seed=brief.seed,
                steps=min(brief.steps, FACE_STEPS),
                strengths=brief.strengths,
                should_stop=should_stop,
            ):
                yield window.weights
                made += window.weights.shape[1]
            if made < at.stop:  # stopped
                return
        if keep is not None and at.stop < self._frames:
            yield keep.kept_faces(slice(at.stop, self._frames))

    def facing(self, start: int, stop: int) -> NDArray[np.bool_]:
        """(2, stop - start): who faces the partner. Bodies that are neither made yet nor kept are taken to stay as they were."""
        known = self._facing[:, start:stop]
        missing = stop - start - known.shape[1]
        last = self._facing[:, -1:] if self._facing.shape[1] else np.ones((2, 1), bool)
        guess = np.concatenate([known, np.repeat(last, missing, axis=1)], axis=1)
        return guess if self._keep is None else self._keep.facing(start, guess)

    def cleaned(self) -> Iterator[str]:
        """Say what the clean-up changed, in a sentence: nothing is changed in silence."""
        report = self._cleaner.report
        if not report.frames:  # the bodies were all kept
            return

        changes = [
            (f"{what} in {a} frames of A and {b} of B", max(lengths))
            for what, (a, b), lengths in (
                ("feet held", report.feet_held, report.feet_moved_by),
                ("hips lowered", report.hips_lowered, report.hips_lowered_by),
                ("hands kept out of bodies", report.hands_freed, report.hands_freed_by),
            )
            if a or b
        ]
        if report.bodies_parted:
            changes.append((f"bodies moved apart in {report.bodies_parted} frames", report.bodies_parted_by))
        told = "; ".join(f"{change}, by up to {length * 100:.0f} cm" for change, length in changes)
        yield f"Clean-up of {report.frames} frames: {told or 'nothing was changed'}"

    def missed(self) -> Iterator[str]:
        """Say which constraints could not be held."""
        if late := sum(target.seconds >= self._frames / FPS for target in self._constraints):
            yield f"{late} of {len(self._constraints)} constraints come after the end of the take and were left out"
        if (beyond := self._direction.out_of_reach) > 0.01:
            yield f"a hand's point was up to {beyond * 100:.0f} cm beyond the arm; the hand went as near as it could"

    def windows(self) -> Iterator[Progress | Window]:
        """Yield the take as it comes to be."""
        yield Progress("performing", 0, self._frames)
        for root, rotations in self._bodies():
            yield from self._released(root, rotations)

    def _bodies(self) -> Iterator[tuple[Floats, Floats]]:
        """Yield both bodies as they will be, in consecutive stretches: hips (2, n, 3) and rotations (2, n, J, 3)."""
        at = self._stretch
        if self._keep is not None:
            yield from self._keep.kept_bodies(0, at.start)
        if at.start < at.stop:
            for made in self._sampled:
                rotations = self._intensity.push(made.rotations)
                yield self._directed(*self._cleaner.push(made.root_translation, rotations))
            yield self._directed(*self._cleaner.flush())
        if self._keep is not None and self._made == at.stop:  # else it was stopped
            yield from self._keep.kept_bodies(at.stop, self._frames)

    def _directed(self, root: Floats, rotations: Floats) -> tuple[Floats, Floats]:
        """Return clean bodies with heads and hands where they are wanted, and with what is kept in its place."""
        rotations = self._direction.apply(self._made, root, self._hold.push(rotations))
        return (root, rotations) if self._keep is None else self._keep.merge_bodies(self._made, root, rotations)

    def _released(self, root: Floats, rotations: Floats) -> Iterator[Progress | Window]:
        """Yield the windows of the frames (2, n, …) whose bodies have become final, with faces, and how far that is.

        The expression layer comes last of all, so that eyes meet where the heads really are.
        """
        frames = root.shape[1]
        if not frames:
            return
        matrices, positions = forward_kinematics(self._skeleton, rotations, root)
        heads = positions[:, :, self._head], matrices[:, :, self._head]
        partner = self._direction.looked_at(self._made, partner_from_head(*heads), *heads)
        facing = faces_partner(positions[:, :, self._chest], matrices[:, :, self._chest])
        if self._keep is not None:
            facing = self._keep.facing(self._made, facing)
        self._made += frames
        self._facing = np.concatenate([self._facing, facing], axis=1)
        made = 0
        while made < frames:
            # As many frames as have a face: the first window of faces is short, so that something can be seen soon.
            if not self._weights.shape[1]:
                weights = next(self._face, None)
                if weights is None:  # stopped: the face ends where it was told to, and so does the take
                    return
                self._weights = weights
            count = min(frames - made, self._weights.shape[1])
            part, stretch = slice(made, made + count), slice(self._start, self._start + count)
            raw = self._layer.unclamped(self._start, self._weights[:, :count], facing[:, part], partner[:, part])
            weights, raw = (raw.clip(0.0, 1.0), raw) if self._keep is None else self._keep.merge_faces(self._start, raw)
            tracks = [
                Track(
                    root_translation=root[index, part],
                    rotations=rotations[index, part],
                    weights=weights[index],
                    facing=facing[index, part],
                    actions=self._done[index, stretch],
                    raw=raw[index] if self._layer.settings[index].raw else None,
                )
                for index in range(len(PERFORMERS))
            ]
            yield Window(self._start, (tracks[0], tracks[1]))
            made, self._start = made + count, self._start + count
            self._weights = self._weights[:, count:]
            yield Progress("performing", self._start, self._frames)


def _control(brief: Brief, keep: KeptTake | None, at: slice) -> Control:
    """Return what the bodies of a stretch are held to: the brief's places, and what stays of an earlier take."""
    a, b = (Pins(*places_of(brief.constraints, name)) for name in PERFORMERS)
    if keep is not None:
        kept = keep.pins()
        a, b = (_cut(Pins.merged(parts), at) for parts in ([a, kept[0]], [b, kept[1]]))
    return Control((a, b))


def _cut(pins: Pins, at: slice) -> Pins:
    """Return the pins of a stretch of frames, counted from its first."""
    inside = (pins.frames >= at.start) & (pins.frames < at.stop)
    features = None if pins.features is None else pins.features[inside]
    return Pins(pins.frames[inside] - at.start, pins.places[inside], features)
