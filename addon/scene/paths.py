# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths as Blender reads them: to its own words in a path, a folder that somebody named so must not look like one."""

from __future__ import annotations

import os
from pathlib import Path


def as_it_is(path: Path) -> str:
    """Return an absolute path that stays what it is: Blender takes two slashes at its beginning for the .blend's folder."""
    text = str(path.absolute())
    return text if os.name == "nt" else f"/{text.lstrip('/')}"


def as_output(path: Path) -> str:
    """Return the same for what rendering writes, where braces are templates since 4.5; doubled ones stand for themselves.

    Source: Blender 4.5's release notes, Path Templates.
    """
    return as_it_is(path).replace("{", "{{").replace("}", "}}")
