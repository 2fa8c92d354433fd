"""The joint words that rig maps and joint maps share: duologue60's names, and chains of any length for spine and neck.

A rig names its bones by the joint they play. Spine and neck are chains: ``Spine``, ``Spine1``, ``Spine2`` … from the hips upward
and ``Neck``, ``Neck1`` … , as many as the rig has; a motion with four spine joints drives a rig with one or five all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

SIDES: Final = ("Left", "Right")
FINGERS: Final = ("Thumb", "Index", "Middle", "Ring", "Pinky")
LEG: Final = ("UpLeg", "Leg", "Foot", "ToeBase")
ARM: Final = ("Shoulder", "Arm", "ForeArm", "Hand")

METACARPALS: Final = tuple(f"Hand{finger}" for finger in FINGERS[1:])
"""Bones of the palm, as rig maps write them (without a side). duologue60 has no middle one."""

SIDED: Final = (*ARM, *METACARPALS, *(f"Hand{finger}{i}" for finger in FINGERS for i in (1, 2, 3)), *LEG)
"""Every joint that exists once a side, without its side."""

EYES: Final = tuple(side + "Eye" for side in SIDES)
"""Eyeballs that turn by bones. They follow the face's eyeLook weights (``rigs.eyes``), not the body's motion."""

REQUIRED: Final = (
    "Hips", "Spine", "Head",
    *(side + joint for side in SIDES for joint in ("Arm", "ForeArm", "UpLeg", "Leg", "Foot")),
)  # fmt: skip
"""Without these a rig can't perform: a map that lacks one of them does not fit."""

BODY: Final = ("Hips", "Head", *(side + joint for side in SIDES for joint in SIDED))
"""Every joint of a body but spine and neck, which are of any length, and the eyes."""

TRUNK_STEMS: Final = ("Hips", "Spine", "Neck")

_CHAIN = re.compile(r"(Spine|Neck)(\d*)")


def chain(stem: str, names: Iterable[str]) -> list[str]:
    """Return those of ``names`` that belong to the chain ``stem`` ("Spine" or "Neck"), lowest first."""
    members: list[tuple[int, str]] = []
    for name in names:
        match = _CHAIN.fullmatch(name)
        if match and match[1] == stem:
            members.append((int(match[2] or 0), name))
    return [name for _, name in sorted(members)]


def chain_names(stem: str, count: int) -> list[str]:
    """Return the names of a chain of ``count`` joints: ``Spine, Spine1, Spine2, …``."""
    return [stem if i == 0 else f"{stem}{i}" for i in range(count)]


def close_chains(bones: Mapping[str, str]) -> dict[str, str]:
    """Number spine and neck without gaps: a map lists more of them than most rigs have, and an animator may leave one out."""
    result = {joint: bone for joint, bone in bones.items() if not _CHAIN.fullmatch(joint)}
    for stem in ("Spine", "Neck"):
        members = [bones[joint] for joint in chain(stem, bones)]
        result |= dict(zip(chain_names(stem, len(members)), members, strict=True))
    return result


def limb_chains() -> list[tuple[str, ...]]:
    """Return arms, legs and fingers as joints from the body outwards: each bone must hang somewhere under the one before it."""
    chains: list[tuple[str, ...]] = []
    for side in SIDES:
        chains += [tuple(side + part for part in ARM), tuple(side + part for part in LEG)]
        chains += [(side + "Hand", *(f"{side}Hand{finger}{i}" for i in (1, 2, 3))) for finger in FINGERS]
    return chains


def expected_parent(joint: str, names: Iterable[str]) -> str | None:
    """Return which of ``names`` a joint of trunk, leg or arm grows from; None for the hips and for finger joints.

    This is anatomy, not any one rig's hierarchy: arms and neck grow from the top of the spine, legs from the hips.
    """
    present = set(names)
    spine = chain("Spine", present)
    trunk = ["Hips", *spine, *chain("Neck", present), "Head"]
    side = next((side for side in SIDES if joint.startswith(side)), "")
    part = joint.removeprefix(side)
    if joint in trunk[1:]:
        below = trunk[: trunk.index(joint)]
    elif part in LEG:
        below = ["Hips", *(side + name for name in LEG[: LEG.index(part)])]
    elif part in ARM:
        below = ["Hips", *spine, *(side + name for name in ARM[: ARM.index(part)])]
    else:
        return None
    return next((name for name in reversed(below) if name in present), None)
