# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a character is a person in size, shape and rest pose."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from bpy.app.translations import pgettext_iface as _t
from duologue.rigs.joints import SIDES
from numpy.typing import NDArray

from ..scene import armatures
from .cast import Performer
from .findings import Finding

Points = Mapping[str, NDArray[np.float64]]

_SMALLEST, _TALLEST = 0.3, 5.0
"""Metres beyond which nobody is meant to be that size: files in other units, imported as if they were metres."""

_UNITS = (0.001, 0.01, 0.0254, 0.1, 0.3048, 10.0, 100.0, 1000.0)
"""What turns millimetres, centimetres, inches, decimetres or feet into metres; and metres that something took for such."""

_HEAD = 0.9
"""How high the head's joint is, of a person's height."""

_LEANS, _LIES = 20.0, 50.0
"""From how many degrees on a trunk leans at rest, and from how many it doesn't stand."""


def check_size(performer: Performer) -> Iterator[Finding]:
    """Say whether a character is of no person's size, which no take could mend."""
    height, name = height_of(performer, rest_points(performer)), performer.armature.name
    if _SMALLEST <= height <= _TALLEST or height <= 0:
        return
    factor = min(_UNITS, key=lambda unit: abs(math.log(unit * height / 1.7)))
    text = _t("{name} is about {height} m tall; scaled by {factor} it would be {size} m")
    text = text.format(name=name, height=f"{height:.3g}", factor=f"{factor:g}", size=f"{factor * height:.2f}")
    yield Finding("size", "WARNING", text, name, (str(factor),))


def check_rest_pose(performer: Performer) -> Iterator[Finding]:
    """Retargeting takes any rest pose; one that is no pose to stand in gives twists that nobody would have modelled."""
    rest = rest_points(performer)
    yield from _limbs(performer, rest)
    name, lean = performer.armature.name, _lean(rest)
    if lean > _LIES:
        text = _t("{name} does not stand upright at rest: turn its object, or its rest pose").format(name=name)
        yield Finding("rest-pose", "WARNING", text, name)
    elif lean > _LEANS:
        text = _t("{name}: its trunk leans by {angle}° at rest, and so it will in every take; straighten its rest pose")
        yield Finding("leaning", "WARNING", text.format(name=name, angle=f"{lean:.0f}"), name)


def rest_points(performer: Performer) -> Points:
    """Return where the joints are at rest, in our world."""
    rig = performer.rig
    return {joint: rig.heads[rig.names.index(bone)] for joint, bone in performer.match.bones.items()}


def height_of(performer: Performer, rest: Points) -> float:
    """Return about how tall a character is, metres: from its soles to its head's joint, and what is above that in people."""
    feet = min(float(rest[side + "Foot"][1]) for side in SIDES)
    sole = armatures.sole_height(performer.meshes, armatures.feet_of(performer.armature, performer.match.bones))
    return (float(rest["Head"][1]) - (feet if sole is None else min(sole, feet))) / _HEAD


def _limbs(performer: Performer, rest: Points) -> Iterator[Finding]:
    name, bones = performer.armature.name, performer.match.bones
    for side, word in (("Left", _t("left")), ("Right", _t("right"))):
        arm = _above_horizon(rest[side + "ForeArm"] - rest[side + "Arm"])
        if not -75 < arm < 30:
            text = _t(
                "{name}: the {side} arm rests {angle}° from level; between a T-pose and an A-pose (0° to 60° down) is best"
            )
            text = text.format(name=name, side=word, angle=f"{abs(arm):.0f}")
            yield Finding("rest-pose", "WARNING", text, name, (bones[side + "Arm"],))
        thigh, shin = rest[side + "Leg"] - rest[side + "UpLeg"], rest[side + "Foot"] - rest[side + "Leg"]
        bend = math.degrees(math.acos(np.clip(thigh @ shin / np.linalg.norm(thigh) / np.linalg.norm(shin), -1, 1)))
        if bend > 30 or _above_horizon(thigh) > -60:
            text = _t("{name}: the {side} leg is bent or lifted at rest; a standing rest pose is best")
            text = text.format(name=name, side=word)
            yield Finding("rest-pose", "WARNING", text, name, (bones[side + "UpLeg"],))


def _lean(rest: Points) -> float:
    """Return how far the trunk, from between the hip joints to the head, is from upright, degrees."""
    return 90.0 - _above_horizon(rest["Head"] - _middle(rest))


def _middle(rest: Points) -> NDArray[np.float64]:
    return (rest["LeftUpLeg"] + rest["RightUpLeg"]) / 2


def _above_horizon(way: NDArray[np.float64]) -> float:
    return math.degrees(math.asin(np.clip(way[1] / max(float(np.linalg.norm(way)), 1e-12), -1, 1)))
