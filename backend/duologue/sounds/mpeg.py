"""MP3: its frames counted. Without a Xing header its length is an estimate from the first frames' bit rate, and a decoder that
believes it stops early or misses what was never there; with one, the count may be of another file's.

Sources: ISO/IEC 11172-3 and 13818-3, section 2.4.1.3 (frame header); the Xing and LAME header as LAME writes it;
ID3v2.4, section 3.1.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from duologue.sounds.promise import Promise, longer

_KBITS: Final = {
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Of layer III: MPEG 1, and 2 and 2.5."""
_RATES: Final = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_SLACK: Final = 4 * 1152
"""Frames by which decoders differ: on what padding is, and on a last frame that is cut."""
_MOST_JUNK: Final = 1 << 16
_MOST_FRAMES: Final = 1 << 18
"""More than half an hour has: what is longer is refused all the same."""
_SAME: Final = 0xFFFE0C00
"""The bits of a header that all frames of a file share."""


@dataclass(frozen=True)
class _Frame:
    """A frame of layer III by its header."""

    bits: int
    length: int
    samples: int
    rate: int
    side: int
    """Bytes of its side information, behind which a Xing header stands."""

    @classmethod
    def of(cls, header: bytes) -> _Frame | None:
        """Return it, or None where the four bytes are no header of layer III."""
        if len(header) < 4:
            return None
        (bits,) = struct.unpack(">I", header)
        version, layer, kbits, rate = bits >> 19 & 3, bits >> 17 & 3, bits >> 12 & 15, bits >> 10 & 3
        if bits >> 21 != 0x7FF or version == 1 or layer != 1 or kbits in {0, 15} or rate == 3:
            return None
        first, hertz = version == 3, _RATES[version][rate]
        length = (144 if first else 72) * _KBITS[first][kbits] * 1000 // hertz + (bits >> 9 & 1)
        mono = bits >> 6 & 3 == 3
        return cls(bits, length, 1152 if first else 576, hertz, (17 if mono else 32) if first else (9 if mono else 17))


def is_frame(header: bytes) -> bool:
    """Whether four bytes begin a frame of layer III."""
    return _Frame.of(header) is not None


def after_id3(head: bytes) -> int:
    """Return where what follows an ID3v2 tag begins, by the first ten bytes of a file; 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if head[5] & 0x10 else 0)


def inspect(file: BinaryIO, begin: int, size: int) -> Promise:
    """Return the promise of an MP3 file of ``size`` bytes whose frames begin at, or soon after, a place."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = _next_frame(data, begin, None)
        first = _Frame.of(data[at : at + 4]) if at >= 0 else None
        if first is None:
            return Promise(slack=_SLACK)
        tag = at + 4 + first.side
        has_xing = data[tag : tag + 4] in {b"Xing", b"Info"} and bool(data[tag + 7] & 1)
        count, varies, end = _count(data, at + first.length if has_xing else at, first)
        if not count or count >= _MOST_FRAMES:
            return Promise(slack=_SLACK)
        if has_xing:
            return _counted(struct.unpack(">I", data[tag + 8 : tag + 12])[0], count, tag + 8, first)
        # Some decoders make a sound of half a frame, some don't.
        note = "its last frame is cut off: it was read as far as it goes" if end else ""
        return Promise(prefix=_xing_frame(first, count) if varies else b"", end=end, slack=_SLACK, note=note)


def _counted(promised: int, count: int, place: int, first: _Frame) -> Promise:
    """Return the promise of a file whose Xing header counts its frames; whose count may be wrong."""
    if count < promised - 1:
        return Promise(frames=promised * first.samples, held=count * first.samples, slack=_SLACK)
    if count <= promised + 1:
        return Promise(slack=_SLACK)
    seconds = (frames * first.samples / first.rate for frames in (promised, count))
    return Promise(patches=((place, struct.pack(">I", count)),), slack=_SLACK, note=longer(*seconds))


def _count(data: mmap.mmap, at: int, first: _Frame) -> tuple[int, bool, int]:
    """Return how many whole frames there are from a place on, whether their bit rate varies, and where one that is cut begins."""
    count, varies, junk = 0, False, 0
    while at >= 0 and at + 4 <= len(data) and count < _MOST_FRAMES:
        frame = _Frame.of(data[at : at + 4])
        if frame is None or (frame.bits ^ first.bits) & _SAME:
            if data[at : at + 3] == b"TAG" or data[at : at + 8] == b"APETAGEX":
                break
            following = _next_frame(data, at, first)
            junk += following - at
            if junk > _MOST_JUNK:
                return 0, False, 0
            at, varies = following, varies or following >= 0  # what lies between makes an estimate wrong as well
            continue
        if at + frame.length > len(data):
            return count, varies, at
        varies = varies or bool((frame.bits ^ first.bits) & 0xF000)
        count, at = count + 1, at + frame.length
    return count, varies, 0


def _next_frame(data: mmap.mmap, at: int, like: _Frame | None) -> int:
    """Return where the next frame begins that another one, or the end, follows; -1 where none is near."""
    for place in range(at, min(at + _MOST_JUNK, len(data) - 4)):
        if data[place] != 0xFF:
            continue
        frame = _Frame.of(data[place : place + 4])
        if frame is None or (like is not None and (frame.bits ^ like.bits) & _SAME):
            continue
        following = _Frame.of(data[place + frame.length : place + frame.length + 4])
        if place + frame.length >= len(data) or (following is not None and not (following.bits ^ frame.bits) & _SAME):
            return place
    return -1


def _xing_frame(first: _Frame, count: int) -> bytes:
    """Return a frame that says how many follow, one of 64 kbit a second: decoders take it for no sound.

    As LAME writes it, with no delay of an encoder's: then all decoders leave out their own.
    """
    kbits = 5 if first.samples == 1152 else 8
    bits = first.bits & ~0xF200 | kbits << 12 | 1 << 16  # without padding and checksum
    frame = _Frame.of(struct.pack(">I", bits))
    assert frame is not None  # only its bit rate is another
    head = struct.pack(">I", bits) + bytes(frame.side) + b"Xing" + struct.pack(">II", 1, count)
    return (head + b"LAME3.100" + bytes(15)).ljust(frame.length, b"\0")
