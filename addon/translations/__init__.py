# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in other languages, through Blender's own mechanism: English is in the code, every other language in a file here.

Errors stay in English, so that they can be searched for and found in the documentation. ``tests/blender/test_translations.py``
collects every text of the interface and says which are missing or no longer used: a new language begins with an empty file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import bpy

from ..identity import PACKAGE

LANGUAGES = ("de_DE",)
"""By Blender's names of them (``bpy.app.translations.locales``)."""

_CONTEXTS = ("*", "Operator", "Duologue")
"""Blender asks for labels of buttons in the second, for all else in the first. The third is our own, for words that Blender's
dictionary has in another sense: its faces are those of meshes."""


def read(language: str) -> dict[str, str]:
    """Return English and its translation, of all parts of the interface."""
    parts = tomllib.loads((Path(__file__).parent / f"{language}.toml").read_text(encoding="utf-8"))
    return {english: text for part in parts.values() for english, text in part.items()}


def register() -> None:
    """Tell Blender; it asks us for what its own dictionary doesn't have."""
    texts = {
        language: {(context, english): text for english, text in read(language).items() for context in _CONTEXTS}
        for language in LANGUAGES
    }
    bpy.app.translations.register(PACKAGE, texts)


def unregister() -> None:
    """Take it back. May be called twice."""
    bpy.app.translations.unregister(PACKAGE)
