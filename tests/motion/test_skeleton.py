"""The skeletons that ship, and forward kinematics against hand-composed scipy transforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton, end_positions, forward_kinematics
from scipy.spatial.transform import Rotation

BUILTINS = ("duologue60", "smplx55", "vrm55")


def test_duologue60_is_the_interact_list() -> None:
    names = Skeleton.builtin("duologue60").names
    arm = [
        "Shoulder",
        "Arm",
        "ForeArm",
        "Hand",
        "HandThumb1",
        "HandThumb2",
        "HandThumb3",
        "HandIndex",
        "HandIndex1",
        "HandIndex2",
    ]
    arm += [
        "HandIndex3",
        "HandMiddle1",
        "HandMiddle2",
        "HandMiddle3",
        "HandRing",
        "HandRing1",
        "HandRing2",
        "HandRing3",
    ]
    arm += ["HandPinky", "HandPinky1", "HandPinky2", "HandPinky3"]
    body = ["Hips", "Spine", "Spine1", "Spine2", "Spine3", "Neck", "Neck1", "Head"]
    sides = ("Right", "Left")
    legs = ["UpLeg", "Leg", "Foot", "ToeBase"]
    assert list(names) == body + [s + j for s in sides for j in arm] + [s + j for s in sides for j in legs]
    skeleton = Skeleton.builtin("duologue60")
    assert skeleton.names[skeleton.parents[skeleton.index("LeftHandPinky")]] == "LeftHandRing"


def test_smplx55_begins_like_the_published_order() -> None:
    """Order of body, face and hand joints in the smplx package's own list."""
    names = Skeleton.builtin("smplx55").names
    assert names[:6] == ("pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee")
    assert names[20:26] == ("left_wrist", "right_wrist", "jaw", "left_eye", "right_eye", "left_index1")
    assert names[31:34] == ("left_pinky1", "left_pinky2", "left_pinky3")
    assert names[54] == "right_thumb3"


@pytest.mark.parametrize("name", BUILTINS)
def test_builtin_adults_have_human_proportions(name: str) -> None:
    """D. A. Winter, Biomechanics and Motor Control of Human Movement, fig. 4.1: segment lengths as fractions of height."""
    skeleton = Skeleton.builtin(name)
    rest = skeleton.rest_positions
    tips = np.array([rest[joint] + offset for joint, offset in skeleton.ends])
    assert tips[:, 1].max() == pytest.approx(1.75, abs=0.005)
    assert 0 < tips[:, 1].min() < 0.02  # the toes' flesh, below their bone, touches the floor
    hip, knee, ankle, shoulder, elbow, wrist = (rest[_find(skeleton, words)] for words in _LEFT)
    assert hip[1] == pytest.approx(0.530 * 1.75, abs=0.02)
    assert knee[1] == pytest.approx(0.285 * 1.75, abs=0.02)
    assert shoulder[1] == pytest.approx(0.818 * 1.75, abs=0.02)
    assert np.linalg.norm(wrist - elbow) == pytest.approx(0.146 * 1.75, abs=0.02)
    assert ankle[1] == pytest.approx(0.08, abs=0.02)
    assert hip[0] > 0
    assert wrist[0] > elbow[0] > shoulder[0]  # left is +X
    for left, right in skeleton.mirror_pairs:
        np.testing.assert_allclose(rest[left] * [-1, 1, 1], rest[right], atol=1e-9)
    midline = set(range(len(skeleton))) - {j for pair in skeleton.mirror_pairs for j in pair}
    np.testing.assert_allclose(rest[sorted(midline), 0], 0)


_LEFT = (
    ("LeftUpLeg", "left_hip", "leftUpperLeg"),
    ("LeftLeg", "left_knee", "leftLowerLeg"),
    ("LeftFoot", "left_ankle", "leftFoot"),
    ("LeftArm", "left_shoulder", "leftUpperArm"),
    ("LeftForeArm", "left_elbow", "leftLowerArm"),
    ("LeftHand", "left_wrist", "leftHand"),
)


def _find(skeleton: Skeleton, words: tuple[str, ...]) -> int:
    return next(skeleton.index(word) for word in words if word in skeleton.names)


