"""Takes: validated, frozen, cut and joined, saved and loaded, with names that travel with the data."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest
from duologue import arkit, labels
from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track, Window

SKELETON = Skeleton(
    names=("Hips", "Spine", "Head"), parents=(-1, 0, 1), offsets=np.array([[0, 1, 0], [0, 0.3, 0], [0, 0.25, 0.01]])
)


def track(frames: int, seed: int = 0, joints: int = 3) -> Track:
    random = np.random.default_rng(seed)
    return Track(
        root_translation=random.normal(size=(frames, 3)).astype(np.float32),
        rotations=random.normal(size=(frames, joints, 3)).astype(np.float32),
        weights=random.random((frames, 52), np.float32),
        facing=random.random(frames) > 0.5,
        actions=random.integers(0, 3, frames).astype(np.uint8),
    )


def take(frames: int = 70) -> Take:
    return Take(SKELETON, (track(frames, 1), track(frames, 2)), {"seed": 7, "notes": ["ein Bär"]})


def test_a_saved_take_comes_back_bit_for_bit(tmp_path: Path) -> None:
    made = take()
    made.save(tmp_path / "take.safetensors")
    found = Take.load(tmp_path / "take.safetensors")
    assert found.digest() == made.digest()
    for before, after in zip(made.tracks, found.tracks, strict=True):
        for name, array in before.arrays().items():
            np.testing.assert_array_equal(array, after.arrays()[name])
    assert found.provenance == made.provenance
    assert found.skeleton.names == SKELETON.names
    assert found.complete
    assert found.seconds == pytest.approx(70 / 30)


def test_other_libraries_can_read_it(tmp_path: Path) -> None:
    take().save(tmp_path / "take.safetensors")
    arrays = pytest.importorskip("safetensors.numpy").load_file(tmp_path / "take.safetensors")
    assert arrays["A/rotations"].shape == (70, 3, 3)
    assert sorted(arrays) == [
        f"{who}/{what}" for who in "AB" for what in ("actions", "facing", "root_translation", "rotations", "weights")
    ]


def test_raw_weights_stay_with_the_take_where_there_are_any(tmp_path: Path) -> None:
    loud = dataclasses.replace(track(70, 1), raw=np.linspace(-1, 3, 70 * 52, dtype=np.float32).reshape(70, 52))
    made = Take(SKELETON, (loud, track(70, 2)), {})
    made.save(tmp_path / "take.safetensors")
    found = Take.load(tmp_path / "take.safetensors")
    np.testing.assert_array_equal(found.tracks[0].raw, loud.raw)
    assert found.tracks[1].raw is None
    assert found.digest() == made.digest()
    assert Take.from_windows(SKELETON, made.windows(32), {}).digest() == made.digest()
    plain = Take(SKELETON, (dataclasses.replace(loud, raw=None), made.tracks[1]), {})
    assert made.digest() != plain.digest()
    with pytest.raises(DuologueError, match=r"raw has shape \(70, 51\)"):
        dataclasses.replace(loud, raw=np.zeros((70, 51)))
    with pytest.raises(DuologueError, match="raw holds NaN"):
        dataclasses.replace(loud, raw=np.full((70, 52), np.nan))


def test_an_incomplete_take_says_so(tmp_path: Path) -> None:
    dataclasses.replace(take(), complete=False).save(tmp_path / "take.safetensors")
    assert not Take.load(tmp_path / "take.safetensors").complete


def test_streamed_windows_join_to_the_take_they_were_cut_from() -> None:
    made = take(70)
    windows = list(made.windows(32))
    assert [(window.start, window.frames) for window in windows] == [(0, 32), (32, 32), (64, 6)]
    assert Take.from_windows(SKELETON, windows, {}).digest() == made.digest()


@pytest.mark.parametrize("order", [[0, 2], [1, 2], [0, 0]])
def test_windows_with_a_gap_or_overlap_are_refused(order: list[int]) -> None:
    windows = list(take(70).windows(32))
    with pytest.raises(DuologueError, match="a window begins at frame"):
        Take.from_windows(SKELETON, [windows[i] for i in order], {})


def test_no_window_is_no_take() -> None:
    with pytest.raises(DuologueError) as caught:
        Take.from_windows(SKELETON, [], {})
    assert caught.value.reason == "take-empty"


def test_the_digest_sees_every_array_and_not_the_provenance() -> None:
    made = take()
    assert dataclasses.replace(made, provenance={}).digest() == made.digest()
    seen = {made.digest()}
    for name in made.tracks[0].arrays():
        changed = {key: array.copy() for key, array in made.tracks[1].arrays().items()}
        value = changed[name].flat[5]
        changed[name].flat[5] = not value if name == "facing" else (value + 1) % 3 if name == "actions" else value / 2
        seen.add(Take(SKELETON, (made.tracks[0], Track(**changed)), {}).digest())
    assert len(seen) == 6


def test_arrays_are_read_only_and_the_callers_stay_writable() -> None:
    mine = np.zeros((4, 3), np.float32)
    made = dataclasses.replace(track(4), root_translation=mine)
    with pytest.raises(ValueError, match="read-only"):
        made.root_translation[0] = 1
    mine[0] = 1


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"weights": np.zeros((4, 51))}, "take-shape", r"weights has shape \(4, 51\), expected \(4, 52\)"),
        ({"rotations": np.zeros((4, 9))}, "take-shape", "rotations"),
        ({"facing": np.zeros(5, bool)}, "take-shape", "facing"),
        ({"root_translation": np.full((4, 3), np.nan)}, "take-not-finite", "root_translation .* frame 0"),
        ({"weights": np.full((4, 52), 1.01)}, "take-range", r"from 1.01 to 1.01"),
        ({"weights": np.full((4, 52), -0.01)}, "take-range", r"-0.01"),
        ({"actions": np.full(4, 3)}, "take-range", "actions has 3"),
    ],
)
def test_wrong_arrays_are_named(changes: dict[str, np.ndarray], reason: str, says: str) -> None:
    with pytest.raises(DuologueError, match=says) as caught:
        dataclasses.replace(track(4), **changes)
    assert caught.value.reason == reason


def test_the_first_bad_frame_is_named() -> None:
    rotations = np.zeros((9, 3, 3))
    rotations[6, 1, 2] = np.inf
    with pytest.raises(DuologueError, match="first at frame 6"):
        dataclasses.replace(track(9), rotations=rotations)


def test_tracks_must_fit_each_other_and_the_skeleton() -> None:
    with pytest.raises(DuologueError, match="A has 4 frames and B 5"):
        Take(SKELETON, (track(4), track(5)))
    with pytest.raises(DuologueError, match="B has rotations for 2 joints, the skeleton has 3"):
        Take(SKELETON, (track(4), track(4, joints=2)))


def damage(path: Path, edit: str) -> None:
    """Rewrite a take's file with one thing wrong in it."""
    arrays, metadata = tensors.load(path)
    header = json.loads(metadata["duologue"])
    match edit:
        case "other kind":
            header["format"] = "character"
        case "version":
            header["version"] = 2
        case "frame rate":
            header["fps"] = 24
        case "no skeleton":
            del header["skeleton"]
        case "joint count":
            header["skeleton"]["names"].append("Tail")
            header["skeleton"]["parents"].append(0)
            header["skeleton"]["offsets"].append([0, 0, -0.1])
        case "frames":
            header["frames"] = 3
        case "shape name":
            header["shapes"][3] = "browCurious"
        case "action name":
            header["actions"][0] = "fly"
        case "missing array":
            del arrays["B/weights"]
        case "NaN":
            arrays["A/rotations"] = np.full_like(arrays["A/rotations"], np.nan)
        case "weights":
            arrays["A/weights"] = arrays["A/weights"] * 2
        case "no metadata":
            tensors.save(path, arrays)
            return
        case "provenance":
            header["provenance"] = None
    tensors.save(path, arrays, {"duologue": json.dumps(header)})


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ("other kind", "take-malformed"),
        ("version", "take-version"),
        ("frame rate", "take-version"),
        ("no skeleton", "take-malformed"),
        ("joint count", "take-shape"),
        ("frames", "take-shape"),
        ("shape name", "take-malformed"),
        ("action name", "take-malformed"),
        ("missing array", "take-malformed"),
        ("NaN", "take-not-finite"),
        ("weights", "take-range"),
        ("no metadata", "take-malformed"),
        ("provenance", "take-malformed"),
    ],
)
def test_damaged_files_are_refused_with_their_name(tmp_path: Path, edit: str, reason: str) -> None:
    path = tmp_path / "shot_12.safetensors"
    take().save(path)
    damage(path, edit)
    with pytest.raises(DuologueError, match="shot_12") as caught:
        Take.load(path)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "header",
    [
        '{"format": "take"',
        "[" * 100_000,
        "[]",
        "null",
        '{"format": "take", "version": 1, "fps": 30, "skeleton": 3}',
        "1e999",
    ],
)
def test_a_header_that_can_not_be_is_no_crash(header: str) -> None:
    arrays, _ = tensors.from_bytes(take().to_bytes())
    with pytest.raises(DuologueError, match=r"shot_12|skeleton"):
        Take.from_bytes(tensors.to_bytes(arrays, {"duologue": header}), name="shot_12")


