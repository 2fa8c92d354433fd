"""Eyes by bones: left is left and up is up, whatever way the bone is turned."""

from __future__ import annotations

import numpy as np
import pytest
from duologue import arkit
from duologue.rigs.eyes import REACH, eye_turns, in_bone_axes
from scipy.spatial.transform import Rotation


def looking(**weights: float) -> np.ndarray:
    row = np.zeros((1, 52))
    for name, value in weights.items():
        row[0, arkit.INDEX[name]] = value
    return row


def scipys(quaternion: np.ndarray) -> Rotation:
    return Rotation.from_quat(np.roll(quaternion, -1, axis=-1))


@pytest.mark.parametrize(
    ("weights", "eye", "axis", "sign"),
    [
        ({"eyeLookOutLeft": 1.0}, "LeftEye", 0, 1),  # the performer's left is +X
        ({"eyeLookInRight": 1.0}, "RightEye", 0, 1),
        ({"eyeLookInLeft": 1.0}, "LeftEye", 0, -1),
        ({"eyeLookOutRight": 1.0}, "RightEye", 0, -1),
        ({"eyeLookUpLeft": 1.0}, "LeftEye", 1, 1),
        ({"eyeLookDownRight": 1.0}, "RightEye", 1, -1),
    ],
)
def test_an_eye_looks_where_its_weight_says(weights, eye, axis, sign):
    forward = scipys(eye_turns(looking(**weights))[eye][0]).apply([0.0, 0.0, 1.0])
    way = next(iter(weights)).removeprefix("eyeLook").removesuffix("Left").removesuffix("Right")
    assert forward[axis] == pytest.approx(sign * np.sin(np.radians(REACH[way])), abs=1e-12)
    assert forward[1 - axis] == pytest.approx(0.0, abs=1e-12)


def test_any_bone_axes_give_the_same_look():
    turn = eye_turns(looking(eyeLookOutLeft=0.7, eyeLookUpLeft=0.4))["LeftEye"]
    rest = Rotation.from_rotvec([0.3, -1.1, 2.0])
    heading = 0.8
    basis = scipys(in_bone_axes(turn, np.roll(rest.as_quat(), 1), heading)[0])
    facing = Rotation.from_rotvec([0, heading, 0])
    world = rest * basis * rest.inv()  # what Blender makes of a pose bone's rotation
    wanted = facing * scipys(turn[0]) * facing.inv()
    np.testing.assert_allclose(world.as_matrix(), wanted.as_matrix(), atol=1e-12)
