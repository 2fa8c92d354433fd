# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths that the tests of the window share with those that run inside Blender."""

import sys
from pathlib import Path

for folder in ("ui", "blender"):
    path = str(Path(__file__).resolve().parent.parent / folder)
    if path not in sys.path:
        sys.path.insert(0, path)
