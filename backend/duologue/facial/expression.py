"""What a face does besides the model: blinks, the eyes' jumps, gaze at the partner, a listener's brows and resting mouth.

Deterministic by seed, and every part can be turned off or scaled (``duologue.brief.expression``). All random events of a clip are
drawn before its first frame, so what a window gets does not depend on how the clip is cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import LOWER_FACE, NAMES, UPPER_FACE
from duologue.brief.expression import Expression, Part
from duologue.facial.articulation import SpokenLips, finish
from duologue.facial.eyes import REACH, blink_curve, draw_gaze, listening_brows, turn_eyes
from duologue.speech.phones import Phone
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ARTICULATORS", "Expression", "ExpressionLayer", "own_voice"]

_BLOCK: Final = 1800
"""Frames whose samples are summed at a time: a minute, whatever the clip's length."""

# Shapes that only speaking moves. Smiles, frowns, presses, stretched and raised lips belong to expression too, and stay.
ARTICULATORS: Final = (
    "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower",
    "mouthRollUpper", "mouthLowerDownLeft", "mouthLowerDownRight",
)  # fmt: skip

BROWS_UP: Final = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
_PARTS: Final[dict[Part, tuple[str, ...]]] = {
    "all": NAMES,
    "mouth": (*LOWER_FACE, "tongueOut"),
    "upper": UPPER_FACE,
}


