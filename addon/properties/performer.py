# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set for one of the two performers."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from duologue.brief.timeline import MAX_EMOTION_STRENGTH
from duologue.labels import ACTION_MODES, EMOTIONS

from ..scene import compat, sequencer
from ..scene.data import keys_of
from . import mapping, script, targets
from .mapping import DUOLOGUE_PG_face, DUOLOGUE_PG_finding, DUOLOGUE_PG_mapping_row, refresh_owner, rig_maps
from .script import DUOLOGUE_PG_expression, DUOLOGUE_PG_start, DUOLOGUE_PG_transcript
from .targets import DUOLOGUE_PG_target

_EMOTIONS = [(name, name.capitalize(), "") for name in sorted(EMOTIONS)]
_ACTIONS = [(name, name.capitalize(), "") for name in ACTION_MODES]

UNKNOWN = -1048574
"""``heard_at`` of a performer whose speech nobody has read yet."""


def _is_armature(_: Any, ob: bpy.types.Object) -> bool:
    return ob.type == "ARMATURE"


def _has_shapes(_: Any, ob: bpy.types.Object) -> bool:
    return ob.type == "MESH" and keys_of(ob) is not None


def _recognise(performer: DUOLOGUE_PG_performer, context: bpy.types.Context) -> None:
    refresh_owner(performer, context)


def _take_map(performer: DUOLOGUE_PG_performer, context: bpy.types.Context) -> None:
    """Take a map as it is: corrections of another one would mean something else in it."""
    performer.joints.clear()
    refresh_owner(performer, context)


def _choose_strip(performer: DUOLOGUE_PG_performer, context: bpy.types.Context) -> None:
    """Mark the strip as this performer's voice: it is found again when it is renamed or cut."""
    sequencer.choose(compat.sequencer_scene(context), performer.path_from_id()[-1].upper(), performer.strip)


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
        translation_context="Duologue",
        description="The mesh with the facial shape keys; leave it empty to use every mesh of the character that has them",
        type=bpy.types.Object,
        poll=_has_shapes,
        update=_recognise,
    )
    found: StringProperty(name="Recognised", options={"HIDDEN", "SKIP_SAVE"})
    problem: StringProperty(name="Problem", options={"HIDDEN", "SKIP_SAVE"})
    findings: CollectionProperty(type=DUOLOGUE_PG_finding, description="What is to be said of the character")
    rig_map: StringProperty(
        name="Rig Map",
        description="What this kind of armature calls its bones; empty: recognised by itself",
        search=rig_maps,
        search_options={"SORT"},
        update=_take_map,
    )
    joints: CollectionProperty(type=DUOLOGUE_PG_mapping_row, description="Joints, and the bones that play them")
    counted: StringProperty(name="Bones", description="How many joints have a bone", options={"HIDDEN", "SKIP_SAVE"})
    show_bones: BoolProperty(name="Bones", description="Show which bone plays which joint", options={"SKIP_SAVE"})
    active_joint: IntProperty(name="Active", description="The chosen row", options={"HIDDEN"})
    faces: CollectionProperty(type=DUOLOGUE_PG_face, description="The character's meshes with shape keys")
    mapped: PointerProperty(
        name="Mapped", description="The armature that the table is of", type=bpy.types.Object, options={"HIDDEN"}
    )
    front: FloatVectorProperty(
        name="Front",
        description="The way the character faces at rest, along its armature object's own axes",
        default=(0.0, -1.0, 0.0),
        options={"HIDDEN"},
    )
    source: EnumProperty(
        name="Speech from",
        description="Where this performer's speech comes from",
        items=[
            ("STRIP", "Strip", "A sound strip of the video sequencer"),
            ("FILE", "File", "A sound file: WAV, FLAC, OGG or MP3"),
        ],
    )
    strip: StringProperty(
        name="Strip",
        description="The sound strip with this performer's voice; it may be moved, renamed and cut afterwards",
        update=_choose_strip,
    )
    heard_at: IntProperty(
        name="Heard At",
        description="The frame at which the strip began when it was last read or followed",
        default=UNKNOWN,
        options={"HIDDEN"},
    )
    file: StringProperty(name="File", description="The sound file with this performer's voice", subtype="FILE_PATH")
    channel: IntProperty(
        name="Channel (0: all)",
        description="Which channel of the sound holds this voice, counted from 1; 0 mixes all of them",
        min=0,
        max=32,
    )
    transcript: PointerProperty(type=DUOLOGUE_PG_transcript, name="Transcript", description="What this performer says")
    emotion: EnumProperty(
        name="Emotion", description="How the performer feels at the beginning", items=_EMOTIONS, default="calmness"
    )
    emotion_strength: FloatProperty(
        name="Strength",
        description="How strongly the face shows it: 1 as learnt, 0 not at all, 2 twice as much",
        default=1.0,
        min=0.0,
        max=MAX_EMOTION_STRENGTH,
    )
    action: EnumProperty(name="Begins", description="What the performer does at the beginning", items=_ACTIONS)
    intensity: FloatProperty(
        name="Gestures",
        description="How large gestures are: 0.5 for a close-up, 1 as performed, 1.5 for a stage",
        default=1.0,
        min=0.0,
        max=2.0,
    )
    mirror: BoolProperty(
        name="Mirror", description="Performed as in a mirror: the other hand gestures, the other leg steps"
    )
    style: IntProperty(
        name="Style",
        description="Speaker id of the model: whose manner it is; -1 takes A's 0 and B's 1",
        default=-1,
        min=-1,
        max=65535,
    )
    start: PointerProperty(type=DUOLOGUE_PG_start, name="Start", description="Where this performer begins")
    expression: PointerProperty(
        type=DUOLOGUE_PG_expression, name="Face", description="The settings of this performer's face"
    )
    targets: CollectionProperty(
        type=DUOLOGUE_PG_target, name="Targets", description="Where this performer goes, looks and reaches"
    )
    active_target: IntProperty(name="Active Target", description="The target that is shown below the list")


CLASSES = (*mapping.CLASSES, *script.CLASSES, *targets.CLASSES, DUOLOGUE_PG_performer)
