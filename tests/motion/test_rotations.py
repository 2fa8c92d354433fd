"""Every conversion against scipy and roma, over random, tiny and near-pi rotations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import roma
import torch
from duologue.errors import DuologueError
from duologue.motion import rotations as rot
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

TOLERANCE = 1e-6  # radians, the bound; in fact most hold to 1e-12


@st.composite
def exponential_maps(draw: st.DrawFn) -> np.ndarray:
    """A batch of 16 rotation vectors with angles in one of the three regimes that break naive formulas."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    axis = rng.normal(size=(16, 3))
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    angle = draw(
        st.one_of(
            st.floats(0.0, np.pi),
            st.floats(-300, -3).map(lambda e: 10.0**e),
            st.floats(-16, -3).map(lambda e: np.pi - 10.0**e),
            st.just(np.pi),
        )
    )
    return angle * axis


def angle_between(values: np.ndarray, wanted: Rotation) -> float:
    """The largest angle between rotations, quaternions (..., 4) or matrices (..., 3, 3), and the wanted ones."""
    is_quat = np.shape(values)[-1] == 4
    rotations = Rotation.from_quat(values, scalar_first=True) if is_quat else Rotation.from_matrix(values)
    return float((rotations * wanted.inv()).magnitude().max())


@given(exponential_maps())
def test_exponential_map_to_quaternion_and_matrix_agree_with_scipy_and_roma(v: np.ndarray) -> None:
    oracle = Rotation.from_rotvec(v)
    assert angle_between(rot.exp_to_matrix(v), oracle) < TOLERANCE
    np.testing.assert_allclose(rot.exp_to_matrix(v), roma.rotvec_to_rotmat(torch.from_numpy(v)).numpy(), atol=1e-12)
    quat = rot.exp_to_quat(v)
    assert angle_between(quat, oracle) < TOLERANCE
    np.testing.assert_allclose(quat[:, [1, 2, 3, 0]], roma.rotvec_to_unitquat(torch.from_numpy(v)).numpy(), atol=1e-12)


@given(exponential_maps())
def test_every_round_trip_gives_back_the_rotation(v: np.ndarray) -> None:
    oracle = Rotation.from_rotvec(v)
    for back in (
        rot.quat_to_exp(rot.exp_to_quat(v)),
        rot.matrix_to_exp(rot.exp_to_matrix(v)),
        rot.quat_to_exp(rot.matrix_to_quat(rot.quat_to_matrix(rot.exp_to_quat(v)))),
        rot.quat_to_exp(-rot.exp_to_quat(v)),
    ):
        assert (Rotation.from_rotvec(back) * oracle.inv()).magnitude().max() < TOLERANCE
        assert np.linalg.norm(back, axis=-1).max() <= np.pi + 1e-12
        if np.linalg.norm(v[0]) < np.pi - 1e-3:  # at pi the two signs are the same rotation
            np.testing.assert_allclose(back, v, rtol=0, atol=TOLERANCE)


@given(exponential_maps())
def test_tiny_exponential_maps_keep_their_relative_precision(v: np.ndarray) -> None:
    tiny = v * 1e-9
    np.testing.assert_allclose(rot.quat_to_exp(rot.exp_to_quat(tiny)), tiny, rtol=1e-12, atol=1e-150)


@given(exponential_maps(), st.permutations("XYZ").map("".join))
def test_euler_angles_agree_with_scipy_in_all_six_orders(v: np.ndarray, order: str) -> None:
    oracle = Rotation.from_rotvec(v)
    angles = rot.matrix_to_euler(oracle.as_matrix(), order)
    # scipy: capitals are intrinsic rotations, which is how BVH channels stack.
    assert (Rotation.from_euler(order, angles) * oracle.inv()).magnitude().max() < TOLERANCE
    assert angle_between(rot.euler_to_matrix(angles, order), oracle) < TOLERANCE


@pytest.mark.parametrize("order", ["".join(p) for p in itertools.permutations("XYZ")])
@pytest.mark.parametrize("offset", [0.0, 1e-14, 1e-10, 1e-8, 1e-5])
def test_euler_angles_near_gimbal_lock(order: str, offset: float) -> None:
    rng = np.random.default_rng(0)
    angles = rng.uniform(-np.pi, np.pi, (200, 3))
    angles[:, 1] = np.sign(angles[:, 1]) * (np.pi / 2 - offset)
    oracle = Rotation.from_euler(order, angles)
    rebuilt = Rotation.from_euler(order, rot.matrix_to_euler(oracle.as_matrix(), order))
    assert (rebuilt * oracle.inv()).magnitude().max() < TOLERANCE


def test_fewer_channels_than_three_turn_about_those_alone() -> None:
    np.testing.assert_allclose(
        rot.euler_to_matrix([[0.3, -0.8]], "YX"), Rotation.from_euler("YX", [[0.3, -0.8]]).as_matrix(), atol=1e-15
    )
    with pytest.raises(DuologueError, match="one to three of X, Y and Z"):
        rot.euler_to_matrix([[0.3]], "Q")


