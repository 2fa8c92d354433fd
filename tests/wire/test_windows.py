"""Windows as arrays, and the digest that proves a stream of them whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from duologue import arkit
from duologue.errors import DuologueError
from duologue.take import Track, Window
from duologue.wire import windows


def window(frames: int = 7, start: int = 30) -> Window:
    random = np.random.default_rng(frames)
    a, b = (
        Track(
            random.normal(size=(frames, 3)),
            random.normal(size=(frames, 4, 3)),
            random.uniform(size=(frames, 52)),
            random.uniform(size=frames) < 0.5,
            random.integers(0, 3, frames),
        )
        for _ in range(2)
    )
    return Window(start, (a, b))


def same(one: Window, other: Window) -> bool:
    pairs = zip(one.tracks, other.tracks, strict=True)
    return one.start == other.start and all(
        a.arrays().keys() == b.arrays().keys()
        and all(np.array_equal(array, b.arrays()[name]) for name, array in a.arrays().items())
        for a, b in pairs
    )


def with_raw(sample: Window) -> Window:
    a, b = sample.tracks
    return Window(sample.start, (a, replace(b, raw=b.weights * 3 - 1)))


def test_a_window_survives_the_way() -> None:
    for sample in (window(), with_raw(window())):
        assert same(sample, windows.from_arrays(30, 7, windows.to_arrays(sample)))


def test_raw_weights_travel_for_the_performer_who_has_them() -> None:
    plain, sample = windows.to_arrays(window()), windows.to_arrays(with_raw(window()))
    assert sample.keys() - plain.keys() == {"raw.B"}
    order = list(reversed(arkit.NAMES))
    turned = {name: array[..., ::-1] if name in {"weights", "raw.B"} else array for name, array in sample.items()}
    assert same(with_raw(window()), windows.from_arrays(30, 7, turned, order))
    for damaged in (
        sample["raw.B"][1:],
        sample["raw.B"][:, 1:],
        sample["raw.B"].astype(np.float64),
        sample["raw.B"] * np.nan,
    ):
        with pytest.raises(DuologueError) as refused:
            windows.from_arrays(30, 7, {**sample, "raw.B": damaged})
        assert refused.value.reason == "window-malformed"


def test_weights_are_matched_by_name_whatever_order_the_server_has() -> None:
    sample = window()
    arrays = windows.to_arrays(sample)
    order = list(reversed(arkit.NAMES))
    arrays["weights"] = arrays["weights"][..., ::-1]
    assert same(sample, windows.from_arrays(30, 7, arrays, order))
    with pytest.raises(DuologueError):
        windows.from_arrays(30, 7, arrays, order[1:])


@pytest.mark.parametrize("name", ["root_translation", "rotations", "weights", "facing", "actions"])
def test_a_damaged_window_is_named(name: str) -> None:
    good = windows.to_arrays(window())
    missing = {key: array for key, array in good.items() if key != name}
    for arrays in (missing, {**good, name: good[name][:, 1:]}, {**good, name: good[name].astype(np.float64)}):
        with pytest.raises(DuologueError) as refused:
            windows.from_arrays(30, 7, arrays)
        assert (refused.value.code, refused.value.reason) == ("DATA_LOSS", "window-malformed")


def test_values_that_can_not_be_are_named() -> None:
    arrays = windows.to_arrays(window())
    arrays["rotations"][1, 2, 3, 0] = np.nan
    with pytest.raises(DuologueError, match="NaN"):
        windows.from_arrays(30, 7, arrays)


def test_a_long_window_is_cut_and_loses_nothing() -> None:
    sample = window(700, 90)
    parts = list(windows.cut(sample))
    assert [(part.start, part.frames) for part in parts] == [(90, 300), (390, 300), (690, 100)]
    joined = Window(90, tuple(Track.joined([part.tracks[who] for part in parts]) for who in (0, 1)))
    assert same(sample, joined)


def test_the_digest_sees_order_place_and_every_value() -> None:
    one, two = windows.to_arrays(window(3)), windows.to_arrays(window(4))

    def digest(*parts: tuple[int, int, dict]) -> str:
        stream = windows.StreamDigest()
        for part in parts:
            stream.add(*part)
        return stream.hexdigest()

    whole = digest((0, 3, one), (3, 4, two))
    changed = {**two, "facing": 1 - two["facing"]}
    others = [
        digest((0, 4, two), (4, 3, one)),
        digest((0, 3, one)),
        digest((1, 3, one), (4, 4, two)),
        digest((0, 3, one), (3, 4, changed)),
        digest((0, 3, one), (3, 4, windows.to_arrays(with_raw(window(4))))),
    ]
    assert whole not in others
    assert whole == digest((0, 3, one), (3, 4, two))
