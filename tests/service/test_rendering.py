"""Pictures of a clip over real sockets: bit for bit what one process makes."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from duologue.passes.contract import Passes
from duologue.passes.pictures import RenderSettings
from duologue.passes.sources import HeldPasses
from duologue.take import Notice, Progress
from duologue.video.backends import Region
from duologue.wire.client import Finished, PictureWindow
from duologue.wire.render_messages import INTERACT
from examples_backends import clip, cropped  # pyright: ignore[reportMissingImports]  on the path by conftest
from renders import (  # pyright: ignore[reportMissingImports]  on the path by conftest
    CARRIED,
    TINY,
    TOLD,
    failure,
    joined,
    local,
    long_clip,
    until_first_window,
    wait_for,
)
from servers import Server, brief, speech  # pyright: ignore[reportMissingImports]  on the path by conftest


@pytest.fixture(scope="module")
def server(renders: Server) -> Server:
    return renders


@pytest.mark.parametrize("settings", [CARRIED, TINY, replace(TINY, mode="full", seed=4)])
def test_streamed_pictures_are_those_of_one_process(server, connect, weights: Path, settings: RenderSettings) -> None:
    client = connect(server.connection)
    assert INTERACT in client.server.capabilities
    assert client.server.backends == ("carried", "tiny")
    events = list(client.submit_render(clip(53), settings, **TOLD))
    assert np.array_equal(joined(events), local(settings, weights, clip(53)))
    made = next(event.made for event in events if isinstance(event, PictureWindow))
    mode = settings.mode or ("carried" if settings.backend == "carried" else "render")
    assert (made["backend"], made["mode"], made["steps"]) == (settings.backend, mode, settings.steps)
    assert len(made["weights"].get("video", "x" * 64)) == 64
    assert [event.done for event in events if isinstance(event, Progress) and event.stage == "draft"][-1] == 53
    assert isinstance(events[-1], Finished)
    assert not events[-1].cancelled


def test_a_draft_comes_first_and_the_final_pictures_over_it(server, connect, weights: Path) -> None:
    settings = RenderSettings("tiny", presets=("draft", "final"), steps=3, seed=1)
    events = list(connect(server.connection).render(clip(), settings, **TOLD))
    labels = [event.label for event in events if isinstance(event, PictureWindow)]
    assert labels == sorted(labels)
    assert np.array_equal(
        joined(events, "draft"), local(replace(settings, presets=("draft",), steps=4), weights, clip())
    )
    assert np.array_equal(joined(events, "final"), local(settings, weights, clip()))


def test_what_has_no_draft_of_its_own_is_made_once_and_that_is_said(server, connect) -> None:
    events = list(
        connect(server.connection).submit_render(clip(), replace(CARRIED, presets=("draft", "final")), **TOLD)
    )
    assert {event.label for event in events if isinstance(event, PictureWindow)} == {"final"}
    assert any(isinstance(event, Notice) and "made once" in event.message for event in events)


@pytest.mark.parametrize("settings", [CARRIED, TINY])
def test_a_region_again_leaves_all_other_pixels(server, connect, weights: Path, settings: RenderSettings) -> None:
    before = np.random.default_rng(0).integers(0, 255, (17, 32, 32, 3)).astype(np.uint8)
    asked = replace(settings, region="hand")
    job = connect(server.connection).submit_render(clip(), asked, previous=lambda a, b: before[a:b], **TOLD)
    made = joined(list(job))
    again = clip().passes.part == 19
    assert np.array_equal(made[~again], before[~again])
    assert np.array_equal(made, local(settings, weights, clip(), Region("hand", lambda a, b: before[a:b])))


@pytest.mark.parametrize("settings", [CARRIED, TINY])
def test_an_odd_size(server, connect, weights: Path, settings: RenderSettings) -> None:
    odd = cropped(clip(), 27, 21)
    made = joined(list(connect(server.connection).submit_render(odd, settings, **TOLD)))
    assert made.shape == (17, 21, 27, 3)
    assert np.array_equal(made, local(settings, weights, odd))


def test_one_frame_and_two_thousand(server, connect) -> None:
    for frames in (1, 2001):
        passes = long_clip(frames)
        events = list(connect(server.connection).submit_render(passes, CARRIED))
        assert np.array_equal(joined(events), passes.read("relit", 0, passes.frames))


def test_leaving_the_loop_cancels(server, connect) -> None:
    client = connect(server.connection)
    for event in client.render(clip(101), replace(TINY, steps=12), **TOLD):
        if isinstance(event, PictureWindow):
            break
    wait_for(lambda: server.router.pool.renderers[0].job is None)


def test_two_windows_wait_unread_and_no_more(server, connect) -> None:
    passes = long_clip(161)
    job = connect(server.connection).submit_render(passes, CARRIED)
    (held,) = wait_for(lambda: [one for one in list(server.router.registry.jobs.values()) if one.key == job.key])
    wait_for(lambda: held.ending is not None)
    time.sleep(0.3)
    in_flight = held.spool.bytes_between(0, held.sent)
    assert in_flight <= 2 * (16 * 32 * 32 * 3 + 4096)
    assert 2 <= held.sent < len(held.spool)
    assert np.array_equal(joined(list(job)), passes.read("relit", 0, passes.frames))


def test_a_long_render_holds_no_performance_up(server, connect) -> None:
    client = connect(server.connection)
    render = client.submit_render(clip(101), replace(TINY, steps=12), **TOLD)
    until_first_window(render)
    performed = list(client.submit(brief(seed=5), speech()))
    assert isinstance(performed[-1], Finished)
    assert not render.over
    render.cancel()
    assert list(render)[-1].cancelled


def test_two_clients_pictures_wait_for_each_other_and_both_come(server, connect) -> None:
    first = connect(server.connection).submit_render(clip(53), replace(TINY, seed=8), **TOLD)
    second = connect(server.connection).submit_render(long_clip(17), CARRIED)
    assert len(joined(list(second))) == 17
    assert len(joined(list(first))) == 53


def test_a_key_finds_what_was_made_and_no_other_clip(server, connect) -> None:
    client = connect(server.connection)
    one, other = long_clip(17), clip()
    done = list(client.submit_render(one, CARRIED, key="again"))[-1]
    assert list(client.submit_render(one, CARRIED, key="again"))[-1].digest == done.digest
    assert failure(client.submit_render(other, CARRIED, key="again")).reason == "key-reused"


def test_pictures_larger_than_an_array(server, connect) -> None:
    passes = HeldPasses(Passes(**{
        "part": np.full((1, 1300, 1400), 10, np.uint8), "hole": np.zeros((1, 1300, 1400), np.uint8),
        "relit": np.random.default_rng(0).integers(0, 255, (1, 1300, 1400, 3), np.uint8),
    }), fps=30.0)  # fmt: skip
    events = list(connect(server.connection).submit_render(passes, CARRIED))
    assert np.array_equal(joined(events), passes.passes.relit)
    assert events[-1].windows == 2
