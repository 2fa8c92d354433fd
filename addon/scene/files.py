# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening somebody's .blend without its windows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
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


def outside(blend: Path) -> str:
    """Return a digest of what the open scene takes from other files, by their names, sizes and times: linked scenes, textures,
    caches. What is packed is in the .blend."""
    digest = hashlib.sha256()
    named = {Path(path) for path in bpy.utils.blend_paths(absolute=True, packed=False, local=False) if path}
    cache = blend.with_name(f"blendcache_{blend.stem}")
    for file in sorted({file for path in (*named, cache) for file in _files(path)} | set(_series())):
        about = file.stat()
        digest.update(f"{file} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or all files below a folder."""
    yield from (file for file in (path.rglob("*") if path.is_dir() else (path,)) if file.is_file())


def _series() -> Iterator[Path]:
    """Yield pictures in a row and tiles, of which a .blend names one: all of their folder."""
    for image in (*bpy.data.images, *bpy.data.movieclips):
        if image.source in {"SEQUENCE", "TILED"} and image.filepath:
            folder = Path(bpy.path.abspath(image.filepath, library=image.library)).parent
            yield from (file for file in folder.glob("*") if file.is_file())
