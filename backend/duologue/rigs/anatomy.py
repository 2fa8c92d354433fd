"""Whether what was recognised can be a person, and one that faces the way its names say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from duologue.motion.rotations import Floats
from duologue.rigs.joints import SIDES, chain
from duologue.rigs.rig_map import Doubt, RigMatch

_UPRIGHT = -0.5
"""Cosine between trunk and legs: -1 in whoever stands or lies, about -0.7 in a seat, 0 on four legs."""

_LEVEL = 0.3
"""How much of a way from ankle to toes, or from head to eye, must lead ahead or back for it to tell where the front is."""


def examine(match: RigMatch, bone_names: Sequence[str], heads: ArrayLike) -> RigMatch:
    """Return the match with what its rest pose says of it: ``human`` and ``doubts``.

    Args:
        match: laid over the armature by names or by shape.
        bone_names: all B bones.
        heads: rest positions (B, 3), Y up, any unit.
    """
    places = np.asarray(heads, np.float64)
    index = {name: i for i, name in enumerate(bone_names)}
    rest = {joint: places[index[bone]] for joint, bone in {**match.bones, **match.eyes}.items()}
    doubts = match.doubts
    if _sides_contradict(rest):
        legs = [match.bones[side + joint] for side in SIDES for joint in ("UpLeg", "Foot")]
        doubts = (*doubts, Doubt("sides", tuple(legs)))
    return replace(match, doubts=doubts, human=not _stands_on_four(rest))


def _stands_on_four(rest: Mapping[str, Floats]) -> bool:
    """Return whether arms are legs: they run beside the hind legs, and the trunk lies across both."""
    reach = "Hand" if all(side + "Hand" in rest for side in SIDES) else "ForeArm"
    limbs = [[_way(rest, side + a, side + b) for side in SIDES] for a, b in (("UpLeg", "Foot"), ("Arm", reach))]
    top = next((joint for joint in ("Neck", *reversed(chain("Spine", rest)), "Head") if joint in rest), None)
    if top is None or "Hips" not in rest or any(way is None for pair in limbs for way in pair):
        return False
    legs, arms = (np.sum([way for way in pair if way is not None], axis=0) for pair in limbs)
    return _cosine(rest[top] - rest["Hips"], legs) > _UPRIGHT and _cosine(arms, legs) > 0.5


def _sides_contradict(rest: Mapping[str, Floats]) -> bool:
    """Return whether toes point, and eyes lie, behind the body as its left and right legs have it: standing, leaning or lying."""
    if not {"Hips", "Head", *(side + joint for side in SIDES for joint in ("UpLeg", "Foot"))} <= set(rest):
        return False
    up = rest["Head"] - rest["Hips"]
    up = up / max(float(np.linalg.norm(up)), 1e-12)
    forward = np.cross(rest["LeftUpLeg"] - rest["RightUpLeg"], up)
    witnesses: list[float] = []
    for side in SIDES:
        for start, end in ((side + "Foot", side + "ToeBase"), ("Head", side + "Eye")):
            way = _way(rest, start, end)
            level = None if way is None else way - up * float(way @ up)
            if level is not None and np.linalg.norm(level) > _LEVEL:
                witnesses.append(_cosine(level, forward))
    return bool(witnesses) and max(witnesses) < -0.5


def _way(rest: Mapping[str, Floats], start: str, end: str) -> Floats | None:
    """Return the direction (unit) from joint to joint, where there are both."""
    if start not in rest or end not in rest:
        return None
    way = rest[end] - rest[start]
    return way / max(float(np.linalg.norm(way)), 1e-12)


def _cosine(first: Floats, second: Floats) -> float:
    return float(first @ second) / max(float(np.linalg.norm(first) * np.linalg.norm(second)), 1e-12)
