"""Arrays of strangers' NPY and NPZ files, by name, type and shape. Nothing unpickles."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid

Shape = tuple[int | None, ...]


def open_npz(source: Path | bytes, name: str) -> Mapping[str, NDArray[Any]]:
    """Return an NPZ file's arrays, each read when it is asked for.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``; INVALID_ARGUMENT ``file-pickled`` for a PKL by another name; DATA_LOSS
            ``file-unreadable``.
    """
    try:
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
            start = file.read(2)
        if start[:1] == b"\x80":  # a pickle's first opcode, PROTO
            raise invalid("file-pickled", f"{name} is a pickle: opening one can run anything. Convert it to NPZ.")
        loaded = np.load(source if isinstance(source, Path) else io.BytesIO(source), allow_pickle=False)
    except FileNotFoundError as error:
        raise DuologueError("NOT_FOUND", "file-not-found", f"there is no {name}; download it again") from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(name, error) from error
    if not isinstance(loaded, NpzFile):
        raise _unreadable(name, "it is one array and no NPZ")
    return loaded


def array(arrays: Mapping[str, NDArray[Any]], key: str, shape: Shape, name: str) -> NDArray[np.float64]:
    """Return an array as finite float64 of a shape, in which None is any size.

    Raises:
        DuologueError: INVALID_ARGUMENT ``array-missing``, ``array-shape``, ``array-not-finite`` with the first frame of it;
        DATA_LOSS
            ``file-unreadable``.
    """
    values = raw(arrays, key, name)
    if values.dtype.kind not in "fiub":
        raise invalid("array-shape", f"{name}: {key} is {values.dtype}; numbers are needed")
    checked = shaped(values, shape, f"{name}: {key}").astype(np.float64)
    if not np.isfinite(checked).all():
        bad = np.argwhere(~np.isfinite(checked))
        raise invalid(
            "array-not-finite",
            f"{name}: {key} has {len(bad)} values that are not finite, first in frame {bad[0, 0]}; repair or leave it out",
        )
    return checked


def raw(arrays: Mapping[str, NDArray[Any]], key: str, name: str) -> NDArray[Any]:
    """Return an array as it is.

    Raises:
        DuologueError: as ``array``.
    """
    try:
        return arrays[key]
    except KeyError:
        raise invalid("array-missing", f"{name} has no array {key}; it has {', '.join(arrays)}") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _unreadable(name, error) from error


def shaped(values: NDArray[Any], shape: Shape, name: str) -> NDArray[Any]:
    """Return ``values`` if they have a shape.

    Raises:
        DuologueError: INVALID_ARGUMENT ``array-shape``.
    """
    same = len(values.shape) == len(shape) and all(
        wanted in (None, size) for wanted, size in zip(shape, values.shape, strict=True)
    )
    if not same:
        expected = ", ".join("any" if size is None else str(size) for size in shape)
        raise invalid("array-shape", f"{name} has shape {values.shape}; ({expected}) is needed")
    return values


def load_npy(path: Path) -> NDArray[Any]:
    """Return an NPY file's array.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``; DATA_LOSS ``file-unreadable``.
    """
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except FileNotFoundError as error:
        raise DuologueError("NOT_FOUND", "file-not-found", f"there is no {path.name}; download it again") from error
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path.name, error) from error


def _unreadable(name: str, why: object) -> DuologueError:
    return DuologueError("DATA_LOSS", "file-unreadable", f"{name} can't be read ({why}); download or export it again")
