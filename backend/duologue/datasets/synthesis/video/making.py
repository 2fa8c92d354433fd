"""A whole data set of clips: people built, shards made by any number of processes, gone on with where it was stopped."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
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
from duologue.datasets.parallel import single_threads
from duologue.datasets.synthesis.video.clips import make_clip, split_of
from duologue.datasets.synthesis.video.people import build_person, cast_of
from duologue.errors import DuologueError, invalid
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
    prepare_folder(folder)
    _agree(folder, wanted)
    prepare_folder(folder / SHARDS)
    _check(folder, wanted, tell)
    tasks = _people(folder, wanted), _shards(folder, wanted)
    for what, missing in zip(("people", "clips"), tasks, strict=True):
        _share(what, folder, wanted, min(workers, max(missing, 1)), tell)
    return VideoCorpus.open(folder)


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


def _people(folder: Path, wanted: ClipSet) -> int:
    return sum(not person_path(folder, name).is_file() for name in _drawn(wanted))


def _shards(folder: Path, wanted: ClipSet) -> int:
    return sum(not shard_path(folder, shard).is_file() for shard in range(wanted.shards))


def _drawn(wanted: ClipSet) -> list[str]:
    return [name for names in cast_of(wanted.people).values() for name in names if name not in SAMPLES]


def _share(what: str, folder: Path, wanted: ClipSet, workers: int, tell: Report) -> None:
    """Let processes do the same task; each takes what no other has taken."""
    work = {"people": build_people, "clips": make_shards}[what]
    total = {"people": len(_drawn(wanted)), "clips": wanted.clips}[what]
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
        {"people": build_people, "clips": make_shards}[what](folder, wanted, lambda: None)
    except DuologueError:
        raise SystemExit(1) from None


def _done(what: str, folder: Path, wanted: ClipSet) -> int:
    if what == "people":
        return len(_drawn(wanted)) - _people(folder, wanted)
    whole = sum(len(wanted.numbers(k)) for k in range(wanted.shards) if shard_path(folder, k).is_file())
    under_way = (folder / MAKING).glob(f"*/{DONE}")
    return whole + sum(int(path.read_text() or 0) for path in under_way)


def build_people(folder: str, wanted: ClipSet, tell: Callable[[], None]) -> None:
    """Build those who are missing, except those whom others are building."""
    for name in _drawn(wanted):
        path = person_path(Path(folder), name)
        with _taken(Path(folder) / MAKING / name, path) as mine:
            if mine:
                build_person(Path(folder), wanted.seed, name)
                tell()


def make_shards(folder: str, wanted: ClipSet, tell: Callable[[], None]) -> None:
    """Make the shards that are missing, except those that others are making.

    Raises:
        DuologueError: what :func:`.clips.make_clip` and ``write_shard`` raise.
    """
    root, cast = Path(folder), cast_of(wanted.people)

    @lru_cache(maxsize=_KEPT)
    def load(name: str) -> Person:
        return Person.load(root, name, wanted.seed)

    for shard in range(wanted.shards):
        path = shard_path(root, shard)
        place = root / MAKING / path.stem
        with _taken(place, path) as mine:
            if not mine:
                continue
            for rest in (root / SHARDS).glob(f".{path.stem}.*"):  # of who was killed while writing it
                rest.unlink(missing_ok=True)
            clips: list[Clip] = []
            for number in wanted.numbers(shard):
                clips.append(make_clip(number, wanted.seed, cast, load))
                (place / DONE).write_text(str(len(clips)))
                tell()
            write_shard(path, clips)


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
