"""Pictures of a clip over real sockets: bit for bit what one process makes, whatever is cut, killed, stopped or sent wrong."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.checkpoints.devices import prepare
from duologue.errors import DuologueError
from duologue.files.safetensors import to_bytes
from duologue.footage.pictures import PictureFolder, make_pictures
from duologue.footage.served import ServedBackend
from duologue.passes.contract import Passes
from duologue.passes.pictures import RenderSettings
from duologue.passes.sources import HeldPasses
from duologue.service.faults import dealer_to
from duologue.service.limits import Limits
from duologue.service.proxy import Proxy
from duologue.take import Notice, Progress
from duologue.video.backends import Pictures, Region, Wish, open_backend
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.wire import clip as sending
from duologue.wire import messages
from duologue.wire.client import Finished, Left, PictureWindow, RenderJob
from duologue.wire.framing import decode, encode
from duologue.wire.render_messages import INTERACT, PassesMessage, Render
from examples_backends import EVENTS, PEOPLE, clip, cropped  # pyright: ignore[reportMissingImports]  on the path by conftest
from servers import Server, Start, brief, speech  # pyright: ignore[reportMissingImports]  on the path by conftest

TINY = RenderSettings("tiny", steps=2, seed=3)
CARRIED = RenderSettings()
TOLD: dict[str, Any] = {"references": PEOPLE, "events": EVENTS}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network as it begins, its zeros filled: what it shows is noise, and its own."""
    import torch

    model = VideoModel.untrained(VideoConfig.named("tiny"))
    generator = torch.Generator().manual_seed(0)
    for parameter in model.denoiser.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator)
    return model.save(tmp_path_factory.mktemp("video"), "video", {"steps": 0}).folder


