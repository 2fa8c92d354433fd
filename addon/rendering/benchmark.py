# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on's speed is judged by, measured in this process by ``headless.py benchmark``.

Registration, and writing a minute's take onto both sample characters, against one ``keyframe_insert`` a frame and channel. Both
ways write the same poses, retargeting included. The slow way is timed on the first ten seconds and scaled up, which flatters it:
it slows down as its curves grow, and a whole minute takes minutes. All are seconds of this process's CPU time, which on an idle
machine is what a clock shows, since both ways run on one thread; so other jobs of the machine don't count.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import bpy
import numpy as np
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track
from duologue.units import FPS

if TYPE_CHECKING:
    from ..cast.cast import Performer

SAMPLED = 10.0
"""Seconds of the take that the slow way is timed on."""

Row = dict[str, Any]


def run(seconds: float, repeats: int, register: Callable[[], None], unregister: Callable[[], None]) -> list[Row]:
    """Return one row a figure: name, value, unit, limit, how. ``register`` is to import what it registers."""
    return [register_row(register, unregister), *writing_rows(seconds, repeats)]


def register_row(register: Callable[[], None], unregister: Callable[[], None]) -> Row:
    """Time the extension's registration, with all that it imports. Call it first: what is loaded already costs nothing."""
    started = time.process_time()
    register()
    took = time.process_time() - started
    unregister()
    return _row("extension: registration", took, "s", 0.3, "first import and register()")


def writing_rows(seconds: float, repeats: int) -> list[Row]:
    """Time the writing of a take, the best of ``repeats``, and how it compares with ``keyframe_insert``."""
    from ..takes.writer import write_take
    from . import shot

    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    performers = shot.add_sample_pair(bpy.context.scene)
    take = swaying_take(round(seconds * FPS))
    times = []
    for _ in range(max(1, repeats)):
        started = time.process_time()
        write_take(take, performers, shot.FIRST_FRAME, FPS)
        times.append(time.process_time() - started)
    ours, theirs = statistics.median(times), _insertion_seconds(take, performers)
    return [
        _row(f"write a {seconds:g} s take on both", ours, "s", 1.5, f"median of {len(times)}"),
        _row(
            "write / keyframe_insert",
            ours / theirs,
            "x",
            1 / 15,
            f"keyframe_insert {theirs:.1f} s, from the first {min(SAMPLED, seconds):g} s",
        ),
    ]


def _insertion_seconds(take: Take, performers: Sequence[Performer]) -> float:
    from ..scene import actions
    from ..scene.data import face_keys

    for performer in performers:
        actions.remove([performer.armature, *(face_keys(face.mesh) for face in performer.faces)])
    sample = next(take.windows(min(take.frames, round(SAMPLED * FPS))))
    started = time.process_time()
    insert_take(Take(take.skeleton, sample.tracks), performers)
    return (time.process_time() - started) * take.frames / sample.frames


def _row(name: str, value: float, unit: str, limit: float, how: str) -> Row:
    return {"name": name, "value": value, "unit": unit, "limit": limit, "how": how}


def swaying_take(frames: int) -> Take:
    """Return a take in which every joint and every shape moves all the time: the most that can have to be written."""
    skeleton = Skeleton.builtin("duologue60")
    seconds = np.arange(frames)[:, None] / FPS
    joints, shapes = np.arange(len(skeleton) * 3), np.arange(52)
    rotations = 0.2 * np.sin(seconds * (1.0 + joints % 7) + joints).reshape(frames, -1, 3).astype(np.float32)
    weights = (0.5 + 0.5 * np.sin(seconds * (2.0 + shapes % 5) + shapes)).astype(np.float32)
    still = np.zeros(frames)
    tracks = [
        Track(
            np.column_stack([side + 0.05 * np.sin(seconds[:, 0]), still + 0.955, still]).astype(np.float32),
            rotations, weights, still == 0, still.astype(np.uint8),
        )
        for side in (-0.6, 0.6)
    ]  # fmt: skip
    return Take(skeleton, (tracks[0], tracks[1]))


def insert_take(take: Take, performers: Sequence[Performer]) -> None:
    """Write a take as most add-ons do: set each value, insert a key, next frame."""
    from ..scene import shape_keys
    from ..scene.data import face_keys, pose_of
    from ..takes.writer import bone_rotations, retargeter
    from . import shot

    for performer, track in zip(performers, take.tracks, strict=True):
        pose = retargeter(take.skeleton, performer).apply(track.rotations, track.root_translation)
        bones = [pose_of(performer.armature).bones[name] for name in pose.bones]
        located = [pose_of(performer.armature).bones[name] for name in pose.located]
        rotations = bone_rotations(performer, pose)
        keys = [face_keys(face.mesh) for face in performer.faces]
        values = [
            shape_keys.shape_values(k, track.weights, f.match) for k, f in zip(keys, performer.faces, strict=True)
        ]
        for t in range(take.frames):
            frame = shot.FIRST_FRAME + t
            for i, bone in enumerate(bones):
                bone.rotation_quaternion = rotations[t, i]
                bone.keyframe_insert("rotation_quaternion", frame=frame)
            for i, bone in enumerate(located):
                bone.location = pose.locations[t, i]
                bone.keyframe_insert("location", frame=frame)
            for k, face in zip(keys, values, strict=True):
                for name, value in face.items():
                    block = k.key_blocks[name]
                    block.value = value[t]
                    block.keyframe_insert("value", frame=frame)
