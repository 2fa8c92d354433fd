"""BVH files of any skeleton, brought onto ours at 30 fps: the reader that every motion data set here goes through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.readers.upright import upright
from duologue.errors import invalid
from duologue.motion.bvh import BvhClip, read_bvh
from duologue.motion.resampling import resample
from duologue.motion.skeleton import Skeleton
from duologue.rigs.body import leg_length, rest_points
from duologue.rigs.clips import retarget_clip
from duologue.rigs.rig_map import RigMap
from duologue.units import FPS

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
    a frame; ``rest_of_walk`` works the rest pose out from a straight walk. Without a rig map, one is found by the joints' names.

    Raises:
        DuologueError: what ``read_bvh``, ``find_rig_map`` and ``retarget_clip`` raise.
    """
    clip = read_bvh(path, scale)
    return _retarget(
        clip,
        _joint_map(clip, str(path), rig_map),
        skeleton,
        skip=skip,
        rest_frame=rest_frame,
        rest_of_walk=rest_of_walk,
    )


def read_pair(paths: tuple[Path, Path], skeleton: Skeleton, *, scale: float | None = None) -> list[tuple[Array, Array]]:
    """Read two people who share a world: as ``read_motion``, but with one scale of the floor for both.

    Raises:
        DuologueError: what ``read_motion`` and ``on_one_floor`` raise.
    """
    a, b = (read_bvh(path, scale) for path in paths)
    return on_one_floor((a, b), (str(paths[0]), str(paths[1])), skeleton)


def on_one_floor(
    clips: tuple[BvhClip, BvhClip], names: tuple[str, str], skeleton: Skeleton
) -> list[tuple[Array, Array]]:
    """Return two people's clips on our skeleton at 30 fps and Y up, in the world that they share.

    Each alone would have their path scaled by their own legs, and the two would drift apart or into each other.

    Raises:
        DuologueError: what ``find_rig_map`` raises; INVALID_ARGUMENT ``pair-lengths`` when one is more than a second longer.
    """
    maps = [_joint_map(clip, name, None) for clip, name in zip(clips, names, strict=True)]
    clips = (upright(clips[0], maps[0]), upright(clips[1], maps[1]))
    own = leg_length(rest_points(skeleton, {name: name for name in skeleton.names}))
    ratios = [
        own / leg_length(rest_points(clip.skeleton, {joint: bone for bone, joint in names.items()}))
        for clip, names in zip(clips, maps, strict=True)
    ]
    both = [
        _retarget(clip, joints, skeleton, floor_scale=sum(ratios) / 2) for clip, joints in zip(clips, maps, strict=True)
    ]
    lengths = [len(root) for root, _ in both]
    if abs(lengths[0] - lengths[1]) > FPS:
        raise invalid(
            "pair-lengths",
            f"{names[0]} has {lengths[0]} frames at 30 fps and {names[1]} {lengths[1]}: these are not one scene.",
        )
    return [(root[: min(lengths)], rotations[: min(lengths)]) for root, rotations in both]


def on_skeleton(clip: BvhClip, name: str, skeleton: Skeleton) -> tuple[Array, Array]:
    """Return one person's clip on our skeleton at 30 fps and Y up.

    Raises:
        DuologueError: what ``find_rig_map`` and ``retarget_clip`` raise.
    """
    joints = _joint_map(clip, name, None)
    return _retarget(upright(clip, joints), joints, skeleton)


def _joint_map(clip: BvhClip, name: str, rig_map: RigMap | None) -> dict[str, str]:
    match = (rig_map or find_rig_map(clip, name)).bind(clip.skeleton.names)
    return {bone: joint for joint, bone in match.bones.items()}


def _retarget(
    clip: BvhClip,
    joint_map: dict[str, str],
    skeleton: Skeleton,
    *,
    skip: int = 0,
    rest_frame: int | None = None,
    rest_of_walk: bool = False,
    floor_scale: float | None = None,
) -> tuple[Array, Array]:
    rotations, root = retarget_clip(
        clip.skeleton,
        clip.rotations,
        clip.root_translation,
        joint_map,
        skeleton,
        translations=clip.translations,
        rest_frame=rest_frame,
        rest_of_walk=rest_of_walk,
        floor_scale=floor_scale,
    )
    clip = BvhClip(skeleton, np.asarray(rotations, np.float64)[skip:], np.asarray(root, np.float64)[skip:], clip.fps)
    resampled = resample(clip, FPS)
    return resampled.root_translation, resampled.rotations
