"""What every reader gives, whatever the layout: one or two people recorded together, and what is wrong with their files."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Transcript
from duologue.errors import DuologueError
from duologue.files.reading import read_head
from duologue.units import FPS, Sound

T = TypeVar("T")
SPLITS: Final = ("train", "validation", "test")
_LFS: Final = b"version https://git-lfs.github.com/spec/"
Motion = tuple[NDArray[np.float64], NDArray[np.float64]]
"""World hips (T, 3) in metres and exponential maps (T, J, 3) on duologue60, 30 fps."""


@dataclass(frozen=True, eq=False)
class Person:
    """One person of a scene, frame by frame at 30 fps. What the data set does not have is None."""

    name: str
    """Their id in the data set."""
    motion: Motion | None = None
    sound: Sound | None = None
    words: Transcript | None = None
    activity: NDArray[np.bool_] | None = None
    """(T,): who speaks when, as the data set itself says."""
    face: NDArray[np.float32] | None = None
    """(T, 52): weights, columns ``arkit.NAMES``."""
    emotion: NDArray[np.uint8] | None = None
    """(T,): indices into ``labels.EMOTIONS``."""
    known: NDArray[np.bool_] | None = None
    """(T, 2): whether the upper body, and hips and legs, were measured; by default both, always."""
    gender: str = ""

    @property
    def frames(self) -> int:
        """How many frames all that is there lasts."""
        lengths = [len(array) for array in (self.face,) if array is not None]
        if self.motion is not None:
            lengths.append(len(self.motion[0]))
        if self.sound is not None:
            lengths.append(self.sound.frames)
        return min(lengths, default=0)


@dataclass(frozen=True, eq=False)
class Scene:
    """People recorded together: two, or one alone."""

    name: str
    people: tuple[Person, ...]
    relationship: str = "strangers"
    """Of ``labels.RELATIONSHIPS``; the first person has its first half."""
    split: str = ""
    """Of ``SPLITS``, where the data set says so."""
    placed: bool = False
    """Whether somebody put them face to face, who were not recorded in one world."""

    @property
    def seconds(self) -> float:
        """How long both last."""
        return min(person.frames for person in self.people) / FPS


@dataclass(frozen=True)
class Entry:
    """A scene as names and tables tell of it; nothing of it was opened."""

    name: str
    people: tuple[str, ...]
    files: tuple[str, ...]
    """What is read for it, relative to the data set's folder; an archive's as ``ARCHIVE.tar``."""
    split: str = ""
    """Of ``SPLITS``, where the data set says so."""
    scenario: str = ""
    """What is played or read, where the data set numbers it: nobody is to test in one that they train in."""
    key: Any = None
    """What its reader needs to know besides."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with, or to know of, a file (relative to the folder): an error's reason and message."""

    file: str
    reason: str
    message: str


@dataclass
class Reading:
    """What reading an entry met: ``problems`` keep it out of the data, ``notes`` do not."""

    problems: list[Problem] = field(default_factory=list[Problem])
    notes: list[Problem] = field(default_factory=list[Problem])

    def attempt(self, file: str, read: Callable[..., T], *arguments: Any) -> T | None:
        """Return ``read(*arguments)``; None where it fails, which is a problem of ``file``: all of them are to be told, not only
        the first."""
        try:
            return read(*arguments)
        except DuologueError as error:
            self.problems.append(_pointer(file, arguments) or Problem(file, error.reason, error.message))
        except (OSError, ValueError) as error:
            self.problems.append(Problem(file, "file-unreadable", f"it can't be read: {error}"))
        return None

    def note(self, file: str, reason: str, message: str) -> None:
        """Say what of a file is other than one would think."""
        self.notes.append(Problem(file, reason, message))


def _pointer(file: str, arguments: Sequence[Any]) -> Problem | None:
    """Return a problem where all that there is of a file is where Git LFS has it, as of a data set half downloaded."""
    for path in arguments:
        if isinstance(path, Path) and path.is_file() and read_head(path, len(_LFS)) == _LFS:
            return Problem(
                file, "file-pointer", "it is a pointer of Git LFS, not the file itself: `git lfs pull` brings it"
            )
    return None


class DataSet(ABC):
    """A folder in one layout. Opening it looks at names and tables; ``read`` opens an entry's files, in any process."""

    layout: ClassVar[str]
    """What it is called."""
    licence: str = ""
    """What learns from it inherits this."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[Problem] = []
        """What of it can't even be named: it is in no entry."""
        self.entries: Sequence[Entry] = ()

    @abstractmethod
    def read(self, entry: Entry, reading: Reading) -> Scene | None:
        """Read one entry; None where ``reading`` has a problem that keeps it out."""

    def compare(self) -> list[Problem]:
        """Return what shows only when files are held against each other; they are read all the same."""
        return []

    @cached_property
    def people(self) -> list[str]:
        """Everybody in it, in order: their places are the styles that a network learns."""
        return sorted({name for entry in self.entries for name in entry.people}, key=_in_order)


def _in_order(name: str) -> tuple[int, str]:
    return (int(name) if name.isdigit() else 0, name)
