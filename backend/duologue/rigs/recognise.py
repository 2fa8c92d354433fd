"""Find out by itself what kind of rig or face it has to do with: by names first, by structure where names fail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from numpy.typing import ArrayLike

from duologue.errors import DuologueError
from duologue.rigs.anatomy import examine
from duologue.rigs.corrections import Corrections, correct_rig, correct_shapes
from duologue.rigs.presets import Library
from duologue.rigs.rig_map import RigMap, RigMatch
from duologue.rigs.shape_map import ShapeMap, ShapeMatch
from duologue.rigs.structure import match_structure

_NONE: Final = Library()
_BY_HAND: Final = RigMap("by_hand", "chosen by hand", {}, exact=True)
_FACE_BY_HAND: Final = ShapeMap("by_hand", "chosen by hand", exact=True)

STRUCTURE: Final = "structure"
"""The name of the rig map of an armature that no map knows: recognised by the words in its names, and by its shape."""

Weights = Callable[[], Collection[str]]
"""Finds the bones that move a mesh; only asked where no map is complete, since it goes through all vertices."""


@dataclass(frozen=True)
class Choice:
    """What an animator has to say in it: maps of their own, one by its name, and corrections of what that finds."""

    library: Library = _NONE
    map_name: str = ""
    corrections: Corrections = field(default_factory=dict[str, str])


AUTOMATIC: Final = Choice()


def recognise_rig(
    bone_names: Sequence[str],
    parents: Sequence[int],
    heads: ArrayLike | None = None,
    *,
    library: Library = _NONE,
    weights: Weights | None = None,
) -> list[RigMatch]:
    """Lay every rig map over an armature, best first.

    Args:
        bone_names: all B bones.
        parents: index of each bone's parent, -1 for none.
        heads: rest positions (B, 3) in our axes (Y up, any unit); with them bones whose names say nothing are told apart by
            where they are, where no map is complete, and what is no person is told from one.
        library: maps of the user's own. A preset of which every bone is there goes before all others.
        weights: finds the bones that move a mesh; others are no hands, feet or heads by their shape.

    Returns:
        Matches with at least one bone, complete ones first, then by how many bones they found and their score. Those that lack
        something say so in ``missing`` and ``required_missing``; what is no person has ``human`` False, what somebody should look
        at is in ``doubts``.
    """
    own = [rig_map.bind(bone_names) for rig_map in library.rig_maps]
    own = [match for match in own if not (match.rig_map.exact and match.missing)]
    ours = list(_our_rig_matches(tuple(bone_names)))
    if all(match.required_missing for match in (*own, *ours)):
        ours.append(match_structure(bone_names, parents, heads, weights() if weights is not None else None))
    if heads is not None:
        ours = [examine(match, bone_names, heads) for match in ours]
    return sorted(
        (match for match in (*own, *ours) if match.bones),
        key=lambda match: (match.usable, match.rig_map.exact, len(match.bones), match.score),
        reverse=True,
    )


def require_rig(
    bone_names: Sequence[str],
    parents: Sequence[int],
    heads: ArrayLike | None = None,
    *,
    what: str = "the armature",
    choice: Choice = AUTOMATIC,
    weights: Weights | None = None,
) -> RigMatch:
    """Return the best match, or that of the map the animator chose, with their corrections.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mapping-wrong`` for corrections that can't be; FAILED_PRECONDITION
            ``rig-not-recognised``, with what the nearest map misses, when none is complete, ``rig-not-human`` for animals, unless
            the animator chose their map by name; NOT_FOUND ``unknown-rig-map`` for a chosen map that is nowhere.
    """
    match = best_rig(bone_names, parents, heads, what=what, choice=choice, weights=weights)
    if match.usable:
        return match
    if not match.human and not match.required_missing:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "rig-not-human",
            f"{what} has the bones of {match.rig_map.title} but stands on four legs: Duologue performs people. For a person on "
            "all fours, choose its rig map by name.",
        )
    advice = "Choose them in the table, rename or add them, or write a rig map for it (rigs/rig_maps holds examples)."
    if not match.bones:
        knower = f"the rig map {choice.map_name!r}" if choice.map_name else "Duologue"
        said = f"none of the {len(bone_names)} bones of {what} has a name or a place that {knower} knows. {advice}"
        raise DuologueError("FAILED_PRECONDITION", "rig-not-recognised", said)
    raise DuologueError(
        "FAILED_PRECONDITION",
        "rig-not-recognised",
        f"{what} comes nearest to {match.rig_map.title} ({len(match.bones)} bones found) but has no bone for "
        f"{', '.join(match.required_missing)}. {advice}",
    )


def best_rig(
    bone_names: Sequence[str],
    parents: Sequence[int],
    heads: ArrayLike | None = None,
    *,
    what: str = "the armature",
    choice: Choice = AUTOMATIC,
    weights: Weights | None = None,
) -> RigMatch:
    """Return what :func:`require_rig` looks at. It may lack joints, or be empty.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mapping-wrong``; NOT_FOUND ``unknown-rig-map``.
    """
    if choice.map_name:
        best = rig_match(choice.map_name, bone_names, parents, heads, library=choice.library, weights=weights)
    else:
        found = recognise_rig(bone_names, parents, heads, library=choice.library, weights=weights)
        best = next(iter(found), _BY_HAND.bind(bone_names))
    return correct_rig(best, choice.corrections, bone_names, parents, what=what)


def rig_match(
    chosen: str, bone_names: Sequence[str], parents: Sequence[int], heads: ArrayLike | None = None, *,
    library: Library = _NONE, weights: Weights | None = None,
) -> RigMatch:  # fmt: skip
    """Lay the rig map with a name over an armature, the user's own before ours; it may be incomplete.

    Raises:
        DuologueError: NOT_FOUND ``unknown-rig-map``.
    """
    if chosen == STRUCTURE:
        return match_structure(bone_names, parents, heads, weights() if weights is not None else None)
    own = next((rig_map for rig_map in library.rig_maps if rig_map.name == chosen), None)
    return (own or RigMap.builtin(chosen)).bind(bone_names)


def recognise_shapes(shape_names: Sequence[str], *, library: Library = _NONE) -> list[ShapeMatch]:
    """Lay every shape map over a face's keys, best first; only maps that drive something are listed.

    A preset of the user's of which every key is there goes before all others, as it is. Otherwise the best one is completed
    by what the others found: many faces have keys of several conventions.
    """
    own = (shape_map.bind(shape_names) for shape_map in library.shape_maps)
    found = [match for match in (*own, *_our_shape_matches(tuple(shape_names))) if match.score > 0]
    found.sort(key=lambda match: (match.usable, match.whole, match.score), reverse=True)
    if not found or found[0].whole:
        return found
    best = max(found, key=lambda match: match.score)
    for head in (best, found[0]):  # the best may be one that can't speak, and lack no more than another has
        rest = [match for match in sorted(found, key=lambda match: match.score, reverse=True) if match is not head]
        completed = _completed(head, rest, shape_names)
        if completed.usable or head is found[0]:
            return [completed, *(match for match in found if match is not head)]
    return found


def _completed(match: ShapeMatch, others: Iterable[ShapeMatch], shape_names: Sequence[str]) -> ShapeMatch:
    """Return a match with what other maps found for shapes that it lacks: MMD's blink on a face with Oculus visemes."""
    targets: dict[str, Mapping[str, float]] = dict(match.targets)
    for other in others:
        for name, keys in other.targets.items():
            if name in match.missing and not set(keys) & set(match.shapes):
                targets.setdefault(name, keys)
    more = len(targets) > len(match.targets)
    return match.shape_map.match(targets, match.visemes, shape_names) if more else match


