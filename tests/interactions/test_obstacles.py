"""Forearms and trunks: the field of a trunk against trimesh, and where forearms come to be when a hand touches its own chin."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from duologue.evaluation.contact.report import Asked, judge
from duologue.interactions.field import head_field, trunk_field
from duologue.interactions.landmarks import find_landmark
from duologue.interactions.obstacles import FOREARM_AT, forearm_radii


@pytest.mark.parametrize("name", ["ada", "ben"])
def test_the_field_of_a_trunk_is_where_its_mesh_is(characters, name: str) -> None:
    character = characters[name]
    bones = np.unique([character.joint["Hips"], *character.spine()])
    weight = character.mesh.weight_of(bones)
    triangles = character.mesh.triangles[(weight[character.mesh.triangles] > 0.5).all(axis=1)]
    used, local = np.unique(triangles, return_inverse=True)
    body = character.mesh.vertices[used]
    low, high = body.min(axis=0), body.max(axis=0)
    across, up = np.meshgrid(np.linspace(0.2, 0.8, 12), np.linspace(0.3, 0.85, 12))
    starts = np.stack(
        [low[0] + across * (high - low)[0], low[1] + up * (high - low)[1], np.full(across.shape, 2.0)], axis=-1
    )
    hits, _, _ = trimesh.Trimesh(body, local.reshape(-1, 3), process=False).ray.intersects_location(
        starts.reshape(-1, 3), np.tile([0.0, 0.0, -1.0], (144, 1)), multiple_hits=False
    )
    assert len(hits) > 100
    field = trunk_field(character)
    away = np.array([field.at_rest(hits + step * character.ahead) for step in (-0.02, 0.0, 0.02)])
    assert np.median(np.abs(away[1])) < 0.003
    assert (np.abs(away[1]) < 0.012).mean() > 0.98
    assert (away[2] > 0.004).mean() > 0.98
    assert np.median(away[0]) < -0.002  # under a jacket lies a shirt, whose outside is inside of it


@pytest.mark.parametrize("name", ["ada", "ben"])
@pytest.mark.parametrize("place", ["nose", "chin", "forehead"])
def test_the_field_of_a_head_tells_how_far_a_sleeve_is(characters, name: str, place: str) -> None:
    """It knew 28 mm at most, and every sleeve thicker than that was in the head, wherever it was."""
    landmark = find_landmark(characters[name], place)
    away = 0.06 if place != "forehead" else 0.045
    far = head_field(characters[name]).at_rest(landmark.centre + away * landmark.frame[None, :, 2])
    assert far[0] == pytest.approx(away, abs=0.008)


def test_fingers_go_round_a_cheek_not_through_it(characters) -> None:
    """Between the own shoulder and the own head there is no straight way to it: Ben's middle finger was 29 mm in his cheek."""
    judged = judge(Asked("cup-cheek", "own", (characters["ben"], characters["ada"])), 2, None)
    assert judged.figures is not None
    assert judged.figures.colliding == 0
    assert judged.figures.touching == judged.figures.held


@pytest.mark.parametrize("name", ["ada", "ben"])
def test_forearms_are_as_thick_as_their_sleeves(characters, name: str) -> None:
    character = characters[name]
    elbow, wrist = character.rest_point("LeftForeArm"), character.rest_point("LeftHand")
    radii = forearm_radii(character, "Left")
    assert radii.shape == (len(FOREARM_AT),)
    # Forearms measure 25 to 31 cm round at their thickest and 15 to 18 at the wrist (ANSUR II); sleeves add to that.
    assert (radii > 0.024).all()
    assert (radii < 0.075).all()
    assert np.linalg.norm(wrist - elbow) > 3 * radii.max()


@pytest.mark.parametrize("pattern", ["pinch-chin", "stroke-chin"])
def test_a_forearm_is_not_in_the_own_chest(characters, pattern: str) -> None:
    """A chest is no capsule about its spine: Ben's forearm was 44 and 50 mm in it."""
    judged = judge(Asked(pattern, "own", (characters["ben"], characters["ada"])), 8, None)
    assert judged.body is not None
    assert judged.figures is not None
    assert judged.body.arm_mm < max(judged.body.arm_before_mm, 12.0)
    assert judged.body.wrist_degrees < 85  # flexion of wrists: 80, to the nearest five (AAOS)
    assert judged.figures.touching == judged.figures.held
