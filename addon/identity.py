# SPDX-License-Identifier: GPL-3.0-or-later
"""Who this extension is to Blender: its package's name, its preferences, the folder for its own files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, cast

import bpy

PACKAGE = str(__package__)
"""``bl_ext.user_default.duologue`` where it is installed as an extension."""

FOLDER = Path(__file__).resolve().parent
"""The folder that its code lies in."""


class Preferences(Protocol):
    """What :class:`.preferences.DUOLOGUE_AP_preferences` keeps."""

    where: Literal["LOCAL", "ADDRESS", "FILE"]
    environment: str
    address: str
    keys: str
    file: str


def is_enabled() -> bool:
    """Return whether Blender knows the extension: without that its code runs as well, but has no preferences."""
    return PACKAGE in bpy.context.preferences.addons


def preferences() -> Preferences:
    """Return the extension's preferences."""
    return cast("Preferences", bpy.context.preferences.addons[PACKAGE].preferences)


def user_folder(path: str = "", *, create: bool = True) -> Path:
    """Return the folder that Blender gives the extension for its own files, or one in it.

    Raises:
        ValueError: this code does not run as an installed extension.
    """
    return Path(bpy.utils.extension_path_user(PACKAGE, path=path, create=create))
