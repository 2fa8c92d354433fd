"""Safetensors without the safetensors library: the official one is the oracle, both ways."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

official = pytest.importorskip("safetensors.numpy")

EXAMPLE = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "flags": np.array([True, False, True]),
    "empty": np.zeros((0, 3)),
    "scalar": np.array(3.5),
    "half": np.array([1.5, -2], np.float16),
    "index/Ä": np.array([[1, 2], [3, 4]], np.uint16).T,  # not contiguous
    "count": np.array([-(2**62)], np.int64),
}
DTYPES = ["<f8", "<f4", "<f2", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1"]


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and a[name].shape == b[name].shape and a[name].tobytes() == b[name].tobytes()
        for name in a
    )


def test_what_we_write_the_official_library_reads(tmp_path: Path) -> None:
    tensors.save(tmp_path / "x.safetensors", EXAMPLE, {"who": "Ädä"})
    assert same(official.load_file(tmp_path / "x.safetensors"), EXAMPLE)
    with pytest.importorskip("safetensors").safe_open(tmp_path / "x.safetensors", "numpy") as file:
        assert file.metadata() == {"who": "Ädä"}


def test_what_the_official_library_writes_we_read(tmp_path: Path) -> None:
    stored = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in EXAMPLE.items()}
    official.save_file(stored, tmp_path / "x.safetensors", {"who": "Ben"})
    arrays, metadata = tensors.load(tmp_path / "x.safetensors")
    assert same(arrays, EXAMPLE)
    assert metadata == {"who": "Ben"}


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda name: name != "__metadata__" and name.isprintable()),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: arrays_of.arrays(np.dtype(dtype), arrays_of.array_shapes(min_dims=0, max_dims=3, max_side=4))
        ),
        max_size=4,
    )
)
def test_any_arrays_pass_both_ways(arrays: dict[str, np.ndarray]) -> None:
    data = tensors.to_bytes(arrays)
    assert same(official.load(data), arrays)
    assert same(tensors.from_bytes(official.save(arrays))[0], arrays)


def test_the_same_arrays_give_the_same_bytes_and_are_aligned() -> None:
    data = tensors.to_bytes(EXAMPLE, {"b": "1", "a": "2"})
    assert data == tensors.to_bytes(dict(reversed(EXAMPLE.items())), {"a": "2", "b": "1"})
    assert all(array.flags.aligned for array in tensors.from_bytes(data)[0].values())


def patched(**changes: object) -> bytes:
    """A file of one (2, 2) float tensor with changes to its entry in the header."""
    entry = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]} | changes
    header = json.dumps({"x": entry}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(16)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin with a safetensors header"),
        (b"RIFF....WAVEfmt ", "does not begin with a safetensors header"),
        ((2**40).to_bytes(8, "little") + b"{}", "does not begin"),
        (b"\x05" + bytes(7) + b"nope!", "not JSON"),
        (b"\x02" + bytes(7) + b"[]", "not a JSON object"),
        (patched()[:-1], "cut short"),
        (patched() + b"\0", "17 bytes"),
        (patched(dtype="BF16"), "type 'BF16'"),
        (patched(shape=[2, 3]), "does not fit its shape"),
        (patched(shape=[-2, -2]), "no proper shape"),
        (patched(shape=[True, 4]), "no proper shape"),
        (patched(data_offsets=[0, 1e3]), "no proper shape"),
        (patched(data_offsets=[16, 0]), "ends at byte 0"),
        (patched(shape=[1, 2], data_offsets=[8, 16]), "begins at byte 8"),
        (b'\x22\0\0\0\0\0\0\0{"__metadata__":{"a":1},"x":null } ', "map of strings"),
    ],
)
def test_malformed_files_are_refused_and_named(data: bytes, says: str) -> None:
    with pytest.raises(DuologueError, match=re.escape(says)) as caught:
        tensors.from_bytes(data, name="shot.safetensors")
    assert (caught.value.code, caught.value.reason) == ("DATA_LOSS", "tensors-malformed")
    assert "shot.safetensors" in str(caught.value)


@given(st.integers(0, 200), st.integers(0, 255))
def test_no_damaged_byte_crashes_the_reader(at: int, value: int) -> None:
    data = bytearray(tensors.to_bytes({"x": np.ones((2, 2), np.float32)}, {"k": "v"}))
    data[at % len(data)] = value
    reason = ""
    try:
        arrays, _ = tensors.from_bytes(bytes(data))
    except DuologueError as error:
        reason = error.reason
    assert reason == "tensors-malformed" or sum(array.nbytes for array in arrays.values()) == 16


def test_missing_file_and_unwritable_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DuologueError, match="there is no file") as caught:
        tensors.load(tmp_path / "none.safetensors")
    assert caught.value.reason == "file-not-found"
    with pytest.raises(DuologueError) as caught:
        tensors.save(tmp_path / "no" / "x.safetensors", EXAMPLE)
    assert caught.value.reason == "folder-not-found"


def test_types_the_format_lacks_are_a_programmers_error() -> None:
    with pytest.raises(TypeError, match="complex"):
        tensors.to_bytes({"x": np.zeros(2, complex)})
