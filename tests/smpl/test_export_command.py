from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from duologue.cli import app
from duologue.smpl.layouts import read_parameters
from examples_smpl import some_take, write_model
from typer.testing import CliRunner


@pytest.fixture
def take(tmp_path: Path) -> Path:
    some_take(31).save(tmp_path / "take.safetensors")
    return tmp_path / "take.safetensors"


def run(*arguments: object) -> dict[str, object]:
    result = CliRunner().invoke(app, ["export", *map(str, arguments), "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return json.loads(result.stdout)


def test_parameters_without_a_model(take: Path, tmp_path: Path) -> None:
    report = run(take, "--out", tmp_path / "out")
    assert report["files"] == ["amass/A_stageii.npz", "amass/B_stageii.npz", "beat2/A.npz", "beat2/B.npz"]
    assert all((tmp_path / "out" / str(name)).is_file() for name in report["files"])  # pyright: ignore[reportGeneralTypeIssues]
    assert "without expression" in str(report["notes"])
    assert json.loads((tmp_path / "out" / "export.json").read_text())["contact"]["capsules"]["frames"] == 3


@pytest.mark.parametrize(("kind", "count"), [("ply", 6), ("glb", 3)])
def test_surfaces_of_both(take: Path, tmp_path: Path, kind: str, count: int) -> None:
    model = write_model(tmp_path / "model.npz")
    report = run(take, "--out", tmp_path / "out", "--model", model, "--layout", "beat2", "--meshes", kind)
    files = sorted((tmp_path / "out" / "meshes").iterdir())
    assert len(files) == count
    mesh = trimesh.load(files[0], process=False, force="mesh")
    assert mesh.vertices[:, 1].min() > -0.3  # type: ignore[union-attr]
    assert set(report["contact"]) == {"capsules", "surfaces"}  # type: ignore[call-overload]
    found = read_parameters(tmp_path / "out" / "beat2" / "B.npz")
    assert found.expression is not None
    assert np.abs(found.expression).max() > 0


def test_bodies_and_faces_for_other_programs(take: Path, tmp_path: Path) -> None:
    assert run(take, "--to", "bvh", "--out", tmp_path / "b")["files"] == ["A.bvh", "B.bvh"]
    assert run(take, "--to", "csv", "--out", tmp_path / "c")["files"] == ["A.csv", "B.csv"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--meshes", "ply"], "smpl-model-missing"),
        (["--to", "fbx"], "unknown-label"),
        (["--layout", "mine"], "unknown-label"),
        (["--to", "bvh", "--meshes", "ply"], "option-unused"),
        (["--model", "SMPLX_NEUTRAL.pkl"], "file-not-found"),
    ],
)
def test_what_cannot_be(take: Path, tmp_path: Path, options: list[str], reason: str) -> None:
    result = CliRunner().invoke(app, ["export", str(take), "--out", str(tmp_path / "out"), *options])
    assert getattr(result.exception, "reason", None) == reason
