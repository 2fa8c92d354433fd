# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the uncompressed OpenEXR files that Blender renders: floats by layer, pass and channel.

After the file layout of OpenEXR 2 (https://openexr.com/en/latest/OpenEXRFileLayout.html), one part or several.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_TYPES = {0: "<u4", 1: "<f2", 2: "<f4"}


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return every channel (H, W) by its full name, in front of it the name of its part where there are several."""
    data = path.read_bytes()
    several = bool(struct.unpack_from("<I", data, 4)[0] & 0x1000)
    headers, at = [], 8
    while True:
        header, at = _header(data, at)
        if not header:
            break
        headers.append(header)
        if not several:
            break
    found: dict[str, NDArray[np.float32]] = {}
    for header in headers:
        low_x, low_y, high_x, high_y = struct.unpack("<4i", header["dataWindow"])
        width, height = high_x - low_x + 1, high_y - low_y + 1
        assert header["compression"] == b"\0", "only uncompressed files are read"
        channels = _channels(header["channels"])
        part = header.get("name", b"").decode()
        arrays = [np.empty((height, width), np.float32) for _ in channels]
        for offset in struct.unpack_from(f"<{height}Q", data, at):
            start = offset + 4 * several
            row, _ = struct.unpack_from("<2i", data, start)
            start += 8
            for array, (_, kind) in zip(arrays, channels, strict=True):
                array[row - low_y] = np.frombuffer(data, kind, width, start)
                start += width * np.dtype(kind).itemsize
        at += 8 * height
        found |= {f"{part}.{name}" if part else name: array for array, (name, _) in zip(arrays, channels, strict=True)}
    return found


def _header(data: bytes, at: int) -> tuple[dict[str, bytes], int]:
    header: dict[str, bytes] = {}
    while data[at]:
        name, at = _word(data, at)
        _, at = _word(data, at)
        size = struct.unpack_from("<i", data, at)[0]
        header[name] = data[at + 4 : at + 4 + size]
        at += 4 + size
    return header, at + 1


def _word(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1


def _channels(data: bytes) -> list[tuple[str, str]]:
    found, at = [], 0
    while data[at]:
        name, at = _word(data, at)
        found.append((name, _TYPES[struct.unpack_from("<i", data, at)[0]]))
        at += 16
    return found
