from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.smpl import BodyModel, BodyParameters
from duologue.smpl.joints import Kind, adult, hand_slices
from examples_smpl import PELVIS, arrays_of, parameters, write_model
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


def forward_pass(arrays: dict[str, NDArray[np.float64]], given: BodyParameters, frame: int) -> tuple[Array, Array]:
    """The papers' equations with loops and 4 x 4 matrices, rotations by scipy: joints (J, 3) and vertices (V, 3) of a frame."""
    poses = given.poses[frame].copy()
    if given.hands_from_mean:
        for fingers, key in zip(hand_slices(given.kind), ("hands_meanl", "hands_meanr"), strict=True):
            poses[fingers] += arrays[key].reshape(15, 3)
    coefficients = np.concatenate([given.betas, [] if given.expression is None else given.expression[frame]])
    surface = arrays["v_template"] + arrays["shapedirs"][..., : len(coefficients)] @ coefficients
    joints = arrays["J_regressor"] @ surface
    turns = Rotation.from_rotvec(poses).as_matrix()
    surface = surface + arrays["posedirs"] @ (turns[1:] - np.eye(3)).ravel()
    parents = adult(given.kind).parents
    world: list[Array] = []
    for joint, parent in enumerate(parents):
        local = np.eye(4)
        local[:3, :3] = turns[joint]
        local[:3, 3] = joints[joint] - (joints[parent] if parent >= 0 else 0)
        world.append(world[parent] @ local if parent >= 0 else local)
    posed = np.array([matrix[:3, 3] for matrix in world]) + given.trans[frame]
    moved = np.zeros_like(surface)
    for joint, matrix in enumerate(world):
        away = matrix[:3, 3] - matrix[:3, :3] @ joints[joint]
        moved += arrays["weights"][:, [joint]] * (surface @ matrix[:3, :3].T + away)
    return posed, moved + given.trans[frame]


@pytest.mark.parametrize("kind", ["smplx", "smplh"])
@pytest.mark.parametrize("hands_from_mean", [False, True])
def test_joints_and_surface_are_the_papers(kind: Kind, hands_from_mean: bool, tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz", kind))
    given = parameters(len(model.tree), hands_from_mean=hands_from_mean)
    joints, vertices = model.joints(given), model.vertices(given)
    for frame in range(len(given)):
        expected = forward_pass(arrays_of(kind), given, frame)
        np.testing.assert_allclose(joints[frame], expected[0], atol=2e-6)
        np.testing.assert_allclose(vertices[frame], expected[1], atol=2e-5)


def test_an_expression_moves_the_head_alone(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    given = parameters(55, expression=np.random.default_rng(1).normal(0, 1, (3, 10)))
    np.testing.assert_allclose(model.vertices(given)[1], forward_pass(arrays_of("smplx"), given, 1)[1], atol=2e-5)


def test_columns_of_both_releases(tmp_path: Path) -> None:
    small = BodyModel.load(write_model(tmp_path / "small.npz"))
    large = BodyModel.load(write_model(tmp_path / "large.npz", shapes=300, expressions=100))
    assert (small.shape_directions.shape[-1], small.expression_directions.shape[-1]) == (10, 10)
    assert (large.shape_directions.shape[-1], large.expression_directions.shape[-1]) == (300, 100)


def test_the_reference_implementation_agrees(tmp_path: Path) -> None:
    lbs = pytest.importorskip("smplx.lbs", reason="smplx is not installed (its licence is for research only)")
    torch = pytest.importorskip("torch")
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    expression = np.random.default_rng(2).normal(0, 1, (3, 10))
    given = parameters(55, expression=expression)
    arrays = {key: torch.tensor(value) for key, value in arrays_of("smplx").items() if value.dtype.kind == "f"}
    coefficients = np.concatenate([np.tile(given.betas, (3, 1)), expression], axis=1)
    bends = arrays["posedirs"].double().reshape(-1, 54 * 9).T  # (J - 1) 9 rows, a column a coordinate
    parents = torch.tensor(model.tree.parents)
    vertices, _ = lbs.lbs(
        torch.tensor(coefficients), torch.tensor(given.poses.reshape(3, -1)), arrays["v_template"], arrays["shapedirs"],
        bends, arrays["J_regressor"], parents, arrays["weights"],
    )  # fmt: skip
    found = vertices.numpy() + given.trans[:, None]
    np.testing.assert_allclose(model.vertices(given), found, atol=2e-5)


def test_the_pelvis_rests_where_it_does(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    np.testing.assert_allclose(model.rest_joints(np.zeros(0))[0], PELVIS, atol=1e-6)
    still = BodyParameters(np.zeros((1, 55, 3)), np.array([[1.0, 2.0, 3.0]]), 30.0, np.zeros(0))
    np.testing.assert_allclose(model.joints(still)[0, 0], PELVIS + np.array([1, 2, 3]), atol=1e-6)


def refused(path: Path) -> DuologueError:
    with pytest.raises(DuologueError) as caught:
        BodyModel.load(path)
    assert str(path) in caught.value.message
    assert caught.value.field == "--model"
    return caught.value


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("it was unpickled",)


def test_nothing_unpickles(tmp_path: Path) -> None:
    for name in ("SMPLX_NEUTRAL.pkl", "SMPLX_NEUTRAL.npz"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(Bomb()))
        assert refused(path).reason == "smpl-pickle"
    arrays = arrays_of("smplx") | {"J_regressor": np.array([Bomb()], dtype=object)}
    np.savez(tmp_path / "sparse.npz", **arrays)
    assert refused(tmp_path / "sparse.npz").reason == "smpl-model"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"v_template": None}, "v_template"),
        ({"weights": np.zeros((2182, 24))}, "24 joints"),
        ({"posedirs": np.zeros((2182, 3, 9))}, "posedirs"),
        ({"kintree_table": np.zeros((2, 55), np.uint32)}, "hang together"),
    ],
)
def test_a_model_of_another_type(change: dict[str, NDArray[np.float64] | None], says: str, tmp_path: Path) -> None:
    arrays = {key: value for key, value in (arrays_of("smplx") | change).items() if value is not None}
    np.savez(tmp_path / "other.npz", **arrays)
    error = refused(tmp_path / "other.npz")
    assert error.reason == "smpl-model"
    assert says in error.message


def test_landmarks_of_another_order_are_left_alone(tmp_path: Path) -> None:
    assert BodyModel.load(write_model(tmp_path / "model.npz")).landmarks is not None
    np.savez(tmp_path / "few.npz", **(arrays_of("smplx") | {"lmk_faces_idx": np.arange(17)}))
    assert BodyModel.load(tmp_path / "few.npz").landmarks is None


def test_a_model_that_was_cut_off(tmp_path: Path) -> None:
    path = write_model(tmp_path / "model.npz")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert refused(path).reason == "smpl-model"


def test_more_betas_than_the_model_has(tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    padded = np.array([1.0] * 10 + [0.0] * 290)
    np.testing.assert_array_equal(model.rest_joints(padded), model.rest_joints(np.ones(10)))
    with pytest.raises(DuologueError, match="300 betas"):
        model.rest_joints(np.ones(300))
