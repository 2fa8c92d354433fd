# SPDX-License-Identifier: GPL-3.0-or-later
"""Export: the chosen take as files for other programs, all formats at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder
from duologue.labels import PERFORMERS
from duologue.take import Take
from duologue.take.export import write_bodies, write_faces

from ..briefing import cast_both
from ..properties import settings_of
from ..properties.settings import DUOLOGUE_PG_settings
from ..rendering import exporting
from ..scene.timing import frames_after
from ..session.session import session
from ..takes import store
from .base import Operator
from .rules import NO_TAKE, WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context, Scene


class DUOLOGUE_OT_export(Operator, bpy.types.Operator):
    """Write the chosen take in the chosen formats: the take's own bodies and faces, or both characters as the scene shows them"""

    bl_idname = "duologue.export"
    bl_label = "Export"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be a take, a format and a folder."""
        settings = settings_of(context.scene)
        if session.busy:
            return WAIT_FOR_TAKE
        if store.current_entry(settings) is None:
            return NO_TAKE
        if not settings.output.formats:
            return "Choose a format"
        if not settings.output.folder:
            return "Choose a folder"
        if settings.output.folder.startswith("//") and not bpy.data.filepath:
            return "The folder is relative to this file, which has not been saved; save it, or choose another folder"
        return ""

    def run(self, context: Context) -> str:
        """Check everything first, then write."""
        scene = context.scene
        settings = settings_of(scene)
        entry = store.current_entry(settings)
        assert entry is not None
        chosen = [kind for kind in ("CSV", "BVH", "GLTF", "FBX", "USD") if kind in settings.output.formats]
        scenes = [kind.lower() for kind in chosen if kind.lower() in exporting.FORMATS]
        exporting.check(scenes)
        take = store.load_take(entry) if len(scenes) < len(chosen) else None
        performers = cast_both(settings) if scenes else ()
        folder = Path(bpy.path.abspath(settings.output.folder))
        prepare_folder(folder)
        _check_free(folder, _names(chosen), settings)
        frames = _frames(scene, entry.first_frame, entry.frames)
        written: list[str] = []
        if take is not None:
            written += _write_take(take, folder, chosen)
        for kind in scenes:
            name = exporting.file_name(kind)
            for note in exporting.write(kind, folder / name, scene, performers, frames):
                self.report({"WARNING"}, note)
            written.append(name)
        return _t("{files} written into {folder}").format(files=", ".join(written), folder=folder)


def _write_take(take: Take, folder: Path, chosen: list[str]) -> list[str]:
    writers = {"CSV": write_faces, "BVH": write_bodies}
    return [name for kind, write in writers.items() if kind in chosen for name in write(take, folder)]


def _names(chosen: list[str]) -> list[str]:
    names: list[str] = []
    for kind in chosen:
        scene = kind.lower() in exporting.FORMATS
        names += [exporting.file_name(kind.lower())] if scene else [f"{name}.{kind.lower()}" for name in PERFORMERS]
    return names


def _check_free(folder: Path, names: list[str], settings: DUOLOGUE_PG_settings) -> None:
    taken = [name for name in names if (folder / name).exists()]
    if taken and not settings.output.replace:
        text = _t("{files} in {folder} would be written over; tick Replace Files, or choose another folder")
        raise DuologueError(
            "FAILED_PRECONDITION", "files-there", text.format(files=", ".join(taken), folder=folder), field=_t("Folder")
        )


def _frames(scene: Scene, first: int, frames: int) -> tuple[int, int]:
    """Return the first and the last frame of a take in the scene."""
    return first, first + round(frames_after(scene, frames))


CLASSES = (DUOLOGUE_OT_export,)
