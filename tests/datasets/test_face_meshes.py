from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from duologue.arkit import INDEX, NAMES
from duologue.cli import app
from duologue.datasets.face_meshes.alignment import align
from duologue.datasets.face_meshes.fitting import Solver, fit_sequence
from duologue.datasets.face_meshes.sequence import read_sequence
from duologue.datasets.face_meshes.solvers import solve_bounded, solve_frames
from duologue.datasets.face_meshes.template import FaceTemplate, read_template
from duologue.errors import DuologueError
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.sparse.linalg import lsqr
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

KIT = Path(__file__).resolve().parents[3] / "shared" / "kit" / "face_ict"
OPPOSED = (
    ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"),
    *((f"eyeLook{a}{side}", f"eyeLook{b}{side}") for side in ("Left", "Right") for a, b in (("In", "Out"), ("Up", "Down"))),
)  # fmt: skip
Array = NDArray[np.float64]


def a_face(skull: bool = True, seed: int = 0) -> FaceTemplate:
    """A ball of 642 vertices, in whose front each shape has a bump of its own."""
    rng = np.random.default_rng(seed)
    ball = np.asarray(trimesh.creation.icosphere(3, 10.0).vertices, np.float32)
    centres = ball[rng.choice(np.flatnonzero(ball[:, 2] > 4), len(NAMES), replace=False)]
    bumps = np.exp(-((np.linalg.norm(ball[None] - centres[:, None], axis=2) / 4) ** 2) * 2)
    bumps[bumps < 0.01] = 0
    if not skull:  # every shape ripples through the whole head
        bumps += 0.03 * (1 + np.sin(ball @ rng.normal(0, 0.3, (3, len(NAMES))))).T
    deltas = bumps[..., None] * rng.normal(0, 0.5, (len(NAMES), 1, 3))
    return FaceTemplate(ball, deltas.astype(np.float32), "ball")


def some_weights(frames: int, seed: int = 1) -> Array:
    """Smooth, often 0 and sometimes 1; of two shapes that undo each other one at a time."""
    rng = np.random.default_rng(seed)
    window = np.hanning(13) / np.hanning(13).sum()
    noise = rng.normal(size=(frames + 12, len(NAMES)))
    smooth = np.stack([np.convolve(column, window, "valid") for column in noise.T], axis=1)
    weights = np.clip(0.1 + 0.35 * smooth / smooth.std(axis=0), 0, 1)
    for first, second in OPPOSED:
        both = weights[:, INDEX[first]] - weights[:, INDEX[second]]
        weights[:, INDEX[first]], weights[:, INDEX[second]] = np.maximum(both, 0), np.maximum(-both, 0)
    weights[:, INDEX["tongueOut"]] = 0
    return weights


def meshes(template: FaceTemplate, weights: Array, seed: int = 2) -> NDArray[np.float32]:
    """The template under weights, its head turned by up to 20 degrees and moved by its own size."""
    rng = np.random.default_rng(seed)
    faces = template.neutral + np.tensordot(weights, template.deltas.astype(np.float64), axes=1)
    turns = Rotation.from_rotvec(rng.uniform(-0.2, 0.2, (len(weights), 3))).as_matrix()
    moved = np.einsum("tij,tvj->tvi", turns, faces) + rng.uniform(-10, 10, (len(weights), 1, 3))
    return moved.astype(np.float32)


@pytest.mark.parametrize("solver", ["bounded", "lsqr"])
@pytest.mark.parametrize("skull", [True, False])
def test_known_weights_come_back(solver: Solver, skull: bool, tmp_path: Path) -> None:
    """With a part that goes with the skull, and where every vertex moves with the face."""
    template, weights = a_face(skull), some_weights(90)
    assert (template.skull is not None) == skull
    np.save(tmp_path / "face.npy", meshes(template, weights))
    found = fit_sequence(template, tmp_path / "face.npy", solver)
    weights[:, INDEX["tongueOut"]] = found.weights[:, INDEX["tongueOut"]]
    assert np.abs(found.weights - weights).max() < 0.02
    assert found.residual.max() < 0.01


