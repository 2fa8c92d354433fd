"""A quick look at a face in training: a dozen figures on a few held-out conversations, without a mesh and without intervals.

What is counted here is what ``duologue evaluate face`` counts too, there on several meshes, against baselines and with intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.datasets.corpus.face import Dialogue
from duologue.evaluation.face.phonetics import closures, mouth
from duologue.evaluation.face.systems import perform
from duologue.evaluation.face.timing import lag
from duologue.evaluation.intervals import quotient
from duologue.face.pipeline import STEPS, FacePipeline
from duologue.facial.lips import lip_gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIGURES = ("closure", "labiodental", "false_closure", "aa_over_iy", "listener", "error")


def validate(pipeline: FacePipeline, dialogues: Sequence[Dialogue], *, steps: int = STEPS) -> dict[str, float]:
    """Return the figures of ``measure`` for what the pipeline performs of ``dialogues``."""
    return measure([perform(pipeline, dialogue, steps=steps) for dialogue in dialogues], dialogues)


def measure(performances: Sequence[NDArray[np.float32]], dialogues: Sequence[Dialogue]) -> dict[str, float]:
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
        for weights, dialogue in zip(performances, dialogues, strict=True)
    ]
    jaw, true_jaw = (
        np.concatenate(
            [w[list(d.performers), :, SHAPE["jawOpen"]].ravel() for w, d in zip(weights, dialogues, strict=True)]
        )
        for weights in (performances, [dialogue.weights for dialogue in dialogues])
    )
    return {key: float(quotient(*np.array([tally[key] for tally in tallies]).sum(0))) for key in _FIGURES} | {
        "lag": float(np.round(lag(jaw, true_jaw))),
        "jaw_correlation": float(np.corrcoef(jaw, true_jaw)[0, 1]),
    }
