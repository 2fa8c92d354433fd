# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip of passes: which frames, how large, seen by which camera, and where it goes."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, PointerProperty, StringProperty
from duologue.passes.contract import BLOCK, MAX_SIZE, MIN_SIZE, nearest_frames
from duologue.passes.options import USUAL


def keep_count(clip: Any, _: bpy.types.Context) -> None:
    """Keep the number of frames one that video models take."""
    if clip.frames != nearest_frames(clip.frames):
        clip.frames = nearest_frames(clip.frames)


def is_camera(_: Any, ob: bpy.types.Object) -> bool:
    """Offer cameras alone."""
    return ob.type == "CAMERA"


class DUOLOGUE_PG_passes(bpy.types.PropertyGroup):
    """What *Export Passes* exports."""

    first: IntProperty(name="First Frame", description="The first frame of the clip", default=1, min=0)
    frames: IntProperty(
        name="Frames",
        description="How many frames: one, and then four at a time, as video models take them",
        default=USUAL,
        min=1,
        max=2001,
        step=4,
        update=keep_count,
    )
    step: IntProperty(
        name="Every", description="Take every so many frames: 2 makes a clip of 30 frames a second one of 15",
        default=1, min=1, max=60,
    )  # fmt: skip
    width: IntProperty(
        name="Width", description="Pixels", default=832, min=MIN_SIZE, max=MAX_SIZE, step=BLOCK,
    )  # fmt: skip
    height: IntProperty(
        name="Height", description="Pixels", default=480, min=MIN_SIZE, max=MAX_SIZE, step=BLOCK,
    )  # fmt: skip
    camera: PointerProperty(
        type=bpy.types.Object,
        name="Camera",
        description="Who sees the clip; without one it is the scene's camera, cuts and all",
        poll=is_camera,
    )
    folder: StringProperty(
        name="Folder", description="Where the passes go; it is made if it is not there", subtype="DIR_PATH",
        default="//passes/", options={"PATH_SUPPORTS_BLEND_RELATIVE"},
    )  # fmt: skip
    replace: BoolProperty(
        name="Replace Clip",
        description="Replace a clip of passes that is in the folder already; without it nothing is written over",
    )


CLASSES = (DUOLOGUE_PG_passes,)
