"""Sound files as strangers have them, written from a second or two of noise: headers that were never finished, that lie, or that
were cut; and what each must give. Used here for libsndfile, and in tests/blender for Blender's decoder."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

RATE = 24_000
SECONDS = 2.0
ALL = round(RATE * SECONDS)
LIST = b"LIST" + struct.pack("<I", 8000) + b"INFOISFT" + struct.pack("<I", 7988) + b"x" * 7988
"""A chunk of chunks behind the sound, as editors write it."""


@dataclass(frozen=True)
class Stranger:
    """A file, and what must be read of it: so many frames and a note with these words; or the reason it is refused for."""

    name: str
    data: bytes
    frames: int = ALL
    note: str = ""
    reason: str = ""
    tolerance: float = 1e-3

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        path.write_bytes(self.data)
        return path


@cache
def sent() -> np.ndarray:
    """Return what was recorded: loud from the first sample, so that nothing looks like padding."""
    t = np.arange(ALL) / RATE
    voice = np.sin(2 * np.pi * 170 * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    return (0.4 * voice + np.random.default_rng(5).normal(0, 0.05, ALL)).clip(-0.99, 0.99).astype(np.float32)


@cache
def encoded(form: str, subtype: str | None = None, mode: str | None = None) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, sent(), RATE, format=form, subtype=subtype, **({"bitrate_mode": mode} if mode else {}))
    return out.getvalue()


def patched(data: bytes, at: int, patch: bytes) -> bytes:
    return data[:at] + patch + data[at + len(patch) :]


def wave_of_size(size: int, subtype: str = "PCM_16") -> bytes:
    data = encoded("WAV", subtype)
    return patched(data, data.index(b"data") + 4, struct.pack("<I", size))


def flac_of_length(frames: int) -> bytes:
    data = encoded("FLAC", "PCM_16")
    return patched(data, 21, bytes([data[21] & 0xF0 | frames >> 32]) + struct.pack(">I", frames & 0xFFFFFFFF))


def mp3(mode: str = "VARIABLE", *, counted: Callable[[int], int] | None = None, tag: bool = True) -> bytes:
    """Return an MP3 whose Xing header counts its frames wrongly, or that has none."""
    data = encoded("MP3", "MPEG_LAYER_III", mode)
    at = max(data.find(b"Xing"), data.find(b"Info"))
    if counted is not None:
        (frames,) = struct.unpack(">I", data[at + 8 : at + 12])
        data = patched(data, at + 8, struct.pack(">I", counted(frames)))
    return data if tag else data[data.index(data[:2], at) :]


def waves() -> Iterator[Stranger]:
    to_end = "was read to its end"
    for size in (0, 8000, ALL, 0x7F000024, 0x7FFFF000, 0x7FFFFF00, 0x80000000, 0xFFFFFFDB, 0xFFFFFFFF):
        yield Stranger(
            f"size_{size:x}.wav", wave_of_size(size), note=f"says {size} bytes of sound, the file holds {2 * ALL}"
        )
    for size in (0, 0xFFFFFFFF):
        yield Stranger(f"size_{size:x}_and_chunks.wav", wave_of_size(size) + LIST * 2, note=to_end)
    yield Stranger("chunks.wav", encoded("WAV", "PCM_16") + LIST * 2)
    yield Stranger("a_byte_short.wav", encoded("WAV", "PCM_16")[:-1], ALL - 1)
    yield Stranger("an_odd_end.wav", wave_of_size(0)[:-1], ALL - 1, to_end)
    yield Stranger("float_of_size_0.wav", wave_of_size(0, "FLOAT"), note=to_end)
    yield Stranger("cut.wav", encoded("WAV", "PCM_16")[: ALL + 44], reason="audio-truncated")
    yield Stranger("riff_of_size_0.wav", patched(encoded("WAV", "PCM_16"), 4, bytes(4)))
    large = encoded("RF64", "PCM_16")
    sizes = large.index(b"ds64") + 8
    yield Stranger("large.rf64.wav", large)
    yield Stranger("sizes_of_0.rf64.wav", patched(large, sizes, bytes(24)), note=to_end)
    yield Stranger("sizes_of_ff.rf64.wav", patched(large, sizes, b"\xff" * 24), note=to_end)


def others() -> Iterator[Stranger]:
    to_end = "was read to its end"
    aiff = encoded("AIFF", "PCM_16")
    count, size = aiff.index(b"COMM") + 10, aiff.index(b"SSND") + 4
    for frames, length in ((0, 8), (0x3F800000, 0x7F000008)):
        data = patched(patched(aiff, count, struct.pack(">I", frames)), size, struct.pack(">I", length))
        yield Stranger(f"size_{length:x}.aiff", data, note=to_end)
    yield Stranger("whole.aiff", aiff)
    yield Stranger("cut.aiff", aiff[:ALL], reason="audio-truncated")
    au = encoded("AU", "PCM_16")
    yield Stranger("of_unknown_size.au", patched(au, 8, b"\xff" * 4))
    yield Stranger("size_0.au", patched(au, 8, bytes(4)), note=to_end)
    yield Stranger("cut.au", au[:ALL], reason="audio-truncated")
    caf = encoded("CAF", "PCM_16")
    yield Stranger("of_unknown_size.caf", patched(caf, caf.rindex(b"data") + 4, b"\xff" * 8))
    yield Stranger("cut.caf", caf[:-ALL], reason="audio-truncated")
    yield Stranger("whole.w64", encoded("W64", "PCM_16"))
    yield Stranger("cut.w64", encoded("W64", "PCM_16")[:ALL], reason="audio-truncated")


def streams() -> Iterator[Stranger]:
    flac = encoded("FLAC", "PCM_16")
    tagged = b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)
    yield Stranger("of_no_length.flac", flac_of_length(0), note="gives no length: it was read to its end")
    yield Stranger("tagged_of_no_length.flac", tagged + flac_of_length(0), note="gives no length")
    yield Stranger("of_less.flac", flac_of_length(ALL // 2), note="says 1.00 s of sound, the file holds 2.00 s")
    yield Stranger("of_more.flac", flac_of_length(2 * ALL), reason="audio-truncated")
    yield Stranger("cut.flac", flac[: len(flac) // 2], reason="audio-truncated")
    half = flac_of_length(0)[: len(flac) // 2]
    yield Stranger("of_no_length_and_cut.flac", half, frames=-1, note="gives no length: it was read to its end")
    for subtype in ("VORBIS", "OPUS"):
        ogg = encoded("OGG", subtype)
        last = ogg.rindex(b"OggS")
        tolerance = 0.5 if subtype == "OPUS" else 1e-3  # Opus is decoded at another rate by each
        yield Stranger(f"whole.{subtype}.ogg", ogg, tolerance=tolerance)
        cut = {"in_a_page": ogg[: last - 700], "between_pages": ogg[:last], "unclosed": patched(ogg, last + 5, b"\0")}
        for where, data in cut.items():
            yield Stranger(f"{where}.{subtype}.ogg", data, -1, "its stream has no end", tolerance=tolerance)


def mp3s() -> Iterator[Stranger]:
    for mode in ("CONSTANT", "VARIABLE"):
        yield Stranger(
            f"counted_as_half.{mode}.mp3", mp3(mode, counted=lambda n: n // 2), note="it was read to its end"
        )
        yield Stranger(f"counted_as_none.{mode}.mp3", mp3(mode, counted=lambda n: 0), note="it was read to its end")
        yield Stranger(f"counted_as_twice.{mode}.mp3", mp3(mode, counted=lambda n: 2 * n), reason="audio-truncated")
        whole = mp3(mode)
        yield Stranger(f"cut.{mode}.mp3", whole[: len(whole) // 2], reason="audio-truncated")
        bare = mp3(mode, tag=False)
        yield Stranger(f"uncounted.{mode}.mp3", bare, frames=-1)
        yield Stranger(f"uncounted_and_cut.{mode}.mp3", bare[: len(bare) * 6 // 10], -1, "its last frame is cut off")
    yield Stranger("quiet_then_loud.mp3", mp3_that_grows(), frames=-1)


def mp3_that_grows() -> bytes:
    """Return an MP3 without a count whose first frames have many bits and the later ones few: decoders guess too few frames."""
    first, then = (mp3_at(level) for level in (0.0, 0.9))
    return first + then


def mp3_at(level: float) -> bytes:
    out = io.BytesIO()
    soundfile.write(
        out, sent(), RATE, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=level
    )
    data = out.getvalue()
    at = max(data.find(b"Xing"), data.find(b"Info"))
    return data[data.index(data[:2], at) :] if at > 0 else data


def strangers() -> list[Stranger]:
    return [*waves(), *others(), *streams(), *mp3s()]
