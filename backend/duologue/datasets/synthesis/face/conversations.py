"""Composed conversations for the face model: two tracks of real and synthetic speech in turns, and what both faces do.

Nothing here was captured: the mouths come from phone times through ``facial.coarticulation``, brows and smiles from
``templates``, turn lengths and gaps from measured conversation. The model card says so too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.readers.kit_speech import Clip
from duologue.datasets.synthesis.face.templates import ARTICULATION, EXPRESSIONS, PLEASANT
from duologue.datasets.synthesis.speech.augment import change_speed, degrade
from duologue.facial.coarticulation import SpeakingStyle, mouth_curves
from duologue.facial.lips import closing, shut
from duologue.speech.phones import Phone
from duologue.units import FPS, SPEECH_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

STYLES: Final = (
    SpeakingStyle(),
    SpeakingStyle(jaw=1.2, rounding=0.9, spread=1.05),
    SpeakingStyle(jaw=0.8, rounding=1.15, spread=0.9, press=1.2),
    SpeakingStyle(jaw=0.95, spread=1.35, rounding=0.85, lopsided=0.12),
    SpeakingStyle(jaw=1.1, rounding=1.25, press=0.8),
    SpeakingStyle(jaw=0.7, spread=0.75, rounding=0.8, press=0.9),
    SpeakingStyle(jaw=1.0, spread=1.1, lopsided=-0.25),
    SpeakingStyle(jaw=1.15, spread=0.85, rounding=1.1, press=1.3, lopsided=0.2),
)
"""The starter's eight speakers, by ``style`` id."""

