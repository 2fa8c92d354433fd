"""Reading what strangers wrote: a file's kind and size are checked before a byte is read, and text is parsed within bounds.

A path may name a pipe, a device, a loop of links, or more bytes than there is memory; a small text may hold a number of a million
digits, or a key whose parts take a parser minutes. Each ends in a named error, soon.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final, NoReturn

from duologue.errors import DuologueError, invalid

MAX_TOML: Final = 1_000_000
"""Bytes: a key of the deepest that is taken, a million bytes of such keys, parse within a second."""
_DEEPEST_KEY: Final = 64
# Parts of a dotted key, quoted or bare. It begins where no such part goes on, or a long word would be tried from each letter.
_DEEP_KEY: Final = re.compile(rf"""(?<![\w"'-])(?:[\w"'-]++[ \t]*+\.[ \t]*+){{{_DEEPEST_KEY}}}""")


def read_bytes(path: Path | str, limit: int, *, too_large: str = "file-too-large") -> bytes:
    """Return the bytes of an ordinary file of at most ``limit`` bytes.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``; PERMISSION_DENIED ``not-readable``; INVALID_ARGUMENT ``path-malformed`` (no
            file can have that name), ``not-a-file`` (a folder, pipe, device or socket), ``too_large``.
    """
    size, data = _read(Path(path), limit + 1, at_most=limit)
    if size <= limit and len(data) <= limit:
        return data
    raise invalid(too_large, f"{path} is larger than {limit / 1e6:g} MB; is it the right file?")


def read_head(path: Path | str, count: int) -> bytes:
    """Return an ordinary file's first bytes, as many as there are up to ``count``. Raises what :func:`read_bytes` does."""
    return _read(Path(path), count)[1]


def _read(path: Path, count: int, at_most: int | None = None) -> tuple[int, bytes]:
    """Return a file's size and its first ``count`` bytes; none of one that is larger than ``at_most``."""
    try:
        # Not blocking: opening a pipe would wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise read_error(path, error) from error
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):  # fdopen refuses a folder in its own words
        os.close(descriptor)
        raise invalid("not-a-file", f"{path} is no ordinary file (a folder, a pipe or a device); name a file")
    with os.fdopen(descriptor, "rb") as file:
        if at_most is not None and about.st_size > at_most:
            return about.st_size, b""
        try:
            return about.st_size, file.read(count)
        except OSError as error:
            raise read_error(path, error) from error


def read_error(path: Path, error: OSError | ValueError) -> DuologueError:
    """Return the named error for what went wrong while ``path`` was opened or read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return DuologueError("NOT_FOUND", "file-not-found", f"there is no file {path}; check its name and folder")
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return in_circle(path)
    if isinstance(error, ValueError) or error.errno == errno.ENAMETOOLONG:
        return invalid("path-malformed", f"{str(path)!r:.80} can't be the name of a file; check it")
    if isinstance(error, IsADirectoryError):
        return invalid("not-a-file", f"{path} is a folder; name a file in it")
    return DuologueError("PERMISSION_DENIED", "not-readable", f"can't read {path}: {error.strerror}")


def in_circle(path: Path, field: str = "") -> DuologueError:
    """Return the named error for a path whose links lead in a circle: there is nothing behind it."""
    return invalid("path-malformed", f"{path}: its links lead in a circle; link it to the real one anew", field=field)


def leads_in_circle(path: Path) -> bool:
    """Return whether a path's links lead in a circle."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    except ValueError:
        pass
    return False


def check_file(path: Path, field: str = "") -> None:
    """Refuse what is no ordinary file, without opening it.

    Raises:
        DuologueError: what :func:`read_bytes` raises of such a path.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        named = read_error(path, error)
        raise DuologueError(named.code, named.reason, named.message, field=field) from error
    if not stat.S_ISREG(mode):
        raise invalid(
            "not-a-file", f"{path} is no ordinary file (a folder, a pipe or a device); name a file", field=field
        )


def is_file(path: Path) -> bool:
    """Return whether there is an ordinary file; unlike :meth:`Path.is_file`, for a name that no file can have as well."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Return whether there is a folder; as :func:`is_file`, of any name."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def resolved(path: Path, field: str) -> Path:
    """Return a path without links and dots; the file need not exist.

    Raises:
        DuologueError: INVALID_ARGUMENT ``path-malformed`` for a name that no file can have, or links that lead in a circle.
    """
    if leads_in_circle(path):  # which Python 3.13's resolve() takes for the name of a file
        raise in_circle(path, field)
    try:
        whole = path.resolve()
        whole.exists()
    except (OSError, ValueError) as error:
        raise invalid(
            "path-malformed", f"{str(path)!r:.80} can't be the name of a file; check it", field=field
        ) from error
    return whole


def parse_json(text: str | bytes) -> Any:
    """Parse JSON as the standard has it (RFC 8259): no NaN or Infinity, no number beyond a double's range.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or has a number that can't be held.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML 1.0 of at most ``MAX_TOML`` characters, whose keys have fewer than 64 parts: deeper ones take minutes.

    Raises:
        ValueError: it is not TOML, is too long, or is nested too deeply; ``tomllib.TOMLDecodeError``, with the line, is one.
    """
    if len(text) > MAX_TOML:
        raise ValueError(f"it has more than {MAX_TOML} characters")
    if _DEEP_KEY.search(text):
        raise ValueError(f"it has a key of {_DEEPEST_KEY} parts or more")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON's")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text:.20} is beyond what a number can hold")
    return value
