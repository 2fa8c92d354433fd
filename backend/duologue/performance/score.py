"""A brief laid over the frames of its take, once: what everything after it reads, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from duologue.body.control import Control, Pins
from duologue.brief import Brief
from duologue.brief.constraints import Constraint, places_of
from duologue.brief.expression import Expression
from duologue.labels import PERFORMERS
from duologue.performance.inpainting import KeptTake
from duologue.units import FPS


@dataclass(frozen=True)
class Score:
    """What two performers are asked for in each of T frames; A comes first everywhere."""

    frames: int
    """T."""
    actions: NDArray[np.uint8]
    """(2, T): indices into ``labels.ACTION_MODES``."""
    emotions: NDArray[np.int64]
    """(2, T): indices into ``labels.EMOTIONS``."""
    emotion_strengths: NDArray[np.float32]
    """(2, T): how strongly each frame's emotion is followed; 1 as learnt."""
    intensities: NDArray[np.float64]
    """(2,): how large each one gestures; 1 as sampled."""
    starts: NDArray[np.float32]
    """(2, 3): x, z (metres) and heading (radians) at the first frame."""
    pins: tuple[Pins, Pins]
    """The places that each is to be at."""
    constraints: tuple[Constraint, ...]
    """All constraints, those of hands and gazes included."""
    expressions: tuple[Expression, ...]
    roles: tuple[str, str]
    styles: tuple[int, int]
    """Speaker ids."""
    mirrored: tuple[bool, bool]
    seed: int
    steps: int
    strengths: Mapping[str, float]
    """Of the conditions: classifier-free guidance."""

    @classmethod
    def of(cls, brief: Brief, frames: int) -> Score:
        """Lay a brief over that many frames."""
        a, b = (Pins(*places_of(brief.constraints, name)) for name in PERFORMERS)
        return cls(
            frames=frames,
            actions=brief.frame_actions(frames),
            emotions=brief.frame_emotions(frames).astype(np.int64),
            emotion_strengths=brief.frame_emotion_strengths(frames),
            intensities=np.array([performer.intensity for performer in brief.performers]),
            starts=brief.starts,
            pins=(a, b),
            constraints=brief.constraints,
            expressions=tuple(performer.face for performer in brief.performers),
            roles=(brief.a.role, brief.b.role),
            styles=brief.styles,
            mirrored=(brief.a.mirror, brief.b.mirror),
            seed=brief.seed,
            steps=brief.steps,
            strengths=brief.strengths,
        )

    def control(self, stretch: slice, kept: KeptTake | None) -> Control:
        """Return what the bodies of a stretch are held to: the places, and what stays of an earlier take."""
        if kept is None:
            return Control(self.pins)
        merged = (Pins.merged(pair) for pair in zip(self.pins, kept.pins(), strict=True))
        a, b = (_cut(pins, stretch) for pins in merged)
        return Control((a, b))

    def late(self) -> int:
        """Return how many constraints come after the take's end."""
        return sum(constraint.seconds >= self.frames / FPS for constraint in self.constraints)


def _cut(pins: Pins, stretch: slice) -> Pins:
    """Return the pins of a stretch of frames, counted from its first."""
    inside = (pins.frames >= stretch.start) & (pins.frames < stretch.stop)
    features = None if pins.features is None else pins.features[inside]
    return Pins(pins.frames[inside] - stretch.start, pins.places[inside], features)
