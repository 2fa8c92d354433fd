"""What is compared: each system turns a conversation and a seed into weights (2, T, 52)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.synthesis.face.conversations import STYLES
from duologue.evaluation.baselines.faceformer import FaceFormerPipeline
from duologue.face.checkpoint import Denoiser
from duologue.face.conditions import FaceConditions
from duologue.face.pipeline import STEPS, FacePipeline
from duologue.facial.coarticulation import mouth_curves
from duologue.facial.expression import Expression

if TYPE_CHECKING:
    from numpy.typing import NDArray

System = Callable[[Dialogue, int], "NDArray[np.float32]"]
"""``system(dialogue, seed) -> weights (2, T, 52)``."""

Known = Literal["none", "given", "recognised"]
"""What performing knows of the words: nothing, a transcript, or what is recognised."""
MODEL_ALONE: Final = Expression(blinks_per_minute=0, gaze=0, still_listener=False, seal=0)
"""The expression layer with all it adds turned off."""
WITH_WORDS: Final = ", with its words"
"""How the name of a system ends that knows the transcript, as a performance does that is given one."""
WITH_HEARD: Final = ", with recognised words"
"""How the name of a system ends that recognises them, as a performance does that is given none."""
NAMES: Final[dict[Denoiser, str]] = {"swap": "fine-tuned (swap)", "tuned": "fine-tuned (no swap)", "base": "base"}


@dataclass(frozen=True, eq=False)
class LoadedFace:
    """A face checkpoint with its denoisers, each as a pipeline by name (``NAMES``): the one that ships first, base last."""

    checkpoint: Checkpoint
    pipelines: Mapping[str, FacePipeline]

    @classmethod
    def load(cls, checkpoint: str | Path, whole: Path | None = None) -> LoadedFace:
        """Load base, and the fine-tuned one where there is any.

        ``whole``: a checkpoint of the same base that was fine-tuned throughout, the one without the swap.

        Raises:
            DuologueError: what ``FacePipeline.load`` raises.
        """
        stored = open_checkpoint(checkpoint)
        tuned = any(name.startswith("tuned.") for name in stored.tensors())
        pipelines = {NAMES["swap"]: FacePipeline.load(stored, denoiser="swap")} if tuned else {}
        if whole is not None:
            pipelines[NAMES["tuned"]] = FacePipeline.load(whole, denoiser="tuned")
        return cls(stored, pipelines | {NAMES["base"]: FacePipeline.load(stored, denoiser="base")})

    @property
    def shipped(self) -> FacePipeline:
        """The pipeline that performs where nobody says which."""
        return next(iter(self.pipelines.values()))

    @property
    def base(self) -> FacePipeline:
        """The pipeline before fine-tuning."""
        return self.pipelines[NAMES["base"]]


def systems(loaded: Sequence[LoadedFace], baseline: FaceFormerPipeline | None, steps: int) -> dict[str, System]:
    """Return the systems to compare by name: every checkpoint's, the first one's with words and without layer, baseline, rules.

    Args:
        loaded: with more than one checkpoint, its name goes before the system's.
        baseline: FaceFormer, if there is one. Its own output is judged, without the expression layer, as published.
        steps: denoising steps.
    """
    compared: dict[str, System] = {}
    for face in loaded:
        prefix = "" if len(loaded) == 1 else f"{face.checkpoint.name}: "
        compared |= {prefix + name: system_of(pipeline, steps) for name, pipeline in face.pipelines.items()}
    first, shipped = next(iter(compared)), loaded[0].shipped
    compared[first + WITH_WORDS] = system_of(shipped, steps, words="given")
    compared[first + WITH_HEARD] = system_of(shipped, steps, words="recognised")
    compared[f"{first}, model alone"] = system_of(shipped, steps, MODEL_ALONE)
    if baseline is not None:
        compared["faceformer"] = functools.partial(_faceformer, baseline)
    compared["rules"] = rules
    return compared


def perform(
    pipeline: FacePipeline,
    dialogue: Dialogue,
    *,
    seed: int = 0,
    steps: int = STEPS,
    expression: Expression | None = None,
    words: Known = "none",
) -> NDArray[np.float32]:
    """Return the pipeline's weights (2, T, 52) for a conversation; ``words``: how performing would know them."""
    phones = {"none": ((), ()), "given": dialogue.lip_phones, "recognised": dialogue.heard_phones}
    conditions = FaceConditions(
        dialogue.samples,
        dialogue.weights.shape[1],
        dialogue.style,
        dialogue.emotion,
        lambda start, stop: dialogue.facing[:, start:stop],
        phones=phones[words],
    )
    windows = pipeline.stream(conditions, seed, steps, expression=expression)
    return np.concatenate([window.weights for window in windows], axis=1)


def system_of(
    pipeline: FacePipeline, steps: int, expression: Expression | None = None, *, words: Known = "none"
) -> System:
    """Return a pipeline as a system."""

    def system(dialogue: Dialogue, seed: int) -> NDArray[np.float32]:
        return perform(pipeline, dialogue, seed=seed, steps=steps, expression=expression, words=words)

    return system


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


def _faceformer(baseline: FaceFormerPipeline, dialogue: Dialogue, seed: int) -> NDArray[np.float32]:
    del seed
    return baseline.perform(dialogue.samples, dialogue.style, dialogue.weights.shape[1])
