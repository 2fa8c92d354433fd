"""Whose bones a motion file has: an actor's number that stands on another's recording shows there."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.scene import Problem
from duologue.files.reading import read_head

_HEADER: Final = 1 << 18
"""Bytes in which a BVH's skeleton lies."""
_OFFSET: Final = re.compile(rb"OFFSET\s+(\S+)\s+(\S+)\s+(\S+)")
_FEWEST: Final = 3
"""Files of an actor, most of which are taken to be theirs."""
_ALIKE: Final = 0.01
"""Of the longest bone, by which files of one actor differ at most."""


def bone_lengths(path: Path) -> NDArray[np.float64]:
    """Return the lengths of a BVH file's bones in its own unit and order; none of one that can't be read.

    Raises:
        DuologueError: what ``read_head`` raises.
    """
    head = read_head(path, _HEADER).partition(b"MOTION")[0]
    try:
        offsets = np.array(_OFFSET.findall(head), "S32").astype(np.float64).reshape(-1, 3)
    except ValueError:
        return np.zeros(0)
    return np.linalg.norm(offsets[1:], axis=-1)  # the root's is a place


def others_bones(files: Mapping[str, tuple[str, NDArray[np.float64]]]) -> list[Problem]:
    """Return the files (name: actor, bones) whose bones are not their actor's but another's.

    An actor's are the median of at least three files. Where all have one skeleton nothing is told.
    """
    of_actor = defaultdict[str, list[NDArray[np.float64]]](list)
    for actor, bones in files.values():
        of_actor[actor].append(bones)
    usual = {
        actor: np.median(np.stack(found), axis=0)
        for actor, found in of_actor.items()
        if len(found) >= _FEWEST and len({len(bones) for bones in found}) == 1
    }

    def alike(bones: NDArray[np.float64], actor: str) -> bool:
        own = usual[actor]
        return len(own) == len(bones) and float(np.abs(bones - own).max(initial=0.0)) < _ALIKE * float(
            own.max(initial=0.0)
        )

    found: list[Problem] = []
    for file, (actor, bones) in files.items():
        if actor in usual and not alike(bones, actor):
            others = [other for other in usual if other != actor and alike(bones, other)]
            if others:
                told = f"its bones are those of {' or '.join(others)} in the other files, not of {actor}: were two names swapped?"
                found.append(Problem(file, "actor-bones", told))
    return found
