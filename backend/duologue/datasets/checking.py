"""Whether a folder of data is whole: what it holds, and what a reader would stumble over, file by file.

Every entry is read by the code that training reads it with, in as many processes as are given; what can't be read is left out of
training too, and named here with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from duologue.datasets.corpus import video
from duologue.datasets.corpus.body import INDEX, Corpus
from duologue.datasets.layouts import DESCRIBED, open_data, recognise
from duologue.datasets.scene import DataSet, Entry, Problem, Reading
from duologue.errors import DuologueError, invalid
from duologue.executors.executor import HERE, Executor
from duologue.labels import ACTION_MODES, EMOTIONS
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

T = TypeVar("T")
Progress = Callable[[int, int], None]


@dataclass
class Findings:
    """What a folder holds, by name (sequences, hours, people), what can be trained from it, in hours, and what is wrong with
    it."""

    folder: Path
    layout: str
    holds: dict[str, float] = field(default_factory=dict[str, float])
    trains: dict[str, float] = field(default_factory=dict[str, float])
    problems: list[Problem] = field(default_factory=list[Problem])
    """Each keeps its entry out of training."""
    notes: list[Problem] = field(default_factory=list[Problem])
    """What can be read all the same, and is other than one would think."""

    def add(self, path: Path, error: DuologueError) -> None:
        """Note what is wrong with a file."""
        name = path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path)
        self.problems.append(Problem(name, error.reason, str(error)))

    def attempt(self, path: Path, read: Callable[..., T], *arguments: Any) -> T | None:
        """Return ``read(*arguments)``; None where it fails, which is noted of ``path``."""
        try:
            return read(*arguments)
        except DuologueError as error:
            self.add(path, error)
        except (OSError, ValueError) as error:
            self.add(path, DuologueError("DATA_LOSS", "file-unreadable", f"{path.name} can't be read: {error}"))
        return None


def check(
    folder: Path, progress: Progress = lambda done, total: None, executor: Executor = HERE, model: Path | None = None
) -> Findings:
    """Return what a folder holds and what is wrong with it: our corpus, our clips, or data that a reader knows.

    ``executor``: who reads it; ``model``: the user's own SMPL-H or SMPL-X file.

    Raises:
        DuologueError: NOT_FOUND ``layout-unknown`` when it is none of them; what opening a data set raises.
    """
    for name, look in _OURS:
        if (folder / name).is_file():
            return look(folder, progress)
    if recognise(folder) is None:
        raise DuologueError(
            "NOT_FOUND",
            "layout-unknown",
            f"{folder} is no data that a reader knows: a corpus ({INDEX}), clips ({video.INDEX}), {DESCRIBED}.",
        )
    return check_data(open_data(folder, model=model), progress, executor)


@dataclass(frozen=True)
class _Seen:
    """What an entry holds."""

    seconds: float = 0.0
    has: tuple[frozenset[str], ...] = ()
    """Of each person: of motion, speech, words, face."""


def check_data(data: DataSet, progress: Progress = lambda done, total: None, executor: Executor = HERE) -> Findings:
    """Read every entry of a data set and return what was met."""
    findings = Findings(data.root, data.layout, problems=list(data.problems))
    tally = _Tally()
    for done, (entry, seen, reading) in enumerate(executor.map(partial(_look, data), data.entries), start=1):
        findings.problems += reading.problems
        findings.notes += reading.notes
        if seen is not None:
            tally.add(entry, seen)
        progress(done, len(data.entries))
    findings.notes += data.compare()
    findings.holds, findings.trains = tally.holds(), tally.trains()
    return findings


def _look(data: DataSet, entry: Entry) -> tuple[Entry, _Seen | None, Reading]:
    reading = Reading()
    scene = data.read(entry, reading)
    if scene is None or reading.problems:
        return entry, None, reading
    has = [
        frozenset(
            name
            for name, value in (("motion", p.motion), ("speech", p.sound), ("words", p.words), ("face", p.face))
            if value is not None
        )
        for p in scene.people
    ]
    return entry, _Seen(scene.seconds, tuple(has)), reading


class _Tally:
    """Counts what entries hold."""

    def __init__(self) -> None:
        self._entries, self._seconds, self._people, self._words = 0, 0.0, set[str](), 0
        self._trains: dict[str, float] = {}

    def add(self, entry: Entry, seen: _Seen) -> None:
        self._entries += 1
        self._seconds += seen.seconds
        self._people |= set(entry.people)
        self._words += any("words" in has for has in seen.has)
        body, faces = all("motion" in has for has in seen.has), sum({"face", "speech"} <= has for has in seen.has)
        heard = all("speech" in has for has in seen.has)
        if body:
            alone = "bodies, face to face with another recording's" if len(seen.has) == 1 else "bodies of two people"
            what = alone if heard else f"{alone}, silent"
            self._trains[what] = self._trains.get(what, 0.0) + seen.seconds
        if faces:
            self._trains["faces"] = self._trains.get("faces", 0.0) + faces * seen.seconds

    def holds(self) -> dict[str, float]:
        return {
            "sequences": self._entries,
            "hours": round(self._seconds / 3600, 4),
            "people": len(self._people),
            "with words": self._words,
        }

    def trains(self) -> dict[str, float]:
        """Return what can be trained from it, in hours."""
        return {what: round(seconds / 3600, 4) for what, seconds in self._trains.items()}


def _check_corpus(folder: Path, progress: Progress) -> Findings:
    findings = Findings(folder, "corpus")
    corpus = findings.attempt(folder / INDEX, Corpus.open, folder)
    if corpus is None:
        return findings
    count = len(corpus.starts) - 1
    findings.holds = {"pairs": count, "minutes": round(float(corpus.starts[-1]) / FPS / 60, 2)}
    findings.attempt(folder / "features.npy", corpus.check_columns, Skeleton.builtin("duologue60"))
    for pair in range(count):
        for name, message in _broken(corpus, pair):
            findings.add(folder / f"{name}.npy", invalid("corpus-values", f"pair {pair}: {message}"))
        progress(pair + 1, count)
    return findings


def _broken(corpus: Corpus, pair: int) -> Iterator[tuple[str, str]]:
    """Yield (array, what is wrong) of one pair."""
    frames = slice(int(corpus.starts[pair]), int(corpus.starts[pair + 1]))
    for name, array in corpus.arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array[frames]).all():
            yield name, "there are values that are not finite."
    for name, labels in (("action", ACTION_MODES), ("emotion", EMOTIONS)):
        if (highest := int(corpus.arrays[name][frames].max(initial=0))) >= len(labels):
            yield name, f"label {highest} is beyond the {len(labels)} that there are."


def _check_clips(folder: Path, progress: Progress) -> Findings:
    findings = Findings(folder, "clips")
    corpus = findings.attempt(folder / video.INDEX, video.VideoCorpus.open, folder)
    if corpus is None:
        return findings
    for done, shard in enumerate(sorted(corpus.shards), start=1):
        path = video.shard_path(folder, shard)
        if wrong := video.check_shard(path):
            findings.add(path, video.damaged(path.name, wrong))
        progress(done, len(corpus.shards))
    split_of: dict[str, set[str]] = {}
    for split in video.SPLITS:
        numbers = corpus.numbers(split)
        findings.holds[f"{split} clips"] = len(numbers)
        for number in numbers:
            clip = findings.attempt(video.shard_path(folder, number // corpus.index["shard"]), corpus.load, number, ())
            for name in clip.about.get("people", ()) if clip is not None else ():
                split_of.setdefault(name, set()).add(split)
    findings.holds["people"] = len(split_of)
    for name, splits in split_of.items():
        if len(splits) > 1:
            findings.add(folder / video.INDEX, invalid("clips-leak", f"{name} is in {' and '.join(sorted(splits))}"))
    return findings


_OURS: Final = ((INDEX, _check_corpus), (video.INDEX, _check_clips))
"""What we made ourselves, by its index, and who looks at it."""
