"""Writing files whole or not at all, and saying what is wrong when a folder refuses."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Generator
from pathlib import Path

from duologue.errors import DuologueError
from duologue.files.reading import leads_in_circle


@contextlib.contextmanager
def replacing(path: Path | str) -> Generator[Path]:
    """Yield a temporary path beside ``path``; when the block ends well it becomes ``path``, else it is removed.

    A reader never sees half a file, and a failed write leaves the old file as it was. The folder must exist.

    Raises:
        DuologueError: PERMISSION_DENIED ``not-writable``, NOT_FOUND ``folder-not-found``, RESOURCE_EXHAUSTED ``disk-full``.
    """
    target = Path(path)
    try:
        # The suffix stays: writers such as soundfile choose the format by it.
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise write_error(target, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files that only their owner reads; a result gets what any new file would have.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path | str, data: bytes | bytearray | memoryview) -> None:
    """Write a whole file atomically. Raises what :func:`replacing` raises."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path | str, text: str) -> None:
    """Write a whole UTF-8 text file atomically, with its line ends as they are. Raises what :func:`replacing` raises."""
    write_bytes(path, text.encode())


def prepare_folder(folder: Path) -> None:
    """Make the folder and prove that it can be written, before any work starts.

    Raises:
        DuologueError: PERMISSION_DENIED ``not-writable``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".duologue-probe"
        probe.touch()
        probe.unlink()
    except (OSError, ValueError) as error:
        raise DuologueError(
            "PERMISSION_DENIED",
            "not-writable",
            f"{folder} can't be written ({_why_not(folder, error)}); choose another folder",
            field="--out",
        ) from error


def _why_not(folder: Path, error: OSError | ValueError) -> str:
    if leads_in_circle(folder):
        return "its links lead in a circle"
    if isinstance(error, FileExistsError):
        return "it is a link to nowhere" if folder.is_symlink() else "it is no folder"
    return str(error.strerror) if isinstance(error, OSError) else "no folder can have that name"


def write_error(path: Path, error: OSError) -> DuologueError:
    """Return the named error for an ``OSError`` met while writing ``path``."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return DuologueError(
            "NOT_FOUND", "folder-not-found", f"{path.parent} is not a folder; make it first or choose another"
        )
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DuologueError(
            "RESOURCE_EXHAUSTED",
            "disk-full",
            f"there is no room left for {path}; free some and try again",
            retryable=True,
        )
    return DuologueError(
        "PERMISSION_DENIED", "not-writable", f"can't write {path} ({error.strerror}); choose a folder you may write to"
    )
