"""The sample characters without Blender: the same bones, the same surface, posed by linear blend skinning."""

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.rigs.samples import SAMPLES, load_sample
from duologue.rigs.skinned import SkinnedMesh, triangulate, vertex_normals


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_has_bones_a_surface_and_arkit_shapes(name):
    sample = load_sample(name)
    assert sample.match.usable
    assert set(sample.mesh.materials) >= {"skin", "lips", "hair"}
    assert {"jawOpen", "cheekPuff"} <= set(sample.mesh.shapes)
    assert np.allclose(sample.mesh.weights.sum(axis=1), 1)
    # Outside is where the normals point: a head's skin lies further out along them.
    normals = vertex_normals(sample.mesh.vertices, sample.mesh.triangles)
    head = sample.armature.heads[sample.armature.names.index("Head")]
    nose = np.argmax(sample.mesh.vertices[:, 2] * (sample.mesh.vertices[:, 1] > head[1]))
    assert normals[nose, 2] > 0.5


def test_bones_rest_along_their_own_y_axis_as_in_blender():
    armature = load_sample("ada").armature
    placed = armature.in_our_world()
    hand, knuckle = (armature.names.index(name) for name in ("LeftForeArm", "LeftHand"))
    along = armature.heads[knuckle] - armature.heads[hand]
    assert np.allclose(placed[hand, :3, 1], along / np.linalg.norm(along), atol=1e-6)


def test_skin_follows_its_bones_and_shapes():
    sample = load_sample("ben")
    rest = sample.armature.in_our_world()
    still = np.tile(np.eye(4), (2, len(rest), 1, 1))
    assert np.allclose(sample.mesh.pose(still), sample.mesh.vertices)
    moved = still.copy()
    moved[1, :, :3, 3] = (0.0, 1.0, 0.5)
    assert np.allclose(sample.mesh.pose(moved)[1] - sample.mesh.vertices, (0.0, 1.0, 0.5))
    index, delta = sample.mesh.shapes["jawOpen"]
    opened = sample.mesh.pose(still, {"jawOpen": np.array([0.0, 0.5])}, index)
    assert np.allclose(opened[1] - opened[0], 0.5 * delta, atol=1e-9)


def test_polygons_become_fans():
    triangles, origin = triangulate(np.array([[0, 1, 2, 3], [2, 4, 5, -1]]))
    assert triangles.tolist() == [[0, 1, 2], [0, 2, 3], [2, 4, 5]]
    assert origin.tolist() == [0, 0, 1]


def test_what_is_no_surface_is_named(tmp_path):
    with pytest.raises(DuologueError) as caught:
        SkinnedMesh(np.full((1, 3), np.nan), np.zeros((0, 3), int), np.zeros((1, 1), int), np.ones((1, 1)))
    assert caught.value.reason == "surface-not-finite"
    with pytest.raises(DuologueError) as caught:
        SkinnedMesh(np.zeros((2, 3)), np.zeros((0, 3), int), np.zeros((1, 1), int), np.ones((1, 1)))
    assert caught.value.reason == "surface-shape"
    wrong = tmp_path / "no.safetensors"
    wrong.write_bytes(b"nothing")
    with pytest.raises(DuologueError) as caught:
        load_sample(wrong)
    assert caught.value.reason == "tensors-malformed"
