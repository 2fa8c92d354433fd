"""What is wrong with pictures that are asked for is named, before work starts, and ends nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.passes.contract import Passes
from duologue.passes.pictures import RenderSettings
from duologue.passes.sources import HeldPasses
from duologue.service.faults import dealer_to
from duologue.service.limits import Limits
from duologue.wire import clip as sending
from duologue.wire import messages
from duologue.wire.framing import decode, encode
from duologue.wire.render_messages import PassesMessage, Render
from examples_backends import clip  # pyright: ignore[reportMissingImports]  on the path by conftest
from renders import (  # pyright: ignore[reportMissingImports]  on the path by conftest
    CARRIED,
    TINY,
    TOLD,
    failure,
    joined,
    long_clip,
)
from servers import Server  # pyright: ignore[reportMissingImports]  on the path by conftest


@pytest.fixture(scope="module")
def server(renders: Server) -> Server:
    return renders


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
