"""Each character's own skeleton: duologue60 with other proportions, and skin weights along it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.synthesis.characters.fields import Points, neighbour_mean, smoothstep
from duologue.files.folders import rigs_folder

DUOLOGUE60 = rigs_folder() / "skeletons" / "duologue60.json"
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Pinky")


@dataclass(frozen=True)
class Proportions:
    """Factors on duologue60's offsets (an adult of 1.75 m)."""

    legs: float
    torso: float
    neck: float
    shoulders: float
    hips: float
    arms: float
    hands: float
    feet: float


class Joints:
    """Names, parents and rest positions (metres, world) of one character's joints."""

    def __init__(self, proportions: Proportions) -> None:
        data = json.loads(DUOLOGUE60.read_text())
        self.names: list[str] = data["names"]
        index = {name: i for i, name in enumerate(self.names)}
        self.parents = [-1 if p in (None, -1) else index[p] for p in data["parents"]]
        self.index = index
        positions = np.zeros((len(self.names), 3))
        for i, (name, parent, shift) in enumerate(zip(self.names, self.parents, data["offsets"], strict=True)):
            own = np.asarray(shift, float) * _factor(name, proportions)
            positions[i] = own + (positions[parent] if parent >= 0 else 0.0)
        # feet on the floor: the ankle's height scales with the foot, the rest of the leg with the leg
        rest_ankle = 0.08 * proportions.feet
        positions[:, 1] += rest_ankle - positions[index["LeftFoot"], 1]
        self.positions = np.round(positions, 4)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.positions[self.index[name]]

    def weights(self, **columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights (V, 60) from named columns."""
        count = len(next(iter(columns.values())))
        out = np.zeros((count, len(self.names)))
        for name, column in columns.items():
            out[:, self.index[name]] += column
        return out

    def rigid(self, name: str, count: int) -> NDArray[np.float64]:
        """All weight on one bone."""
        return self.weights(**{name: np.ones(count)})

    def tail(self, name: str) -> NDArray[np.float64]:
        """Where the bone points: its main child, or on along its parent for the last ones."""
        main = {
            "Hips": "Spine", "Spine3": "Neck",
            "LeftHand": "LeftHandMiddle1", "RightHand": "RightHandMiddle1",
            "LeftHandRing": "LeftHandRing1", "RightHandRing": "RightHandRing1",
        }  # fmt: skip
        i = self.index[name]
        children = [n for n, p in zip(self.names, self.parents, strict=True) if p == i]
        if children:
            return self[main.get(name, children[0])]
        if name == "Head":
            return self[name] + [0.0, 0.2, 0.0]
        if name.endswith("ToeBase"):
            return self[name] + [0.0, 0.0, 0.075]
        along = self[name] - self.positions[self.parents[i]]
        return self[name] + along * 0.8

    def bones(self) -> list[dict[str, object]]:
        """The bones as the character file's metadata states them."""
        return [
            {
                "name": name,
                "parent": self.names[parent] if parent >= 0 else None,
                "head": [round(float(x), 5) for x in self[name]],
                "tail": [round(float(x), 5) for x in self.tail(name)],
                "roll": 0.0,
            }
            for name, parent in zip(self.names, self.parents, strict=True)
        ]

    # -- skin weights -------------------------------------------------------------------------------------------

    def spine(self, points: Points) -> NDArray[np.float64]:
        """Hips to head by height, each bone fading into the next about the joint between them."""
        chain = ["Hips", "Spine", "Spine1", "Spine2", "Spine3", "Neck", "Neck1", "Head"]
        out = np.zeros((len(points), len(self.names)))
        left = np.ones(len(points))
        for lower, upper in pairwise(chain):
            joint = self[upper][1]
            band = 0.02 if upper in ("Neck1", "Head") else 0.045
            past = smoothstep(joint - band, joint + band, points[:, 1])
            out[:, self.index[lower]] += left * (1 - past)
            left = left * past
        out[:, self.index["Head"]] += left
        return out

    def upper_body(self, points: Points, faces: NDArray[np.int64], passes: int) -> NDArray[np.float64]:
        """Torso, collar bones and arms down to the hands, for a garment or skin that spans them."""
        out = self.spine(np.minimum(points, [np.inf, self["Neck"][1] + 0.0, np.inf]))
        x, y = np.abs(points[:, 0]), points[:, 1]
        arm, fore, hand = self["LeftArm"], self["LeftForeArm"], self["LeftHand"]
        tilt = np.deg2rad(33)
        u = (x - arm[0]) * np.cos(tilt) + (y - arm[1]) * np.sin(tilt)
        on_arm = smoothstep(-0.05, 0.05, u)
        collar = smoothstep(0.02, 0.11, x) * smoothstep(arm[1] - 0.16, arm[1] - 0.01, y) * (1 - on_arm)
        below = smoothstep(fore[0] - 0.05, fore[0] + 0.05, x)
        wrist = smoothstep(hand[0] - 0.03, hand[0] + 0.012, x)
        out *= (1 - on_arm - collar)[:, None]
        for side, mask in (("Left", points[:, 0] >= 0), ("Right", points[:, 0] < 0)):
            out[:, self.index[side + "Shoulder"]] += collar * mask
            out[:, self.index[side + "Arm"]] += on_arm * (1 - below) * mask
            out[:, self.index[side + "ForeArm"]] += on_arm * below * (1 - wrist) * mask
            out[:, self.index[side + "Hand"]] += on_arm * below * wrist * mask
        return smooth(out, faces, passes)

    def lower_body(self, points: Points, faces: NDArray[np.int64], passes: int) -> NDArray[np.float64]:
        """Pelvis and legs, down to the feet."""
        x, y = np.abs(points[:, 0]), points[:, 1]
        hip, knee, ankle = self["LeftUpLeg"], self["LeftLeg"], self["LeftFoot"]
        u = hip[1] - y + 0.55 * (x - hip[0]) - 0.01
        on_leg = smoothstep(-0.055, 0.055, u)
        shin = smoothstep(knee[1] + 0.055, knee[1] - 0.055, y)
        foot = smoothstep(ankle[1] + 0.03, ankle[1] - 0.01, y)
        out = self.spine(points) * (1 - on_leg)[:, None]
        for side, mask in (("Left", points[:, 0] >= 0), ("Right", points[:, 0] < 0)):
            out[:, self.index[side + "UpLeg"]] += on_leg * (1 - shin) * mask
            out[:, self.index[side + "Leg"]] += on_leg * shin * (1 - foot) * mask
            out[:, self.index[side + "Foot"]] += on_leg * foot * mask
        return smooth(out, faces, passes)

    def shoe(self, points: Points, side: str) -> NDArray[np.float64]:
        """A shoe bends at the ball of the foot and gives a little at the ankle."""
        toe, ankle = self["LeftToeBase"], self["LeftFoot"]
        bend = smoothstep(toe[2] - 0.025, toe[2] + 0.02, points[:, 2])
        shaft = smoothstep(ankle[1] + 0.0, ankle[1] + 0.06, points[:, 1]) * (1 - bend)
        return self.weights(**{side + "ToeBase": bend, side + "Leg": shaft, side + "Foot": 1 - bend - shaft})

    def hand(self, points: Points, faces: NDArray[np.int64], passes: int) -> NDArray[np.float64]:
        """Left hand: each finger's share falls off with the distance to its bones, then to the phalanx along it."""
        distance = {}
        for finger in FINGERS:
            stem = "LeftHand" + finger
            distance[finger] = _segments_distance(points, [self[stem + c] for c in "123"] + [self.tail(stem + "3")])
        names = list(distance)
        d = np.stack([distance[n] for n in names], 1)
        # soft between neighbours on the palm, firm where the fingers part
        knuckles = self["LeftHandMiddle1"][0]
        tau = 0.007 - 0.0057 * smoothstep(knuckles - 0.02, knuckles + 0.006, points[:, 0])
        share = np.exp(-(d - d.min(1, keepdims=True)) / tau[:, None])
        share /= share.sum(1, keepdims=True)
        out = np.zeros((len(points), len(self.names)))
        for k, finger in enumerate(names):
            stem = "LeftHand" + finger
            joints = [self[stem + c] for c in "123"]
            tips = [*joints[1:], self.tail(stem + "3")]
            mine = share[:, k]
            # how far past each joint along its own bone; half a band either side
            past = []
            for j, (a, b) in enumerate(zip(joints, tips, strict=True)):
                axis = (b - a) / np.linalg.norm(b - a)
                if j:
                    before = (a - joints[j - 1]) / np.linalg.norm(a - joints[j - 1])
                    axis = (axis + before) / np.linalg.norm(axis + before)
                band = 0.007 if finger != "Thumb" else 0.009
                past.append(smoothstep(-band, band, (points - a) @ axis))
            base = "LeftHand" + finger if finger in ("Index", "Ring", "Pinky") else "LeftHand"
            out[:, self.index[stem + "1"]] += mine * past[0] * (1 - past[1])
            out[:, self.index[stem + "2"]] += mine * past[0] * past[1] * (1 - past[2])
            out[:, self.index[stem + "3"]] += mine * past[0] * past[1] * past[2]
            palm = mine * (1 - past[0])
            wrist = smoothstep(self["LeftHand"][0] - 0.042, self["LeftHand"][0] - 0.004, points[:, 0])
            knuckle = smoothstep(self["LeftHand"][0] + 0.02, self["LeftHandMiddle1"][0] - 0.01, points[:, 0])
            out[:, self.index["LeftForeArm"]] += palm * (1 - wrist)
            out[:, self.index["LeftHand"]] += palm * wrist * (1 - 0.7 * knuckle)
            out[:, self.index[base]] += palm * wrist * 0.7 * knuckle
        return smooth(out, faces, passes)


def mirror_weights(joints: Joints, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the other side's copy."""
    swap = [joints.index[_other(name)] for name in joints.names]
    return weights[:, swap]


def smooth(weights: NDArray[np.float64], faces: NDArray[np.int64], passes: int) -> NDArray[np.float64]:
    """Diffuse weights over the mesh: removes creases that a formula by position leaves."""
    used = weights.any(0)
    part = weights[:, used]
    for _ in range(passes):
        part = 0.5 * part + 0.5 * neighbour_mean(part, faces)
    out = np.zeros_like(weights)
    out[:, used] = part
    return out


def four_strongest(weights: NDArray[np.float64]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Indices and weights (V, 4), strongest first; weights are 255ths that sum to 255."""
    order = np.argsort(-np.round(weights, 6), axis=1, kind="stable")[:, :4]
    w = np.take_along_axis(weights, order, 1)
    w = np.round(w / w.sum(1, keepdims=True) * 255)
    w[:, 0] += 255 - w.sum(1)
    order = np.where(w > 0, order, 0)
    return order.astype(np.uint16), w.astype(np.uint8)


def _other(name: str) -> str:
    if name.startswith("Left"):
        return "Right" + name[4:]
    return "Left" + name[5:] if name.startswith("Right") else name


def _factor(name: str, p: Proportions) -> NDArray[np.float64]:
    """Factor on one joint's offset from its parent."""
    stem = name.removeprefix("Left").removeprefix("Right")
    own = {
        "UpLeg": (p.hips, p.legs, 1.0), "Leg": p.legs, "Foot": p.legs, "ToeBase": p.feet, "ForeArm": p.arms, "Hand": p.arms,
        # the collar bones start lower than duologue60's: big heads need a slope from neck to shoulder
        "Shoulder": (p.shoulders, 0.76 * p.torso, p.torso), "Arm": (p.shoulders, p.torso, p.torso),
        "Neck1": p.neck, "Head": p.neck,
    }  # fmt: skip
    return np.ones(3) * own.get(stem, p.hands if stem.startswith("Hand") else p.torso)


def _segments_distance(points: Points, path: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    best = np.full(len(points), np.inf)
    for a, b in pairwise(path):
        ab = b - a
        t = np.clip((points - a) @ ab / (ab @ ab), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - a - t[:, None] * ab, axis=1))
    return best
