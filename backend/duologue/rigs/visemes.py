"""ARKit mouth weights as a mixture of visemes, for faces that have nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from duologue import arkit
from duologue.errors import invalid
from duologue.motion.rotations import Floats, as_floats


@dataclass(frozen=True, eq=False)
class VisemeBasis:
    """Which ARKit weights make up each viseme: ``matrix`` (G, V) for G groups of shapes, and their ``importance`` (G,)."""

    groups: tuple[str, ...]
    visemes: tuple[str, ...]
    matrix: Floats
    importance: Floats

    @classmethod
    def from_tables(
        cls, visemes: Mapping[str, Mapping[str, float]], importance: Mapping[str, float], where: str = ""
    ) -> VisemeBasis:
        """Build a basis from a shape map's tables.

        Raises:
            DuologueError: INVALID_ARGUMENT ``shape-map`` for shapes that ARKit has not or that have no importance.
        """
        groups = tuple(importance)
        unknown = [group for group in groups if not _members(group)]
        unknown += [group for parts in visemes.values() for group in parts if group not in importance]
        if unknown:
            raise invalid("shape-map", f"{where}: {', '.join(unknown)}: no such ARKit shape, or without importance.")
        matrix = np.array([[float(parts.get(group, 0.0)) for parts in visemes.values()] for group in groups])
        return cls(groups, tuple(visemes), matrix, np.array([float(importance[group]) for group in groups]))

    @property
    def shapes(self) -> tuple[str, ...]:
        """The ARKit shapes that take part."""
        return tuple(name for group in self.groups for name in _members(group))

    def only(self, visemes: Iterable[str]) -> VisemeBasis:
        """Return the basis of those visemes that a face has."""
        columns = [self.visemes.index(viseme) for viseme in visemes]
        return VisemeBasis(
            self.groups, tuple(self.visemes[i] for i in columns), self.matrix[:, columns], self.importance
        )

    def project(self, weights: ArrayLike, iterations: int = 400) -> Floats:
        """Return the mixture (T, V), in [0, 1], of visemes nearest to ARKit weights (T, 52).

        Least squares without negative weights, by the multiplicative update of Lee and Seung ("Algorithms for Non-negative
        Matrix Factorization", 2000): all is non-negative here, and it runs on all frames at once.
        """
        values = as_floats(weights)
        wanted = np.stack(
            [values[:, [arkit.INDEX[name] for name in _members(group)]].mean(axis=1) for group in self.groups], axis=1
        )
        wanted = np.clip(wanted, 0.0, 1.0) * self.importance
        basis = self.matrix * self.importance[:, None]
        pull, gram = wanted @ basis, basis.T @ basis
        mixture = np.full_like(pull, 1.0 / len(self.visemes))
        for _ in range(iterations):
            mixture = mixture * (pull / (mixture @ gram + 1e-12))
        return np.clip(mixture, 0.0, 1.0).astype(values.dtype)


def _members(group: str) -> list[str]:
    """Return the ARKit names that a group stands for: itself, or its left and right."""
    return [name for name in (group, group + "Left", group + "Right") if name in arkit.INDEX][-2:]
