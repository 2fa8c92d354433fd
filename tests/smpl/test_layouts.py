from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.smpl import BodyModel
from duologue.smpl.layouts import Layout, read_parameters, write_parameters
from examples_smpl import parameters, write_model
from numpy.typing import NDArray


def amass(frames: int = 4, joints: int = 52) -> dict[str, NDArray[np.generic]]:
    """The keys of AMASS' SMPL-H files, ``dmpls`` and all."""
    rng = np.random.default_rng(0)
    return {
        "trans": rng.normal(size=(frames, 3)), "gender": np.array("female"), "mocap_framerate": np.array(120.0),
        "betas": rng.normal(size=16), "dmpls": np.zeros((frames, 8)), "poses": rng.normal(size=(frames, 3 * joints)),
    }  # fmt: skip


def test_amass_of_both_releases(tmp_path: Path) -> None:
    np.savez(tmp_path / "walk_poses.npz", **amass())
    found = read_parameters(tmp_path / "walk_poses.npz")
    assert (found.kind, found.up, found.fps, found.gender, found.hands_from_mean) == (
        "smplh",
        "z",
        120.0,
        "female",
        False,
    )
    np.testing.assert_array_equal(found.poses.reshape(4, -1), amass()["poses"])
    newer = amass(joints=55)
    newer["mocap_frame_rate"] = newer.pop("mocap_framerate")
    newer["labels_obs"] = np.array([{"a": 1}], dtype=object)  # released files hold such; they are not opened
    np.savez(tmp_path / "walk_stageii.npz", **newer)
    assert read_parameters(tmp_path / "walk_stageii.npz").kind == "smplx"


def test_beat2(tmp_path: Path) -> None:
    arrays = {
        "betas": np.zeros(300), "poses": np.zeros((5, 165)), "expressions": np.ones((5, 100)), "trans": np.zeros((5, 3)),
        "model": np.array("smplx2020"), "gender": np.array("neutral"), "mocap_frame_rate": np.array(30),
    }  # fmt: skip
    np.savez(tmp_path / "2_scott_0_1_1.npz", **arrays)
    found = read_parameters(tmp_path / "2_scott_0_1_1.npz")
    assert (found.kind, found.up, found.fps, found.hands_from_mean) == ("smplx", "y", 30.0, True)
    assert found.expression is not None
    assert found.expression.shape == (5, 100)


@pytest.mark.parametrize("layout", ["amass", "beat2"])
def test_what_is_written_is_the_same_body(layout: Layout, tmp_path: Path) -> None:
    model = BodyModel.load(write_model(tmp_path / "model.npz"))
    given = parameters(55, frames=6)
    write_parameters(tmp_path / "a.npz", given, layout, model)
    found = read_parameters(tmp_path / "a.npz")
    assert (found.up, found.hands_from_mean) == (("z", False) if layout == "amass" else ("y", True))
    pelvis = model.rest_joints(given.betas)[0]
    upright = replace(found.upright(pelvis), betas=given.betas)
    np.testing.assert_allclose(model.joints(upright), model.joints(given), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"poses": None}, "smpl-file"),
        ({"mocap_framerate": None}, "smpl-file"),
        ({"poses": np.zeros((4, 72))}, "smpl-shape"),
        ({"poses": np.zeros((4, 78))}, "hands-pca"),
        ({"trans": np.full((4, 3), np.inf)}, "smpl-not-finite"),
        ({"poses": np.array([object()], dtype=object)}, "smpl-file"),
    ],
)
def test_files_that_are_refused_by_name(change: dict[str, object], reason: str, tmp_path: Path) -> None:
    arrays = {key: value for key, value in (amass() | change).items() if value is not None}
    np.savez(tmp_path / "x_poses.npz", **arrays)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DuologueError, match=r"x_poses\.npz") as caught:
        read_parameters(tmp_path / "x_poses.npz")
    assert caught.value.reason == reason


def test_cut_off_and_pickled_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", **amass())
    whole = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "y.npz").write_bytes(b"\x80\x04\x95")
    for name, reason in (("x.npz", "smpl-file"), ("y.npz", "smpl-pickle")):
        with pytest.raises(DuologueError) as caught:
            read_parameters(tmp_path / name)
        assert caught.value.reason == reason
