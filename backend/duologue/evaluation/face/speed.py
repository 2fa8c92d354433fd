"""How fast both faces are made, against the published way of sampling them (DDIM, 50 steps) in the same run."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch

from duologue.datasets.synthesis.face.conversations import Dialogue
from duologue.diffusion.samplers import Ddim
from duologue.evaluation.face.conversations import perform
from duologue.evaluation.face.mesh import IctFace, LipGap
from duologue.evaluation.face.metrics import tally
from duologue.evaluation.intervals import Sums, difference, figure
from duologue.face.pipeline import FacePipeline
from duologue.speech.encoder import EncodedSpeech
from duologue.units import FPS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DDIM_STEPS: Final = 50
COMPARED: Final = {"lve_mm2": -1, "closure_ict": 1}
"""What the two are compared in, and which sign of ours minus theirs is better."""


def with_ddim(pipeline: FacePipeline) -> FacePipeline:
    """Return the same networks under DDIM with eta 0."""
    other = copy.copy(pipeline)
    other.sampler = Ddim()
    return other


def speed(  # noqa: PLR0917
    pipeline: FacePipeline,
    dialogues: Sequence[Dialogue],
    ict: IctFace,
    gaps: Mapping[str, LipGap],
    steps: int,
    tick: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Time the pipeline as it ships and with 50-step DDIM, in the order A, B, B, A on every conversation, and compare.

    Returns (JSON values): ``threads``; ``real_time_factor`` of both faces, speech encoder included, for each, by the clock, and
    ``cores``, the processor time of ours against it (below 1 on one thread: the machine was busy elsewhere); ``times_faster``
    end to end, and ``times_faster_after_encoder`` without the speech encoder that both share; ``ours_minus_ddim`` of LVE and
    closure, paired, ``within_interval``: whether that interval holds 0, and
    ``no_worse``: whether it holds 0 or lies on the better side.
    """
    slow = with_ddim(pipeline)
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    encoder: list[float] = []
    tallies: tuple[list[dict[str, Sums]], list[dict[str, Sums]]] = ([], [])
    processor = alone = 0.0
    perform(pipeline, dialogues[0], steps=1)  # the first call of a process pays for what is set up once
    for seed, dialogue in enumerate(dialogues):
        seconds = dialogue.weights.shape[1] / FPS
        before = time.process_time()
        first, a = _timed(pipeline, dialogue, seed, steps)
        processor += time.process_time() - before
        alone += first
        third, b = _timed(slow, dialogue, seed, DDIM_STEPS)
        fourth, _ = _timed(slow, dialogue, seed, DDIM_STEPS)
        second, _ = _timed(pipeline, dialogue, seed, steps)
        ours.append(((first + second) / 2, seconds))
        theirs.append(((third + fourth) / 2, seconds))
        encoder.append(_encoder_alone(pipeline, dialogue))
        for made, rows in zip((a, b), tallies, strict=True):
            rows.append(tally(made, dialogue, ict, gaps))
        tick()
    compared = {
        key: difference([row[key] for row in tallies[0]], [row[key] for row in tallies[1]]).to_json()
        for key in COMPARED
    }
    return {
        "threads": torch.get_num_threads(),
        "steps": steps,
        "ddim_steps": DDIM_STEPS,
        "real_time_factor": figure(ours).to_json(),
        "real_time_factor_ddim": figure(theirs).to_json(),
        "real_time_factor_encoder": figure(
            [(own, seconds) for own, (_, seconds) in zip(encoder, ours, strict=True)]
        ).to_json(),
        "cores": processor / alone,
        "times_faster": figure([(b[0], a[0]) for a, b in zip(ours, theirs, strict=True)]).to_json(),
        "times_faster_after_encoder": figure(
            [(b[0] - e, a[0] - e) for a, b, e in zip(ours, theirs, encoder, strict=True)]
        ).to_json(),
        "ours_minus_ddim": compared,
        "within_interval": {key: _within(value) for key, value in compared.items()},
        "no_worse": {
            key: _no_worse(value, better)
            for (key, better), value in zip(COMPARED.items(), compared.values(), strict=True)
        },
    }


def _timed(pipeline: FacePipeline, dialogue: Dialogue, seed: int, steps: int) -> tuple[float, NDArray[np.float32]]:
    began = time.perf_counter()
    made = perform(pipeline, dialogue, seed=seed, steps=steps)
    return time.perf_counter() - began, made


def _encoder_alone(pipeline: FacePipeline, dialogue: Dialogue) -> float:
    began = time.perf_counter()
    frames = dialogue.weights.shape[1]
    speech = EncodedSpeech(pipeline.encoder, dialogue.samples, pipeline.device)
    for start in range(0, frames, 240):  # windows, as the pipeline asks for them
        speech.frames(start, min(start + 240, frames))
    return time.perf_counter() - began


def _within(value: Mapping[str, float | None]) -> bool | None:
    low, high = value["low"], value["high"]
    return None if low is None or high is None else low <= 0 <= high


def _no_worse(value: Mapping[str, float | None], better: int) -> bool | None:
    low, high = value["low"], value["high"]
    return None if low is None or high is None else (high >= 0 if better > 0 else low <= 0)
