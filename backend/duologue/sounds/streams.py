"""FLAC and Ogg, which are streamed as often as they are files: their lengths may be missing, and their ends.

Sources: FLAC's STREAMINFO (RFC 9639, section 8.2); Ogg's page header (RFC 3533, section 6).
"""

from __future__ import annotations

from typing import BinaryIO, Final

from duologue.sounds.promise import Promise

_OGG_TAIL: Final = 70_000  # an Ogg page is at most 65,307 bytes
_END_OF_STREAM: Final = 4


def inspect_flac(file: BinaryIO, begin: int) -> Promise:
    """Return the promise of the FLAC stream that begins at a place of its file.

    Its samples are counted in 36 bits, 0 where the encoder couldn't go back. libsndfile reads no further than they say, and
    nothing of 0: so it is told the most, and read until nothing comes.
    """
    place = begin + 21
    file.seek(place)
    data = file.read(5)
    if len(data) < 5:
        return Promise()
    frames = int.from_bytes(data, "big") & (1 << 36) - 1
    most = bytes([data[0] | 0x0F, 0xFF, 0xFF, 0xFF, 0xFF])
    note = "" if frames else "its header gives no length: it was read to its end"
    return Promise(frames, uncounted=not frames, endless=True, patches=((place, most),), note=note)


def inspect_ogg(file: BinaryIO, size: int) -> Promise:
    """Return the promise of an Ogg file of ``size`` bytes: it gives no length, but its last page says that it is the last."""
    file.seek(max(0, size - _OGG_TAIL))
    tail = file.read()
    page = tail.rfind(b"OggS")
    header = tail[page : page + 27]
    if page >= 0 and len(header) == 27:
        segments = tail[page + 27 : page + 27 + header[26]]
        whole = len(segments) == header[26] and page + 27 + len(segments) + sum(segments) <= len(tail)
        if whole and header[5] & _END_OF_STREAM:
            return Promise()
    note = "its stream has no end (it was cut off, or is still being written): it was read as far as it goes"
    return Promise(uncounted=True, note=note)
