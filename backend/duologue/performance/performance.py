"""The whole way from two speech tracks to the windows of a take.

    brief  → score ┐
    speech → features → bodies: lower → upper → clean-up → direction ┐
                      └→ faces, told who faces whom, then eyes       ┴→ windows of the take

Nothing is held back: a window leaves as soon as its bodies are final and its faces are there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any

from duologue import __version__, arkit
from duologue.body.pipeline import BodyPipeline
from duologue.brief import Brief, Transcript
from duologue.checkpoints.devices import prepare
from duologue.face.pipeline import FacePipeline
from duologue.labels import PERFORMERS
from duologue.motion.skeleton import Skeleton
from duologue.performance.ears import Ears, Words, how_said
from duologue.performance.features import PairFeatures
from duologue.performance.inpainting import KeptTake
from duologue.performance.run import Run
from duologue.performance.score import Score
from duologue.speech.aligners import Aligners
from duologue.speech.features import SpeechFeatures, speech_features
from duologue.speech.hearing import Ear
from duologue.speech.text import TextEncoder
from duologue.take import Notice, Progress, Window
from duologue.take.edit import check_take
from duologue.units import FPS, Sound


class Performance:
    """Both models and the text encoder, loaded once, ready to perform any number of briefs one after the other."""

    def __init__(
        self,
        body: BodyPipeline,
        face: FacePipeline,
        text: TextEncoder,
        checkpoints: dict[str, str],
        ears: Ears | None = None,
    ) -> None:
        """``ears``: who hears words that nobody wrote down."""
        self._body, self._face, self._text = body, face, text
        encoder = face.model.encoder
        aligners = Aligners(encoder.log_posteriors if encoder.phones is not None else None)
        self._checkpoints, self._ears = checkpoints, ears or Ears(aligners=aligners)

    @classmethod
    def load(cls, device: str = "auto") -> Performance:
        """Load the body and face checkpoints (the user's before the shipped ones) onto a device: cpu, cuda:0, mps or auto.

        Raises:
            DuologueError: what opening a checkpoint raises; FAILED_PRECONDITION ``device-missing``.
        """
        from duologue.checkpoints.store import open_checkpoint

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
        audio: tuple[Sound, Sound],
        should_stop: Callable[[], bool] = lambda: False,
        keep: KeptTake | None = None,
    ) -> Iterator[Progress | Notice | Window]:
        """Perform a brief: yield progress, notices and consecutive windows from frame 0 to the last; stop early if asked to.

        ``audio``: A's and B's speech, of one length. ``keep``: an earlier take of the same speech, and what of it stays. The same
        brief, audio, checkpoints and device give the same windows, bit for bit.

        Raises:
            DuologueError: what :meth:`Ears.ear`, the features and the models raise; INVALID_ARGUMENT ``take-length`` for a take
                of other speech, ``take-skeleton``.
        """
        if keep is not None:
            check_take(keep.take, audio[0].frames, self.skeleton)
        transcripts = [performer.transcript for performer in brief.performers]
        ears = [
            self._ears.ear(transcript, _field(name)) for name, transcript in zip(PERFORMERS, transcripts, strict=True)
        ]
        features = yield from self._hear(audio, transcripts, ears, should_stop)
        if len(features) < len(audio):
            return
        words = Words.of(ears, features, transcripts, self._text, should_stop)
        try:
            words.begin()
            pair = PairFeatures.stack(features, words.hearings)
            run = Run(self._body, self._face, Score.of(brief, pair.frames), pair, should_stop, keep)
            for event in run.windows():
                yield event
                if isinstance(event, Window):
                    words.go_on()
                yield from words.news()
            if not should_stop():
                yield from run.notices()
                for name, phones in zip(PERFORMERS, pair.phones, strict=True):
                    yield from (Notice("speech", f"{name}: {note}") for note in phones.notes)
                yield from words.rest()
        finally:
            words.end()

    def _hear(
        self,
        audio: tuple[Sound, Sound],
        transcripts: Sequence[Transcript | None],
        ears: Sequence[Ear | None],
        should_stop: Callable[[], bool],
    ) -> Generator[Progress | Notice, None, list[SpeechFeatures]]:
        """Yield progress and notes; return what of each performer's speech the models are given, of fewer once asked to stop."""
        said = [how_said(transcript, _field(name)) for name, transcript in zip(PERFORMERS, transcripts, strict=True)]
        features: list[SpeechFeatures] = []
        for index, (name, sound, transcript) in enumerate(zip(PERFORMERS, audio, transcripts, strict=True)):
            yield Progress("speech", index, 2)
            if should_stop():
                return features
            written = None if ears[index] is not None else transcript
            aligners = self._ears.aligners
            features.append(speech_features(sound, written, self._text, _field(name), said[index], aligners=aligners))
            yield from (Notice("speech", f"{name}: {note}") for note in features[-1].notes)
        yield Progress("speech", 2, 2)
        return features


def _field(performer: str) -> str:
    return f"performers.{performer}.transcript"
