"""Scenes of any data set as what the models train on: a pair for the body, a dialogue for the face."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.datasets.corpus.body import Pair
from duologue.datasets.corpus.face import Dialogue
from duologue.datasets.labels.actions import label_actions
from duologue.datasets.labels.facing import facing
from duologue.datasets.scene import Motion, Person, Scene
from duologue.errors import invalid
from duologue.features import pose as poses
from duologue.features.root import heading
from duologue.labels import EMOTIONS, roles
from duologue.motion.rotations import exp_to_matrix, matrix_to_exp, unroll_exp, yaw_matrix
from duologue.motion.skeleton import Skeleton
from duologue.speech.features import speech_features
from duologue.speech.mel import BANDS, FLOOR
from duologue.speech.resample import resample
from duologue.speech.text import WIDTH, TextEncoder
from duologue.units import FPS, SPEECH_RATE, Sound

APART: Final = 1.6
"""Metres between two who are put face to face."""
UNKNOWN: Final = "calmness"
"""What a body is trained to do where nobody says what is felt: our networks have no emotion of that name."""
NOT_SAID: Final = -1
"""The same, for a face: nothing is told."""


def face_to_face(a: Scene, b: Scene, distance: float = APART) -> Scene:
    """Return the first people of two scenes as one scene of strangers who face each other, ``distance`` metres apart on the
    average.

    Each keeps their own way over the floor: its middle is put at their place, and their mean heading is turned to the other.
    """
    people = [_put(scene.people[0], side * distance / 2, -side * np.pi / 2) for scene, side in ((a, -1), (b, 1))]
    split = a.split if a.split == b.split else ""
    return Scene(f"{a.name} + {b.name}", (people[0], people[1]), a.relationship, split, placed=True)


def _put(person: Person, x: float, yaw: float) -> Person:
    """Return a person whose hips are at (``x``, 0) on the average and whose mean heading is ``yaw``, radians."""
    if person.motion is None:
        return person
    return replace(person, motion=turned(person.motion, x, yaw))


def turned(motion: Motion, x: float, yaw: float) -> Motion:
    """Return a motion as ``_put`` puts a person."""
    root, rotations = motion
    own = heading(rotations[:, 0])
    turn = yaw_matrix(np.array(yaw - np.angle(np.exp(1j * own).mean())))
    middle = np.array([root[:, 0].mean(), 0.0, root[:, 2].mean()])
    placed = (root - middle) @ turn.T + np.array([x, 0.0, 0.0])
    hips = matrix_to_exp(turn @ exp_to_matrix(rotations[:, 0]))
    return placed, np.asarray(unroll_exp(np.concatenate([hips[:, None], rotations[:, 1:]], axis=1)), np.float64)


def pair_of(scene: Scene, skeleton: Skeleton, encoder: TextEncoder, styles: tuple[int, int]) -> Pair:
    """Return a scene of two on ``skeleton`` (duologue60), cut to the shortest of what both have.

    Who has no sound is silent. Where the data set says who speaks when, that is believed.

    Raises:
        DuologueError: INVALID_ARGUMENT ``scene-incomplete`` for a scene without two people in motion.
    """
    motions = [person.motion for person in scene.people if person.motion is not None]
    if len(motions) != 2:
        raise invalid(
            "scene-incomplete", f"{scene.name} has {len(motions)} people in motion; a body is trained on two."
        )
    frames = min(person.frames for person in scene.people)
    cut = [(root[:frames], rotations[:frames]) for root, rotations in motions]
    encoded = [poses.from_world(root, rotations) for root, rotations in cut]
    heard = [_heard(person, frames, encoder) for person in scene.people]
    return Pair(
        features=np.stack([features for features, _ in encoded], axis=1).astype(np.float32),
        path=np.stack([path for _, path in encoded], axis=1),
        mel=np.stack([mel for mel, _, _ in heard], axis=1),
        activity=np.stack([activity for _, activity, _ in heard], axis=1),
        text=np.stack([text for _, _, text in heard], axis=1),
        # No times of words are read with these: all zero is what the network takes for "not known".
        prominence=np.zeros((frames, 2), np.float16),
        action=np.stack([label_actions(skeleton, root, rotations) for root, rotations in cut], axis=1),
        emotion=np.stack([_emotion(person, frames) for person in scene.people], axis=1),
        roles=roles(scene.relationship),
        styles=styles,
        known=np.stack([_known(person, frames) for person in scene.people], axis=1),
    )


def dialogue_of(scene: Scene, styles: tuple[int, ...]) -> Dialogue:
    """Return a scene as the face model learns from it: who has a face performs, and a missing partner is silent.

    Raises:
        DuologueError: INVALID_ARGUMENT ``scene-incomplete`` where nobody has both a face and a voice.
    """
    performers = tuple(
        k for k, person in enumerate(scene.people) if person.face is not None and person.sound is not None
    )
    if not performers:
        raise invalid("scene-incomplete", f"{scene.name} has nobody with a face and a voice.")
    frames = min(person.frames for person in scene.people)
    samples = int(frames / FPS * SPEECH_RATE)
    turned_to = facing(scene, frames)
    turned_to = np.zeros((2, frames), bool) if turned_to is None else turned_to
    voices = np.zeros((2, samples), np.float32)
    weights = np.zeros((2, frames, 52), np.float32)
    emotion, style = np.full((2, frames), NOT_SAID, np.int64), np.full(2, styles[0], np.int64)
    for k, person in enumerate(scene.people):
        style[k] = styles[k]
        if person.sound is not None:
            voices[k] = _fitted(resample(person.sound.samples, person.sound.rate, SPEECH_RATE), samples)
        if person.face is not None:
            weights[k] = person.face[:frames]
        if person.emotion is not None:
            emotion[k] = person.emotion[:frames]
    return Dialogue(voices, weights, emotion, style, turned_to, ((), ()), performers=performers)


def _heard(
    person: Person, frames: int, encoder: TextEncoder
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float16]]:
    """Return mel (T, 27), activity (T,) and text (T, 384)."""
    if person.sound is None or not person.sound.samples.any():
        mel, text = np.full((frames, BANDS), np.log(FLOOR), np.float32), np.zeros((frames, WIDTH), np.float16)
        return mel, np.zeros(frames, np.float32), text
    # As much of the sound as there is motion: what is said afterwards is not to be worked on.
    sound = Sound(person.sound.samples[: -(-frames * person.sound.rate // FPS)], person.sound.rate)
    heard = speech_features(sound, person.words, encoder, field=person.name)
    activity = heard.activity[:frames] if person.activity is None else fitted_mask(person.activity, frames)
    return heard.mel[:frames], activity.astype(np.float32), heard.text[:frames].astype(np.float16)


def fitted_mask(mask: NDArray[np.bool_], frames: int) -> NDArray[np.bool_]:
    """Return a mask (T, ...) as long as ``frames``; nothing holds beyond its end."""
    short = max(0, frames - len(mask))
    return np.pad(mask[:frames], [(0, short)] + [(0, 0)] * (mask.ndim - 1))


def _emotion(person: Person, frames: int) -> NDArray[np.uint8]:
    if person.emotion is None:
        return np.full(frames, EMOTIONS.index(UNKNOWN), np.uint8)
    return person.emotion[:frames]


def _known(person: Person, frames: int) -> NDArray[np.uint8]:
    known = np.ones((frames, 2), bool) if person.known is None else fitted_mask(person.known, frames)
    return known.astype(np.uint8)


def _fitted(samples: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    return np.pad(samples[:count], (0, max(0, count - len(samples))))
