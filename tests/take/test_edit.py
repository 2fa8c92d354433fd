"""What of a take is to be made again, in words."""

from __future__ import annotations

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.motion.skeleton import Skeleton
from duologue.take import Take, Track
from duologue.take.edit import Edit, check_take


@pytest.fixture(scope="module")
def take() -> Take:
    """Two seconds of two bodies at rest."""
    skeleton = Skeleton.builtin("duologue60")
    still = Track(
        np.zeros((60, 3)), np.zeros((60, len(skeleton), 3)), np.zeros((60, 52)), np.ones(60, bool), np.zeros(60)
    )
    return Take(skeleton, (still, still))


def test_by_default_it_is_all_of_it(take: Take) -> None:
    assert Edit().frames(take) == slice(0, 60)
    assert Edit().performers == ("A", "B")


@pytest.mark.parametrize("part", [Edit(), Edit(0.5, 1.5, ("B",), faces=False), Edit(0.25, bodies=False)])
def test_it_comes_back_from_json(part: Edit) -> None:
    assert Edit.from_json(part.to_json()) == part


def test_what_is_left_out_has_its_default() -> None:
    assert Edit.from_json({"stop": 2, "performers": ["B", "A"]}) == Edit(0.0, 2.0)


@pytest.mark.parametrize(
    ("start", "stop", "frames"),
    [
        (0.5, 1.0, slice(15, 30)),
        (0.51, 0.99, slice(15, 30)),  # all frames that the stretch touches
        (1.0, 99.0, slice(30, 60)),
        (1.0, 1.000001, slice(30, 31)),
        (7 / 30, 29 / 30, slice(7, 29)),
        (1.9999999, None, slice(59, 60)),
    ],
)
def test_seconds_become_frames(take: Take, start: float, stop: float | None, frames: slice) -> None:
    assert Edit(start, stop).frames(take) == frames


@pytest.mark.parametrize("frame", range(60))
def test_a_frames_own_time_is_that_frame(take: Take, frame: int) -> None:
    assert Edit(frame / 30, (frame + 1) / 30).frames(take) == slice(frame, frame + 1)


@pytest.mark.parametrize(
    ("document", "reason", "field"),
    [
        ({"start": -1}, "out-of-range", "remake.start"),
        ({"start": float("nan")}, "not-finite", "remake.start"),
        ({"start": "soon"}, "wrong-type", "remake.start"),
        ({"stop": float("inf")}, "not-finite", "remake.stop"),
        ({"start": 2, "stop": 2}, "span-empty", "remake.stop"),
        ({"performers": ["C"]}, "unknown-label", "remake.performers"),
        ({"performers": "AB"}, "wrong-type", "remake.performers"),
        ({"performers": []}, "remake-nothing", "remake"),
        ({"bodies": False, "faces": False}, "remake-nothing", "remake"),
        ({"bodies": 1}, "wrong-type", "remake.bodies"),
        ({"face": True}, "unknown-key", "remake.face"),
        ([], "wrong-type", "remake"),
    ],
)
def test_what_can_not_be_is_named(document: object, reason: str, field: str) -> None:
    with pytest.raises(DuologueError) as refused:
        Edit.from_json(document)
    assert (refused.value.reason, refused.value.field) == (reason, field)


def test_a_stretch_beyond_the_take_is_named(take: Take) -> None:
    with pytest.raises(DuologueError) as refused:
        Edit(2.0).frames(take)
    assert refused.value.reason == "span-empty"
    assert "2.0 s" in refused.value.message


def test_a_take_must_fit_the_speech_and_the_skeleton(take: Take) -> None:
    check_take(take, 60, Skeleton.builtin("duologue60"))
    with pytest.raises(DuologueError) as refused:
        check_take(take, 61)
    assert refused.value.reason == "take-length"
    with pytest.raises(DuologueError) as refused:
        check_take(take, 60, Skeleton.builtin("smplx55"))
    assert refused.value.reason == "take-skeleton"
