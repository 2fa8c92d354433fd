from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from duologue.arkit import INDEX, NAMES
from duologue.motion.rotations import exp_to_matrix, matrix_to_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.smpl import BodyModel
from duologue.smpl.export import SmplTake
from duologue.smpl.face import expression_of_shapes, face_of, jaw_turn, landmark_movements, landmarks_of
from duologue.smpl.from_take import fitted_betas
from duologue.smpl.layouts import Layout, read_parameters
from duologue.smpl.motion import onto, shared_joints
from examples_smpl import some_take, write_model
from numpy.typing import NDArray

OURS = Skeleton.builtin("duologue60")
SHARED = OURS.indices(*shared_joints())
TURNED = [joint for joint in SHARED if OURS.names[joint] not in ("Spine1", "Neck")]
"""SMPL has one joint in the neck and three in the spine: where one stands for two of ours, neither can come back by itself."""


@pytest.mark.parametrize("layout", ["amass", "beat2"])
@pytest.mark.parametrize("with_model", [True, False])
def test_there_and_back(layout: Layout, with_model: bool, tmp_path: Path) -> None:
    """Half a degree and five millimetres, through the files."""
    model = BodyModel.load(write_model(tmp_path / "model.npz")) if with_model else None
    take = some_take()
    names = SmplTake.of(take, model).write(tmp_path, [layout])
    for name, track in zip(names, take.tracks, strict=True):
        read = read_parameters(tmp_path / name)
        if model is None:  # whose mean hand is not known: fingers were written as they are
            read = replace(read, hands_from_mean=False)
        root, rotations = onto(read, OURS, model, find_floor=False, floor_scale=1.0)
        before = forward_kinematics(OURS, track.rotations.astype(np.float64), track.root_translation)
        after = forward_kinematics(OURS, rotations, root)
        turns = matrix_to_exp(np.swapaxes(before[0], -1, -2) @ after[0])[:, TURNED]
        assert np.degrees(np.linalg.norm(turns, axis=-1)).max() < 0.5
        assert np.linalg.norm(before[1] - after[1], axis=-1)[:, SHARED].max() < 0.005


