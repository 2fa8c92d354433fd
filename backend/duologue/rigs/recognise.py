"""Find out by itself what kind of rig or face it has to do with: by names first, by structure where names fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from numpy.typing import ArrayLike

from duologue.errors import DuologueError
from duologue.rigs.rig_map import RigMap, RigMatch
from duologue.rigs.shape_map import ShapeMap, ShapeMatch
from duologue.rigs.structure import match_structure

STRUCTURE: Final = "structure"
"""The name of the rig map of an armature that was recognised by its shape alone."""


def recognise_rig(bone_names: Sequence[str], parents: Sequence[int], heads: ArrayLike | None = None) -> list[RigMatch]:
    """Lay every rig map over an armature, best first.

    Args:
        bone_names: all B bones.
        parents: index of each bone's parent, -1 for none.
        heads: rest positions (B, 3) in our axes (Y up, any unit); with them bones whose names say nothing are told apart by
            where they are. Only looked at when no map is complete.

    Returns:
        Matches with at least one bone, complete ones first, then by how many bones they found and their score. Those that lack
        something say so in ``missing`` and ``required_missing``.
    """
    matches = [RigMap.builtin(name).bind(bone_names) for name in RigMap.names()]
    if heads is not None and not any(match.usable for match in matches):
        matches.append(match_structure(bone_names, parents, heads))
    found = [match for match in matches if match.bones]
    return sorted(found, key=lambda match: (match.usable, len(match.bones), match.score), reverse=True)


def require_rig(
    bone_names: Sequence[str], parents: Sequence[int], heads: ArrayLike | None = None, *, what: str = "the armature"
) -> RigMatch:
    """Return the best complete match.

    Raises:
        DuologueError: FAILED_PRECONDITION ``rig-not-recognised``, with what the nearest map misses, when none is complete.
    """
    matches = recognise_rig(bone_names, parents, heads)
    if matches and matches[0].usable:
        return matches[0]
    if not matches:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "rig-not-recognised",
            f"none of the {len(bone_names)} bones of {what} has a name or a place Duologue knows; write a rig map for it "
            "(rigs/rig_maps holds examples) and choose it.",
        )
    nearest = matches[0]
    raise DuologueError(
        "FAILED_PRECONDITION",
        "rig-not-recognised",
        f"{what} comes nearest to {nearest.rig_map.title} ({len(nearest.bones)} bones found) but has no bone for "
        f"{', '.join(nearest.required_missing)}. Rename or add them, or write a rig map for it (rigs/rig_maps holds examples).",
    )


def recognise_shapes(shape_names: Sequence[str]) -> list[ShapeMatch]:
    """Lay every shape map over a face's keys, best first; only maps that drive something are listed."""
    matches = [ShapeMap.builtin(name).bind(shape_names) for name in ShapeMap.names()]
    return sorted(
        (match for match in matches if match.score > 0), key=lambda match: (match.usable, match.score), reverse=True
    )


def require_shapes(shape_names: Sequence[str], *, what: str = "the mesh") -> ShapeMatch:
    """Return the best match that can speak.

    Raises:
        DuologueError: FAILED_PRECONDITION ``no-shape-keys`` when the mesh has none, ``shapes-not-recognised`` when none of them
            opens the mouth.
    """
    if not shape_names:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "no-shape-keys",
            f"{what} has no shape keys; give it ARKit's 52 or a set of visemes, or leave out the face.",
        )
    matches = recognise_shapes(shape_names)
    if matches and matches[0].usable:
        return matches[0]
    some = ", ".join(list(shape_names)[:5])
    raise DuologueError(
        "FAILED_PRECONDITION",
        "shapes-not-recognised",
        f"none of the {len(shape_names)} shape keys of {what} ({some}, …) opens the mouth as ARKit or "
        "visemes do; rename them, or write a shape map (rigs/shape_maps holds examples) and choose it.",
    )
