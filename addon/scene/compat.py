# SPDX-License-Identifier: GPL-3.0-or-later
"""Every branch on Blender's version, and nothing else. Supported: 4.5 LTS, 5.0, 5.1, 5.2 LTS.

What moved is listed, with the version of each, in the Blender Python API's change log
(https://docs.blender.org/api/current/change_log.html).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import bpy

if TYPE_CHECKING:
    from bpy.types import (
        Action,
        ActionChannelbag,
        ActionKeyframeStrip,
        ActionSlot,
        FCurve,
        Scene,
        SequenceEditor,
        Strip,
    )

VERSION = bpy.app.version


def channelbag(action: Action, slot: ActionSlot) -> ActionChannelbag:
    """Return where the curves of one slot live, made if it is not there. Works on an Action that has no layer yet."""
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return cast("ActionChannelbag", cast("ActionKeyframeStrip", strip).channelbag(slot, ensure=True))


def new_curve(bag: ActionChannelbag, path: str, index: int, group: str) -> FCurve:
    """Make an F-curve in a group of the channel list; groups are a separate step before 5.0."""
    if VERSION >= (5, 0):
        return bag.fcurves.new(path, index=index, group_name=group)
    curve = bag.fcurves.new(path, index=index)
    curve.group = bag.groups.get(group) or bag.groups.new(group)
    return curve


def eevee() -> str:
    """Return EEVEE's identifier: its second generation took over the old name in 5.0."""
    return "BLENDER_EEVEE" if VERSION >= (5, 0) else "BLENDER_EEVEE_NEXT"


def editor_of(scene: Scene) -> SequenceEditor:
    """Return a scene's video sequencer, made if it is not there."""
    return scene.sequence_editor or cast("SequenceEditor", scene.sequence_editor_create())


def view_plainly(scene: Scene) -> None:
    """Show colours as they are, by a name that depends on the colour configuration."""
    view: Any = scene.view_settings
    view.view_transform = "Standard"


def choose_video(scene: Scene) -> None:
    """Make a scene's output a video; from 5.0 on the kind of media has to be chosen first."""
    settings = scene.render.image_settings
    if VERSION >= (5, 0):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"


def choose_image(scene: Scene, file_format: Literal["PNG", "JPEG"] = "PNG") -> None:
    """Make a scene's output single pictures."""
    settings = scene.render.image_settings
    if VERSION >= (5, 0):
        settings.media_type = "IMAGE"
    settings.file_format = file_format


def choose_layers(scene: Scene) -> None:
    """Make a scene's output OpenEXR with all passes in one file, 32 bits, uncompressed."""
    settings: Any = scene.render.image_settings
    if VERSION >= (5, 0):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.color_depth, settings.exr_codec = "OPEN_EXR_MULTILAYER", "32", "NONE"


def sequencer_scene(context: Any) -> Scene:
    """Return the scene whose strips the user edits: since 5.0 that need not be the one in the viewport."""
    return getattr(context, "sequencer_scene", None) or context.scene


def strip_range(strip: Strip) -> tuple[float, float]:
    """Return a strip's first frame and the frame after its last, as cut; the names changed in 5.2."""
    if VERSION >= (5, 2):
        return strip.left_handle, strip.right_handle
    return strip.frame_final_start, strip.frame_final_end


def strip_offset(strip: Strip) -> float:
    """Return how many frames of a strip's content are cut off at its start; the name changed in 5.2."""
    return strip.left_handle_offset if VERSION >= (5, 2) else strip.frame_offset_start


def strip_length(strip: Strip) -> int:
    """Return for how many frames a strip shows, as cut; the name changed in 5.2."""
    return strip.duration if VERSION >= (5, 2) else strip.frame_final_duration


def strip_source_length(strip: Strip) -> int:
    """Return for how many frames a strip's source goes on, as Blender believes; the name changed in 5.2."""
    return strip.content_duration if VERSION >= (5, 2) else cast("Any", strip).frame_duration


def set_strip_length(strip: Strip, frames: int) -> None:
    """Cut or stretch out a strip at its end; pictures hold their last one beyond it."""
    if VERSION >= (5, 2):
        strip.duration = frames
    else:
        strip.frame_final_duration = frames


def set_strip_range(strip: Strip, first: int, last: int) -> None:
    """Let a strip without content of its own begin and end elsewhere; the names changed in 5.2."""
    names = ("left_handle", "right_handle") if VERSION >= (5, 2) else ("frame_final_start", "frame_final_end")
    order = tuple(zip(names, (first, last), strict=True))
    for name, frame in order if first < strip_range(strip)[1] else reversed(order):  # never past its other end
        setattr(strip, name, frame)


def new_colour(editor: SequenceEditor, name: str, channel: int, first: int, last: int) -> Strip:
    """Make a strip of plain colour; its end became a length in 5.0."""
    strips: Any = editor.strips
    if VERSION >= (5, 0):
        return strips.new_effect(name, "COLOR", channel, first, length=last - first)
    return strips.new_effect(name, "COLOR", channel, first, frame_end=last)


def strip_content(strip: Strip) -> float:
    """Return the frame at which a strip's content begins, also where that is cut off; the name changed in 5.2."""
    return strip.content_start if VERSION >= (5, 2) else strip.frame_start


def move_strip(strip: Strip, frames: int) -> None:
    """Move a strip along the timeline, cuts and all."""
    if VERSION >= (5, 2):
        strip.content_start += frames
    else:
        strip.frame_start += frames


def node_tree(owner: Any) -> Any:
    """Return the shader nodes of a material or world; before 5.0 they have to be switched on."""
    if VERSION < (5, 0):
        owner.use_nodes = True
    return owner.node_tree


def compositors() -> dict[tuple[str, str], Any]:
    """Return every compositor's nodes in the file, by kind and name of what has them; before 5.0 scenes had theirs within."""
    found: dict[tuple[str, str], Any] = {
        ("group", group.name_full): group for group in bpy.data.node_groups if group.bl_idname == "CompositorNodeTree"
    }
    if VERSION < (5, 0):
        scenes: Any = bpy.data.scenes
        found |= {("scene", scene.name_full): scene.node_tree for scene in scenes if scene.node_tree is not None}
    return found
