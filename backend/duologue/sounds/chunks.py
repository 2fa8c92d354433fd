"""AIFF, AU, CAF and Wave64: whether the length in the header was counted, and whether all of it is there.

Sources: Apple's AIFF-C and Core Audio Format specifications; Sun's audio file header (``audio_filehdr``); Sony's Wave64.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from duologue.sounds.promise import INVENTED, Promise
from duologue.sounds.wave import is_name, more_follows

WAVE64: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_WAVE64_DATA: Final = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_UNKNOWN: Final = 0xFFFFFFFF
"""How AU says that its length is not known."""


def inspect_aiff(file: BinaryIO, size: int) -> Promise:
    """Return the promise of an AIFF or AIFF-C file of ``size`` bytes."""
    align, frames_at, at = 0, 0, 12
    while at + 8 <= size:
        file.seek(at)
        name, length = struct.unpack(">4sI", file.read(8))
        if name == b"COMM" and len(block := file.read(8)) == 8:
            channels, bits = struct.unpack(">H4xH", block)
            align, frames_at = channels * -(-bits // 8), at + 10
        if name == b"SSND":
            counted, held = length - 8, size - at - 16
            if 0 < counted <= held and not more_follows(file, at + 16 + counted, size, ">"):
                return Promise()
            if held < counted < INVENTED:
                return _cut(counted, held, align)
            held -= held % max(align, 1)
            patches = [(4, struct.pack(">I", size - 8)), (at + 4, struct.pack(">I", held + 8))]
            if frames_at and align:
                patches.append((frames_at, struct.pack(">I", held // align)))
            return _uncounted(max(counted, 0), held, tuple(patches))
        if not is_name(name):
            break
        at += 8 + length + length % 2
    return Promise()


def inspect_au(file: BinaryIO, size: int) -> Promise:
    """Return the promise of an AU file of ``size`` bytes. A length of 0xFFFFFFFF is known to be unknown."""
    file.seek(4)
    head = file.read(20)
    if len(head) < 20:
        return Promise()
    begin, counted, encoding, _, channels = struct.unpack(">5I", head)
    held, align = size - begin, channels * {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}.get(encoding, 1)
    if counted in {_UNKNOWN, held} or held <= 0:
        return Promise()
    if held < counted < INVENTED:
        return _cut(counted, held, align)
    return _uncounted(counted, held, ((8, struct.pack(">I", _UNKNOWN)),))


def inspect_caf(file: BinaryIO, size: int) -> Promise:
    """Return the promise of a Core Audio file of ``size`` bytes. A length of -1 is known to be unknown."""
    at, align = 8, 0
    while at + 12 <= size:
        file.seek(at)
        name, length = struct.unpack(">4sq", file.read(12))
        if name == b"desc" and len(block := file.read(20)) == 20:
            align = struct.unpack(">16xI", block)[0]
        if name == b"data":
            held = size - at - 12
            if length < 0:
                return Promise(uncounted=True, patches=((at + 4, struct.pack(">q", held)),))
            return _cut(length, held, align, at + 4) if length > held else Promise()
        if length < 0:
            break
        at += 12 + length
    return Promise()


def inspect_wave64(file: BinaryIO, size: int) -> Promise:
    """Return the promise of a Wave64 file of ``size`` bytes."""
    at, align = 40, 0
    while at + 24 <= size:
        file.seek(at)
        name, length = struct.unpack("<16sQ", file.read(24))
        if name[:4] == b"fmt " and len(block := file.read(14)) == 14:
            align = struct.unpack("<12xH", block)[0]
        if name == _WAVE64_DATA:
            return _cut(length - 24, size - at - 24, align) if at + length > size else Promise()
        if length < 24:
            break
        at += -(-length // 8) * 8
    return Promise()


def _cut(counted: int, held: int, align: int, size_at: int = 0) -> Promise:
    """Return the promise of a file that was cut; libsndfile opens a CAF only where the size, at a place, is what is held."""
    frames, left = counted // max(align, 1), max(held // max(align, 1), 1)
    return Promise(frames, left, patches=((size_at, struct.pack(">q", held)),) if size_at else ())


def _uncounted(counted: int, held: int, patches: tuple[tuple[int, bytes], ...]) -> Promise:
    note = (
        "" if held <= 0 else f"its header says {counted} bytes of sound, the file holds {held}: it was read to its end"
    )
    return Promise(uncounted=True, patches=patches, note=note)
