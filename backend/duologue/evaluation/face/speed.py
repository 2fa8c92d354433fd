"""How fast both faces are made, against the published way of sampling them (DDIM, 50 steps) in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import torch

from duologue.datasets.corpus.face import Dialogue
from duologue.diffusion.samplers import Ddim
from duologue.evaluation.face.mesh import Faces
from duologue.evaluation.face.metrics import tally
from duologue.evaluation.face.systems import perform
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


@dataclass(frozen=True)
class Race:
    """One conversation under both samplers: seconds by the clock, means of two runs each, and what came of it."""

    audio: float
    ours: float
    ddim: float
    encoder: float
    """Of both, the speech encoder's part."""
    alone: float
    processor: float
    """Of our first run: by the clock, and of the processor."""
    tally: Mapping[str, Sums]
    ddim_tally: Mapping[str, Sums]


def with_ddim(pipeline: FacePipeline) -> FacePipeline:
    """Return the same networks under DDIM with eta 0."""
    return FacePipeline(pipeline.model, pipeline.model.device, Ddim())


def speed(
    pipeline: FacePipeline,
    dialogues: Sequence[Dialogue],
    faces: Faces,
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
    perform(pipeline, dialogues[0], steps=1)  # the first call of a process pays for what is set up once
    races: list[Race] = []
    for seed, dialogue in enumerate(dialogues):
        races.append(_race(pipeline, slow, dialogue, faces, seed, steps))
        tick()
    compared = {
        key: difference([race.tally[key] for race in races], [race.ddim_tally[key] for race in races]).to_json()
        for key in COMPARED
    }
    return {
        "threads": torch.get_num_threads(),
        "steps": steps,
        "ddim_steps": DDIM_STEPS,
        **_times(races),
        "ours_minus_ddim": compared,
        "within_interval": {key: _within(value) for key, value in compared.items()},
        "no_worse": {key: _no_worse(compared[key], better) for key, better in COMPARED.items()},
    }


def _race(  # noqa: PLR0917
    pipeline: FacePipeline, slow: FacePipeline, dialogue: Dialogue, faces: Faces, seed: int, steps: int
) -> Race:
    before = time.process_time()
    first, weights = _timed(pipeline, dialogue, seed, steps)
    processor = time.process_time() - before
    third, ddim_weights = _timed(slow, dialogue, seed, DDIM_STEPS)
    fourth, _ = _timed(slow, dialogue, seed, DDIM_STEPS)
    second, _ = _timed(pipeline, dialogue, seed, steps)
    return Race(
        audio=dialogue.weights.shape[1] / FPS,
        ours=(first + second) / 2,
        ddim=(third + fourth) / 2,
        encoder=_encoder_alone(pipeline, dialogue),
        alone=first,
        processor=processor,
        tally=tally(weights, dialogue, faces),
        ddim_tally=tally(ddim_weights, dialogue, faces),
    )


def _times(races: Sequence[Race]) -> dict[str, Any]:
    quotients = {
        "real_time_factor": [(race.ours, race.audio) for race in races],
        "real_time_factor_ddim": [(race.ddim, race.audio) for race in races],
        "real_time_factor_encoder": [(race.encoder, race.audio) for race in races],
        "times_faster": [(race.ddim, race.ours) for race in races],
        "times_faster_after_encoder": [(race.ddim - race.encoder, race.ours - race.encoder) for race in races],
    }
    cores = sum(race.processor for race in races) / sum(race.alone for race in races)
    return {**{name: figure(rows).to_json() for name, rows in quotients.items()}, "cores": cores}


def _timed(pipeline: FacePipeline, dialogue: Dialogue, seed: int, steps: int) -> tuple[float, NDArray[np.float32]]:
    began = time.perf_counter()
    weights = perform(pipeline, dialogue, seed=seed, steps=steps)
    return time.perf_counter() - began, weights


def _encoder_alone(pipeline: FacePipeline, dialogue: Dialogue) -> float:
    began = time.perf_counter()
    frames = dialogue.weights.shape[1]
    speech = EncodedSpeech(pipeline.model.encoder, dialogue.samples, pipeline.model.device)
    for start in range(0, frames, 240):  # windows, as the pipeline asks for them
        speech.frames(start, min(start + 240, frames))
    return time.perf_counter() - began


def _within(value: Mapping[str, float | None]) -> bool | None:
    low, high = value["low"], value["high"]
    return None if low is None or high is None else low <= 0 <= high


def _no_worse(value: Mapping[str, float | None], better: int) -> bool | None:
    low, high = value["low"], value["high"]
    return None if low is None or high is None else (high >= 0 if better > 0 else low <= 0)
