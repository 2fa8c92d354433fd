"""Both faces of a take: sampled as far as the bodies have come; then eyes, brows and blinks on top, which need the heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.face.conditions import FaceConditions
from duologue.face.pipeline import STEPS, FacePipeline
from duologue.facial.expression import ExpressionLayer
from duologue.performance.bodies import BodyStretch
from duologue.performance.features import PairFeatures
from duologue.performance.inpainting import KeptTake
from duologue.performance.score import Score
from duologue.units import SPEECH_RATE, samples_of

MOST_STEPS: Final = 8
"""Of a face's diffusion, however many a brief asks for: bodies gain from more, lips don't (face/CARD.md)."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FaceStretch:
    """Consecutive frames of both faces, final."""

    start: int
    weights: Floats
    """(2, n, 52) in [0, 1], columns ``arkit.NAMES``."""
    raw: tuple[Floats | None, Floats | None]
    """Each performer's, (n, 52), before they were cut to [0, 1], where the brief asks for that."""

    @property
    def frames(self) -> int:
        """n."""
        return self.weights.shape[1]


class Faces:
    """The faces of one take."""

    def __init__(  # noqa: PLR0917
        self,
        pipeline: FacePipeline,
        score: Score,
        features: PairFeatures,
        facing: Callable[[int, int], NDArray[np.bool_]],
        should_stop: Callable[[], bool],
        kept: KeptTake | None = None,
    ) -> None:
        """``facing(start, stop)``: (2, stop - start), who faces the partner, guessed where the bodies are not there yet."""
        self._kept = kept
        self._layer = ExpressionLayer(
            features.samples_16k, score.frames, score.seed, score.expressions, features.phones
        )
        sampled = self._sample(pipeline, score, features.samples_16k, facing, should_stop)
        self._spoken = self._layer.spoken(sampled)
        self._waiting = np.zeros((2, 0, len(arkit.NAMES)), np.float32)

    def over(self, bodies: BodyStretch) -> Iterator[FaceStretch]:
        """Yield the faces of a stretch of bodies, in pieces as they are sampled: the first is short, so that something can be
        seen soon. Ends early when the faces were stopped.
        """
        done = 0
        while done < bodies.frames:
            if not self._waiting.shape[1]:
                sampled = next(self._spoken, None)
                if sampled is None:
                    return
                self._waiting = sampled
            count = min(bodies.frames - done, self._waiting.shape[1])
            spoken, self._waiting = self._waiting[:, :count], self._waiting[:, count:]
            part = slice(done, done + count)
            yield self._finished(bodies.start + done, spoken, bodies.facing[:, part], bodies.aim[:, part])
            done += count

    def _finished(self, start: int, spoken: Floats, facing: NDArray[np.bool_], aim: Floats) -> FaceStretch:
        raw = self._layer.unclamped(start, spoken, facing, aim)
        weights, raw = (raw.clip(0.0, 1.0), raw) if self._kept is None else self._kept.merge_faces(start, raw)
        a, b = (raw[index] if settings.raw else None for index, settings in enumerate(self._layer.settings))
        return FaceStretch(start, weights, (a, b))

    def _sample(
        self,
        pipeline: FacePipeline,
        score: Score,
        samples_16k: Floats,
        facing: Callable[[int, int], NDArray[np.bool_]],
        should_stop: Callable[[], bool],
    ) -> Iterator[Floats]:
        """Yield the faces, (2, n, 52), in consecutive stretches: as they were where all are kept, else as sampled."""
        kept = self._kept
        span = slice(0, score.frames) if kept is None else kept.stretch(kept.faces)
        if kept is not None and span.start:
            yield kept.kept_faces(slice(0, span.start))
        if span.start < span.stop:
            whole = span.stop - span.start == score.frames
            sound = slice(samples_of(span.start, SPEECH_RATE), samples_of(span.stop, SPEECH_RATE) + 1)
            conditions = FaceConditions(
                samples_16k=samples_16k if whole else samples_16k[:, sound],
                frames=span.stop - span.start,
                style=np.array(score.styles),
                emotion=score.emotions[:, span],
                facing=lambda start, stop: facing(span.start + start, span.start + stop),
                emotion_strength=score.emotion_strengths[:, span],
            )
            options = {
                "seed": score.seed,
                "steps": min(score.steps or STEPS, MOST_STEPS),
                "strengths": score.strengths,
            }
            done = span.start
            for window in pipeline.bare(conditions, **options, should_stop=should_stop):
                yield window.weights
                done += window.weights.shape[1]
            if done < span.stop:  # stopped
                return
        if kept is not None and span.stop < score.frames:
            yield kept.kept_faces(slice(span.stop, score.frames))
