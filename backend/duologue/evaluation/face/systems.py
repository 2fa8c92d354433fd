"""What is compared: each system makes weights (2, T, 52) for a conversation and a seed."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.synthesis.face.conversations import STYLES, Dialogue
from duologue.evaluation.baselines.faceformer import FaceFormerPipeline
from duologue.evaluation.face.conversations import perform
from duologue.face.pipeline import Denoiser, FacePipeline
from duologue.facial.coarticulation import mouth_curves
from duologue.facial.expression import Expression

if TYPE_CHECKING:
    from numpy.typing import NDArray

System = Callable[[Dialogue, int], "NDArray[np.float32]"]
"""``system(dialogue, seed) -> weights (2, T, 52)``."""

MODEL_ALONE: Final = Expression(blinks_per_minute=0, gaze=0, still_listener=False, seal=0)
"""The expression layer with all it adds turned off."""
WITH_WORDS: Final = ", with its words"
"""How the name of a system ends that knows the transcript, as a performance does that is given one."""
NAMES: Final[dict[Denoiser, str]] = {"swap": "fine-tuned (swap)", "tuned": "fine-tuned (no swap)", "base": "base"}


def pipelines(checkpoint: str | Path, whole: Path | None = None) -> tuple[Checkpoint, dict[str, FacePipeline]]:
    """Return a face checkpoint's denoisers by name, the shipped one first: base, and the fine-tuned one where there is any.

    ``whole``: a checkpoint of the same base that was fine-tuned throughout, the one without the swap.

    Raises:
        DuologueError: what ``FacePipeline.load`` raises.
    """
    found = open_checkpoint(checkpoint)
    tuned = any(name.startswith("tuned.") for name in found.tensors())
    loaded = {NAMES["swap"]: FacePipeline.load(found, denoiser="swap")} if tuned else {}
    if whole is not None:
        loaded[NAMES["tuned"]] = FacePipeline.load(whole, denoiser="tuned")
    return found, loaded | {NAMES["base"]: FacePipeline.load(found, denoiser="base")}


def systems(
    loaded: Sequence[tuple[str, dict[str, FacePipeline]]], baseline: FaceFormerPipeline | None, steps: int
) -> dict[str, System]:
    """Return the systems to compare by name: every checkpoint's, the first one's with words and without layer, baseline, rules.

    Args:
        loaded: per checkpoint its name and ``pipelines``; with more than one, the name goes before the system's.
        baseline: FaceFormer, if there is one. Its own output is judged, without the expression layer, as published.
        steps: denoising steps.
    """
    made: dict[str, System] = {}
    for name, by_kind in loaded:
        for kind, pipeline in by_kind.items():
            made[kind if len(loaded) == 1 else f"{name}: {kind}"] = functools.partial(_performed, pipeline, steps, None)
    first = next(iter(made))
    shipped = next(iter(loaded[0][1].values()))
    made[first + WITH_WORDS] = functools.partial(_performed, shipped, steps, None, told=True)
    made[f"{first}, model alone"] = functools.partial(_performed, shipped, steps, MODEL_ALONE)
    if baseline is not None:
        made["faceformer"] = lambda dialogue, _: baseline.perform(
            dialogue.samples, dialogue.style, dialogue.weights.shape[1]
        )
    made["rules"] = rules
    return made


def rules(dialogue: Dialogue, seed: int) -> NDArray[np.float32]:
    """Return what the composing rules do, told every phone: a composed truth itself, else mouth curves of the phones.

    What a model that learned from these rules can reach at best.
    """
    del seed  # nothing is drawn
    if not measured(dialogue):
        return dialogue.weights
    frames = dialogue.weights.shape[1]
    return np.stack(
        [
            mouth_curves(phones, frames, style=STYLES[style])
            for phones, style in zip(dialogue.phones, dialogue.style, strict=True)
        ]
    )


def truth(dialogue: Dialogue, seed: int) -> NDArray[np.float32]:
    """Return the truth itself, to see how it fares by the measures that need none."""
    del seed
    return dialogue.weights


def measured(dialogue: Dialogue) -> bool:
    """Say whether a conversation's truth was measured: then only one performer's is known."""
    return len(dialogue.performers) < 2


def _performed(
    pipeline: FacePipeline,
    steps: int,
    expression: Expression | None,
    dialogue: Dialogue,
    seed: int,
    *,
    told: bool = False,
) -> NDArray[np.float32]:
    return perform(pipeline, dialogue, seed=seed, steps=steps, expression=expression, told=told)