@pytest.mark.skipif(not KIT.is_dir(), reason="no ICT-FaceKit in the kit: it is not part of the repository")
@pytest.mark.parametrize("solver", ["bounded", "lsqr"])
def test_ict_facekit_gives_its_weights_back(solver: Solver, tmp_path: Path) -> None:
    template, weights = read_template(KIT / "ict_expressions.npz"), some_weights(60)
    assert template.missing == ("tongueOut",)
    np.save(tmp_path / "ict.npy", meshes(template, weights))
    found = fit_sequence(template, tmp_path / "ict.npy", solver)
    assert np.abs(found.weights - weights).max() < 0.02


def test_bounds_and_smoothness_are_the_optimum_that_scipy_finds() -> None:
    rng = np.random.default_rng(4)
    basis, frames = rng.normal(size=(40, 8)), 5
    wanted = rng.normal(0.4, 1.0, (frames, 8)) @ basis.T + rng.normal(0, 0.5, (frames, 40))
    gram, right = basis.T @ basis, wanted @ basis
    found = solve_bounded(gram, right, smooth=0.0)
    for frame in range(frames):
        np.testing.assert_allclose(found[frame], lsq_linear(basis, wanted[frame], (0, 1)).x, atol=1e-3)
    # All frames as one problem, differences as further rows.
    scale = np.sqrt(np.diagonal(gram))
    steps = np.kron(np.diff(np.eye(frames), axis=0), np.diag(scale)) * np.sqrt(0.5)
    rows = np.concatenate([np.kron(np.eye(frames), basis), steps])
    whole = lsq_linear(rows, np.concatenate([wanted.ravel(), np.zeros(len(steps))]), (0, 1)).x.reshape(frames, 8)
    np.testing.assert_allclose(solve_bounded(gram, right, smooth=0.5), whole, atol=1e-3)


def test_lsqr_on_the_factor_is_lsqr_on_the_mesh() -> None:
    rng = np.random.default_rng(5)
    basis, wanted = rng.normal(size=(300, 12)), rng.normal(size=(4, 300))
    found = solve_frames(basis.T @ basis, wanted @ basis, (wanted**2).sum(axis=1))
    np.testing.assert_allclose(found, [lsqr(basis, row)[0] for row in wanted], atol=1e-7)


def test_noise_is_smoothed_and_bounds_are_kept(tmp_path: Path) -> None:
    template, weights = a_face(), some_weights(120)
    noisy = meshes(template, weights) + np.random.default_rng(6).normal(0, 0.1, (120, 642, 3)).astype(np.float32)
    np.save(tmp_path / "noisy.npy", noisy)
    bounded, paper = (
        fit_sequence(template, tmp_path / "noisy.npy", s, smooth=0.02).weights for s in ("bounded", "lsqr")
    )
    known = [column for column in range(52) if NAMES[column] != "tongueOut"]
    errors = [np.sqrt(((found - weights)[:, known] ** 2).mean()) for found in (bounded, paper)]
    assert errors[0] < 0.8 * errors[1]
    assert 0 <= bounded.min() <= bounded.max() <= 1
    assert paper.min() < -0.01  # which is what the paper's way allows


def test_a_head_is_aligned_whatever_the_face_does() -> None:
    template, weights = a_face(), some_weights(20)
    still = align(template, [meshes(template, weights)])
    expected = np.tensordot(weights, template.deltas.astype(np.float64), axes=1)
    np.testing.assert_allclose(still.squares, (expected**2).sum(axis=(1, 2)), rtol=1e-3)


def test_folders_of_meshes_and_of_shapes(tmp_path: Path) -> None:
    """Everything through trimesh's files: a template in OBJ by ICT's names, a sequence in PLY."""
    template, weights = a_face(), some_weights(4)
    faces = trimesh.creation.icosphere(3, 10.0).faces
    (tmp_path / "template").mkdir()
    (tmp_path / "take").mkdir()

    def write(path: Path, vertices: NDArray[np.float32]) -> None:
        trimesh.Trimesh(vertices, faces, process=False).export(path)

    write(tmp_path / "template" / "generic_neutral_mesh.obj", template.neutral)
    for name, delta in zip(NAMES, template.deltas, strict=True):
        short = name.replace("Left", "_L") if name.endswith("Left") and name not in ("jawLeft", "mouthLeft") else name
        short = (
            short.replace("Right", "_R")
            if short.endswith("Right") and name not in ("jawRight", "mouthRight")
            else short
        )
        write(tmp_path / "template" / f"{short}.obj", template.neutral + delta)
    for frame, mesh in enumerate(meshes(template, weights)):
        write(tmp_path / "take" / f"{frame:04d}.ply", mesh)
    read = read_template(tmp_path / "template")
    np.testing.assert_allclose(read.deltas, template.deltas, atol=1e-4)
    found = fit_sequence(read, tmp_path / "take").weights
    weights[:, INDEX["tongueOut"]] = found[:, INDEX["tongueOut"]]
    assert np.abs(found - weights).max() < 0.02


