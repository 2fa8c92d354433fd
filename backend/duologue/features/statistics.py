"""Mean and deviation of what networks see (mels, weights, poses), measured over a training set and kept with the checkpoint."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.features.modes import mixture
from duologue.features.pose import CONTACT_COLUMNS, STEP_COLUMNS, channels, has_mode_scale, is_lower
from duologue.labels import ACTION_MODES
from duologue.motion.skeleton import Skeleton

_CONSTANT: Final = 1e-4
"""A pose column whose standard deviation over the *whole* training set is below this (radians or metres) carries nothing."""
_FEWEST: Final = 300
"""Frames of a mode from which its own mean and deviation are believed."""


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
        """Read what ``to_json`` wrote.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` for anything else.
        """
        try:
            mean, std = (np.array(value[key], np.float32) for key in ("mean", "std"))
        except (LookupError, TypeError, ValueError) as error:
            raise _foreign(f"a mean and a deviation can't be read ({error})") from error
        if mean.ndim != 1 or mean.shape != std.shape:
            raise _foreign(f"a mean {mean.shape} has a deviation {std.shape}")
        return cls(mean, std)


@dataclass(frozen=True)
class PoseStatistics:
    """The feature columns by name with their mean and standard deviation over the whole training set, and by action mode.

    ``varies`` says which columns the networks make; the others are held at their mean. Everything is standardised by a mixture of
    modes, whose ``weights`` (..., M) say how far a frame belongs to each (``features.modes``). Only the lower body's and the
    trunk's columns have scales by mode (``features.pose.has_mode_scale``).
    """

    names: tuple[str, ...]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    varies: NDArray[np.bool_]
    mode_mean: NDArray[np.float32]
    """(M, C)"""
    mode_std: NDArray[np.float32]
    flat: bool = False
    """Without a hierarchy every column counts as the lower body's, and the upper body has none."""

    @classmethod
    def measure(
        cls,
        names: Sequence[str],
        features: Sequence[NDArray[np.floating]],
        modes: Sequence[NDArray[np.integer]] | None = None,
        count: int = len(ACTION_MODES),
    ) -> PoseStatistics:
        """Measure over all frames of all clips, each (..., C). Roots' steps are centred on zero but for a mode's own: nobody
        drifts by default.

        ``modes``: for each clip the mode (...) of every frame, 0 to ``count`` - 1, or -1 where it belongs to none; without them
        all modes are alike.
        """
        names = tuple(names)
        mean, std = _moments(names, features)
        mode_mean, mode_std = np.tile(mean, (count, 1)), np.tile(std, (count, 1))
        scaled = np.array([has_mode_scale(name) for name in names])
        for mode in range(count if modes is not None else 0):
            assert modes is not None
            inside = [f[m == mode] for f, m in zip(features, modes, strict=True)]
            if sum(map(len, inside)) >= _FEWEST:
                own_mean, own_std = _moments(names, inside, drift=True)
                mode_mean[mode, scaled], mode_std[mode, scaled] = own_mean[scaled], own_std[scaled]
        varies = std > _CONSTANT
        # The floor keeps a joint that hardly moves from being blown up to the size of one that does.
        floor = np.array([_floor(name) for name in names])
        mode_floor = np.where(
            scaled, np.minimum(floor, np.maximum(0.2 * std, [_finest(name) for name in names])), floor
        )
        return cls(
            names,
            mean.astype(np.float32),
            np.maximum(std, floor).astype(np.float32),
            varies,
            mode_mean.astype(np.float32),
            np.maximum(mode_std, mode_floor if modes is not None else floor).astype(np.float32),
        )

    def to_json(self) -> dict[str, Any]:
        """Return [mean, std, varies, [mean by mode], [std by mode]] a column name."""
        rows = zip(self.names, self.mean, self.std, self.varies, self.mode_mean.T, self.mode_std.T, strict=True)
        return {
            name: [float(mean), float(std), bool(varies), [float(x) for x in by_mean], [float(x) for x in by_std]]
            for name, mean, std, varies, by_mean, by_std in rows
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], skeleton: Skeleton) -> PoseStatistics:
        """Read what ``to_json`` wrote, in the order of ``skeleton``'s joints.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-skeleton`` when the columns are not those of the skeleton,
                ``checkpoint-foreign`` where they can't be read or have not as many modes as each other.
        """
        names = channels(skeleton)
        if set(names) != set(value):
            raise DuologueError(
                "FAILED_PRECONDITION",
                "checkpoint-skeleton",
                f"the body checkpoint was trained on other joints than {skeleton.name}'s; "
                f"differing: {', '.join(sorted(set(names) ^ set(value))[:6])}.",
            )
        rows = [_Row.read(name, value[name]) for name in names]
        if len(counts := {len(row.mode_mean) for row in rows}) > 1 or 0 in counts:
            raise _foreign(f"columns have {' or '.join(map(str, sorted(counts)))} action modes")
        mean, std, varies = (np.array([row[k] for row in rows]) for k in range(3))
        by_mode = [np.array([row[k] for row in rows], np.float32).T for k in (3, 4)]
        return cls(names, mean.astype(np.float32), std.astype(np.float32), varies, by_mode[0], by_mode[1])

    def keeping(self, value: Mapping[str, Any], learning: Collection[str]) -> PoseStatistics:
        """Return these with the scale that another's ``to_json``, of whatever version, says: a network that goes on learning
        knows no other. Only what it has no scale by mode for, and a network of ``learning`` ("lower", "upper") is to have one
        for, is scaled by mode as measured here.

        Raises:
            DuologueError: FAILED_PRECONDITION ``checkpoint-foreign`` for what can't be read, or of another number of modes.
        """
        mean, std, varies = self.mean.copy(), self.std.copy(), self.varies.copy()
        mode_mean, mode_std = self.mode_mean.copy(), self.mode_std.copy()
        for k, name in enumerate(self.names):
            if name not in value:
                continue
            row = _Row.read(name, value[name])
            mean[k], std[k], varies[k] = row[:3]
            if len(row.mode_mean) not in {0, len(mode_mean)}:
                raise _foreign(
                    f"{name} is scaled for {len(row.mode_mean)} action modes, and there are {len(mode_mean)}"
                )
            new = has_mode_scale(name) and ("lower" if is_lower(name) else "upper") in learning
            if not (new and len(set(row.mode_mean)) <= 1):
                mode_mean[:, k], mode_std[:, k] = row[3:] if len(row.mode_mean) else row[:2]
        return replace(self, mean=mean, std=std, varies=varies, mode_mean=mode_mean, mode_std=mode_std)

    @property
    def steps(self) -> NDArray[np.int64]:
        """Indices of the columns that say how the body moves over the floor: its root's steps and its contacts."""
        moves = (*STEP_COLUMNS, *CONTACT_COLUMNS)
        return np.array([i for i, name in enumerate(self.names) if self.varies[i] and name in moves], np.int64)

    @property
    def lower(self) -> NDArray[np.int64]:
        """Indices of the columns that the lower-body network makes: ``steps`` first."""
        rest = [i for i, name in enumerate(self.names) if self.varies[i] and (self.flat or is_lower(name))]
        return np.concatenate([self.steps, np.setdiff1d(np.array(rest, np.int64), self.steps)])

    @property
    def upper(self) -> NDArray[np.int64]:
        """Indices of the columns that the upper-body network makes."""
        return np.array(
            [i for i, name in enumerate(self.names) if self.varies[i] and not (self.flat or is_lower(name))], np.int64
        )

    @property
    def given(self) -> NDArray[np.int64]:
        """Indices of the columns that the upper-body network is given of the lower body: all of its pose, no contacts."""
        return np.array([i for i in np.sort(self.lower) if self.names[i] not in CONTACT_COLUMNS], np.int64)

    @property
    def posed(self) -> NDArray[np.bool_]:
        """Which columns vary and are of the pose itself, not what follows from it."""
        return self.varies & ~np.isin(self.names, CONTACT_COLUMNS)

    def standardise(self, features: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """(..., C) features to zero mean and unit deviation under a mixture of modes (..., M)."""
        mean, std = mixture(weights.astype(np.float64), self.mode_mean, self.mode_std)
        return ((features - mean) / std).astype(np.float32)

    def standardise_overall(self, features: NDArray[np.floating], columns: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return ``columns`` of features (..., C) at zero mean and unit deviation over all modes."""
        return ((features[..., columns] - self.mean[columns]) / self.std[columns]).astype(np.float32)

    def restore_lower(self, lower: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return features (..., C) of which only the lower body's columns are filled in."""
        return self.restore(lower, np.zeros((*lower.shape[:-1], len(self.upper)), np.float32), weights)

    def restore(
        self, lower: NDArray[np.floating], upper: NDArray[np.floating], weights: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Return features (..., C) from the two networks' standardised columns."""
        features = np.broadcast_to(self.mean, (*lower.shape[:-1], len(self.names))).astype(np.float32)
        mean, std = mixture(weights.astype(np.float64), self.mode_mean, self.mode_std)
        for part, index in ((lower, self.lower), (upper, self.upper)):
            features[..., index] = part * std[..., index] + mean[..., index]
        return features


class _Row(NamedTuple):
    """What ``PoseStatistics.to_json`` says of one column; from before there were modes it says nothing of them."""

    mean: float
    std: float
    varies: bool
    mode_mean: NDArray[np.float32]
    """(M,), as ``mode_std``"""
    mode_std: NDArray[np.float32]

    @classmethod
    def read(cls, name: str, value: Any) -> _Row:
        try:
            mean, std, varies, *by_mode = value
            means, stds = (np.array(values, np.float32) for values in by_mode or ((), ()))
            row = cls(float(mean), float(std), bool(varies), means, stds)
        except (TypeError, ValueError) as error:
            raise _foreign(f"{name} can't be read ({error})") from error
        if means.ndim != 1 or means.shape != stds.shape:
            raise _foreign(f"{name} has means {means.shape} and deviations {stds.shape} of its action modes")
        return row


def _foreign(why: str) -> DuologueError:
    return DuologueError(
        "FAILED_PRECONDITION",
        "checkpoint-foreign",
        f"the checkpoint's statistics are not this version's: {why}; train it again",
    )


def _moments(
    names: tuple[str, ...], features: Sequence[NDArray[np.floating]], *, drift: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation (C,) of clips (..., C); of the root's steps about zero, unless they ``drift``: whoever walks goes
    on by more than their steps differ."""
    count = sum(f[..., 0].size for f in features)
    axes = [tuple(range(f.ndim - 1)) for f in features]
    mean = sum(f.sum(axis, dtype=np.float64) for f, axis in zip(features, axes, strict=True)) / count
    size = sum((f.astype(np.float64) ** 2).sum(axis) for f, axis in zip(features, axes, strict=True)) / count
    goes = np.abs(mean) > 0.7 * np.sqrt(size) if drift else np.zeros(len(names), bool)
    mean = np.where([name in STEP_COLUMNS for name in names] & ~goes, 0.0, mean)
    square = sum(((f - mean) ** 2).sum(axis) for f, axis in zip(features, axes, strict=True)) / count
    return mean, np.sqrt(square)


def _floor(name: str) -> float:
    """The smallest deviation that a column may have over everything: radians, metres, metres a frame."""
    if name in CONTACT_COLUMNS:
        return 0.3
    return 1e-3 if name in STEP_COLUMNS else 0.02


def _finest(name: str) -> float:
    """The smallest deviation that a column of the lower body may have in one mode."""
    if name in CONTACT_COLUMNS:
        return 0.3
    return 2e-4 if name in STEP_COLUMNS else 0.01
