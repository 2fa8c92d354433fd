"""What an animator sets right in a recognised mapping: another bone or key, or none; and what is wrong with such corrections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from duologue import arkit
from duologue.errors import DuologueError
from duologue.rigs.joints import BODY, EYES, REQUIRED, chain, close_chains, limb_chains
from duologue.rigs.rig_map import RigMatch, score
from duologue.rigs.shape_map import ShapeMatch, shared_by_both_sides

Corrections = Mapping[str, str]
"""Joint word -> bone, or ARKit name or viseme -> shape key; an empty text switches it off."""


def correct_rig(
    match: RigMatch, corrections: Corrections, bone_names: Sequence[str], parents: Sequence[int], *, what: str
) -> RigMatch:
    """Return the match with the corrections made.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mapping-wrong``, which names every joint that can't be as corrected, and why.
    """
    if not corrections:
        return match
    if wrong := rig_problems(match, corrections, bone_names, parents):
        raise DuologueError(
            "INVALID_ARGUMENT", "mapping-wrong", f"{what}: {' '.join(wrong.values())}", field=next(iter(wrong))
        )
    bones, eyes = _corrected(match, corrections)
    bones = close_chains(bones)
    missing = tuple(joint for joint in match.missing if joint not in bones)
    missing += tuple(
        joint for joint, bone in corrections.items() if not bone and joint not in (*missing, *EYES, *bones)
    )
    return replace(match, bones=bones, eyes=eyes, missing=missing, score=score(bones, {*bones, *missing}))


def rig_problems(
    match: RigMatch, corrections: Corrections, bone_names: Sequence[str], parents: Sequence[int]
) -> dict[str, str]:
    """Return joint -> what is wrong with its correction, a sentence each; empty when all of them can be made."""
    index = {name: i for i, name in enumerate(bone_names)}
    wrong: dict[str, str] = {}
    for joint, bone in corrections.items():
        if bone and bone not in index:
            wrong[joint] = f"{joint}: there is no bone {bone!r} any more; choose another."
        elif not bone and joint in REQUIRED:
            wrong[joint] = f"{joint} can't be switched off: nobody performs without it."
        elif joint not in (*BODY, *EYES) and joint not in chain("Spine", [joint]) + chain("Neck", [joint]):
            wrong[joint] = f"{joint} is no joint."
    bones, eyes = _corrected(match, corrections)
    plays: dict[str, str] = {}
    for joint, bone in {**bones, **eyes}.items():
        if (other := plays.setdefault(bone, joint)) != joint:
            blamed = joint if joint in corrections else other
            wrong.setdefault(
                blamed, f"{other} and {joint} both have the bone {bone!r}; switch one off or choose another."
            )
    for links in limb_chains():
        present = [joint for joint in links if joint in bones and bones[joint] in index]
        for above, below in pairwise(present):
            if {above, below} & set(corrections) and index[bones[above]] in _under(index[bones[below]], parents):
                blamed = below if below in corrections else above
                wrong.setdefault(
                    blamed,
                    f"{below} ({bones[below]!r}) lies above {above} ({bones[above]!r}) in the armature; they look exchanged.",
                )
    return wrong


def _corrected(match: RigMatch, corrections: Corrections) -> tuple[dict[str, str], dict[str, str]]:
    bones = {joint: bone for joint, bone in {**match.bones, **match.eyes, **corrections}.items() if bone}
    return (
        {joint: bone for joint, bone in bones.items() if joint not in EYES},
        {joint: bone for joint, bone in bones.items() if joint in EYES},
    )


def _under(bone: int, parents: Sequence[int]) -> set[int]:
    """Return every bone below ``bone``."""
    below: set[int] = set()
    for child in range(len(parents)):
        above = parents[child]
        for _ in parents:
            if above in (-1, bone):
                break
            above = parents[above]
        if above == bone:
            below.add(child)
    return below


def correct_shapes(match: ShapeMatch, corrections: Corrections, shape_names: Sequence[str], *, what: str) -> ShapeMatch:
    """Return the match with the corrections made. Two ARKit shapes may move one key; left and right move it by their mean.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mapping-wrong`` for keys that the mesh has not.
    """
    if not corrections:
        return match
    if wrong := shape_problems(corrections, shape_names):
        raise DuologueError(
            "INVALID_ARGUMENT", "mapping-wrong", f"{what}: {' '.join(wrong.values())}", field=next(iter(wrong))
        )
    targets: dict[str, dict[str, float]] = match.targets
    visemes = match.visemes
    for name, key in corrections.items():
        if name in visemes:
            visemes[name] = key
        else:
            _leave(targets, name)
            targets[name] = {key: 1.0} if key else {}
    used = {name: key for name, key in visemes.items() if key}
    return match.shape_map.match(shared_by_both_sides(targets), used, shape_names)


def _leave(targets: dict[str, dict[str, float]], name: str) -> None:
    """Give the other side the whole of a key that both sides moved by half each, for ``name`` goes elsewhere."""
    other = targets.get(arkit.mirrored(name), {})
    for key, factor in targets.get(name, {}).items():
        if arkit.mirrored(name) != name and factor == other.get(key) == 0.5:
            other[key] = 1.0


def shape_problems(corrections: Corrections, shape_names: Iterable[str]) -> dict[str, str]:
    """Return ARKit name or viseme -> what is wrong with its correction, a sentence each."""
    present = set(shape_names)
    return {
        name: f"{name}: there is no shape key {key!r} any more; choose another."
        for name, key in corrections.items()
        if key and key not in present
    }


def shape_rows(match: ShapeMatch) -> dict[str, str]:
    """Return what a table of a face shows: ARKit name or viseme -> its key, or nothing; several keys are one text with " + "."""
    targets, visemes = match.targets, match.visemes
    rows = {name: " + ".join(targets.get(name, {})) for name in arkit.NAMES if name not in match.mixed}
    return {**visemes, **rows}
