"""Arrays that grow on disk: rows are appended as they come, and none of them stays in memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from duologue.files.atomic import write_error


class GrowingArray:
    """A ``.npy`` file under construction: ``append`` rows, and leave the ``with`` block to make it whole.

    The header says how many rows there are and stands in front of them. NumPy leaves room in it for the count to grow, so it is
    written twice: for no rows, and over that for all of them.

    Raises:
        DuologueError: what ``files.atomic.write_error`` makes of a folder that refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._rows = path, 0
        self._row: tuple[np.dtype[Any], tuple[int, ...]] | None = None
        try:
            self._file = path.open("wb")
        except OSError as error:
            raise write_error(path, error) from error

    def append(self, rows: NDArray[Any]) -> None:
        """Write rows (n, ...) behind those that are there.

        Raises:
            ValueError: for rows of another type or shape than the first ones.
        """
        row = (rows.dtype, rows.shape[1:])
        try:
            if self._row is None:
                self._row = row
                self._write_header()
            if row != self._row:
                raise ValueError(f"{self._path.name} holds rows of {self._row}, not of {row}.")
            self._file.write(np.ascontiguousarray(rows).data)
        except OSError as error:
            raise write_error(self._path, error) from error
        self._rows += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._row is not None:
                self._file.seek(0)
                self._write_header()
            self._file.close()
        except OSError as failure:
            raise write_error(self._path, failure) from failure

    def _write_header(self) -> None:
        assert self._row is not None
        dtype, shape = self._row
        description = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": (self._rows, *shape)}
        npy.write_array_header_1_0(self._file, description)
