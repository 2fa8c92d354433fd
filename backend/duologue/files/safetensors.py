"""Safetensors files with numpy and the standard library only, because Blender's Python has nothing else.

The format (https://github.com/huggingface/safetensors, "Format"): eight bytes with the header's length, little-endian; a JSON
header that gives each tensor's type, shape and byte range and a map of strings under ``__metadata__``; then the bytes, without
gaps. There is no code in such a file, so reading a stranger's is safe once the header is checked, which this module does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.files.atomic import write_bytes
from duologue.files.reading import parse_json, read_bytes

Array = NDArray[Any]

_DTYPES: Final[dict[str, str]] = {
    "F64": "<f8", "I64": "<i8", "U64": "<u8", "F32": "<f4", "I32": "<i4", "U32": "<u4",
    "F16": "<f2", "I16": "<i2", "U16": "<u2", "I8": "|i1", "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip
_NAMES: Final = {np.dtype(code): name for name, code in _DTYPES.items()}
_LENGTH_BYTES: Final = 8
_MAX_HEADER: Final = 4_000_000
"""Bytes. The format allows 100 MB; a take's or a character's header has a few thousand."""
_MAX_AXIS: Final = 2**40
MAX_FILE: Final = 400_000_000
"""Bytes: half an hour of a voice at 48 kHz, as the add-on keeps it, has 345 MB; of a take for two, 125."""


def to_bytes(arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return the safetensors file of ``arrays`` as bytes. The same input gives the same bytes.

    Raises:
        TypeError: an array has a type that the format lacks (complex, object, text).
    """
    stored = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in stored.items():
        if array.dtype.newbyteorder("<") not in _NAMES:
            raise TypeError(f"{name!r} has type {array.dtype}, which safetensors can't hold")
    # Wide types first, as the official library does: then every tensor is aligned to its own width.
    order = sorted(stored, key=lambda name: (-stored[name].itemsize, name))
    header: dict[str, object] = {}
    if metadata:
        header["__metadata__"] = dict(sorted(metadata.items()))
    begin = 0
    for name in order:
        array = stored[name]
        end = begin + array.nbytes
        dtype = _NAMES[array.dtype.newbyteorder("<")]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    bodies = [np.ascontiguousarray(stored[name], stored[name].dtype.newbyteorder("<")).tobytes() for name in order]
    return b"".join([len(text).to_bytes(_LENGTH_BYTES, "little"), text, *bodies])


def save(path: Path | str, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> None:
    """Write ``arrays`` to a safetensors file, atomically.

    Raises:
        DuologueError: the folder can't be written (see :mod:`duologue.files.atomic`).
    """
    write_bytes(path, to_bytes(arrays, metadata))


def load(path: Path | str) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays and the metadata of a safetensors file.

    Raises:
        DuologueError: what ``read`` raises; DATA_LOSS ``tensors-malformed`` (not such a file, truncated, ranges that overlap or
            leave gaps, a type numpy lacks).
    """
    return from_bytes(read(path), name=str(path))


def read(path: Path | str) -> bytes:
    """Return a file's bytes.

    Raises:
        DuologueError: what :func:`duologue.files.reading.read_bytes` raises; ``file-too-large`` beyond ``MAX_FILE``.
    """
    return read_bytes(path, MAX_FILE)


def from_bytes(data: bytes, *, name: str = "tensors") -> tuple[dict[str, Array], dict[str, str]]:
    """Return the arrays (read-only views of ``data``) and the metadata of a safetensors file held in memory.

    Raises:
        DuologueError: DATA_LOSS ``tensors-malformed``, as :func:`load`; ``name`` is what the message calls the file.
    """
    header, body_at = _header(data, name)
    metadata = _metadata(header.pop("__metadata__", {}), name)
    body = memoryview(data)[body_at:]
    ranges = {key: _range(key, entry, len(body), name) for key, entry in header.items()}
    expected = 0
    for key in sorted(ranges, key=lambda key: ranges[key][2:]):
        begin, end = ranges[key][2:]
        if begin != expected:
            raise _malformed(name, f"tensor {key!r} begins at byte {begin}, not at {expected}")
        expected = end
    if expected != len(body):
        raise _malformed(name, f"holds {len(body)} bytes of tensors, its header says {expected}")
    arrays: dict[str, Array] = {
        key: np.frombuffer(body[begin:end], dtype=dtype).reshape(shape)
        for key, (dtype, shape, begin, end) in ranges.items()
    }
    return arrays, metadata


def _header(data: bytes, name: str) -> tuple[dict[str, object], int]:
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or not 2 <= length <= _MAX_HEADER or length > len(data) - _LENGTH_BYTES:
        raise _malformed(name, "does not begin with a safetensors header, or ends inside it")
    try:
        header: object = parse_json(data[_LENGTH_BYTES : _LENGTH_BYTES + length].decode())
    except ValueError as error:
        raise _malformed(name, "has a header that is not JSON") from error
    if not isinstance(header, dict):
        raise _malformed(name, "has a header that is not a JSON object")
    return cast("dict[str, object]", header), _LENGTH_BYTES + length


def _metadata(value: object, name: str) -> dict[str, str]:
    items = cast("dict[str, object]", value) if isinstance(value, dict) else {"": None}
    if not all(isinstance(text, str) for text in items.values()):
        raise _malformed(name, "has metadata that is not a map of strings")
    return cast("dict[str, str]", items)


def _range(key: str, value: object, size: int, name: str) -> tuple[str, tuple[int, ...], int, int]:
    """Check one tensor's entry; return its numpy type, shape, first byte and the byte after its last."""
    entry = cast("dict[str, object]", value) if isinstance(value, dict) else {}
    shape, offsets = _whole_numbers(entry.get("shape")), _whole_numbers(entry.get("data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2:
        raise _malformed(name, f"tensor {key!r} has no proper shape or byte range")
    dtype = _DTYPES.get(str(entry.get("dtype")))
    if dtype is None:
        raise _malformed(
            name, f"tensor {key!r} has type {entry.get('dtype')!r}, which is not one of {', '.join(_DTYPES)}"
        )
    begin, end = offsets
    if begin > end or end > size:
        raise _malformed(name, f"tensor {key!r} ends at byte {end} of {size}: the file is cut short")
    if end - begin != math.prod(shape) * np.dtype(dtype).itemsize:
        raise _malformed(name, f"tensor {key!r} has {end - begin} bytes, which does not fit its shape {list(shape)}")
    return dtype, shape, begin, end


def _whole_numbers(value: object) -> tuple[int, ...] | None:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    # bool is an int to Python, and not to the format.
    numbers = tuple(item for item in items if type(item) is int and 0 <= item < _MAX_AXIS)
    return numbers if len(numbers) == len(items) and len(numbers) <= 32 else None


def _malformed(name: str, what: str) -> DuologueError:
    return DuologueError("DATA_LOSS", "tensors-malformed", f"{name} {what}; write it again or fetch a whole copy")
