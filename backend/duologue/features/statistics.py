"""Mean and deviation of what networks see (mels, weights, poses), measured over a training set and kept with the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.features.pose import STEP_COLUMNS, columns, is_lower
from duologue.motion.skeleton import Skeleton

_CONSTANT: Final = 1e-4
"""A pose column whose standard deviation over the *whole* training set is below this (radians or metres) carries nothing."""


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation, (C,) each, of features of C columns."""

    mean: NDArray[np.float32]
    std: NDArray[np.float32]

    @classmethod
    def measure(cls, features: NDArray[np.floating], floor: float) -> Scaler:
        """Measure (N, C). ``floor``: the smallest deviation, so that a column that hardly moves isn't blown up."""
        return cls(features.mean(0).astype(np.float32), np.maximum(features.std(0), floor).astype(np.float32))

    def standardise(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """(..., C) to zero mean and unit deviation."""
        return ((features - self.mean) / self.std).astype(np.float32)

    def to_json(self) -> dict[str, list[float]]:
        """Return both as lists."""
        return {"mean": [float(x) for x in self.mean], "std": [float(x) for x in self.std]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Scaler:
        """Read what ``to_json`` wrote."""
        return cls(*(np.array(value[key], np.float32) for key in ("mean", "std")))


@dataclass(frozen=True)
class PoseStatistics:
    """The feature columns by name with their mean and standard deviation over the whole training set.

    ``varies`` says which columns the networks make; the others are held at their mean.
    """

    names: tuple[str, ...]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    varies: NDArray[np.bool_]
    flat: bool = False
    """Without a hierarchy every column counts as the lower body's, and the upper body has none."""

    @classmethod
    def measure(cls, names: Sequence[str], features: Sequence[NDArray[np.floating]]) -> PoseStatistics:
        """Measure over all frames of all clips, each (..., C). Roots' steps are centred on zero: nobody drifts by default."""
        count = sum(f[..., 0].size for f in features)
        axes = [tuple(range(f.ndim - 1)) for f in features]
        mean = sum(f.sum(axis, dtype=np.float64) for f, axis in zip(features, axes, strict=True)) / count
        mean = np.where([name in STEP_COLUMNS for name in names], 0.0, mean)
        square = sum(((f - mean) ** 2).sum(axis) for f, axis in zip(features, axes, strict=True)) / count
        std = np.sqrt(square)
        varies = std > _CONSTANT
        # The floor keeps a joint that hardly moves from being blown up to the size of one that does.
        floor = np.array([1e-3 if name.startswith("root.d") else 0.02 for name in names])
        return cls(tuple(names), mean.astype(np.float32), np.maximum(std, floor).astype(np.float32), varies)

    def to_json(self) -> dict[str, Any]:
        """Return one [mean, std, varies] a column name."""
        rows = zip(self.names, self.mean, self.std, self.varies, strict=True)
        return {name: [float(mean), float(std), bool(varies)] for name, mean, std, varies in rows}

    @classmethod
    def from_json(cls, value: dict[str, Any], skeleton: Skeleton) -> PoseStatistics:
        """Read what ``to_json`` wrote, in the order of ``skeleton``'s joints.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-skeleton`` when the columns are not those of the skeleton.
        """
        names = columns(skeleton)
        if set(names) != set(value):
            raise DuologueError(
                "FAILED_PRECONDITION",
                "checkpoint-skeleton",
                f"the body checkpoint was trained on other joints than {skeleton.name}'s; "
                f"differing: {', '.join(sorted(set(names) ^ set(value))[:6])}.",
            )
        rows = [value[name] for name in names]
        mean, std = (np.array([row[k] for row in rows], np.float32) for k in (0, 1))
        return cls(names, mean, std, np.array([row[2] for row in rows], bool))

    @property
    def lower(self) -> NDArray[np.int64]:
        """Indices of the columns that the lower-body network makes."""
        return np.array(
            [i for i, name in enumerate(self.names) if self.varies[i] and (self.flat or is_lower(name))], np.int64
        )

    @property
    def upper(self) -> NDArray[np.int64]:
        """Indices of the columns that the upper-body network makes."""
        return np.array(
            [i for i, name in enumerate(self.names) if self.varies[i] and not (self.flat or is_lower(name))], np.int64
        )

    def standardise(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """(..., C) features to zero mean and unit deviation."""
        return ((features - self.mean) / self.std).astype(np.float32)

    def restore_lower(self, lower: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return features (..., C) of which only the lower body's columns, the root's first, are filled in."""
        return self.restore(lower, np.zeros((*lower.shape[:-1], len(self.upper)), np.float32))

    def restore(self, lower: NDArray[np.floating], upper: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return features (..., C) from the two networks' standardised columns."""
        features = np.broadcast_to(self.mean, (*lower.shape[:-1], len(self.names))).astype(np.float32)
        for part, index in ((lower, self.lower), (upper, self.upper)):
            features[..., index] = part * self.std[index] + self.mean[index]
        return features
