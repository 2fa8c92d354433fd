"""A solved movement and the skin it presses: one's own finger on one's own cheek, and a head that has turned."""

import numpy as np
import pytest
from duologue.interactions.actor import Actor, Character, Pose
from duologue.interactions.contact_keys import ERROR
from duologue.interactions.give_way import give_way, linear_parts
from duologue.interactions.hand import Hand
from duologue.interactions.landmarks import find_landmark
from duologue.motion.rotations import exp_to_matrix

FRAMES, FPS = 60, 30.0
DEPTH = 0.004


def resting(character: Character) -> Pose:
    rest = character.rest
    return Pose(character, np.repeat(rest[None, :, :3, :3], FRAMES, 0), np.repeat(rest[None, :, :3, 3], FRAMES, 0))


def brought(toucher: Character, target: np.ndarray, normal: np.ndarray, depth: np.ndarray) -> tuple[Hand, Pose]:
    """The right arm as it rests, moved as a whole so that the index finger's tip is `depth` (T,) deep at `target`."""
    hand, pose = Hand(toucher, "Right"), resting(toucher)
    tip = hand.tip("Index")
    at = hand.capsules(pose)[1][:, tip]
    goal = target + normal * (hand.radius[tip] - depth)[:, None]
    pose.heads[:, toucher.under[hand.bone]] += (goal - at)[:, None]
    return hand, pose


@pytest.fixture
def poke(characters):
    """Ben's finger on Ada's left cheek from the 20th to the 30th frame, far away before and after."""
    ada = characters["ada"]
    landmark = find_landmark(ada, "cheek", "Left")
    normal = landmark.frame[:, 2]
    depth = np.interp(np.arange(FRAMES), [12, 20, 22, 28, 30, 36], [-0.3, 0, DEPTH, DEPTH, 0, -0.3])
    return Actor(ada, resting(ada), {}), brought(characters["ben"], landmark.centre, normal, depth)


def test_the_partners_finger_dents_a_cheek(poke):
    ada, ben = poke
    keys = give_way(ada, [ben], FPS)
    assert 1 <= len(keys) <= 24
    assert keys.error < ERROR
    far = np.linalg.norm(keys.offsets(), axis=-1)
    rest = ada.character.mesh.vertices[keys.vertices]
    middle = np.argmin(np.linalg.norm(rest - find_landmark(ada.character, "cheek", "Left").centre, axis=1))
    assert far[25, middle] > DEPTH - 0.001
    assert far[25].max() < 0.0085, "of a cheek's tissue; the other fingers, stretched out beside it, press as well"
    assert not far[:18].any()
    assert not far[47:].any(), "back within half a second"


def test_a_turned_head_keeps_the_same_shapes(poke):
    """Both turned and moved together, in the world: of the mesh at rest nothing is different."""
    ada, (hand, pose) = poke
    plain = give_way(ada, [(hand, pose)], FPS)
    turn, shift = exp_to_matrix(np.array([0.3, -0.8, 0.2])), np.array([1.0, 0.2, -0.5])

    def turned(of: Pose) -> Pose:
        return Pose(of.character, turn @ of.turns, of.heads @ turn.T + shift)

    other = give_way(Actor(ada.character, turned(ada.pose), {}), [(hand, turned(pose))], FPS)
    np.testing.assert_array_equal(other.vertices, plain.vertices)
    np.testing.assert_allclose(other.offsets(), plain.offsets(), atol=1e-7)


def test_hands_that_are_far_away_press_nothing(poke):
    ada, (hand, pose) = poke
    pose.heads += (3.0, 0.0, 0.0)
    keys = give_way(ada, [(hand, pose)], FPS)
    assert len(keys) == 0
    assert keys.values.shape == (FRAMES, 0)
    assert len(give_way(ada, [], FPS)) == 0


def test_linear_parts_are_those_of_skinning(characters):
    """Checked by differences: where skinning takes two points that differ a little."""
    mesh, pose = characters["ada"].mesh, resting(characters["ada"])
    pose.turn(characters["ada"].joint["Neck"], np.repeat(exp_to_matrix(np.array([0.2, 0.4, 0.1]))[None], FRAMES, 0))
    skinning = np.asarray(pose.skinning()[:1])
    vertices = np.arange(0, 3000, 97)
    turns = linear_parts(mesh, skinning, vertices)
    shapes = {"x": (vertices, np.tile([0.01, -0.02, 0.03], (len(vertices), 1)))}
    moved = type(mesh)(mesh.vertices, mesh.triangles, mesh.bones, mesh.weights, shapes)
    difference = moved.pose(skinning, {"x": np.ones(1)}, vertices) - mesh.pose(skinning, None, vertices)
    np.testing.assert_allclose(turns[0] @ [0.01, -0.02, 0.03], difference[0], atol=1e-12)
