# SPDX-License-Identifier: GPL-3.0-or-later
"""Pressing the extension's buttons, and looking at what plays on the characters as Blender evaluates it."""

from __future__ import annotations

import sys

import bpy
import numpy as np
from conftest import MODULE
from duologue.take import Take


def press(name: str, **arguments: object) -> set[str]:
    return getattr(bpy.ops.duologue, name)(
        "EXEC_DEFAULT", True, **arguments
    )  # True: with an undo step, as a click does


def module(name: str):
    return sys.modules[f"{MODULE}.{name}"]


def settings_now():
    return bpy.context.scene.duologue


def keys_of(armature):
    return next(ob for ob in armature.children if ob.type == "MESH").data.shape_keys


def chosen_take(settings) -> Take:
    """The take that is chosen in the list, from its file."""
    store = module("takes.store")
    return store.load_take(store.current_entry(settings))


def actions_of(settings) -> list:
    both = [d.animation_data for p in settings.performers() for d in (p.armature, keys_of(p.armature))]
    return [data.action if data is not None else None for data in both]


def turned(settings, frame: int, bone: str = "LeftArm") -> np.ndarray:
    """How a bone of A stands at a frame, as Blender evaluates it."""
    bpy.context.scene.frame_set(frame)
    evaluated = settings.a.armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(evaluated.pose.bones[bone].rotation_quaternion)


def shape(settings, frame: int, name: str = "jawOpen") -> float:
    bpy.context.scene.frame_set(frame)
    return keys_of(settings.a.armature).evaluated_get(bpy.context.evaluated_depsgraph_get()).key_blocks[name].value
