"""Where a face's shapes, and a body's joints, say that its parts are: a point on the skin, and from where it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from duologue.errors import DuologueError
from duologue.interactions.actor import UP, Array
from duologue.interactions.rest_skin import EYES, RestSkin
from duologue.rigs.joints import chain

NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "cheek": ("cheekPuff", "cheekSquint{side}", "mouthSmile{side}"),
    "nose": ("noseSneerLeft", "noseSneerRight"),
    "chin": ("jawOpen",),
    "forehead": ("browInnerUp", "browOuterUpLeft"),
    "lips": ("mouthPucker", "mouthFunnel", "mouthClose", "jawOpen"),
    "ear": EYES,
}
"""Landmark -> the ARKit shapes that tell where it is, the first that a face has before the others."""
_CHIN_DOWN: Final = 0.6
"""How much a chin's own place faces down, for each unit ahead: 31 degrees, between its front and what a hand carries it by."""

_BELOW: Final = 0.15
"""Of an upper arm, how far below its joint an arm round the shoulders lays its hand…"""
_OUTSIDE: Final = 0.7
_BEHIND: Final = 0.7
"""…and how much outside and behind."""


def _lacking(skin: RestSkin, name: str) -> DuologueError:
    shapes = ", ".join(NEEDED[name]).replace("{side}", "")
    return DuologueError(
        "FAILED_PRECONDITION",
        "face-without-landmarks",
        f"{skin.character.mesh.name}'s face has no shape that tells where its {name} is ({shapes}); map one, or mark the place "
        "with an Empty (Mark Place in the panel Interaction)",
    )


def _cheek(skin: RestSkin, side: str) -> tuple[Array, Array]:
    character = skin.character
    left = character.left if side == "Left" else -character.left
    middle = character.rest_point("Head") @ left
    beside = skin.points @ left > middle + 0.008
    centre = skin.centre_of(*(name.format(side=side) for name in NEEDED["cheek"]), where=beside)
    if centre is None:
        raise _lacking(skin, "cheek")
    # The apple of the cheek: above the middle of what puffs, as wide as the eye's outer corner.
    nose = _nose(skin, "")[0]
    centre = centre + (0.5 * (nose[1] - centre[1])) * UP
    towards = 0.75 * character.ahead + 0.66 * left
    towards /= np.linalg.norm(towards)
    return skin.front(centre, towards), towards


def _nose(skin: RestSkin, side: str) -> tuple[Array, Array]:
    del side
    ahead = skin.character.ahead
    sides = [skin.centre_of(name) for name in NEEDED["nose"]]
    if sides[0] is None or sides[1] is None:
        raise _lacking(skin, "nose")
    middle = (sides[0] + sides[1]) / 2
    near = skin.vertices[np.linalg.norm(skin.points[skin.vertices] - skin.front(middle, ahead), axis=1) < 0.035]
    across = np.abs((skin.points[near] - middle) @ skin.character.left)
    tip = near[np.argmax(skin.points[near] @ ahead - across)]
    return skin.points[tip], ahead


def _chin(skin: RestSkin, side: str) -> tuple[Array, Array]:
    del side
    if "jawOpen" not in skin.character.mesh.shapes:
        raise _lacking(skin, "chin")
    index, delta = skin.character.mesh.shapes["jawOpen"]
    far = np.linalg.norm(delta, axis=1)
    with_jaw = index[(far > 0.6 * far.max()) & np.isin(index, skin.vertices)]
    ahead, left = skin.character.ahead, skin.character.left
    # What is farthest ahead and down, on the middle line: there any chin faces ahead and down by as much.
    towards = ahead - _CHIN_DOWN * UP
    towards /= np.linalg.norm(towards)
    points = skin.points[with_jaw]
    across = (points - skin.character.rest_point("Head")) @ left
    far_out = int(np.argmax(points @ towards - np.abs(across)))
    centre = points[far_out] - across[far_out] * left
    return skin.front(centre, towards), towards


def _forehead(skin: RestSkin, side: str) -> tuple[Array, Array]:
    del side
    centre = skin.centre_of(*NEEDED["forehead"])
    if centre is None:
        raise _lacking(skin, "forehead")
    ahead, left = skin.character.ahead, skin.character.left
    centre = centre - ((centre - skin.character.rest_point("Head")) @ left) * left
    return skin.front(centre + 0.012 * UP, ahead), ahead


def _lips(skin: RestSkin, side: str) -> tuple[Array, Array]:
    del side
    centre = skin.centre_of(*NEEDED["lips"])
    if centre is None:
        raise _lacking(skin, "lips")
    ahead, left = skin.character.ahead, skin.character.left
    centre = centre - ((centre - skin.character.rest_point("Head")) @ left) * left
    return skin.front(centre, ahead), ahead


def _ear(skin: RestSkin, side: str) -> tuple[Array, Array]:
    left = skin.character.left if side == "Left" else -skin.character.left
    if not any(name in skin.character.mesh.shapes for name in NEEDED["ear"]):
        raise _lacking(skin, "ear")
    points = skin.points[skin.vertices]
    below = skin.eye_height - points[:, 1]
    out = np.where((below > -0.01) & (below < 0.03), points @ left, -np.inf)
    return points[np.argmax(out)], left


def _shoulder(skin: RestSkin, side: str) -> tuple[Array, Array]:
    character = skin.character
    left = character.left if side == "Left" else -character.left
    neck = (
        character.rest_point(chain("Neck", character.joint)[0])
        if chain("Neck", character.joint)
        else character.rest_point("Head")
    )
    joint = character.rest_point(side + "Arm")
    towards = UP + 0.15 * left
    towards = towards / np.linalg.norm(towards)
    return skin.front(joint + 0.3 * (neck - joint) * (1.0, 0.0, 1.0), towards), towards


def _arm(skin: RestSkin, side: str) -> tuple[Array, Array]:
    """Outside and behind, a hand's width below the shoulder, as it will be when the arm hangs."""
    character = skin.character
    joint, elbow = (character.rest_point(side + part) for part in ("Arm", "ForeArm"))
    down = (elbow - joint) / np.linalg.norm(elbow - joint)
    outside = np.cross(character.ahead, down) * (1.0 if side == "Left" else -1.0)
    towards = _OUTSIDE * outside / np.linalg.norm(outside) - _BEHIND * character.ahead
    towards = towards - (towards @ down) * down
    towards = towards / np.linalg.norm(towards)
    return skin.front(joint + _BELOW * (elbow - joint), towards), towards


def _back(skin: RestSkin, side: str) -> tuple[Array, Array]:
    del side
    character = skin.character
    spine = character.spine()
    return skin.front(character.rest[spine[-1], :3, 3], -character.ahead), -character.ahead


PLACES: Final[dict[str, Callable[[RestSkin, str], tuple[Array, Array]]]] = {
    "cheek": _cheek, "nose": _nose, "chin": _chin, "forehead": _forehead, "lips": _lips, "ear": _ear,
    "shoulder": _shoulder, "arm": _arm, "back": _back,
}  # fmt: skip
"""Landmark -> where it is on the skin (3,), and the unit way (3,) from there to whoever looks at it."""
