"""``duologue evaluate face``: every system on every held-out set, as one report of figures with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duologue
from duologue.checkpoints.store import digest
from duologue.datasets.labels.split import FACE_SPLIT
from duologue.datasets.synthesis.face.conversations import STYLES
from duologue.evaluation.baselines.faceformer import FaceFormerPipeline
from duologue.evaluation.face.held_out import ABOUT, HeldOut, held_out_sets
from duologue.evaluation.face.mesh import IctFace, LipGap, character_gap, read_ict
from duologue.evaluation.face.metrics import tally
from duologue.evaluation.face.speed import speed
from duologue.evaluation.face.style import style_retention
from duologue.evaluation.face.systems import NAMES, WITH_WORDS, System, pipelines, systems, truth
from duologue.evaluation.intervals import difference, figures

if TYPE_CHECKING:
    from duologue.evaluation.intervals import Sums
    from duologue.face.pipeline import FacePipeline

CHARACTERS: Final = ("ada", "ben")
COMPARED: Final = ("lve_mm2", "fdd_absolute_mm2", "closure_ict")
"""What every system is compared in with the one that ships, conversation by conversation."""


@dataclass(frozen=True)
class FaceEvaluation:
    """What is judged, and on how much."""

    kit: Path
    checkpoints: tuple[str, ...] = ("face",)
    baseline: Path | None = None
    """A FaceFormer checkpoint (``duologue evaluate face --train-baseline``)."""
    whole: Path | None = None
    """A checkpoint fine-tuned throughout (``duologue train lips --whole``): the system without the swap."""
    sets: tuple[str, ...] = tuple(ABOUT)
    samples: int = 20
    """Conversations a set, at most; held-out speech may end before."""
    steps: int = 8
    style_samples: int = 3
    speed_samples: int = 3
    """Conversations for the comparison of styles (each is performed in all of them; it takes a fine-tuned face) and of speed; 0
    leaves that part out."""
    cache: Path = field(default_factory=lambda: Path("evaluation/phones"))
    """Where alignments are kept."""


def evaluate_face(
    settings: FaceEvaluation, report: Callable[[str, int, int], None] = lambda stage, done, total: None
) -> dict[str, Any]:
    """Return the whole report as JSON values; the same settings and checkpoints give the same one, but for times.

    Args:
        settings: what to judge.
        report: told the stage and how much of it is done.

    Raises:
        DuologueError: what ``read_ict``, ``held_out_sets``, ``FacePipeline.load`` and ``FaceFormerPipeline.load`` raise.
    """
    ict = read_ict(settings.kit / "face_ict")
    gaps = {name: character_gap(name) for name in CHARACTERS}
    opened = [
        pipelines(name, settings.whole if number == 0 else None) for number, name in enumerate(settings.checkpoints)
    ]
    baseline = FaceFormerPipeline.load(settings.baseline) if settings.baseline else None
    compared = systems([(found.name, loaded) for found, loaded in opened], baseline, settings.steps)
    report("reading speech", 0, 1)
    sets = held_out_sets(settings.kit, settings.cache, settings.sets, settings.samples)
    report("reading speech", 1, 1)
    result: dict[str, Any] = {
        "model": "face",
        "version": duologue.__version__,
        "checkpoints": {str(found.folder): found.sha256 for found, _ in opened},
        "baseline": {str(settings.baseline): baseline.sha256} if baseline else {},
        "split_sha256": digest(FACE_SPLIT),
        "steps": settings.steps,
        "lip_vertices": len(ict.lips.neutral),
        "upper_vertices": len(ict.upper.neutral),
        "sets": {},
    }
    for held in sets:
        result["sets"][held.name] = _judge_set(held, compared, ict, gaps, report)
    unguessed = [held for held in sets if not (held.guessed or held.measured)]
    everyday = (unguessed or sets)[0].dialogues
    first = opened[0][1]
    if settings.style_samples and len(first) > 1:
        result["style"] = _styles(first, everyday[: settings.style_samples], settings.steps, report)
    if settings.speed_samples:
        timed = everyday[: settings.speed_samples]
        done = iter(range(1, len(timed) + 1))
        shipped = next(iter(first.values()))
        result["speed"] = speed(
            shipped, timed, ict, gaps, settings.steps, lambda: report("speed", next(done), len(timed))
        )
    return result


def _judge_set(
    held: HeldOut,
    compared: Mapping[str, System],
    ict: IctFace,
    gaps: Mapping[str, LipGap],
    report: Callable[[str, int, int], None],
) -> dict[str, Any]:
    everyone = dict(compared) | ({"truth (measured)": truth} if held.measured else {})
    if not any(phones for dialogue in held.dialogues for phones in dialogue.told):  # no transcripts
        everyone = {name: system for name, system in everyone.items() if not name.endswith(WITH_WORDS)}
    tallies: dict[str, list[dict[str, Sums]]] = {name: [] for name in everyone}
    for number, dialogue in enumerate(held.dialogues):
        for name, system in everyone.items():
            tallies[name].append(tally(system(dialogue, number), dialogue, ict, gaps))
        report(held.name, number + 1, len(held.dialogues))
    ours, *others = everyone
    return {
        "about": ABOUT[held.name],
        "conversations": len(held.dialogues),
        "truth": "measured" if held.measured else "composed",
        "phones": "guessed" if held.guessed else "known",
        "systems": {
            name: {key: value.to_json() for key, value in figures(rows).items()} for name, rows in tallies.items()
        },
        "minus_" + ours: {
            other: {
                key: difference([row[key] for row in tallies[other]], [row[key] for row in tallies[ours]]).to_json()
                for key in COMPARED
            }
            for other in others
        },
    }


def _styles(
    loaded: Mapping[str, FacePipeline], dialogues: Sequence[Any], steps: int, report: Callable[[str, int, int], None]
) -> dict[str, Any]:
    report("styles", 0, 1)
    made = systems([("", dict(loaded))], None, steps)
    kinds = {name: made[name] for name in (NAMES["swap"], NAMES["tuned"]) if name in made}
    styles = min(loaded[NAMES["base"]].config.styles, len(STYLES))
    kept = style_retention(kinds, made[NAMES["base"]], dialogues, styles)
    report("styles", 1, 1)
    return {name: {key: value.to_json() for key, value in values.items()} for name, values in kept.items()}
