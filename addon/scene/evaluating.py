# SPDX-License-Identifier: GPL-3.0-or-later
"""Going through a scene's frames without what costs most of their time: surfaces that nobody looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bpy.types import Object


@contextmanager
def without_surfaces(meshes: Iterable[Object], keep: Set[Object]) -> Iterator[None]:
    """Have Blender evaluate none of these meshes but ``keep``, and no modifier of those: their shape keys alone."""
    meshes = list(meshes)
    hidden = [mesh for mesh in meshes if not mesh.hide_viewport and mesh not in keep]
    shown = [modifier for mesh in meshes for modifier in mesh.modifiers if modifier.show_viewport]
    for mesh in hidden:
        mesh.hide_viewport = True
    for modifier in shown:
        modifier.show_viewport = False
    try:
        yield
    finally:
        for mesh in hidden:
            mesh.hide_viewport = False
        for modifier in shown:
            modifier.show_viewport = True
