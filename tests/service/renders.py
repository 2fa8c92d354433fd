"""Pictures of clips over the wire, as the tests ask for them, and what one process makes of the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from duologue.checkpoints.devices import prepare
from duologue.errors import DuologueError
from duologue.passes.contract import Passes
from duologue.passes.pictures import RenderSettings
from duologue.passes.sources import HeldPasses
from duologue.video.backends import Region, Wish, open_backend
from duologue.video.checkpoint import VideoModel
from duologue.video.config import VideoConfig
from duologue.wire.client import Left, PictureWindow, RenderJob
from examples_backends import EVENTS, PEOPLE  # pyright: ignore[reportMissingImports]  on the path by conftest
from servers import Server  # pyright: ignore[reportMissingImports]  on the path by conftest

TINY = RenderSettings("tiny", steps=2, seed=3)
CARRIED = RenderSettings()
TOLD: dict[str, Any] = {"references": PEOPLE, "events": EVENTS}


def write_weights(folder: Path) -> Path:
    """The tiny network as it begins, its zeros filled: what it shows is noise, and its own."""
    import torch

    model = VideoModel.untrained(VideoConfig.named("tiny"))
    generator = torch.Generator().manual_seed(0)
    for parameter in model.denoiser.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator)
    return model.save(folder, "video", {"steps": 0}).folder


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


def until_left(job: RenderJob) -> Left:
    return next(event for event in job if isinstance(event, Left))


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