def test_the_command_writes_live_link_tables(tmp_path: Path) -> None:
    template, weights = a_face(), some_weights(6)
    np.savez(tmp_path / "face.npz", neutral=template.neutral, deltas=template.deltas, names=np.array(NAMES))
    np.save(tmp_path / "one.npy", 10 * meshes(template, weights))
    arguments = [
        "dataset",
        "arkit",
        str(tmp_path / "one.npy"),
        "--template",
        str(tmp_path / "face.npz"),
        "--out",
        str(tmp_path),
    ]
    refused = CliRunner().invoke(app, arguments)
    assert getattr(refused.exception, "reason", "") == "mesh-units"
    assert "--scale 0.1" in str(refused.exception)
    done = CliRunner().invoke(app, [*arguments, "--scale", "0.1", "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["sequences"][0]["frames"] == 6
    rows = (tmp_path / "one.csv").read_text().splitlines()
    assert len(rows) == 7
    column = rows[0].split(",").index("JawOpen")
    assert float(rows[3].split(",")[column]) == pytest.approx(weights[2, INDEX["jawOpen"]], abs=0.02)


def test_another_persons_neutral_mesh(tmp_path: Path) -> None:
    template, weights = a_face(), some_weights(5)
    other = template.neutral * np.array([1.05, 0.97, 1.0], np.float32)
    trimesh.Trimesh(other, trimesh.creation.icosphere(3).faces, process=False).export(tmp_path / "me.ply")
    np.save(tmp_path / "face.npy", meshes(replace(template, neutral=other), weights))
    found = fit_sequence(template.with_neutral(tmp_path / "me.ply"), tmp_path / "face.npy").weights
    known = [column for column in range(52) if NAMES[column] != "tongueOut"]
    assert np.abs(found - weights)[:, known].max() < 0.02


def broken(folder: Path, name: str, array: NDArray[np.generic]) -> Path:
    np.save(folder / name, array)
    return folder / name


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    template = a_face()
    good = meshes(template, some_weights(3))
    holed = good.copy()
    holed[1, 5] = np.nan
    cases = {
        "few.npy": (good[:, :600], "mesh-vertices"),
        "flat.npy": (good[0], "mesh-malformed"),
        "whole.npy": (good.astype(np.int32), "mesh-malformed"),
        "nan.npy": (holed, "mesh-malformed"),
        "pickled.npy": (np.array([{}], dtype=object), "mesh-malformed"),
    }
    for name, (array, reason) in cases.items():
        with pytest.raises(DuologueError, match=name) as caught:
            fit_sequence(template, broken(tmp_path, name, array))
        assert caught.value.reason == reason, name
    (tmp_path / "empty").mkdir()
    with pytest.raises(DuologueError) as caught:
        read_sequence(tmp_path / "empty", 642)
    assert caught.value.reason == "data-missing"


def test_templates_that_are_refused(tmp_path: Path) -> None:
    face = a_face()
    np.savez(tmp_path / "odd.npz", neutral=face.neutral, deltas=face.deltas[:2], names=np.array(["blob", "wobble"]))
    np.savez(tmp_path / "short.npz", neutral=face.neutral, deltas=face.deltas[:1], names=np.array(["jawOpen", "x"]))
    (tmp_path / "shapes").mkdir()
    for name, reason in (
        ("odd.npz", "template-shapes"),
        ("short.npz", "template-malformed"),
        ("shapes", "data-missing"),
    ):
        with pytest.raises(DuologueError, match=name) as caught:
            read_template(tmp_path / name)
        assert caught.value.reason == reason