def _pose(seed: int, frames: int, joints: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.7, size=(frames, joints, 3)), rng.normal(size=(frames, 3))


def test_forward_kinematics_agrees_with_chained_scipy_transforms() -> None:
    skeleton = Skeleton.builtin("duologue60")
    rotations, root = _pose(1, 5, len(skeleton))
    matrices, positions = forward_kinematics(skeleton, rotations, root)
    for frame in range(5):
        for tip in ("LeftHandPinky3", "RightToeBase", "Head"):
            chain = [skeleton.index(tip)]
            while skeleton.parents[chain[0]] >= 0:
                chain.insert(0, skeleton.parents[chain[0]])
            turn, place = Rotation.identity(), root[frame]
            for joint in chain:
                if joint:
                    place = place + turn.apply(np.array(skeleton.offsets[joint]))
                turn = turn * Rotation.from_rotvec(rotations[frame, joint])
            np.testing.assert_allclose(positions[frame, chain[-1]], place, atol=1e-12)
            np.testing.assert_allclose(matrices[frame, chain[-1]], turn.as_matrix(), atol=1e-12)


def test_forward_kinematics_takes_any_leading_shape_and_keeps_precision() -> None:
    skeleton = Skeleton.builtin("vrm55")
    rotations, root = _pose(2, 6, len(skeleton))
    flat = forward_kinematics(skeleton, rotations, root)
    pair = forward_kinematics(skeleton, rotations.reshape(2, 3, -1, 3), root.reshape(2, 3, 3))
    np.testing.assert_array_equal(pair[1].reshape(flat[1].shape), flat[1])
    single = forward_kinematics(skeleton, rotations.astype(np.float32), root.astype(np.float32))
    assert single[1].dtype == np.float32
    np.testing.assert_allclose(single[1], flat[1], atol=2e-6)
    from_matrices = forward_kinematics(skeleton, Rotation.from_rotvec(rotations[0]).as_matrix(), root[0])
    np.testing.assert_allclose(from_matrices[1], flat[1][0], atol=1e-12)
    with pytest.raises(DuologueError, match="don't fit the 55 joints"):
        forward_kinematics(skeleton, rotations[:, :54], root)


def test_ends_follow_their_joints() -> None:
    skeleton = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [1, 0, 0]]), ((1, (1.0, 0.0, 0.0)),))
    quarter = np.array([[0, 0, 0], [0, 0, np.pi / 2]])
    matrices, positions = forward_kinematics(skeleton, quarter, np.zeros(3))
    np.testing.assert_allclose(end_positions(skeleton, matrices, positions), [[1, 1, 0]], atol=1e-15)


def test_skeletons_are_saved_and_loaded(tmp_path: Path) -> None:
    original = Skeleton.builtin("duologue60")
    original.save(tmp_path / "s.json")
    copy = Skeleton.load(tmp_path / "s.json")
    assert (copy.names, copy.parents, copy.ends, copy.name) == (
        original.names,
        original.parents,
        original.ends,
        original.name,
    )
    np.testing.assert_array_equal(copy.offsets, original.offsets)


@pytest.mark.parametrize(
    ("names", "parents", "reason"),
    [
        (("a", "a"), (-1, 0), "skeleton-names"),
        (("a", "b"), (1, -1), "skeleton-order"),
        (("a", "b"), (-1, -1), "skeleton-order"),
        (("a",), (-1, 0), "skeleton-shape"),
    ],
)
def test_skeletons_that_are_no_tree_are_refused(names: tuple[str, ...], parents: tuple[int, ...], reason: str) -> None:
    with pytest.raises(DuologueError) as caught:
        Skeleton(names, parents, np.zeros((2, 3)))
    assert caught.value.reason == reason


def test_unknown_joints_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DuologueError, match="no joint 'Tail'"):
        Skeleton.builtin("duologue60").index("Tail")
    (tmp_path / "bad.json").write_text('{"names": ["a"]}')
    with pytest.raises(DuologueError, match=r"bad\.json.*parents"):
        Skeleton.load(tmp_path / "bad.json")
    with pytest.raises(DuologueError, match="cannot read"):
        Skeleton.load(tmp_path / "absent.json")