@pytest.fixture(scope="module")
def server(begin_server: Start, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    shared = begin_server(tmp_path_factory.mktemp("renders"), weights={"tiny": weights})
    yield shared
    shared.stop()


def local(settings: RenderSettings, weights: Path, passes: HeldPasses, region: Region | None = None) -> np.ndarray:
    """What a backend makes in this process."""
    prepare("cpu")
    backend = open_backend(settings.backend, weights if settings.backend == "tiny" else None)
    wish = Wish(settings.prompt, settings.steps_of(settings.presets[-1]), settings.seed, settings.mode, region)
    return np.concatenate([made.rgb for made in backend.generate(passes, PEOPLE, EVENTS, wish)])


def joined(events: list[Any], label: str = "draft") -> np.ndarray:
    """The pictures of a label, in the order in which they came; none is missing or there twice."""
    windows = [event for event in events if isinstance(event, PictureWindow) and event.label == label]
    assert [window.start for window in windows] == [0, *[window.stop for window in windows[:-1]]][: len(windows)]
    return np.concatenate([window.rgb for window in windows])


def long_clip(frames: int) -> HeldPasses:
    """A clip of noise for ``carried``, frame after frame another."""
    rng = np.random.default_rng(0)
    part = np.full((frames, 32, 32), 10, np.uint8)
    relit = rng.integers(0, 255, (frames, 32, 32, 3), np.uint8)
    return HeldPasses(Passes(part=part, relit=relit, hole=np.zeros_like(part)), fps=30.0)


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


def renderer_pid(server: Server) -> int:
    process = server.router.pool.renderers[0].process
    assert process is not None
    return process.pid


def until_first_window(job: RenderJob) -> list[Any]:
    events: list[Any] = []
    while not (events and isinstance(events[-1], PictureWindow)):
        events.append(job.next_event(60))
        assert events[-1] is not None
    return events


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


def spoiled(name: str, value: Any) -> HeldPasses:
    array = getattr(clip().passes, name).copy()
    array[5, 3, 3] = value
    return HeldPasses(replace(clip().passes, **{name: array}), 15.0)


@pytest.mark.parametrize(
    ("passes", "settings", "reason", "says"),
    [
        (spoiled("part", 24), CARRIED, "passes-damaged", "frame 6 of the pass part"),
        (spoiled("hole", 2), TINY, "passes-damaged", "frame 6 of the pass hole"),
        (
            HeldPasses(replace(clip().passes, part=np.zeros((17, 32, 32), np.uint8)), 15.0),
            CARRIED,
            "nothing-in-sight",
            "",
        ),
        (clip(), RenderSettings("wan-vace"), "weights-missing", "duologue serve --weights wan-vace=FOLDER"),
    ],
)
def test_what_can_t_be_made_is_said_before_work_starts(
    server, connect, passes, settings, reason: str, says: str
) -> None:
    error = failure(connect(server.connection).submit_render(passes, settings, **TOLD))
    assert error.reason == reason
    assert says in error.message


@pytest.mark.parametrize(
    ("settings", "passes", "reason"),
    [
        (RenderSettings("dall-e"), clip(), "unknown-label"),
        (RenderSettings(mode="depth"), clip(), "unknown-label"),
        (RenderSettings(presets=("final", "draft")), clip(), "unknown-label"),
        (RenderSettings(steps=51), clip(), "steps"),
        (RenderSettings(region="hand"), clip(), "pictures-missing"),
        (RenderSettings("tiny"), long_clip(5), "passes-missing"),
        (CARRIED, long_clip(6), "frames-shape"),
        (CARRIED, HeldPasses(Passes(relit=np.zeros((1, 8, 40, 3), np.uint8)), 30.0), "size-unsupported"),
    ],
)
def test_what_is_wrong_with_what_is_asked_is_said_before_anything_goes_up(
    server, connect, settings, passes, reason
) -> None:
    with pytest.raises(DuologueError) as refused:
        connect(server.connection).submit_render(passes, settings)
    assert refused.value.reason == reason


def test_an_older_server_is_told_by_what_it_lacks(start, connect) -> None:
    server = start()
    server.router.pool.backends = ()  # then its welcome is an older one's, word for word
    error = failure(connect(server.connection).submit_render(clip(), CARRIED, **TOLD))
    assert (error.code, error.reason) == ("UNIMPLEMENTED", "interact-unsupported")


def test_too_many_frames_are_refused(start, connect) -> None:
    server = start(Limits(render_frames=13))
    assert failure(connect(server.connection).submit_render(clip(), CARRIED, **TOLD)).reason == "frames-too-many"


def test_weights_that_are_none(start, connect, tmp_path: Path) -> None:
    (tmp_path / "pickled.pth").write_bytes(b"\x80\x04.")
    server = start(weights={"wan-vace": tmp_path})
    error = failure(connect(server.connection).submit_render(clip(), RenderSettings("wan-vace"), **TOLD))
    assert error.reason in {"weights-missing", "backend-unavailable"}  # the latter without the extra `wan`


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
        return done, target.digest(done)

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


def until_left(job: RenderJob) -> Left:
    return next(event for event in job if isinstance(event, Left))


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


def test_pictures_larger_than_an_array(server, connect) -> None:
    passes = HeldPasses(Passes(**{
        "part": np.full((1, 1300, 1400), 10, np.uint8), "hole": np.zeros((1, 1300, 1400), np.uint8),
        "relit": np.random.default_rng(0).integers(0, 255, (1, 1300, 1400, 3), np.uint8),
    }), fps=30.0)  # fmt: skip
    events = list(connect(server.connection).submit_render(passes, CARRIED))
    assert np.array_equal(joined(events), passes.passes.relit)
    assert events[-1].windows == 2


def render_message(**changes: Any) -> Render:
    names = sending.names_of(CARRIED)
    plain: dict[str, Any] = {
        "key": "raw",
        "size": (32, 32),
        "frames": 17,
        "fps": 15.0,
        "passes": names,
        "sha256": ("0",) * 3,
    }
    return Render(**{**plain, **changes})


def test_malformed_messages_are_named_and_end_nothing(server, connect) -> None:
    row = np.zeros(64, np.uint8)
    with dealer_to(server.connection) as dealer:

        def said(message: messages.Message, arrays: dict[str, Any] | None = None) -> Any:
            dealer.send_multipart(encode(message, arrays))
            assert dealer.poll(10_000)
            return decode(dealer.recv_multipart()).message

        assert isinstance(said(messages.Hello((1, 1))), messages.Welcome)
        for changes, reason in (
            ({"size": (32,)}, "render-malformed"),
            ({"fps": 0.0}, "render-malformed"),
            ({"passes": ("relit",)}, "render-malformed"),
            ({"backend": "none"}, "unknown-label"),
            ({"frames": 4}, "frames-shape"),
            ({"size": (8, 32)}, "size-unsupported"),
            ({"start": 5}, "render-malformed"),
            ({"left_bytes": 5}, "render-malformed"),
            ({"start": 17, "left_bytes": 5}, "render-malformed"),
            ({"start": 5, "left_bytes": 5}, "render-malformed"),
            ({"events": ({"pattern": "bite"},)}, "render-malformed"),
            (
                {"events": ({"pattern": "bite", "performer": "A", "touched": "B", "begins": 0, "ends": 1},)},
                "unknown-label",
            ),
        ):
            refusal = said(render_message(**changes))
            assert isinstance(refusal, messages.ErrorMessage), changes
            assert (refusal.reason, refusal.key) == (reason, "raw")
        accepted = said(render_message())
        assert isinstance(accepted, messages.Accepted)
        for name, offset, arrays, reason in (
            ("depth", 0, {"data": row}, "passes-message"),
            ("relit", 0, {"data": row.astype(np.float32)}, "passes-message"),
            ("relit", 0, {"data": row.reshape(8, 8)}, "passes-message"),
            ("relit", 0, {}, "passes-message"),
            ("relit", 64, {"data": row}, "passes-order"),
            ("part", 0, {"data": np.zeros(17 * 32 * 32 + 1, np.uint8)}, "passes-order"),
        ):
            refusal = said(PassesMessage(accepted.job, name, offset), arrays)
            assert isinstance(refusal, messages.ErrorMessage)
            assert (refusal.reason, refusal.job) == (reason, accepted.job)
        assert said(messages.AudioEnd(accepted.job, ())).reason == "job-unknown"
        for name in sending.names_of(CARRIED):
            values = np.zeros(sending.Shapes(17, (32, 32)).values(name), np.uint8)
            dealer.send_multipart(encode(PassesMessage(accepted.job, name, 0), {"data": values}))
        assert dealer.poll(10_000)
        refusal: Any = decode(dealer.recv_multipart()).message
        assert refusal.reason == "passes-changed"  # the digests were all zeros
    assert len(joined(list(connect(server.connection).submit_render(clip(), CARRIED, **TOLD)))) == 17


def failure(job: RenderJob) -> DuologueError:
    with pytest.raises(DuologueError) as failed:
        list(job)
    return failed.value


def wait_for(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found
