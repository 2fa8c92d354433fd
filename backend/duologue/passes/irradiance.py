"""The light of a picture: far lamps on a matt surface, and the brightest side's shadow, by least squares.

Far lamps on a matt surface are a quadratic of its normal n, nine numbers a colour (R. Ramamoorthi and P. Hanrahan, "An
efficient representation for irradiance environment maps", 2001): ``I = g a (Y(n) C - V(n) K)``. a is the surface's own colour,
linear; g what the picture makes of it (a user's may be in another style than the rig); V the brightest side's light where
somebody is in its way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.passes.contract import HAND, HEAD, PARTS
from duologue.passes.shading import to_linear

Floats = NDArray[np.floating[Any]]
Bytes = NDArray[np.uint8]

_LABELS: Final = 256
_FEW: Final = 30.0
"""Pixels of a part that count for as much as the rig's own colours do."""
_DARKEST: Final = 0.02
"""Linear: what is black on the rig may still be anything in the picture, and no light is darker."""
_EVEN: Final = 1e-3
"""What a light's directions cost against a pixel's square: where few normals are seen it stays even."""
_ROUNDS: Final = 3
_GAINS: Final = (0.2, 5.0)


@dataclass(frozen=True, eq=False)
class Light:
    """A picture's light: ``I = g a (Y(n) C - V(n) K)``, V being how much of the brightest side's light something keeps away.

    ``coefficients`` (10, 3): C, and K; ``gains`` (256, 3) g of each label; ``towards`` (3,): the brightest side, unit, world.
    """

    coefficients: Floats
    gains: Floats
    towards: Floats

    @classmethod
    def of(
        cls,
        picture: Floats | Bytes,
        own: Floats | Bytes,
        normal: Floats,
        labels: Bytes,
        shadowed: Callable[[Floats], Floats],
    ) -> Light:
        """Find the light of a picture by least squares, in turn with what it makes of each label's colours.

        Args:
            picture: (N, 3) sRGB 0..255 of pixels that show somebody or something.
            own: (N, 3) the surface's own colours there, sRGB 0..255.
            normal: (N, 3) unit, world.
            labels: (N,) person x 8 + part.
            shadowed: gives how much (N,) of them lies in shadow, 0 to 1, of a far lamp in a direction (3,).
        """
        shown, linear = to_linear(picture), np.maximum(to_linear(own), _DARKEST)
        gains, coefficients, towards = np.ones((_LABELS, 3)), np.zeros((10, 3)), np.array((0.0, 1.0, 0.0))
        kept = np.zeros(len(linear))
        for round_ in range(_ROUNDS):
            if round_ == 1:
                # Which way it gets brighter is asked of a light without a second degree: seen sides tell y from y^2 badly.
                slope = _least_squares(shown, gains[labels] * linear, basis(normal, kept, towards)[:, :4])[1:].sum(
                    axis=1
                )
                if (
                    steep := float(np.linalg.norm(slope))
                ) > 1e-9:  # else it is as bright on all sides, or nobody is seen
                    towards = slope / steep
                kept = shadowed(towards)
            coefficients = _fitted(shown, gains[labels] * linear, basis(normal, kept, towards))
            shade = np.clip(basis(normal, kept, towards) @ coefficients, 0.0, None)
            gains = _gains(shown, linear * shade, labels)
        return cls(coefficients, gains, towards)

    def shade(self, normal: Floats, shadowed: Floats) -> Floats:
        """Return how bright (N, 3) it is where a surface faces ``normal`` (N, 3), ``shadowed`` (N,) of it in shadow."""
        return np.maximum(basis(normal, shadowed, self.towards) @ self.coefficients, _DARKEST)

    def lit(self, own: Floats | Bytes, labels: Bytes, shade: Floats) -> Floats:
        """Return surfaces (N, 3), linear, of colours and labels as in ``of``, where it is as bright as ``shade``."""
        return self.gains[labels] * np.maximum(to_linear(own), _DARKEST) * shade


def _fitted(shown: Floats, own: Floats, light: Floats) -> Floats:
    """Return the coefficients (10, 3) with ``shown = own (light C)``, all (N, ...); a shadow that would brighten is none."""
    found = _least_squares(shown, own, light)
    if (wrong := found[-1] > 0).any():
        found[:-1, wrong] = _least_squares(shown, own, light[:, :-1])[:, wrong]
        found[-1, wrong] = 0.0
    return found


def _least_squares(shown: Floats, own: Floats, light: Floats) -> Floats:
    """Return the coefficients (k, 3), stiff: what few pixels tell nothing of stays as even as the rig's own light."""
    found = np.empty((light.shape[1], 3))
    first = np.eye(light.shape[1])[0]
    for c in range(3):
        rows = own[:, c, None] * light
        square = (rows[:, 0] @ rows[:, 0] + 1.0) / (len(rows) + 1.0)
        stiff = np.diag(square * (1.0 + _EVEN * len(rows) * (1.0 - first)))
        found[:, c] = np.linalg.solve(rows.T @ rows + stiff, rows.T @ shown[:, c] + square * first)
    return found


def basis(normal: Floats, shadowed: Floats, towards: Floats) -> Floats:
    """Return what a light is made of (N, 10) at unit normals (N, 3): real spherical harmonics up to degree two, but for their
    constants, and the brightest side's light where it is kept away."""
    x, y, z = normal.T
    away = shadowed * np.clip(normal @ towards, 0.0, 1.0)
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1, away], axis=1)


def _gains(shown: Floats, lit: Floats, labels: Bytes) -> Floats:
    """Return what a picture makes of each label's colours (256, 3): ``sum I / sum a s``, near 1 where it shows little of them.

    A label of which it shows nothing has its skin's (a hand its head's, a head its hand's), or 1.
    """
    count = np.bincount(labels, minlength=_LABELS)
    sums = [np.stack([np.bincount(labels, values[:, c], _LABELS) for c in range(3)], axis=1) for values in (shown, lit)]
    prior = _FEW * np.maximum(sums[1] / np.maximum(count, 1)[:, None], _DARKEST)
    gains = np.clip((sums[0] + prior) / (sums[1] + prior), *_GAINS)
    for first in range(0, _LABELS, len(PARTS)):
        for one, other in ((first + HEAD, first + HAND), (first + HAND, first + HEAD)):
            if not count[one] and count[other]:
                gains[one] = gains[other]
    return gains
