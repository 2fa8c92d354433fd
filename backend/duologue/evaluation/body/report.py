"""``duologue evaluate body``: every system on every held-out clip, as one report of figures with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import duologue
from duologue.body.pipeline import BodyPipeline
from duologue.datasets.corpus.body import Corpus
from duologue.evaluation.body import metrics
from duologue.evaluation.body.effects import effects
from duologue.evaluation.body.goals import goals
from duologue.evaluation.body.metrics import Moments
from duologue.evaluation.body.results import HeldOut, Report, Results, results_of
from duologue.evaluation.body.speed import speed
from duologue.evaluation.body.systems import FRAMES, Clip, System, copied, held_out_clips, of_checkpoint
from duologue.evaluation.body.takes import write_takes
from duologue.evaluation.intervals import difference, figure, figures
from duologue.features.pose import ROOT_COLUMNS
from duologue.features.statistics import PoseStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duologue.evaluation.intervals import Sums

TRUTH: Final = "ground truth"
OURS: Final = "ours"
COPIES: Final = "copied training clips"
CLEANED: Final = (
    "sliding_cm_s",
    "sliding_intergen_cm_s",
    "feet_bearing_percent",
    "below_floor_percent",
    "below_floor_cm",
    "penetration_percent",
    "penetration_cm",
    "self_penetration_percent",
    "self_penetration_cm",
    "jerk",
    "jerk_hands_head",
    "jerk_ratio",
    "jerk_hands_head_ratio",
    "actions_obeyed_percent",
    "unbalanced_percent",
    "outside_support_cm",
    "motionless_percent",
    "hips_range_cm",
    "sway_cm_s",
    "hips_jerk_standing",
    "walking_m_s",
    "stance_cm_s",
    "transition_late_s",
    "transition_prompt_percent",
)
"""What is reported after clean-up too."""


@dataclass(frozen=True)
class BodyEvaluation:
    """What is judged, and on how much."""

    corpus: Path
    """Held-out pairs (``datasets.corpus.body.Corpus``)."""
    checkpoints: tuple[str, ...] = ("body",)
    """The first one is ``ours``, which the others are compared with."""
    flat: str | None = None
    """A checkpoint with one network for the whole body."""
    single: str | None = None
    """A checkpoint that hears and sees one person (as LDA does)."""
    train: Path | None = None
    """The training corpus, for copied clips."""
    steps: int = 0
    samples: int = 5
    pairs: int | None = None
    frames: int = FRAMES
    effect_pairs: int = 10
    speed_pairs: int = 6
    """Pairs for the contrasts of labels and for the speed; 0 leaves that part out."""
    takes: Path | None = None
    """Where takes of the first ``take_pairs`` pairs go, a folder a system (``duologue evaluate compare``)."""
    take_pairs: int = 5
    cache: Path | None = None
    """Where samples are kept, by checkpoint and clip."""
    resamples: int = metrics.RESAMPLES
    """Of the Fréchet distances and diversities."""


def evaluate_body(settings: BodyEvaluation, report: Report = lambda stage, done, total: None) -> dict[str, Any]:
    """Return the whole report as JSON values; the same settings and checkpoints give the same one, but for times.

    Raises:
        DuologueError: what ``Corpus.open``, ``held_out_clips`` and ``BodyPipeline.load`` raise.
    """
    corpus = Corpus.open(settings.corpus)
    clips, short = held_out_clips(corpus, settings.pairs, settings.frames)
    systems = _systems(settings)
    ours = systems[0]
    assert ours.pipeline is not None
    held_out = HeldOut.of(clips, ours.pipeline.model.statistics, ours.pipeline.skeleton)
    everyone = (*systems, System(TRUTH, lambda clip, seed: clip.truth))
    results = _results(everyone, held_out, settings, report)
    evaluation: dict[str, Any] = {
        **_about(settings, systems, len(clips)),
        "corpus": {"folder": str(settings.corpus), "description": dict(corpus.description), "too_short": short},
        "systems": {name: _figures(of_system) for name, of_system in results.items()},
        "minus_ours": {
            name: _minus(of_system, results[OURS]) for name, of_system in results.items() if name not in (OURS, TRUTH)
        },
        "noise_floor": {},
    }
    _distributions(evaluation, results, held_out.statistics, settings, report)
    if settings.takes is not None:
        write_takes(settings.takes, everyone, clips[: settings.take_pairs], held_out.skeleton, settings.cache)
    if settings.effect_pairs:
        evaluation["effects"] = effects(ours, clips[: settings.effect_pairs], settings.cache, report)
    if settings.speed_pairs:
        evaluation["speed"] = _speed(ours.pipeline, clips[: settings.speed_pairs], settings, report)
    evaluation["goals"] = goals(evaluation)
    return evaluation


def _about(settings: BodyEvaluation, systems: Sequence[System], pairs: int) -> dict[str, Any]:
    return {
        "model": "body",
        "version": duologue.__version__,
        "checkpoints": {
            s.name: {"folder": str(s.checkpoint.folder), "sha256": s.checkpoint.sha256} for s in systems if s.checkpoint
        },
        "pairs": pairs,
        "frames": settings.frames,
        "samples": settings.samples,
        "steps": settings.steps,
    }


def _results(
    systems: Sequence[System], held_out: HeldOut, settings: BodyEvaluation, report: Report
) -> dict[str, Results]:
    """Return every system's results by name; jerk also as it is of the truth's."""
    results = {
        system.name: results_of(
            system, held_out, 1 if system.name == TRUTH else settings.samples, settings.cache, report
        )
        for system in systems
    }
    truth = results[TRUTH]
    for of_system in results.values():
        for rows in (of_system.raw, of_system.cleaned):
            for row, true in zip(rows, truth.raw, strict=True):
                row |= {f"{key}_ratio": (*row[key], *true[key]) for key in ("jerk", "jerk_hands_head")}
    return results


def _figures(results: Results) -> dict[str, Any]:
    return {
        "as_sampled": {key: value.to_json() for key, value in figures(results.raw).items()},
        "cleaned": {key: value.to_json() for key, value in figures(results.cleaned).items() if key in CLEANED},
        "speech": _speech(results.raw),
    }


def _minus(theirs: Results, ours: Results) -> dict[str, Any]:
    """Return another system's figures minus ours, paired by clip."""
    return {
        key: difference([row[key] for row in theirs.raw], [row[key] for row in ours.raw]).to_json()
        for key in theirs.raw[0]
    }


