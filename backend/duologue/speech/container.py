"""What a sound file's container promises, read from its bytes: libsndfile silently shortens a file that was cut off.

Sources: Microsoft's RIFF and RF64 (EBU Tech 3306) chunk layouts; Ogg's page header (RFC 3533, section 6).
"""

from __future__ import annotations

import io
import os
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

_INVENTED: Final = 0x7FFF0000
"""Bytes from which on a data chunk that is longer than its file was never counted: writers to a pipe (sox, arecord, espeak-ng,
ffmpeg) leave the most that they can hold, each its own."""
_RATHER_SOUND: Final = 4096  # bytes behind the data that are more than a careless tag
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
    sizes: tuple[tuple[int, int], ...] = ()
    """(place, value) of sizes in the header that are wrong: what they should be for all that is there to be read."""
    note: str = ""
    """What the header said and what there is, where they differ."""


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
            held = size - at - 8
            if length == 0 or (length > held and length >= _INVENTED) or _more_follows(file, at + 8 + length, size):
                return _uncounted(length, held - held % max(align, 1), align, at, size)
            return Promise(frames=length // align if align else 0, cut=at + 8 + length > size)
        at += 8 + length + length % 2
    return Promise()


def _more_follows(file: BinaryIO, end: int, size: int) -> bool:
    """Whether what stands behind the data is no chunk, so that it must be more of the data: a header written too early."""
    if size - end < _RATHER_SOUND:
        return False
    file.seek(end)
    name, length = struct.unpack("<4sI", file.read(8))
    if all(32 <= byte < 127 for byte in name) or not any(name):
        return False  # a chunk's name, or padding
    return end + 8 + length != size


def _uncounted(length: int, held: int, align: int, at: int, size: int) -> Promise:
    """Return the promise of data whose length nobody counted: all that is held, to the end of the file."""
    note = (
        "" if held <= 0 else f"its header says {length} bytes of sound, the file holds {held}: it was read to its end"
    )
    if size - 8 > 0xFFFFFFFF:
        return Promise(streamed=True, note=note)
    return Promise(held // align if align else 0, streamed=True, sizes=((4, size - 8), (at + 4, held)), note=note)


class Mended(io.RawIOBase):
    """A file whose wrong sizes read as they should be."""

    def __init__(self, file: BinaryIO, sizes: tuple[tuple[int, int], ...]) -> None:
        self._file, self._sizes = file, sizes
        file.seek(0)

    def readinto(self, buffer: Any) -> int:
        """Read as the file does, with the sizes in place of what stands there."""
        begin = self._file.tell()
        data = bytearray(self._file.read(len(buffer)))
        for place, value in self._sizes:
            for offset, byte in enumerate(struct.pack("<I", value), start=place - begin):
                if 0 <= offset < len(data):
                    data[offset] = byte
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._file.tell()


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
