"""Rotations as exponential maps, quaternions, matrices and Euler angles, vectorised over leading dimensions.

Conventions: an exponential map is axis * angle in radians; a quaternion is (w, x, y, z), unit, and stands for the same rotation
as its negative; a matrix turns column vectors, ``R @ v``. float64 stays float64, float32 stays float32, integers become float64.

Numerics follow F. S. Grassia, "Practical parameterization of rotations using the exponential map", 1998: every conversion goes
through the quaternion, which is smooth at the identity and at half turns, where the trace formula for matrices is not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from itertools import pairwise
from typing import Any, Final, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from duologue.errors import invalid

Floats: TypeAlias = NDArray[np.floating[Any]]

einsum = cast("Callable[..., Floats]", np.einsum)  # pyright: ignore[reportUnknownMemberType]
"""numpy's, with a type that a strict checker accepts (numpy 1.26 annotates it with unknowns)."""

AXES: Final = {"X": 0, "Y": 1, "Z": 2}
TURN: Final = 2.0 * np.pi


def as_floats(values: ArrayLike) -> Floats:
    """Return ``values`` as an array of float32 or float64, without a copy where it is one already."""
    array = np.asarray(values)
    if array.dtype.char in "fd":
        return array
    return array.astype(np.float64)


def _norm(vectors: Floats) -> Floats:
    return np.sqrt(einsum("...i,...i->...", vectors, vectors))[..., None]


def exp_to_quat(rotations: ArrayLike) -> Floats:
    """Turn exponential maps (..., 3) into unit quaternions (..., 4)."""
    vectors = as_floats(rotations)
    half = 0.5 * _norm(vectors)
    # sin(half) / angle, exact down to zero: np.sinc(x) is sin(pi x) / (pi x) with its limit at 0.
    return np.concatenate([np.cos(half), 0.5 * np.sinc(half / np.pi).astype(vectors.dtype) * vectors], axis=-1)


def quat_to_exp(quaternions: ArrayLike) -> Floats:
    """Turn unit quaternions (..., 4) into the shortest exponential maps (..., 3), angle in [0, pi]."""
    quats = as_floats(quaternions)
    quats = np.where(quats[..., :1] < 0, -quats, quats)
    sine = _norm(quats[..., 1:])
    # atan2 keeps full precision at both ends, where arccos(w) and arcsin(|v|) each lose half their digits.
    angle = 2.0 * np.arctan2(sine, quats[..., :1])
    small = sine < np.finfo(quats.dtype).tiny ** 0.5
    scale = np.where(small, 2.0, angle / np.where(small, 1.0, sine))
    return (scale * quats[..., 1:]).astype(quats.dtype)


def quat_to_matrix(quaternions: ArrayLike) -> Floats:
    """Turn unit quaternions (..., 4) into rotation matrices (..., 3, 3)."""
    quats = as_floats(quaternions)
    w, x, y, z = (quats[..., i] for i in range(4))
    matrices = np.empty((*quats.shape[:-1], 3, 3), quats.dtype)
    matrices[..., 0, 0] = 1 - 2 * (y * y + z * z)
    matrices[..., 0, 1] = 2 * (x * y - w * z)
    matrices[..., 0, 2] = 2 * (x * z + w * y)
    matrices[..., 1, 0] = 2 * (x * y + w * z)
    matrices[..., 1, 1] = 1 - 2 * (x * x + z * z)
    matrices[..., 1, 2] = 2 * (y * z - w * x)
    matrices[..., 2, 0] = 2 * (x * z - w * y)
    matrices[..., 2, 1] = 2 * (y * z + w * x)
    matrices[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return matrices


def matrix_to_quat(matrices: ArrayLike) -> Floats:
    """Turn rotation matrices (..., 3, 3) into unit quaternions (..., 4) with w >= 0.

    Of the four ways to divide out one component, each element takes the one that divides by its largest
    (S. W. Shepperd, "Quaternion from rotation matrix", 1978), so that half turns are as exact as any other rotation.
    """
    m = as_floats(matrices)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    # Row i is 4 * q_i * (w, x, y, z): the outer product of the quaternion with itself.
    outer = np.stack(
        [
            np.stack([1 + m00 + m11 + m22, wx, wy, wz], axis=-1),
            np.stack([wx, 1 + m00 - m11 - m22, xy, xz], axis=-1),
            np.stack([wy, xy, 1 - m00 + m11 - m22, yz], axis=-1),
            np.stack([wz, xz, yz, 1 - m00 - m11 + m22], axis=-1),
        ],
        axis=-2,
    )
    largest = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), axis=-1)
    quats = np.take_along_axis(outer, largest[..., None, None], axis=-2)[..., 0, :]
    quats = quats / _norm(quats)
    return np.where(quats[..., :1] < 0, -quats, quats)


