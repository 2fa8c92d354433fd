"""Who the two sample characters are: proportions, faces, hair,
clothes and colours. Everything here is a free choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from duologue.datasets.synthesis.characters.body import BodyDesign
from duologue.datasets.synthesis.characters.features import BrowDesign, Piece
from duologue.datasets.synthesis.characters.hair import bun, quiff
from duologue.datasets.synthesis.characters.head import FaceDesign
from duologue.datasets.synthesis.characters.skeletons import Proportions

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


def common() -> Colours:
    """Return what looks alike in everybody: material -> linear RGB, roughness."""
    return {
        "sclera": ((0.86, 0.85, 0.83), 0.25),
        "pupil": ((0.006, 0.006, 0.008), 0.15),
        "highlight": ((1.0, 1.0, 1.0), 0.2),
        "mouth": ((0.16, 0.025, 0.03), 0.6),
        "teeth": ((0.86, 0.83, 0.76), 0.3),
        "gum": ((0.55, 0.19, 0.19), 0.4),
        "tongue": ((0.60, 0.20, 0.21), 0.45),
    }


BEN = Person(
    name="ben",
    height=1.80,
    head_scale=1.10,
    head_z=0.006,
    proportions=Proportions(1.0, 0.925, 1.32, 0.94, 1.0, 0.99, 1.08, 1.05),
    face=FaceDesign(
        width=0.97,
        jaw=0.97,
        chin=2.2,
        cheek=2.55,
        neck=4.9,
        eye_radius=1.82,
        lid_half_width=1.64,
        mouth_half_width=2.75,
        lower_lip=0.78,
        upper_lip=0.52,
        brow_ridge=0.95,
        lid_down=0.78,
        nose_tip=1.12,
        nose_width=1.1,
        nose_length=9.9,
        lid_up=0.98,
    ),
    brow=BrowDesign(path=((1.35, 14.85), (2.5, 15.2), (3.9, 15.35), (5.0, 14.85)), thickness=0.40, height=0.34),
    body=BodyDesign(
        torso=(
            (-0.12, 0.170, 0.112, 0.112, -0.006),
            (0.0, 0.165, 0.110, 0.116, -0.008),
            (0.25, 0.150, 0.100, 0.098, -0.010),
            (0.55, 0.172, 0.118, 0.108, -0.014),
            (0.75, 0.178, 0.118, 0.112, -0.020),
            (0.90, 0.140, 0.085, 0.095, -0.024),
            (1.0, 0.082, 0.066, 0.070, -0.028),
            (1.10, 0.064, 0.064, 0.064, -0.028),
        ),
        pelvis=(
            (-0.5, 0.145, 0.090, 0.110, -0.008),
            (0.0, 0.166, 0.105, 0.122, -0.008),
            (0.6, 0.158, 0.102, 0.108, -0.006),
            (1.0, 0.146, 0.096, 0.094, -0.006),
        ),
        arm=(0.056, 0.046, 0.038),
        leg=(0.094, 0.083, 0.067, 0.064),
        hand=1.08,
        foot=(0.298, 0.052),
        hem=0.045,
        cut="jacket",
        collar=0.0665,
        boot=0.03,
    ),
    hair=quiff,
    colours={
        "skin": ((0.80, 0.49, 0.36), 0.55),
        "nostril": ((0.36, 0.17, 0.12), 0.8),
        "lips": ((0.58, 0.25, 0.21), 0.45),
        "hair": ((0.20, 0.075, 0.03), 0.6),
        "brow": ((0.16, 0.06, 0.025), 0.7),
        "lash": ((0.10, 0.05, 0.03), 0.7),
        "iris": ((0.08, 0.24, 0.38), 0.2),
        "iris_rim": ((0.02, 0.07, 0.13), 0.2),
        "top": ((0.055, 0.10, 0.22), 0.8),
        "trim": ((0.025, 0.045, 0.10), 0.85),
        "shirt": ((0.80, 0.76, 0.68), 0.85),
        "shirt_trim": ((0.72, 0.67, 0.58), 0.85),
        "trousers": ((0.17, 0.15, 0.13), 0.85),
        "shoe": ((0.50, 0.13, 0.07), 0.6),
        "sole": ((0.80, 0.78, 0.72), 0.7),
        **common(),
    },
)

ADA = Person(
    name="ada",
    height=1.62,
    head_scale=1.06,
    head_z=0.006,
    proportions=Proportions(0.905, 0.80, 1.21, 0.80, 0.92, 0.86, 0.94, 0.88),
    face=FaceDesign(
        width=0.98,
        jaw=0.90,
        chin=1.8,
        neck=4.2,
        brow_ridge=0.6,
        nose_tip=0.9,
        nose_width=0.92,
        nose_length=9.3,
        eye_radius=1.82,
        lid_half_width=1.66,
        lid_up=1.06,
        lid_down=0.80,
        eye_tilt=0.16,
        upper_lip=0.72,
        lower_lip=0.92,
        lip_bulge=0.45,
        mouth_half_width=2.4,
    ),
    brow=BrowDesign(path=((1.3, 14.95), (2.4, 15.45), (3.7, 15.5), (4.85, 14.8)), thickness=0.27, height=0.24),
    body=BodyDesign(
        torso=(
            (-0.14, 0.168, 0.108, 0.118, -0.006),
            (0.0, 0.158, 0.102, 0.112, -0.008),
            (0.30, 0.124, 0.086, 0.084, -0.010),
            (0.58, 0.140, 0.118, 0.092, -0.010),
            (0.72, 0.142, 0.116, 0.094, -0.014),
            (0.90, 0.112, 0.072, 0.080, -0.020),
            (1.0, 0.066, 0.056, 0.058, -0.027),
            (1.10, 0.051, 0.051, 0.051, -0.027),
        ),
        pelvis=(
            (-0.5, 0.138, 0.084, 0.108, -0.008),
            (0.0, 0.158, 0.098, 0.118, -0.008),
            (0.6, 0.140, 0.092, 0.098, -0.006),
            (1.0, 0.122, 0.084, 0.082, -0.006),
        ),
        arm=(0.047, 0.041, 0.035),
        leg=(0.090, 0.075, 0.056, 0.044),
        hand=0.92,
        foot=(0.245, 0.043),
        hem=0.06,
        cut="jumper",
        collar=0.0535,
        boot=0.06,
    ),
    hair=bun,
    colours={
        "skin": ((0.42, 0.20, 0.105), 0.5),
        "nostril": ((0.12, 0.045, 0.03), 0.8),
        "lips": ((0.40, 0.09, 0.085), 0.4),
        "hair": ((0.028, 0.016, 0.013), 0.55),
        "brow": ((0.022, 0.012, 0.010), 0.7),
        "lash": ((0.012, 0.008, 0.008), 0.7),
        "iris": ((0.20, 0.085, 0.025), 0.2),
        "iris_rim": ((0.06, 0.022, 0.008), 0.2),
        "earring": ((0.75, 0.50, 0.14), 0.3),
        "top": ((0.78, 0.36, 0.05), 0.85),
        "trim": ((0.60, 0.24, 0.03), 0.85),
        "trousers": ((0.045, 0.16, 0.17), 0.85),
        "shoe": ((0.13, 0.05, 0.03), 0.55),
        "sole": ((0.05, 0.03, 0.02), 0.7),
        **common(),
    },
)

PEOPLE = {person.name: person for person in (ADA, BEN)}
