# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to write a take onto both sample characters, against one ``keyframe_insert`` a frame and channel.

Run by ``headless.py benchmark --seconds 60``; both ways write the same poses in one process, retargeting included.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import bpy
import numpy as np
from duologue.motion.skeleton import Skeleton
from duologue.take import FPS, Take, Track

from .scene import actions, shape_keys, shot
from .scene.cast import Performer
from .scene.take_writer import bone_rotations, retargeter, write_take


def run(seconds: float) -> dict[str, float]:
    """Return the seconds that both ways took, and their ratio."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    performers = shot.add_sample_pair(bpy.context.scene)
    take = swaying_take(round(seconds * FPS))
    started = time.perf_counter()
    write_take(take, performers, shot.FIRST_FRAME, FPS)
    written = time.perf_counter()
    for performer in performers:
        actions.remove([performer.armature, *(face.mesh.data.shape_keys for face in performer.faces)])
    again = time.perf_counter()
    insert_take(take, performers)
    inserted = time.perf_counter()
    ours, theirs = written - started, inserted - again
    return {"seconds": seconds, "write": ours, "keyframe_insert": theirs, "ratio": theirs / ours}


def swaying_take(frames: int) -> Take:
    """Return a take in which every joint and every shape moves all the time: the most that can have to be written."""
    skeleton = Skeleton.builtin("duologue60")
    seconds = np.arange(frames)[:, None] / FPS
    joints, shapes = np.arange(len(skeleton) * 3), np.arange(52)
    rotations = 0.2 * np.sin(seconds * (1.0 + joints % 7) + joints).reshape(frames, -1, 3)
    weights = 0.5 + 0.5 * np.sin(seconds * (2.0 + shapes % 5) + shapes)
    still = np.zeros(frames)
    tracks = [
        Track(
            np.column_stack([side + 0.05 * np.sin(seconds[:, 0]), still + 0.955, still]),
            rotations, weights, still == 0, still.astype(np.uint8),
        )
        for side in (-0.6, 0.6)
    ]  # fmt: skip
    return Take(skeleton, (tracks[0], tracks[1]))


def insert_take(take: Take, performers: Sequence[Performer]) -> None:
    """Write a take as most add-ons do: set each value, insert a key, next frame."""
    for performer, track in zip(performers, take.tracks, strict=True):
        pose = retargeter(take.skeleton, performer).apply(track.rotations, track.root_translation)
        bones = [performer.armature.pose.bones[name] for name in pose.bones]
        located = [performer.armature.pose.bones[name] for name in pose.located]
        rotations = bone_rotations(performer, pose)
        keys = [face.mesh.data.shape_keys for face in performer.faces]
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
