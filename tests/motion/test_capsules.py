"""Capsules, and distances between them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from duologue.motion.capsules import Capsules, closest_on_lines, depths, pair_penetration, self_penetration
from duologue.motion.skeleton import Skeleton, forward_kinematics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

DUOLOGUE60 = Skeleton.builtin("duologue60")


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["any", "parallel", "point", "crossing"]))
def test_distances_between_lines_agree_with_bounded_least_squares(seed: int, kind: str) -> None:
    """scipy's lsq_linear minimises |p + s u - q - t v| over the unit square of s and t."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, 2, 3))
    if kind == "parallel":
        second[1] = second[0] + 2.5 * (first[1] - first[0])
    elif kind == "point":
        second[1] = second[0]
    elif kind == "crossing":
        second[1] = 2 * first.mean(axis=0) - second[0]
    s, t, between = closest_on_lines(first, second)
    directions = np.stack([first[1] - first[0], second[0] - second[1]], axis=1)
    oracle = lsq_linear(directions, second[0] - first[0], bounds=(0, 1), tol=1e-14)
    assert np.linalg.norm(between) == pytest.approx(np.sqrt(2 * oracle.cost), abs=1e-6)
    assert 0 <= s <= 1
    assert 0 <= t <= 1
    np.testing.assert_allclose(between, directions @ [s, t] + first[0] - second[0], atol=1e-12)


def test_depth_is_radii_minus_distance_for_all_pairs_and_frames() -> None:
    first = np.array([[[0, 0, 0], [1, 0, 0]], [[0, 5, 0], [1, 5, 0]]], float)
    second = np.array([[[0.5, 0.3, -1], [0.5, 0.3, 1]]], float)
    frames = np.stack([first, first + np.array([0, 0.1, 0])])
    overlap = depths(frames, np.array([0.2, 0.1]), np.stack([second, second]), np.array([0.25]))
    np.testing.assert_allclose(overlap, [[[0.15], [-4.35]], [[0.25], [-4.45]]], atol=1e-12)


def test_capsules_keep_their_bones_and_grow_with_the_body() -> None:
    capsules = Capsules.of(DUOLOGUE60)
    rest = forward_kinematics(DUOLOGUE60, np.zeros((60, 3)), DUOLOGUE60.offsets[0])
    lines = capsules.place(*rest)
    shin = capsules.names.index("LeftShin")
    np.testing.assert_allclose(lines[shin], DUOLOGUE60.rest_positions[DUOLOGUE60.indices("LeftLeg", "LeftFoot")])
    head = capsules.names.index("head")
    assert lines[head, 1, 1] + capsules.radii[head] == pytest.approx(1.75, abs=0.01)
    small = Skeleton(
        DUOLOGUE60.names,
        DUOLOGUE60.parents,
        0.8 * DUOLOGUE60.offsets,
        tuple((joint, (0.8 * x, 0.8 * y, 0.8 * z)) for joint, (x, y, z) in DUOLOGUE60.ends),
    )
    np.testing.assert_allclose(Capsules.of(small).radii, 0.8 * capsules.radii)
    np.testing.assert_allclose(Capsules.of(small).lines, 0.8 * capsules.lines)


def _pose(**angles: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray]:
    rotations = np.zeros((1, 60, 3))
    for joint, euler in angles.items():
        rotations[0, DUOLOGUE60.index(joint)] = Rotation.from_euler("ZYX", euler).as_rotvec()
    return rotations, DUOLOGUE60.offsets[:1]


SEATED = {side + joint: (0.0, 0.0, x) for side in ("Left", "Right") for joint, x in (("UpLeg", -1.5), ("Leg", 1.5))}


@pytest.mark.parametrize(
    "pose",  # angles about Z, Y, X
    [
        {},
        {"LeftArm": (-1.35, 0, 0), "RightArm": (1.35, 0, 0)},  # arms hang
        {"LeftArm": (-0.6, -0.9, 0), "LeftForeArm": (0, -2.2, 0)},  # hand to shoulder
        SEATED,
        {"Head": (0, 0.8, 0.4), "Spine1": (0, 0, 0.5), "Neck": (0, 0, 0.3)},  # bows and looks aside
    ],
)
def test_healthy_poses_do_not_touch_themselves(pose: dict[str, tuple[float, float, float]]) -> None:
    overlap = self_penetration(DUOLOGUE60, *_pose(**pose))
    assert overlap.deepest < 0.02
    assert overlap.percent == 0


def test_a_hand_in_the_belly_is_found() -> None:
    overlap = self_penetration(DUOLOGUE60, *_pose(LeftArm=(-1.3, 0, 1.2), LeftForeArm=(0, -1.6, 0)))
    assert overlap.deepest > 0.05
    assert overlap.percent == 100


def test_two_bodies_overlap_as_points_along_their_bones_say(standing: Callable[..., Any]) -> None:
    far = standing(2, gap=0.6)
    assert pair_penetration(DUOLOGUE60, far.rotations, far.root).deepest == 0
    near = standing(2, gap=0.42)
    capsules = Capsules.of(DUOLOGUE60)
    lines = capsules.place(*forward_kinematics(DUOLOGUE60, near.rotations[:, 0], near.root[:, 0]))
    along = np.linspace(0, 1, 60)[:, None]
    points = lines[:, :, None, 0] * (1 - along) + lines[:, :, None, 1] * along  # 2, C, 60, 3
    deepest = max(
        capsules.radii[i] + capsules.radii[j] - cdist(points[0, i], points[1, j]).min()
        for i in range(len(capsules.names))
        for j in range(len(capsules.names))
    )
    assert deepest > 0.02
    overlap = pair_penetration(DUOLOGUE60, near.rotations, near.root)
    assert overlap.deepest == pytest.approx(deepest, abs=1e-3)
    assert overlap.mean == pytest.approx(overlap.deepest)
    assert overlap.percent == 100
