"""What a sound file's header promises, the file with its mistakes mended, and whether what was decoded keeps the promise."""

from __future__ import annotations

import io
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from duologue.errors import DuologueError, invalid

INVENTED: Final = 0x7F000000
"""Bytes from which on a length that is longer than its file was never counted: writers to a pipe (sox, arecord, espeak-ng,
ffmpeg) leave the most that they can hold, each its own."""


@dataclass(frozen=True)
class Promise:
    """What a container says of itself. The default says nothing, and leaves all to the decoder."""

    frames: int = 0
    """How many frames of sound it says it holds; 0: it doesn't say."""
    held: int = 0
    """How many there are of those in a file that was cut off; 0: it wasn't."""
    uncounted: bool = False
    """Nobody counted them: only decoding tells."""
    endless: bool = False
    """The decoder's own count is not to be believed: it has to be read on until nothing comes."""
    slack: int = 0
    """By how many frames decoders may differ from ``frames`` in a whole file."""
    patches: tuple[tuple[int, bytes], ...] = ()
    """(place, bytes) of what is wrong in the file: what has to stand there for all of it to be read."""
    prefix: bytes = b""
    """What is missing at its beginning."""
    end: int = 0
    """Where the file has to end, for a last frame that is cut; 0: where it does."""
    note: str = ""
    """What the header said and what there is, where they differ."""

    @property
    def is_mended(self) -> bool:
        """Whether the file has to be read through :class:`Mended`."""
        return bool(self.patches or self.prefix or self.end)


class Mended(io.RawIOBase):
    """A file that reads as it should be."""

    def __init__(self, file: BinaryIO, promise: Promise) -> None:
        self._file, self._promise = file, promise
        self._size = len(promise.prefix) + (promise.end or file.seek(0, os.SEEK_END))
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that places in it can be gone to."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read as the file does, with what is mended in place of what stands there."""
        shift = len(self._promise.prefix)
        wanted = min(len(buffer), max(0, self._size - self._at))
        head = self._promise.prefix[self._at : self._at + wanted]
        self._file.seek(max(0, self._at - shift))
        data = bytearray(head + self._file.read(wanted - len(head)))
        for place, patch in self._promise.patches:
            for offset, byte in enumerate(patch, start=place + shift - self._at):
                if 0 <= offset < len(data):
                    data[offset] = byte
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at


def write_mended(path: Path, promise: Promise, target: Path) -> None:
    """Write a copy of a file as it should be, for a decoder that opens files by name."""
    with path.open("rb") as file, target.open("wb") as out:
        shutil.copyfileobj(Mended(file, promise), out)


def check_held(promise: Promise, rate: int, name: str, field: str = "") -> None:
    """Refuse a file that is known to be cut off before it is decoded.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-truncated``.
    """
    if promise.held and rate > 0:
        raise truncated(name, promise.held / rate, promise.frames / rate, field)


def differences(promise: Promise, frames: int, rate: int, name: str, field: str = "") -> tuple[str, ...]:
    """Return a note on how what was decoded (``frames`` of sound) differs from what was promised; none where it doesn't.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-truncated`` where there is less.
    """
    if frames < promise.frames - promise.slack or (promise.uncounted and promise.note and not frames):
        raise truncated(name, frames / rate, promise.frames / rate, field)
    if promise.note:
        return (promise.note,)
    if promise.endless and promise.frames and frames > promise.frames + promise.slack:
        return (longer(promise.frames / rate, frames / rate),)
    return ()


def longer(promised: float, held: float) -> str:
    """Return the note on a file that holds more seconds than its header says."""
    return f"its header says {promised:.2f} s of sound, the file holds {held:.2f} s: it was read to its end"


def truncated(name: str, seconds: float, promised: float, field: str) -> DuologueError:
    """Return the error for a file that holds fewer seconds than it promises."""
    whole = f" of {promised:.2f} s" if promised > seconds else ""
    message = f"{name} ends after {seconds:.2f} s{whole}: it is cut short; copy or export it again"
    return invalid("audio-truncated", message, field=field)
