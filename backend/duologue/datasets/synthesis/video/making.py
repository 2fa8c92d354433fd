"""A whole data set of clips: people built, shards made by any number of processes, gone on with where it was stopped."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

import duologue
from duologue.datasets.corpus.video import (
    FPS,
    FRAMES,
    INDEX,
    PATTERNS,
    SHARD,
    SHARDS,
    SIZE,
    SPLITS,
    Clip,
    VideoCorpus,
    check_shard,
    damaged,
    shard_path,
    write_shard,
)
from duologue.datasets.synthesis.video.clips import make_clip, split_of
from duologue.datasets.synthesis.video.people import build_person, cast_of
from duologue.errors import DuologueError, invalid
from duologue.executors.executor import Executor
from duologue.executors.processes import single_threads
from duologue.files.atomic import prepare_folder
from duologue.files.lock import only_writer
from duologue.people.person import Person, person_path
from duologue.rigs.samples import SAMPLES

Report = Callable[[str, float, float], None]
"""Hears what is being made, how much of it is done, and of how much."""

MAKING, DONE = "making", "done"
_TAKEN: Final = "being-made"
_KEPT: Final = 24
"""People that a process keeps in memory."""
_GLANCE: Final = 1.0
"""Seconds between two looks at how far the others are."""


@dataclass(frozen=True)
class ClipSet:
    """What is asked for: ``clips`` of ``people``, all of it by ``seed``; ``shard`` of them go into a file."""

    clips: int = 2000
    people: int = 40
    seed: int = 0
    shard: int = SHARD

    def __post_init__(self) -> None:
        if self.clips < 1:
            raise invalid("out-of-range", f"{self.clips} clips are none; ask for one at least", field="--clips")
        cast_of(self.people)

    @property
    def shards(self) -> int:
        """How many files it is divided into."""
        return -(-self.clips // self.shard)

    def numbers(self, shard: int) -> range:
        """Return the clips of a shard."""
        return range(shard * self.shard, min((shard + 1) * self.shard, self.clips))


def make(folder: Path, wanted: ClipSet, workers: int = 1, tell: Report = lambda what, done, of: None) -> VideoCorpus:
    """Make a data set, or what of it is missing. Other processes, also on other machines, may do so at the same time.

    Args:
        folder: where it goes.
        wanted: what of.
        workers: processes of this machine.
        tell: hears how far it is.

    Raises:
        DuologueError: DATA_LOSS ``clips-damaged`` for a shard that is there and not whole; FAILED_PRECONDITION ``clips-differ``
            where the folder holds others; what the solver raises; PERMISSION_DENIED ``not-writable``.
    """
    _begin(folder, wanted, tell)
    for what in _KINDS:
        _share(what, folder, wanted, min(workers, max(len(_missing(what, folder, wanted)), 1)), tell)
    return VideoCorpus.open(folder)


def make_on(
    executor: Executor, folder: Path, wanted: ClipSet, tell: Report = lambda what, done, of: None
) -> VideoCorpus:
    """Make a data set as :func:`make` does, a task a person and then a shard; what others are making meanwhile is waited for.

    Raises:
        DuologueError: what :func:`make` and the executor raise.
    """
    _begin(folder, wanted, tell)
    for what in _KINDS:
        while missing := _missing(what, folder, wanted):
            mine = 0
            for made in executor.map(partial(_one, what, str(folder), wanted), missing):
                mine += made
                tell(what, _done(what, folder, wanted), _total(what, wanted))
            if not mine:
                time.sleep(_GLANCE)
        tell(what, _done(what, folder, wanted), _total(what, wanted))
    return VideoCorpus.open(folder)


def _begin(folder: Path, wanted: ClipSet, tell: Report) -> None:
    prepare_folder(folder)
    _agree(folder, wanted)
    prepare_folder(folder / SHARDS)
    _check(folder, wanted, tell)


def _agree(folder: Path, wanted: ClipSet) -> None:
    """Write what the folder will hold, or see that it is the same."""
    index = json.loads(json.dumps(index_of(wanted)))
    if not (folder / INDEX).is_file():
        VideoCorpus.write_index(folder, index)
        return
    there = VideoCorpus.open(folder).index
    if differ := [key for key in ("clips", "people", "seed", "shard", "by") if there.get(key) != index.get(key)]:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "clips-differ",
            f"{folder} holds a data set with other {', '.join(differ)}; go on with the same, or choose another folder",
            field="--out",
        )


def index_of(wanted: ClipSet) -> Mapping[str, Any]:
    """Return what ``clips.json`` says of a data set."""
    numbers = {split: [n for n in range(wanted.clips) if split_of(n) == split] for split in SPLITS}
    return {
        **asdict(wanted),
        "by": f"duologue dataset interactions, {duologue.__version__}",
        "frames": FRAMES,
        "fps": FPS,
        "size": [SIZE, SIZE],
        "patterns": list(PATTERNS),
        "cast": {split: list(names) for split, names in cast_of(wanted.people).items()},
        "solved": "each clip has a touch of its own, solved at its frame rate, skin pressed; none is shared between clips",
        "splits": numbers,
    }


def _check(folder: Path, wanted: ClipSet, tell: Report) -> None:
    """See that the shards that are there are whole.

    Raises:
        DuologueError: ``clips-damaged`` with the first one's name.
    """
    there = [shard for shard in range(wanted.shards) if shard_path(folder, shard).is_file()]
    for done, shard in enumerate(there):
        tell("checking", done, len(there))
        if wrong := check_shard(shard_path(folder, shard)):
            raise damaged(str(shard_path(folder, shard)), wrong)


def _missing(what: str, folder: Path, wanted: ClipSet) -> list[Any]:
    """Return the names of people, or the numbers of shards, that are not there."""
    if what == PEOPLE:
        return [name for name in _drawn(wanted) if not person_path(folder, name).is_file()]
    return [shard for shard in range(wanted.shards) if not shard_path(folder, shard).is_file()]


def _total(what: str, wanted: ClipSet) -> int:
    return len(_drawn(wanted)) if what == PEOPLE else wanted.clips


def _drawn(wanted: ClipSet) -> list[str]:
    return [name for names in cast_of(wanted.people).values() for name in names if name not in SAMPLES]


def _share(what: str, folder: Path, wanted: ClipSet, workers: int, tell: Report) -> None:
    """Let processes do the same task; each takes what no other has taken."""
    work, total = _WORK[what], _total(what, wanted)
    if workers == 1:
        work(str(folder), wanted, lambda: tell(what, _done(what, folder, wanted), total))
        tell(what, _done(what, folder, wanted), total)
        return
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_quietly, args=(what, str(folder), wanted), daemon=True) for _ in range(workers)
    ]
    try:
        with single_threads():
            for process in processes:
                process.start()
        while any(process.is_alive() for process in processes) and not any(process.exitcode for process in processes):
            tell(what, _done(what, folder, wanted), total)
            time.sleep(_GLANCE)
    finally:
        failed = any(process.exitcode != 0 for process in processes)
        for process in processes:
            if process.is_alive() and failed:
                process.terminate()
            process.join()
    if failed:
        # A process says no more than that it failed. What it was happens again here, where it is raised.
        work(str(folder), wanted, lambda: tell(what, _done(what, folder, wanted), total))
    tell(what, _done(what, folder, wanted), total)


def _quietly(what: str, folder: str, wanted: ClipSet) -> None:
    try:
        _WORK[what](folder, wanted, lambda: None)
    except DuologueError:
        raise SystemExit(1) from None


def _done(what: str, folder: Path, wanted: ClipSet) -> int:
    if what == PEOPLE:
        return len(_drawn(wanted)) - len(_missing(what, folder, wanted))
    whole = sum(len(wanted.numbers(k)) for k in range(wanted.shards) if shard_path(folder, k).is_file())
    under_way = (folder / MAKING).glob(f"*/{DONE}")
    return whole + sum(int(path.read_text() or 0) for path in under_way)


def build_people(folder: str, wanted: ClipSet, tell: Callable[[], None]) -> None:
    """Build those who are missing, except those whom others are building."""
    for name in _drawn(wanted):
        _build(folder, wanted, name, tell)


def make_shards(folder: str, wanted: ClipSet, tell: Callable[[], None]) -> None:
    """Make the shards that are missing, except those that others are making.

    Raises:
        DuologueError: what :func:`.clips.make_clip` and ``write_shard`` raise.
    """
    for shard in range(wanted.shards):
        _make_shard(folder, wanted, shard, tell)


PEOPLE: Final = "people"
_WORK: Final = {PEOPLE: build_people, "clips": make_shards}
_KINDS: Final = tuple(_WORK)


def _one(what: str, folder: str, wanted: ClipSet, which: Any) -> bool:
    """Make one person or shard, unless it is there or others are making it; return whether it was made."""
    return (_build if what == PEOPLE else _make_shard)(folder, wanted, which, lambda: None)


def _build(folder: str, wanted: ClipSet, name: str, tell: Callable[[], None]) -> bool:
    with _taken(Path(folder) / MAKING / name, person_path(Path(folder), name)) as mine:
        if mine:
            build_person(Path(folder), wanted.seed, name)
            tell()
    return mine


@lru_cache(maxsize=_KEPT)
def _load(root: Path, seed: int, name: str) -> Person:
    return Person.load(root, name, seed)


def _make_shard(folder: str, wanted: ClipSet, shard: int, tell: Callable[[], None]) -> bool:
    root, cast = Path(folder), cast_of(wanted.people)
    path = shard_path(root, shard)
    place = root / MAKING / path.stem
    with _taken(place, path) as mine:
        if mine:
            for rest in (root / SHARDS).glob(f".{path.stem}.*"):  # of who was killed while writing it
                rest.unlink(missing_ok=True)
            clips: list[Clip] = []
            for number in wanted.numbers(shard):
                clips.append(make_clip(number, wanted.seed, cast, partial(_load, root, wanted.seed)))
                (place / DONE).write_text(str(len(clips)))
                tell()
            write_shard(path, clips)
    return mine


@contextmanager
def _taken(place: Path, path: Path) -> Generator[bool]:
    """Be the only one who makes a file, by a lock in the folder ``place``; yield whether it is to be made at all."""
    if path.is_file():
        yield False
        return
    try:
        with only_writer(place, _TAKEN, f"{path} is being made by another process"):
            yield not path.is_file()
            (place / DONE).unlink(missing_ok=True)
    except DuologueError as error:
        if error.reason != _TAKEN:
            raise
        yield False
        return
    with contextlib.suppress(OSError):  # somebody else looks at it just now, or makes the one beside it
        place.rmdir()
        place.parent.rmdir()
