"""Other frame rates: against scipy's interpolation, and against a file that the kit holds at two rates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.motion.bvh import BvhClip, read_bvh
from duologue.motion.resampling import resample
from duologue.motion.skeleton import Skeleton
from scipy.spatial.transform import Rotation, Slerp


def _clip(fps: float, frames: int) -> BvhClip:
    skeleton = Skeleton(("a", "b"), (-1, 0), np.array([[0, 0, 0], [0, 1, 0]]))
    rng = np.random.default_rng(3)
    rotations = np.cumsum(rng.normal(scale=0.4, size=(frames, 2, 3)), axis=0)
    return BvhClip(skeleton, rotations, rng.normal(size=(frames, 3)), fps, rng.normal(size=(frames, 2, 3)))


@pytest.mark.parametrize(("before", "after"), [(24, 30), (30, 24), (24, 120), (60, 30), (120, 30), (29.97, 30)])
def test_rates_from_24_to_120_agree_with_scipy(before: float, after: float) -> None:
    clip = _clip(before, 97)
    out = resample(clip, after)
    times, old = np.arange(out.frames) / after, np.arange(97) / before
    assert out.fps == after
    assert times[-1] <= old[-1] + 1e-9 < times[-1] + 1 / after
    times = np.minimum(times, old[-1])
    for joint in range(2):
        wanted = Slerp(old, Rotation.from_rotvec(clip.rotations[:, joint]))(times)
        assert (Rotation.from_rotvec(out.rotations[:, joint]) * wanted.inv()).magnitude().max() < 1e-6
        assert out.translations is not None
        for axis in range(3):
            assert clip.translations is not None
            wanted_path = np.interp(times, old, clip.translations[:, joint, axis])
            np.testing.assert_allclose(out.translations[:, joint, axis], wanted_path, atol=1e-5)
    np.testing.assert_allclose(
        out.root_translation[:, 0], np.interp(times, old, clip.root_translation[:, 0]), atol=1e-5
    )


def test_there_and_back_is_the_same_clip() -> None:
    clip = _clip(24, 50)
    back = resample(resample(clip, 120), 24)
    np.testing.assert_allclose(back.root_translation, clip.root_translation, atol=1e-12)
    same = (
        Rotation.from_rotvec(back.rotations.reshape(-1, 3)) * Rotation.from_rotvec(clip.rotations.reshape(-1, 3)).inv()
    )
    assert same.magnitude().max() < 1e-9


def test_one_frame_stays_one_frame_and_no_rate_is_refused() -> None:
    assert resample(_clip(24, 1), 30).frames == 1
    for fps in (0.0, -1.0, float("nan")):
        with pytest.raises(DuologueError, match="not a frame rate"):
            resample(_clip(24, 2), fps)


def test_the_handshake_at_120_frames_becomes_the_one_at_30(kit_bvhs: Callable[[str], list[Path]]) -> None:
    files = {path.name: path for path in kit_bvhs("body_cmu_scenes")}
    for actor in ("18_01", "19_01"):
        ours = resample(read_bvh(files[f"{actor}_120fps_m.bvh"]), 30)
        theirs = read_bvh(files[f"{actor}_30fps_m.bvh"])
        frames = min(ours.frames, theirs.frames)
        assert abs(ours.frames - theirs.frames) <= 1
        np.testing.assert_allclose(ours.positions()[:frames], theirs.positions()[:frames], atol=1e-4)
