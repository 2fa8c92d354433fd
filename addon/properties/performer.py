# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set for one of the two performers."""

from __future__ import annotations

import re
from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from duologue.errors import DuologueError
from duologue.labels import ACTION_MODES, EMOTIONS

from ..scene.cast import cast

_EMOTIONS = [(name, name.capitalize(), "") for name in sorted(EMOTIONS)]
_ACTIONS = [(name, name.capitalize(), "") for name in ACTION_MODES]


def _is_armature(_: Any, ob: bpy.types.Object) -> bool:
    return ob.type == "ARMATURE"


def _has_shapes(_: Any, ob: bpy.types.Object) -> bool:
    return ob.type == "MESH" and ob.data.shape_keys is not None


def _recognise(performer: DUOLOGUE_PG_performer, _: bpy.types.Context) -> None:
    """Recognise the character once, when it is chosen: a panel is drawn too often to do it there."""
    performer.found, performer.problem = "", ""
    if performer.armature is None:
        return
    try:
        made = cast("A", performer.armature, [performer.face] if performer.face else None)
    except DuologueError as error:
        performer.problem = str(error)
        return
    lines = [f"{_short(made.match.rig_map.title)}: {len(made.match.bones)} bones found"]
    lines += [
        f"{face.mesh.name}: {_short(face.match.shape_map.title)}, {len(face.match.shapes)} shapes"
        for face in made.faces
    ]
    performer.found = "\n".join(lines if made.faces else [*lines, "No face: only the body moves"])


def _short(title: str) -> str:
    """Return a map's title without what it adds in brackets or after a comma."""
    return re.split(r"[,(:]", title)[0].strip()


class DUOLOGUE_PG_change(bpy.types.PropertyGroup):
    """From some second on, another action."""

    seconds: FloatProperty(
        name="From", description="When it begins, in seconds of the speech", min=0.0, unit="TIME_ABSOLUTE"
    )
    action: EnumProperty(name="Action", description="What the performer does from then on", items=_ACTIONS)


class DUOLOGUE_PG_performer(bpy.types.PropertyGroup):
    """One of the two people."""

    armature: PointerProperty(
        name="Armature",
        description="The armature of the character that plays this part",
        type=bpy.types.Object,
        poll=_is_armature,
        update=_recognise,
    )
    face: PointerProperty(
        name="Face",
        description="The mesh with the facial shape keys; leave it empty to use every mesh of the character that has them",
        type=bpy.types.Object,
        poll=_has_shapes,
        update=_recognise,
    )
    found: StringProperty(name="Recognised", options={"HIDDEN", "SKIP_SAVE"})
    problem: StringProperty(name="Problem", options={"HIDDEN", "SKIP_SAVE"})
    source: EnumProperty(
        name="Speech from",
        description="Where this performer's speech comes from",
        items=[
            ("STRIP", "Strip", "A sound strip of the video sequencer"),
            ("FILE", "File", "A sound file: WAV, FLAC, OGG or MP3"),
        ],
    )
    strip: StringProperty(name="Strip", description="The sound strip with this performer's voice")
    file: StringProperty(name="File", description="The sound file with this performer's voice", subtype="FILE_PATH")
    channel: IntProperty(
        name="Channel (0: all)",
        description="Which channel of the file holds this voice, counted from 1; 0 mixes all of them",
        min=0,
        max=32,
    )
    emotion: EnumProperty(name="Emotion", description="How the performer feels", items=_EMOTIONS, default="calmness")
    action: EnumProperty(name="Begins", description="What the performer does at the beginning", items=_ACTIONS)
    changes: CollectionProperty(type=DUOLOGUE_PG_change)
    use_place: BoolProperty(
        name="Start where it stands",
        description="Begin where the character stands in the scene and facing where it faces",
        default=True,
    )
    x: FloatProperty(name="X", description="Start on the floor along Blender's X", unit="LENGTH")
    y: FloatProperty(name="Y", description="Start on the floor along Blender's Y", unit="LENGTH")
    heading: FloatProperty(
        name="Facing", description="Where it faces at the start: 0 is towards -Y, 90 degrees towards X", unit="ROTATION"
    )


CLASSES = (DUOLOGUE_PG_change, DUOLOGUE_PG_performer)
