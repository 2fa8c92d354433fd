"""What a sound file's container promises, read from its bytes: libsndfile silently shortens a file that was cut off.

Sources: Microsoft's RIFF and RF64 (EBU Tech 3306) chunk layouts; Ogg's page header (RFC 3533, section 6).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

_STREAMED_SIZES: Final = {0, 0xFFFFFFFF, 0x7FFFFFFF}  # what writers to a pipe leave in the data chunk
_OGG_TAIL: Final = 70_000  # an Ogg page is at most 65,307 bytes
_END_OF_STREAM: Final = 4


@dataclass(frozen=True)
class Promise:
    """``frames`` the container says it holds (0: it doesn't say); ``cut``: it ends before its end; ``streamed``: it was
    written to a pipe and can't say; ``slack``: by how many frames decoders may fall short of ``frames`` in a whole file."""

    frames: int = 0
    cut: bool = False
    streamed: bool = False
    slack: int = 0


def inspect(file: BinaryIO) -> Promise:
    """Read what the container promises. Unknown kinds promise nothing, and are left to the decoder."""
    head = file.read(12)
    size = file.seek(0, os.SEEK_END)
    if head[:4] in {b"RIFF", b"RF64"} and head[8:] == b"WAVE":
        return _wave(file, size)
    if head[:4] == b"OggS":
        return _ogg(file, size)
    if head[:3] == b"ID3" or (head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE0 == 0xE0):
        return Promise(slack=4 * 1152)  # encoders disagree on what their padding is
    return Promise()


def _wave(file: BinaryIO, size: int) -> Promise:
    align, at = 0, 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"fmt ":
            block = file.read(14)
            align = struct.unpack("<H", block[12:14])[0] if len(block) == 14 else 0
        if name == b"data":
            if length in _STREAMED_SIZES:
                return Promise(streamed=True)
            return Promise(frames=length // align if align else 0, cut=at + 8 + length > size)
        at += 8 + length + length % 2
    return Promise()


def _ogg(file: BinaryIO, size: int) -> Promise:
    file.seek(max(0, size - _OGG_TAIL))
    tail = file.read()
    page = tail.rfind(b"OggS")
    header = tail[page : page + 27]
    if page < 0 or len(header) < 27:
        return Promise(cut=True)
    segments = tail[page + 27 : page + 27 + header[26]]
    whole = len(segments) == header[26] and page + 27 + len(segments) + sum(segments) <= len(tail)
    return Promise(cut=not (whole and header[5] & _END_OF_STREAM))
