"""Does fine-tuning keep each speaker's own lips? InterAct's claim for its denoiser swap (arXiv 2509.05747), put to numbers.

The same speech is performed in every style. A style's signature is the mean and the standard deviation of the jaw's and lips'
weights over the frames with a voice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import LOWER_FACE
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.synthesis.face.conversations import STYLES
from duologue.evaluation.face.phonetics import speaking
from duologue.evaluation.face.systems import System
from duologue.evaluation.intervals import Figure, Sums, figures

if TYPE_CHECKING:
    from numpy.typing import NDArray


def signatures(system: System, dialogue: Dialogue, seed: int = 0, styles: int = len(STYLES)) -> NDArray[np.float64]:
    """Return the signatures (styles, 54) of one conversation in each style, both speakers in the same one."""
    frames = dialogue.weights.shape[1]
    voiced = np.stack([speaking(phones, frames) for phones in dialogue.phones])
    columns = [SHAPE[name] for name in LOWER_FACE]
    rows = []
    for style in range(styles):
        lips = system(dataclasses.replace(dialogue, style=np.full(2, style)), seed)[voiced][:, columns]
        rows.append(np.concatenate([lips.mean(0), lips.std(0)]))
    return np.array(rows, np.float64)


def retention(own: NDArray[np.float64], base: NDArray[np.float64]) -> dict[str, Sums]:
    """Compare one conversation's signatures (S, D) with base's.

    Returns:
        ``recognised``: share of styles whose nearest base signature is the same style's (chance is 1 / S);
        ``spread``: how far styles lie apart, against base: 1 keeps all differences, 0 none;
        ``shift``: distance from base's signature of the same style, against how far base's styles lie apart.
    """
    distance = np.linalg.norm(own[:, None] - base[None], axis=-1)
    hits = float((distance.argmin(1) == np.arange(len(own))).sum())
    apart = float(np.linalg.norm(base - base.mean(0), axis=1).sum())
    return {
        "recognised": (hits, len(own)),
        "spread": (float(np.linalg.norm(own - own.mean(0), axis=1).sum()), apart),
        "shift": (float(np.trace(distance)), apart),
    }


def style_retention(
    systems: Mapping[str, System], base: System, dialogues: Sequence[Dialogue], styles: int
) -> dict[str, dict[str, Figure]]:
    """Return ``retention`` of each system against ``base`` over ``dialogues``, with intervals over conversations."""
    references = [signatures(base, dialogue, seed, styles) for seed, dialogue in enumerate(dialogues)]
    return {
        name: figures(
            [
                retention(signatures(system, dialogue, seed, styles), reference)
                for seed, (dialogue, reference) in enumerate(zip(dialogues, references, strict=True))
            ]
        )
        for name, system in systems.items()
    }
