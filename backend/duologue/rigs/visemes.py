"""ARKit mouth weights as a mixture of visemes, for faces that have nothing else.

A mixture alone would leave lips apart that must meet: the nearest one to a small closure is a small viseme. So closures and
bites are constraints, as in ``facial.articulation``, and the mixture is what is left of the way to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from duologue import arkit
from duologue.errors import invalid
from duologue.motion.rotations import Floats, as_floats

EXPRESSIVE: Final = ("mouthSmile",)
"""What says how somebody feels, not what they say. A mixture that goes for it bares the teeth of a quiet smile (seen on Ready
Player Me's), so it is left to a key of the face's own, which adds what the mixture lacks of it."""
_TONGUED: Final = ("TH", "nn")
"""Visemes that show the tongue. ARKit's weights don't say where that is: they would only be mixed in for their lips."""
_HELD: Final = 0.8
"""The weight of PP and FF where lips are shut or teeth on the lip altogether; at 1 cartoons press their lips away."""
_ROLLED: Final = (0.15, 0.42)
"""``mouthRollLower`` where a bite begins, and that of a full f (``facial.articulation``)."""


@dataclass(frozen=True, eq=False)
class VisemeBasis:
    """Which ARKit weights make up each viseme: ``matrix`` (G, V) for G groups of shapes, and their ``importance`` (G,).

    Nothing is mixed for the groups in ``EXPRESSIVE``.
    """

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
        """The ARKit shapes that the mixture stands for."""
        return tuple(name for group in self.groups if group not in EXPRESSIVE for name in _members(group))

    def only(self, visemes: Iterable[str]) -> VisemeBasis:
        """Return the basis of those visemes that a face has."""
        columns = [self.visemes.index(viseme) for viseme in visemes]
        return VisemeBasis(
            self.groups, tuple(self.visemes[i] for i in columns), self.matrix[:, columns], self.importance
        )

    def project(self, weights: ArrayLike, iterations: int = 400) -> Floats:
        """Return the mixture (T, V), in [0, 1], of visemes nearest to ARKit weights (T, 52).

        Least squares without negative weights, by the multiplicative update of Lee and Seung ("Algorithms for Non-negative
        Matrix Factorization", 2000): all is non-negative here, and it runs on all frames at once. Where lips are shut or the
        lower one is bitten, PP and FF are held instead; a face without PP rests its mouth, one without FF goes without.
        """
        values = as_floats(weights)
        importance = np.where([group in EXPRESSIVE for group in self.groups], 0.0, self.importance)
        mixed = np.where([viseme in _TONGUED for viseme in self.visemes], 0.0, self.matrix)
        wanted = np.stack([np.clip(self._wanted(values, group), 0.0, 1.0) for group in self.groups], axis=1)
        basis = mixed * importance[:, None]
        pull, gram = (wanted * importance) @ basis, basis.T @ basis
        mixture = np.full_like(pull, 1.0 / len(self.visemes))
        for _ in range(iterations):
            mixture = mixture * (pull / (mixture @ gram + 1e-12))
        shut, bitten = closure(values), bite(values)
        for viseme, amount in (("FF", bitten), ("PP", shut)):
            if viseme in self.visemes or viseme == "PP":
                mixture *= (1.0 - amount)[:, None]
            if viseme in self.visemes:
                mixture[:, self.visemes.index(viseme)] += _HELD * amount
        return np.clip(mixture, 0.0, 1.0).astype(values.dtype)

    def lacking(self, weights: ArrayLike, mixture: Floats) -> Floats:
        """Return ARKit weights (T, 52) less what a mixture (T, V) already shows of the groups in ``EXPRESSIVE``."""
        values = as_floats(weights).copy()
        for group in [group for group in EXPRESSIVE if group in self.groups]:
            columns = [arkit.INDEX[name] for name in _members(group)]
            shown = mixture @ self.matrix[self.groups.index(group)].astype(values.dtype)
            values[:, columns] = np.clip(values[:, columns] - shown[:, None], 0.0, None)
        return values

    @staticmethod
    def _wanted(values: Floats, group: str) -> Floats:
        return values[:, [arkit.INDEX[name] for name in _members(group)]].mean(axis=1)


def closure(weights: Floats) -> Floats:
    """Return (T,) how far the lips are shut on purpose in ARKit weights (T, 52), 0 to 1: ``mouthClose`` against the jaw."""
    jaw, close = (weights[:, arkit.INDEX[name]] for name in ("jawOpen", "mouthClose"))
    return np.clip(close / (np.clip(jaw, 0.0, None) + 0.03), 0.0, 1.0)


def bite(weights: Floats) -> Floats:
    """Return (T,) how far the lower lip is under the teeth in ARKit weights (T, 52), 0 to 1."""
    begins, full = _ROLLED
    rolled = (weights[:, arkit.INDEX["mouthRollLower"]] - begins) / (full - begins)
    return np.clip(rolled, 0.0, 1.0) * (1.0 - closure(weights))


def _members(group: str) -> list[str]:
    """Return the ARKit names that a group stands for: itself, or its left and right."""
    return [name for name in (group, group + "Left", group + "Right") if name in arkit.INDEX][-2:]
