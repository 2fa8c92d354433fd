"""The joints that a pose drawing shows, of characters that are arrays: bones where they are, nose, eyes and ears by the skin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.interactions.actor import Pose
from duologue.passes.contract import EYE, HEAD
from duologue.passes.pose import BODY, FINGERS, Keypoints
from duologue.people.person import Person
from duologue.rigs.joints import FINGERS as FINGER_NAMES
from duologue.rigs.joints import SIDES

Floats = NDArray[np.floating[Any]]

_JOINTS: Final = {
    "shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand", "hip": "UpLeg", "knee": "Leg", "ankle": "Foot",
}  # fmt: skip


def keypoints(pose: Pose, frame: int, vertices: Floats, skin: Mapping[str, NDArray[np.int64]]) -> Keypoints:
    """Return somebody's keypoints in a frame of ``pose``; ``vertices`` (V, 3): their mesh then; ``skin``: see :func:`places`."""
    character, missing = pose.character, np.full(3, np.nan)

    def head(joint: str) -> Floats:
        return pose.heads[frame, character.joint[joint]] if joint in character.joint else missing

    body = {f"{side.lower()} {name}": head(side + joint) for side in SIDES for name, joint in _JOINTS.items()}
    body["neck"] = (body["left shoulder"] + body["right shoulder"]) / 2
    body |= {name: vertices[where].mean(axis=0) for name, where in skin.items()}
    hands = np.full((len(SIDES), FINGERS, 3), np.nan)
    for i, side in enumerate(SIDES):
        hands[i, 0] = head(side + "Hand")
        for f, finger in enumerate(FINGER_NAMES):
            joints = [head(f"{side}Hand{finger}{k}") for k in (1, 2, 3)]
            hands[i, 1 + 4 * f : 4 + 4 * f] = joints
            hands[i, 4 + 4 * f] = joints[2] + (
                joints[2] - joints[1]
            )  # the last phalanx is about as long as the one before
    return Keypoints(np.array([body.get(name, missing) for name in BODY]), hands)


def places(person: Person) -> dict[str, NDArray[np.int64]]:
    """Return the vertices that are somebody's eyes, ears and nose, by where they lie on the head at rest."""
    character, mesh = person.character, person.character.mesh
    eyes, head = (np.unique(mesh.triangles[person.part == kind]) for kind in (EYE, HEAD))
    if not len(eyes) or not len(head):
        return {}
    side = mesh.vertices[eyes] @ character.left
    middle = 0.5 * (side.min() + side.max())
    found = {"left eye": eyes[side > middle], "right eye": eyes[side <= middle]}
    centres = [mesh.vertices[found[name]].mean(axis=0) for name in ("left eye", "right eye")]
    apart = float(np.linalg.norm(centres[0] - centres[1]))
    away = (mesh.vertices[head] - np.mean(centres, axis=0)) / max(apart, 1e-9)
    across, high, ahead = away @ character.left, away[:, 1], away @ character.ahead
    nose = (np.abs(across) < 0.2) & (high < 0) & (high > -1.3)
    ears = (high < 0.5) & (high > -1.0) & (ahead < -0.3)
    for name, where, value in (("nose", nose, ahead), ("left ear", ears, across), ("right ear", ears, -across)):
        if where.any():
            found[name] = head[[int(np.where(where, value, -np.inf).argmax())]]
    return found
