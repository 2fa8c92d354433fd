"""People who are drawn: proportions, faces, hair, clothes and colours from ranges round Ada's and Ben's. Same seed, same person.

The ranges are ours, chosen by looking: wide enough that no two are taken for one another, narrow enough that lids close, lips
meet and hands keep their five fingers. They are no statistics of any people.
"""

from __future__ import annotations

import colorsys
from typing import Final, Literal

import numpy as np

from duologue.datasets.synthesis.characters.body import BodyDesign
from duologue.datasets.synthesis.characters.features import BrowDesign
from duologue.datasets.synthesis.characters.hair import STYLES
from duologue.datasets.synthesis.characters.head import FaceDesign
from duologue.datasets.synthesis.characters.people import ADA, BEN, Colours, Person, common
from duologue.datasets.synthesis.characters.skeletons import Joints, Proportions

Colour = tuple[float, float, float]

_CUTS: Final[tuple[Literal["jumper", "jacket", "tee"], ...]] = ("jumper", "jacket", "tee")

_FACE: Final = {
    "width": (0.95, 1.01), "jaw": (0.87, 1.0), "chin": (1.75, 2.3), "neck": (4.1, 5.0), "eye_x": (2.95, 3.12),
    "eye_radius": (1.74, 1.84), "lid_up": (0.94, 1.08), "lid_down": (0.76, 0.82), "eye_tilt": (0.02, 0.20),
    "brow_ridge": (0.58, 0.98), "nose_tip": (0.86, 1.16), "nose_length": (9.2, 9.95), "nose_width": (0.9, 1.16),
    "cheek": (2.55, 3.0), "mouth_half_width": (2.35, 2.78), "upper_lip": (0.50, 0.74), "lower_lip": (0.76, 0.95),
    "lip_bulge": (0.34, 0.46),
}  # fmt: skip
_LIDS: Final = 0.17
"""Centimetres by which the opening of the lids is narrower than the eye, to each side."""

_SKIN: Final = (
    (0.86, 0.60, 0.49), (0.80, 0.49, 0.36), (0.72, 0.44, 0.30), (0.60, 0.34, 0.21), (0.48, 0.25, 0.14), (0.36, 0.17, 0.09),
    (0.24, 0.105, 0.055), (0.15, 0.065, 0.036),
)  # fmt: skip
"""Linear RGB, light to dark; people lie between two neighbours."""
_HAIR: Final = (
    (0.018, 0.012, 0.010), (0.05, 0.026, 0.016), (0.12, 0.055, 0.025), (0.22, 0.085, 0.03), (0.32, 0.10, 0.03),
    (0.46, 0.27, 0.10), (0.62, 0.45, 0.22), (0.40, 0.39, 0.38),
)  # fmt: skip
_IRIS: Final = ((0.08, 0.24, 0.38), (0.20, 0.085, 0.025), (0.07, 0.03, 0.012), (0.10, 0.22, 0.10), (0.20, 0.24, 0.26))

_HEAD_DROP: Final = 0.0625
"""How far below the joint at the skull's base the chin lies, of the head's scale, metres: as Ada and Ben have it."""
_CROWN: Final = 0.2545
"""From chin to crown, of the head's scale, metres."""


def draw_person(seed: int, name: str) -> Person:
    """Return somebody; all of it follows from the seed."""
    rng = np.random.default_rng(seed)
    build = rng.uniform(-0.15, 1.15)  # 0: Ada's, 1: Ben's
    scale = rng.uniform(1.04, 1.11)
    tall = rng.uniform(0.96, 1.04)
    proportions = _proportions(rng, build, tall)
    head = float(Joints(proportions)["Head"][1])
    return Person(
        name=name,
        height=round(head + (_CROWN - _HEAD_DROP) * scale, 4),
        head_scale=scale,
        head_z=0.006,
        proportions=proportions,
        face=_face(rng),
        brow=_brow(rng),
        body=_body(rng, build, tall),
        hair=STYLES[str(rng.choice(list(STYLES)))],
        colours=_colours(rng),
    )


def _mixed(build: float, a: float, b: float) -> float:
    return a + build * (b - a)


def _proportions(rng: np.random.Generator, build: float, tall: float) -> Proportions:
    values = {
        name: _mixed(build, getattr(ADA.proportions, name), getattr(BEN.proportions, name)) * rng.uniform(0.98, 1.02)
        for name in Proportions.__dataclass_fields__
    }
    return Proportions(**{name: value * (tall if name != "neck" else 1.0) for name, value in values.items()})


