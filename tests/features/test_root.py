"""The pair's root as steps a frame, and back from each performer's own start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from duologue.features.root import decode_root, encode_root, heading
from duologue.motion.bvh import read_bvh
from scipy.spatial.transform import Rotation


def _pair(seconds: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """Two people who walk in curves for a minute at up to 1.5 m/s and turn several times: (2, T, 3) twice."""
    t = np.arange(int(seconds * 30)) / 30
    rng = np.random.default_rng(11)
    yaw = np.stack([0.7 * t, np.pi - 0.4 * t + 2 * np.sin(t)])
    speed = 0.75 + 0.75 * np.sin(np.stack([t, 1.3 * t]))
    velocity = np.stack([speed * np.sin(yaw), 0.02 * np.cos(7 * t) + 0 * yaw, speed * np.cos(yaw)], axis=-1)
    root = np.cumsum(velocity / 30, axis=1) + np.array([[[-0.6, 0.95, 0.0]], [[0.6, 0.9, 1.0]]])
    lean = rng.normal(scale=0.05, size=(2, len(t), 2)).cumsum(axis=1) * 0.1
    angles = np.stack([yaw, np.clip(lean[..., 0], -1, 1), np.clip(lean[..., 1], -1, 1)], axis=-1)
    hips = Rotation.from_euler("YXZ", angles.reshape(-1, 3)).as_rotvec().reshape(2, -1, 3)
    return root, hips


def test_a_minute_in_float32_comes_back_within_a_millimetre() -> None:
    root, hips = _pair()
    steps, local, path = encode_root(root.astype(np.float32), hips.astype(np.float32))
    assert steps.dtype == local.dtype == np.float32
    back, turned, _ = decode_root(steps, local, path[:, 0])
    assert np.abs(back - root).max() < 1e-3
    assert (
        np.linalg.norm((back[0] - back[1]) - (root[0] - root[1]), axis=-1).max() < 1e-3
    )  # nor does the pair drift apart
    error = Rotation.from_rotvec(turned.reshape(-1, 3)) * Rotation.from_rotvec(hips.reshape(-1, 3)).inv()
    assert error.magnitude().max() < 1e-4


def test_steps_do_not_know_where_on_the_floor_they_are() -> None:
    root, hips = _pair(5)
    steps, local, _ = encode_root(root, hips)
    turn = Rotation.from_euler("Y", 2.0)
    elsewhere = turn.apply(root.reshape(-1, 3)).reshape(root.shape) + np.array([3, 0, -4])
    turned = (turn * Rotation.from_rotvec(hips.reshape(-1, 3))).as_rotvec().reshape(hips.shape)
    same_steps, same_local, _ = encode_root(elsewhere, turned)
    np.testing.assert_allclose(same_steps, steps, atol=1e-12)
    np.testing.assert_allclose(same_local, local, atol=1e-12)


def test_walking_straight_ahead_is_a_step_forward() -> None:
    """Facing +X (heading 90 degrees) and walking there at 1.2 m/s, left shoulder first by 0.3 m/s."""
    t = np.arange(4)[:, None] / 30
    root = t * [1.2, 0.0, -0.3] + [0, 0.9, 0]
    hips = np.tile([0.0, np.pi / 2, 0.0], (4, 1))
    steps, local, path = encode_root(root, hips)
    np.testing.assert_allclose(steps, np.tile([0.01, 0.04, 0.0, 0.9], (4, 1)), atol=1e-12)
    np.testing.assert_allclose(local, 0, atol=1e-12)
    np.testing.assert_allclose(path[-1], [0.12, -0.03, np.pi / 2], atol=1e-12)


def test_windows_go_on_where_the_one_before_ended() -> None:
    root, hips = _pair(10)
    steps, local, path = encode_root(root, hips)
    whole, _, _ = decode_root(steps, local, path[:, 0])
    first, _, reached = decode_root(steps[:, :117], local[:, :117], path[:, 0])
    second, _, _ = decode_root(steps[:, 117:], local[:, 117:], reached[:, -1], moving=True)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-12)


def test_a_bow_keeps_its_heading() -> None:
    for pitch in (0.3, 1.2, 2.0):
        bow = (Rotation.from_euler("Y", 0.8) * Rotation.from_euler("X", pitch)).as_rotvec()
        assert heading(bow) == pytest.approx(0.8)


def test_one_frame_has_no_step() -> None:
    steps, local, path = encode_root([[1.0, 0.9, 2.0]], [[0.0, 0.5, 0.0]])
    np.testing.assert_allclose(steps, [[0, 0, 0, 0.9]])
    root, hips, _ = decode_root(steps, local, path[0])
    np.testing.assert_allclose(root, [[1.0, 0.9, 2.0]])
    np.testing.assert_allclose(hips, [[0.0, 0.5, 0.0]], atol=1e-15)


def test_recorded_walks_come_back(kit_bvhs: Callable[[str], list[Path]]) -> None:
    for path in kit_bvhs("body_walk_cmu")[:4]:
        clip = read_bvh(path)
        hip = clip.skeleton.index("CC_Base_Hip")
        hips = clip.rotations[:, hip]
        root = clip.positions()[:, hip]
        steps, local, way = encode_root(root.astype(np.float32), hips.astype(np.float32))
        back, _, _ = decode_root(steps, local, way[0])
        np.testing.assert_allclose(back, root, atol=1e-4)
