# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's own rig maps and shape maps: a folder that belongs to the extension and outlives its updates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from duologue.rigs import presets
from duologue.rigs.rig_map import RigMap
from duologue.rigs.shape_map import ShapeMap

from .identity import user_folder


def folder(*, create: bool = False) -> Path | None:
    """Return the folder of the user's maps, or None where this code does not run as an installed extension."""
    try:
        return user_folder("maps", create=create)
    except ValueError:
        return None


def library() -> presets.Library:
    """Return the user's own maps; files are only read again when they change."""
    return presets.library(folder())


def rig_map_names() -> list[tuple[str, str]]:
    """Return (name, title) of every rig map there is, the user's own first."""
    return _listed(library().rig_maps) + _listed(RigMap.builtin(name) for name in RigMap.names())


def shape_map_names() -> list[tuple[str, str]]:
    """Return (name, title) of every shape map there is, the user's own first."""
    return _listed(library().shape_maps) + _listed(ShapeMap.builtin(name) for name in ShapeMap.names())


def _listed(maps: Iterable[RigMap | ShapeMap]) -> list[tuple[str, str]]:
    return [(one.name, one.title) for one in maps]
