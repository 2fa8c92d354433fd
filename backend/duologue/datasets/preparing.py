"""A data set as a corpus: read in many processes into shards, resumed where it was stopped, joined into flat arrays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from duologue.datasets.corpus import shards
from duologue.datasets.corpus.body import Corpus, Pair
from duologue.datasets.corpus.pairs import face_to_face, pair_of
from duologue.datasets.corpus.shards import Shard
from duologue.datasets.scene import DataSet, Entry, Problem, Reading, Scene
from duologue.errors import DuologueError
from duologue.executors.executor import HERE, Executor
from duologue.files.atomic import prepare_folder, write_text
from duologue.motion.skeleton import Skeleton
from duologue.speech.text import TextEncoder
from duologue.units import FPS

REPORT: Final = "left_out.json"
_SHARD: Final = 4
"""Scenes of a shard: a process holds so many, ten minutes of conversation or a hundred megabytes."""
_VERSION: Final = 1
"""Of what is made of the same files."""
_LAST: Final = ("", "train", "validation", "test")
"""Splits in the order of a corpus, whose last pairs are those that a training only measures by."""

Progress = Callable[[int, int], None]
Task = tuple[Entry, ...]
"""A scene of two; or one of one person, and others that may be put face to face with it: the first that can be read is."""
_CHOICE: Final = 3


@dataclass(frozen=True)
class Prepared:
    """What came of a data set."""

    pairs: int
    seconds: float
    problems: tuple[Problem, ...]
    """Why entries were left out."""
    notes: tuple[Problem, ...]


def prepare(
    data: DataSet, out: Path, *, split: str = "", executor: Executor = HERE, tell: Progress = lambda done, of: None
) -> Prepared:
    """Make a corpus of a data set in ``out``; stopped, it goes on next time with what it has in ``out/shards``.

    ``out/left_out.json`` lists what is not in it, and why. ``split``: of which one; by default of all but ``test``.
    ``executor``: who reads it.

    Raises:
        DuologueError: FAILED_PRECONDITION ``corpus-empty``; DATA_LOSS ``shard-damaged``; what writing and the executor raise.
    """
    prepare_folder(out / shards.FOLDER)
    pending = tasks(_of_split(data.entries, split))
    groups = [pending[first : first + _SHARD] for first in range(0, len(pending), _SHARD)]
    work = partial(make_shard, data, out)
    tables: list[Shard] = []
    for shard in executor.map(work, enumerate(groups)):
        tables.append(shard)
        tell(min(len(tables) * _SHARD, len(pending)), len(pending))
    # Whoever is alone stands beside two others, and is read as often.
    problems = tuple(dict.fromkeys((*data.problems, *(problem for shard in tables for problem in shard.problems))))
    notes = tuple(dict.fromkeys(note for shard in tables for note in shard.notes))
    listed = {"problems": [asdict(p) for p in problems], "notes": [asdict(n) for n in notes]}
    write_text(out / REPORT, json.dumps(listed, indent=1) + "\n")
    Corpus.write(out, _joined(out, tables), _description(data, tables, len(problems)))
    frames = [about["frames"] for shard in tables for about in shard.pairs]
    return Prepared(len(frames), sum(frames) / FPS, problems, notes)


def tasks(entries: Sequence[Entry]) -> list[Task]:
    """Return what becomes a pair each: those recorded together, and each single one with the next ones, somebody else's if
    there are others."""
    single = [entry for entry in entries if len(entry.people) == 1]
    several = len({entry.people for entry in single}) > 1
    made: list[Task] = [(entry,) for entry in entries if len(entry.people) == 2]
    for k, entry in enumerate(single):
        after = (single[(k + step) % len(single)] for step in range(1, len(single)))
        others = (other for other in after if other.people != entry.people or not several)
        made.append((entry, *islice(others, _CHOICE)))
    return made


def make_shard(data: DataSet, out: Path, numbered: tuple[int, Sequence[Task]]) -> Shard:
    """Return a shard: the one that is there, if nothing that it was made of has changed, or a new one."""
    number, group = numbered
    made_of = _made_of(data, group)
    there = shards.read_table(out, number)
    if there is not None and there.made_of == made_of:
        return there
    reading, pairs = Reading(), list[tuple[Mapping[str, Any], Pair]]()
    for task in group:
        try:
            scene = _scene(data, task, reading)
            pair = None if scene is None else _pair(data, scene)
        except DuologueError as error:
            reading.problems.append(Problem(task[0].files[0], error.reason, error.message))
            continue
        if scene is not None and pair is not None:
            about = {"name": scene.name, "frames": len(pair.features), "roles": pair.roles, "styles": pair.styles}
            pairs.append(({**about, "split": scene.split, "placed": scene.placed}, pair))
    shard = Shard(made_of, "", (), tuple(reading.problems), tuple(reading.notes))
    return shards.write_shard(out, number, pairs, shard)


def read(data: DataSet, entry: Entry, reading: Reading) -> Scene | None:
    """Read an entry into a ``reading`` that others share: what is wrong with those does not keep this one out."""
    own = Reading()
    scene = data.read(entry, own)
    reading.problems += own.problems
    reading.notes += own.notes
    return None if own.problems else scene


def _scene(data: DataSet, task: Task, reading: Reading) -> Scene | None:
    scene = read(data, task[0], reading)
    if scene is None or len(scene.people) == 2:
        return scene
    if scene.people[0].motion is None:  # a face alone: nothing for a body
        return None
    for entry in task[1:]:
        other = read(data, entry, reading)
        if other is not None and other.people[0].motion is not None:
            return face_to_face(scene, other)
    return None


def _pair(data: DataSet, scene: Scene) -> Pair | None:
    if any(person.motion is None for person in scene.people):  # two faces: nothing for a body
        return None
    styles = _styles(tuple(data.people))
    a, b = scene.people
    return pair_of(scene, Skeleton.builtin("duologue60"), _encoder(), (styles[a.name], styles[b.name]))


@lru_cache(maxsize=1)
def _encoder() -> TextEncoder:
    return TextEncoder.load()


@lru_cache(maxsize=1)
def _styles(people: tuple[str, ...]) -> Mapping[str, int]:
    return {name: k for k, name in enumerate(people)}


def _of_split(entries: Sequence[Entry], split: str) -> list[Entry]:
    wanted = [e for e in entries if (e.split == split if split else e.split != "test")]
    return sorted(wanted, key=lambda entry: _LAST.index(entry.split))


def _made_of(data: DataSet, group: Sequence[Task]) -> str:
    facts: list[Any] = [_VERSION, data.layout, data.people]
    for entry in (entry for task in group for entry in task):
        facts.append(entry.split)
        for file in entry.files:
            path = data.root / file
            about = path.stat() if path.is_file() else None
            facts.append([entry.name, file, about and about.st_size, about and about.st_mtime_ns])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _joined(out: Path, tables: Sequence[Shard]) -> Iterator[Pair]:
    for number, shard in enumerate(tables):
        yield from shards.read_pairs(out, number, shard)


def _description(data: DataSet, tables: Sequence[Shard], left_out: int) -> dict[str, Any]:
    return {
        "recipe": data.layout,
        "licence": data.licence,
        "scenes": sum(len(shard.pairs) for shard in tables),
        "left_out": left_out,
        "styles": data.people,
        "shards": [shard.sha256 for shard in tables],
    }
