"""How people answer: the touched one sees the hand, blinks, yields and shows how they take it, by who touches and in which mood;
whoever touches looks there first."""

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

YIELD: Final = np.radians(2.6)
"""How far a head gives way to a finger that pokes it, in between strangers and friends; with what it swings over, 3 degrees."""
_FIRM: Final = 0.002
"""Metres that are pressed by what moves a head that far; what presses less, less."""
_HERTZ: Final = 1.7
_DAMPING: Final = 0.5
"""Of the spring that a neck is: its own frequency, and its damping as a share of the critical; set by eye."""
_RUBBED: Final = 0.4
"""Of a push, how strongly a finger that slides takes the head along…"""
_SLIDES: Final = 0.03
"""…at so many metres a second half as much."""
_SETTLES: Final = 0.8
"""Seconds after the touch in which the head has come to rest."""
_WARY: Final = 1.6
"""Of ``YIELD``, at most, away from the hand or into it."""
_OWN: Final = {"poke": 0.6, "pinch": 0.5, "stroke": 0.5, "swipe": 0.5, "cup": -0.8, "rest": -0.8}
"""Of ``YIELD``, by family: what one's own hand does to the head, and how it leans on it."""

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
_LOWERED: Final = (0.1, 0.4)
"""How far lids are down while a hand is there, of those who neither like it nor not, and of those who do."""
_SEEN: Final = 0.3
"""Seconds after the touch in which eyes leave the hand for whoever it belongs to."""
_DOWN: Final = np.radians(14.0)
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


def usual(interaction: Interaction) -> float:
    """Return how much of ``YIELD`` somebody gives way of whom nothing is known; to own hands, by what is done: a head that rests
    on a hand leans on it."""
    own = interaction.touched == interaction.performer
    return _OWN.get(interaction.pattern.partition("-")[0], 0.0) if own else 1.0


def temper(brief: Brief, interaction: Interaction) -> float:
    """Return how much of ``YIELD`` the touched one gives way, by the relationship and what they feel then."""
    if interaction.touched == interaction.performer:
        return usual(interaction)
    frame = round(interaction.seconds * FPS)
    feeling = brief.frame_emotions(frame + 1)[PERFORMERS.index(interaction.touched), frame]
    mood = _MOODS.get(EMOTIONS[int(feeling)], 1.0)
    return min(mood * (_CLOSE.get(brief.relationship, 1.0) if mood > 0 else 1.0), _WARY)


def give_way(pose: Pose, landmark: Landmark, phases: Phases, seconds: Array, share: float) -> None:
    """Turn a head, or the trunk of a touched shoulder, away from what pushes it and along with what slides over it (in ``pose``),
    by ``share`` of ``YIELD``: as a spring gives way and swings back."""
    character = pose.character
    face = phases.pattern.on_face
    bones = character.neck() if face else character.spine()
    root = character.joint["Head"] if face else bones[0]
    lever = landmark.centre - character.rest[root, :3, 3]
    push = np.cross(lever, -landmark.frame[:, 2])
    push = push / max(float(np.linalg.norm(push)), 1e-9)
    drag = np.cross(lever / max(float(np.linalg.norm(lever)), 1e-9), landmark.frame[:, :2].T)
    pressed = np.clip(phases.depth(seconds, 1.0) / _FIRM, 0.0, 1.0)
    if not face:
        pressed = 0.5 * phases.contact(seconds)
    # Both sides of a pinch press alike: what is left is that the hand draws.
    push = -0.6 * push if phases.pattern.family == "pinch" else push
    torque = pressed[:, None] * (share * push + min(abs(share), 1.0) * _slide(phases, seconds) @ drag)
    rest = minimum_jerk((phases.releases + _SETTLES - seconds) / (0.5 * _SETTLES))
    angle = (YIELD * rest)[:, None] * sprung(torque, seconds)
    turn = einsum("tij,tj->ti", pose.turn_of("Head" if face else character.chest), angle)
    for bone in bones:
        pose.turn(bone, np.asarray(exp_to_matrix(turn / len(bones))))


def _slide(phases: Phases, seconds: Array) -> Array:
    """Return how strongly (T, 2) a hand that slides over the skin takes it along, outwards and up, of a push."""
    path = phases.pattern.path
    if len(path) < 2 or len(seconds) < 2:
        return np.zeros((len(seconds), 2))
    steps = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    along = phases.along(seconds) * steps[-1]
    place = np.stack([np.interp(along, steps, path[:, k]) for k in (0, 1)], axis=-1)
    speed = np.gradient(place, seconds, axis=0)
    return _RUBBED * speed / (np.linalg.norm(speed, axis=-1, keepdims=True) + _SLIDES)


def sprung(force: Array, seconds: Array) -> Array:
    """Return where a spring is (T, n) that rests at first and is drawn to ``force`` (T, n), evenly spaced ``seconds`` (T,).

    The impulse response of a damped oscillator, w exp(-d w t) sin(w' t) / w' with w' = w sqrt(1 - d^2), convolved.
    """
    if len(seconds) < 2:
        return np.zeros(force.shape)
    time = seconds - seconds[0]
    own = 2 * np.pi * _HERTZ
    swings = own * np.sqrt(1 - _DAMPING**2)
    response = np.exp(-_DAMPING * own * time) * np.sin(swings * time)
    response /= max(float(response.sum()), 1e-12)
    return np.stack([np.convolve(column, response)[: len(time)] for column in force.T], axis=-1)


