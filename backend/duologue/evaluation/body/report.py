"""``duologue evaluate body``: every system on every held-out clip, as one report of figures with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import duologue
from duologue.datasets.corpus.body import Corpus
from duologue.evaluation.body import metrics
from duologue.evaluation.body.clips import Judged, Report, asked_of, judge
from duologue.evaluation.body.effects import effects
from duologue.evaluation.body.goals import goals
from duologue.evaluation.body.metrics import Moments
from duologue.evaluation.body.speed import speed
from duologue.evaluation.body.systems import FRAMES, Compared, copied, held_out_clips, of_checkpoint
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
    steps: int = 10
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
    statistics, skeleton = ours.pipeline.model.statistics, ours.pipeline.skeleton
    asked = asked_of(clips, skeleton)
    everyone = (*systems, Compared(TRUTH, lambda clip, seed: clip.truth))
    judged = {
        system.name: judge(
            system,
            clips,
            asked,
            statistics,
            skeleton,
            1 if system.name == TRUTH else settings.samples,
            settings.cache,
            report,
        )
        for system in everyone
    }
    truth = judged[TRUTH]
    for found in judged.values():
        for rows in (found.raw, found.cleaned):
            for row, true in zip(rows, truth.raw, strict=True):
                row |= {f"{key}_ratio": (*row[key], *true[key]) for key in ("jerk", "jerk_hands_head")}
    others = [name for name in judged if name not in (OURS, TRUTH)]
    result: dict[str, Any] = {
        "model": "body",
        "version": duologue.__version__,
        "checkpoints": {
            s.name: {"folder": str(s.checkpoint.folder), "sha256": s.checkpoint.sha256} for s in systems if s.checkpoint
        },
        "corpus": {"folder": str(settings.corpus), "description": dict(corpus.description), "too_short": short},
        "pairs": len(clips),
        "frames": settings.frames,
        "samples": settings.samples,
        "steps": settings.steps,
        "systems": {
            name: {
                "as_sampled": {key: value.to_json() for key, value in figures(found.raw).items()},
                "cleaned": {key: value.to_json() for key, value in figures(found.cleaned).items() if key in CLEANED},
                "speech": _speech(found.raw),
            }
            for name, found in judged.items()
        },
        "minus_ours": {
            name: {
                key: difference(
                    [row[key] for row in judged[name].raw], [row[key] for row in judged[OURS].raw]
                ).to_json()
                for key in truth.raw[0]
            }
            for name in others
        },
        "noise_floor": {},
    }
    _distributions(result, judged, statistics, settings, report)
    if settings.takes is not None:
        write_takes(settings.takes, everyone, clips[: settings.take_pairs], skeleton, settings.cache)
    if settings.effect_pairs:
        result["effects"] = effects(ours, clips[: settings.effect_pairs], settings.cache, report)
    if settings.speed_pairs:
        timed = clips[: settings.speed_pairs]
        done = iter(range(1, len(timed) + 1))
        result["speed"] = speed(
            ours.pipeline,
            timed,
            settings.steps,
            settings.resamples,
            lambda: report("speed", next(done), len(timed)),
            minute=6 * settings.frames,
        )
    result["goals"] = goals(result)
    return result


def _systems(settings: BodyEvaluation) -> list[Compared]:
    first, *rest = settings.checkpoints
    found = [of_checkpoint(OURS, first, settings.steps)]
    found += [of_checkpoint(Path(name).name, name, settings.steps) for name in rest]
    for name, checkpoint in (("flat", settings.flat), ("single person", settings.single)):
        if checkpoint is not None:
            found.append(of_checkpoint(name, checkpoint, settings.steps))
    if settings.train is not None:
        found.append(Compared(COPIES, copied(Corpus.open(settings.train), settings.frames)))
    return found


def _speech(rows: Sequence[Mapping[str, Sums]]) -> dict[str, Any]:
    """Return beat consistency with the right speech minus that with other clips', paired."""
    return {
        key: difference([row[key] for row in rows], [row[f"{key}_other_speech"] for row in rows]).to_json()
        for key in ("beat_consistency", "beat_consistency_100ms")
    }


def _distributions(
    result: dict[str, Any],
    judged: Mapping[str, Judged],
    statistics: PoseStatistics,
    settings: BodyEvaluation,
    report: Report,
) -> None:
    """Fill in Fréchet distances and diversities on both scales, and the noise floor."""
    names = [name for name, kept in zip(statistics.names, statistics.varies, strict=True) if kept] * 2
    joints = np.flatnonzero([name not in ROOT_COLUMNS for name in names])
    deviations = np.tile(statistics.std[statistics.varies], 2)
    scales = {"radians": (joints, deviations[joints]), "standardised": (np.arange(len(names)), np.ones(len(names)))}
    done = 0
    for scale, (columns, factor) in scales.items():
        for kind, order in (("g", 0), ("k", 1)):
            rows = {
                name: [np.diff(clip[..., columns] * factor, n=order, axis=1) for clip in found.rows]
                for name, found in judged.items()
            }
            flat = {name: [clip.reshape(-1, clip.shape[-1]) for clip in clips] for name, clips in rows.items()}
            _frechet(result, f"fd_{kind}_{scale}", flat, settings.resamples)
            for name, clips in rows.items():
                figures_of = result["systems"][name].setdefault("diversity", {})
                value, ratio = metrics.diversity_figures(flat[TRUTH], flat[name], settings.resamples)
                key = f"div_{kind}_{scale}" if kind == "g" else f"div_k_distance_{scale}"
                figures_of[key], figures_of[f"{key}_of_truth"] = value.to_json(), ratio.to_json()
                if kind == "g":  # of poses: over time, and over samples
                    figures_of |= _variances(clips, rows[TRUTH], scale)
            done += 1
            report("distances", done, 5)
    _frechet(result, "fd_relation", {name: found.relations for name, found in judged.items()}, settings.resamples)
    report("distances", 5, 5)


def _frechet(
    result: dict[str, Any], key: str, rows: Mapping[str, Sequence[NDArray[np.floating]]], resamples: int
) -> None:
    moments = {name: Moments.of(clips) for name, clips in rows.items()}
    truth = moments.pop(TRUTH)
    values, minus = metrics.frechet_figures(truth, moments, resamples)
    for name, value in values.items():
        result["systems"][name].setdefault("frechet", {})[key] = value.to_json()
    for name, value in minus.items():
        result["minus_ours"][name][key] = value.to_json()
    result["noise_floor"][key] = metrics.halves_apart(truth).to_json()


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
