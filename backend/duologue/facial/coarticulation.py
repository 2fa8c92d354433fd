"""Phones with times to ARKit mouth curves: dominance functions, then the closures that must not be missed.

Cohen & Massaro (1993, "Modeling coarticulation in synthetic visual speech"): every phone s has a target T_sc for each control
c and a dominance that decays exponentially with the distance in time from the phone,

    D_sc(t) = alpha_sc exp(-theta |distance(t, s)|),    F_c(t) = sum_s D_sc(t) T_sc / sum_s D_sc(t),

so a vowel's rounding reaches into the consonants before it and a /t/ hardly opens the jaw at all. Blending alone would leave
the lips apart at a short /p/ between two /a/, so JALI's hard constraints (Edwards et al. 2016) come after it: bilabials close
the lips, labiodentals bring the lower lip to the teeth; sibilants, with a heavy weight, keep the jaw nearly shut. Loudness
scales the jaw, as on JALI's jaw axis; a speaking style scales jaw, rounding and spreading apart.

The targets are ours, set by eye on ICT-FaceKit; amplitudes were checked against the kit's measured GRID faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import NAMES
from duologue.easing import smoothstep
from duologue.speech.phones import Phone
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONTROLS: Final = ("jaw", "pucker", "funnel", "stretch", "smile", "lowerDown", "upperUp", "shrugLower", "dimple")
"""What the dominance functions blend. Closures are added afterwards, because they must be reached, not averaged."""

#            jaw  puck funn strt smil lowD uppU shrL dimp   jaw weight, lip weight
_TARGETS: Final[dict[str, tuple[tuple[float, ...], float, float]]] = {
    "SIL": ((0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00), 0.35, 0.35),
    "AA": ((0.64, 0.00, 0.06, 0.06, 0.00, 0.20, 0.10, 0.00, 0.00), 1.30, 0.70),
    "AE": ((0.50, 0.00, 0.00, 0.22, 0.05, 0.26, 0.18, 0.00, 0.04), 1.20, 0.80),
    "AH": ((0.32, 0.00, 0.04, 0.05, 0.00, 0.16, 0.07, 0.00, 0.00), 0.80, 0.45),
    "AO": ((0.42, 0.30, 0.34, 0.00, 0.00, 0.12, 0.05, 0.00, 0.00), 1.00, 1.00),
    "EH": ((0.34, 0.00, 0.00, 0.20, 0.04, 0.24, 0.12, 0.00, 0.04), 0.90, 0.70),
    "ER": ((0.20, 0.24, 0.22, 0.00, 0.00, 0.16, 0.05, 0.00, 0.00), 0.80, 0.80),
    "IH": ((0.18, 0.00, 0.00, 0.18, 0.04, 0.22, 0.08, 0.00, 0.04), 0.80, 0.60),
    "IY": ((0.08, 0.00, 0.00, 0.34, 0.14, 0.26, 0.10, 0.00, 0.10), 1.20, 0.90),
    "OW": ((0.30, 0.48, 0.28, 0.00, 0.00, 0.08, 0.04, 0.00, 0.00), 0.95, 1.10),
    "UH": ((0.19, 0.36, 0.22, 0.00, 0.00, 0.10, 0.03, 0.00, 0.00), 0.80, 0.90),
    "UW": ((0.09, 0.72, 0.22, 0.00, 0.00, 0.05, 0.02, 0.00, 0.00), 1.20, 1.40),
    "P": ((0.04, 0.00, 0.00, 0.02, 0.00, 0.00, 0.00, 0.06, 0.00), 1.20, 0.55),
    "F": ((0.08, 0.00, 0.02, 0.08, 0.02, 0.00, 0.20, 0.00, 0.00), 1.20, 0.90),
    "T": ((0.09, 0.00, 0.00, 0.07, 0.00, 0.17, 0.06, 0.00, 0.00), 0.45, 0.25),
    "TH": ((0.13, 0.00, 0.00, 0.08, 0.00, 0.22, 0.10, 0.00, 0.00), 0.80, 0.40),
    "S": ((0.05, 0.00, 0.00, 0.20, 0.04, 0.28, 0.14, 0.00, 0.04), 1.20, 0.60),
    "SH": ((0.07, 0.32, 0.42, 0.00, 0.00, 0.20, 0.14, 0.00, 0.00), 1.20, 1.10),
    "K": ((0.14, 0.00, 0.00, 0.05, 0.00, 0.13, 0.05, 0.00, 0.00), 0.35, 0.15),
    "HH": ((0.18, 0.00, 0.00, 0.03, 0.00, 0.12, 0.05, 0.00, 0.00), 0.12, 0.08),
    "L": ((0.16, 0.00, 0.00, 0.06, 0.00, 0.18, 0.06, 0.00, 0.00), 0.50, 0.25),
    "R": ((0.12, 0.26, 0.24, 0.00, 0.00, 0.14, 0.06, 0.00, 0.00), 0.60, 0.75),
    "W": ((0.08, 0.82, 0.18, 0.00, 0.00, 0.03, 0.00, 0.00, 0.00), 0.80, 1.40),
    "Y": ((0.09, 0.00, 0.00, 0.22, 0.08, 0.22, 0.08, 0.00, 0.05), 0.60, 0.50),
}  # fmt: skip
_LIKE: Final = {
    "B": "P", "M": "P", "V": "F", "D": "T", "N": "T", "DH": "TH", "Z": "S", "ZH": "SH", "CH": "SH", "JH": "SH", "G": "K",
    "NG": "K", "?": "AH",
}  # fmt: skip
_DIPHTHONGS: Final = {
    "AW": ("AA", "UH"),
    "AY": ("AA", "IH"),
    "EY": ("EH", "IY"),
    "OY": ("AO", "IY"),
    "OW": ("OW", "UH"),
}
_JAW_RATE: Final = 1 / 0.042
_LIP_RATE: Final = 1 / 0.070
_ANTICIPATION: Final = 0.6
"""Dominance decays more slowly before a phone than after it: lips round ahead of the vowel (0.6 of the rate)."""


@dataclass(frozen=True)
class SpeakingStyle:
    """How one person articulates; 1 is the table's own amplitude."""

    jaw: float = 1.0
    rounding: float = 1.0
    spread: float = 1.0
    press: float = 1.0
    lopsided: float = 0.0
    """Positive: the left corner does more. ±0.3 is a marked habit."""


