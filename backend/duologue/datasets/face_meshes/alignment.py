"""What the solvers need to know of a sequence of meshes: heads laid over the template's, deltas over its shapes.

With x a frame's vertices, n the neutral ones and B the shapes, head and face are found by

    min over R, t, w of  sum |R x_v + t - n_v - B_v w|²

Each head is first laid over the neutral face, which leaves deltas d = R x + t - n. All that these enter is sums over vertices,
of d by n and of d by B, taken while the file streams by: whatever follows works on 9 K numbers a frame and not on the mesh.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from duologue.datasets.face_meshes.template import FaceTemplate, Points
from duologue.errors import invalid

Array = NDArray[np.float64]

_ROUNDS: Final = 20
"""Alternations between head and face where no part of the mesh goes with the skull alone."""
_RIDGE: Final = 1e-6
_LITTLE: Final = 0.02
"""Of the largest movement: a vertex that moves so far counts half for where the head is."""
_SIZE: Final = (0.6, 1.6)
"""A frame's size against the template's: heads differ by less, units by ten."""


@dataclass(frozen=True, eq=False)
class Sums:
    """Of T frames' deltas d: ``shapes`` (T, 3, K, 3) the sum of d_v by B_v, ``neutral`` (T, 3, 3) of d_v by n_v, ``middle``
    (T, 3) the mean of d_v, ``squares`` (T,) the sum of |d_v|²."""

    shapes: Array
    neutral: Array
    middle: Array
    squares: Array


@dataclass(frozen=True, eq=False)
class Products:
    """The least squares that are left: ``gram`` (K, K) = BᵀB, ``right`` (T, K) = Bᵀd, ``squares`` (T,) = |d|² of the deltas."""

    gram: Array
    right: Array
    squares: Array
    vertices: int

    def residual(self, weights: Array) -> Array:
        """Return the root mean square distance (T,) that weights (T, K) leave at a vertex."""
        rest = (
            self.squares
            - 2 * (weights * self.right).sum(axis=1)
            + np.einsum("tk,kl,tl->t", weights, self.gram, weights)
        )
        return np.sqrt(np.maximum(rest, 0.0) / self.vertices)


def align(template: FaceTemplate, blocks: Iterable[Points]) -> Products:
    """Lay every frame's head over the template's, by the skull where the template has one (Kabsch 1976); else first by what moves
    least, and then over the face that was found, and again.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mesh-units`` when the first frame is of another size than the template.
    """
    sums = _sums(template, blocks)
    basis = template.deltas[template.driven].astype(np.float64)
    gram = np.einsum("kvc,lvc->kl", basis, basis, optimize=True)
    right = np.einsum("tckc->tk", sums.shapes)
    if template.skull is not None:
        return Products(gram, right, sums.squares, len(template.neutral))
    ridge = _RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    factor = cho_factor(gram + ridge)
    moved = Moved(template, basis, sums)
    products = Products(gram, right, sums.squares, len(template.neutral))
    for _ in range(_ROUNDS):
        products = moved.products(gram, cho_solve(factor, products.right.T).T)
    return products


def _sums(template: FaceTemplate, blocks: Iterable[Points]) -> Sums:
    moved = np.flatnonzero(np.abs(template.deltas).max(axis=(0, 2)) > 0)
    count = len(template.driven)
    basis = np.ascontiguousarray(template.deltas[template.driven][:, moved].transpose(1, 0, 2).reshape(len(moved), -1))
    parts: list[tuple[NDArray[np.float32], ...]] = []
    for block in blocks:
        if not parts:
            _check_size(template, block[0])
        deltas = _on_neutral(template, block).transpose(0, 2, 1)  # (n, 3, V)
        shapes = np.ascontiguousarray(deltas[..., moved]).reshape(-1, len(moved)) @ basis
        squares = np.einsum("tcv,tcv->t", deltas, deltas)
        parts.append((shapes.reshape(-1, 3, count, 3), deltas @ template.neutral, deltas.mean(axis=2), squares))
    return Sums(*(np.concatenate(arrays).astype(np.float64) for arrays in zip(*parts, strict=True)))


def _on_neutral(template: FaceTemplate, block: Points) -> Points:
    """Return what is left (n, V, 3) of frames (n, V, 3) once their heads lie over the neutral one."""
    still = np.arange(len(template.neutral)) if template.skull is None else np.flatnonzero(template.skull)
    weights = 1 / (1 + (template.movement[still] / _LITTLE) ** 2)
    weights = (weights / weights.sum())[:, None].astype(np.float32)
    neutral, points = template.neutral[still], block[:, still]
    to, origin = (weights * neutral).sum(axis=0), (weights * points).sum(axis=1)
    covariance = (points - origin[:, None]).transpose(0, 2, 1) @ (weights * (neutral - to))
    rotations = _kabsch(covariance.astype(np.float64)).astype(np.float32)
    turned = (block - origin[:, None]) @ rotations.transpose(0, 2, 1)
    return turned - (template.neutral - to)


def _check_size(template: FaceTemplate, frame: Points) -> None:
    sizes = [float(np.sqrt(points.var(axis=0).sum())) for points in (frame, template.neutral)]
    ratio = sizes[0] / sizes[1]
    if not _SIZE[0] < ratio < _SIZE[1]:
        raise invalid(
            "mesh-units",
            f"the meshes are {ratio:.3g} times as large as the template; give --scale {1 / ratio:.3g}, or what units differ by",
            field="--scale",
        )


def _kabsch(covariance: Array) -> Array:
    """Return the rotations (T, 3, 3) that best take x to y, of sums (T, 3, 3) of x_i by y_j about their middles."""
    left, _, right = np.linalg.svd(covariance)
    handed = np.ones((len(covariance), 1, 3))
    handed[:, 0, 2] = np.sign(np.linalg.det(left @ right))
    return np.swapaxes((left * handed) @ right, 1, 2)


class Moved:
    """Heads that are laid anew over faces as they were found, from the sums alone."""

    def __init__(self, template: FaceTemplate, basis: Array, sums: Sums) -> None:
        """Take ``basis`` (K, V, 3) and the sums of the deltas; x = n + d is what is turned."""
        self.neutral = template.neutral.astype(np.float64)
        self.basis, self.count = basis, len(self.neutral)
        self.middle = self.neutral.mean(axis=0) + sums.middle
        self.by_shapes = np.einsum("vi,kvj->ikj", self.neutral, basis) + sums.shapes
        self.by_neutral = self.neutral.T @ self.neutral + sums.neutral
        twice = 2 * np.einsum("tii->t", sums.neutral)
        self.squares = sums.squares + twice + float((self.neutral**2).sum())

    def products(self, gram: Array, weights: Array) -> Products:
        """Return the least squares that are left once heads lie over the faces of weights (T, K)."""
        neutral_middle, sideways = self.neutral.mean(axis=0), self.basis.sum(axis=1)
        faces = neutral_middle + weights @ sideways / self.count
        covariance = self.by_neutral + np.einsum("tikj,tk->tij", self.by_shapes, weights)
        rotations = _kabsch(covariance - self.count * np.einsum("ti,tj->tij", self.middle, faces))
        middles = np.einsum("tij,tj->ti", rotations, self.middle)
        offsets = faces - middles
        right = np.einsum("tji,tikj->tk", rotations, self.by_shapes) + offsets @ sideways.T
        right -= np.einsum("kvc,vc->k", self.basis, self.neutral)
        across = np.einsum("tji,tij->t", rotations, self.by_neutral) + self.count * offsets @ neutral_middle
        own = self.squares + self.count * ((offsets**2).sum(axis=1) + 2 * (offsets * middles).sum(axis=1))
        squares = own - 2 * across + float((self.neutral**2).sum())
        return Products(gram, right, squares, self.count)
