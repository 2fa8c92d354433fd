"""Eyes by bones: left is left and up is up, whatever way the bone is turned."""

from __future__ import annotations

import numpy as np
import pytest
from duologue import arkit
from duologue.rigs.eyes import REACH, eye_turns, in_bone_axes, share_of_reach
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


def test_a_ball_turns_all_the_way_and_a_shield_as_far_as_its_iris_would_go_on_a_ball():
    angles = np.linspace(0, 2 * np.pi, 40)
    rim = np.stack([np.cos(angles), np.sin(angles), np.zeros(40)], axis=1)
    ball = np.concatenate([0.012 * np.roll(rim, turn, axis=1) for turn in range(3)])
    assert share_of_reach(ball) == 1.0
    assert share_of_reach(ball[ball[:, 2] >= 0]) == 1.0
    shield = 0.015 * rim + (0.002, 0.0, 0.06)  # a drawn face's eye, its joint 6 cm behind
    assert share_of_reach(shield) == pytest.approx(0.25, abs=0.01)
    assert share_of_reach(np.empty((0, 3))) == 1.0
    weights = np.zeros((1, 52))
    weights[0, arkit.INDEX["eyeLookOutLeft"]] = 1.0
    whole, quarter = (eye_turns(weights, {"LeftEye": share})["LeftEye"][0] for share in (1.0, 0.25))
    turned = [2 * np.degrees(np.arctan2(np.linalg.norm(turn[1:]), turn[0])) for turn in (whole, quarter)]
    np.testing.assert_allclose(turned, (REACH["Out"], REACH["Out"] / 4), atol=1e-4)
