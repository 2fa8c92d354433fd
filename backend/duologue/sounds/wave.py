"""WAV and RF64: whether the length in the header was ever counted, and where the sound ends where it wasn't.

Sources: Microsoft's RIFF; RF64 (EBU Tech 3306, ITU-R BS.2088), whose ``ds64`` chunk holds the sizes that 32 bits can't.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from duologue.sounds.promise import INVENTED, Promise

RATHER_SOUND: Final = 4096
"""Bytes behind the data that are more than a careless tag."""
NAMES: Final = frozenset(
    (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"smpl", b"fact", b"JUNK", b"PAD ", b"_PMX", b"inst", b"cart",
     b"plst", b"levl", b"axml", b"chna", b"LGWV", b"acid", b"minf", b"elm1", b"regn", b"umid", b"afsp", b"DISP", b"PEAK")
)  # fmt: skip
"""Chunks that stand behind the data; these are no sound even where their own length is wrong."""
_LONGEST_PADDING: Final = 64  # MiB
_TAIL: Final = 1 << 20
"""Bytes at the end of a file in which chunks behind uncounted data are looked for."""
_MOST_CHUNKS: Final = 64
"""Of those; sound that looks like more of them would be searched for minutes."""


@dataclass
class _Header:
    """What was read before the data: bytes of a frame (or block), and where ``ds64`` has its sizes."""

    align: int = 0
    sizes_at: int = 0
    data_size: int = 0


def inspect(file: BinaryIO, size: int) -> Promise:
    """Return the promise of a WAV or RF64 file of ``size`` bytes."""
    header, at = _Header(), 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack("<4sI", file.read(8))
        if name == b"ds64" and len(block := file.read(24)) == 24:
            header.sizes_at, header.data_size = at + 8, struct.unpack("<8xQ8x", block)[0]
        elif name == b"fmt " and len(block := file.read(14)) == 14:
            header.align = struct.unpack("<12xH", block)[0]
        elif name == b"data":
            counted = header.data_size if header.sizes_at and length == 0xFFFFFFFF else length
            if counted or not is_chunk(file, at + 8, size):
                return _data(file, size, at, counted, header)
        elif not is_name(name):
            break  # no chunk: a file of zeros would be gone through eight bytes at a time
        at += 8 + length + length % 2
    return Promise()


def is_chunk(file: BinaryIO, at: int, size: int, order: str = "<") -> bool:
    """Whether a chunk begins at a place: by a name that is one and a length that the file has, or by a name that is known."""
    file.seek(at)
    head = file.read(8)
    if len(head) < 8:
        return False
    name, length = struct.unpack(order + "4sI", head)
    return name in NAMES or (is_name(name) and at + 8 + length <= size + 1)


def more_follows(file: BinaryIO, end: int, size: int, order: str = "<") -> bool:
    """Whether what stands behind the data is more of it, because it is no chunk: a header that was written too early."""
    if size - end < RATHER_SOUND or is_chunk(file, end, size, order) or is_chunk(file, end + end % 2, size, order):
        return False
    file.seek(end)
    blocks = (file.read(1 << 20) for _ in range(_LONGEST_PADDING))
    return any(block.strip(b"\0") for block in blocks)


def is_name(name: bytes) -> bool:
    """Whether four bytes can be the name of a chunk: printable ASCII."""
    return all(32 <= byte < 127 for byte in name)


def _data(file: BinaryIO, size: int, at: int, counted: int, header: _Header) -> Promise:
    """Return the promise of the data chunk at a place."""
    begin, align = at + 8, max(header.align, 1)
    held = size - begin
    invented = counted > held and counted >= INVENTED
    if counted and not invented and not more_follows(file, begin + counted, size):
        frames = min(counted, held) // align
        if counted - held > align:
            return Promise(frames=counted // align, held=max(frames, 1))
        return Promise(frames=frames if header.align else 0)
    held = _before_chunks(file, begin, size) - begin
    held -= held % align
    note = (
        "" if held <= 0 else f"its header says {counted} bytes of sound, the file holds {held}: it was read to its end"
    )
    if header.sizes_at:
        patches = ((header.sizes_at, struct.pack("<QQ", size - 8, held)), (at + 4, b"\xff" * 4))
    elif size - 8 <= 0xFFFFFFFF:
        patches = ((4, struct.pack("<I", size - 8)), (at + 4, struct.pack("<I", held)))
    else:
        return Promise(uncounted=True, note=note)
    return Promise(held // align if header.align else 0, uncounted=True, patches=patches, note=note)


def _before_chunks(file: BinaryIO, begin: int, size: int) -> int:
    """Return where data of unknown length ends: before the chunks that reach from there to the file's end exactly."""
    first = max(begin, size - _TAIL)
    first += (first - begin) % 2
    file.seek(first)
    tail = file.read(size - first)
    places = np.arange(0, max(0, len(tail) - 7), 2)
    words = np.frombuffer(tail[: len(tail) // 2 * 2], "<u2").astype(np.int64)
    if not len(places):
        return size
    lengths = words[places // 2 + 2] + (words[places // 2 + 3] << 16)
    end = len(tail)
    for _ in range(_MOST_CHUNKS):
        reach = places + 8 + lengths + lengths % 2
        fits = places[((reach == end) | (places + 8 + lengths == end)) & (places < end)]
        starts = [place for place in fits.tolist() if is_name(tail[place : place + 4])]
        if not starts:
            break
        end = starts[0]  # the outermost: a list of chunks ends where its last one does
    return first + end