def require_shapes(
    shape_names: Sequence[str],
    *,
    what: str = "the mesh",
    choice: Choice = AUTOMATIC,
) -> ShapeMatch:
    """Return the best match, or that of the map the animator chose, with their corrections.

    Raises:
        DuologueError: FAILED_PRECONDITION ``no-shape-keys`` when the mesh has none, ``shapes-not-recognised`` when none of them
            opens the mouth; INVALID_ARGUMENT ``mapping-wrong``; NOT_FOUND ``unknown-shape-map``.
    """
    if not shape_names:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "no-shape-keys",
            f"{what} has no shape keys; give it ARKit's 52 or a set of visemes, or leave out the face.",
        )
    match = best_shapes(shape_names, what=what, choice=choice)
    if match.usable:
        return match
    some = ", ".join(list(shape_names)[:5])
    knower = f"the shape map {choice.map_name!r} says" if choice.map_name else "ARKit or visemes do"
    raise DuologueError(
        "FAILED_PRECONDITION",
        "shapes-not-recognised",
        f"none of the {len(shape_names)} shape keys of {what} ({some}, …) opens the mouth as {knower}; choose them in the table, "
        "rename them, or write a shape map (rigs/shape_maps holds examples).",
    )


def best_shapes(
    shape_names: Sequence[str],
    *,
    what: str = "the mesh",
    choice: Choice = AUTOMATIC,
) -> ShapeMatch:
    """Return what :func:`require_shapes` looks at: of teeth, say, which can't speak by themselves. It may be empty.

    Raises:
        DuologueError: INVALID_ARGUMENT ``mapping-wrong``; NOT_FOUND ``unknown-shape-map``.
    """
    if choice.map_name:
        best = shape_match(choice.map_name, shape_names, library=choice.library)
    else:
        best = next(iter(recognise_shapes(shape_names, library=choice.library)), _FACE_BY_HAND.bind(shape_names))
    return correct_shapes(best, choice.corrections, shape_names, what=what)


def shape_match(chosen: str, shape_names: Sequence[str], *, library: Library = _NONE) -> ShapeMatch:
    """Lay the shape map with a name over a face's keys, the user's own before ours.

    Raises:
        DuologueError: NOT_FOUND ``unknown-shape-map``.
    """
    own = next((shape_map for shape_map in library.shape_maps if shape_map.name == chosen), None)
    return (own or ShapeMap.builtin(chosen)).bind(shape_names)


# A character is recognised again whenever something is asked of it, and its names hardly ever change.


@lru_cache(maxsize=64)
def _our_rig_matches(bone_names: tuple[str, ...]) -> tuple[RigMatch, ...]:
    return tuple(RigMap.builtin(name).bind(bone_names) for name in RigMap.names())


@lru_cache(maxsize=64)
def _our_shape_matches(shape_names: tuple[str, ...]) -> tuple[ShapeMatch, ...]:
    return tuple(ShapeMap.builtin(name).bind(shape_names) for name in ShapeMap.names())
