"""A quick judgement of a face model on conversations whose phones are known: closures, vowels, the listener, the jaw's timing.

What is counted here is what ``duologue evaluate face`` counts too, there on several meshes, against baselines and with intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import LOWER_FACE
from duologue.datasets.synthesis.face.conversations import Dialogue
from duologue.evaluation.intervals import Sums, quotient
from duologue.face.pipeline import FaceConditions, FacePipeline
from duologue.facial.expression import Expression
from duologue.facial.lips import lip_gap
from duologue.speech.phones import BILABIALS, LABIODENTALS, Phone
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAR: Final = 0.06
"""Seconds: how far from its phone a closure may lie."""
CLOSED_MM: Final = 1.0
"""A smaller gap between the lips than this looks shut."""
ROLLED: Final = 0.15
"""``mouthRollLower`` from which the lower lip counts as drawn in under the teeth, where there is no mesh to measure."""
OPEN_VOWELS: Final = frozenset({"AA", "AE", "AO", "EH", "IY"})
"""Vowels whose middle never has the lips shut. Rounded and reduced ones may come close."""
LONG: Final = 0.1
"""Seconds from which a vowel's middle is its own: a shorter one beside a p is still on its way at 30 frames a second."""


def perform(
    pipeline: FacePipeline,
    dialogue: Dialogue,
    *,
    seed: int = 0,
    steps: int = 8,
    expression: Expression | None = None,
    told: bool = False,
) -> NDArray[np.float32]:
    """Return the pipeline's weights (2, T, 52) for a composed conversation; ``told``: with the words that are said in it."""
    conditions = FaceConditions(
        dialogue.samples,
        dialogue.weights.shape[1],
        dialogue.style,
        dialogue.emotion,
        lambda start, stop: dialogue.facing[:, start:stop],
        phones=dialogue.told if told else ((), ()),
    )
    windows = pipeline.stream(conditions, seed, steps, expression=expression)
    return np.concatenate([window.weights for window in windows], axis=1)


def judge(pipeline: FacePipeline, dialogues: Sequence[Dialogue], *, steps: int = 8) -> dict[str, float]:
    """Return the figures of ``measure`` for the pipeline on ``dialogues``."""
    return measure([perform(pipeline, dialogue, steps=steps) for dialogue in dialogues], dialogues)


def measure(made: Sequence[NDArray[np.float32]], dialogues: Sequence[Dialogue]) -> dict[str, float]:
    """Judge weights (2, T, 52) against the phones of their conversations.

    Returns:
        ``closure``: share of p, b, m with a lip gap under 1 mm within 60 ms;
        ``labiodental``: share of f, v whose lower lip rolls in (mouthRollLower over 0.15);
        ``false_closure``: share of open vowels of 100 ms or more with the lips shut in their middle;
        ``aa_over_iy``: mean jawOpen of AA against IY;
        ``listener``: jaw movement while only the partner speaks, against own speaking;
        ``lag``: frames by which jawOpen follows the composed jaw (positive is late); ``jaw_correlation`` with it;
        ``error``: mean absolute error of the jaw's and mouth's weights.
    """
    tallies = [
        closures(lip_gap(weights), dialogue) | mouth(weights, dialogue)
        for weights, dialogue in zip(made, dialogues, strict=True)
    ]
    figures = {
        key: float(quotient(*np.array([tally[key] for tally in tallies]).sum(0)))
        for key in ("closure", "labiodental", "false_closure", "aa_over_iy", "listener", "error")
    }
    jaw = SHAPE["jawOpen"]
    made_jaw, true_jaw = (
        np.concatenate([w[list(d.performers), :, jaw].ravel() for w, d in zip(all_weights, dialogues, strict=True)])
        for all_weights in (made, [dialogue.weights for dialogue in dialogues])
    )
    return figures | {
        "lag": float(np.round(lag(made_jaw, true_jaw))),
        "jaw_correlation": float(np.corrcoef(made_jaw, true_jaw)[0, 1]),
    }


def frames_near(phone: Phone, frames: int, near: float = NEAR) -> slice:
    """Return the frames within ``near`` seconds of a phone; empty outside the clip."""
    low, high = int(np.ceil((phone.start - near) * FPS)), int((phone.end + near) * FPS) + 1
    return slice(max(low, 0), max(min(high, frames), 0))


