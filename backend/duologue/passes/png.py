"""PNG files of 8 or 16 bits, grey or RGB, written and read with the standard library: Blender's Python has no picture library.

After the PNG specification (ISO/IEC 15948, third edition). Rows are stored as differences to the row above, the filter "Up".
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.files.atomic import write_bytes
from duologue.files.reading import read_bytes

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_NONE, _UP = 0, 2
_MOST: Final = 256 * 1024 * 1024
_LEVEL: Final = 3
"""Of zlib: a third of the time of its usual 6 for a twentieth more bytes."""


def encode(picture: NDArray[Any]) -> bytes:
    """Return a picture (H, W) or (H, W, 3), uint8 or uint16, as a PNG file."""
    height, width = picture.shape[:2]
    kind = _RGB if picture.ndim == 3 else _GREY
    stored = np.ascontiguousarray(picture, picture.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    rows = np.empty((height, stored.shape[1] + 1), np.uint8)
    rows[:, 0] = _UP
    rows[0, 1:] = stored[0]
    np.subtract(stored[1:], stored[:-1], out=rows[1:, 1:])
    header = struct.pack(">IIBBBBB", width, height, 8 * picture.itemsize, kind, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), _LEVEL)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def write(path: Path, picture: NDArray[Any]) -> None:
    """Write a picture whole or not at all.

    Raises:
        DuologueError: what :func:`duologue.files.atomic.replacing` raises (``disk-full`` among them).
    """
    write_bytes(path, encode(picture))


def read(path: Path) -> NDArray[Any]:
    """Read a PNG as :func:`write` writes them: (H, W) or (H, W, 3), uint8 or uint16.

    Raises:
        DuologueError: NOT_FOUND ``passes-missing``; DATA_LOSS ``picture-malformed`` for other kinds of PNG as well.
    """
    try:
        data = read_bytes(path, _MOST)
    except DuologueError as error:
        raise DuologueError("NOT_FOUND", "passes-missing", f"{path} can't be read: {error.message}") from error
    try:
        return _decode(data)
    except (ValueError, zlib.error, struct.error, KeyError) as error:
        message = f"{path} is not a PNG as the passes are stored ({error}); export it again"
        raise DuologueError("DATA_LOSS", "picture-malformed", message) from error


def _decode(data: bytes) -> NDArray[Any]:
    if not data.startswith(_SIGNATURE):
        raise ValueError("no PNG signature")
    chunks: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if zlib.crc32(name + body) != struct.unpack_from(">I", data, at + 8 + length)[0]:
            raise ValueError("a checksum is wrong")
        chunks[name] = chunks.get(name, b"") + body
        at += 12 + length
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if bits not in {8, 16} or kind not in {_GREY, _RGB} or interlaced:
        raise ValueError(f"{bits} bits, colour type {kind}, interlacing {interlaced}")
    channels = 3 if kind == _RGB else 1
    across = width * channels * bits // 8
    size = height * (across + 1)
    if not 0 < size <= _MOST:
        raise ValueError(f"{width} x {height} pixels")
    unpacked = zlib.decompressobj().decompress(chunks[b"IDAT"], size + 1)
    rows = np.frombuffer(unpacked, np.uint8).reshape(height, across + 1)
    filters = np.unique(rows[:, 0])
    if filters.tolist() == [_UP]:
        plain = np.add.accumulate(rows[:, 1:], axis=0, dtype=np.uint8)
    elif filters.tolist() == [_NONE]:
        plain = rows[:, 1:]
    else:
        raise ValueError(f"row filters {filters.tolist()}")
    picture = np.ascontiguousarray(plain).view(">u2" if bits == 16 else np.uint8).reshape(height, width, channels)
    picture = picture.astype(np.uint16) if bits == 16 else picture
    return picture if channels == 3 else picture[..., 0]
