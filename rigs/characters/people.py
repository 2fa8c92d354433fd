"""Who the two sample characters are: proportions, faces, hair, clothes and colours. Everything here is a free choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from body import BodyDesign
from features import BrowDesign, Piece, hair_piece
from fields import blend, carve, clip, ellipsoid, half_space, limb, sphere
from head import FaceDesign
from skeletons import Proportions

Colours = dict[str, tuple[tuple[float, float, float], float]]


@dataclass(frozen=True)
class Person:
    """One character."""

    name: str
    height: float  # metres, floor to crown without hair
    head_scale: float  # metres a centimetre of head space, times 100
    head_z: float  # metres: where head space's z = 0 sits
    proportions: Proportions
    face: FaceDesign
    brow: BrowDesign
    body: BodyDesign
    hair: Callable[[], list[Piece]]
    colours: Colours


def _common() -> Colours:
    return {
        "sclera": ((0.86, 0.85, 0.83), 0.25),
        "pupil": ((0.006, 0.006, 0.008), 0.15),
        "highlight": ((1.0, 1.0, 1.0), 0.2),
        "mouth": ((0.16, 0.025, 0.03), 0.6),
        "teeth": ((0.86, 0.83, 0.76), 0.3),
        "gum": ((0.55, 0.19, 0.19), 0.4),
        "tongue": ((0.60, 0.20, 0.21), 0.45),
    }


def _ben_hair() -> list[Piece]:
    cap = blend(1.5, ellipsoid((0, 16.3, -1.0), (9.25, 10.1, 9.9)), ellipsoid((0, 10.5, -4.6), (7.6, 6.5, 6.3)))
    cap = clip(1.2, cap, half_space((0, 18.3, 7.6), (0, -16.0, 15.0)))
    face = blend(1.5, ellipsoid((0, 12.0, 9.5), (7.3, 7.4, 6.5)))
    cap = carve(1.0, cap, face)
    quiff = blend(
        1.1,
        ellipsoid((-2.6, 22.6, 4.4), (4.3, 2.7, 4.6)),
        ellipsoid((1.2, 23.6, 4.6), (4.3, 2.9, 4.5)),
        ellipsoid((4.6, 22.3, 3.6), (3.5, 2.6, 4.2)),
        ellipsoid((0.6, 25.0, -0.6), (6.6, 2.4, 6.0)),
    )
    shape = blend(1.0, cap, quiff)
    return [hair_piece(shape, (-11, 2, -13), (11, 30, 12), 0.78)]


def _ada_hair() -> list[Piece]:
    cap = blend(1.5, ellipsoid((0, 16.4, -1.1), (9.5, 10.2, 10.1)), ellipsoid((0, 10.5, -4.6), (7.7, 6.8, 6.4)))
    cap = clip(1.2, cap, half_space((0, 18.0, 7.6), (0, -16.0, 14.0)))
    cap = carve(1.0, cap, ellipsoid((0, 11.6, 9.5), (7.2, 7.2, 6.6)))
    fringe = blend(
        1.0,
        limb((3.2, 24.0, 3.6), (-5.6, 18.2, 6.2), 2.6, 1.5, (1, 1, 0.9)),
        limb((-5.6, 18.2, 6.2), (-8.3, 13.2, 2.6), 1.5, 0.9),
        limb((3.6, 23.6, 3.6), (7.4, 18.0, 4.2), 2.4, 1.4),
        limb((7.4, 18.0, 4.2), (8.5, 13.0, 1.6), 1.4, 0.8),
    )
    shape = blend(1.0, cap, fringe)
    bun = blend(0.8, sphere((0, 25.0, -8.6), 4.4), limb((0, 22.5, -6.5), (0, 25, -8.5), 3.0, 3.2))
    band = limb((0, 22.6, -6.3), (0, 23.6, -7.2), 3.75, 3.75)
    return [
        hair_piece(shape, (-11.5, 2, -13.5), (11.5, 29, 12), 0.78),
        hair_piece(bun, (-6, 18, -14.5), (6, 31, -2.5), 0.85),
        hair_piece(clip(0.5, band, half_space((0, 24.2, -7.8), (0, 0.74, -0.67)), half_space((0, 22.9, -6.6), (0, -0.74, 0.67))), (-6, 18, -13), (6, 29, -1), 0.75, "trim"),
    ]  # fmt: skip


BEN = Person(
    name="ben",
    height=1.80,
    head_scale=1.10,
    head_z=0.006,
    proportions=Proportions(1.0, 0.925, 1.32, 0.94, 1.0, 0.99, 1.08, 1.05),
    face=FaceDesign(jaw=1.06, chin=2.25, neck=5.3, nose_tip=1.1, nose_width=1.12, nose_length=9.7, lid_up=0.94),
    brow=BrowDesign(thickness=0.42, height=0.34),
    body=BodyDesign(
        torso=((-0.12, 0.170, 0.112, 0.112, -0.006), (0.0, 0.165, 0.110, 0.116, -0.008), (0.25, 0.150, 0.100, 0.098, -0.010),
               (0.55, 0.172, 0.118, 0.108, -0.014), (0.75, 0.178, 0.118, 0.112, -0.020), (0.90, 0.140, 0.085, 0.095, -0.024),
               (1.0, 0.082, 0.066, 0.070, -0.028), (1.10, 0.064, 0.064, 0.064, -0.028)),
        pelvis=((-0.5, 0.145, 0.090, 0.110, -0.008), (0.0, 0.166, 0.105, 0.122, -0.008), (0.6, 0.158, 0.102, 0.108, -0.006), (1.0, 0.146, 0.096, 0.094, -0.006)),
        arm=(0.056, 0.046, 0.038), leg=(0.094, 0.083, 0.067, 0.064), hand=1.08, foot=(0.298, 0.052), hem=0.045,
        jacket=True, collar=0.0665, boot=0.03,
    ),
    hair=_ben_hair,
    colours={
        "skin": ((0.80, 0.49, 0.36), 0.55), "lips": ((0.58, 0.25, 0.21), 0.45), "hair": ((0.20, 0.075, 0.03), 0.6),
        "brow": ((0.16, 0.06, 0.025), 0.7), "lash": ((0.10, 0.05, 0.03), 0.7), "iris": ((0.08, 0.24, 0.38), 0.2), "iris_rim": ((0.02, 0.07, 0.13), 0.2),
        "top": ((0.055, 0.10, 0.22), 0.8), "trim": ((0.025, 0.045, 0.10), 0.85), "shirt": ((0.80, 0.76, 0.68), 0.85), "shirt_trim": ((0.72, 0.67, 0.58), 0.85),
        "trousers": ((0.17, 0.15, 0.13), 0.85), "shoe": ((0.50, 0.13, 0.07), 0.6), "sole": ((0.80, 0.78, 0.72), 0.7), **_common(),
    },
)  # fmt: skip

ADA = Person(
    name="ada",
    height=1.62,
    head_scale=1.06,
    head_z=0.006,
    proportions=Proportions(0.905, 0.80, 1.21, 0.80, 0.92, 0.86, 0.94, 0.88),
    face=FaceDesign(
        width=0.98, jaw=0.90, chin=1.8, neck=4.2, brow_ridge=0.6, nose_tip=0.9, nose_width=0.92, nose_length=9.3, eye_radius=1.82,
        lid_half_width=1.66, lid_up=1.06, lid_down=0.80, eye_tilt=0.16, upper_lip=0.72, lower_lip=0.92, lip_bulge=0.45, mouth_half_width=2.4,
    ),
    brow=BrowDesign(path=((1.3, 14.95), (2.4, 15.45), (3.7, 15.5), (4.85, 14.8)), thickness=0.27, height=0.24),
    body=BodyDesign(
        torso=((-0.14, 0.168, 0.108, 0.118, -0.006), (0.0, 0.158, 0.102, 0.112, -0.008), (0.30, 0.124, 0.086, 0.084, -0.010),
               (0.58, 0.140, 0.118, 0.092, -0.010), (0.72, 0.142, 0.116, 0.094, -0.014), (0.90, 0.112, 0.072, 0.080, -0.020),
               (1.0, 0.066, 0.056, 0.058, -0.027), (1.10, 0.051, 0.051, 0.051, -0.027)),
        pelvis=((-0.5, 0.138, 0.084, 0.108, -0.008), (0.0, 0.158, 0.098, 0.118, -0.008), (0.6, 0.140, 0.092, 0.098, -0.006), (1.0, 0.122, 0.084, 0.082, -0.006)),
        arm=(0.047, 0.041, 0.035), leg=(0.090, 0.075, 0.056, 0.044), hand=0.92, foot=(0.245, 0.043), hem=0.06,
        jacket=False, collar=0.0535, boot=0.06,
    ),
    hair=_ada_hair,
    colours={
        "skin": ((0.42, 0.20, 0.105), 0.5), "lips": ((0.40, 0.09, 0.085), 0.4), "hair": ((0.028, 0.016, 0.013), 0.55),
        "brow": ((0.022, 0.012, 0.010), 0.7), "lash": ((0.012, 0.008, 0.008), 0.7), "iris": ((0.20, 0.085, 0.025), 0.2), "iris_rim": ((0.06, 0.022, 0.008), 0.2),
        "top": ((0.78, 0.36, 0.05), 0.85), "trim": ((0.60, 0.24, 0.03), 0.85),
        "trousers": ((0.045, 0.16, 0.17), 0.85), "shoe": ((0.13, 0.05, 0.03), 0.55), "sole": ((0.05, 0.03, 0.02), 0.7), **_common(),
    },
)  # fmt: skip

PEOPLE = {person.name: person for person in (ADA, BEN)}
