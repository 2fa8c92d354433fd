"""Where the skin of people who touch is, frame by frame: posed, answering, pressed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Actor, Array, Pose
from duologue.interactions.contact_keys import ContactKeys
from duologue.interactions.give_way import linear_parts
from duologue.interactions.solved import Solved
from duologue.motion.rotations import einsum


def posed(actor: Actor, vertices: NDArray[np.int64], rows: NDArray[np.int64], keys: ContactKeys | None = None) -> Array:
    """Return where vertices (n,) of an actor are in some frames: (rows, n, 3), with what its face gives way by."""
    pose = part_of_pose(actor.pose, rows)
    skinning = np.asarray(pose.skinning(), np.float64)
    mesh = actor.character.mesh
    found = mesh.pose(skinning, {name: values[rows] for name, values in actor.weights.items()}, vertices)
    if keys is None or not len(keys):
        return found
    place = np.full(len(mesh.vertices), -1)
    place[vertices] = np.arange(len(vertices))
    moved = place[keys.vertices]
    there = moved >= 0
    offsets = np.asarray(einsum("tk,kmi->tmi", keys.values[rows], keys.deltas[:, there]))
    found[:, moved[there]] += einsum("tnij,tnj->tni", linear_parts(mesh, skinning, keys.vertices[there]), offsets)
    return found


def part_of_pose(pose: Pose, rows: NDArray[np.int64]) -> Pose:
    """Return a copy of some frames (n,) of a pose."""
    return Pose(pose.character, pose.turns[rows], pose.heads[rows])


def answered(actor: Actor, solved: Solved, who: int, seconds: Array) -> Actor:
    """Return an actor whose face answers a touch; ``who``: 0 for A, 1 for B; ``seconds`` (T,) of the actor's frames."""
    gains: Mapping[str, Array] = solved.answers.get(who, {})
    weights = dict(actor.weights)
    rows = np.searchsorted(seconds, solved.seconds)
    for name, values in gains.items():
        whole = np.array(weights.get(name, np.zeros(len(actor))), np.float64)
        whole[rows] = np.clip(whole[rows] + values, 0.0, 1.0)
        weights[name] = whole
    return Actor(actor.character, actor.pose, weights)
