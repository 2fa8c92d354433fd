"""BVH files of any skeleton, brought onto ours at 30 fps: the reader that every motion data set here goes through."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.motion.bvh import BvhClip, read_bvh
from duologue.motion.resampling import resample
from duologue.motion.skeleton import Skeleton
from duologue.rigs.clips import retarget_clip
from duologue.rigs.rig_map import RigMap
from duologue.take import FPS

Array = NDArray[np.float64]


def find_rig_map(clip: BvhClip, where: str) -> RigMap:
    """Return the rig map whose names fit a clip's skeleton best.

    Raises:
        DuologueError: INVALID_ARGUMENT ``skeleton-unknown``, saying which joints are missing for the nearest map.
    """
    matches = [RigMap.builtin(name).bind(clip.skeleton.names) for name in RigMap.names()]
    best = max(matches, key=lambda match: match.score)
    if not best.usable:
        raise invalid(
            "skeleton-unknown",
            f"{where}: no rig map fits its joints; the nearest, {best.rig_map.name}, lacks "
            f"{', '.join(best.required_missing)}. Write a rig map for it (docs: rig maps).",
        )
    return best.rig_map


def read_motion(
    path: Path,
    skeleton: Skeleton,
    rig_map: RigMap | None = None,
    *,
    scale: float | None = None,
    skip: int = 0,
    rest_frame: int | None = None,
    rest_of_walk: bool = False,
) -> tuple[Array, Array]:
    """Read one BVH file as world hips (T, 3) in metres and exponential maps (T, J, 3) of ``skeleton`` at 30 fps.

    ``skip`` leaves out frames at the start (at the file's own rate), as of a T-pose set before the motion; ``rest_frame`` is such
    a frame. The rig map is found by the joints' names unless it is given.

    Raises:
        DuologueError: what ``read_bvh``, ``find_rig_map`` and ``retarget_clip`` raise.
    """
    clip = read_bvh(path, scale)
    match = (rig_map or find_rig_map(clip, str(path))).bind(clip.skeleton.names)
    rotations, root = retarget_clip(
        clip.skeleton,
        clip.rotations,
        clip.root_translation,
        {bone: joint for joint, bone in match.bones.items()},
        skeleton,
        translations=clip.translations,
        rest_frame=rest_frame,
        rest_of_walk=rest_of_walk,
    )
    made = BvhClip(skeleton, np.asarray(rotations, np.float64)[skip:], np.asarray(root, np.float64)[skip:], clip.fps)
    made = resample(made, FPS)
    return made.root_translation, made.rotations


def read_folder(folder: Path, skeleton: Skeleton, pattern: str = "**/*.bvh") -> Iterator[tuple[str, Array, Array]]:
    """Yield name, hips (T, 3) and rotations (T, J, 3) of every BVH file under ``folder``, in the order of their names.

    Raises:
        DuologueError: NOT_FOUND ``no-motion`` when there is none; what ``read_motion`` raises, naming the file.
    """
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise DuologueError("NOT_FOUND", "no-motion", f"no file {pattern} in {folder}.")
    for path in paths:
        yield (path.relative_to(folder).as_posix(), *read_motion(path, skeleton))
