"""Folders of videos as other data sets have them, written by FFmpeg and read again."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from duologue.datasets.readers import cointeract, interhf
from duologue.datasets.readers.videos import Square, read_video, windows
from duologue.errors import DuologueError
from duologue.passes.video import write_video

pytest.importorskip("av")

FACE, HAND = (40, 30, 80, 70), (90, 100, 110, 130)


def pictures(frames: int, width: int = 160, height: int = 240) -> np.ndarray:
    """A red face and a blue hand on grey."""
    clip = np.full((frames, height, width, 3), 120, np.uint8)
    clip[:, FACE[1] : FACE[3], FACE[0] : FACE[2]] = (200, 30, 30)
    clip[:, HAND[1] : HAND[3], HAND[0] : HAND[2]] = (30, 30, 200)
    return clip


def coin(folder: Path, keys: list[int], **changed: str) -> Path:
    """A folder as the training guide describes it, its pictures half the size that boxes are counted in."""
    for name in ("input_video", "hoi_video"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        write_video(folder / name / "000.mp4", pictures(81), 25)
    row = {
        "prompt": "A hand, a face", "input_video": "input_video/000.mp4", "motion_video": "", "audio": "",
        "person_image": "", "hoi_video": "hoi_video/000.mp4", "height": "480", "width": "320",
        "face": json.dumps({f"frame_{key}": [2 * value for value in FACE] for key in keys}),
        "hand_object": json.dumps({f"frame_{key}": {"l_h": [2 * value for value in HAND], "r_h": []} for key in keys}),
        **changed,
    }  # fmt: skip
    with (folder / "data.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    return folder


@pytest.mark.parametrize("keys", [list(range(20)), list(range(2, 81, 4))], ids=["by latent", "by frame"])
def test_boxes_of_cointeract_lie_on_what_they_name(tmp_path: Path, keys: list[int]) -> None:
    (row,) = cointeract.read_rows(coin(tmp_path, keys))
    assert sorted(row.face) == list(range(2, 81, 4))
    clips = list(cointeract.read_clips(row))
    assert len(clips) == 3
    for clip in clips:
        rgb, part = clip.arrays["rgb"], clip.arrays["part"]
        assert rgb.shape == clip.arrays["structure"].shape == (17, 128, 128, 3)
        assert (rgb[part == 10].mean(axis=0) @ (1, 0, -1)) > 120  # red
        assert (rgb[part == 11].mean(axis=0) @ (-1, 0, 1)) > 120  # blue
        assert clip.arrays["face_A"].shape == (64, 64, 3)
    assert set(clips[0].missing) >= {"contact", "carried"}


def test_a_folder_of_cointeract_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    def reason(**changed: str) -> str:
        with pytest.raises(DuologueError) as caught:
            cointeract.read_rows(coin(tmp_path, [2], **changed))
        return caught.value.reason

    assert reason(input_video="gone.mp4") == "data-missing"
    assert reason(width="wide") == "document-malformed"
    assert not cointeract.read_rows(coin(tmp_path, [2], face="no JSON"))[0].face
    with pytest.raises(DuologueError):
        cointeract.read_rows(tmp_path / "hoi_video")


def test_videos_by_pattern(tmp_path: Path) -> None:
    for name in ("Stroke_Cheek/s01_a.mp4", "pinch nose/s02_b.mp4"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        write_video(path, pictures(40), 30)
    found = interhf.read_recordings(tmp_path)
    assert [(one.pattern, one.subject) for one in found] == [("stroke-cheek", "s01"), ("pinch-nose", "s02")]
    (clip,) = interhf.read_clips(found[0])
    assert clip.about["pattern_index"] == 9
    assert clip.arrays["rgb"].shape == (17, 128, 128, 3)
    (tmp_path / "index.csv").write_text("video,pattern,subject,split\nStroke_Cheek/s01_a.mp4,cheek stroke,s01,test\n")
    (one,) = interhf.read_recordings(tmp_path)
    assert (one.pattern, one.split) == ("stroke-cheek", "test")
    (tmp_path / "index.csv").write_text("video,pattern,subject\nStroke_Cheek/s01_a.mp4,tickle,s01\n")
    with pytest.raises(DuologueError) as caught:
        interhf.read_recordings(tmp_path)
    assert caught.value.reason == "unknown-label"


def test_windows_are_seventeen_frames_at_fifteen_a_second() -> None:
    chosen = list(windows(81, 25.0))
    assert [len(one) for one in chosen] == [17, 17, 17]
    np.testing.assert_allclose(np.diff(chosen[0]).mean(), 25 / 15, atol=0.05)
    assert chosen[-1][-1] <= 80
    assert not list(windows(20, 25.0))


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video" * 99)
    with pytest.raises(DuologueError) as caught:
        read_video(tmp_path / "a.mp4")
    assert caught.value.reason == "video-malformed"


def test_a_square_stays_in_the_picture_where_it_can() -> None:
    square = Square.around((160, 240), [(0.0, 0.0, 40.0, 40.0)])
    assert (square.left, square.top) == (0, 0)
    whole = Square.around((160, 240), [(0.0, 0.0, 160.0, 240.0)])
    assert whole.side == 240
    assert whole.left <= 0
    assert whole.left + whole.side >= 160
