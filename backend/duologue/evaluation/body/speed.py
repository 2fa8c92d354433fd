"""How fast both bodies are made, against 100-step ancestral sampling of the same networks in the same run, and whether it grows
with the length of the take no faster than the length."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from duologue.body.conditions import BodyConditions
from duologue.body.pipeline import BodyPipeline
from duologue.diffusion.samplers import Ancestral
from duologue.evaluation.body.metrics import Moments, frechet_figures
from duologue.evaluation.body.systems import Clip, PairMotion, clean, perform
from duologue.evaluation.intervals import Figure, Sums, figure
from duologue.features.statistics import PoseStatistics
from duologue.units import FPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

DDPM_STEPS: Final = 100
MINUTE: Final = 60 * FPS


def with_ddpm(pipeline: BodyPipeline) -> BodyPipeline:
    """Return the same networks under ancestral sampling (Ho et al. 2020)."""
    other = copy.copy(pipeline)
    other.sampler = Ancestral(pipeline.sampler.schedule)
    return other


def speed(
    pipeline: BodyPipeline,
    clips: Sequence[Clip],
    steps: int,
    *,
    resamples: int,
    tick: Callable[[], None] = lambda: None,
    minute: int = MINUTE,
) -> dict[str, Any]:
    """Time the pipeline as it ships and as DDPM, in the order A, B, B, A on every clip, and compare what they make.

    Returns (JSON values):
        ``threads``; ``real_time_factor`` of both bodies (sampling and clean-up; ``…_ddpm`` and ``…_sampling_alone`` without the
        clean-up) by the clock, and ``cores``, the processor time of sampling against it; ``times_faster``, sampling against
        sampling by the clock, and ``times_less_work``, by processor time, which a busy machine leaves alone;
        ``minus_ddpm``: ours minus theirs in Fréchet distance to the truth, on standardised rows of these clips;
        ``within_interval``: whether its interval holds 0, ``no_worse``: whether it holds 0 or lies below;
        ``two_minutes_over_one``: processor time for a take of two minutes against one of one, made in the order 1, 2, 2, 1.
    """
    slow = with_ddpm(pipeline)
    ours, theirs = _Timed(), _Timed()
    whole: list[Sums] = []
    perform(pipeline, clips[0].conditions, 0, 1)  # the first call of a process pays for what is set up once
    for seed, clip in enumerate(clips):
        seconds = clip.conditions.frames / FPS
        first, motion = _timed(pipeline, clip.conditions, seed, steps)
        third, slow_motion = _timed(slow, clip.conditions, seed, DDPM_STEPS)
        fourth, _ = _timed(slow, clip.conditions, seed, DDPM_STEPS)
        second, _ = _timed(pipeline, clip.conditions, seed, steps)
        began = time.perf_counter()
        clean(pipeline.skeleton, motion)
        cleaning = time.perf_counter() - began
        ours.add((first + second) / 2, motion)
        theirs.add((third + fourth) / 2, slow_motion)
        whole.append((ours.clock[-1] + cleaning, seconds))
        tick()
    lengths = [clip.conditions.frames / FPS for clip in clips]
    compared = _compared(
        pipeline.model.statistics, [clip.truth for clip in clips], theirs.motions, ours.motions, resamples
    )
    return {
        "threads": torch.get_num_threads(),
        "steps": steps,
        "ddpm_steps": DDPM_STEPS,
        "real_time_factor": figure(whole).to_json(),
        "real_time_factor_sampling_alone": _ratio(ours.clock, lengths).to_json(),
        "real_time_factor_ddpm": _ratio(theirs.clock, lengths).to_json(),
        "cores": _ratio(ours.processor, ours.clock).value,
        "times_faster": _ratio(theirs.clock, ours.clock).to_json(),
        "times_less_work": _ratio(theirs.processor, ours.processor).to_json(),
        "minus_ddpm": compared,
        "within_interval": {key: _holds(value, -np.inf) for key, value in compared.items()},
        "no_worse": {key: _holds(value, 0.0) for key, value in compared.items()},
        "two_minutes_over_one": _growth(pipeline, clips, steps, minute),
    }


@dataclass(eq=False)
class _Timed:
    """What one sampler took and made, clip by clip: seconds by the clock and of the processor."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    motions: list[PairMotion] = field(default_factory=list)

    def add(self, seconds: NDArray[np.float64], motion: PairMotion) -> None:
        self.clock.append(float(seconds[0]))
        self.processor.append(float(seconds[1]))
        self.motions.append(motion)


def _ratio(over: Sequence[float], under: Sequence[float]) -> Figure:
    return figure(list(zip(over, under, strict=True)))


def _compared(
    statistics: PoseStatistics,
    truth: Sequence[PairMotion],
    ddpm: Sequence[PairMotion],
    ours: Sequence[PairMotion],
    resamples: int,
) -> dict[str, dict[str, float | None]]:
    """Return ours minus DDPM's Fréchet distance to the truth, of poses and of their steps, on standardised rows."""
    rows = [[motion.standardised(statistics) for motion in motions] for motions in (truth, ddpm, ours)]
    minus: dict[str, dict[str, float | None]] = {}
    for key, order in (("fd_g", 0), ("fd_k", 1)):
        real, slow, fast = (Moments.of([np.diff(clip, n=order, axis=0) for clip in clips]) for clips in rows)
        _, differences = frechet_figures(real, {"ddpm": slow, "ours": fast}, resamples)
        minus[key] = differences["ours"].to_json()
    return minus


def _growth(pipeline: BodyPipeline, clips: Sequence[Clip], steps: int, minute: int) -> float:
    one, two = (lasting(clips, minute * k) for k in (1, 2))
    # What it costs: the clock would also count what else the machine does in so many minutes.
    spent = [float(_timed(pipeline, conditions, 0, steps)[0][1]) for conditions in (one, two, two, one)]
    return (spent[1] + spent[2]) / (spent[0] + spent[3])


def lasting(clips: Sequence[Clip], frames: int) -> BodyConditions:
    """Return conditions of ``frames`` frames: the clips' own behind one another, again and again; roles, places: the first's."""
    count = -(-frames // clips[0].conditions.frames)
    chosen = [clips[k % len(clips)].conditions for k in range(count)]
    first = chosen[0]

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(c, name) for c in chosen], axis=1)[:, :frames]

    return BodyConditions(
        mel=joined("mel"),
        text=joined("text"),
        prominence=joined("prominence"),
        activity=joined("activity"),
        actions=joined("actions"),
        emotion=joined("emotion"),
        roles=first.roles,
        style=first.style,
        starts=first.starts,
    )


def _timed(
    pipeline: BodyPipeline, conditions: BodyConditions, seed: int, steps: int
) -> tuple[NDArray[np.float64], PairMotion]:
    """Return seconds by the clock and of the processor (2,), and what was made."""
    began = np.array([time.perf_counter(), time.process_time()])
    motion = perform(pipeline, conditions, seed, steps)
    return np.array([time.perf_counter(), time.process_time()]) - began, motion


def _holds(value: dict[str, float | None], least: float) -> bool | None:
    """Whether an interval holds 0, or lies below it where ``least`` is 0."""
    low, high = value["low"], value["high"]
    if low is None or high is None:
        return None
    return low <= 0 if least == 0.0 else low <= 0 <= high
