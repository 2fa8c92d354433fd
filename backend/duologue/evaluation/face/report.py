"""``duologue evaluate face``: every system on every held-out set, as one report of figures with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duologue
from duologue.checkpoints.store import digest
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.labels.split import FACE_SPLIT
from duologue.datasets.synthesis.face.conversations import STYLES
from duologue.evaluation.baselines.faceformer import FaceFormerPipeline
from duologue.evaluation.face.disturbed import DISTURBED, disturbed
from duologue.evaluation.face.held_out import ABOUT, HeldOut, held_out_sets
from duologue.evaluation.face.mesh import Faces, read_faces
from duologue.evaluation.face.metrics import tally
from duologue.evaluation.face.speed import speed
from duologue.evaluation.face.style import style_retention
from duologue.evaluation.face.systems import (
    NAMES,
    WITH_HEARD,
    WITH_WORDS,
    LoadedFace,
    System,
    system_of,
    systems,
    truth,
)
from duologue.evaluation.face.words import Lips, lip_times
from duologue.evaluation.intervals import difference, figures
from duologue.face.pipeline import STEPS
from duologue.speech.aligners import Aligners
from duologue.speech.hearing import Ear
from duologue.speech.whisper import bundled
from duologue.speech.word_cache import WordCache
from duologue.voices.pronouncing import pronouncer

if TYPE_CHECKING:
    from duologue.evaluation.intervals import Sums

COMPARED: Final = ("lve_mm2", "fdd_absolute_mm2", "closure_ict")
"""What every system is compared in with the one that ships, conversation by conversation."""

Report = Callable[[str, int, int], None]
"""``report(stage, done, total)``: how far the evaluation is."""


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
    steps: int = STEPS
    style_samples: int = 3
    speed_samples: int = 3
    disturbed_samples: int = 3
    """Conversations for the comparison of styles (each is performed in all of them; it takes a fine-tuned face), of speed, and of
    worse sound; 0 leaves that part out."""
    cache: Path = field(default_factory=lambda: Path("evaluation/phones"))
    """Where alignments, and words that were recognised, are kept."""
    recognise: bool = True
    """Whether faces with recognised words are judged too, where the extra ``hear`` is installed."""


def evaluate_face(settings: FaceEvaluation, report: Report = lambda stage, done, total: None) -> dict[str, Any]:
    """Return the whole report as JSON values; the same settings and checkpoints give the same one, but for times.

    Args:
        settings: what to judge.
        report: called with the stage and how much of it is done.

    Raises:
        DuologueError: what ``read_faces``, ``held_out_sets``, ``FacePipeline.load`` and ``FaceFormerPipeline.load`` raise.
    """
    faces = read_faces(settings.kit)
    loaded = [LoadedFace.load(name, settings.whole if not at else None) for at, name in enumerate(settings.checkpoints)]
    baseline = FaceFormerPipeline.load(settings.baseline) if settings.baseline else None
    compared = systems(loaded, baseline, settings.steps)
    report("reading speech", 0, 1)
    encoder = loaded[0].shipped.model.encoder
    aligners = Aligners(encoder.log_posteriors if encoder.phones is not None else None)
    ear = _ear(settings, aligners) if settings.recognise else None
    sets = held_out_sets(settings.kit, settings.cache, settings.sets, settings.samples, aligners=aligners, ear=ear)
    report("reading speech", 1, 1)
    everyday = _everyday(sets).dialogues
    result = _about(settings, loaded, baseline, faces)
    result["sets"] = {held.name: _judge_set(held, compared, faces, report) for held in sets}
    if settings.style_samples and len(loaded[0].pipelines) > 1:
        result["style"] = _styles(loaded[0], everyday[: settings.style_samples], settings.steps, report)
    if settings.disturbed_samples:
        result["disturbed"] = _disturbed(loaded[0], everyday[: settings.disturbed_samples], faces, settings, report)
    if settings.speed_samples:
        result["speed"] = _speed(loaded[0], everyday[: settings.speed_samples], faces, settings.steps, report)
    return result


def _ear(settings: FaceEvaluation, aligners: Aligners) -> Ear | None:
    """Return who recognises words, as performing does: the extra's model; None where it isn't installed."""
    found = bundled()
    return Ear(found, WordCache(settings.cache / "words"), pronouncer, aligners) if found is not None else None


def _about(
    settings: FaceEvaluation, loaded: Sequence[LoadedFace], baseline: FaceFormerPipeline | None, faces: Faces
) -> dict[str, Any]:
    return {
        "model": "face",
        "version": duologue.__version__,
        "checkpoints": {str(face.checkpoint.folder): face.checkpoint.sha256 for face in loaded},
        "baseline": {str(settings.baseline): baseline.sha256} if baseline else {},
        "split_sha256": digest(FACE_SPLIT),
        "steps": settings.steps,
        "lip_vertices": len(faces.ict.lips.neutral),
        "upper_vertices": len(faces.ict.upper.neutral),
    }


def _everyday(sets: Sequence[HeldOut]) -> HeldOut:
    """Return the set that styles and speed are measured on: the first whose truth is composed of phones that are known."""
    return next((held for held in sets if not (held.guessed or held.measured)), sets[0])


def _judge_set(held: HeldOut, compared: Mapping[str, System], faces: Faces, report: Report) -> dict[str, Any]:
    tallies = _tallies(held, compared, faces, report)
    ours, *others = tallies
    return {
        "about": ABOUT[held.name],
        "conversations": len(held.dialogues),
        "truth": "measured" if held.measured else "composed",
        "phones": "guessed" if held.guessed else "known",
        "words": {
            ending.strip(", "): lip_times(phones, [dialogue.phones for dialogue in held.dialogues])
            for ending, phones in _known(held).items()
            if any(a or b for a, b in phones)
        },
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


def _known(held: HeldOut) -> dict[str, list[Lips]]:
    """Return every conversation's p, b, m, f and v by how performing would know them."""
    return {
        WITH_WORDS: [dialogue.lip_phones for dialogue in held.dialogues],
        WITH_HEARD: [dialogue.heard_phones for dialogue in held.dialogues],
    }