def answer(phases: Phases, seconds: Array, side: str, share: float, *, own: bool) -> dict[str, Array]:
    """Return what a touch adds to the touched one's weights (T,) by ARKit name: a blink, then lids and brows as they take it.

    Args:
        phases: of the touch.
        seconds: (T,).
        side: of the face, empty in the middle.
        share: of ``YIELD`` that they give way by: the less, the more they like it; beyond 1 they don't.
        own: whether it is their own hand, which nobody blinks at for long, but lowers the lids for.
    """
    size = _BLINK.get(phases.pattern.landmark, 0.0)
    shut = minimum_jerk((seconds - phases.touches + 0.07) / 0.1)
    opened = minimum_jerk((phases.touches + 0.3 - seconds) / 0.2)
    lids = size * np.minimum(shut, opened)
    held = minimum_jerk((seconds - phases.touches) / 0.3) * minimum_jerk((phases.releases + 0.4 - seconds) / 0.5)
    start = minimum_jerk((seconds - phases.touches - 0.1) / 0.2) * minimum_jerk((phases.touches + 1.0 - seconds) / 0.5)
    fond = 0.5 if own else float(np.clip((1.0 - share) / 2.0, 0.0, 1.0))
    alarmed = 0.0 if own else float(np.clip((share - 1.0) / 1.5, 0.0, 1.0))
    pinched = 0.25 if phases.pattern.family == "pinch" else 0.0
    resting = _LOWERED[0] + (_LOWERED[1] - _LOWERED[0]) * fond
    near = [name for name in SIDES if side in ("", name)]
    added = {f"eyeBlink{name}": np.maximum(lids, (1.0 - alarmed) * resting * held) for name in SIDES}
    if not phases.pattern.on_face:
        return added
    sore = 0.3 if phases.pattern.landmark in {"cheek", "nose"} else 0.0
    if sore + pinched > 0:
        added |= {f"eyeSquint{name}": (sore + pinched) * held for name in near}
    added |= {
        f"cheekSquint{name}": 0.3 * fond * held for name in SIDES if fond > 0 and phases.pattern.landmark != "cheek"
    }
    if alarmed > 0:
        added |= {f"eyeWide{name}": 0.5 * alarmed * start for name in SIDES}
        added |= {f"browDown{name}": 0.35 * alarmed * held for name in SIDES}
    if not own:
        added["browInnerUp"] = (0.15 + 0.45 * alarmed) * start + 0.2 * fond * held
    return added


def answered(weights: Mapping[str, Array], gains: Mapping[str, Array]) -> dict[str, Array]:
    """Return a face's weights (T,) with what it answers."""
    gained = {name: np.clip(weights.get(name, np.zeros_like(more)) + more, 0.0, 1.0) for name, more in gains.items()}
    return {**weights, **gained}


def notice(people: tuple[Actor, Actor], pose: Pose, phases: Phases, place: Array, seconds: Array) -> dict[str, Array]:
    """Return what the eyes of whoever is touched gain (T,): they see the hand come, and then who it belongs to.

    Args:
        people: who touches, and who is touched.
        pose: of the latter; the head is left as it is.
        phases: of the touch.
        place: (T, 3) that is touched.
        seconds: (T,).
    """
    toucher, actor = people
    # Nobody sees their own cheek: the hand comes from where the other one stands.
    hand = place + 0.4 * (toucher.pose.joint(toucher.character.chest) - place)
    eyes = toucher.pose.joint("Head") + einsum("tij,j->ti", toucher.pose.turn_of("Head"), _eye_offset(toucher))
    on = minimum_jerk((seconds - phases.touches - _SEEN) / 0.3)[:, None]
    window = phases.touches - EARLIER, phases.releases + AFTER
    return dict(look(actor, pose, (1.0 - on) * hand + on * eyes, window, seconds, head=0.0))


def look_down(actor: Actor, pose: Pose, phases: Phases, seconds: Array) -> dict[str, Array]:
    """Return what eyes gain (T,) while the own hand touches the face: they go down, as in thought."""
    frame = pose.turn_of("Head") @ np.stack([actor.character.left, UP, actor.character.ahead], axis=-1)
    eye = pose.joint("Head") + einsum("tij,j->ti", pose.turn_of("Head"), _eye_offset(actor))
    place = eye + einsum("tij,j->ti", frame, np.array([0.0, -np.sin(_DOWN), np.cos(_DOWN)]))
    window = phases.touches - EARLIER, phases.releases + 0.5
    return dict(look(actor, pose, place, window, seconds, head=0.0))


def look(
    actor: Actor, pose: Pose, place: Array, window: tuple[float, float], seconds: Array, *, head: float = _HEAD_SHARE
) -> Mapping[str, NDArray[np.float64]]:
    """Turn a head (in ``pose``), by a share ``head`` of the way, and its eyes towards a place (T, 3) from second ``window[0]`` to
    ``window[1]``; return what the eyes' weights gain (T,)."""
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

    turn = np.clip(head * wanted(), -_HEAD_MOST, _HEAD_MOST) * share[:, None]
    neck = character.neck()
    frame = pose.turn_of("Head") @ axes
    spin = turn[:, :1] * frame[..., 1] - turn[:, 1:] * frame[..., 0]
    for bone in neck if head > 0 else []:
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
