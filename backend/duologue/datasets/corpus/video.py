"""Clips as a video model wants them: arrays aligned to the pixel, in shards that many processes make, read one clip at a time.

docs/reference/clips.md has the contract.

A shard is a zip file as ``numpy.savez_compressed`` writes them: ``CLIP/ARRAY.npy`` a member, zlib, each with its CRC-32, and
``CLIP/about.json``. Never a pickle.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.files.atomic import replacing, write_text
from duologue.labels import FACE_INTERACTIONS
from duologue.people.person import REFERENCE

INDEX: Final = "clips.json"
SHARDS: Final = "shards"
VERSION: Final = 2
SHARD: Final = 50
"""Clips of a shard, usually; ``clips.json`` says how many."""

SPLITS: Final = ("train", "validation", "test")
PATTERNS: Final = ("none", *FACE_INTERACTIONS)
"""What is done, by ``pattern_index``; 0 is no contact."""

FRAMES, FPS, SIZE = 17, 15, 128


@dataclass(frozen=True)
class Layout:
    """What an array of a clip is: its type and shape; T, H, W stand for the clip's own, "n" for any."""

    dtype: type[np.generic]
    shape: tuple[str | int, ...]
    when: str = "always"
    """``always``, ``evaluation`` (validation and test only), ``optional``."""


_FRAME: Final = ("T", "H", "W")
_CROP: Final = (REFERENCE, REFERENCE, 3)
ARRAYS: Final = {
    "rgb": Layout(np.uint8, (*_FRAME, 3)),
    "structure": Layout(np.uint8, (*_FRAME, 3)),
    "part": Layout(np.uint8, _FRAME),
    "contact": Layout(np.uint8, _FRAME),
    "carried": Layout(np.uint8, (*_FRAME, 3)),
    "relit": Layout(np.uint8, (*_FRAME, 3)),
    "hole": Layout(np.uint8, _FRAME),
    "touch": Layout(np.uint8, ("T",)),
    "point": Layout(np.float32, ("T", 2)),
    "face_A": Layout(np.uint8, _CROP),
    "face_B": Layout(np.uint8, _CROP),
    "hand_A": Layout(np.uint8, _CROP),
    "hand_B": Layout(np.uint8, _CROP),
    "flow": Layout(np.float16, (*_FRAME, 2), "evaluation"),
    "visible": Layout(np.uint8, _FRAME, "evaluation"),
    "audio": Layout(np.float16, ("T", "n"), "optional"),
}


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip: ``about`` says what is in it (docs/reference/clips.md), ``arrays`` are some or all of ``ARRAYS``.

    Raises:
        DuologueError: DATA_LOSS ``clips-damaged`` for an array of another type or shape than the contract's.
    """

    about: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])

    def __post_init__(self) -> None:
        known: dict[str | int, int] = {}
        for name, array in self.arrays.items():
            layout = ARRAYS.get(name)
            good = layout is not None and array.dtype == layout.dtype and array.ndim == len(layout.shape)
            for wanted, size in zip(layout.shape if layout else (), array.shape, strict=False):
                good &= size == (wanted if isinstance(wanted, int) else known.setdefault(wanted, size))
            if not good:
                raise damaged(f"clip {self.about.get('number')}", f"{name!r} is {array.dtype} {array.shape}")

    @property
    def missing(self) -> list[str]:
        """Names of the arrays that a whole clip has and this one has not."""
        needed = {"always"} | ({"evaluation"} if self.about.get("split") != "train" else set[str]())
        return [name for name, layout in ARRAYS.items() if layout.when in needed and name not in self.arrays]


def shard_path(folder: Path, shard: int) -> Path:
    """Return where a shard lies."""
    return folder / SHARDS / f"{shard:04d}.npz"


def write_shard(path: Path, clips: Iterable[Clip]) -> None:
    """Write clips as they come; the file is there when all of them are in it, and the same clips give the same bytes.

    Raises:
        DuologueError: what ``files.atomic.replacing`` raises; ``clips-damaged`` for a clip that is not whole.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as file:
        for clip in clips:
            if clip.missing:
                raise damaged(f"clip {clip.about['number']}", f"it has no {', '.join(clip.missing)}")
            stem = _stem(clip.about["number"])
            file.writestr(_member(f"{stem}/about.json"), json.dumps(dict(clip.about), sort_keys=True))
            for name, array in clip.arrays.items():
                with file.open(_member(f"{stem}/{name}.npy"), "w") as member:
                    npy.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _stem(number: int) -> str:
    return f"{number:06d}"


