"""One writer a folder: a lock that the system itself lets go of when its process ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder

LOCK: Final = ".duologue-lock"


@contextmanager
def only_writer(folder: Path, reason: str, message: str) -> Generator[None]:
    """Be the only one who writes into a folder, which is made if it is not there, among those who ask here.

    Where a file system has no locks nobody is kept out.

    Raises:
        DuologueError: FAILED_PRECONDITION ``reason`` with ``message`` where somebody else does; PERMISSION_DENIED
            ``not-writable``.
    """
    prepare_folder(folder)
    path = folder / LOCK
    handle = _opened(path)
    if handle is None:
        yield
        return
    try:
        if not (_locked(handle) and _is_still(handle, path)):
            raise DuologueError("FAILED_PRECONDITION", reason, message, field="--out")
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows removes no open file
                path.unlink()
    finally:
        os.close(handle)


def _opened(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    return None


def _is_still(handle: int, path: Path) -> bool:
    """Return whether an open file is the one of that name: whoever had it before may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _locked(handle: int) -> bool:
    """Lock an open file, or say that somebody else has."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
