"""Body models and face meshes of docs/reference/formats.md: each row has a maker of such files here, and each is read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from duologue.arkit import NAMES
from duologue.datasets.face_meshes.sequence import read_sequence
from duologue.datasets.face_meshes.template import read_template
from duologue.smpl import BodyModel
from duologue.smpl.joints import Kind, adult
from duologue.smpl.layouts import read_parameters

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "formats.md"
BALL = trimesh.creation.icosphere(1)


def rows(header: str) -> list[str]:
    """Return the first cells of the table whose first column is called so."""
    found = re.search(rf"^\| {header} \|.*\n\|---.*\n((?:\|.*\n)+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return [line.split("|")[1].strip() for line in found[1].splitlines()]


def body_models(folder: Path) -> None:
    kinds: tuple[tuple[Kind, int], ...] = (("smplx", 20), ("smplx", 400), ("smplh", 16))
    for kind, columns in kinds:
        tree = adult(kind)
        joints = len(tree)
        parents = [2**32 - 1, *tree.parents[1:]]
        np.savez(
            folder / f"{kind}{columns}.npz", v_template=tree.rest_positions, shapedirs=np.zeros((joints, 3, columns)),
            posedirs=np.zeros((joints, 3, 9 * (joints - 1))), J_regressor=np.eye(joints), weights=np.eye(joints),
            kintree_table=np.array([parents, range(joints)], np.uint32), f=np.array([[0, 1, 2]], np.uint32),
            hands_meanl=np.zeros(45), hands_meanr=np.zeros(45),
        )  # fmt: skip
        model = BodyModel.load(folder / f"{kind}{columns}.npz")
        np.testing.assert_allclose(model.rest_joints(np.zeros(0)), tree.rest_positions, atol=1e-6)
        assert model.expression_directions.shape[-1] == {20: 10, 400: 100, 16: 0}[columns]


def amass(folder: Path) -> None:
    for name, columns, rate in (("a_poses", 156, "mocap_framerate"), ("a_stageii", 165, "mocap_frame_rate")):
        arrays = {
            "poses": np.zeros((3, columns)),
            "trans": np.ones((3, 3)),
            "betas": np.zeros(16),
            rate: np.array(120.0),
        }
        np.savez(folder / f"{name}.npz", gender=np.array("male"), **arrays)
        found = read_parameters(folder / f"{name}.npz")
        assert (len(found), found.poses.shape[1], found.up, found.gender) == (3, columns // 3, "z", "male")


def beat2(folder: Path) -> None:
    arrays = {
        "poses": np.zeros((3, 165)),
        "trans": np.ones((3, 3)),
        "betas": np.zeros(300),
        "expressions": np.zeros((3, 100)),
    }
    np.savez(folder / "2_scott_0_1_1.npz", mocap_frame_rate=np.array(30), **arrays)
    found = read_parameters(folder / "2_scott_0_1_1.npz")
    assert (found.up, found.hands_from_mean, found.fps) == ("y", True, 30.0)


def array_of_meshes(folder: Path) -> None:
    np.save(folder / "face.npy", np.tile(BALL.vertices, (40, 1, 1)).astype(np.float32))
    frames, blocks = read_sequence(folder / "face.npy", len(BALL.vertices))
    assert sum(len(block) for block in blocks) == frames == 40


def folder_of_meshes(folder: Path) -> None:
    for suffix in ("obj", "ply", "stl", "off", "glb"):
        (folder / suffix).mkdir()
        vertices = len(BALL.vertices) if suffix != "stl" else 3 * len(BALL.faces)  # STL has no shared corners
        for frame in range(2):
            BALL.export(folder / suffix / f"{frame}.{suffix}")
        frames, blocks = read_sequence(folder / suffix, vertices)
        assert frames == 2
        assert next(blocks).shape == (2, vertices, 3)


def template_folder(folder: Path) -> None:
    BALL.export(folder / "generic_neutral_mesh.obj")
    for name in ("jawOpen", "browDown_L"):
        trimesh.Trimesh(BALL.vertices + 0.1, BALL.faces, process=False).export(folder / f"{name}.obj")
    assert [NAMES[column] for column in read_template(folder).driven] == ["jawOpen", "browDownLeft"]


def template_npz(folder: Path) -> None:
    neutral = BALL.vertices.astype(np.float32)
    np.savez(folder / "t.npz", neutral=neutral, deltas=np.ones((1, *neutral.shape)), names=np.array(["jawOpen"]))
    assert len(read_template(folder / "t.npz").missing) == 51


BODY_MODELS: dict[str, Callable[[Path], None]] = {
    "SMPL-X, SMPL-H: the model": body_models,
    "AMASS motion": amass,
    "BEAT2 motion": beat2,
}
FACE_MESHES: dict[str, Callable[[Path], None]] = {
    "a sequence as an array": array_of_meshes,
    "a sequence as a folder": folder_of_meshes,
    "a template as a folder": template_folder,
    "a template as NPZ": template_npz,
}


def test_every_row_of_the_lists_is_tried() -> None:
    assert rows("body model") == list(BODY_MODELS)
    assert rows("face mesh") == list(FACE_MESHES)


@pytest.mark.parametrize("row", [*BODY_MODELS, *FACE_MESHES])
def test_what_the_row_names_is_read(row: str, tmp_path: Path) -> None:
    (BODY_MODELS | FACE_MESHES)[row](tmp_path)