def _member(name: str) -> zipfile.ZipInfo:
    """Return a member's header without the time of writing, so that the same clips are the same bytes."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


class VideoCorpus:
    """A folder of clips. ``index`` is its ``clips.json``; clips are read from disk as they are asked for."""

    def __init__(self, folder: Path, index: Mapping[str, Any]) -> None:
        self.folder, self.index = folder, index
        self._size = int(index["shard"])

    @classmethod
    def open(cls, folder: Path | str) -> VideoCorpus:
        """Open a folder, also one that is still being made: what is there can be read.

        Raises:
            DuologueError: NOT_FOUND ``corpus-missing``; DATA_LOSS ``clips-damaged``; FAILED_PRECONDITION ``corpus-outdated``.
        """
        root = Path(folder)
        try:
            index = json.loads((root / INDEX).read_text(encoding="utf-8"))
            version, _, _ = index["version"], dict(index["splits"]), int(index["shard"])
        except FileNotFoundError as error:
            raise DuologueError(
                "NOT_FOUND", "corpus-missing", f"{root} holds no {INDEX}; make it: duologue dataset interactions"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise damaged(str(root / INDEX), str(error)) from error
        if version != VERSION:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "corpus-outdated",
                f"{root} is written as version {version}, and version {VERSION} is read; make it anew",
                field="--corpus",
            )
        return cls(root, index)

    @staticmethod
    def write_index(folder: Path, index: Mapping[str, Any]) -> None:
        """Write what the folder holds, before its shards: ``splits`` (split -> numbers of clips) and all else to know of it."""
        (folder / SHARDS).mkdir(parents=True, exist_ok=True)
        write_text(folder / INDEX, json.dumps({"version": VERSION, "shard": SHARD, **index}) + "\n")

    @cached_property
    def shards(self) -> frozenset[int]:
        """Which shards are there."""
        return frozenset(int(path.stem) for path in (self.folder / SHARDS).glob("[0-9]*.npz"))

    def numbers(self, split: str) -> tuple[int, ...]:
        """Return the numbers of a split's clips that are there."""
        return tuple(number for number in self.index["splits"][split] if number // self._size in self.shards)

    def load(self, number: int, wanted: Sequence[str] | None = None) -> Clip:
        """Read a clip; by default all of it.

        Raises:
            DuologueError: NOT_FOUND ``corpus-missing``; DATA_LOSS ``clips-damaged`` with the shard's name.
        """
        path, stem = shard_path(self.folder, number // self._size), _stem(number)
        try:
            with zipfile.ZipFile(path) as file:
                about = json.loads(file.read(f"{stem}/about.json"))
                names = set(file.namelist())
                found = {name for name in ARRAYS if f"{stem}/{name}.npy" in names}
                arrays: dict[str, NDArray[Any]] = {}
                for name in ARRAYS:
                    if name in (found if wanted is None else wanted):
                        with file.open(f"{stem}/{name}.npy") as member:
                            arrays[name] = npy.read_array(member, allow_pickle=False)
                            member.read()  # the CRC is compared at its end
        except FileNotFoundError as error:
            raise DuologueError("NOT_FOUND", "corpus-missing", f"{path} is not there; go on making it") from error
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise damaged(str(path), f"clip {number}: {error}") from error
        return Clip(about, arrays)


def check_shard(path: Path) -> str:
    """Return what is wrong with a shard, empty where nothing is: every member is read and its CRC compared."""
    try:
        with zipfile.ZipFile(path) as file:
            bad = file.testzip()
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        return str(error) or type(error).__name__
    return f"{bad} is not what was written" if bad else ""


def damaged(what: str, why: str) -> DuologueError:
    """Return the error for a file of clips that is not as it was written."""
    return DuologueError(
        "DATA_LOSS",
        "clips-damaged",
        f"{what} is damaged ({why}); delete it and run duologue dataset interactions again",
    )
