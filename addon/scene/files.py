# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening somebody's .blend without its windows."""

from __future__ import annotations

from pathlib import Path

import bpy
from duologue.errors import DuologueError

from .paths import as_it_is


def open_blend(blend: Path, field: str = "", *, scripts: bool = True) -> None:
    """Open a .blend. ``scripts``: whether the file's own may run as far as Blender's preferences let them.

    Raises:
        DuologueError: NOT_FOUND ``blend-not-found``; DATA_LOSS ``blend-unreadable``.
    """
    if not blend.is_file():
        raise DuologueError(
            "NOT_FOUND", "blend-not-found", f"{blend} does not exist; give your scene's path", field=field
        )
    path = as_it_is(blend.resolve())
    try:
        if scripts:
            bpy.ops.wm.open_mainfile(filepath=path, load_ui=False)
        else:
            bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise DuologueError(
            "DATA_LOSS", "blend-unreadable", f"Blender can't open {blend}: {error}", field=field
        ) from error