def _speed(pipeline: BodyPipeline, clips: Sequence[Clip], settings: BodyEvaluation, report: Report) -> dict[str, Any]:
    done = iter(range(1, len(clips) + 1))
    return speed(
        pipeline,
        clips,
        settings.steps,
        resamples=settings.resamples,
        tick=lambda: report("speed", next(done), len(clips)),
        minute=6 * settings.frames,
    )


def _systems(settings: BodyEvaluation) -> list[System]:
    first, *rest = settings.checkpoints
    systems = [of_checkpoint(OURS, first, settings.steps)]
    systems += [of_checkpoint(Path(name).name, name, settings.steps) for name in rest]
    for name, checkpoint in (("flat", settings.flat), ("single person", settings.single)):
        if checkpoint is not None:
            systems.append(of_checkpoint(name, checkpoint, settings.steps))
    if settings.train is not None:
        systems.append(System(COPIES, copied(Corpus.open(settings.train), settings.frames)))
    return systems


def _speech(rows: Sequence[Mapping[str, Sums]]) -> dict[str, Any]:
    """Return beat consistency with the right speech minus that with other clips', paired."""
    return {
        key: difference([row[key] for row in rows], [row[f"{key}_other_speech"] for row in rows]).to_json()
        for key in ("beat_consistency", "beat_consistency_100ms")
    }


def _distributions(
    evaluation: dict[str, Any],
    results: Mapping[str, Results],
    statistics: PoseStatistics,
    settings: BodyEvaluation,
    report: Report,
) -> None:
    """Fill in Fréchet distances and diversities on both scales, and the noise floor."""
    names = [name for name, posed in zip(statistics.names, statistics.posed, strict=True) if posed] * 2
    joints = np.flatnonzero([name not in ROOT_COLUMNS for name in names])
    deviations = np.tile(statistics.std[statistics.posed], 2)
    scales = {"radians": (joints, deviations[joints]), "standardised": (np.arange(len(names)), np.ones(len(names)))}
    done = 0
    for scale, (columns, factor) in scales.items():
        for kind, order in (("g", 0), ("k", 1)):
            rows = {
                name: [np.diff(clip[..., columns] * factor, n=order, axis=1) for clip in of_system.rows]
                for name, of_system in results.items()
            }
            flat = {name: [clip.reshape(-1, clip.shape[-1]) for clip in clips] for name, clips in rows.items()}
            _frechet(evaluation, f"fd_{kind}_{scale}", flat, settings.resamples)
            for name, clips in rows.items():
                figures_of = evaluation["systems"][name].setdefault("diversity", {})
                value, ratio = metrics.diversity_figures(flat[TRUTH], flat[name], settings.resamples)
                key = f"div_{kind}_{scale}" if kind == "g" else f"div_k_distance_{scale}"
                figures_of[key], figures_of[f"{key}_of_truth"] = value.to_json(), ratio.to_json()
                if kind == "g":  # of poses: over time, and over samples
                    figures_of |= _variances(clips, rows[TRUTH], scale)
            done += 1
            report("distances", done, 5)
    _frechet(
        evaluation,
        "fd_relation",
        {name: of_system.relations for name, of_system in results.items()},
        settings.resamples,
    )
    report("distances", 5, 5)


def _frechet(
    evaluation: dict[str, Any], key: str, rows: Mapping[str, Sequence[NDArray[np.floating]]], resamples: int
) -> None:
    moments = {name: Moments.of(clips) for name, clips in rows.items()}
    truth = moments.pop(TRUTH)
    values, minus = metrics.frechet_figures(truth, moments, resamples)
    for name, value in values.items():
        evaluation["systems"][name].setdefault("frechet", {})[key] = value.to_json()
    for name, value in minus.items():
        evaluation["minus_ours"][name][key] = value.to_json()
    evaluation["noise_floor"][key] = metrics.halves_apart(truth).to_json()


def _variances(
    clips: Sequence[NDArray[np.floating]], truth: Sequence[NDArray[np.floating]], scale: str
) -> dict[str, dict[str, float | None]]:
    over_time = [metrics.variance_over_time(clip) for clip in clips]
    true = [metrics.variance_over_time(clip) for clip in truth]
    return {
        f"div_k_{scale}": figure(over_time).to_json(),
        f"div_k_{scale}_of_truth": figure([(*a, *b) for a, b in zip(over_time, true, strict=True)]).to_json(),
        f"div_sample_{scale}": figure([metrics.variance_over_samples(clip) for clip in clips]).to_json(),
        f"div_sample_distance_{scale}": figure([metrics.distance_over_samples(clip) for clip in clips]).to_json(),
    }
