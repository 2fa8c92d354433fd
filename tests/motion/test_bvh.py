"""BVH files: hand-written corner cases, and every file of the kit there and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.motion.bvh import BvhClip, read_bvh, write_bvh
from duologue.motion.skeleton import Skeleton
from scipy.spatial.transform import Rotation

# An arm with three rotation orders, tabs and CRLF, a zero-length joint, a joint that moves, and one without channels.
ARM = """HIERARCHY\r
ROOT shoulder\r
{\r
\tOFFSET 0 10 0\r
\tCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\r
\tJOINT upper arm {\r
\t\tOFFSET 0 0 0\r
\t\tCHANNELS 3 Yrotation Xrotation Zrotation\r
\t\tJOINT elbow\r
\t\t{\r
\t\t\tOFFSET 30 0 0\r
\t\t\tCHANNELS 6 Xrotation Yrotation Zrotation Zposition Yposition Xposition\r
\t\t\tJOINT fixed\r
\t\t\t{\r
\t\t\t\tOFFSET 0 0 20\r
\t\t\t\tCHANNELS 0\r
\t\t\t\tEnd Site\r
\t\t\t\t{\r
\t\t\t\t\tOFFSET 0 0 5\r
\t\t\t\t}\r
\t\t\t}\r
\t\t}\r
\t}\r
}\r
MOTION\r
Frames: 2\r
Frame Time: 0.0333333\r
0 100 0  0 0 0   0 0 0   0 0 0  0 0 30\r
1 102 3  90 10 20  30 40 50  60 70 80  3 2 33\r
"""


@pytest.fixture
def arm(tmp_path: Path) -> Path:
    path = tmp_path / "arm.bvh"
    path.write_bytes(ARM.encode())
    return path


def test_channels_are_read_in_any_order_and_layout(arm: Path) -> None:
    clip = read_bvh(arm, scale=0.01)
    assert clip.fps == 30.0
    assert clip.skeleton.names == ("shoulder", "upper arm", "elbow", "fixed")
    assert clip.orders == ("ZXY", "YXZ", "XYZ", "")
    # The same pose, composed by hand with scipy (capital letters: intrinsic, as BVH channels stack).
    root = Rotation.from_euler("ZXY", [90, 10, 20], degrees=True)
    upper = root * Rotation.from_euler("YXZ", [30, 40, 50], degrees=True)
    elbow = upper * Rotation.from_euler("XYZ", [60, 70, 80], degrees=True)
    at_root = np.array([0.01, 1.02, 0.03])
    at_elbow = at_root + upper.apply([0.33, 0.02, 0.03])
    wanted = [at_root, at_root, at_elbow, at_elbow + elbow.apply([0, 0, 0.2])]
    np.testing.assert_allclose(clip.positions()[1], wanted, atol=1e-12)
    np.testing.assert_allclose(clip.skeleton.ends[0][1], [0, 0, 0.05])


def test_a_clip_survives_writing_in_other_orders_and_units(arm: Path, tmp_path: Path) -> None:
    clip = read_bvh(arm, scale=0.01)
    for scale in (1.0, 0.01, 0.0254):
        write_bvh(tmp_path / "copy.bvh", clip, scale=scale)
        copy = read_bvh(tmp_path / "copy.bvh", scale=scale)
        np.testing.assert_allclose(copy.positions(), clip.positions(), atol=1e-5)
        np.testing.assert_allclose(copy.skeleton.offsets, clip.skeleton.offsets, atol=1e-6)
        assert copy.skeleton.names == clip.skeleton.names
        assert copy.fps == clip.fps


def test_a_pose_of_ours_is_written_for_others_to_read(tmp_path: Path) -> None:
    """60 joints through gimbal lock and past half turns, as centimetres."""
    skeleton = Skeleton.builtin("duologue60")
    rng = np.random.default_rng(5)
    rotations = np.cumsum(rng.normal(scale=0.3, size=(200, 60, 3)), axis=0)
    rotations[50] = Rotation.from_euler("ZXY", [20, 90, 30], degrees=True).as_rotvec()
    root = np.cumsum(rng.normal(scale=0.01, size=(200, 3)), axis=0) + np.array([0, 1, 0])
    clip = BvhClip(skeleton, rotations, root, 30.0)
    write_bvh(tmp_path / "ours.bvh", clip, scale=0.01)
    copy = read_bvh(tmp_path / "ours.bvh")
    assert copy.scale == 0.01  # an adult, so the unit is recognised
    assert copy.skeleton.names == skeleton.names
    assert len(copy.skeleton.ends) == len(skeleton.ends)
    np.testing.assert_allclose(copy.positions(), clip.positions(), atol=1e-6)


def test_a_root_offset_that_was_meant_to_add_is_added(tmp_path: Path) -> None:
    text = (
        "HIERARCHY\nROOT Hips\n{{\nOFFSET 0 90 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation\n"
        "End Site\n{{\nOFFSET 0 -90 0\n}}\n}}\nMOTION\nFrames: 1\nFrame Time: 0.04\n1 {height} 2 0 0 0\n"
    )
    for height in (0.5, 90.5):
        (tmp_path / "root.bvh").write_text(text.format(height=height))
        clip = read_bvh(tmp_path / "root.bvh", scale=0.01)
        np.testing.assert_allclose(clip.root_translation[0], [0.01, 0.905, 0.02])
        assert clip.fps == 25.0


@pytest.mark.parametrize(
    ("words", "fps"), [("0.0333", 30.0), ("0.033333", 30.0), ("0.0333667", 29.97), ("0.008333", 120.0)]
)
def test_frame_times_with_few_digits(words: str, fps: float, tmp_path: Path) -> None:
    (tmp_path / "a.bvh").write_text(ARM.replace("0.0333333", words))
    assert read_bvh(tmp_path / "a.bvh", scale=0.01).fps == pytest.approx(fps, rel=1e-5)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("MOTION", "", "bvh-motion"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "bvh-motion"),
        ("OFFSET 30 0 0", "OFFSET 30 0", "bvh-hierarchy"),
        ("CHANNELS 0", "CHANNELS 1 Xscale", "bvh-hierarchy"),
        ("CHANNELS 3 Y", "CHANNELS 4 Y", "bvh-hierarchy"),
        ("\t}\r\n}\r\nMOTION", "\t}\r\nMOTION", "bvh-hierarchy"),
        ("JOINT elbow", "ROOT elbow", "bvh-hierarchy"),
        ("JOINT elbow", "BONE elbow", "bvh-hierarchy"),
        ("Frames: 2", "Frames: 3", "bvh-truncated"),
        ("Frames: 2", "Frames: 0", "bvh-empty"),
        ("1 102 3", "1 x 3", "bvh-values"),
        ("1 102 3", "1 nan 3", "bvh-values"),
        ("JOINT elbow", "JOINT shoulder", "skeleton-names"),
    ],
)
def test_broken_files_are_refused_by_name(before: str, after: str, reason: str, tmp_path: Path) -> None:
    assert before in ARM
    path = tmp_path / "broken.bvh"
    path.write_bytes(ARM.replace(before, after, 1).encode())
    with pytest.raises(DuologueError) as caught:
        read_bvh(path)
    assert caught.value.reason == reason
    assert reason == "skeleton-names" or str(path) in caught.value.message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("HIERARCHY", "\ufeffHIERARCHY"),
        ("MOTION", "Motion"),
        ("elbow", "MOTION_elbow"),
        ("elbow", "MOTION"),
        ("\r\n", "\r"),
        ("\r\n", "\n"),
    ],
)
def test_what_other_writers_do_is_no_reason_to_refuse(before: str, after: str, arm: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.bvh"
    text = ARM.replace(before, after)
    path.write_bytes((text + "\x1a").encode())
    plain, other = read_bvh(arm, scale=0.01), read_bvh(path, scale=0.01)
    np.testing.assert_array_equal(other.rotations, plain.rotations)
    path.write_bytes(text.encode("utf-16"))
    assert read_bvh(path, scale=0.01).frames == plain.frames


def test_missing_files_and_values_that_are_not_finite(tmp_path: Path, arm: Path) -> None:
    with pytest.raises(DuologueError, match="cannot read"):
        read_bvh(tmp_path / "absent.bvh")
    clip = read_bvh(arm)
    clip.rotations[0, 0, 0] = np.nan
    with pytest.raises(DuologueError, match="not finite"):
        write_bvh(tmp_path / "out.bvh", clip)
    assert not (tmp_path / "out.bvh").exists()


KIT_SCALES = {  # metres a unit, from the kit's README
    "body_cmu_scenes": 1.0,
    "body_gestures_smartbody": 0.01,
    "body_idle_reactidle": 1.0,
    "body_quaternius": 0.01,
    "body_rocketbox": 0.01,
    "body_walk_cmu": 0.01,
}


@pytest.mark.parametrize("folder", KIT_SCALES)
def test_every_bvh_of_the_kit_survives_reading_and_writing(
    folder: str, kit_bvhs: Callable[[str], list[Path]], tmp_path: Path
) -> None:
    """Full length, all 759 files, some 30 s in all."""
    for path in kit_bvhs(folder):
        clip = read_bvh(path)
        assert clip.scale == KIT_SCALES[folder], path
        write_bvh(tmp_path / "copy.bvh", clip, scale=clip.scale)
        copy = read_bvh(tmp_path / "copy.bvh", scale=clip.scale)
        order = copy.skeleton.indices(*clip.skeleton.names)
        np.testing.assert_allclose(copy.positions()[:, order], clip.positions(), rtol=0, atol=1e-4, err_msg=str(path))
        assert copy.fps == clip.fps


@pytest.mark.parametrize("folder", KIT_SCALES)
def test_the_kit_is_read_as_an_independent_reading_says(folder: str, kit_bvhs: Callable[[str], list[Path]]) -> None:
    """One frame of one file of each folder, walked line by line with scipy's rotations."""
    path = kit_bvhs(folder)[0]
    clip = read_bvh(path)
    frame = clip.frames // 2
    for name, place in _walk(path, frame).items():
        position = clip.positions()[frame, clip.skeleton.index(name)] - clip.root_translation[frame]
        np.testing.assert_allclose(position, place * clip.scale, atol=1e-9)


