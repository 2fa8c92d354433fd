"""Pictures whose connection is cut, whose worker is killed, that are stopped: they go on, and are what they would have been."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.checkpoints.devices import prepare
from duologue.files.safetensors import to_bytes
from duologue.footage.pictures import PictureFolder, make_pictures
from duologue.footage.served import ServedBackend
from duologue.passes.pictures import RenderSettings
from duologue.service.proxy import Proxy
from duologue.take import Notice, Progress
from duologue.video.backends import Pictures, Wish, open_backend
from duologue.wire.client import Left, PictureWindow
from examples_backends import EVENTS, PEOPLE, clip  # pyright: ignore[reportMissingImports]  on the path by conftest
from renders import (  # pyright: ignore[reportMissingImports]  on the path by conftest
    CARRIED,
    TINY,
    TOLD,
    failure,
    joined,
    local,
    long_clip,
    renderer_pid,
    until_first_window,
    until_left,
)
from servers import Server  # pyright: ignore[reportMissingImports]  on the path by conftest


@pytest.fixture(scope="module")
def server(renders: Server) -> Server:
    return renders


@pytest.mark.parametrize("at", [1, 3])
def test_a_cut_connection_loses_no_picture_and_doubles_none(server, connect, at: int) -> None:
    passes = long_clip(81)
    with Proxy(int(server.connection.endpoint.rpartition(":")[2])) as proxy:
        client = connect(replace(server.connection, endpoint=f"tcp://127.0.0.1:{proxy.port}"))
        events = []
        for event in client.submit_render(passes, CARRIED):
            events.append(event)
            if sum(isinstance(one, PictureWindow) for one in events) == at and proxy.connections == 1:
                proxy.cut()
        assert proxy.connections > 1
    assert np.array_equal(joined(events), passes.read("relit", 0, passes.frames))


def test_a_connection_cut_while_passes_go_up(server, connect) -> None:
    passes = long_clip(2001)
    with Proxy(int(server.connection.endpoint.rpartition(":")[2])) as proxy:
        client = connect(replace(server.connection, endpoint=f"tcp://127.0.0.1:{proxy.port}"))
        events = []
        for event in client.submit_render(passes, CARRIED):
            events.append(event)
            if isinstance(event, Progress) and event.stage == "upload" and proxy.connections == 1:
                proxy.cut()
        assert proxy.connections > 1
    assert np.array_equal(joined(events), passes.read("relit", 0, passes.frames))


def test_a_killed_worker_s_job_goes_on_at_the_chunk(server, connect, weights: Path) -> None:
    settings = replace(TINY, steps=12)
    job = connect(server.connection).submit_render(clip(53), settings, **TOLD)
    events = until_first_window(job)
    os.kill(renderer_pid(server), signal.SIGKILL)
    events += list(job)
    restarted = [isinstance(event, Notice) and event.reason == "worker-restarted" for event in events].index(True)
    told = [event.done for event in events[restarted:] if isinstance(event, Progress) and event.stage == "draft"]
    assert told[0] >= 17  # not from the first frame
    assert np.array_equal(joined(events), local(settings, weights, clip(53)))


def test_a_cancel_between_steps_keeps_the_pictures_that_were_made(server, connect, weights: Path) -> None:
    settings = replace(TINY, steps=12)
    job = connect(server.connection).submit_render(clip(101), settings, **TOLD)
    events = until_first_window(job)
    job.cancel()
    events += list(job)
    assert events[-1].cancelled
    made = joined(events)
    assert 17 <= len(made) < 101
    assert len([event for event in events if isinstance(event, PictureWindow)]) == events[-1].windows
    assert np.array_equal(made, local(settings, weights, clip(101))[: len(made)])


def test_the_command_s_pictures_by_a_server_are_those_of_this_machine(
    server, connect, weights: Path, tmp_path: Path
) -> None:
    """``interact --server``: the same files, also when it was stopped and gone on with; other weights are not mixed in."""
    wish = Wish(steps=2, seed=3)

    def into(folder: Path, backend: Any, should_stop: Callable[[], bool] = lambda: False) -> tuple[int, str]:
        target = PictureFolder(folder, {"clip": "examples", "seed": 3}, 53)
        done = make_pictures(
            backend, target, clip(53), (PEOPLE, EVENTS), wish, tell=lambda *_: None, should_stop=should_stop
        )
        target.finish(done, 15.0)
        return done, target.pictures.digest(done)

    prepare("cpu")
    here = into(tmp_path / "here", open_backend("tiny", weights))
    client = connect(server.connection)
    served, submit, since = ServedBackend(client, "tiny"), client.submit_render, []
    client.submit_render = lambda *args, **more: (since.append(more["since"]), submit(*args, **more))[1]
    frames = tmp_path / "there" / "frames"
    stopped, _ = into(tmp_path / "there", served, (frames / "0001.png").is_file)
    assert 16 <= stopped < 53
    assert into(tmp_path / "there", served) == here
    assert [left and left.start for left in since] == [None, stopped]
    assert list(served.report.weights) == ["video"]


@pytest.mark.parametrize("settings", [CARRIED, TINY, replace(TINY, region="hand"), replace(TINY, mode="full")])
def test_pictures_go_on_where_they_were_stopped(server, connect, weights: Path, settings: RenderSettings) -> None:
    """As a job of its own, which another server may do: only what is missing is made, and is what it would have been."""
    before = np.random.default_rng(0).integers(0, 255, (53, 32, 32, 3)).astype(np.uint8)
    told = {**TOLD, "previous": lambda a, b: before[a:b]} if settings.region else TOLD
    client = connect(server.connection)
    whole = joined(list(client.submit_render(clip(53), settings, **told)))
    stopped = client.submit_render(clip(53), settings, keep=True, **told)
    left = until_left(stopped)
    stopped.cancel()
    events = list(client.submit_render(clip(53), settings, since=left, keep=True, **told))
    rest = [event for event in events if isinstance(event, PictureWindow)]
    assert 0 < rest[0].start == left.start < 53
    assert np.array_equal(np.concatenate([window.rgb for window in rest]), whole[left.start :])
    assert [event.start for event in events if isinstance(event, Left)][-1] == 53


def test_a_worker_killed_in_what_goes_on(server, connect, weights: Path) -> None:
    settings = replace(TINY, steps=12)
    client = connect(server.connection)
    stopped = client.submit_render(clip(69), settings, keep=True, **TOLD)
    left = until_left(stopped)
    stopped.cancel()
    job = client.submit_render(clip(69), settings, since=left, keep=True, **TOLD)
    events = until_first_window(job)
    os.kill(renderer_pid(server), signal.SIGKILL)
    events += list(job)
    assert any(isinstance(event, Notice) and event.reason == "worker-restarted" for event in events)
    made = np.concatenate([event.rgb for event in events if isinstance(event, PictureWindow)])
    assert np.array_equal(made, local(settings, weights, clip(69))[left.start :])


@pytest.mark.parametrize(
    ("left", "reason"),
    [
        (Left("final", 17, b"nothing"), "tensors-malformed"),
        (Left("final", 17, to_bytes({"latents": np.zeros((2, 2), np.float32)})), "left-malformed"),
        (Left("final", 15, b"FIRST"), "left-malformed"),
    ],
)
def test_what_is_gone_on_from_is_checked(server, connect, left: Left, reason: str) -> None:
    client = connect(server.connection)
    if left.data == b"FIRST":  # the right thing, said of another frame
        left = replace(left, data=until_left(client.submit_render(clip(53), TINY, keep=True, **TOLD)).data)
    assert failure(client.submit_render(clip(53), TINY, since=left, **TOLD)).reason == reason


def test_an_older_server_is_asked_for_all_of_it(
    server, connect, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its welcome does not say that it goes on: what is there is kept, the rest cut from what it makes anew."""
    monkeypatch.setattr("duologue.service.dispatch.render_messages.GO_ON", "")
    client = connect(server.connection)
    assert failure(client.submit_render(clip(), TINY, keep=True, **TOLD)).reason == "interact-unsupported"
    served, wish = ServedBackend(client, "tiny"), Wish(steps=2, seed=3)
    found = list(served.generate(clip(53), PEOPLE, EVENTS, wish))
    assert len(found) > 1
    rest = list(served.generate(clip(53), PEOPLE, EVENTS, wish, since=Pictures(20, found[0].rgb[:0], found[0].left)))
    whole = local(TINY, weights, clip(53))
    assert np.array_equal(np.concatenate([made.rgb for made in found]), whole)
    assert rest[0].start == 20
    assert np.array_equal(np.concatenate([made.rgb for made in rest]), whole[20:])