def mouth_curves(
    phones: Sequence[Phone],
    frames: int,
    *,
    rate: float = FPS,
    loudness: NDArray[np.float32] | None = None,
    style: SpeakingStyle | None = None,
) -> NDArray[np.float32]:
    """Return ARKit weights (frames, 52) of the mouth saying ``phones``; the rest of the face is 0.

    Args:
        phones: with times in seconds from frame 0.
        frames: how many, at ``rate`` a second.
        rate: 30 for motion, 50 for the speech encoder's frames.
        loudness: (frames,) about 1 at the speaker's usual level; scales the jaw.
        style: how this person articulates.
    """
    weights = np.zeros((frames, len(NAMES)), np.float32)
    spoken = _segments(phones)
    if not spoken or not frames:
        return weights
    style = style or SpeakingStyle()
    times = np.arange(frames) / rate
    controls = _blend(spoken, times)
    controls["jaw"] = controls["jaw"] * style.jaw * (1.0 if loudness is None else np.clip(loudness, 0.6, 1.25))
    bilabial, labiodental = (
        constriction([phone for phone in spoken if _LIKE.get(phone.name, phone.name) == like], times, rate)
        for like in ("P", "F")
    )
    one_sided, two_sided = _constrained(controls, bilabial, labiodental * (1 - bilabial), style)
    for name, curve in one_sided.items():
        weights[:, SHAPE[name]] = curve
    for stem, curve in two_sided.items():
        lean = style.lopsided if stem in {"mouthStretch", "mouthSmile", "mouthLowerDown", "mouthDimple"} else 0.0
        weights[:, SHAPE[stem + "Left"]] = curve * (1 + lean)
        weights[:, SHAPE[stem + "Right"]] = curve * (1 - lean)
    return np.clip(weights, 0.0, 1.0)


_Curves = dict[str, "NDArray[np.float64]"]


