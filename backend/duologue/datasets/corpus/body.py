"""Training data as the networks want it: long pairs of features and conditions in flat, memory-mapped arrays.

A corpus folder holds one ``.npy`` for each of ``ARRAYS`` (all pairs behind one another, F frames) and ``corpus.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.body.checkpoint import MelStatistics
from duologue.body.config import ROLES
from duologue.errors import DuologueError
from duologue.features import pose as poses
from duologue.features.pose import PoseStatistics
from duologue.motion.skeleton import Skeleton

ARRAYS: Final = ("features", "path", "mel", "activity", "text", "action", "emotion")


@dataclass(frozen=True)
class Pair:
    """Two performers over T frames with everything they are conditioned on."""

    features: NDArray[np.float32]
    """(T, 2, C): ``body.poses.columns``."""
    path: NDArray[np.float64]
    """(T, 2, 3): x, z, heading."""
    mel: NDArray[np.float32]
    """(T, 2, 27)"""
    activity: NDArray[np.float32]
    """(T, 2)"""
    text: NDArray[np.float16]
    """(T, 2, 384)"""
    action: NDArray[np.uint8]
    """(T, 2)"""
    emotion: NDArray[np.uint8]
    """(T, 2)"""
    roles: tuple[str, str]
    styles: tuple[int, int]


@dataclass(frozen=True)
class Corpus:
    """A corpus on disk, its arrays mapped into memory, (F, 2, ...) each."""

    arrays: Mapping[str, NDArray[Any]]
    starts: NDArray[np.int64]
    """(N + 1,): where each pair begins in the arrays, and the end."""
    roles: NDArray[np.int64]
    """(N, 2): indices into ``config.ROLES``."""
    styles: NDArray[np.int64]
    """(N, 2)"""
    description: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Open what ``write`` wrote.

        Raises:
            DuologueError: NOT_FOUND ``corpus-missing``.
        """
        if not (folder / "corpus.json").is_file():
            raise DuologueError("NOT_FOUND", "corpus-missing", f"{folder} holds no corpus.json; make the corpus first.")
        index = json.loads((folder / "corpus.json").read_text())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
        roles = np.array([[ROLES.index(role) for role in pair] for pair in index["roles"]])
        return cls(arrays, np.array(index["starts"]), roles, np.array(index["styles"]), index["description"])

    @staticmethod
    def write(folder: Path, pairs: Iterable[Pair], description: Mapping[str, Any]) -> None:
        """Write pairs as they come; ``corpus.json`` last, so that a crash leaves no corpus rather than half of one."""
        folder.mkdir(parents=True, exist_ok=True)
        made = list(pairs)
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", np.concatenate([getattr(pair, name) for pair in made]))
        starts = np.concatenate([[0], np.cumsum([len(pair.features) for pair in made])])
        index = {
            "starts": [int(start) for start in starts],
            "roles": [pair.roles for pair in made],
            "styles": [pair.styles for pair in made],
            "description": dict(description),
        }
        (folder / "corpus.json").write_text(json.dumps(index))

    def statistics(self, skeleton: Skeleton) -> tuple[PoseStatistics, MelStatistics]:
        """Measure poses and mels over the whole corpus; which columns are constant is decided over all of it."""
        mel = self.arrays["mel"].reshape(-1, self.arrays["mel"].shape[-1])
        pose = PoseStatistics.measure(poses.columns(skeleton), [self.arrays["features"]])
        return pose, MelStatistics(mel.mean(0).astype(np.float32), np.maximum(mel.std(0), 1e-3).astype(np.float32))

    def windows(
        self, frames: int, count: int, rng: np.random.Generator, pairs: slice = slice(None)
    ) -> list[tuple[int, int]]:
        """Draw ``count`` windows of ``frames`` frames: (pair, first frame in the arrays), every start equally likely.

        Raises:
            DuologueError: FAILED_PRECONDITION ``corpus-short`` when no pair is that long.
        """
        index = np.arange(len(self.starts) - 1)[pairs]
        room = np.maximum(self.starts[index + 1] - self.starts[index] - frames + 1, 0)
        if not room.any():
            raise DuologueError(
                "FAILED_PRECONDITION",
                "corpus-short",
                f"none of the corpus's {len(index)} pairs has the {frames} frames of a training window; train on longer clips.",
            )
        chosen = rng.choice(index, size=count, p=room / room.sum())
        return [
            (int(p), int(self.starts[p] + rng.integers(0, self.starts[p + 1] - self.starts[p] - frames + 1)))
            for p in chosen
        ]
