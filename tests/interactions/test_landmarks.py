"""Where the parts of a face are, found by what its shapes move."""

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.interactions.actor import Character, Pose
from duologue.interactions.field import head_field
from duologue.interactions.landmarks import find_landmark, sides_of, spots_on
from duologue.interactions.patterns import FACE, patterns
from duologue.motion.rotations import exp_to_matrix
from duologue.rigs.skinned import SkinnedMesh

EVERY = [(name, landmark, side) for name in ("ada", "ben") for landmark in FACE for side in sides_of(landmark)]


@pytest.mark.parametrize(("name", "landmark", "side"), EVERY)
def test_a_landmark_is_on_the_skin_and_its_normal_leads_out(characters, name, landmark, side):
    character = characters[name]
    found = find_landmark(character, landmark, side)
    assert np.allclose(found.frame.T @ found.frame, np.eye(3), atol=1e-9)
    near = np.linalg.norm(character.mesh.vertices - found.centre, axis=1)
    assert near.min() < 0.006
    away = found.centre - character.rest_point("Head") - (0, 0.09, 0)
    assert found.frame[:, 2] @ away > 0
    if side:
        assert (found.centre @ character.left > 0.03) == (side == "Left")
        assert found.frame[:, 0] @ character.left * (1 if side == "Left" else -1) > -0.1


def test_a_face_has_its_parts_in_order(characters):
    for character in characters.values():
        heights = [find_landmark(character, name).centre[1] for name in ("forehead", "nose", "lips", "chin")]
        assert heights == sorted(heights, reverse=True)
        assert min(-np.diff(heights)) > 0.02
        ahead = {name: find_landmark(character, name, "Left").centre @ character.ahead for name in FACE}
        assert max(ahead, key=ahead.__getitem__) == "nose"
        assert min(ahead, key=ahead.__getitem__) == "ear"


@pytest.mark.parametrize("name", [name for name, pattern in patterns().items() if pattern.on_face])
def test_every_path_lies_on_the_skin_and_goes_along_with_the_face(characters, name):
    character, pattern = characters["ben"], patterns()[name]
    spots = spots_on(character, find_landmark(character, pattern.landmark, "Right"), pattern.path)
    assert spots.covers == ()
    rest = character.rest
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    pose = Pose(character, rest[None, :, :3, :3].repeat(2, 0), rest[None, :, :3, 3].repeat(2, 0))
    before = spots.follow(character, pose, {})
    assert np.allclose(before[0], spots.at_rest(character))
    pose.turn(character.joint["Hips"], np.stack([np.eye(3), turn]))
    hips = character.rest_point("Hips")
    assert np.allclose(spots.follow(character, pose, {})[1] - hips, (before[0] - hips) @ turn.T, atol=1e-9)


def test_a_chin_faces_ahead_and_down(characters):
    """Where its skin faced straight down, a finger poked a throat."""
    for character in characters.values():
        normal = find_landmark(character, "chin").frame[:, 2]
        assert 15 < np.degrees(np.arctan2(-normal[1], normal @ character.ahead)) < 50


def test_a_face_without_shapes_asks_for_a_mark_and_takes_it(characters):
    own = characters["ada"]
    mesh = own.mesh
    bare = SkinnedMesh(mesh.vertices, mesh.triangles, mesh.bones, mesh.weights, material=mesh.material,
                       materials=mesh.materials, name="ada")  # fmt: skip
    with pytest.raises(DuologueError, match=r"where its nose is .*Empty") as caught:
        find_landmark(Character(own.armature, own.match, bare), "nose")
    assert caught.value.reason == "face-without-landmarks"
    tip = find_landmark(own, "nose").centre
    marked = Character(own.armature, own.match, bare, {"nose": tip + np.array([0, 0, 0.01])})
    assert np.linalg.norm(find_landmark(marked, "nose").centre - tip) < 0.005


def test_the_inside_of_a_mouth_is_inside_of_the_head(characters):
    """Its walls' normals lead into the mouth: taken for skin they made a hole of it, and fingers lay in there."""
    for character in characters.values():
        lips = find_landmark(character, "lips")
        inside = lips.centre - np.arange(0.02, 0.06, 0.005)[:, None] * lips.frame[:, 2]
        assert (head_field(character).at_rest(inside) < -0.003).all()
        assert (head_field(character).at_rest(lips.centre + 0.02 * lips.frame[:, 2][None]) > 0.01).all()


def test_hair_over_the_ear_is_named(characters):
    own = characters["ada"]
    landmark = find_landmark(own, "forehead")
    spots = spots_on(own, landmark, np.array([[0.0, 0.0], [0.0, 0.055]]))
    assert spots.covers == ("hair",)


def test_shoulders_are_above_their_joints_and_the_back_behind(characters):
    for character in characters.values():
        for side in ("Left", "Right"):
            shoulder = find_landmark(character, "shoulder", side)
            assert 0.03 < shoulder.centre[1] - character.rest_point(side + "Arm")[1] < 0.12
            assert shoulder.frame[1, 2] > 0.9
            assert spots_on(character, shoulder, np.zeros((1, 2))).covers == ()
        back = find_landmark(character, "back")
        assert (back.centre - character.rest_point("Spine2")) @ character.ahead < -0.05


def test_the_place_on_an_arm_is_outside_and_behind_however_the_arm_rests(characters):
    for character in characters.values():
        for side, sign in (("Left", 1.0), ("Right", -1.0)):
            joint, elbow = character.rest_point(side + "Arm"), character.rest_point(side + "ForeArm")
            arm = find_landmark(character, "arm", side)
            out, up, normal = arm.frame.T
            assert up @ (joint - elbow) > 0.9 * np.linalg.norm(joint - elbow)
            # With the arm hung down: the turn that takes it from where it rests to straight below the shoulder.
            way = (elbow - joint) / np.linalg.norm(elbow - joint)
            axis = np.cross(way, (0.0, -1.0, 0.0))
            turn = np.asarray(exp_to_matrix(axis / np.linalg.norm(axis) * np.arccos(-way[1])))
            hung = turn @ normal
            assert hung @ character.left * sign > 0.3
            assert hung @ character.ahead < -0.3
            assert (turn @ out) @ character.ahead > 0.3
