# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin that gives way as shape keys on a character's meshes: all of a touch is written, or nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.errors import DuologueError
from duologue.interactions.contact_keys import ContactKeys
from numpy.typing import NDArray

from ..scene.axes import to_blender
from ..scene.data import keys_of, mesh_of
from ..scene.touch_tracks import TOUCH
from . import dents
from .surfaces import at_rest

if TYPE_CHECKING:
    from bpy.types import Action, Object

_SEEN = 1e-6
"""Metres: a mesh that no key moves by more gets none."""


@dataclass(frozen=True, eq=False)
class Dented:
    """What a touch does to one character's skin: ``keys`` count vertices through ``meshes``, each with its first one's row."""

    keys: ContactKeys
    meshes: Sequence[tuple[Object, int]]
    performer: str
    """``A`` or ``B``."""
    take: str = ""
    """What the take is known by that it was solved for."""

    def moved(self, ob: Object, first: int) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
        """Return which of the vertices (m,) are a mesh's, and which keys move any of them."""
        mine = (self.keys.vertices >= first) & (self.keys.vertices < first + len(mesh_of(ob).vertices))
        return mine, np.flatnonzero(np.abs(self.keys.deltas[:, mine]).max(axis=(1, 2), initial=0.0) > _SEEN)


def require_keys(meshes: Sequence[Object]) -> None:
    """Refuse meshes that can't be given shape keys of their own, before anything is done.

    Raises:
        DuologueError: FAILED_PRECONDITION ``mesh-linked``, ``mesh-shared``.
    """
    for ob in meshes:
        blocks = [block for block in (ob, mesh_of(ob), keys_of(ob)) if block is not None]
        if linked := next((block for block in blocks if not block.is_editable), None):
            library = linked.library.filepath if linked.library is not None else "another file"
            raise DuologueError(
                "FAILED_PRECONDITION",
                "mesh-linked",
                f"the mesh of {ob.name!r} is linked from {library}, and skin that gives way needs shape keys of its own: make a "
                "library override of the object and its data local (Object > Relations > Make Local > Selected Objects and Data)",
            )
        others = sorted(other.name for other in bpy.data.objects if other.data == ob.data and other != ob)
        if others:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "mesh-shared",
                f"{ob.name!r} and {', '.join(map(repr, others))} share one mesh, so a dent in one would be in all of them; make "
                "it a single user (Object > Relations > Make Single User > Object & Data)",
            )


def write(
    keys: ContactKeys, meshes: Sequence[tuple[Object, int]], frames: NDArray[Any], performer: str
) -> list[Action]:
    """Write what a touch does to one character's skin; see :func:`write_all`."""
    return write_all([Dented(keys, meshes, performer)], frames)


def write_all(dented: Sequence[Dented], frames: NDArray[Any]) -> list[Action]:
    """Write shapes onto meshes, in place of those of earlier touches, with curves over ``frames`` (T,).

    Raises:
        DuologueError: FAILED_PRECONDITION ``mesh-linked``, ``mesh-shared``. Whatever is raised, nothing has changed then.
    """
    every = [ob for one in dented for ob, _ in one.meshes]
    require_keys([ob for one in dented for ob, first in one.meshes if len(one.moved(ob, first)[1]) or has_touch(ob)])
    old = [taken for ob in every if (taken := dents.take_off(ob)) is not None]
    try:
        made = [action for one in dented for ob, first in one.meshes for action in _write(one, ob, first, frames)]
    except BaseException:
        for ob in every:
            dents.discard(dents.take_off(ob))
        for taken in old:
            dents.put_back(taken)
        raise
    for taken in old:
        dents.discard(taken)
    return made


def _write(dented: Dented, ob: Object, first: int, frames: NDArray[Any]) -> list[Action]:
    keys = dented.keys
    mine, moving = dented.moved(ob, first)
    if not len(moving):
        return []
    linear = np.linalg.inv(at_rest(ob, ob.parent)[:3, :3])
    deltas = to_blender(keys.deltas[np.ix_(moving, np.flatnonzero(mine))]) @ linear.T
    values = keys.values[:, moving]
    names = dents.add(ob, [keys.names[k] for k in moving], keys.vertices[mine] - first, deltas, values)
    return [dents.move(ob, names, values, np.asarray(frames, np.float32), (dented.performer, dented.take))]


def remove(ob: Object) -> bool:
    """Take a touch's shape keys and curves off a mesh; everything else is as it was before. Return whether there were any."""
    taken = dents.take_off(ob)
    dents.discard(taken)
    return taken is not None


def has_touch(ob: Object) -> bool:
    """Return whether a mesh has shape keys of a touch."""
    block = keys_of(ob)
    return block is not None and TOUCH in block