def test_they_keep_their_distance(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    take = some_take()
    a, b = (model.joints(person)[:, 1:3].mean(axis=1) for person in SmplTake.of(take, model).people)
    hips = OURS.indices("LeftUpLeg", "RightUpLeg")
    ours = [
        forward_kinematics(OURS, track.rotations, track.root_translation)[1][:, hips].mean(axis=1)
        for track in take.tracks
    ]
    np.testing.assert_allclose((a - b)[:, [0, 2]], (ours[0] - ours[1])[:, [0, 2]], atol=1e-3)


def test_a_shape_is_found_that_has_these_bones(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    wanted = np.zeros(10)
    wanted[[0, 3]] = 1.2, -0.8
    rest = model.rest_joints(wanted)
    names = shared_joints()
    places = OURS.rest_positions.copy()
    for word, name in names.items():
        places[OURS.index(word)] = rest[model.tree.index(name)]
    offsets = places - places[list(OURS.parents)]
    offsets[0] = places[0]
    found = model.rest_joints(fitted_betas(model, Skeleton(OURS.names, OURS.parents, offsets)))
    for start, end in (("left_hip", "left_knee"), ("right_elbow", "right_wrist"), ("left_shoulder", "left_elbow")):
        bones = [np.linalg.norm(at[model.tree.index(end)] - at[model.tree.index(start)]) for at in (found, rest)]
        assert abs(bones[0] - bones[1]) < 0.003


def weights_of(**values: float) -> NDArray[np.float64]:
    weights = np.zeros((1, len(NAMES)))
    for name, value in values.items():
        weights[0, INDEX[name]] = value
    return weights


def test_jaw_and_eyes_turn_the_right_way() -> None:
    opened = exp_to_matrix(jaw_turn("jawOpen")) @ [0, 0, 1]
    assert opened[1] < -0.1  # the chin goes down
    assert 5 < np.degrees(np.linalg.norm(jaw_turn("jawOpen"))) < 35
    assert (exp_to_matrix(jaw_turn("jawLeft")) @ [0, 0, 1])[0] > 0.01
    up = face_of(weights_of(eyeLookUpLeft=1, eyeLookUpRight=1))
    assert (exp_to_matrix(up.left_eye[0]) @ [0, 0, 1])[1] > 0.3
    inwards = face_of(weights_of(eyeLookInLeft=1))
    assert (exp_to_matrix(inwards.left_eye[0]) @ [0, 0, 1])[0] < -0.3  # its nose is to the left eye's right
    np.testing.assert_array_equal(inwards.right_eye, 0)
    assert up.expression is None


def face_model(tmp_path: Path) -> BodyModel:
    """A model whose landmarks lie where a face has them, a triangle each, and whose directions move each of those alone."""
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    eyes = model.rest_joints(np.zeros(0))[model.tree.indices("left_eye", "right_eye")]
    middle = eyes.mean(axis=0) + np.array([0, 0, 0.02])
    across = np.linspace(-1, 1, 10)
    arch = np.stack([0.04 * across, 0.03 - 0.005 * across**2, 0 * across], axis=1)
    nose = np.stack([0.012 * np.linspace(-1, 1, 9), np.linspace(0, -0.04, 9), np.full(9, 0.02)], axis=1)
    ring = np.linspace(0, 2 * np.pi, 7)[:6]
    lids = [np.stack([x + 0.012 * np.cos(ring), 0.005 * np.sin(ring), 0 * ring], axis=1) for x in (-0.032, 0.032)]
    outer, inner = np.linspace(np.pi, -np.pi, 13)[:12], np.linspace(np.pi, -np.pi, 9)[:8]
    mouth = [
        np.stack([r * np.cos(a), 0.4 * r * np.sin(a) - 0.065, np.full(len(a), 0.01)], axis=1)
        for r, a in ((0.026, outer), (0.018, inner))
    ]
    places = middle + np.concatenate([arch, nose, *lids, *mouth])
    corners = np.arange(153).reshape(51, 3)
    template = model.template.copy()
    template[corners] = places[:, None] + 0.0005 * np.eye(3)
    triangles = np.concatenate([corners, model.triangles])
    return replace(model, template=template, triangles=triangles, landmarks=(np.arange(51), np.full((51, 3), 1 / 3)))


def test_an_expression_is_found_by_least_squares(tmp_path: Path) -> None:
    """Directions that are two shapes' own movements: the coefficients are those shapes' weights."""
    model = face_model(tmp_path)
    shapes = [INDEX["mouthSmileLeft"], INDEX["browInnerUp"]]
    moved = landmark_movements(model)[shapes]
    directions = np.zeros((len(model.template), 3, 2), np.float32)
    directions[landmarks_of(model)[0]] = np.repeat(moved.transpose(1, 2, 0)[:, None], 3, axis=1)
    fitted = expression_of_shapes(replace(model, expression_directions=directions))
    np.testing.assert_allclose(fitted[shapes], np.eye(2), atol=0.05)


def test_shapes_move_the_landmarks_they_are_named_after(tmp_path: Path) -> None:
    moved = landmark_movements(face_model(tmp_path))
    up = moved[..., 1]
    assert up[INDEX["browInnerUp"], 3:7].mean() > 0.001  # the inner ends of the brows
    assert up[INDEX["mouthSmileLeft"], 37] > 0.001  # a corner of the mouth: iBUG's 55th, the face's left
    assert abs(up[INDEX["mouthSmileLeft"], 31]) < up[INDEX["mouthSmileLeft"], 37] / 3
    assert up[INDEX["jawOpen"], 40] < up[INDEX["jawOpen"], 34] - 0.005  # the lower lip, and not the upper


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    bare = SmplTake.of(some_take(2), None)
    assert bare.people[0].expression is None
    assert any("without expression" in note for note in bare.notes)
    assert not SmplTake.of(some_take(2), BodyModel.load(write_model(tmp_path / "model.npz"))).notes
