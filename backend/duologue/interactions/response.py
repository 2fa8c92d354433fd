"""How people answer: the touched one blinks and yields, by who touches and in which mood; whoever touches looks there first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief import Brief
from duologue.brief.interactions import Interaction
from duologue.easing import minimum_jerk
from duologue.interactions.actor import UP, Actor, Array, Pose
from duologue.interactions.event import Phases
from duologue.interactions.landmarks import Landmark
from duologue.labels import EMOTIONS, PERFORMERS
from duologue.motion.rotations import einsum, exp_to_matrix
from duologue.rigs.eyes import LOOKS, REACH
from duologue.rigs.joints import SIDES
from duologue.units import FPS

YIELD: Final = np.radians(2.0)
"""How far a head gives way to a finger, in between strangers and friends."""
_GIVES: Final = 0.22
_RETURNS: Final = 0.45
"""Seconds in which a head gives way, and comes back."""

_CLOSE: Final = {
    "romantic partners": 0.3, "siblings": 0.6, "parent / child": 0.5, "grandparent / child": 0.5, "childhood friends": 0.7,
    "friends with similar hobbies": 0.9, "cousins": 0.8, "strangers": 1.6, "boss / subordinate": 1.5, "bully / classmate": 2.0,
    "principal / student": 1.5, "waiter / diner": 1.5,
}  # fmt: skip
_MOODS: Final = {
    "fear": 2.0, "horror": 2.2, "disgust": 2.2, "anxiety": 1.6, "anger": 1.8, "awkwardness": 1.4, "pain": 1.8, "surprise": 1.5,
    "romance": -1.0, "adoration": -0.8, "calmness": 1.0, "joy": 0.7, "relief": 0.6, "sadness": 0.8,
}  # fmt: skip
"""Of ``YIELD``; negative: into the hand."""

_BLINK: Final = {"nose": 0.95, "forehead": 0.9, "cheek": 0.8, "lips": 0.5, "chin": 0.35, "ear": 0.35}
EARLIER: Final = 0.3
"""Seconds by which eyes set out before the hand."""
AFTER: Final = 0.9
"""Seconds after the touch in which they are back."""
GLANCE: Final = (0.1, 1.3)
"""Seconds after a touch on shoulder or back between which whoever is touched looks round."""
_TRUNK: Final = 0.5
"""Of what a head gives way, how much a trunk does."""
_HEAD_SHARE: Final = 0.4
_HEAD_MOST: Final = np.radians(15.0)


def temper(brief: Brief, interaction: Interaction) -> float:
    """Return how much of ``YIELD`` the touched one gives way, by the relationship and what they feel then; own hands: none."""
    if interaction.touched == interaction.performer:
        return 0.0
    frame = round(interaction.seconds * FPS)
    feeling = brief.frame_emotions(frame + 1)[PERFORMERS.index(interaction.touched), frame]
    mood = _MOODS.get(EMOTIONS[int(feeling)], 1.0)
    return mood * (_CLOSE.get(brief.relationship, 1.0) if mood > 0 else 1.0)


def give_way(pose: Pose, landmark: Landmark, phases: Phases, seconds: Array, share: float) -> None:
    """Turn a head, or the trunk of a touched shoulder, away from what pushes it (in ``pose``), by ``share`` of ``YIELD``."""
    character = pose.character
    face = phases.pattern.on_face
    bones = character.neck() if face else character.spine()
    root = character.joint["Head"] if face else bones[0]
    lever = landmark.centre - character.rest[root, :3, 3]
    axis = np.cross(lever, -landmark.frame[:, 2])
    axis = pose.turn_of("Head" if face else character.chest) @ (axis / max(float(np.linalg.norm(axis)), 1e-9))
    come = minimum_jerk((seconds - phases.touches) / _GIVES)
    go = minimum_jerk((phases.releases + _RETURNS - seconds) / _RETURNS)
    angle = share * (YIELD if face else _TRUNK * YIELD) * np.minimum(come, go)
    for bone in bones:
        pose.turn(bone, np.asarray(exp_to_matrix((angle / len(bones))[:, None] * axis)))


def blink(phases: Phases, seconds: Array, side: str) -> dict[str, Array]:
    """Return what a touch adds to the eyes' weights (T,) by ARKit name; ``side`` of the face, empty in the middle."""
    size = _BLINK.get(phases.pattern.landmark, 0.0)
    shut = minimum_jerk((seconds - phases.touches + 0.07) / 0.1)
    opened = minimum_jerk((phases.touches + 0.3 - seconds) / 0.2)
    lids = size * np.minimum(shut, opened)
    held = minimum_jerk((seconds - phases.touches) / 0.15) * minimum_jerk((phases.releases + 0.2 - seconds) / 0.2)
    added = {f"eyeBlink{name}": lids for name in SIDES}
    if phases.pattern.landmark in {"cheek", "nose"}:
        added |= {f"eyeSquint{name}": 0.3 * held for name in SIDES if side in ("", name)}
    return added


def look(
    actor: Actor, pose: Pose, place: Array, window: tuple[float, float], seconds: Array
) -> Mapping[str, NDArray[np.float64]]:
    """Turn a head (in ``pose``) and its eyes towards a place (T, 3) from second ``window[0]`` to ``window[1]``; return what the
    eyes' weights gain (T,)."""
    come = minimum_jerk((seconds - window[0]) / 0.35)
    go = minimum_jerk((window[1] - seconds) / 0.5)
    share = np.minimum(come, go)
    character = actor.character
    axes = np.stack([character.left, UP, character.ahead], axis=-1)

    def wanted() -> Array:
        frame = pose.turn_of("Head") @ axes
        eye = pose.joint("Head") + einsum("tij,j->ti", pose.turn_of("Head"), _eye_offset(actor))
        seen = einsum("tji,tj->ti", frame, place - eye)
        yaw = np.arctan2(seen[:, 0], np.maximum(seen[:, 2], 1e-3))
        pitch = np.arctan2(seen[:, 1], np.hypot(seen[:, 0], seen[:, 2]))
        return np.stack([yaw, pitch], axis=-1)

    turn = np.clip(_HEAD_SHARE * wanted(), -_HEAD_MOST, _HEAD_MOST) * share[:, None]
    neck = character.neck()
    frame = pose.turn_of("Head") @ axes
    spin = turn[:, :1] * frame[..., 1] - turn[:, 1:] * frame[..., 0]
    for bone in neck:
        pose.turn(bone, np.asarray(exp_to_matrix(spin / len(neck))))
    return _eyes(actor, np.degrees(wanted()), share)


def _eye_offset(actor: Actor) -> Array:
    character = actor.character
    moved = [
        character.mesh.shapes[name][0] for name in ("eyeBlinkLeft", "eyeBlinkRight") if name in character.mesh.shapes
    ]
    head = character.rest_point("Head")
    if not moved:
        return 0.05 * character.height * UP + 0.05 * character.height * character.ahead
    return character.mesh.vertices[np.concatenate(moved)].mean(axis=0) - head


def _eyes(actor: Actor, angles: Array, share: Array) -> dict[str, Array]:
    """Return what each eyeLook weight gains (T,) for both eyes to look that far to the left and up (T, 2), degrees."""
    gained: dict[str, Array] = {}
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        out, up = sign * angles[:, 0], angles[:, 1]
        wanted = {"In": -out, "Out": out, "Up": up, "Down": -up}
        for name, direction in zip(LOOKS[side], REACH, strict=True):
            value = np.clip(wanted[direction] / REACH[direction], 0.0, 0.9)
            gained[name] = share * (value - actor.weights.get(name, np.zeros(len(share))))
    return gained
