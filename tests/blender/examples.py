# SPDX-License-Identifier: GPL-3.0-or-later
"""What these tests play: a take of smooth motion, and a small character in the sample characters' format."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from duologue import arkit
from duologue.files import safetensors as tensors
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track

_BOX = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
_SIDES = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])


def example_take(frames: int = 90, seed: int = 3) -> Take:
    """Two people 1.2 m apart who sway, gesture and move their faces; every joint turns, none by more than a radian."""
    skeleton = Skeleton.builtin("duologue60")
    random = np.random.default_rng(seed)
    seconds = np.arange(frames)[:, None, None] / 30.0
    tracks = []
    for side, heading in ((-0.6, np.pi / 2), (0.6, -np.pi / 2)):
        rate, phase, size = (random.uniform(*span, (1, len(skeleton), 3)) for span in ((0.5, 4), (0, 6), (0.02, 0.15)))
        rotations = size * np.sin(rate * seconds + phase)
        rotations[:, skeleton.index("LeftArm"), 2] -= 1.2  # arms hang down
        rotations[:, skeleton.index("RightArm"), 2] += 1.2
        rotations[:, 0] = (0.0, heading * 0.7, 0.0) + 0.05 * np.sin(rate[:, 0] * seconds[:, 0] + phase[:, 0])
        root = np.array([side, 0.955, 0.0]) + 0.05 * np.sin(seconds[:, 0] * (1.0, 0.7, 1.3))
        wave = 0.5 + 0.5 * np.sin(random.uniform(1, 9, 52) * seconds[:, 0] + random.uniform(0, 6, 52))
        always = np.ones(frames, bool)
        tracks.append(Track(root, rotations, wave * random.uniform(0, 1, 52), always, np.zeros(frames, np.uint8)))
    return Take(skeleton, (tracks[0], tracks[1]), {"made_by": "tests"})


def write_character(path: Path, height: float = 1.75, name: str = "Box") -> Path:
    """Write a person of boxes, a box a bone, with all 52 ARKit shapes; each shape moves one corner of the head by 5 cm."""
    skeleton = Skeleton.builtin("duologue60")
    heads = skeleton.rest_positions * (height / 1.75)
    tips = {joint: np.array(offset) * (height / 1.75) for joint, offset in skeleton.ends}
    bones, positions, joints = [], [], []
    for joint, bone in enumerate(skeleton.names):
        children = [i for i, parent in enumerate(skeleton.parents) if parent == joint]
        tail = heads[children].mean(axis=0) if children else heads[joint] + tips[joint]
        parent = skeleton.names[skeleton.parents[joint]] if joint else None
        bones.append(
            {"name": bone, "parent": parent, "head": heads[joint].tolist(), "tail": tail.tolist(), "roll": 0.0}
        )
        half = np.maximum(np.abs(tail - heads[joint]) / 2, 0.012 if "Hand" in bone else 0.05)
        positions.append((heads[joint] + tail) / 2 + _BOX * half)
        joints.append(np.full(8, joint))
    vertices = np.concatenate(positions).astype(np.float32)
    vertices[:, 1] = np.maximum(vertices[:, 1], 0.0)  # the soles stand on the floor
    count = len(skeleton)
    influences = np.zeros((len(vertices), 4), np.uint16)
    influences[:, 0] = np.concatenate(joints)
    weights = np.zeros((len(vertices), 4), np.uint8)
    weights[:, 0] = 255
    arrays = {
        "positions": vertices,
        "faces": (np.arange(count)[:, None, None] * 8 + _SIDES).reshape(-1, 4).astype(np.int32),
        "face_material": np.repeat(np.arange(count) == skeleton.index("Head"), 6).astype(np.uint8),
        "joints": influences,
        "joint_weights": weights,
    }
    corner = 8 * skeleton.index("Head")
    for i, shape in enumerate(arkit.NAMES):
        arrays[f"shape/{shape}/index"] = np.array([corner + i % 8], np.uint32)
        arrays[f"shape/{shape}/delta"] = np.array([[0.0, 0.0, 0.05]], np.float16)
    materials = [
        {"name": "clothes", "color": [0.1, 0.2, 0.5], "roughness": 0.8},
        {"name": "skin", "color": [0.7, 0.45, 0.35], "roughness": 0.5},
    ]
    about = {"name": name, "height": height, "bones": bones, "materials": materials, "rig_map": "duologue"}
    tensors.save(path, arrays, {"character": json.dumps(about)})
    return path


def box_pair(scene, folder: Path):
    """Build two people of boxes, each in a collection as the sample pair is, and cast them."""
    import bpy

    from addon.cast.cast import cast
    from addon.cast.characters import build

    performers = []
    for performer, height in (("A", 1.75), ("B", 1.85)):
        path = write_character(folder / f"box{performer}.safetensors", height, f"Box {performer}")
        collection = bpy.data.collections.new(f"Duologue {performer}")
        scene.collection.children.link(collection)
        character = build(path, collection)
        bpy.context.view_layer.update()
        performers.append(cast(performer, character.armature))
    return tuple(performers)


def add_box_pair(scene, folder: Path) -> None:
    """Do what Add Sample Pair does, with people of boxes: no less bones and shapes, but built, saved and undone in no time."""
    import bpy
    from conftest import MODULE

    briefing = sys.modules[f"{MODULE}.briefing"]
    starts = briefing.sample_starts()
    for made, chosen in zip(box_pair(scene, folder), scene.duologue.performers(), strict=True):
        briefing.place_at_start(made.armature, starts[made.name])
        chosen.armature = made.armature
    bpy.context.view_layer.update()


def write_voice(path: Path, seconds: float = 3.0, rate: int = 16000, pitch: float = 140.0) -> Path:
    """Write a WAV of a buzzing voice that swells and fades four times a second."""
    import wave

    t = np.arange(int(seconds * rate)) / rate
    samples = np.sign(np.sin(2 * np.pi * pitch * t)) * (0.5 + 0.5 * np.sin(2 * np.pi * 4 * t)) * 0.3
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path
