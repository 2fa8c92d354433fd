"""What a face does at the phones whose times are known: closures, rolled lips, vowels, and the jaw of who only listens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import LOWER_FACE
from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.intervals import Sums
from duologue.speech.phones import BILABIALS, LABIODENTALS, OPEN_VOWELS, Phone
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR: Final = 0.06
"""Seconds: how far from its phone a closure may lie."""
CLOSED_MM: Final = 1.0
"""A smaller gap between the lips than this looks shut."""
ROLLED: Final = 0.15
"""``mouthRollLower`` from which the lower lip counts as drawn in under the teeth, where there is no mesh to measure."""
LONG: Final = 0.1
"""Seconds from which a vowel's middle is its own: a shorter one beside a p is still on its way at 30 frames a second."""
_OWN_JAW: Final = 0.06
"""Seconds from which the jaw is compared in a vowel's middle."""
_LOWER: Final = [SHAPE[name] for name in LOWER_FACE]


def frames_near(phone: Phone, frames: int, near: float = NEAR) -> slice:
    """Return the frames within ``near`` seconds of a phone; empty outside the clip."""
    low, high = int(np.ceil((phone.start - near) * FPS)), int((phone.end + near) * FPS) + 1
    return slice(max(low, 0), max(min(high, frames), 0))


def windows_of(phones: Sequence[Phone], names: Sequence[str], frames: int) -> list[slice]:
    """Return the frames near each of the phones that has one of ``names``, without those outside the clip."""
    windows = [frames_near(phone, frames) for phone in phones if phone.name in names]
    return [window for window in windows if window.stop > window.start]


def middle_frame(phone: Phone, frames: int) -> int:
    """Return the frame nearest to a phone's middle."""
    return min(round((phone.start + phone.end) / 2 * FPS), frames - 1)


def speaking(phones: Sequence[Phone], frames: int) -> NDArray[np.bool_]:
    """Return (frames,) true within 0.25 s of a phone."""
    voice = np.zeros(frames, bool)
    for phone in phones:
        if phone.name != "SIL":
            voice[max(int((phone.start - 0.25) * FPS), 0) : max(int((phone.end + 0.25) * FPS) + 1, 0)] = True
    return voice


def closures(gap: NDArray[np.floating], dialogue: Dialogue) -> dict[str, Sums]:
    """Count p, b, m that reach a closure and open vowels that are shut, from lip gaps (2, T) in mm of any face."""
    frames = gap.shape[1]
    spoken = [(me, dialogue.phones[me]) for me in dialogue.performers]
    near = [(me, window) for me, phones in spoken for window in windows_of(phones, BILABIALS, frames)]
    vowels = [
        (me, middle_frame(phone, frames))
        for me, phones in spoken
        for phone in phones
        if phone.name in OPEN_VOWELS and phone.end - phone.start >= LONG
    ]
    return {
        "closure": (float(sum(gap[me, window].min() < CLOSED_MM for me, window in near)), len(near)),
        "false_closure": (float(sum(gap[me, frame] < CLOSED_MM for me, frame in vowels)), len(vowels)),
    }


def mouth(weights: NDArray[np.float32], dialogue: Dialogue) -> dict[str, Sums]:
    """Sum up what weights (2, T, 52) say without a mesh.

    Returns:
        ``labiodental``: f and v whose lower lip rolls in; ``aa_over_iy``: jawOpen of AA against IY; ``listener``: the jaw's
        movement while only the partner speaks, against own speaking; ``error``: absolute error of the jaw's and mouth's weights.
    """
    known = list(dialogue.performers)
    error = np.abs(weights[known][..., _LOWER] - dialogue.weights[known][..., _LOWER])
    return {
        "labiodental": _rolled_lips(weights, dialogue),
        "aa_over_iy": _jaws_of_vowels(weights, dialogue),
        "listener": _listening_jaw(weights, dialogue),
        "error": (float(error.sum()), error.size),
    }


def _rolled_lips(weights: NDArray[np.float32], dialogue: Dialogue) -> Sums:
    roll = weights[..., SHAPE["mouthRollLower"]]
    rolled = [
        bool(roll[me, window].max() > ROLLED)
        for me in dialogue.performers
        for window in windows_of(dialogue.phones[me], LABIODENTALS, weights.shape[1])
    ]
    return float(sum(rolled)), len(rolled)


def _jaws_of_vowels(weights: NDArray[np.float32], dialogue: Dialogue) -> Sums:
    jaws: dict[str, list[float]] = {"AA": [], "IY": []}
    for me in dialogue.performers:
        for phone in dialogue.phones[me]:
            if phone.name in jaws and phone.end - phone.start > _OWN_JAW:
                frame = middle_frame(phone, weights.shape[1])
                jaws[phone.name].append(float(weights[me, frame, SHAPE["jawOpen"]]))
    return sum(jaws["AA"]), len(jaws["AA"]), sum(jaws["IY"]), len(jaws["IY"])


def _listening_jaw(weights: NDArray[np.float32], dialogue: Dialogue) -> Sums:
    jaw = weights[..., SHAPE["jawOpen"]]
    speed = np.abs(np.diff(jaw, axis=1, prepend=jaw[:, :1]))
    voices = [speaking(phones, weights.shape[1]) for phones in dialogue.phones]
    listening, talking = np.zeros(2), np.zeros(2)
    for me in dialogue.performers:
        only_partner = voices[1 - me] & ~voices[me]
        listening += speed[me, only_partner].sum(), only_partner.sum()
        talking += speed[me, voices[me]].sum(), voices[me].sum()
    return (*listening.tolist(), *talking.tolist())
