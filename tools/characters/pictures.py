# SPDX-License-Identifier: GPL-3.0-or-later
"""Contact sheets of the sample characters for docs/pictures: `python -m tools.characters.pictures [people|shapes|poses]`.

Needs the `blender` extra (bpy) and pillow. The characters are loaded by the add-on's own code, so a sheet shows what an
animator gets.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path

import bpy
from duologue.arkit import NAMES
from mathutils import Quaternion, Vector

from addon.cast import characters
from tools.characters.studio import Studio, View, sheet

ROOT = Path(__file__).resolve().parents[2]

PICTURES = ROOT / "docs" / "pictures"
Rotations = Mapping[str, tuple[float, float, float]]
ARMS_DOWN: Rotations = {
    "LeftArm": (0, 0, -72), "RightArm": (0, 0, 72), "LeftForeArm": (0, -15, 0), "RightForeArm": (0, 15, 0),
}  # fmt: skip


def _fist() -> dict[str, tuple[float, float, float]]:
    out = {}
    for side, g in (("Left", 1), ("Right", -1)):
        for finger in ("Index", "Middle", "Ring", "Pinky"):
            for bone, angle in (("1", 75), ("2", 95), ("3", 60)):
                out[f"{side}Hand{finger}{bone}"] = (0, 0, -g * angle)
        out |= {
            f"{side}HandThumb1": (0, g * 20, -g * 20),
            f"{side}HandThumb2": (0, g * 30, -g * 20),
            f"{side}HandThumb3": (0, g * 40, -g * 10),
        }
    return out


BODY_POSES: Mapping[str, tuple[Rotations, float]] = {
    "T-pose": ({}, 20),
    "arms up": (
        {"LeftShoulder": (0, 0, 20), "RightShoulder": (0, 0, -20), "LeftArm": (0, 0, 60), "RightArm": (0, 0, -60)}, 20,
    ),
    "arms forward": ({"LeftArm": (0, -85, 0), "RightArm": (0, 85, 0)}, 20),
    "elbows 125": (
        {"LeftArm": (0, 0, -60), "LeftForeArm": (0, -125, 0), "RightArm": (0, 0, 60), "RightForeArm": (0, 125, 0)}, 20,
    ),
    "hands up": (
        {"LeftArm": (0, -25, -60), "LeftForeArm": (0, -110, 0), "RightArm": (0, 30, 55), "RightForeArm": (0, 105, 0)}, 10,
    ),
    "sit": (
        {**ARMS_DOWN, "LeftUpLeg": (-90, 0, 0), "RightUpLeg": (-90, 0, 0), "LeftLeg": (90, 0, 0), "RightLeg": (90, 0, 0)}, 40,
    ),
    "stride": (
        {**ARMS_DOWN, "LeftUpLeg": (-70, 0, 20), "LeftLeg": (20, 0, 0), "RightUpLeg": (20, 0, 0), "RightLeg": (55, 0, 0),
         "RightToeBase": (-30, 0, 0)}, 50,
    ),
    "twist": (
        {**ARMS_DOWN, **dict.fromkeys(("Spine", "Spine1", "Spine2", "Spine3", "Neck", "Neck1"), (0, 13, 0)),
         "Head": (0, 20, 0)}, 0,
    ),
    "bow": (
        {**ARMS_DOWN, "Spine": (18, 0, 0), "Spine1": (18, 0, 0), "Spine2": (12, 0, 0), "Neck": (15, 0, 0),
         "Head": (20, 0, 0)}, 60,
    ),
    "look up": ({**ARMS_DOWN, "Neck": (-15, 0, 0), "Neck1": (-10, 0, 0), "Head": (-20, 0, 0)}, 50),
}  # fmt: skip
HAND_POSES: Mapping[str, tuple[Rotations, float, float]] = {
    "palm": ({}, 60, -50), "fist": (_fist(), 60, -40), "fist, back": (_fist(), 70, 40),
    "point": ({k: v for k, v in _fist().items() if "Index" not in k}, 70, 30),
    "wrist turned 90": ({"LeftHand": (90, 0, 0)}, 60, 30), "wrist bent 70": ({"LeftHand": (0, 0, -70)}, 20, 20),
}  # fmt: skip


class SampleStudio(Studio):
    """A studio with both sample characters, one shown at a time."""

    def __init__(self) -> None:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        super().__init__(bpy.data.scenes[0])
        collection = self.scene.collection
        self.cast = {name: characters.build(characters.sample_file(name), collection) for name in characters.SAMPLES}
        self.heights = {name: 1.62 if name == "ada" else 1.80 for name in self.cast}

    def show(self, name: str) -> None:
        """Hide everybody else."""
        for other, character in self.cast.items():
            character.mesh.hide_render = other != name

    def pose(self, name: str, rotations: Rotations) -> None:
        """Parent-local rotation vectors in degrees, in the world-aligned frames of the T-pose (our axes)."""
        pose = self.cast[name].armature.pose
        assert pose is not None
        for bone in pose.bones:
            bone.rotation_mode = "QUATERNION"
            bone.rotation_quaternion = (1, 0, 0, 0)
        for joint, degrees in rotations.items():
            v = Vector((degrees[0], -degrees[2], degrees[1]))
            turn = Quaternion(v, math.radians(v.length)).to_matrix()
            rest = pose.bones[joint].bone.matrix_local.to_3x3()
            pose.bones[joint].rotation_quaternion = (rest.inverted() @ turn @ rest).to_quaternion()

    def face(self, name: str, weights: Mapping[str, float]) -> None:
        """Set the shape keys; those not named are 0."""
        mesh = self.cast[name].mesh.data
        assert isinstance(mesh, bpy.types.Mesh)
        assert mesh.shape_keys is not None
        for key in mesh.shape_keys.key_blocks[1:]:
            key.value = weights.get(key.name, 0.0)

    def hand(self, name: str) -> tuple[float, float, float]:
        """Return where the left hand is at rest, in our axes, metres."""
        armature = self.cast[name].armature.data
        assert isinstance(armature, bpy.types.Armature)
        x, y, z = armature.bones["LeftHandMiddle1"].head_local
        return x - 0.03, z, -y


def people(studio: SampleStudio) -> None:
    """Front, three-quarter, side and back, and the faces."""
    images = []
    for name, height in studio.heights.items():
        studio.show(name)
        studio.face(name, {})
        studio.pose(name, ARMS_DOWN)
        for azimuth in (0, 40, 90, 180):
            images.append(studio.shot(View((0, 0.92, 0), 3.9, azimuth, 3, 70), (260, 520)))
        for azimuth in (0, 35):
            images.append(studio.shot(View((0, height - 0.13, 0), 1.25, azimuth, 2, 62), (260, 520)))
    sheet(images, 6, PICTURES / "characters.png")


def shapes(studio: SampleStudio) -> None:
    """Every ARKit shape at 1, and the combinations that must meet."""
    extra = [
        {"jawOpen": 1.0, "mouthClose": 1.0}, {"jawOpen": 0.5, "mouthClose": 0.5}, {"eyeBlinkLeft": 0.5, "eyeBlinkRight": 0.5},
        {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, {"jawOpen": 0.7, "tongueOut": 1.0}, {"mouthPucker": 0.8, "jawOpen": 0.15},
        {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "jawOpen": 0.3, "cheekSquintLeft": 0.6, "cheekSquintRight": 0.6},
        {"browDownLeft": 1.0, "browDownRight": 1.0, "noseSneerLeft": 0.8, "noseSneerRight": 0.8,
         "mouthFrownLeft": 0.7, "mouthFrownRight": 0.7},
    ]  # fmt: skip
    for name, height in studio.heights.items():
        studio.show(name)
        studio.pose(name, {})
        images = []
        for weights in [{n: 1.0} for n in NAMES] + extra:
            studio.face(name, weights)
            label = " ".join(n if w == 1 else f"{n} {w:g}" for n, w in weights.items())
            if len(weights) > 2:
                label = "smile, open" if "mouthSmileLeft" in weights else "anger"
            images.append(studio.shot(View((0, height - 0.145, 0.02), 0.92, 14, 1, 100), (190, 200), label))
        sheet(images, 10, PICTURES / f"characters_shapes_{name}.png")


def poses(studio: SampleStudio) -> None:
    """Bends and twists at their ends."""
    for name, height in studio.heights.items():
        studio.show(name)
        studio.face(name, {})
        images = []
        for label, (rotations, azimuth) in BODY_POSES.items():
            studio.pose(name, rotations)
            images.append(studio.shot(View((0, height * 0.53, 0), 3.0, azimuth, 5, 50), (260, 300), label))
        for label, (rotations, azimuth, elevation) in HAND_POSES.items():
            studio.pose(name, rotations)
            images.append(studio.shot(View(studio.hand(name), 0.75, azimuth, elevation, 70), (260, 300), label))
        sheet(images, 8, PICTURES / f"characters_poses_{name}.png")


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["people", "shapes", "poses"]
    set_up = SampleStudio()
    for which in wanted:
        {"people": people, "shapes": shapes, "poses": poses}[which](set_up)
