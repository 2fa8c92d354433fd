"""SMPL-H and SMPL-X motion on our skeletons: exactly on the person's own, by retargeting on any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.motion.bvh import BvhClip
from duologue.motion.resampling import resample
from duologue.motion.rotations import matrix_to_quat, quat_conjugate, quat_multiply, quat_slerp, quat_to_exp, unroll_exp
from duologue.motion.skeleton import Skeleton, forward_kinematics
from duologue.rigs.clips import retarget_clip
from duologue.smpl.joints import Kind, adult, words
from duologue.smpl.model import BodyModel
from duologue.smpl.parameters import BodyParameters
from duologue.units import FPS

Array = NDArray[np.float64]

_SPINE: Final = {"Spine": "spine1", "Spine1": "spine2", "Spine3": "spine3", "Neck": "neck", "Head": "head"}
"""duologue60 has four joints in the spine and two in the neck, SMPL three and one. Those between do not turn."""
_BETWEEN: Final = {"Spine2": ("Spine1", "Spine3"), "Neck1": ("Neck", "Head")}
_MIDWAY: Final = {"spine2": ("Spine1", "Spine2"), "neck": ("Neck", "Neck1")}
_METACARPALS: Final = ("Index", "Ring", "Pinky")
_PALM: Final = 0.25
"""Of the way from wrist to knuckle: where a metacarpal is put. It does not turn, so it makes no difference."""


@dataclass(frozen=True, eq=False)
class Motion:
    """A person's motion on a skeleton of duologue60's names that has that person's bones: T frames at ``fps``.

    ``root`` (T, 3) metres, world, Y up; ``rotations`` (T, 60, 3) exponential maps, parent-local. ``exact``: joints are where the
    model has them; without a model file the bones are our adult's. ``notes``: what is only approximate, for people.
    """

    skeleton: Skeleton
    root: Array
    rotations: Array
    fps: float
    exact: bool
    notes: tuple[str, ...] = ()


def model_skeleton(parameters: BodyParameters, model: BodyModel | None) -> Skeleton:
    """Return the person's skeleton by the model's joint names, soles at y = 0; our adult's where there is no model.

    Raises:
        DuologueError: INVALID_ARGUMENT ``smpl-kind`` for a model of the other kind; ``smpl-betas``.
    """
    if model is None:
        return adult(parameters.kind)
    if model.kind != parameters.kind:
        raise invalid(
            "smpl-kind", f"the motion is {parameters.kind}'s and the model file {model.kind}'s; give the other file"
        )
    return model.skeleton(parameters.betas)


def in_our_joints(theirs: Skeleton) -> Skeleton:
    """Return a skeleton of the model's joint names as one of duologue60's, the bones being the same."""
    ours = Skeleton.builtin("duologue60")
    rest = dict(zip(theirs.names, theirs.rest_positions, strict=True))
    places = {word: rest[name] for word, name in shared_joints().items()}
    for joint, (below, above) in _BETWEEN.items():
        places[joint] = 0.5 * (places[below] + places[above])
    for side in ("Left", "Right"):
        for finger in _METACARPALS:
            wrist, knuckle = places[f"{side}Hand"], places[f"{side}Hand{finger}1"]
            places[f"{side}Hand{finger}"] = wrist + _PALM * (knuckle - wrist)
    at = np.array([places[name] for name in ours.names])
    offsets = at - at[list(ours.parents)]
    offsets[0] = at[0]
    tips = {theirs.names[joint]: offset for joint, offset in theirs.ends}
    ends = tuple((joint, tips[shared_joints()[ours.names[joint]]]) for joint, _ in ours.ends)
    return Skeleton(ours.names, ours.parents, offsets, ends, "duologue60")


def to_motion(parameters: BodyParameters, model: BodyModel | None = None) -> Motion:
    """Return the motion on the person's own skeleton of duologue60's names, Y up, at its own frame rate.

    With a model every joint that both have is where the model's forward pass puts it: both rest poses' joint frames are the
    world's, so rotations are carried over as they are. An expression, which moves joints of the head a little, is left out.

    Raises:
        DuologueError: what :func:`model_skeleton` raises.
    """
    skeleton = in_our_joints(model_skeleton(parameters, model))
    standing, notes = _standing(parameters, model)
    names = shared_joints()
    index = adult(parameters.kind)
    rotations = np.zeros((len(parameters), len(skeleton), 3))
    ours = [skeleton.index(word) for word in names]
    rotations[:, ours] = standing.poses[:, [index.index(name) for name in names.values()]]
    return Motion(
        skeleton, _pelvis(parameters, model) + standing.trans, rotations, parameters.fps, model is not None, notes
    )


def onto(
    parameters: BodyParameters,
    skeleton: Skeleton,
    model: BodyModel | None = None,
    *,
    find_floor: bool = True,
    floor_scale: float | None = None,
) -> tuple[Array, Array]:
    """Bring the motion onto any skeleton of duologue60's names, at 30 fps: world hips (T', 3) and exponential maps (T', K, 3).

    ``find_floor`` and ``floor_scale`` are :func:`duologue.rigs.clips.retarget_clip`'s; two people who share a world need one
    scale, and people who stand on y = 0 no search for the floor. Joints that the model doesn't have follow the one below them.

    Raises:
        DuologueError: what :func:`model_skeleton` raises.
    """
    motion = to_motion(parameters, model)
    rotations, root = retarget_clip(
        motion.skeleton,
        motion.rotations,
        motion.root,
        {name: name for name in motion.skeleton.names},
        skeleton,
        find_floor=find_floor,
        floor_scale=floor_scale,
    )
    clip = BvhClip(skeleton, np.asarray(rotations, np.float64), np.asarray(root, np.float64), parameters.fps)
    resampled = resample(clip, FPS)
    return resampled.root_translation, resampled.rotations


def _standing(parameters: BodyParameters, model: BodyModel | None) -> tuple[BodyParameters, tuple[str, ...]]:
    """Return the parameters with Y up and fingers from the flat hand, and what could not be known."""
    notes: list[str] = []
    if model is None:
        notes.append("no model file: bones have our adult's proportions, and trans is taken for the pelvis's place")
        if parameters.hands_from_mean:
            notes.append("no model file: fingers are counted from the model's mean hand, which is not known")
    else:
        parameters = parameters.flat(model.mean_hands)
    return parameters.upright(_pelvis(parameters, model)), tuple(notes)


def _pelvis(parameters: BodyParameters, model: BodyModel | None) -> Array:
    """Return where the model's pelvis rests (3,): its ``trans`` is counted from there."""
    return np.zeros(3) if model is None else model.rest_joints(parameters.betas)[0]


def to_poses(skeleton: Skeleton, rotations: Array, kind: Kind) -> Array:
    """Return the model's poses (T, 52 or 55, 3) of motion on a skeleton of duologue60's names: what :func:`to_motion` undoes.

    A joint of the model's that stands for two of ours takes the rotation midway, so that the bone over both points where theirs
    lead together; jaw and eyes stay at rest.

    Args:
        skeleton: K joints; its bones matter only by their names.
        rotations: (T, K, 3) exponential maps, parent-local.
        kind: which model.
    """
    turns, _ = forward_kinematics(skeleton, rotations, np.zeros((len(rotations), 3)))
    world = {name: matrix_to_quat(turns[:, skeleton.index(word)]) for word, name in shared_joints().items()}
    for name, pair in _MIDWAY.items():
        first, second = (matrix_to_quat(turns[:, skeleton.index(word)]) for word in pair)
        world[name] = quat_slerp(first, second, np.full(len(rotations), 0.5))
    tree = adult(kind)
    poses = np.zeros((len(rotations), len(tree), 3))
    for joint, (name, parent) in enumerate(zip(tree.names, tree.parents, strict=True)):
        if name in world:
            above = world[tree.names[parent]] if parent >= 0 else np.array([1.0, 0.0, 0.0, 0.0])
            poses[:, joint] = quat_to_exp(quat_multiply(quat_conjugate(above), world[name]))
    return unroll_exp(poses)


def shared_joints() -> dict[str, str]:
    """Return duologue60's name -> the model's, for the joints that both have."""
    limbs = {word: name for name, word in words("smplh").items() if not word.startswith(("Spine", "Neck"))}
    return limbs | _SPINE
