from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.smpl import BodyModel, BodyParameters
from duologue.smpl.joints import Kind
from duologue.smpl.motion import onto, to_motion
from examples_smpl import PELVIS, parameters, write_model

SAME = {"Hips": "pelvis", "Spine": "spine1", "Spine1": "spine2", "Spine3": "spine3", "Neck": "neck", "Head": "head",
        "LeftArm": "left_shoulder", "LeftForeArm": "left_elbow", "LeftHand": "left_wrist",
        "RightHand": "right_wrist", "LeftLeg": "left_knee",
        "RightUpLeg": "right_hip", "RightLeg": "right_knee",
        "RightFoot": "right_ankle", "RightToeBase": "right_foot", "LeftHandThumb3": "left_thumb3",
        "RightHandPinky2": "right_pinky2", "LeftHandIndex1": "left_index1", "RightHandRing3": "right_ring3"}  # fmt: skip
Z_UP_TO_Y_UP = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])


@pytest.mark.parametrize("kind", ["smplx", "smplh"])
@pytest.mark.parametrize("up", ["y", "z"])
def test_motion_lands_where_the_model_puts_it(kind: Kind, up: Literal["y", "z"], tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz", kind))
    given = parameters(len(model.tree), frames=20, up=up, hands_from_mean=True)
    motion = to_motion(given, model)
    assert motion.exact
    assert motion.skeleton.names == Skeleton.builtin("duologue60").names
    _, found = forward_kinematics(motion.skeleton, motion.rotations, motion.root)
    expected = model.joints(given)
    if up == "z":
        expected = expected @ Z_UP_TO_Y_UP.T
    for ours, theirs in SAME.items():
        away = np.linalg.norm(found[:, motion.skeleton.index(ours)] - expected[:, model.tree.index(theirs)], axis=-1)
        assert away.max() < 1e-6, ours


def test_a_body_of_another_shape_has_other_bones(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    given = parameters(55)
    tall = to_motion(replace(given, betas=given.betas + 1), model).skeleton
    assert np.abs(tall.offsets - to_motion(given, model).skeleton.offsets).max() > 0.001


def test_on_our_skeleton_limbs_point_the_same_way(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    given = parameters(55, frames=4)
    given = replace(given, poses=0.3 * given.poses, fps=60.0)
    ours = Skeleton.builtin("duologue60")
    root, rotations = onto(given, ours, model, find_floor=False, floor_scale=1.0)
    assert len(root) == 2  # 60 to 30 a second
    _, found = forward_kinematics(ours, rotations, root)
    expected = model.joints(given)[::2]
    for bone in (
        ("LeftArm", "LeftForeArm"),
        ("LeftForeArm", "LeftHand"),
        ("RightUpLeg", "RightLeg"),
        ("RightLeg", "RightFoot"),
    ):
        ways = []
        for points, skeleton, names in ((found, ours, bone), (expected, model.tree, [SAME[joint] for joint in bone])):
            start, end = (points[:, skeleton.index(name)] for name in names)
            ways.append((end - start) / np.linalg.norm(end - start, axis=-1, keepdims=True))
        assert np.degrees(np.arccos((ways[0] * ways[1]).sum(-1).clip(-1, 1))).max() < 0.01, bone


def test_without_a_model_it_is_said_what_is_not_known() -> None:
    motion = to_motion(parameters(52, hands_from_mean=True))
    assert not motion.exact
    assert any("mean hand" in note for note in motion.notes)
    np.testing.assert_allclose(motion.root, parameters(52).trans)


def test_turning_the_world_keeps_the_pelvis_where_it_is() -> None:
    """R (J0 + t) = J0 + t'."""
    given = parameters(55, up="z")
    turned = given.upright(PELVIS)
    np.testing.assert_allclose(PELVIS + turned.trans, (PELVIS + given.trans) @ Z_UP_TO_Y_UP.T, atol=1e-12)
    back = turned.with_z_up(PELVIS)
    np.testing.assert_allclose(back.trans, given.trans, atol=1e-12)
    np.testing.assert_allclose(back.poses, given.poses, atol=1e-9)


def test_another_model_is_named(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz", "smplh"))
    with pytest.raises(DuologueError, match="smplx's and the model file smplh's"):
        to_motion(parameters(55), model)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"poses": np.zeros((3, 24, 3))}, "smpl-shape"),
        ({"poses": np.zeros((3, 165))}, "smpl-shape"),
        ({"trans": np.zeros((2, 3))}, "smpl-shape"),
        ({"trans": np.array([[0, 0, 0], [0, np.nan, 0], [0, 0, 0]])}, "smpl-not-finite"),
        ({"fps": 0.0}, "frame-rate"),
    ],
)
def test_parameters_that_cannot_be(change: dict[str, object], reason: str) -> None:
    good = {"poses": np.zeros((3, 55, 3)), "trans": np.zeros((3, 3)), "fps": 30.0, "betas": np.zeros(10)}
    with pytest.raises(DuologueError) as caught:
        BodyParameters(**(good | change))  # pyright: ignore[reportArgumentType]
    assert caught.value.reason == reason
