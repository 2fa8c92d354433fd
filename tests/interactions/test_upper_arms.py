"""What hands keep clear of on their way: the arms of others, held to trimesh's capsules and to the arms' own meshes."""

import numpy as np
import trimesh
from duologue.interactions.actor import Pose
from duologue.interactions.upper_arms import _arm_radius as arm_radius
from duologue.interactions.upper_arms import in_arms


def resting(character) -> Pose:
    return Pose(character, character.rest[None, :, :3, :3], character.rest[None, :, :3, 3])


def test_depth_in_an_upper_arm_is_that_in_a_capsule(characters):
    character = characters["ben"]
    first, last = (character.rest_point(name) for name in ("LeftArm", "LeftForeArm"))
    along = last - first
    aside = np.cross(along, (0.0, 0.0, 1.0))
    aside /= np.linalg.norm(aside)
    points = np.array([first + 0.6 * along + away * aside for away in (0.0, 0.03, 0.09, 0.2)])
    depth, out = in_arms(resting(character), points[None], np.full(4, 0.01))
    # Turned round, trimesh's cylinder is told its distances by the sixtieth part of a round: 0.1 mm.
    thick = arm_radius(character, "Left") + 0.016
    arm = trimesh.creation.cylinder(thick, segment=[first, last], sections=60)
    signed = trimesh.proximity.signed_distance(arm, points[1:])
    np.testing.assert_allclose(depth[0, 1:], signed + 0.01, atol=2e-4)
    np.testing.assert_allclose(out[0, 1:], np.tile(aside, (3, 1)), atol=1e-9)


def test_an_upper_arm_lies_in_its_capsule_and_a_head_does_not(characters):
    for character in characters.values():
        mesh = character.mesh
        arm = mesh.weight_of(np.array([character.joint["RightArm"]])) > 0.9
        head = mesh.weight_of(character.head_bones) > 0.9
        pose = resting(character)
        for moved, within in ((arm, 0.95), (head, 0.0)):
            points = mesh.vertices[moved]
            depth, _ = in_arms(pose, points[None], np.zeros(len(points)))
            assert (depth > 0).mean() >= within
            if not within:
                assert (depth > 0).mean() < 0.01