def test_actions_that_are_no_indices_are_refused() -> None:
    arrays, metadata = tensors.from_bytes(take().to_bytes())
    for actions in (np.zeros(70, np.float32), np.full(70, -1, np.int8), np.zeros((70, 1), np.uint8)):
        with pytest.raises(DuologueError) as caught:
            Take.from_bytes(tensors.to_bytes({**arrays, "A/actions": actions}, metadata))
        assert caught.value.reason in {"take-malformed", "take-range", "take-shape"}


def test_a_take_needs_no_file() -> None:
    made = take()
    assert Take.from_bytes(made.to_bytes()).digest() == made.digest()


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "take.safetensors"
    take().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DuologueError, match="cut short"):
        Take.load(path)


def test_columns_are_found_by_name_in_any_order(tmp_path: Path) -> None:
    """A file of a tool that lists shapes and actions in another order means the same take."""
    path = tmp_path / "take.safetensors"
    made = take()
    made.save(path)
    arrays, metadata = tensors.load(path)
    header = json.loads(metadata["duologue"])
    order = np.random.default_rng(0).permutation(52)
    header["shapes"] = [arkit.NAMES[i] for i in order]
    header["actions"] = list(reversed(labels.ACTION_MODES))
    for who in "AB":
        arrays[f"{who}/weights"] = arrays[f"{who}/weights"][:, order]
        arrays[f"{who}/actions"] = (2 - arrays[f"{who}/actions"]).astype(np.uint8)
    tensors.save(path, arrays, {"duologue": json.dumps(header)})
    assert Take.load(path).digest() == made.digest()


def test_a_failed_save_leaves_the_old_take_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "take.safetensors"
    take().save(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        dataclasses.replace(take(), provenance={"x": float("nan")}).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["take.safetensors"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DuologueError) as caught:
        take().save(tmp_path / "take.safetensors")
    assert caught.value.reason == "not-writable"


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(DuologueError, match="is not a folder") as caught:
        take().save(tmp_path / "out" / "take.safetensors")
    assert caught.value.reason == "folder-not-found"


def test_a_window_knows_where_it_ends() -> None:
    assert Window(30, (track(12), track(12))).end == 42
