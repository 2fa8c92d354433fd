"""What skin gives way to at a fingertip: as thick as the mesh is where it touches, told by rays of trimesh."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from duologue.interactions.actor import Pose
from duologue.interactions.hand import Hand
from duologue.interactions.pressing_capsules import pressing_capsules


@pytest.mark.parametrize("side", ["Left", "Right"])
@pytest.mark.parametrize("name", ["ada", "ben"])
def test_fingertips_are_as_thick_as_their_pads(characters, name: str, side: str) -> None:
    character = characters[name]
    hand = Hand.of(character, side)
    rest = Pose(character, character.rest_turns[None], character.rest[None, :, :3, 3])
    capsules = pressing_capsules(hand, rest)
    assert len(capsules.radius) == len(hand.names) + len(hand.fingers)
    mesh = trimesh.Trimesh(character.mesh.vertices[hand.vertices], hand.triangles, process=False)
    for count, finger in enumerate(hand.fingers):
        if finger == "Thumb":  # its pad faces elsewhere
            continue
        root, end = hand.tip(finger), len(hand.names) + count
        for k, share in ((root, 0.6), (end, 0.6)):
            first, last = capsules.ends[0, k]
            along = (last - first) / np.linalg.norm(last - first)
            pad = hand.frame[:, 1] - (hand.frame[:, 1] @ along) * along
            start = first + share * (last - first)
            hits, _, _ = mesh.ray.intersects_location(start[None], pad[None] / np.linalg.norm(pad), multiple_hits=True)
            assert len(hits)
            assert capsules.radius[k] == pytest.approx(np.linalg.norm(hits - start, axis=1).max(), abs=0.0018)


@pytest.mark.parametrize("name", ["ada", "ben"])
def test_fingertips_reach_as_far_as_they_do(characters, name: str) -> None:
    """A thin end has its ball further on: the mesh ends where the ball does."""
    character = characters[name]
    hand = Hand.of(character, "Left")
    rest = Pose(character, character.rest_turns[None], character.rest[None, :, :3, 3])
    capsules = pressing_capsules(hand, rest)
    for count, finger in enumerate(hand.fingers):
        end = len(hand.names) + count
        first, last = capsules.ends[0, end]
        along = (last - first) / np.linalg.norm(last - first)
        reaches = (last - first) @ along + capsules.radius[end]
        tip = hand.character.mesh.vertices[hand.vertices[hand.part(finger)]]
        assert reaches == pytest.approx(float(((tip - first) @ along).max()), abs=0.0025)