def _tallies(
    held: HeldOut, compared: Mapping[str, System], faces: Faces, report: Report
) -> dict[str, list[dict[str, Sums]]]:
    """Return every system's sums, one mapping a conversation."""
    everyone = dict(compared) | ({"truth (measured)": truth} if held.measured else {})
    unknown = tuple(ending for ending, phones in _known(held).items() if not any(a or b for a, b in phones))
    if unknown:  # no transcripts, or nobody to recognise words
        everyone = {name: system for name, system in everyone.items() if not name.endswith(unknown)}
    tallies: dict[str, list[dict[str, Sums]]] = {name: [] for name in everyone}
    for number, dialogue in enumerate(held.dialogues):
        for name, system in everyone.items():
            tallies[name].append(tally(system(dialogue, number), dialogue, faces))
        report(held.name, number + 1, len(held.dialogues))
    return tallies


def _styles(face: LoadedFace, dialogues: Sequence[Dialogue], steps: int, report: Report) -> dict[str, Any]:
    report("styles", 0, 1)
    tuned = {name: system_of(pipeline, steps) for name, pipeline in face.pipelines.items() if name != NAMES["base"]}
    styles = min(face.base.model.config.styles, len(STYLES))
    retained = style_retention(tuned, system_of(face.base, steps), dialogues, styles)
    report("styles", 1, 1)
    return {name: {key: value.to_json() for key, value in values.items()} for name, values in retained.items()}


def _speed(face: LoadedFace, dialogues: Sequence[Dialogue], faces: Faces, steps: int, report: Report) -> dict[str, Any]:
    timed = iter(range(1, len(dialogues) + 1))
    return speed(face.shipped, dialogues, faces, steps, lambda: report("speed", next(timed), len(dialogues)))


def _disturbed(
    face: LoadedFace, dialogues: Sequence[Dialogue], faces: Faces, settings: FaceEvaluation, report: Report
) -> dict[str, Any]:
    kinds = iter(range(1, len(DISTURBED) + 1))
    system = system_of(face.shipped, settings.steps)
    found = disturbed(system, dialogues, faces.ict, lambda: report("worse sound", next(kinds), len(DISTURBED)))
    return {kind: value.to_json() for kind, value in found.items()}
