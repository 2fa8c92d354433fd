"""What the networks see of a pose: named feature columns, split into lower and upper body, standardised, without constants.

One performer's frame is, as in LDA (docs/reference/papers.md#lda): the root's step since the last frame in its own heading
frame (dx, dz in metres, dyaw in radians), the hips' height, the hips' rotation with the heading taken out, and every other
joint's parent-local exponential map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from duologue.errors import DuologueError
from duologue.features.root import decode_root, encode_root, heading
from duologue.motion.rotations import Floats, exp_to_matrix, matrix_to_exp, unroll_exp, yaw_matrix
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

LOWER_JOINTS: Final = (
    "Hips",
    *(side + joint for side in ("Left", "Right") for joint in ("UpLeg", "Leg", "Foot", "ToeBase")),
)
"""What the lower-body network makes, besides the root; the upper-body network makes every other joint."""

ROOT_COLUMNS: Final = ("root.dx", "root.dz", "root.dyaw", "root.height")

STEP_COLUMNS: Final = ROOT_COLUMNS[:3]
"""Of these the root's path is made."""

_CONSTANT = 1e-4
"""A column whose standard deviation over the *whole* training set is below this (radians or metres) carries nothing."""


def columns(skeleton: Skeleton) -> tuple[str, ...]:
    """Return the names of all feature columns of one performer: four of the root, three (x, y, z) a joint."""
    return (*ROOT_COLUMNS, *(f"{name}.{axis}" for name in skeleton.names for axis in "xyz"))


def is_lower(column: str) -> bool:
    """Whether the lower-body network makes a column."""
    joint, _, _ = column.partition(".")
    return joint == "root" or joint in LOWER_JOINTS


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
        return np.array([i for i, name in enumerate(self.names) if self.varies[i] and (self.flat or is_lower(name))])

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


def placement(path: NDArray[np.floating]) -> NDArray[np.float64]:
    """Where each one's partner stands, seen from their own root: (2, n, 3) x, z, heading to (2, n, 4).

    x and z in metres / 2, then sine and cosine of the partner's heading relative to one's own.
    """
    away = path[::-1] - path
    sine, cosine = np.sin(path[..., 2]), np.cos(path[..., 2])
    x = cosine * away[..., 0] - sine * away[..., 1]
    z = sine * away[..., 0] + cosine * away[..., 1]
    return np.stack([x / 2, z / 2, np.sin(away[..., 2]), np.cos(away[..., 2])], axis=-1)


def mirrored(features: NDArray[np.floating], skeleton: Skeleton) -> Floats:
    """Return features (..., C) as a mirror shows them: left and right change places, and so do the sides of the root's steps."""
    order = np.arange(len(skeleton))
    for left, right in skeleton.mirror_pairs:
        order[[left, right]] = right, left
    root = features[..., : len(ROOT_COLUMNS)] * np.array([-1.0, 1.0, -1.0, 1.0])
    turns = features[..., len(ROOT_COLUMNS) :].reshape(*features.shape[:-1], -1, 3)[..., order, :] * np.array(
        [1.0, -1.0, -1.0]
    )
    return np.concatenate([root, turns.reshape(*features.shape[:-1], -1)], axis=-1)


def route(path: NDArray[np.floating], smoothing: float = 8.0) -> NDArray[np.float32]:
    """Return the way that a root path (n, ..., 3) x, z, heading takes: (n, ..., 3) speeds sideways and ahead in m/s, and rad/s.

    The path is smoothed by a Gaussian of ``smoothing`` frames first: what is left is where somebody goes, without the sway of
    their steps, which is theirs.
    """
    way = np.array(path, np.float64)
    way[..., 2] = np.unwrap(way[..., 2], axis=0)
    # Beyond its ends it goes on as it came: mirrored in place, the ends would seem to stand still.
    beyond = min(int(3 * smoothing), len(way) - 1)
    way = np.pad(way, [(beyond, beyond)] + [(0, 0)] * (way.ndim - 1), mode="reflect", reflect_type="odd")
    way = (gaussian_filter1d(way, smoothing, axis=0) if smoothing else way)[beyond : len(way) - beyond]
    step = np.diff(way, axis=0, prepend=2 * way[:1] - way[1:2] if len(way) > 1 else way[:1])
    sine, cosine = np.sin(way[..., 2]), np.cos(way[..., 2])
    aside, ahead = cosine * step[..., 0] - sine * step[..., 1], sine * step[..., 0] + cosine * step[..., 1]
    return (FPS * np.stack([aside, ahead, step[..., 2]], axis=-1)).astype(np.float32)


def walk(start: NDArray[np.floating], features: NDArray[np.floating], *, moving: bool) -> NDArray[np.float64]:
    """Return the root path (..., n, 3) x, z, heading that features (..., n, C) take from ``start`` (..., 3).

    ``moving``: the start is the frame before these; without it, it is the first of them.
    """
    return decode_root(features[..., :4], np.zeros((*features.shape[:-1], 3)), start, moving=moving)[2]


def to_world(features: NDArray[np.floating], path: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Return world hips (2, n, 3) in metres and rotations (2, n, J, 3) of features (2, n, C) along a root path (2, n, 3).

    The exponential maps are unrolled along these n frames.
    """
    root = np.stack([path[..., 0], features[..., 3].astype(np.float64), path[..., 1]], axis=-1)
    rotations = features[..., 4:].reshape(*features.shape[:2], -1, 3).astype(np.float64)
    hips = rotations[:, :, 0]
    # Hips that a network made may keep a degree of heading of their own; the path alone says where they face.
    rotations[:, :, 0] = matrix_to_exp(yaw_matrix(path[..., 2] - heading(hips)) @ exp_to_matrix(hips))
    return root, unroll_exp(rotations.swapaxes(0, 1)).swapaxes(0, 1)


def from_world(root_translation: Floats, rotations: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """Return features (T, C) and the root path (T, 3) of one performer's world hips (T, 3) and rotations (T, J, 3)."""
    steps, hips, path = encode_root(root_translation, rotations[:, 0])
    return np.concatenate([steps, hips, rotations[:, 1:].reshape(len(steps), -1)], axis=-1), path
