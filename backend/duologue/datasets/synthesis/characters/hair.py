"""Hair: solid volumes over the skull. Head space, centimetres (see head.py); every style leaves face and ears free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.synthesis.characters.features import Piece, hair_piece
from duologue.datasets.synthesis.characters.fields import (
    Field,
    Points,
    blend,
    carve,
    clip,
    ellipsoid,
    grooved,
    half_space,
    limb,
    mirrored,
    sphere,
)


def quiff() -> list[Piece]:
    """Short at the sides, longer on top and combed up and to his left."""
    sides = blend(1.5, ellipsoid((0, 16.2, -0.9), (9.0, 9.9, 9.9)), ellipsoid((0, 10.2, -4.4), (7.3, 6.2, 6.2)))
    sides = clip(0.5, sides, half_space((0, 18.2, 7.6), (0, -16.0, 14.6)))
    sides = carve(0.5, sides, ellipsoid((0, 11.6, 9.9), (7.6, 7.9, 6.7)))
    top = blend(
        2.2,
        ellipsoid((0.2, 20.6, -0.8), (8.1, 5.5, 8.9)),
        ellipsoid((0.2, 22.0, 5.6), (6.3, 2.6, 4.0)),
        ellipsoid((2.6, 23.2, 4.8), (4.2, 2.6, 4.3)),
    )
    top = clip(1.0, top, half_space((0, 19.2, 7.0), (-0.10, -1.0, 0.16)))
    top = grooved(top, lambda p: 1.9 * p[:, 0] + 0.55 * p[:, 2] + 0.45 * (p[:, 1] - 20), 0.17)
    return [hair_piece(blend(0.6, sides, top), (-11, 2, -12), (11, 29, 11), 0.74)]


def bun() -> list[Piece]:
    """Drawn back into a bun with a side parting; a tie and two earrings."""
    knot = np.array([0.0, 24.6, -8.9])
    cap = blend(1.5, ellipsoid((0, 16.4, -1.0), (9.25, 10.0, 10.0)), ellipsoid((0, 10.5, -4.5), (7.5, 6.6, 6.3)))
    cap = clip(0.8, cap, half_space((0, 17.6, 7.6), (0, -16.0, 13.4)))
    cap = carve(0.8, cap, ellipsoid((0.6, 11.3, 9.6), (7.2, 7.3, 6.6)))
    waves = blend(
        0.9,
        ellipsoid((-3.2, 21.0, 4.9), (6.0, 3.3, 3.7)),
        ellipsoid((5.2, 20.7, 3.9), (3.9, 3.5, 4.1)),
    )
    locks = mirrored(limb((8.3, 15.5, 2.9), (8.0, 10.6, 2.3), 1.25, 0.45, (0.8, 1, 1)))

    def toward_knot(p: Points) -> NDArray[np.float64]:
        q = p - knot
        return 20.0 * np.arctan2(q[:, 0], 0.75 * q[:, 2] - 0.66 * q[:, 1])

    shape = grooved(blend(1.3, cap, waves, locks), toward_knot, 0.15)
    bun = grooved(sphere(knot, 4.5), lambda p: 9.0 * np.arctan2(p[:, 0], p[:, 1] - knot[1]) + 0.9 * p[:, 2], 0.16)
    tie = limb((0, 22.3, -6.5), (0, 22.9, -7.1), 3.5, 3.6)
    drop = mirrored(sphere((8.9, 8.75, -0.2), 0.62))
    return [
        hair_piece(shape, (-11.5, 2, -13.5), (11.5, 29, 12), 0.78),
        hair_piece(bun, (-6, 18, -15.0), (6, 31, -2.5), 0.85),
        hair_piece(tie, (-6, 17, -12), (6, 28, -1), 0.95, "trim"),
        hair_piece(drop, (-10.2, 7.5, -1.5), (10.2, 10, 1.5), 0.33, "earring"),
    ]


def bob() -> list[Piece]:
    """Smooth, with a fringe, drawn behind the ears and cut straight at the jaw."""
    cap = blend(1.5, ellipsoid((0, 16.4, -1.0), (9.35, 10.1, 10.1)), ellipsoid((0, 9.6, -4.4), (8.7, 9.0, 6.3)))
    cap = clip(0.9, cap, half_space((0, 3.4, -6.0), (0, -1.0, 0.10)))
    cap = carve(0.8, cap, ellipsoid((0, 10.4, 9.6), (7.5, 7.1, 7.0)), _ears())
    fringe = clip(0.6, ellipsoid((0, 17.4, 1.2), (8.6, 8.0, 8.9)), half_space((0, 16.6, 9.0), (0, -1.0, 0.10)))
    fringe = clip(0.6, fringe, half_space((0, 16.0, 2.0), (0, 0.0, -1.0)))
    shape = grooved(blend(0.8, cap, fringe), lambda p: 15.0 * np.arctan2(p[:, 0], p[:, 2] + 1.5), 0.12)
    return [hair_piece(shape, (-11.5, 1.5, -13.0), (11.5, 29, 12), 0.78)]


def curls() -> list[Piece]:
    """Short and full, standing off the head all round, in tight curls."""
    ball = blend(2.0, ellipsoid((0, 18.3, -1.7), (10.7, 10.3, 10.6)), ellipsoid((0, 11.6, -5.4), (8.6, 6.8, 6.6)))
    ball = clip(1.0, ball, half_space((0, 17.8, 8.3), (0, -16.0, 13.0)))
    ball = carve(1.0, ball, ellipsoid((0, 11.2, 9.6), (7.6, 7.4, 6.6)), _ears())

    def curled(p: Points) -> NDArray[np.float64]:
        return ball(p) + 0.34 * np.cos(1.9 * p[:, 0]) * np.cos(1.9 * p[:, 1] + 0.8) * np.cos(1.9 * p[:, 2])

    return [hair_piece(curled, (-12.5, 2, -14.0), (12.5, 30.5, 12), 0.80)]


def cropped() -> list[Piece]:
    """Cut close to the skull."""
    cap = blend(1.5, ellipsoid((0, 16.3, -0.9), (8.85, 9.75, 9.7)), ellipsoid((0, 12.2, -4.3), (7.3, 5.2, 5.6)))
    cap = clip(0.5, cap, half_space((0, 17.9, 7.4), (0, -16.0, 14.0)))
    cap = carve(0.5, cap, ellipsoid((0, 11.5, 9.8), (7.5, 7.7, 6.6)))
    return [hair_piece(cap, (-11, 2, -12), (11, 28, 11), 0.80)]


def _ears() -> Field:
    """What has to stay free for the ears."""
    return mirrored(ellipsoid((9.2, 11.6, -0.4), (2.3, 3.5, 2.4)))


STYLES = {"quiff": quiff, "bun": bun, "bob": bob, "curls": curls, "cropped": cropped}