def own_voice(samples_16k: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Return (P, frames) in [0, 1]: 1 while each of P performers has a voice of their own, with soft edges.

    A frame counts when it is within 32 dB of the track's loud frames (95th percentile), 6 dB above its noise floor, above
    -60 dBFS, and not 20 dB under the partner (sound that leaked into the microphone). The mouth opens up to 0.2 s ahead of
    the voice and closes 0.3 s after it.
    """
    decibels = 10 * np.log10(_power(samples_16k, frames) + 1e-12)
    loud, floor = np.percentile(decibels, [95, 10], axis=1)[..., None] if frames else np.zeros((2, len(decibels), 1))
    steady = loud - floor < 10  # no pauses to take a floor from
    voiced = (decibels > loud - 32) & (decibels > -60) & (steady | (decibels > floor + 6))
    if len(decibels) == 2:
        voiced &= decibels > decibels[::-1] - 20
    before, after = 6, 9
    reach = np.array([_widen(row, before, after) for row in voiced]).reshape(len(decibels), frames)
    ramp = np.hanning(7)[1:-1] / np.hanning(7).sum()
    edged = np.pad(reach, ((0, 0), (2, 2)), mode="edge")
    return np.array([np.convolve(row, ramp, "valid") for row in edged], np.float32)


def _widen(active: NDArray[np.bool_], before: int, after: int) -> NDArray[np.float64]:
    return (np.convolve(active, np.ones(before + after + 1), "full")[before : before + len(active)] > 0.5).astype(float)


def _power(samples_16k: NDArray[np.float32], frames: int) -> NDArray[np.float64]:
    """Return (P, frames): mean square of each frame's samples; frames after the sound have none."""
    hop = SPEECH_RATE / FPS
    edges = np.round(np.arange(frames + 1) * hop).astype(int).clip(max=samples_16k.shape[1])
    power = np.zeros((len(samples_16k), frames))
    for first in range(0, frames, _BLOCK):  # minutes, not frames
        at = edges[first : first + _BLOCK + 1]
        squares = samples_16k[:, at[0] : at[-1]].astype(np.float64) ** 2
        summed = np.pad(np.cumsum(squares, axis=1), ((0, 0), (1, 0)))[:, at - at[0]]
        power[:, first : first + _BLOCK] = np.diff(summed, axis=1) / hop
    return power


class ExpressionLayer:
    """The layer for one clip of P performers; ``apply`` takes its windows in any order.

    Args:
        samples_16k: (P, N) each performer's speech at 16 kHz.
        frames: how long the clip is.
        seed: the same seed gives the same blinks and glances.
        settings: one for all performers, or one for each; by default what a conversation looks like.
        phones: for each performer the p, b, m, f and v of what is said, where that is known (``articulation``); None of nobody.
    """

    def __init__(
        self,
        samples_16k: NDArray[np.float32],
        frames: int,
        seed: int,
        settings: Expression | Sequence[Expression] | None = None,
        phones: Sequence[Iterable[Phone]] | None = None,
    ) -> None:
        performers = len(samples_16k)
        given = settings or Expression()
        self.settings = (given,) * performers if isinstance(given, Expression) else tuple(given)
        self._lips = SpokenLips(phones or [()] * performers, frames, [ours.seal for ours in self.settings])
        self.voice = own_voice(samples_16k, frames)
        rngs = [np.random.default_rng((seed, performer)) for performer in range(performers)]
        each = list(zip(self.settings, rngs, strict=True))
        self.blinks = np.array([blink_curve(frames, ours.blinks_per_minute, rng) for ours, rng in each])
        gazes = [
            draw_gaze(voice, rng, ours.gaze_at_partner) for voice, (ours, rng) in zip(self.voice, each, strict=True)
        ]
        self._on_face, self._away, self._leaves = (
            np.array([getattr(gaze, name) for gaze in gazes]) for name in ("on_face", "away", "leaves")
        )
        partners = self.voice[::-1] if performers == 2 else np.zeros_like(self.voice)
        listens = (self.voice < 0.5) & (partners > 0.5)
        self._brows = np.array(
            [
                ours.brows * listening_brows(listening, rng)
                for listening, (ours, rng) in zip(listens, each, strict=True)
            ],
            np.float32,
        )
        self._raised = [SHAPE[name] for name in BROWS_UP]
        self._articulators = [SHAPE[name] for name in ARTICULATORS]

        def column(name: str) -> NDArray[np.float32]:
            return np.array([[getattr(ours, name)] for ours in self.settings], np.float32)

        self._still, self._seal, self._gaze = column("still_listener"), column("seal"), column("gaze")
        self._gain = self._by_shape(lambda ours, name: ours.gain.get(name, 1.0))
        self._offset = self._by_shape(lambda ours, name: ours.offset.get(name, 0.0))
        self._kept = self._by_shape(
            lambda ours, name: float(name in _PARTS[ours.part] and (ours.tongue or name != "tongueOut"))
        )

    @property
    def keeps_raw(self) -> bool:
        """Whether any performer's weights are wanted as they are before they are cut to [0, 1]."""
        return any(ours.raw for ours in self.settings)

    def _by_shape(self, value: Callable[[Expression, str], float]) -> NDArray[np.float32]:
        return np.array([[[value(ours, name) for name in NAMES]] for ours in self.settings], np.float32)

    def spoken(self, windows: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Yield the model's consecutive windows (P, n, 52) with the lips of known phones, cut anew; ``apply`` takes them next.

        Once a clip, from its first frame on: a phone near a window's end waits for the next window.
        """
        return self._lips.follow(windows)

    def apply(
        self,
        start: int,
        weights: NDArray[np.float32],
        facing: NDArray[np.bool_],
        partner: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return weights (P, n, 52) in [0, 1] of the frames from ``start``, with the layer on top.

        ``weights`` (P, n, 52) are the model's own, ``facing`` (P, n) says who faces the partner, and ``partner`` (P, n, 2) where
        the partner's face is from the own head, degrees right and up; by default straight ahead.
        """
        return self.unclamped(start, weights, facing, partner).clip(0.0, 1.0)

    def unclamped(
        self,
        start: int,
        weights: NDArray[np.float32],
        facing: NDArray[np.bool_],
        partner: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return what ``apply`` does before it is cut to [0, 1]: what a brief's ``raw`` keeps."""
        at = slice(start, start + weights.shape[1])
        out = weights.astype(np.float32)
        out[..., self._articulators] *= 1 - self._still[..., None] * (1 - self.voice[:, at, None])
        finish(out, self._seal)
        out[..., self._raised] += self._brows[:, at, None]
        turn_eyes(out, self._gaze[..., None] * self._look(at, facing, partner))
        for side in ("Left", "Right"):
            lid = SHAPE["eyeBlink" + side]
            out[..., lid] = np.maximum(out[..., lid].clip(0), self.blinks[:, at])
            # A shut lid cannot also be wide open.
            out[..., SHAPE["eyeWide" + side]] *= 1 - self.blinks[:, at]
        return (out * self._gain + self._offset) * self._kept

    def _look(self, at: slice, facing: NDArray[np.bool_], partner: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """Face to face the eyes rest on the partner and leave now and then; otherwise they wander all the time."""
        on_face = self._on_face[:, at]
        there = on_face if partner is None else partner.clip(-REACH, REACH) + on_face
        rests = facing & ~self._leaves[:, at]
        return np.where(rests[..., None], there, self._away[:, at] + 0.5 * on_face)
