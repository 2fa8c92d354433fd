"""A take's performers as SMPL-X parameters: bodies by retargeting onto the model, faces by ``smpl.face``."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from duologue.labels import PERFORMERS
from duologue.motion.skeleton import Skeleton
from duologue.rigs.clips import retarget_clip
from duologue.smpl.face import face_of
from duologue.smpl.joints import FACE, adult, words
from duologue.smpl.model import BodyModel
from duologue.smpl.motion import in_our_joints, to_poses
from duologue.smpl.parameters import BodyParameters
from duologue.take import Take

Array = NDArray[np.float64]

_BONES: Final = (
    ("Hips", "Neck"), ("Neck", "Head"), ("LeftArm", "RightArm"), ("LeftUpLeg", "RightUpLeg"),
    *(
        (side + bone, side + end)
        for side in ("Left", "Right")
        for bone, end in (
            ("UpLeg", "Leg"), ("Leg", "Foot"), ("Foot", "ToeBase"), ("Arm", "ForeArm"), ("ForeArm", "Hand"),
            ("Hand", "HandMiddle1"),
        )
    ),
)  # fmt: skip
_SHAPES: Final = 10
"""Shape coefficients that are fitted: those that every release of the model has."""
_EXACT: Final = 0.005
"""Metres by which a bone may miss at one standard deviation of shape: coefficients are unit normal over people."""


def fitted_betas(model: BodyModel, skeleton: Skeleton) -> Array:
    """Return the shape (10,) whose bones are as long as a skeleton's of duologue60's names: min |lengths - ours|² / s² + |b|².

    Joints are linear in the shape, bones' lengths nearly so.
    """
    count = min(_SHAPES, model.shape_directions.shape[-1])
    names = {word: joint for joint, word in words(model.kind).items()}
    ends = np.array([[model.tree.index(names[word]) for word in bone] for bone in _BONES])
    rest = model.rest_joints(np.zeros(0))
    directions = np.einsum("jv,vcs->jcs", model.regressor, model.shape_directions[..., :count])
    ours = np.array([[skeleton.rest_positions[skeleton.index(word)] for word in bone] for bone in _BONES])
    wanted = np.linalg.norm(ours[:, 1] - ours[:, 0], axis=-1)

    def misses(betas: Array) -> Array:
        joints = rest + directions @ betas
        lengths = np.linalg.norm(joints[ends[:, 1]] - joints[ends[:, 0]], axis=-1)
        return np.concatenate([(lengths - wanted) / _EXACT, betas])

    return np.asarray(least_squares(misses, np.zeros(count)).x, np.float64)


def parameters_of(take: Take, performer: str, model: BodyModel | None = None) -> tuple[BodyParameters, tuple[str, ...]]:
    """Return a performer as SMPL-X parameters, Y up, fingers from the flat hand, and notes on what had to be left out.

    Both performers keep the world they share: nothing is scaled over the floor. Without a model file bones are our adult's and
    ``trans`` is the pelvis's place itself.

    Raises:
        DuologueError: what ``retarget_clip`` raises.
    """
    betas = np.zeros(0) if model is None else fitted_betas(model, take.skeleton)
    skeleton = adult("smplx") if model is None else model.skeleton(betas)
    track = take.tracks[PERFORMERS.index(performer)]
    own = in_our_joints(skeleton)
    rotations, root = retarget_clip(
        take.skeleton,
        track.rotations.astype(np.float64),
        track.root_translation.astype(np.float64),
        {name: name for name in take.skeleton.names},
        own,
        find_floor=False,
        floor_scale=1.0,
    )
    poses = to_poses(own, np.asarray(rotations, np.float64), "smplx")
    face = face_of(track.weights, model)
    for name, turns in zip(FACE, (face.jaw, face.left_eye, face.right_eye), strict=True):
        poses[:, skeleton.index(name)] = turns
    pelvis = np.zeros(3) if model is None else model.rest_joints(betas)[0]
    parameters = BodyParameters(poses, np.asarray(root, np.float64) - pelvis, float(take.fps), betas)
    return replace(parameters, expression=face.expression), _notes(model, face.expression is not None)


def _notes(model: BodyModel | None, expression: bool) -> tuple[str, ...]:
    notes: list[str] = []
    if model is None:
        notes.append(
            "no model file: betas are empty, bones our adult's, and trans is where the pelvis is; give --model to have both right"
        )
        notes.append(
            "no model file: fingers are counted from a flat hand in BEAT2's layout too, which has the model's mean hand"
        )
    if not expression:
        why = "no model file" if model is None else "the model file has no expression directions or landmarks"
        notes.append(f"{why}: the face is jaw and eyes only, without expression")
    return tuple(notes)