def exp_to_matrix(rotations: ArrayLike) -> Floats:
    """Turn exponential maps (..., 3) into rotation matrices (..., 3, 3)."""
    return quat_to_matrix(exp_to_quat(rotations))


def matrix_to_exp(matrices: ArrayLike) -> Floats:
    """Turn rotation matrices (..., 3, 3) into the shortest exponential maps (..., 3)."""
    return quat_to_exp(matrix_to_quat(matrices))


def quat_multiply(left: ArrayLike, right: ArrayLike) -> Floats:
    """Compose quaternions: the result turns by ``right`` first, then by ``left`` (like matrices)."""
    a, b = as_floats(left), as_floats(right)
    aw, ax, ay, az = (a[..., i] for i in range(4))
    bw, bx, by, bz = (b[..., i] for i in range(4))
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def quat_conjugate(quaternions: ArrayLike) -> Floats:
    """Return the inverses of unit quaternions (..., 4)."""
    quats = as_floats(quaternions)
    return quats * np.array([1, -1, -1, -1], quats.dtype)


def quat_rotate(quaternions: ArrayLike, vectors: ArrayLike) -> Floats:
    """Turn vectors (..., 3) by unit quaternions (..., 4)."""
    quats, points = as_floats(quaternions), as_floats(vectors)
    w, axis = quats[..., :1], quats[..., 1:]
    twice = 2.0 * cross(axis, points)
    return points + w * twice + cross(axis, twice)


def inverse(matrices: Floats) -> Floats:
    """Return the inverses of regular matrices (..., 3, 3) by cross products: numpy's own goes from one to the next."""
    first, second, third = (matrices[..., i] for i in range(3))
    rows = np.stack([cross(second, third), cross(third, first), cross(first, second)], axis=-2)
    return rows / einsum("...i,...i->...", rows[..., 0, :], first)[..., None, None]


def cross(left: Floats, right: Floats) -> Floats:
    """Return the cross product of (..., 3): numpy's own spends four times as long on moving axes, for a few vectors."""
    ax, ay, az = (left[..., i] for i in range(3))
    bx, by, bz = (right[..., i] for i in range(3))
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)


def quat_slerp(start: ArrayLike, end: ArrayLike, fraction: ArrayLike) -> Floats:
    """Go from ``start`` to ``end`` (..., 4) by ``fraction`` (...) of the shorter way, at constant angular speed."""
    first, last = as_floats(start), as_floats(end)
    turn = quat_to_exp(quat_multiply(quat_conjugate(first), last))
    return quat_multiply(first, exp_to_quat(np.asarray(fraction, turn.dtype)[..., None] * turn))


def quat_between(start: ArrayLike, end: ArrayLike) -> Floats:
    """Return the shortest rotations (..., 4) that turn directions ``start`` (..., 3) into ``end`` (..., 3).

    Lengths don't matter. Opposite directions have no shortest rotation: those get a half turn about some axis across ``start``.
    """
    a, b = as_floats(start), as_floats(end)
    tiny = np.finfo(np.result_type(a, b)).tiny ** 0.5
    a, b = a / np.maximum(_norm(a), tiny), b / np.maximum(_norm(b), tiny)
    middle = a + b
    length = _norm(middle)
    # Across `a`: cross it with the axis it is least aligned with.
    other = cross(a, np.eye(3, dtype=a.dtype)[np.argmin(np.abs(a), axis=-1)])
    opposite = length < (1e-7 if middle.dtype == np.float64 else 1e-3)
    middle = (np.where(opposite, 0.0, middle) / np.where(opposite, 1.0, length)).astype(middle.dtype)
    w = einsum("...i,...i->...", a, middle)[..., None]
    axis = np.where(opposite, other / np.maximum(_norm(other), tiny), cross(a, middle))
    return np.concatenate([w, axis], axis=-1).astype(middle.dtype)


def _check_order(order: str) -> None:
    known = 1 <= len(order) <= 3 and set(order) <= set(AXES) and all(a != b for a, b in pairwise(order))
    if not known:
        raise invalid(
            "rotation-order",
            f"{order!r} is not a rotation order; write one to three of X, Y and Z, such as 'ZXY'.",
            field="order",
        )


