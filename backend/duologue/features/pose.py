"""What the networks see of a pose: named feature columns, those of the lower body and those of the upper.

One performer's frame is, as in LDA (docs/reference/papers.md#lda): the root's step since the last frame in its own heading
frame (dx, dz in metres, dyaw in radians), the hips' height, the hips' rotation with the heading taken out, and every other
joint's parent-local exponential map.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from duologue.features.root import COLUMNS, decode_root, encode_root, heading
from duologue.motion.rotations import Floats, exp_to_matrix, matrix_to_exp, unroll_exp, yaw_matrix
from duologue.motion.skeleton import Skeleton
from duologue.units import FPS

LOWER_JOINTS: Final = (
    "Hips",
    *(side + joint for side in ("Left", "Right") for joint in ("UpLeg", "Leg", "Foot", "ToeBase")),
)
"""What the lower-body network makes, besides the root; the upper-body network makes every other joint."""

TRUNK: Final = ("Spine", "Neck", "Head")
"""What the names of the trunk's and the head's joints begin with."""

ROOT_COLUMNS: Final = tuple(f"root.{name}" for name in COLUMNS)

STEP_COLUMNS: Final = ROOT_COLUMNS[:3]
"""Of these the root's path is made."""

CONTACT_COLUMNS: Final = tuple(f"contact.{side}{point}" for side in ("Left", "Right") for point in ("Heel", "Ball"))
"""How far the points of the soles bear weight, 0 to 1: what the lower-body network says of its feet besides their pose."""

PLACEMENT_COLUMNS: Final = ("x", "z", "sine", "cosine")
"""Of ``placement``: the partner's place in the performer's own heading frame, metres / 2; the partner's heading in it."""

ROUTE_COLUMNS: Final = ("aside", "ahead", "turning")
"""Of ``route``: speed along the smoothed way, m/s, and its turning, rad/s."""


def columns(skeleton: Skeleton) -> tuple[str, ...]:
    """Return the names of all feature columns of one performer: four of the root, three (x, y, z) a joint."""
    return (*ROOT_COLUMNS, *(f"{name}.{axis}" for name in skeleton.names for axis in "xyz"))


def channels(skeleton: Skeleton) -> tuple[str, ...]:
    """Return the names of all that networks see of one performer: ``columns``, and the contacts, which a pose implies."""
    return (*columns(skeleton), *CONTACT_COLUMNS)


def is_lower(column: str) -> bool:
    """Whether the lower-body network makes a column."""
    joint, _, _ = column.partition(".")
    return joint in ("root", "contact") or joint in LOWER_JOINTS


def has_mode_scale(column: str) -> bool:
    """Whether a column has a scale of its own in each action mode: the lower body and the trunk. The spine's deviation
    in who stands is a third of what it is on a chair; what arms do is much the same."""
    joint, _, _ = column.partition(".")
    return is_lower(column) or joint.startswith(TRUNK)


def placement(path: NDArray[np.floating]) -> NDArray[np.float64]:
    """Where each one's partner stands, seen from their own root: (2, n, 3) x, z, heading to (2, n, 4), ``PLACEMENT_COLUMNS``."""
    away = path[::-1] - path
    sine, cosine = np.sin(path[..., 2]), np.cos(path[..., 2])
    x = cosine * away[..., 0] - sine * away[..., 1]
    z = sine * away[..., 0] + cosine * away[..., 1]
    return np.stack([x / 2, z / 2, np.sin(away[..., 2]), np.cos(away[..., 2])], axis=-1)


def mirrored(features: NDArray[np.floating], skeleton: Skeleton) -> Floats:
    """Return features (..., C), ``columns`` or ``channels``, as a mirror shows them: left and right change places, and so do the
    sides of the root's steps."""
    order = np.arange(len(skeleton))
    for left, right in skeleton.mirror_pairs:
        order[[left, right]] = right, left
    posed = len(ROOT_COLUMNS) + 3 * len(skeleton)
    root = features[..., : len(ROOT_COLUMNS)] * np.array([-1.0, 1.0, -1.0, 1.0])
    turns = features[..., len(ROOT_COLUMNS) : posed].reshape(*features.shape[:-1], -1, 3)[..., order, :] * np.array(
        [1.0, -1.0, -1.0]
    )
    contacts = np.roll(
        features[..., posed:], len(CONTACT_COLUMNS) // 2, axis=-1
    )  # the right foot's behind the left one's
    return np.concatenate([root, turns.reshape(*features.shape[:-1], -1), contacts], axis=-1)


def route(path: NDArray[np.floating], smoothing: float = 8.0) -> NDArray[np.float32]:
    """Return the way that a root path (n, ..., 3) x, z, heading takes: (n, ..., 3) ``ROUTE_COLUMNS``.

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


def faced(features: NDArray[np.floating]) -> Floats:
    """Return features (..., C) whose hips have no heading left: a network may leave them a degree of what is the path's."""
    hips = slice(len(ROOT_COLUMNS), len(ROOT_COLUMNS) + 3)
    turned = np.array(features)
    local = features[..., hips].astype(np.float64)
    turned[..., hips] = matrix_to_exp(yaw_matrix(-heading(local)) @ exp_to_matrix(local))
    return turned


def walk(start: NDArray[np.floating], features: NDArray[np.floating], *, moving: bool) -> NDArray[np.float64]:
    """Return the root path (..., n, 3) x, z, heading that features (..., n, C) take from ``start`` (..., 3).

    ``moving``: the start is the frame before these; without it, it is the first of them.
    """
    return decode_root(features[..., : len(ROOT_COLUMNS)], np.zeros((*features.shape[:-1], 3)), start, moving=moving)[2]


def to_world(features: NDArray[np.floating], path: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Return world hips (2, n, 3) in metres and rotations (2, n, J, 3) of features (2, n, C) along a root path (2, n, 3).

    The exponential maps are unrolled along these n frames.
    """
    root = np.stack([path[..., 0], features[..., 3].astype(np.float64), path[..., 1]], axis=-1)
    rotations = features[..., len(ROOT_COLUMNS) :].reshape(*features.shape[:2], -1, 3).astype(np.float64)
    hips = rotations[:, :, 0]
    # Hips that a network made may keep a degree of heading of their own; the path alone says where they face.
    rotations[:, :, 0] = matrix_to_exp(yaw_matrix(path[..., 2] - heading(hips)) @ exp_to_matrix(hips))
    return root, unroll_exp(rotations.swapaxes(0, 1)).swapaxes(0, 1)


def from_world(root_translation: Floats, rotations: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """Return features (T, C) and the root path (T, 3) of one performer's world hips (T, 3) and rotations (T, J, 3)."""
    steps, hips, path = encode_root(root_translation, rotations[:, 0])
    return np.concatenate([steps, hips, rotations[:, 1:].reshape(len(steps), -1)], axis=-1), path
