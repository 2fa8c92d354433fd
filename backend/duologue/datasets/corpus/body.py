"""Training data as the networks want it: long pairs of features and conditions in flat arrays, streamed in, memory-mapped out.

A corpus folder holds one ``.npy`` for each of ``ARRAYS`` and ``KNOWN`` (all pairs behind one another, F frames) and
``corpus.json``, which says
where each pair begins, its roles and styles, and how the corpus was made. Neither writing nor reading holds more than a pair.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.growing import GrowingArray
from duologue.errors import DuologueError
from duologue.features import pose as poses
from duologue.features.statistics import Scaler
from duologue.files.atomic import prepare_folder, write_text
from duologue.labels import ROLES
from duologue.motion.skeleton import Skeleton

INDEX: Final = "corpus.json"
ARRAYS: Final = ("features", "path", "mel", "activity", "text", "prominence", "action", "emotion")
KNOWN: Final = "known"
"""The one array that a corpus may lack: in one that was composed everything is known."""


@dataclass(frozen=True)
class Pair:
    """Two performers over T frames with everything they are conditioned on."""

    features: NDArray[np.float32]
    """(T, 2, C): ``features.pose.columns``."""
    path: NDArray[np.float64]
    """(T, 2, 3): x, z, heading."""
    mel: NDArray[np.float32]
    """(T, 2, 27)"""
    activity: NDArray[np.float32]
    """(T, 2)"""
    text: NDArray[np.float16]
    """(T, 2, 384)"""
    prominence: NDArray[np.float16]
    """(T, 2): how far the speaker leans on the word that is said, 0 to 1; 0 where none is, or none is known."""
    action: NDArray[np.uint8]
    """(T, 2)"""
    emotion: NDArray[np.uint8]
    """(T, 2)"""
    roles: tuple[str, str]
    styles: tuple[int, int]
    known: NDArray[np.uint8] | None = None
    """(T, 2, 2): whether each one's upper body, and hips and legs, were measured: nothing is learned from what was filled
    in. None: all of it was."""


@dataclass(frozen=True)
class Corpus:
    """A corpus on disk, its arrays mapped into memory, (F, 2, ...) each."""

    arrays: Mapping[str, NDArray[Any]]
    starts: NDArray[np.int64]
    """(N + 1,): where each pair begins in the arrays, and the end."""
    roles: NDArray[np.int64]
    """(N, 2): indices into ``labels.ROLES``."""
    styles: NDArray[np.int64]
    """(N, 2)"""
    description: Mapping[str, Any]

    @classmethod
    def open(cls, folder: Path) -> Corpus:
        """Open what ``write`` wrote.

        Raises:
            DuologueError: NOT_FOUND ``corpus-missing``; FAILED_PRECONDITION ``corpus-outdated`` for one without an array that is
                needed; DATA_LOSS ``corpus-damaged`` for arrays that can't be read or are not as long as the index says.
        """
        if not (folder / INDEX).is_file():
            raise DuologueError("NOT_FOUND", "corpus-missing", f"{folder} holds no {INDEX}; make the corpus first.")
        if missing := [name for name in ARRAYS if not (folder / f"{name}.npy").is_file()]:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "corpus-outdated",
                f"{folder} has no {', '.join(f'{name}.npy' for name in missing)}: an earlier version composed it, or it was "
                "copied in part. Compose it anew.",
                field="--corpus",
            )
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            there = (*ARRAYS, KNOWN) if (folder / f"{KNOWN}.npy").is_file() else ARRAYS
            arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in there}
            starts = np.array(index["starts"], np.int64)
            roles = np.array([[ROLES.index(role) for role in pair] for pair in index["roles"]])
            corpus = cls(arrays, starts, roles, np.array(index["styles"]), index["description"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise _damaged(folder, str(error)) from error
        if other := [name for name, array in arrays.items() if len(array) != starts[-1]]:
            raise _damaged(folder, f"{', '.join(other)} have not the {starts[-1]} frames of {INDEX}")
        if not len(roles) == len(corpus.styles) == len(starts) - 1:
            raise _damaged(folder, f"{INDEX} has not as many roles and styles as pairs")
        return corpus

    @staticmethod
    def write(folder: Path, pairs: Iterable[Pair], description: Mapping[str, Any]) -> None:
        """Write pairs as they come, so that memory does not grow with the corpus.

        ``corpus.json`` comes last, so that a crash leaves no corpus rather than half of one.

        Raises:
            DuologueError: FAILED_PRECONDITION ``corpus-empty`` when there is not one pair; PERMISSION_DENIED ``not-writable``,
                RESOURCE_EXHAUSTED ``disk-full``.
        """
        prepare_folder(folder)
        (folder / INDEX).unlink(missing_ok=True)
        starts, roles, styles = [0], list[tuple[str, str]](), list[tuple[int, int]]()
        with ExitStack() as files:
            arrays = {name: files.enter_context(GrowingArray(folder / f"{name}.npy")) for name in (*ARRAYS, KNOWN)}
            for pair in pairs:
                for name in ARRAYS:
                    arrays[name].append(getattr(pair, name))
                everything = np.ones((len(pair.features), 2, 2), np.uint8)
                arrays[KNOWN].append(everything if pair.known is None else pair.known)
                starts.append(starts[-1] + len(pair.features))
                roles.append(pair.roles)
                styles.append(pair.styles)
        if not roles:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "corpus-empty",
                f"there is no pair to write into {folder}; give data that holds some.",
            )
        index = {"starts": starts, "roles": roles, "styles": styles, "description": dict(description)}
        write_text(folder / INDEX, json.dumps(index))

    def check_columns(self, skeleton: Skeleton) -> None:
        """See that the features are a skeleton's.

        Raises:
            DuologueError: FAILED_PRECONDITION ``corpus-columns``.
        """
        width, expected = self.arrays["features"].shape[-1], len(poses.columns(skeleton))
        if width != expected:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "corpus-columns",
                f"the corpus's features have {width} columns, {skeleton.name}'s {expected}; make it again.",
            )

    def pairs(self, name: str) -> list[NDArray[Any]]:
        """Return one of ``ARRAYS`` pair by pair, (T, 2, ...) each."""
        return [self.arrays[name][a:b] for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]

    def mel_scale(self) -> Scaler:
        """Measure mels over the whole corpus."""
        mel = self.arrays["mel"].reshape(-1, self.arrays["mel"].shape[-1])
        return Scaler.measure(mel, floor=1e-3)

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


def _damaged(folder: Path, reason: str) -> DuologueError:
    return DuologueError("DATA_LOSS", "corpus-damaged", f"{folder} is not a whole corpus: {reason}. Make it again.")
