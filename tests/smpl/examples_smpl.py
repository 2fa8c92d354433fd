"""A small body model with the keys of the released NPZ files: capsules along the bones, small cubes at the joints.

Its joints are exactly the cubes' middles, its shapes are linear fields over the whole body, its expressions move the head alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from duologue.motion.skeleton import Skeleton
from duologue.smpl import BodyParameters
from duologue.smpl.joints import Kind, adult
from duologue.take import Take, Track
from numpy.typing import NDArray

_CUBE = 0.004
_RADII = {
    "pelvis": 0.09,
    "spine1": 0.1,
    "spine2": 0.11,
    "spine3": 0.1,
    "head": 0.08,
    "neck": 0.05,
    "hip": 0.07,
    "knee": 0.05,
}
PELVIS = np.array([0.003, -0.35, 0.012])
"""Where the released models' pelvis is, about: not at the origin, which is what can go wrong."""


def arrays_of(kind: Kind, shapes: int = 10, expressions: int = 10, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return the arrays of a model; SMPL-X's ``shapedirs`` have ``shapes`` and then ``expressions`` columns."""
    rng = np.random.default_rng(seed)
    tree = adult(kind)
    joints = tree.rest_positions - tree.rest_positions[0] + PELVIS
    meshes, owners = [], []
    for joint, (name, place) in enumerate(zip(tree.names, joints, strict=True)):
        meshes.append(trimesh.creation.box((_CUBE,) * 3).apply_translation(place))
        owners.append(joint)
        for child in (k for k, parent in enumerate(tree.parents) if parent == joint):
            meshes.append(_limb(place, joints[child], _radius(name)))
            owners.append(joint)
    for joint, tip in tree.ends:
        meshes.append(_limb(joints[joint], joints[joint] + tip, _radius(tree.names[joint])))
        owners.append(joint)
    body = trimesh.util.concatenate(meshes)
    owner = np.repeat(owners, [len(mesh.vertices) for mesh in meshes])
    vertices, count = np.asarray(body.vertices), len(tree)
    weights = np.zeros((len(vertices), count))
    weights[np.arange(len(vertices)), owner] = 0.8
    weights[np.arange(len(vertices)), np.maximum(np.array(tree.parents)[owner], 0)] += 0.2
    regressor = np.zeros((count, len(vertices)))
    for joint in range(count):
        at = int(np.flatnonzero(owner == joint)[0])  # a joint's cube is its first mesh
        regressor[joint, at : at + 8] = 1 / 8
    directions = [vertices @ rng.normal(0, 0.02, (3, 3)) for _ in range(shapes)]
    on_head = (owner == tree.index("head"))[:, None]
    if kind == "smplx":
        directions += [on_head * rng.normal(0, 0.002, vertices.shape) for _ in range(expressions)]
    faces = np.asarray(body.faces)
    arrays: dict[str, NDArray[Any]] = {
        "v_template": vertices,
        "f": faces.astype(np.uint32),
        "weights": weights,
        "J_regressor": regressor,
        "kintree_table": np.array([[2**32 - 1, *tree.parents[1:]], range(count)], np.uint32),
        "shapedirs": np.stack(directions, axis=-1),
        "posedirs": rng.normal(0, 0.001, (len(vertices), 3, 9 * (count - 1))).astype(np.float32),
        "hands_meanl": rng.normal(0, 0.2, 45),
        "hands_meanr": rng.normal(0, 0.2, 45),
        "hands_componentsl": np.eye(45),
        "hands_componentsr": np.eye(45),
    }
    if kind == "smplx":
        arrays |= {
            "lmk_faces_idx": np.flatnonzero((owner[faces] == tree.index("head")).all(axis=1))[:51],
            "lmk_bary_coords": np.full((51, 3), 1 / 3),
            "part2num": np.array({"global": 0}, dtype=object),  # pickled in the released files: may never be opened
        }
    return arrays


def write_model(path: Path, kind: Kind = "smplx", **options: int) -> Path:
    np.savez(path, **arrays_of(kind, **options), allow_pickle=True)
    return path


def _limb(start: NDArray[np.float64], end: NDArray[np.float64], radius: float) -> trimesh.Trimesh:
    along = end - start
    length = float(np.linalg.norm(along))
    mesh = trimesh.creation.capsule(length, min(radius, 0.8 * length + 0.004), count=[6, 6])
    turn: NDArray[np.float64] = np.asarray(trimesh.geometry.align_vectors([0, 0, 1], along / length))
    turn[:3, 3] = start
    return mesh.apply_transform(turn)


def _radius(name: str) -> float:
    usual = 0.008 if name[-1] in "123" else 0.03
    return next((radius for part, radius in _RADII.items() if name.endswith(part)), usual)


def parameters(joints: int, frames: int = 3, **options: Any) -> BodyParameters:
    """Return somebody's random motion: poses, places and shape."""
    rng = np.random.default_rng(0)
    return BodyParameters(
        rng.normal(0, 0.5, (frames, joints, 3)), rng.normal(0, 1, (frames, 3)), 30.0, rng.normal(0, 1, 10), **options
    )


def some_take(frames: int = 40) -> Take:
    """Two people who bend everything a little, a metre and a half apart, with moving faces."""
    ours, rng = Skeleton.builtin("duologue60"), np.random.default_rng(3)
    t = np.arange(frames) / 30
    tracks: list[Track] = []
    for side in (-1, 1):
        phase, rate = rng.uniform(0, 6, (60, 3)), rng.uniform(0.5, 3, (60, 3))
        rotations = 0.25 * np.sin(t[:, None, None] * rate + phase)
        # As trunks move: neighbours in spine and neck bend alike, which is all that fewer joints can keep.
        for joint, below in (("Spine1", "Spine"), ("Spine2", "Spine"), ("Spine3", "Spine"), ("Neck1", "Neck")):
            rotations[:, ours.index(joint)] = 0.5 * rotations[:, ours.index(below)]
        palms = [side + "Hand" + finger for side in ("Left", "Right") for finger in ("Index", "Ring", "Pinky")]
        rotations[:, ours.indices(*palms)] = 0  # SMPL has no bones in the palm
        rotations[:, 0] = [0, -side * np.pi / 2, 0]
        root = np.stack([0.75 * side + 0.05 * np.sin(t), 0.93 + 0 * t, 0.05 * np.cos(t)], axis=1)
        weights = 0.5 + 0.5 * np.sin(t[:, None] * rng.uniform(1, 5, 52) + rng.uniform(0, 6, 52))
        facing, actions = np.ones(frames, np.bool_), np.zeros(frames, np.uint8)
        tracks.append(
            Track(root.astype(np.float32), rotations.astype(np.float32), weights.astype(np.float32), facing, actions)
        )
    return Take(ours, (tracks[0], tracks[1]))
