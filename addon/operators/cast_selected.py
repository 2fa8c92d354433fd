# SPDX-License-Identifier: GPL-3.0-or-later
"""From Selection: whoever is selected plays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.labels import PERFORMERS
from mathutils import Vector

from ..cast.recognition import recognise
from ..properties import DUOLOGUE_PG_performer, named_performers, settings_of
from ..properties.mapping import refreshing
from ..scene.data import keys_of
from ..session.session import session
from .base import Operator
from .rules import WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context, Object


class DUOLOGUE_OT_cast_selected(Operator, bpy.types.Operator):
    """Cast who is selected, by armature or by any mesh: two become A and B from left to right as you look at them"""

    bl_idname = "duologue.cast_selected"
    bl_label = "From Selection"
    bl_options = {"REGISTER", "UNDO"}

    performer: bpy.props.EnumProperty(
        name="Performer",
        description="Who the selected character plays",
        items=[("BOTH", "Both", "Two selected characters"), *((name, name, "") for name in PERFORMERS)],
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There must be one or two characters selected."""
        if session.busy:
            return WAIT_FOR_TAKE
        count = len(armatures_of(context.selected_objects))
        return (
            "" if count in (1, 2) else _t("Select one or two characters: their armatures, or meshes that hang on them")
        )

    def run(self, context: Context) -> str:
        """Cast who is selected; selected meshes with shape keys that hang on nobody become faces of a single one."""
        settings = settings_of(context.scene)
        chosen = sorted(armatures_of(context.selected_objects), key=lambda ob: _from_left(context, ob))
        if self.performer != "BOTH" or len(chosen) == 1:
            if len(chosen) == 2:
                return _t("Two characters are selected; select one, or cast both")
            performer = settings.performers()[PERFORMERS.index(self.performer)] if self.performer != "BOTH" else None
            if performer is None:
                performer = settings.a if settings.a.armature in (None, chosen[0]) else settings.b
            _cast(performer, chosen[0])
            _add_faces(performer, context.selected_objects)
        else:
            for (_, performer), armature in zip(named_performers(settings), chosen, strict=True):
                _cast(performer, armature)
        return ", ".join(
            f"{name}: {p.armature.name}" for name, p in named_performers(settings) if p.armature is not None
        )


def armatures_of(objects: Iterable[Object]) -> list[Object]:
    """Return the armatures among objects, and those that meshes among them hang on."""
    armatures: list[Object] = []
    for ob in objects:
        armature = ob if ob.type == "ARMATURE" else ob.find_armature() if ob.type == "MESH" else None
        if armature is not None and armature not in armatures:
            armatures.append(armature)
    return armatures


def _cast(performer: DUOLOGUE_PG_performer, armature: Object) -> None:
    with refreshing():
        performer.face = None
    performer.armature = armature


def _add_faces(performer: DUOLOGUE_PG_performer, objects: Iterable[Object]) -> None:
    loose = [ob for ob in objects if ob.type == "MESH" and keys_of(ob) and ob.find_armature() is None]
    present = [face.mesh for face in performer.faces]
    with refreshing():
        for mesh in loose:
            if mesh not in present:
                face = performer.faces.add()
                face.mesh, face.name, face.added = mesh, mesh.name, True
    if loose:
        recognise(performer)


def _from_left(context: Context, ob: Object) -> float:
    """Return how far to the right of the picture an object stands; without a view, along the world's X."""
    view = context.region_data
    right = view.view_rotation @ Vector((1.0, 0.0, 0.0)) if view is not None else Vector((1.0, 0.0, 0.0))
    return ob.matrix_world.translation.dot(right)


CLASSES = (DUOLOGUE_OT_cast_selected,)