def euler_to_quat(angles: ArrayLike, order: str) -> Floats:
    """Turn Euler angles (..., n) in radians into unit quaternions (..., 4).

    ``order`` names the n axes as BVH channels do: ``"ZXY"`` is R = Rz(angles[0]) Rx(angles[1]) Ry(angles[2]). One or two axes
    are allowed too (joints with fewer channels).

    Raises:
        DuologueError: INVALID_ARGUMENT ``rotation-order``.
    """
    _check_order(order)
    half = 0.5 * as_floats(angles)
    cosine, sine = np.cos(half), np.sin(half)
    turns: list[Floats] = []
    for i, name in enumerate(order):
        turn = np.zeros((*half.shape[:-1], 4), half.dtype)
        turn[..., 0], turn[..., 1 + AXES[name]] = cosine[..., i], sine[..., i]
        turns.append(turn)
    return reduce(quat_multiply, turns)


def euler_to_matrix(angles: ArrayLike, order: str) -> Floats:
    """Turn Euler angles (..., n) in radians into matrices (..., 3, 3); see ``euler_to_quat`` for ``order``."""
    return quat_to_matrix(euler_to_quat(angles, order))


def matrix_to_euler(matrices: ArrayLike, order: str) -> Floats:
    """Turn matrices (..., 3, 3) into Euler angles (..., 3) in radians for one of the six orders of three different axes.

    The middle angle lies in [-pi/2, pi/2]. At its ends only one combination of the outer angles is defined; the first is
    then arbitrary and the last goes with it, so that turning back gives the same rotation as everywhere else.

    Raises:
        DuologueError: INVALID_ARGUMENT ``rotation-order``.
    """
    _check_order(order)
    if len(set(order)) != 3:
        raise invalid("rotation-order", f"{order!r} does not name X, Y and Z once each.", field="order")
    m = as_floats(matrices)
    i, j, k = (AXES[name] for name in order)
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    first = np.arctan2(-sign * m[..., j, k], m[..., k, k])
    middle = np.arctan2(sign * m[..., i, k], np.hypot(m[..., i, i], m[..., i, j]))
    # Turn the first angle back and read the last from what is left: well conditioned at the poles too.
    cosine, sine = np.cos(first), sign * np.sin(first)
    last = np.arctan2(sign * (cosine * m[..., j, i] + sine * m[..., k, i]), cosine * m[..., j, j] + sine * m[..., k, j])
    return np.stack([first, middle, last], axis=-1).astype(m.dtype)


def yaw_matrix(yaw: ArrayLike) -> Floats:
    """Return the matrices (..., 3, 3) that turn about +Y by ``yaw`` (...) radians: +Z goes to (sin yaw, 0, cos yaw)."""
    return euler_to_matrix(as_floats(yaw)[..., None], "Y")


def unroll_quat(quaternions: ArrayLike) -> Floats:
    """Choose signs along time (T, ..., 4) so that each quaternion is the nearer of the two to the one before it."""
    quats = as_floats(quaternions)
    dots = einsum("t...i,t...i->t...", quats[1:], quats[:-1])
    flips = np.cumprod(np.where(dots < 0, -1, 1), axis=0)[..., None].astype(quats.dtype)
    return np.concatenate([quats[:1], quats[1:] * flips], axis=0)


def unroll_exp(rotations: ArrayLike) -> Floats:
    """Choose among the equivalents of each exponential map along time (T, ..., 3) the one closest to the previous frame's.

    The equivalents of v are v + 2 pi k v/|v| for whole k: the angle runs past pi instead of jumping to the other side.
    The first frame takes its shortest form.
    """
    vectors = quat_to_exp(exp_to_quat(rotations))
    length = _norm(vectors)
    axis = vectors / np.where(length > 0, length, 1.0)
    # An axis and its negative are one line: follow the line, so that an angle may pass zero without a jump.
    cosine = einsum("t...i,t...i->t...", axis[1:], axis[:-1])
    flips = np.cumprod(np.where(cosine < 0, -1, 1), axis=0).astype(vectors.dtype)
    signs = np.concatenate([np.ones_like(vectors[:1, ..., 0]), flips], axis=0)
    cosine = np.abs(cosine)
    angle = length[..., 0] * signs
    # Frame t depends on the choice at t - 1, so this one does go frame by frame (all joints at once, some 3 us a frame).
    for t in range(1, len(angle)):
        angle[t] += TURN * np.rint((cosine[t - 1] * angle[t - 1] - angle[t]) / TURN)
    return (angle * signs)[..., None] * axis
