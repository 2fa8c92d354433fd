# SPDX-License-Identifier: GPL-3.0-or-later
"""What an object or datablock holds, by its type: Blender's own types leave open what an object's data is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from bpy.types import (
        ID,
        AnimData,
        Armature,
        ArmatureModifier,
        Curve,
        ImageStrip,
        Key,
        MaskModifier,
        Mesh,
        Modifier,
        MovieStrip,
        Object,
        Pose,
        Sound,
        SoundStrip,
        Strip,
    )


def mesh_of(ob: Object) -> Mesh:
    """Return the data of a mesh object."""
    return cast("Mesh", ob.data)


def armature_of(ob: Object) -> Armature:
    """Return the data of an armature object: its bones at rest."""
    return cast("Armature", ob.data)


def curve_of(ob: Object) -> Curve:
    """Return the data of a curve object."""
    return cast("Curve", ob.data)


def pose_of(ob: Object) -> Pose:
    """Return the pose of an armature object that is in the view layer."""
    return cast("Pose", ob.pose)


def keys_of(ob: Object) -> Key | None:
    """Return the shape keys of a mesh object, or None where it has none."""
    return mesh_of(ob).shape_keys


def face_keys(ob: Object) -> Key:
    """Return the shape keys of a mesh object that is known to have them."""
    return cast("Key", mesh_of(ob).shape_keys)


def animation_of(datablock: ID) -> AnimData | None:
    """Return what animates an object or shape-key datablock, or None where nothing ever did."""
    return cast("Object | Key", datablock).animation_data


def animate(datablock: ID) -> AnimData:
    """Return what animates an object or shape-key datablock, made if it is not there."""
    return animation_of(datablock) or cast("AnimData", cast("Object | Key", datablock).animation_data_create())


def bends(modifier: Modifier, armature: Object) -> bool:
    """Return whether a modifier lets an armature bend its mesh."""
    return modifier.type == "ARMATURE" and cast("ArmatureModifier", modifier).object == armature


def bend(mesh: Object, armature: Object) -> None:
    """Give a mesh the modifier by which an armature bends it."""
    cast("ArmatureModifier", mesh.modifiers.new("Armature", "ARMATURE")).object = armature


def mask_of(modifier: Modifier) -> MaskModifier | None:
    """Return a modifier as the mask that it is, or None."""
    return cast("MaskModifier", modifier) if modifier.type == "MASK" else None


def sound_strip(strip: Strip) -> SoundStrip:
    """Return a strip of the sequencer that plays a sound as such."""
    return cast("SoundStrip", strip)


def sound_of(strip: Strip) -> Sound:
    """Return the sound that a strip of the sequencer plays."""
    return cast("Sound", sound_strip(strip).sound)


def movie_strip(strip: Strip) -> MovieStrip:
    """Return a strip of the sequencer as the video that it shows."""
    return cast("MovieStrip", strip)


def image_strip(strip: Strip) -> ImageStrip:
    """Return a strip of the sequencer as the pictures that it shows."""
    return cast("ImageStrip", strip)
