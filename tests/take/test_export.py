"""What other tools get: BVH in one shared world, Live Link Face as the app writes it, WAV in time with the take."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from duologue import arkit
from duologue.errors import DuologueError
from duologue.motion.bvh import read_bvh
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.take import Take, Track
from duologue.take.export import LIVE_LINK_COLUMNS, timecode, write_exports, write_live_link

soundfile = pytest.importorskip("soundfile")
from duologue.units import Sound  # noqa: E402

# The header that the app writes, as stored by tools that read its recordings (nine stored files agree).
APP_HEADER = (
    "Timecode,BlendshapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,EyeWideLeft,"
    "EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,EyeWideRight,JawForward,JawRight,"
    "JawLeft,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthRight,MouthLeft,MouthSmileLeft,MouthSmileRight,MouthFrownLeft,"
    "MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,MouthStretchRight,MouthRollLower,MouthRollUpper,"
    "MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,"
    "MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,"
    "CheekSquintRight,NoseSneerLeft,NoseSneerRight,TongueOut,HeadYaw,HeadPitch,HeadRoll,LeftEyeYaw,LeftEyePitch,LeftEyeRoll,"
    "RightEyeYaw,RightEyePitch,RightEyeRoll"
)


def track(frames: int, seed: int, skeleton: Skeleton) -> Track:
    random = np.random.default_rng(seed)
    hips = skeleton.offsets[0] + random.normal(0, [1, 0.02, 1], size=(frames, 3))
    return Track(
        root_translation=hips.astype(np.float32),
        rotations=random.normal(0, 0.3, size=(frames, len(skeleton.names), 3)).astype(np.float32),
        weights=random.random((frames, 52), np.float32),
        facing=np.ones(frames, bool),
        actions=np.zeros(frames, np.uint8),
    )


@pytest.fixture
def take() -> Take:
    skeleton = Skeleton.builtin("duologue60")
    return Take(skeleton, (track(45, 1, skeleton), track(45, 2, skeleton)))


def test_columns_are_the_apps() -> None:
    assert ",".join(LIVE_LINK_COLUMNS) == APP_HEADER
    assert len(LIVE_LINK_COLUMNS) == 63


def test_the_face_can_be_read_back_by_name(tmp_path: Path) -> None:
    weights = np.zeros((40, 52), np.float32)
    weights[33, arkit.INDEX["jawLeft"]] = 0.25
    weights[34, arkit.INDEX["mouthRight"]] = 0.75
    write_live_link(tmp_path / "A.csv", weights)
    with (tmp_path / "A.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert rows[33]["Timecode"] == "00:00:01:03.000"
    assert {row["BlendshapeCount"] for row in rows} == {"61"}
    assert (float(rows[33]["JawLeft"]), float(rows[33]["JawRight"])) == (0.25, 0)
    assert (float(rows[34]["MouthRight"]), float(rows[34]["MouthLeft"])) == (0.75, 0)
    assert sum(float(rows[35][name]) for name in LIVE_LINK_COLUMNS[2:]) == 0


def test_timecodes_count_frames() -> None:
    assert timecode(0) == "00:00:00:00.000"
    assert timecode(29) == "00:00:00:29.000"
    assert timecode(30 * 3661 + 7) == "01:01:01:07.000"


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DuologueError, match=r"\(4, 51\)"):
        write_live_link(tmp_path / "A.csv", np.zeros((4, 51), np.float32))


def test_the_whole_folder(tmp_path: Path, take: Take) -> None:
    sound = Sound(np.sin(np.arange(24_000 * 2) / 20).astype(np.float32), 24_000)
    names = write_exports(take, (sound, sound), tmp_path)
    assert sorted(names) == sorted(file.name for file in tmp_path.iterdir())
    assert sorted(names) == ["A.bvh", "A.csv", "A.wav", "B.bvh", "B.csv", "B.wav"]

    for name, performed in zip("AB", take.tracks, strict=True):
        clip = read_bvh(tmp_path / f"{name}.bvh", scale=0.01)  # centimetres
        assert clip.fps == pytest.approx(30, abs=1e-6)
        assert clip.skeleton.names == take.skeleton.names
        expected = forward_kinematics(
            take.skeleton, performed.rotations.astype(np.float64), performed.root_translation.astype(np.float64)
        )[1]
        np.testing.assert_allclose(clip.positions(), expected, atol=1e-4)

    # The take is shorter than the sound, as one that was stopped: the sound ends with it.
    info = soundfile.info(tmp_path / "A.wav")
    assert (info.samplerate, info.frames, info.subtype) == (24_000, 45 * 800, "PCM_24")
    np.testing.assert_allclose(soundfile.read(tmp_path / "B.wav")[0], sound.samples[: 45 * 800], atol=2**-23)


def test_a_missing_folder_is_named(tmp_path: Path, take: Take) -> None:
    sound = Sound(np.zeros(48_000, np.float32), 24_000)
    with pytest.raises(DuologueError) as caught:
        write_exports(take, (sound, sound), tmp_path / "none")
    assert caught.value.reason == "folder-not-found"
