# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's mapping as a table that can be corrected, and what was found when it was recognised.

Rows show everything; only what differs from what is recognised counts, so a mapping follows its map until somebody corrects it.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from .. import user_maps
from . import hooks

if TYPE_CHECKING:
    from bpy.types import Context

_refreshing = [False]


def refresh_owner(item: bpy.types.PropertyGroup, _: Context | None = None) -> None:
    """Recognise the character again to whose table ``item`` belongs: Blender calls this when something in it was changed."""
    if not _refreshing[0]:
        performer = owner(item)
        # Blender still holds the row that was edited: the lists it lies in must not be moved in memory.
        hooks.character_changed(performer, item == performer)


def owner(item: bpy.types.PropertyGroup) -> Any:
    """Return the performer that a part of its settings belongs to."""
    path = item.path_from_id()
    return cast("bpy.types.Scene", item.id_data).path_resolve(".".join(path.split(".")[:2]))


def _forget_rows(item: DUOLOGUE_PG_face, context: Context) -> None:
    """Take a map as it is: corrections of another one would mean something else in it."""
    item.rows.clear()
    refresh_owner(item, context)


def rig_maps(_: Any, __: Context, typed: str) -> list[tuple[str, str]]:
    """Offer the names of all rig maps while one is typed."""
    return _offered(user_maps.rig_map_names(), typed)


def _shape_maps(_: Any, __: Context, typed: str) -> list[tuple[str, str]]:
    return _offered(user_maps.shape_map_names(), typed)


def _offered(maps: Iterable[tuple[str, str]], typed: str) -> list[tuple[str, str]]:
    return [(name, title) for name, title in maps if typed.casefold() in f"{name} {title}".casefold()]


class DUOLOGUE_PG_mapping_row(bpy.types.PropertyGroup):
    """A joint and its bone, or an ARKit shape and its key. ``name`` is the joint or shape."""

    target: StringProperty(
        name="Plays",
        description="Which bone or shape key of the character plays this; empty: none",
        update=refresh_owner,
    )
    use: BoolProperty(
        name="Use", description="Move it; switch it off to leave it to yourself", default=True, update=refresh_owner
    )
    found: StringProperty(name="Recognised", description="What is recognised by itself", options={"HIDDEN"})
    problem: StringProperty(name="Problem", description="What is wrong with the correction", options={"HIDDEN"})

    @property
    def corrected(self) -> bool:
        """Whether somebody set it otherwise than it is recognised."""
        return not self.use or self.target != self.found


class DUOLOGUE_PG_face(bpy.types.PropertyGroup):
    """One mesh of a character with shape keys."""

    mesh: PointerProperty(name="Mesh", description="A mesh with shape keys", type=bpy.types.Object)
    use: BoolProperty(name="Use", description="Move this mesh's shape keys", default=True, update=refresh_owner)
    show: BoolProperty(name="Shapes", description="Show which shape key is which", options={"SKIP_SAVE"})
    added: BoolProperty(name="Added", description="Was added by hand", options={"HIDDEN"})
    shape_map: StringProperty(
        name="Shape Map",
        description="What this kind of face calls ARKit's shapes; empty: recognised by itself",
        search=_shape_maps,
        search_options={"SORT"},
        update=_forget_rows,
    )
    found: StringProperty(name="Recognised", description="What was recognised", options={"HIDDEN"})
    rows: CollectionProperty(
        type=DUOLOGUE_PG_mapping_row, description="ARKit's shapes and visemes, and the keys that play them"
    )
    active: IntProperty(name="Active", description="The chosen row", options={"HIDDEN"})


class DUOLOGUE_PG_finding(bpy.types.PropertyGroup):
    """Something that is to be said of a character."""

    code: StringProperty(name="Code", description="What kind of finding it is", options={"HIDDEN"})
    severity: EnumProperty(
        name="Severity",
        description="How much it matters",
        items=[("ERROR", "Error", ""), ("WARNING", "Warning", ""), ("INFO", "Info", "")],
    )
    text: StringProperty(name="Text", description="What it is", options={"HIDDEN"})
    about: StringProperty(name="About", description="The object that it is about", options={"HIDDEN"})


def corrections_of(rows: Iterable[DUOLOGUE_PG_mapping_row]) -> dict[str, str]:
    """Return what was corrected: joint or shape -> bone or key, or nothing where it is switched off."""
    return {row.name: row.target if row.use else "" for row in rows if row.corrected}


@contextmanager
def refreshing() -> Generator[None]:
    """While this is entered, rows can be filled without each of them having the character recognised again."""
    before, _refreshing[0] = _refreshing[0], True
    try:
        yield
    finally:
        _refreshing[0] = before


CLASSES = (DUOLOGUE_PG_mapping_row, DUOLOGUE_PG_face, DUOLOGUE_PG_finding)