@given(exponential_maps(), exponential_maps())
def test_products_and_turned_vectors_agree_with_scipy(a: np.ndarray, b: np.ndarray) -> None:
    first, second = Rotation.from_rotvec(a), Rotation.from_rotvec(b)
    product = rot.quat_multiply(rot.exp_to_quat(a), rot.exp_to_quat(b))
    assert angle_between(product, first * second) < TOLERANCE
    inverse = rot.quat_conjugate(rot.exp_to_quat(a))
    assert angle_between(inverse, first.inv()) < TOLERANCE
    np.testing.assert_allclose(rot.quat_rotate(rot.exp_to_quat(a), b), first.apply(b), atol=1e-12)


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_slerp_agrees_with_scipy(seed: int, fraction: float) -> None:
    pair = Rotation.random(2, random_state=seed % 2**31)
    q0, q1 = pair.as_quat(scalar_first=True)
    wanted = Slerp([0, 1], pair)(fraction)
    for end in (q1, -q1):  # the shorter way, whatever the sign
        assert angle_between(rot.quat_slerp(q0, end, fraction), wanted) < TOLERANCE


@given(exponential_maps(), exponential_maps())
def test_the_rotation_between_two_directions_turns_the_one_into_the_other(a: np.ndarray, b: np.ndarray) -> None:
    a, b = (rot.quat_rotate(rot.exp_to_quat(v), [0.0, 0.0, 2.0]) for v in (a, b))
    for start, end in ((a, b), (a, -a), (a, a), (a, -a + 1e-9 * b)):
        turned = rot.quat_rotate(rot.quat_between(start, end), start)
        np.testing.assert_allclose(turned, 2 * end / np.linalg.norm(end, axis=-1, keepdims=True), atol=1e-8)


def test_inverses_agree_with_numpys() -> None:
    matrices = np.random.default_rng(3).normal(size=(4, 50, 3, 3)) + 3 * np.eye(3)
    np.testing.assert_allclose(rot.inverse(matrices), np.linalg.inv(matrices), rtol=1e-9, atol=1e-12)


def test_yaw_turns_forward_towards_left() -> None:
    h = np.array([0.0, 0.5, np.pi / 2, -3.0])
    np.testing.assert_allclose(rot.yaw_matrix(h) @ [0, 0, 1], np.stack([np.sin(h), 0 * h, np.cos(h)], -1), atol=1e-15)


def test_unrolled_maps_of_a_spin_keep_growing() -> None:
    """Three full turns about a wobbling axis: the unrolled map is continuous and the same rotation as scipy's."""
    t = np.linspace(0, 1, 400)
    axis = np.stack([0.1 * np.sin(5 * t), np.ones_like(t), 0.1 * np.cos(3 * t)], -1)
    axis /= np.linalg.norm(axis, axis=-1, keepdims=True)
    curve = (6 * np.pi * t)[:, None] * axis
    wrapped = Rotation.from_rotvec(curve).as_rotvec()
    assert np.abs(np.diff(wrapped, axis=0)).max() > 3  # the input does jump
    np.testing.assert_allclose(rot.unroll_exp(wrapped[:, None])[:, 0], curve, atol=1e-8)


@given(st.integers(0, 2**32 - 1))
def test_unrolling_takes_the_equivalent_closest_to_the_frame_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    v = np.cumsum(rng.normal(scale=0.8, size=(40, 2, 3)), axis=0)
    out = rot.unroll_exp(v)
    same = Rotation.from_rotvec(out.reshape(-1, 3)) * Rotation.from_rotvec(v.reshape(-1, 3)).inv()
    assert same.magnitude().max() < TOLERANCE
    axis = out / np.linalg.norm(out, axis=-1, keepdims=True)
    step = np.linalg.norm(out[1:] - out[:-1], axis=-1)
    for turns in (-2, -1, 1, 2):
        other = np.linalg.norm((out + 2 * np.pi * turns * axis)[1:] - out[:-1], axis=-1)
        assert (step <= other + 1e-9).all()


def test_unrolled_quaternions_never_jump_to_the_other_side() -> None:
    quats = Rotation.from_rotvec(np.linspace(0, 9, 100)[:, None] * [0, 1, 0]).as_quat(scalar_first=True, canonical=True)
    out = rot.unroll_quat(quats)
    assert (np.einsum("ti,ti->t", out[1:], out[:-1]) > 0).all()
    assert angle_between(out, Rotation.from_quat(quats, scalar_first=True)) < TOLERANCE


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_precision_in_is_precision_out(kind: type) -> None:
    v = np.linspace(-1, 1, 9, dtype=kind).reshape(3, 3)
    for out in (
        rot.exp_to_quat(v),
        rot.exp_to_matrix(v),
        rot.quat_to_exp(rot.exp_to_quat(v)),
        rot.matrix_to_euler(rot.exp_to_matrix(v), "ZXY"),
        rot.unroll_exp(v),
        rot.quat_rotate(rot.exp_to_quat(v), v),
        rot.matrix_to_exp(rot.exp_to_matrix(v)),
        rot.quat_between(v, v[::-1]),
    ):
        assert out.dtype == kind