def middle_frame(phone: Phone, frames: int) -> int:
    """Return the frame nearest to a phone's middle."""
    return min(round((phone.start + phone.end) / 2 * FPS), frames - 1)


def closures(gap: NDArray[np.floating], dialogue: Dialogue) -> dict[str, Sums]:
    """Count p, b, m that reach a closure and open vowels that are shut, from lip gaps (2, T) in mm of any face."""
    frames = gap.shape[1]
    spoken = [(me, phone) for me in dialogue.performers for phone in dialogue.phones[me]]
    near = [
        (me, at)
        for me, phone in spoken
        if phone.name in BILABIALS and (at := frames_near(phone, frames)).stop > at.start
    ]
    vowels = [(me, middle_frame(phone, frames)) for me, phone in spoken if phone.name in OPEN_VOWELS and _long(phone)]
    return {
        "closure": (float(sum(gap[me, at].min() < CLOSED_MM for me, at in near)), len(near)),
        "false_closure": (float(sum(gap[me, at] < CLOSED_MM for me, at in vowels)), len(vowels)),
    }


def _long(phone: Phone) -> bool:
    return phone.end - phone.start >= LONG


def mouth(weights: NDArray[np.float32], dialogue: Dialogue) -> dict[str, Sums]:
    """Sum up what weights (2, T, 52) say without a mesh: ``measure``'s labiodental, aa_over_iy, listener, error."""
    frames = weights.shape[1]
    jaw = weights[..., SHAPE["jawOpen"]]
    speed = np.abs(np.diff(jaw, axis=1, prepend=jaw[:, :1]))
    voices = [speaking(phones, frames) for phones in dialogue.phones]
    lower = [SHAPE[name] for name in LOWER_FACE]
    rolled: list[bool] = []
    jaws: dict[str, list[float]] = {"AA": [], "IY": []}
    still, moving = np.zeros(2), np.zeros(2)
    for me in dialogue.performers:
        for phone in dialogue.phones[me]:
            if phone.name in LABIODENTALS and (at := frames_near(phone, frames)).stop > at.start:
                rolled.append(bool(weights[me, at, SHAPE["mouthRollLower"]].max() > ROLLED))
            elif phone.name in jaws and phone.end - phone.start > 0.06:
                jaws[phone.name].append(float(jaw[me, middle_frame(phone, frames)]))
        only_partner = voices[1 - me] & ~voices[me]
        still += speed[me, only_partner].sum(), only_partner.sum()
        moving += speed[me, voices[me]].sum(), voices[me].sum()
    known = list(dialogue.performers)
    error = np.abs(weights[known][..., lower] - dialogue.weights[known][..., lower])
    return {
        "labiodental": (float(sum(rolled)), len(rolled)),
        "aa_over_iy": (sum(jaws["AA"]), len(jaws["AA"]), sum(jaws["IY"]), len(jaws["IY"])),
        "listener": (*still.tolist(), *moving.tolist()),
        "error": (float(error.sum()), error.size),
    }


def speaking(phones: Sequence[Phone], frames: int) -> NDArray[np.bool_]:
    """Return (frames,) true within 0.25 s of a phone."""
    voice = np.zeros(frames, bool)
    for phone in phones:
        if phone.name != "SIL":
            voice[max(int((phone.start - 0.25) * FPS), 0) : max(int((phone.end + 0.25) * FPS) + 1, 0)] = True
    return voice


def lag(made: NDArray[np.floating], true: NDArray[np.floating], reach: int = 6) -> float:
    """Return by how many frames ``made`` (n,) follows ``true``; positive is late.

    The peak of their cross-correlation within ±``reach`` frames, refined by the parabola through its neighbours.
    """
    made, true = made - made.mean(), true - true.mean()
    middle = true[reach : len(true) - reach]
    match = np.correlate(made, middle, "valid")
    peak = int(match.argmax())
    bend = match[peak - 1] - 2 * match[peak] + match[peak + 1] if 0 < peak < 2 * reach else 0.0
    within = 0.5 * (match[peak - 1] - match[peak + 1]) / bend if bend < 0 else 0.0
    return float(peak - reach + within)
