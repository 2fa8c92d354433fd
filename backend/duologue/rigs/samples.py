"""The sample characters as arrays: armature, rig map and surface, from ``rigs/characters/*.safetensors``, without Blender."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from duologue.files.folders import rigs_folder
from duologue.motion.rotations import exp_to_quat, quat_between, quat_multiply, quat_to_matrix
from duologue.rigs.armature import Armature
from duologue.rigs.rig_map import RigMap, RigMatch
from duologue.rigs.skinned import SkinnedMesh, triangulate

SAMPLES: Final = ("ada", "ben")
"""Who plays A and who plays B when the user has no characters."""

_TO_BLENDER: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Bones have Blender's own rest axes, so that what is worked out here fits the armature that the add-on builds."""
_SHAPE: Final = "shape/"


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample character."""

    armature: Armature
    match: RigMatch
    mesh: SkinnedMesh
    colours: NDArray[np.float64]
    """(materials, 3): linear RGB in [0, 1], in the order of ``mesh.materials``."""


def load_sample(name_or_path: str | Path) -> Sample:
    """Read a sample character, ``ada`` or ``ben``, or a file of that format.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``; DATA_LOSS ``tensors-malformed`` or ``character-malformed``.
    """
    known = name_or_path in SAMPLES
    path = rigs_folder() / "characters" / f"{name_or_path}.safetensors" if known else Path(name_or_path)
    arrays, metadata = tensors.load(path)
    try:
        about = json.loads(metadata["character"])
        armature = _armature(about["bones"])
        mesh = _mesh(arrays, about)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DuologueError(
            "DATA_LOSS", "character-malformed", f"{path} is not a character, or a damaged one ({error}); install again"
        ) from error
    match = RigMap.builtin(about["rig_map"]).bind(armature.names)
    return Sample(armature, match, mesh, np.array([material["color"] for material in about["materials"]]))


def _armature(bones: Sequence[Mapping[str, Any]]) -> Armature:
    names = tuple(bone["name"] for bone in bones)
    heads, tails = (np.array([bone[end] for bone in bones], np.float64) @ _TO_BLENDER.T for end in ("head", "tail"))
    rest = np.tile(np.eye(4), (len(bones), 1, 1))
    rest[:, :3, :3] = quat_to_matrix(_bone_turns(tails - heads, np.array([bone.get("roll", 0.0) for bone in bones])))
    rest[:, :3, 3] = heads
    world = np.eye(4)
    world[:3, :3] = _TO_BLENDER.T
    parents = tuple(-1 if bone["parent"] is None else names.index(bone["parent"]) for bone in bones)
    return Armature(names, parents, rest, world)


def _bone_turns(directions: NDArray[np.float64], rolls: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rest rotation (B, 4) of Blender's bones: the shortest turn of +Y into the bone, then the roll about it."""
    along = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    swing = quat_between(np.broadcast_to([0.0, 1.0, 0.0], along.shape), along)
    return np.asarray(quat_multiply(exp_to_quat(rolls[:, None] * along), swing), np.float64)


def _mesh(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> SkinnedMesh:
    triangles, polygon = triangulate(arrays["faces"])
    weights = arrays["joint_weights"].astype(np.float64)
    names = [key.removeprefix(_SHAPE).removesuffix("/index") for key in arrays if key.endswith("/index")]
    shapes = {
        name: (arrays[f"{_SHAPE}{name}/index"].astype(np.int64), arrays[f"{_SHAPE}{name}/delta"].astype(np.float64))
        for name in sorted(names)
    }
    return SkinnedMesh(
        arrays["positions"].astype(np.float64),
        triangles,
        arrays["joints"].astype(np.int64),
        weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9),
        shapes,
        arrays["face_material"][polygon].astype(np.int64),
        tuple(material["name"] for material in about["materials"]),
        name=about["name"],
    )
