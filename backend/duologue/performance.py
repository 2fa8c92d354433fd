"""The whole way from two speech tracks to the windows of a take: features, body, clean-up, face.

    speech → features → (lower body → upper body) → clean-up ┐
                      └→ face, told who faces whom           ┴→ take windows

Nothing is held back: a window leaves as soon as its bodies are final and its faces are made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duologue import __version__, arkit
from duologue.body.control import Control, Pins
from duologue.body.pipeline import BodyConditions, BodyPipeline
from duologue.brief import Brief
from duologue.brief_constraints import places_of
from duologue.devices import prepare
from duologue.face.expression import ExpressionLayer
from duologue.face.pipeline import FaceConditions, FacePipeline
from duologue.keeping import Keep
from duologue.labels import PERFORMERS
from duologue.motion.cleanup import Cleaner
from duologue.motion.direction import Direction
from duologue.motion.hold import GESTURES, Hold
from duologue.motion.placement import faces_partner, partner_from_head
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.speech.decode import Audio, frames_of
from duologue.speech.features import SpeechFeatures, speech_features
from duologue.speech.text import TextEncoder
from duologue.take import FPS, Notice, Progress, Track, Window

CHEST, HEAD = "Spine3", "Head"
FACE_STEPS = 8
"""The most denoising steps a face takes: held-out closures and jaw no longer change from 4 on (face/CARD.md)."""

Floats = NDArray[np.float32]


class Performance:
    """Both models and the text encoder, loaded once, ready to perform any number of briefs one after the other."""

    def __init__(self, body: BodyPipeline, face: FacePipeline, text: TextEncoder, checkpoints: dict[str, str]) -> None:
        self._body, self._face, self._text = body, face, text
        self._checkpoints = checkpoints

    @classmethod
    def load(cls, device: str = "auto") -> Performance:
        """Load the body and face checkpoints (the user's before the shipped ones) onto a device: cpu, cuda:0, mps or auto.

        Raises:
            DuologueError: what opening a checkpoint raises; FAILED_PRECONDITION ``device-missing``.
        """
        from duologue.checkpoints import open_checkpoint

        device = prepare(device)
        body, face = open_checkpoint("body"), open_checkpoint("face")
        return cls(
            BodyPipeline.load(body, device),
            FacePipeline.load(face, device),
            TextEncoder.load(),
            {"body": body.sha256, "face": face.sha256},
        )

    @property
    def skeleton(self) -> Skeleton:
        """The skeleton that takes are made on."""
        return self._body.skeleton

    def describe(self) -> dict[str, Any]:
        """Return what a client needs to read the windows, JSON-safe: names, skeleton, frame rate, checkpoints."""
        return {
            "duologue": __version__,
            "fps": FPS,
            "skeleton": self.skeleton.to_json(),
            "joint_names": list(self.skeleton.names),
            "arkit_names": list(arkit.NAMES),
            "checkpoints": self._checkpoints,
        }

    def stream(
        self,
        brief: Brief,
        audio: tuple[Audio, Audio],
        should_stop: Callable[[], bool] = lambda: False,
        keep: Keep | None = None,
    ) -> Iterator[Progress | Notice | Window]:
        """Perform a brief: yield progress, notices and consecutive windows from frame 0 to the last; stop early if asked to.

        ``audio``: A's and B's speech, of one length. ``keep``: an earlier take of the same speech, and what of it stays. The same
        brief, audio, checkpoints and device give the same windows, bit for bit.

        Raises:
            DuologueError: what the features and the models raise; INVALID_ARGUMENT ``take-length`` for a take of other speech.
        """
        if keep is not None:
            keep.require(frames_of(len(audio[0].samples), audio[0].rate))
        features: list[SpeechFeatures] = []
        for index, (sound, performer) in enumerate(zip(audio, brief.performers, strict=True)):
            yield Progress("speech", index, 2)
            if should_stop():
                return
            field = f"performers.{PERFORMERS[index]}.transcript"
            features.append(speech_features(sound, performer.transcript, self._text, field))
            yield from (Notice("speech", f"{PERFORMERS[index]}: {note}") for note in features[-1].notes)
        yield Progress("speech", 2, 2)
        run = _Run(self._body, self._face, brief, features, should_stop, keep)
        yield from run.windows()
        if not should_stop():
            yield Notice("clean-up", run.cleaned())
            yield from (Notice("constraints", note) for note in run.missed())
            for performer, heard in zip(PERFORMERS, features, strict=True):
                yield from (Notice("speech", f"{performer}: {note}") for note in heard.phones.notes)


class _Run:
    """One brief being performed: body windows in, cleaned; faces made as far as the bodies have come; take windows out."""

    def __init__(  # noqa: PLR0917
        self,
        body: BodyPipeline,
        face: FacePipeline,
        brief: Brief,
        features: list[SpeechFeatures],
        should_stop: Callable[[], bool],
        keep: Keep | None,
    ) -> None:
        a, b = features
        self._keep, self._constraints = keep, brief.constraints
        self._frames = a.frames
        self._actions = brief.frame_actions(a.frames)
        emotion = brief.frame_emotions(a.frames).astype(np.int64)
        self._chest, self._head = body.skeleton.index(CHEST), body.skeleton.index(HEAD)
        self._skeleton = body.skeleton
        self._cleaner = Cleaner(body.skeleton)
        expressions = [performer.face for performer in brief.performers]
        amounts = [1.0 - performer.intensity for performer in brief.performers]
        self._intensity = Hold(body.skeleton, amounts, GESTURES)
        self._direction = Direction(body.skeleton, brief.constraints)
        self._hold = Hold(body.skeleton, [face.head_still for face in expressions])
        self._body = body.stream(
            BodyConditions(
                mel=np.stack([a.mel, b.mel]),
                text=np.stack([a.text, b.text]),
                activity=np.stack([a.activity, b.activity]).astype(np.float32),
                actions=self._actions,
                emotion=emotion,
                roles=(brief.a.role, brief.b.role),
                style=brief.styles,
                starts=brief.starts,
                mirrored=(brief.a.mirror, brief.b.mirror),
            ),
            seed=brief.seed,
            steps=brief.steps,
            strengths=brief.strengths,
            should_stop=should_stop,
            control=_control(brief, keep),
        )
        self._facing = np.zeros((2, 0), bool)
        samples_16k = np.stack([a.samples_16k, b.samples_16k])
        phones = (a.phones, b.phones)
        self._layer = ExpressionLayer(samples_16k, a.frames, brief.seed, expressions, phones)
        made = face.bare(
            FaceConditions(
                samples_16k=samples_16k,
                frames=a.frames,
                style=np.array(brief.styles),
                emotion=emotion,
                facing=self.facing,
                emotion_strength=brief.frame_emotion_strengths(a.frames),
                phones=phones,
            ),
            seed=brief.seed,
            steps=min(brief.steps, FACE_STEPS),
            strengths=brief.strengths,
            should_stop=should_stop,
        )
        self._face = self._layer.spoken(window.weights for window in made)
        self._weights = np.zeros((2, 0, len(arkit.NAMES)), np.float32)
        self._start = self._made = 0

    def facing(self, start: int, stop: int) -> NDArray[np.bool_]:
        """(2, stop - start): who faces the partner. Frames whose bodies are not made yet are taken to stay as they were."""
        known = self._facing[:, start:stop]
        missing = stop - start - known.shape[1]
        last = self._facing[:, -1:] if self._facing.shape[1] else np.ones((2, 1), bool)
        return np.concatenate([known, np.repeat(last, missing, axis=1)], axis=1)

    def cleaned(self) -> str:
        """Say what the clean-up changed, in a sentence: nothing is changed in silence."""
        report = self._cleaner.report

        def each(counts: tuple[int, int], lengths: tuple[float, float]) -> str:
            return f"{counts[0]} and {counts[1]} frames, by up to {max(lengths) * 100:.0f} cm"

        return (
            f"clean-up, for A and B, of {report.frames} frames: feet held in {each(report.feet_held, report.feet_moved_by)}; "
            f"hips lowered in {each(report.hips_lowered, report.hips_lowered_by)}; "
            f"hands kept out of bodies in {each(report.hands_freed, report.hands_freed_by)}; "
            f"bodies moved apart in {report.bodies_parted} frames, by up to {report.bodies_parted_by * 100:.0f} cm."
        )

    def missed(self) -> Iterator[str]:
        """Say which constraints could not be held."""
        if late := sum(target.seconds >= self._frames / FPS for target in self._constraints):
            yield f"{late} of {len(self._constraints)} constraints come after the end of the take and were left out"
        if (beyond := self._direction.out_of_reach) > 0.01:
            yield f"a hand's point was up to {beyond * 100:.0f} cm beyond the arm; the hand went as near as it could"

    def windows(self) -> Iterator[Progress | Window]:
        """Yield the take as it comes to be."""
        yield Progress("performing", 0, self._frames)
        for made in self._body:
            rotations = self._intensity.push(made.rotations)
            yield from self._released(*self._cleaner.push(made.root_translation, rotations))
        yield from self._released(*self._cleaner.flush())

    def _released(self, root: Floats, rotations: Floats) -> Iterator[Progress | Window]:
        """Yield the window of the frames (2, n, …) whose bodies have become final, with faces, and how far that is.

        The expression layer comes last of all, so that eyes meet where the heads really are.
        """
        frames = root.shape[1]
        if not frames:
            return
        rotations = self._direction.apply(self._made, root, self._hold.push(rotations))
        matrices, positions = forward_kinematics(self._skeleton, rotations, root)
        heads = positions[:, :, self._head], matrices[:, :, self._head]
        partner = self._direction.looked_at(self._made, partner_from_head(*heads), *heads)
        self._made += frames
        facing = faces_partner(positions[:, :, self._chest], matrices[:, :, self._chest])
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
            tracks = [
                Track(
                    root_translation=root[index, part],
                    rotations=rotations[index, part],
                    weights=raw[index].clip(0.0, 1.0),
                    facing=facing[index, part],
                    actions=self._actions[index, stretch],
                    raw=raw[index] if self._layer.settings[index].raw else None,
                )
                for index in range(len(PERFORMERS))
            ]
            pair = (tracks[0], tracks[1]) if self._keep is None else self._keep.merged(self._start, tracks)
            yield Window(self._start, pair)
            made, self._start = made + count, self._start + count
            self._weights = self._weights[:, count:]
            yield Progress("performing", self._start, self._frames)


def _control(brief: Brief, keep: Keep | None) -> Control:
    """Return what the bodies are held to: the brief's places, and what stays of an earlier take."""
    a, b = (Pins(*places_of(brief.constraints, name)) for name in PERFORMERS)
    if keep is not None:
        kept = keep.pins()
        a, b = Pins.merged([a, kept[0]]), Pins.merged([b, kept[1]])
    return Control((a, b))
