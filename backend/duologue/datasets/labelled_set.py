"""Labels of a whole data set, in tables: what everybody does, whom they are turned to, what they say, and who is to test.

Scenes are read in processes and their rows written as they come, so that memory does not grow with the data set.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from duologue.datasets.labelling import Span, runs
from duologue.datasets.labels.actions import label_actions
from duologue.datasets.labels.facing import PLACES, facing
from duologue.datasets.labels.said import check_ear, words_of
from duologue.datasets.labels.sequence_split import deal, leaks, write_splits
from duologue.datasets.scene import DataSet, Entry, Person, Problem, Reading, Scene
from duologue.executors.executor import HERE, Executor
from duologue.files.atomic import prepare_folder, replacing, write_text
from duologue.labels import ACTION_MODES, PERFORMERS
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

Row = tuple[str | float, ...]
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "actions": ("scene", "performer", "start", "end", "action"),
    "facing": ("scene", "performer", "start", "end", "facing"),
    "words": ("scene", "performer", "start", "end", "word", "times"),
    "scenes": ("scene", "performer", "person", "gender", "relationship", "seconds", "placed", "words"),
}
"""Columns of ``NAME.csv``; times in seconds."""
REPORT: Final = "left_out.json"


@dataclass
class LabelledSet:
    """What came of a data set: seconds by label, words by where their times are from, sequences by split."""

    scenes: int = 0
    actions: dict[str, float] = field(default_factory=dict[str, float])
    facing: dict[str, float] = field(default_factory=dict[str, float])
    words: dict[str, int] = field(default_factory=dict[str, int])
    splits: dict[str, int] = field(default_factory=dict[str, int])
    problems: list[Problem] = field(default_factory=list[Problem])

    def add(self, rows: Mapping[str, list[Row]]) -> None:
        """Count what was written of a scene."""
        self.scenes += 1
        for name, seconds in (("actions", self.actions), ("facing", self.facing)):
            for _, _, start, end, label in rows[name]:
                seconds[str(label)] = seconds.get(str(label), 0.0) + float(end) - float(start)
        for row in rows["words"]:
            self.words[str(row[-1])] = self.words.get(str(row[-1]), 0) + 1


def label_set(
    data: DataSet,
    out: Path | None = None,
    *,
    recognise: bool = False,
    executor: Executor = HERE,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> LabelledSet:
    """Label every scene; with ``out``, write ``TABLES``, ``splits.csv`` and ``left_out.json`` into that folder.

    ``recognise``: whether those without a transcript are listened to; ``executor``: who reads and labels.

    Raises:
        DuologueError: FAILED_PRECONDITION ``whisper-missing``; what writing raises.
    """
    if recognise:
        check_ear()
    splits = deal(data.entries)
    labelled = LabelledSet(splits=dict(Counter(splits.values())), problems=list(data.problems))
    labelled.problems += [
        Problem(
            scenario, "split-leak", f"{person} plays it in test and elsewhere, as the data set's own splits have it"
        )
        for person, scenario in leaks(data.entries, splits)
    ]
    with ExitStack() as files:
        writers = {} if out is None else _writers(out, files)
        for done, (rows, reading) in enumerate(executor.map(partial(_label, data, recognise), data.entries), start=1):
            labelled.problems += reading.problems
            if rows is not None:
                labelled.add(rows)
                for name, writer in writers.items():
                    writer.writerows(rows[name])
            tell(done, len(data.entries))
    if out is not None:
        write_splits(out, data.entries, splits)
        write_text(out / REPORT, json.dumps([asdict(problem) for problem in labelled.problems], indent=1) + "\n")
    return labelled


def _writers(out: Path, files: ExitStack) -> dict[str, Any]:
    prepare_folder(out)
    writers: dict[str, Any] = {}
    for name, columns in TABLES.items():
        path = files.enter_context(replacing(out / f"{name}.csv"))
        file = files.enter_context(path.open("w", newline="", encoding="utf-8"))
        writers[name] = csv.writer(file, lineterminator="\n")
        writers[name].writerow(columns)
    return writers


def _label(data: DataSet, recognise: bool, entry: Entry) -> tuple[dict[str, list[Row]] | None, Reading]:
    reading = Reading()
    scene = data.read(entry, reading)
    if scene is None or reading.problems:
        return None, reading
    return reading.attempt(entry.files[0], label_scene, scene, recognise), reading


def label_scene(scene: Scene, recognise: bool = False) -> dict[str, list[Row]]:
    """Return a scene's rows of each of ``TABLES``.

    Raises:
        DuologueError: what ``words_of`` raises.
    """
    rows: dict[str, list[Row]] = {name: [] for name in TABLES}
    turned = facing(scene, min(person.frames for person in scene.people))
    for k, (performer, person) in enumerate(zip(PERFORMERS, scene.people, strict=False)):
        here = (scene.name, performer)
        rows["actions"] += _rows(here, _actions(person))
        if turned is not None:
            rows["facing"] += _rows(here, runs(turned[k].astype(int), PLACES, FPS))
        words, source = words_of(person, recognise=recognise)
        rows["words"] += [
            (*here, round(w.start, 3), round(w.end, 3), w.text, "spread" if w.line else source) for w in words
        ]
        about = (person.gender, scene.relationship, round(person.frames / FPS, 3), int(scene.placed), source)
        rows["scenes"].append((*here, person.name, *about))
    return rows


def _rows(here: tuple[str, str], spans: Sequence[Span]) -> list[Row]:
    return [(*here, round(span.start, 3), round(span.end, 3), span.label) for span in spans]


def _actions(person: Person) -> tuple[Span, ...]:
    if person.motion is None:
        return ()
    root, rotations = (array[: person.frames] for array in person.motion)
    return runs(label_actions(Skeleton.builtin("duologue60"), root, rotations), ACTION_MODES, FPS)