def _constrained(
    controls: _Curves, bilabial: NDArray[np.float64], labiodental: NDArray[np.float64], style: SpeakingStyle
) -> tuple[_Curves, _Curves]:
    """Return the curves (T,) of shapes in the middle, and of those with two sides, once p and f have had their way."""
    open_ = 1 - bilabial
    lower_open = open_ * (1 - labiodental)
    jaw = controls["jaw"] * (1 - 0.85 * bilabial) * (1 - 0.7 * labiodental) + 0.03 * bilabial + 0.05 * labiodental
    rounding = style.rounding * (1 - 0.5 * bilabial) * (1 - 0.7 * labiodental)
    spread = style.spread * (1 - 0.6 * bilabial)
    one_sided = {
        "jawOpen": jaw,
        # ARKit's mouthClose brings the lips together *for the given jawOpen*: equal values are shut.
        "mouthClose": bilabial * (jaw + 0.03),
        "mouthPucker": controls["pucker"] * rounding,
        "mouthFunnel": controls["funnel"] * rounding * open_,
        "mouthRollLower": 0.14 * bilabial * style.press + 0.42 * labiodental,
        "mouthRollUpper": 0.12 * bilabial * style.press,
        "mouthShrugLower": controls["shrugLower"] * (1 - labiodental),
    }
    two_sided = {
        "mouthStretch": controls["stretch"] * spread,
        "mouthSmile": controls["smile"] * spread,
        "mouthLowerDown": controls["lowerDown"] * spread * lower_open,
        "mouthUpperUp": controls["upperUp"] * spread * open_,
        "mouthDimple": controls["dimple"] * spread,
        "mouthPress": 0.28 * bilabial * style.press,
    }
    return one_sided, two_sided


def _segments(phones: Sequence[Phone]) -> list[Phone]:
    """Split diphthongs in two, leave out phones of no length, and put silence where nothing is said."""
    parts: list[Phone] = []
    reached = -1.0
    for phone in phones:
        if phone.end <= phone.start:
            continue
        if phone.start > reached + 0.03:
            parts.append(Phone(reached, phone.start, "SIL"))
        reached = max(reached, phone.end)
        if phone.name in _DIPHTHONGS:
            first, second = _DIPHTHONGS[phone.name]
            turn = phone.start + 0.55 * (phone.end - phone.start)
            parts += [Phone(phone.start, turn, first), Phone(turn, phone.end, second)]
        else:
            parts.append(phone)
    return [*parts, Phone(reached, reached + 1.0, "SIL")] if parts else parts


def _blend(phones: Sequence[Phone], times: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return each control's curve (T,). Only phones near a frame matter, so time is cut into blocks of 2 s."""
    starts = np.array([phone.start for phone in phones])
    ends = np.array([phone.end for phone in phones])
    rows = [_TARGETS[_LIKE.get(phone.name, phone.name)] for phone in phones]
    targets = np.array([row[0] for row in rows])
    jaw_weight, lip_weight = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    blended = np.zeros((len(times), len(CONTROLS)))
    block = 128
    for first in range(0, len(times), block):
        t = times[first : first + block]
        near = (ends > t[0] - 0.6) & (starts < t[-1] + 0.6)
        if not near.any():
            continue
        middle = (starts[near] + ends[near]) / 2
        # Distance from the middle half of the phone: a long vowel holds its target, a short one is a passing point.
        length = ends[near] - starts[near]
        hold = np.maximum(0.25 * length, 0.5 * length - 0.1)
        signed = t[:, None] - middle
        distance = np.maximum(np.abs(signed) - hold, 0) * np.where(signed < 0, _ANTICIPATION, 1.0)
        jaw = jaw_weight[near] * np.exp(-_JAW_RATE * distance) + 1e-9
        lips = lip_weight[near] * np.exp(-_LIP_RATE * distance) + 1e-9
        # A faint pull to rest lets the mouth come home in gaps that no phone covers.
        blended[first : first + block, 0] = (jaw @ targets[near, 0]) / (jaw.sum(1) + 0.02)
        blended[first : first + block, 1:] = (lips @ targets[near, 1:]) / (lips.sum(1) + 0.02)[:, None]
    return dict(zip(CONTROLS, blended.T, strict=True))


def constriction(phones: Sequence[Phone], times: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """Return (T,) how far ``phones`` make a constriction at ``times`` (T,): 1 inside each, on one frame of ``rate`` at least.

    Lips travel for about 70 ms before the closure and leave it a little faster (the burst).
    """
    reached = np.zeros(len(times))
    before, after = 0.075, 0.06
    half_frame = 0.5 / rate
    for phone in phones:
        # The last third of a plosive is its burst, when the lips already part; m stays shut throughout.
        end = phone.end if phone.name not in {"P", "B"} else phone.start + 0.7 * (phone.end - phone.start)
        middle = (phone.start + end) / 2
        low, high = min(phone.start, middle - half_frame), max(end, middle + half_frame)
        nearby = slice(*np.searchsorted(times, (low - before - 1e-6, high + after + 1e-6)))
        t = times[nearby]
        ramp = np.minimum((t - low) / before + 1, (high - t) / after + 1)
        reached[nearby] = np.maximum(reached[nearby], smoothstep(ramp))
    return reached
