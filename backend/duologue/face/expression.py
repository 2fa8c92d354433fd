"""What a face does besides the model: blinks, the eyes' jumps, gaze at the partner, a mouth that rests while listening.

Deterministic by seed, and every part can be turned off or scaled. All random events of a clip are drawn before its first
frame, so what a window gets does not depend on how the clip is cut.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import NAMES
from duologue.datasets.lips import MOUTH_CLOSE_MM, lip_gap
from duologue.take import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_RATE: Final = 16_000
_DEGREES: Final = 30.0
"""How far an eye turns at weight 1, about, on ARKit-ready characters."""

# Shapes that only speaking moves. Smiles, frowns and presses belong to expression and stay.
ARTICULATORS: Final = (
    "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretchLeft",
    "mouthStretchRight", "mouthRollLower", "mouthRollUpper", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft",
    "mouthUpperUpRight",
)  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """Settings of the layer; the defaults are what a conversation looks like."""

    blinks_per_minute: float = 17.0
    """Bentivoglio et al. 1997 counted 17 at rest and 26 in conversation."""
    gaze: float = 1.0
    """Scales all eye movement; 0 keeps the eyes straight ahead."""
    still_listener: bool = True
    """Rest the articulators while a performer has no voice of their own."""
    seal: float = 1.0
    """How far lips that nearly meet are brought together; 0 leaves them to the model."""
    clamp: bool = True
    gain: Mapping[str, float] = field(default_factory=dict)
    """Per shape, multiplied in before the offset."""
    offset: Mapping[str, float] = field(default_factory=dict)


def own_voice(samples_16k: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Return (P, frames) in [0, 1]: 1 while each of P performers has a voice of their own, with soft edges.

    A frame counts when it is within 32 dB of the track's loud frames (95th percentile), 6 dB above its noise floor, above
    -60 dBFS, and not 20 dB under the partner (sound that leaked into the microphone). The mouth opens up to 0.2 s ahead of
    the voice and closes 0.3 s after it.
    """
    hop = _RATE / FPS
    edges = np.round(np.arange(frames + 1) * hop).astype(int)
    power = np.zeros((len(samples_16k), frames))
    for row, track in enumerate(samples_16k):  # two tracks, not frames
        summed = np.concatenate([[0.0], np.cumsum(track.astype(np.float64) ** 2)])
        low, high = edges[:-1].clip(max=len(track)), edges[1:].clip(max=len(track))
        power[row] = (summed[high] - summed[low]).clip(0) / hop
    decibels = 10 * np.log10(power + 1e-12)
    loud, floor = np.percentile(decibels, [95, 10], axis=1)[..., None] if frames else np.zeros((2, len(power), 1))
    steady = loud - floor < 10  # no pauses to take a floor from
    voiced = (decibels > loud - 32) & (decibels > -60) & (steady | (decibels > floor + 6))
    if len(power) == 2:
        voiced &= decibels > decibels[::-1] - 20
    before, after = 6, 9
    reach = np.array([_widen(row, before, after) for row in voiced]).reshape(len(power), frames)
    ramp = np.hanning(7)[1:-1] / np.hanning(7).sum()
    edged = np.pad(reach, ((0, 0), (2, 2)), mode="edge")
    return np.array([np.convolve(row, ramp, "valid") for row in edged], np.float32)


def _widen(active: NDArray[np.bool_], before: int, after: int) -> NDArray[np.float64]:
    return (np.convolve(active, np.ones(before + after + 1), "full")[before : before + len(active)] > 0.5).astype(float)