def _face(rng: np.random.Generator) -> FaceDesign:
    values = {name: float(rng.uniform(low, high)) for name, (low, high) in _FACE.items()}
    return FaceDesign(**values, lid_half_width=values["eye_radius"] - _LIDS)


def _brow(rng: np.random.Generator) -> BrowDesign:
    inner, rise, fall = rng.uniform(14.75, 15.1), rng.uniform(0.25, 0.6), rng.uniform(0.3, 0.7)
    path = ((1.32, inner), (2.45, inner + 0.7 * rise), (3.8, inner + rise), (4.95, inner + rise - fall))
    return BrowDesign(path=path, thickness=float(rng.uniform(0.24, 0.42)), height=float(rng.uniform(0.22, 0.34)))


def _body(rng: np.random.Generator, build: float, tall: float) -> BodyDesign:
    a, b = ADA.body, BEN.body
    girth = rng.uniform(0.96, 1.08)

    def levels(name: str) -> tuple[tuple[float, float, float, float, float], ...]:
        mixed = (1.0 - build) * np.array(getattr(a, name)) + build * np.array(getattr(b, name))
        mixed[: -2 if name == "torso" else None, 1:4] *= girth  # not the root of the neck
        mixed[:, 1:4] *= 0.5 + 0.5 * tall
        return tuple((float(y), float(w), float(f), float(r), float(z)) for y, w, f, r, z in mixed)

    def mixed(name: str, factor: float = 1.0) -> tuple[float, ...]:
        return tuple(_mixed(build, x, y) * factor for x, y in zip(getattr(a, name), getattr(b, name), strict=True))

    arm, leg, foot = mixed("arm", girth), mixed("leg", girth), mixed("foot")
    return BodyDesign(
        torso=levels("torso"),
        pelvis=levels("pelvis"),
        arm=(arm[0], arm[1], arm[2]),
        leg=(leg[0], leg[1], leg[2], leg[3]),
        hand=_mixed(build, a.hand, b.hand) * float(rng.uniform(0.97, 1.03)),
        foot=(foot[0], foot[1]),
        hem=float(rng.uniform(0.04, 0.08)),
        cut=_CUTS[int(rng.integers(len(_CUTS)))],
        collar=_mixed(build, a.collar, b.collar),
        boot=float(rng.uniform(0.02, 0.06)),
    )


def _colours(rng: np.random.Generator) -> Colours:
    at = rng.uniform(0, len(_SKIN) - 1)
    skin = _between(_SKIN[int(at)], _SKIN[min(int(at) + 1, len(_SKIN) - 1)], at % 1)
    lips = _between(skin, (0.50, 0.13, 0.12), rng.uniform(0.35, 0.6))
    hair = _HAIR[int(rng.integers(len(_HAIR)))]
    hair = _scaled(hair, rng.uniform(0.8, 1.25))
    iris = _scaled(_IRIS[int(rng.integers(len(_IRIS)))], rng.uniform(0.8, 1.2))
    top, shirt = _cloth(rng), _cloth(rng, pale=True)
    own = {
        "skin": skin, "nostril": _scaled(skin, 0.4), "lips": lips, "hair": hair, "brow": _scaled(hair, 0.8),
        "lash": _scaled(hair, 0.45), "iris": iris, "iris_rim": _scaled(iris, 0.3), "earring": (0.75, 0.50, 0.14),
        "top": top, "trim": _scaled(top, rng.uniform(0.4, 0.8)) if rng.random() < 0.6 else _cloth(rng),
        "shirt": shirt, "shirt_trim": _scaled(shirt, 0.85), "trousers": _scaled(_cloth(rng), 0.4), "shoe": _cloth(rng),
        "sole": (0.6, 0.58, 0.52),
    }  # fmt: skip
    return {name: (colour, BEN.colours.get(name, ADA.colours["earring"])[1]) for name, colour in own.items()} | common()


def _cloth(rng: np.random.Generator, *, pale: bool = False) -> Colour:
    """Return a cloth's colour, linear."""
    saturation, value = (
        (rng.uniform(0.0, 0.35), rng.uniform(0.6, 0.9)) if pale else (rng.beta(2, 2), rng.uniform(0.12, 0.8))
    )
    red, green, blue = colorsys.hsv_to_rgb(float(rng.random()), float(saturation), float(value))
    return red**2.2, green**2.2, blue**2.2


def _between(a: Colour, b: Colour, share: float) -> Colour:
    return (a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2]))


def _scaled(colour: Colour, by: float) -> Colour:
    return (min(colour[0] * by, 1.0), min(colour[1] * by, 1.0), min(colour[2] * by, 1.0))
