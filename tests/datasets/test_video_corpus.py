"""Clips on disk: what is written is what is read, and what is not as it was written is refused by name."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from duologue.datasets.checking import check
from duologue.datasets.corpus.video import ARRAYS, Clip, VideoCorpus, check_shard, shard_path, write_shard
from duologue.errors import DuologueError

SIZES = {"T": 5, "H": 16, "W": 32, "n": 3}


def clip(number: int, split: str = "train") -> Clip:
    rng = np.random.default_rng(number)
    kinds = {"always"} | ({"evaluation"} if split != "train" else set())
    arrays = {
        name: rng.integers(0, 9, [SIZES.get(one, one) for one in layout.shape]).astype(layout.dtype)
        for name, layout in ARRAYS.items()
        if layout.when in kinds
    }
    return Clip({"number": number, "split": split, "pattern": "none"}, arrays)


@pytest.fixture
def corpus(tmp_path: Path) -> VideoCorpus:
    VideoCorpus.write_index(tmp_path, {"shard": 2, "splits": {"train": [0, 1], "validation": [2], "test": [3]}})
    write_shard(shard_path(tmp_path, 0), [clip(0), clip(1)])
    write_shard(shard_path(tmp_path, 1), [clip(2, "validation"), clip(3, "test")])
    return VideoCorpus.open(tmp_path)


def test_what_is_read_is_what_was_written(corpus: VideoCorpus) -> None:
    assert corpus.numbers("train") == (0, 1)
    assert corpus.numbers("validation") == (2,)
    for number, split in ((0, "train"), (1, "train"), (2, "validation")):
        read, written = corpus.load(number), clip(number, split)
        assert read.about == written.about
        assert read.arrays.keys() == written.arrays.keys()
        for name, array in written.arrays.items():
            assert read.arrays[name].dtype == array.dtype
            np.testing.assert_array_equal(read.arrays[name], array)
    assert set(corpus.load(0, ("rgb", "part")).arrays) == {"rgb", "part"}


def test_a_set_that_is_being_made_shows_what_is_there(corpus: VideoCorpus) -> None:
    shard_path(corpus.folder, 1).unlink()
    again = VideoCorpus.open(corpus.folder)
    assert again.numbers("train") == (0, 1)
    assert again.numbers("validation") == ()
    with pytest.raises(DuologueError) as caught:
        again.load(2)
    assert caught.value.reason == "corpus-missing"


def test_the_same_clips_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_shard(tmp_path / name, [clip(0), clip(1)])
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "no zip"])
def test_a_damaged_shard_is_refused_by_its_name(corpus: VideoCorpus, damage: str) -> None:
    path = shard_path(corpus.folder, 0)
    data = bytearray(path.read_bytes())
    assert not check_shard(path)
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flipped":
        with zipfile.ZipFile(path) as file:
            member = file.getinfo("000000/rgb.npy")
        at = member.header_offset + 30 + len(member.filename) + member.compress_size // 2
        data[at] ^= 0xFF
    else:
        data = bytearray(b"" if damage == "empty" else b"not a zip file at all" * 9)
    path.write_bytes(data)
    assert check_shard(path)
    with pytest.raises(DuologueError) as caught:
        corpus.load(0)
    assert caught.value.reason == "clips-damaged"
    assert str(path) in caught.value.message


def test_a_pickle_in_a_shard_is_not_opened(corpus: VideoCorpus) -> None:
    path = shard_path(corpus.folder, 0)
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("000000/about.json", "{}")
        file.writestr("000000/rgb.npy", buffer.getvalue())
    with pytest.raises(DuologueError) as caught:
        corpus.load(0, ("rgb",))
    assert caught.value.reason == "clips-damaged"


def test_arrays_that_break_the_contract_are_refused() -> None:
    whole = clip(0)
    for name, wrong in (
        ("rgb", whole.arrays["rgb"].astype(np.float32)),
        ("part", whole.arrays["part"][:3]),
        ("face_A", whole.arrays["face_A"][:32]),
        ("unheard", whole.arrays["part"]),
    ):
        with pytest.raises(DuologueError) as caught:
            Clip(whole.about, {**whole.arrays, name: wrong})
        assert caught.value.reason == "clips-damaged"


def test_a_clip_that_is_not_whole_is_not_written(tmp_path: Path) -> None:
    part = Clip({"number": 0, "split": "test"}, clip(0).arrays)
    assert part.missing == ["flow", "visible"]
    with pytest.raises(DuologueError):
        write_shard(tmp_path / "a.npz", [part])
    assert not list(tmp_path.iterdir())


def test_sets_of_another_version_and_none_at_all_are_named(tmp_path: Path) -> None:
    with pytest.raises(DuologueError) as caught:
        VideoCorpus.open(tmp_path)
    assert caught.value.reason == "corpus-missing"
    VideoCorpus.write_index(tmp_path, {"version": 99, "splits": {}})
    with pytest.raises(DuologueError) as caught:
        VideoCorpus.open(tmp_path)
    assert caught.value.reason == "corpus-outdated"


def test_a_set_is_checked_shard_by_shard_and_person_by_person(corpus: VideoCorpus) -> None:
    findings = check(corpus.folder)
    assert not findings.problems
    assert findings.holds == {"train clips": 2, "validation clips": 1, "test clips": 1, "people": 0}
    held = Clip({**clip(2, "validation").about, "people": ["p1", "p2"]}, clip(2, "validation").arrays)
    write_shard(shard_path(corpus.folder, 1), [held, clip(3, "test")])
    write_shard(
        shard_path(corpus.folder, 0), [Clip({**clip(k).about, "people": ["p1", "p3"]}, clip(k).arrays) for k in (0, 1)]
    )
    (leak,) = check(corpus.folder).problems
    assert leak.reason == "clips-leak"
    assert "p1" in leak.message
    shard_path(corpus.folder, 1).write_bytes(b"no zip")
    assert {problem.reason for problem in check(corpus.folder).problems} == {"clips-damaged"}
