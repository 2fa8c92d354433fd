# SPDX-License-Identifier: GPL-3.0-or-later
"""A take that retargeting is judged by: two people walk up to each other on planted feet, turn, and work their fingers."""

from __future__ import annotations

import numpy as np
from duologue import arkit
from duologue.motion.rotations import (
    exp_to_quat,
    matrix_to_quat,
    quat_conjugate,
    quat_multiply,
    quat_rotate,
    quat_to_exp,
)
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.planting import bend_leg
from duologue.take import Take, Track

SKELETON = Skeleton.builtin("duologue60")
_STEP, _STRIDE, _LIFT = 16, 0.42, 0.14
"""A step's frames, its length over the floor and how high the ankle goes, metres."""


def walking_take(frames: int = 96) -> Take:
    """Four steps towards each other from 3.2 m, then standing and gesturing; every finger joint moves for itself."""
    tracks = [
        _walk(frames, start, heading, seed)
        for seed, (start, heading) in enumerate(((-1.6, np.pi / 2), (1.6, -np.pi / 2)))
    ]
    return Take(SKELETON, (tracks[0], tracks[1]), {"made_by": "tests"})


def _walk(frames: int, start: float, heading: float, seed: int) -> Track:
    """Plan the ankles, then bend the legs to them; arms, trunk and fingers swing about what a body at ease does."""
    rest = {name: SKELETON.rest_positions[i] for i, name in enumerate(SKELETON.names)}
    turn = exp_to_quat(np.array([0.0, heading, 0.0]))
    ahead = quat_rotate(turn, np.array([0.0, 0.0, 1.0]))
    ankles = {side: _ankle(frames, number) for number, side in enumerate(("Left", "Right"))}
    along = (ankles["Left"][0] + ankles["Right"][0]) / 2
    root = np.array([start, 0.0, 0.0]) + along[:, None] * ahead
    root[:, 1] = rest["Hips"][1] - 0.045 + 0.01 * np.cos(4 * np.pi * np.arange(frames) / (2 * _STEP))
    random = np.random.default_rng(seed)
    phase, rate = random.uniform(0, 6, (1, 60, 3)), random.uniform(2, 7, (1, 60, 3))
    rotations = 0.06 * np.sin(rate * np.arange(frames)[:, None, None] / 30 + phase)
    rotations[:, 0] = (0.0, heading, 0.0)
    swing = np.sin(np.pi * np.arange(frames) / _STEP)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        rotations[:, SKELETON.index(side + "Arm"), 2] -= 1.15 * sign
        rotations[:, SKELETON.index(side + "Arm"), 0] += 0.3 * sign * swing
        rotations[:, SKELETON.index(side + "ForeArm"), 1] -= sign * (
            0.8 + 0.6 * np.sin(np.arange(frames) / 11.0 + sign)
        )
        rotations[:, SKELETON.index(side + "Hand"), 0] += 0.5 * np.sin(np.arange(frames) / 9.0)
        for k, finger in enumerate(("Index", "Middle", "Ring", "Pinky")):
            curl = 0.45 + 0.4 * np.sin(np.arange(frames) / 8.0 + 1.3 * k + sign)
            for joint in (1, 2, 3):
                rotations[:, SKELETON.index(f"{side}Hand{finger}{joint}"), 2] -= sign * curl
        rotations[:, SKELETON.index(side + "HandThumb2"), 1] -= sign * (0.2 + 0.2 * swing)
        # Palms keep their shape: most rigs have no bones in them.
        palm = [
            name.removeprefix(side) for name in SKELETON.names if name.startswith(side + "Hand") and name[-1].isalpha()
        ]
        for part in ("UpLeg", "Leg", "Foot", "ToeBase", *(part for part in palm if part != "Hand")):
            rotations[:, SKELETON.index(side + part)] = 0.0
    matrices, places = forward_kinematics(SKELETON, rotations, root)
    for side, sign in (("Left", 1.0), ("Right", -1.0)):
        hip, knee, ankle = (places[:, SKELETON.index(side + part)] for part in ("UpLeg", "Leg", "Foot"))
        travelled, height = ankles[side]
        goal = np.array([start, 0.0, 0.0]) + travelled[:, None] * ahead
        goal = goal + quat_rotate(turn, np.array([sign * abs(rest["LeftFoot"][0]), 0.0, 0.0]))
        goal[:, 1] = rest[side + "Foot"][1] + height
        hinge = np.tile(quat_rotate(turn, np.array([1.0, 0.0, 0.0])), (frames, 1))
        thigh, shin = bend_leg(hip, knee, ankle, goal, hinge)
        hips = matrix_to_quat(matrices[:, 0])
        # All three are world turns on top of the hips', and the sole stays level.
        rotations[:, SKELETON.index(side + "UpLeg")] = _local(hips, quat_multiply(thigh, hips))
        rotations[:, SKELETON.index(side + "Leg")] = _local(quat_multiply(thigh, hips), quat_multiply(shin, hips))
        rotations[:, SKELETON.index(side + "Foot")] = _local(quat_multiply(shin, hips), hips)
    weights = np.zeros((frames, 52), np.float32)
    weights[:, arkit.INDEX["jawOpen"]] = 0.3 + 0.3 * np.sin(np.arange(frames) / 4.0)
    weights[:, arkit.INDEX["eyeLookOutLeft"]] = weights[:, arkit.INDEX["eyeLookInRight"]] = 0.5 * (1 + swing)
    return Track(root, rotations, weights, np.ones(frames, bool), np.zeros(frames, np.uint8))


def _local(parent: np.ndarray, world: np.ndarray) -> np.ndarray:
    return quat_to_exp(quat_multiply(quat_conjugate(parent), world))


def _ankle(frames: int, foot: int) -> tuple[np.ndarray, np.ndarray]:
    """How far (T,) an ankle has come and how high (T,) it is lifted: steps in turn, two for each foot, the last one halved."""
    travelled, height = np.zeros(frames), np.zeros(frames)
    for step in range(4):
        if step % 2 != foot:
            continue
        first = 4 + step * _STEP
        length = _STRIDE / 2 if step in (0, 3) else _STRIDE
        s = np.clip((np.arange(frames) - first) / _STEP, 0.0, 1.0)
        travelled += length * (s * s * (3 - 2 * s))
        height += _LIFT * np.sin(np.pi * s) ** 2
    return travelled, height
