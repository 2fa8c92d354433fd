"""What a job has on disk: the speech (and take) that came up, and the windows that go down.

With the windows on disk a slow or frozen client costs no memory and does not hold up the worker; after a broken connection they
are sent again from any point; a worker that takes over a dead one's job goes on where the windows end.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from duologue.errors import DuologueError
from duologue.files.atomic import write_error
from duologue.wire.framing import Buffer
from duologue.wire.local import process_exists


class Spool:
    """The encoded windows of a job, in a file of their own. Appended once, read any number of times.

    It has a descriptor only from the first window to ``close``; whoever reads later opens the file for that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._frames: list[tuple[int, ...]] = []
        self._ends: list[int] = [0]

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self._ends[-1]

    def append(self, frames: Sequence[Buffer]) -> None:
        """Add a window: the frames of its message. Raises OSError when the disk is full."""
        if self._file is None:
            self._file = self._path.open("w+b" if not self.size else "r+b", buffering=0)
        self._file.seek(self.size)
        sizes = tuple(len(frame) for frame in frames)
        for frame in frames:
            _write(self._file, frame)
        self._frames.append(sizes)
        self._ends.append(self.size + sum(sizes))

    def read(self, seq: int) -> list[bytes]:
        """Return the frames of a window. Raises OSError when they can't be read."""
        file = self._file or self._path.open("rb", buffering=0)
        try:
            file.seek(self._ends[seq])
            frames = [file.read(size) for size in self._frames[seq]]
        finally:
            if file is not self._file:
                file.close()
        if [len(frame) for frame in frames] != [*self._frames[seq]]:
            raise OSError(errno.EIO, "the spool was cut off")
        return frames

    def bytes_between(self, first: int, last: int) -> int:
        """Return the size of windows ``first`` to ``last`` - 1 together."""
        return self._ends[last] - self._ends[first]

    def close(self) -> None:
        """Give the descriptor back; what was appended can still be read."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _write(file: IO[bytes], data: Buffer) -> None:
    view = memoryview(data).cast("B") if len(data) else memoryview(b"")
    while view:  # an unbuffered write may take less than all
        view = view[file.write(view) :]


class Upload:
    """One performer's speech, or a take, on its way to a file of ``size`` bytes; it comes in order."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self.size = path, size
        self.received = 0
        """Bytes."""
        self._hash = hashlib.sha256()
        self._file: IO[bytes] | None = None

    def add(self, offset: int, data: Buffer, reason: str) -> None:
        """Add the bytes from ``offset`` on; those that are here already are passed over.

        Raises:
            DuologueError: DATA_LOSS ``reason``: some are missing, or more came than was announced.
            OSError: the disk is full.
        """
        if offset < self.received:
            return
        if offset > self.received or offset + len(data) > self.size:
            raise DuologueError(
                "DATA_LOSS", reason, "a stretch of what is sent up is missing, or more came than was announced"
            )
        if self._file is None:
            self._file = self.path.open("wb" if not self.received else "r+b", buffering=0)
        self._file.seek(self.received)  # where an earlier write failed half-way
        _write(self._file, data)
        self._hash.update(data)
        self.received += len(data)

    def is_whole(self, sha256: str) -> bool:
        """Close the file and return whether it holds what was announced."""
        self.close()
        return self.received == self.size and self._hash.hexdigest() == sha256

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def spool_folder(state: Path, instance: str) -> Path:
    """Make the folder for a server's spools, and remove what killed servers left.

    Raises:
        DuologueError: PERMISSION_DENIED ``not-writable`` …
    """
    folder = state / "spool" / f"{os.getpid()}-{instance[:8]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.parent.chmod(0o700)  # it may have been there, for others to read
        folder.mkdir(mode=0o700)
        for other in folder.parent.iterdir():
            pid = other.name.partition("-")[0]
            if pid.isdigit() and not process_exists(int(pid)):
                shutil.rmtree(other, ignore_errors=True)
    except OSError as error:
        raise write_error(folder, error) from error
    return folder
