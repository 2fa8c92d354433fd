"""A quick judgement of a face model on conversations whose phones are known: closures, vowels, the listener, the jaw's timing.

``duologue evaluate face`` measures the same on meshes and against baselines; this is what training logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.datasets.face_dialogues import Dialogue
from duologue.datasets.lips import lip_gap
from duologue.datasets.phones import BILABIALS, LABIODENTALS, Phone
from duologue.face.pipeline import FaceConditions, FacePipeline
from duologue.take import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEAR = 0.06  # s: how far from its phone a closure may lie


def perform(pipeline: FacePipeline, dialogue: Dialogue, *, seed: int = 0, steps: int = 8) -> NDArray[np.float32]:
    """Return the pipeline's weights (2, T, 52) for a composed conversation."""
    conditions = FaceConditions(
        dialogue.samples,
        dialogue.weights.shape[1],
        dialogue.style,
        dialogue.emotion,
        lambda start, stop: dialogue.facing[:, start:stop],
    )
    return np.concatenate([window.weights for window in pipeline.stream(conditions, seed, steps)], axis=1)


def judge(pipeline: FacePipeline, dialogues: Sequence[Dialogue], *, steps: int = 8) -> dict[str, float]:
    """Return the figures of ``measure`` for the pipeline on ``dialogues``."""
    return measure([perform(pipeline, dialogue, steps=steps) for dialogue in dialogues], dialogues)


def measure(made: Sequence[NDArray[np.float32]], dialogues: Sequence[Dialogue]) -> dict[str, float]:
    """Judge weights (2, T, 52) against the phones of their conversations.

    Returns:
        ``closure``: share of p, b, m with a lip gap under 1 mm within 60 ms;
        ``labiodental``: share of f, v whose lower lip rolls in (mouthRollLower over 0.15);
        ``false_closure``: share of open vowels with the lips shut in their middle;
        ``aa_over_iy``: mean jawOpen of AA against IY;
        ``listener``: jaw movement while only the partner speaks, against own speaking;
        ``lag``: frames by which jawOpen follows the composed jaw (positive is late); ``jaw_correlation`` with it;
        ``error``: mean absolute error of the jaw's and mouth's weights.
    """
    closed: list[bool] = []
    rolled: list[bool] = []
    shut_vowel: list[float] = []
    jaws: dict[str, list[float]] = {"AA": [], "IY": []}
    still: list[float] = []
    moving: list[float] = []
    made_jaw: list[NDArray[np.float32]] = []
    true_jaw: list[NDArray[np.float32]] = []
    lower = [column for name, column in SHAPE.items() if name.startswith(("jaw", "mouth"))]
    errors: list[float] = []
    for weights, dialogue in zip(made, dialogues, strict=True):
        gap = lip_gap(weights)
        speed = np.abs(np.diff(weights[..., SHAPE["jawOpen"]], axis=1, prepend=weights[:, :1, SHAPE["jawOpen"]]))
        voices = [_speaking(phones, weights.shape[1]) for phones in dialogue.phones]
        for me in range(2):
            for phone in dialogue.phones[me]:
                low, high = int(np.ceil((phone.start - _NEAR) * FPS)), int((phone.end + _NEAR) * FPS) + 1
                near = slice(max(low, 0), min(high, weights.shape[1]))
                if near.stop <= near.start:
                    continue
                if phone.name in BILABIALS:
                    closed.append(bool(gap[me, near].min() < 1.0))
                elif phone.name in LABIODENTALS:
                    rolled.append(bool(weights[me, near, SHAPE["mouthRollLower"]].max() > 0.15))
                elif phone.name in {"AA", "AE", "IY", "AO", "EH"}:
                    middle = min(int((phone.start + phone.end) / 2 * FPS), weights.shape[1] - 1)
                    shut_vowel.append(float(gap[me, middle] < 1.0))
                    if phone.name in jaws and phone.end - phone.start > 0.06:
                        jaws[phone.name].append(float(weights[me, middle, SHAPE["jawOpen"]]))
            only_partner = voices[1 - me] & ~voices[me]
            still.extend(speed[me, only_partner])
            moving.extend(speed[me, voices[me]])
        made_jaw.append(weights[..., SHAPE["jawOpen"]].ravel())
        true_jaw.append(dialogue.weights[..., SHAPE["jawOpen"]].ravel())
        errors.append(float(np.abs(weights[..., lower] - dialogue.weights[..., lower]).mean()))
    return {
        "closure": float(np.mean(closed)),
        "labiodental": float(np.mean(rolled)),
        "false_closure": float(np.mean(shut_vowel)),
        "aa_over_iy": float(np.mean(jaws["AA"]) / max(np.mean(jaws["IY"]), 1e-6)),
        "listener": float(np.mean(still) / max(np.mean(moving), 1e-9)),
        "lag": float(_lag(np.concatenate(made_jaw), np.concatenate(true_jaw))),
        "jaw_correlation": float(np.corrcoef(np.concatenate(made_jaw), np.concatenate(true_jaw))[0, 1]),
        "error": float(np.mean(errors)),
    }


def _speaking(phones: Sequence[Phone], frames: int) -> NDArray[np.bool_]:
    """Return (frames,) true within 0.25 s of a phone."""
    voice = np.zeros(frames, bool)
    for phone in phones:
        if phone.name != "SIL":
            voice[max(int((phone.start - 0.25) * FPS), 0) : int((phone.end + 0.25) * FPS) + 1] = True
    return voice


def _lag(made: NDArray[np.float32], true: NDArray[np.float32], reach: int = 6) -> int:
    shifts = range(-reach, reach + 1)
    made, true = made - made.mean(), true - true.mean()
    middle = slice(reach, len(true) - reach)
    return max(shifts, key=lambda shift: float(np.dot(np.roll(made, -shift)[middle], true[middle])))