def _walk(path: Path, frame: int) -> dict[str, np.ndarray]:
    """Positions relative to the root, in the file's unit."""
    head, body = path.read_text().split("MOTION")
    numbers = iter([float(word) for word in body.strip().splitlines()[2 + frame].split()])
    places: dict[str, np.ndarray] = {}
    stack: list[tuple[np.ndarray, Rotation]] = []
    name, place, turn = "", np.zeros(3), Rotation.identity()
    for line in head.splitlines():
        if match := re.match(r"\s*(?:ROOT|JOINT)\s+(\S+)", line):
            name = match[1]
        elif "End Site" in line:
            name = ""
        elif match := re.match(r"\s*OFFSET\s+(.*)", line):
            offset = np.array([float(word) for word in match[1].split()])
            parent = stack[-2] if len(stack) > 1 else (np.zeros(3), Rotation.identity())
            place = parent[0] + parent[1].apply(offset) if len(stack) > 1 else np.zeros(3)
        elif match := re.match(r"\s*CHANNELS \d+\s+(.*)", line):
            words = match[1].split()
            values = [next(numbers) for _ in words]
            axes = "".join(word[0] for word in words if "rot" in word)
            angles = [value for word, value in zip(words, values, strict=True) if "rot" in word]
            moved = [value for word, value in zip(words, values, strict=True) if "pos" in word]  # X, Y, Z in the kit
            if moved and len(stack) > 1:
                place = parent[0] + parent[1].apply(moved)
            turn = parent[1] * Rotation.from_euler(axes, angles, degrees=True)
            places[name] = place
            stack[-1] = (place, turn)
        elif "{" in line:
            stack.append((place, turn))
        elif "}" in line:
            stack.pop()
    return places