def blink_curve(frames: int, per_minute: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (frames,) lid closure of one performer: log-normal pauses, each blink shut for a frame, faster down than up."""
    curve = np.zeros(frames, np.float32)
    if per_minute <= 0:
        return curve
    spread = 0.55
    mean = max(60.0 / per_minute - 0.5, 0.3)  # at least half a second lies between two blinks
    count = int(frames / FPS / 0.5) + 2
    times = np.cumsum(0.5 + rng.lognormal(np.log(mean) - spread**2 / 2, spread, count)) - rng.uniform(
        0, 60.0 / per_minute
    )
    times = np.round(times[(times > 0) & (times < frames / FPS)] * FPS) / FPS
    closing, opening = 0.09, rng.uniform(0.16, 0.24, len(times))
    for time, up in zip(times, opening, strict=True):  # a few hundred blinks, not frames
        at = slice(max(int((time - closing) * FPS), 0), min(int((time + up) * FPS) + 2, frames))
        offset = np.arange(at.start, at.stop) / FPS - time
        ramp = np.clip(1 - np.where(offset < 0, -offset / closing, offset / up), 0, 1)
        curve[at] = np.maximum(curve[at], ramp * ramp * (3 - 2 * ramp))
    return curve


def gaze_angles(
    voice: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two (frames, 2) tracks of (right, up) degrees for one performer: eyes on the partner's face, and eyes looking away.

    On the face they jump between eyes and mouth every 0.3 to 1.5 s. Away is where people look while they think and
    speak: the second track is 0 where they look at the partner; they do so about 75 % of the time listening and 45 % speaking
    (Argyle & Cook 1976; Kendon 1967). Each jump lasts one to two frames.
    """
    frames = len(voice)
    on_face = _jumps(
        frames, rng, 0.3, 1.5, lambda n: rng.normal(0, (1.6, 1.2), (n, 2)) + rng.choice([-0.5, 0.5], (n, 1)) * [2, 0]
    )
    side = rng.choice([-1, 1])
    away = _jumps(
        frames,
        rng,
        0.7,
        2.2,
        lambda n: np.stack(
            [side * rng.uniform(5, 14, n) * rng.choice([1, 1, -1], n), rng.normal(-1.5, 4.0, n)], axis=1
        ),
    )
    turn = _jumps(frames, rng, 0.8, 3.0, lambda n: rng.uniform(0, 1, (n, 1)))[:, 0]
    looks_away = turn > np.where(voice > 0.5, 0.5, 0.78)
    return on_face.astype(np.float32), np.where(looks_away[:, None], away, 0).astype(np.float32)


def _jumps(frames: int, rng: np.random.Generator, shortest: float, longest: float, draw) -> NDArray[np.float64]:
    """Hold random targets for random times (log-uniform seconds): (frames, D)."""
    count = int(frames / FPS / shortest) + 2
    holds = np.exp(rng.uniform(np.log(shortest), np.log(longest), count))
    which = np.searchsorted(np.cumsum(holds) * FPS, np.arange(frames), side="right").clip(max=count - 1)
    return draw(count)[which]


def _seal(weights: NDArray[np.float32], strength: float) -> None:
    """Finish closures in place: a model that is fairly sure of a p, b or m stops a millimetre short, and that shows.

    Where ``mouthClose`` takes back more than about half of what the jaw opens, it is raised until the lips meet.
    """
    closing = weights[..., SHAPE["mouthClose"]] / (weights[..., SHAPE["jawOpen"]].clip(0) + 0.03)
    sure = ((closing - 0.4) / 0.35).clip(0, 1)
    short = (lip_gap(weights) + 0.5).clip(0) / MOUTH_CLOSE_MM
    weights[..., SHAPE["mouthClose"]] += np.float32(strength) * sure * sure * (3 - 2 * sure) * short


class ExpressionLayer:
    """The layer for one clip of P performers; ``apply`` takes its windows in any order."""

    def __init__(
        self, samples_16k: NDArray[np.float32], frames: int, seed: int, settings: Expression | None = None
    ) -> None:
        self.settings = settings or Expression()
        self.voice = own_voice(samples_16k, frames)
        rngs = [np.random.default_rng((seed, performer)) for performer in range(len(samples_16k))]
        self.blinks = np.array([blink_curve(frames, self.settings.blinks_per_minute, rng) for rng in rngs])
        gazes = [gaze_angles(voice, rng) for voice, rng in zip(self.voice, rngs, strict=True)]
        self.on_face, self.away = (np.array(part) for part in zip(*gazes, strict=True))
        self._articulators = [SHAPE[name] for name in ARTICULATORS]
        self._gain = np.array([self.settings.gain.get(name, 1.0) for name in NAMES], np.float32)
        self._offset = np.array([self.settings.offset.get(name, 0.0) for name in NAMES], np.float32)

    def apply(self, start: int, weights: NDArray[np.float32], facing: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return weights (P, n, 52) of frames from ``start`` with the layer on top; ``facing`` is (P, n)."""
        at = slice(start, start + weights.shape[1])
        out = weights.copy()
        if self.settings.still_listener:
            out[..., self._articulators] *= self.voice[:, at, None]
        _seal(out, self.settings.seal)
        self._look(out, at, facing)
        for side in ("Left", "Right"):
            column = SHAPE["eyeBlink" + side]
            out[..., column] = np.maximum(out[..., column].clip(0), self.blinks[:, at])
            # A shut lid cannot also be wide open.
            out[..., SHAPE["eyeWide" + side]] *= 1 - self.blinks[:, at]
        out[..., SHAPE["tongueOut"]] = 0.0
        out = out * self._gain + self._offset
        return out.clip(0.0, 1.0).astype(np.float32) if self.settings.clamp else out.astype(np.float32)

    def _look(self, out: NDArray[np.float32], at: slice, facing: NDArray[np.bool_]) -> None:
        # Face to face the eyes rest on the partner and leave now and then; otherwise they wander all the time.
        leaves = np.abs(self.away[:, at]).sum(-1, keepdims=True) > 0
        angles = np.where(
            facing[..., None] & ~leaves, self.on_face[:, at], self.away[:, at] + 0.5 * self.on_face[:, at]
        )
        right, up = np.moveaxis(angles * (self.settings.gaze / _DEGREES), -1, 0)
        # The performer's right: the right eye turns outwards, the left one towards the nose.
        for name, value in (
            ("eyeLookOutRight", right), ("eyeLookInLeft", right), ("eyeLookInRight", -right), ("eyeLookOutLeft", -right),
            ("eyeLookUpLeft", up), ("eyeLookUpRight", up), ("eyeLookDownLeft", -up), ("eyeLookDownRight", -up),
        ):  # fmt: skip
            out[..., SHAPE[name]] = value.clip(0)
