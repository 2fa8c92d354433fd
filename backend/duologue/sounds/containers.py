"""What a sound file's container promises, read from its bytes: decoders silently shorten a file that was cut off, and believe
lengths that nobody counted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from duologue.sounds import chunks, mpeg, streams, wave
from duologue.sounds.promise import Promise

_KINDS: Final[tuple[tuple[re.Pattern[bytes], Callable[[BinaryIO, int], Promise]], ...]] = (
    (re.compile(rb"(RIFF|RF64|BW64)....WAVE", re.DOTALL), wave.inspect),
    (re.compile(rb"FORM....AIF[FC]", re.DOTALL), chunks.inspect_aiff),
    (re.compile(rb"\.snd"), chunks.inspect_au),
    (re.compile(rb"caff"), chunks.inspect_caf),
    (re.compile(re.escape(chunks.WAVE64)), chunks.inspect_wave64),
    (re.compile(rb"OggS"), streams.inspect_ogg),
)


def inspect(file: BinaryIO) -> Promise:
    """Read what the container promises. Unknown kinds promise nothing, and are left to the decoder."""
    head = file.read(16)
    size = file.seek(0, os.SEEK_END)
    for beginning, look in _KINDS:
        if beginning.match(head):
            return look(file, size)
    begin = mpeg.after_id3(head)
    file.seek(begin)
    first = file.read(4)
    if first == b"fLaC":
        return streams.inspect_flac(file, begin)
    return mpeg.inspect(file, begin, size) if begin or mpeg.is_frame(first) else Promise()


def inspect_file(path: Path) -> Promise:
    """Read what a file's container promises (see :func:`inspect`).

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return inspect(file)