_SMILE: Final = [SHAPE[name] for name in ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight")]
_SQUINT: Final = [SHAPE[name] for name in ("eyeSquintLeft", "eyeSquintRight")]
_RAISE: Final = [SHAPE[name] for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
_KNIT: Final = [SHAPE[name] for name in ("browDownLeft", "browDownRight")]
_PARTING: Final = [SHAPE["mouth" + stem + side] for stem in ("UpperUp", "LowerDown") for side in ("Left", "Right")]

_Span = tuple[float, float]
"""Start and end in seconds."""


def compose(
    clips: Sequence[Clip],
    rng: np.random.Generator,
    seconds: float = 24.0,
    *,
    clean: bool = False,
    speaker: int | None = None,
) -> Dialogue:
    """Return a conversation made of ``clips``.

    ``clean`` leaves the sound as recorded (for evaluation). ``speaker``: both have this style and no emotion (-1).
    """
    samples, phones, laughs = _turns(clips, rng, seconds, clean=clean)
    dialogue = enact(samples, phones, rng, laughs=laughs, speaker=speaker)
    if clean:
        return dialogue
    leak = 10 ** (-rng.uniform(25, 45) / 20) if rng.random() < 0.3 else 0.0
    others = [clip.samples for clip in clips]
    recorded = np.stack([degrade(samples[i] + np.float32(leak) * samples[1 - i], rng, others) for i in range(2)])
    return replace(dialogue, samples=recorded)


def enact(
    samples: NDArray[np.float32],
    phones: tuple[tuple[Phone, ...], tuple[Phone, ...]],
    rng: np.random.Generator,
    *,
    laughs: tuple[Sequence[_Span], Sequence[_Span]] = ((), ()),
    speaker: int | None = None,
) -> Dialogue:
    """Return both faces of a conversation that is already laid out: samples (2, N) at 16 kHz, speech at about 0.08 RMS.

    ``laughs``: when each laughs, in seconds. ``speaker``: as for ``compose``.
    """
    frames = int(samples.shape[1] / SPEECH_RATE * FPS)
    style = rng.integers(len(STYLES), size=2) if speaker is None else np.full(2, speaker)
    emotion = np.stack([_moods(frames, rng) for _ in range(2)]) if speaker is None else np.full((2, frames), -1)
    facing = np.repeat(_switching(frames, rng, 0.8)[None], 2, axis=0)
    loudness = np.stack([_loudness(track, frames) for track in samples])
    weights = np.stack(
        [
            _face(phones[i], STYLES[style[i]], emotion[i], rng, loudness=loudness[i], partner=loudness[1 - i])
            for i in range(2)
        ]
    )
    for i in range(2):
        _laugh(weights[i], laughs[i], laughs[1 - i], rng)
    return Dialogue(samples, weights, emotion, style, facing, phones)


def _turns(
    clips: Sequence[Clip], rng: np.random.Generator, seconds: float, *, clean: bool
) -> tuple[NDArray[np.float32], tuple[tuple[Phone, ...], tuple[Phone, ...]], tuple[list[_Span], list[_Span]]]:
    """Lay clips in turns on two tracks: 1 to 7 s each, gaps around 0.2 s, some overlaps (Levinson & Torreira 2015).

    Returns the samples (2, N), both performers' phones, and when each laughs.
    """
    samples = np.zeros((2, int(seconds * SPEECH_RATE)), np.float32)
    phones: tuple[list[Phone], list[Phone]] = ([], [])
    laughs: tuple[list[_Span], list[_Span]] = ([], [])
    free = [0.0, 0.0]
    now, speaker = rng.uniform(0, 1.5), int(rng.integers(2))
    speed = np.ones(2) if clean else np.exp(rng.uniform(-0.15, 0.15, 2))
    while now < seconds - 0.5:
        clip = clips[rng.integers(len(clips))]
        whole = len(clip.samples) / SPEECH_RATE
        start = rng.uniform(0, max(whole - 3.0, 0.0))
        # Cut where a phone begins, so that no word starts in the middle of a vowel.
        start = max((phone.start for phone in clip.phones if phone.start <= start), default=0.0)
        factor = float(speed[speaker])
        length = min(rng.uniform(1.0, 7.0), (whole - start) / factor, seconds - now)
        count = int(length * SPEECH_RATE)
        piece = change_speed(clip.samples, start * SPEECH_RATE, count, factor)
        piece *= np.float32(0.08 / max(float(np.sqrt(np.mean(piece**2))), 1e-4))
        edge = min(160, count // 2)
        fade = np.minimum(1, np.minimum(np.arange(count), np.arange(count)[::-1]) / max(edge, 1)).astype(np.float32)
        at = int(now * SPEECH_RATE)
        samples[speaker, at : at + count] += (piece * fade)[: samples.shape[1] - at]
        phones[speaker].extend(
            Phone(now + max((p.start - start) / factor, 0), now + min((p.end - start) / factor, length), p.name)
            for p in clip.phones
            if p.end > start and p.start < start + length * factor
        )
        if clip.laughs:
            laughs[speaker].append((now, now + length))
        free[speaker] = now + length + 0.1
        if rng.random() < 0.8:
            speaker = 1 - speaker
        now = max(now + length + rng.normal(0.25, 0.4), free[speaker])
        if rng.random() < 0.15:
            now += rng.uniform(0.5, 2.5)
    return samples, (tuple(phones[0]), tuple(phones[1])), laughs


def _face(
    phones: Sequence[Phone],
    style: SpeakingStyle,
    emotion: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    loudness: NDArray[np.float32],
    partner: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return one performer's weights (T, 52) for their own and the partner's ``loudness`` (T,)."""
    frames = len(loudness)
    expression = np.where(emotion[:, None] < 0, np.float32(0), EXPRESSIONS[emotion])
    effort = _smooth(np.where(emotion < 0, np.float32(1), ARTICULATION[emotion]), 9)
    weights = mouth_curves(phones, frames, loudness=loudness.clip(0.6, 1.25) * effort, style=style)
    closed = closing(weights)
    speaking, listening = loudness > 0.3, (loudness <= 0.3) & (partner > 0.3)

    strength = (0.92 + 0.22 * _drift(frames, rng, 1.5) + 0.08 * _smooth(speaking.astype(np.float32), 15)).clip(0.5, 1.2)
    mood = np.stack([_smooth(column, 15) for column in expression.T], axis=1) * strength[:, None]
    # A broad smile pulls the corners: vowels under it are less rounded and stretch less of their own.
    smile = mood[:, SHAPE["mouthSmileLeft"], None]
    for name in ("mouthPucker", "mouthFunnel"):
        weights[:, SHAPE[name]] *= 1 - 0.5 * smile[:, 0]
    mood[:, _PARTING] *= 1 - closed[:, None].clip(0, 1)
    weights = shut((weights + mood).astype(np.float32), closed.clip(0, 1))

    accents = _bumps(frames, _peaks(loudness, rng), rng, (0.25, 0.5)) * rng.uniform(0.5, 1.2)
    knit = expression[:, _KNIT[0]] > 0.3
    weights[:, _RAISE] += np.where(knit, 0, 0.3 * accents)[:, None]
    weights[:, _KNIT] += np.where(knit, 0.25 * accents, 0)[:, None]
    answers = _bumps(frames, _sparse(listening, 0.18, rng), rng, (0.5, 1.4))
    weights[:, _SMILE] += np.where(PLEASANT[emotion], 0.3 * answers, 0.03 * answers)[:, None]
    weights[:, _RAISE] += 0.2 * _bumps(frames, _sparse(listening, 0.15, rng), rng, (0.3, 0.8))[:, None]
    weights[:, SHAPE["mouthPressLeft"]] += (
        nods := 0.15 * _bumps(frames, _sparse(listening, 0.06, rng), rng, (0.4, 0.9))
    )
    weights[:, SHAPE["mouthPressRight"]] += nods
    return weights.clip(0, 1).astype(np.float32)


def _laugh(
    weights: NDArray[np.float32], own: Sequence[_Span], partner: Sequence[_Span], rng: np.random.Generator
) -> None:
    """Put laughs on a face (T, 52) in place: the whole face for its own, a smile 0.2 to 0.6 s after the partner's."""
    own_strength = _held([(start, end + 0.4) for start, end in own], len(weights), rng.uniform(0.7, 1.0))
    delay = rng.uniform(0.2, 0.6)
    answered = [(start + delay, end + rng.uniform(0.6, 1.8)) for start, end in partner if rng.random() < 0.85]
    answer = _held(answered, len(weights), rng.uniform(0.4, 0.75))
    for names, most in ((_SMILE[:2], 0.75), (_SMILE[2:], 0.6), (_SQUINT, 0.35)):
        wanted = np.float32(most) * np.maximum(own_strength, answer)
        weights[:, names] = np.maximum(weights[:, names], wanted[:, None])


def _held(spans: Sequence[_Span], frames: int, strength: float) -> NDArray[np.float32]:
    """Return (frames,) ``strength`` during the spans, with edges of a third of a second."""
    curve = np.zeros(frames, np.float32)
    for start, end in spans:  # a handful of laughs
        curve[max(int(start * FPS), 0) : max(int(end * FPS), 0)] = strength
    return _smooth(curve, 9)


def _moods(frames: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One mood throughout, or in every other conversation a new one each 2 to 12 s, so that short ones are learnt as well."""
    if rng.random() < 0.5:
        return np.full(frames, rng.integers(len(EXPRESSIONS)))
    turns = np.cumsum(rng.uniform(2.0, 12.0, frames // (2 * FPS) + 1) * FPS)
    moods = rng.integers(len(EXPRESSIONS), size=len(turns) + 1)
    return moods[np.searchsorted(turns, np.arange(frames), side="right")]


def _switching(frames: int, rng: np.random.Generator, share: float) -> NDArray[np.bool_]:
    state = np.repeat(rng.random(frames // 90 + 1) < share, 90)[:frames]
    return np.resize(state, frames)


def _loudness(track: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Return (frames,) smoothed level, about 1 while speaking and near 0 in silence."""
    hop = SPEECH_RATE / FPS
    edges = np.round(np.arange(frames + 1) * hop).astype(int).clip(max=len(track))
    power = np.diff(np.concatenate([[0.0], np.cumsum(track.astype(np.float64) ** 2)])[edges]) / hop
    return _smooth((np.sqrt(power.clip(0)) / 0.08).clip(0, 3) ** 0.4, 5)


def _smooth(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Average over a Hann window of ``width`` frames on either side, with the ends held."""
    window = np.hanning(2 * width + 1)
    padded = np.pad(values, width, mode="edge")
    return np.convolve(padded, window / window.sum(), "valid").astype(np.float32)


def _drift(frames: int, rng: np.random.Generator, seconds: float) -> NDArray[np.float32]:
    """Slow noise of about unit size."""
    return _smooth(rng.standard_normal(frames).astype(np.float32), int(seconds * FPS)) * np.float32(
        np.sqrt(seconds * FPS)
    )


def _peaks(loudness: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.int64]:
    """Frames where the voice is emphatic, some of them."""
    middle = loudness[1:-1]
    at = np.flatnonzero((middle > loudness[:-2]) & (middle >= loudness[2:]) & (middle > 1.05)) + 1
    return at[rng.random(len(at)) < 0.5]


def _sparse(where: NDArray[np.bool_], per_second: float, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.flatnonzero(where & (rng.random(len(where)) < per_second / FPS))


def _bumps(
    frames: int, at: NDArray[np.int64], rng: np.random.Generator, seconds: tuple[float, float]
) -> NDArray[np.float32]:
    """Return (frames,) smooth bumps of random width and height around ``at``."""
    curve = np.zeros(frames, np.float32)
    for centre in at:  # a handful of gestures
        half = int(rng.uniform(*seconds) * FPS)
        low, high = max(centre - half, 0), min(centre + half + 1, frames)
        shape = np.cos((np.arange(low, high) - centre) / (half + 1) * np.pi / 2) ** 2
        curve[low:high] = np.maximum(curve[low:high], rng.uniform(0.4, 1.0) * shape)
    return curve
