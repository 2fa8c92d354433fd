"""What a worker does with a clip of passes: open a backend, make its pictures, hand them out as they are made."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from duologue.files import safetensors
from duologue.passes.pictures import MAKERS, Event, RenderSettings
from duologue.service.made import MadePictures
from duologue.service.render_jobs import MADE, REFERENCES
from duologue.service.uploaded import UploadedPasses, check_values
from duologue.service.work import Ending, Output
from duologue.take import Progress
from duologue.video.backends import Backend, Pictures, Region, Wish, open_backend
from duologue.wire import clip, pictures
from duologue.wire.framing import encode
from duologue.wire.messages import Message
from duologue.wire.render_messages import LeftMessage, PicturesMessage


class Rendering:
    """The pictures of one worker; see ``work.Work``. The backend that was used last stays loaded."""

    failed: tuple[str, str] = ("render-failed", "the pictures could not be made")

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        """``weights``: folders by backend; ``tiny`` has its own in the store."""
        self._device, self._weights = device, weights
        self._open: tuple[tuple[str, tuple[int, int]], Backend] | None = None
        self.ready: dict[str, Any] = {}

    def run(self, job: dict[str, Any], out: Output) -> Ending:
        """Make the pictures of a job; see ``work.Work``."""
        began = time.monotonic()
        settings = RenderSettings(**{**job["settings"], "presets": tuple(job["settings"]["presets"])})
        passes = UploadedPasses.of(job)
        check_values(passes, out.should_stop)
        backend = self._backend(settings.backend, passes.size)
        sending = _Sending(job, out)
        for label in _labels(settings, out):
            made = MadePictures(Path(job["folder"]) / MADE, label, passes.size, _before(job))
            _make(backend, (settings, label), passes, (made, sending), job)
            if out.should_stop():
                break
        timings = {
            "first_window": sending.first_after(began),
            "total": time.monotonic() - began,
            "frames": passes.frames,
        }
        return Ending(sending.seq, sending.digest.hexdigest(), timings)

    def _backend(self, name: str, size: tuple[int, int]) -> Backend:
        """Return a backend for pictures of a size; memory is asked for by size."""
        if self._open is None or self._open[0] != (name, size):
            self._open = None  # the one before gives its memory back first
            device = "cpu" if name == "carried" else _prepared(self._device)
            self._open = (name, size), open_backend(name, self._weights.get(name), device, size)
        return self._open[1]


def _prepared(device: str) -> str:
    from duologue.checkpoints.devices import prepare  # brings torch, which carried pictures need not wait for

    return prepare(device)


def _labels(settings: RenderSettings, out: Output) -> list[str]:
    """Return the presets whose pictures are made; a draft that would be the same as the final ones is left out."""
    draft, *rest = settings.presets
    if rest and settings.steps_of(draft) == settings.steps_of(rest[0]):
        out.notice("pictures", f"{settings.backend} has no other draft than what is final: the pictures are made once")
        return rest
    return [draft, *rest]


class _Sending:
    """Pictures on their way to the client: cut, counted, and what it has already left out."""

    def __init__(self, job: Mapping[str, Any], out: Output) -> None:
        self._job, self.out = job, out
        self.seq = 0
        self.digest = pictures.PictureDigest()
        self._first: float | None = None

    def send(self, label: str, start: int, rgb: Any, about: dict[str, Any], made: MadePictures) -> None:
        """Hand a chunk out, and what it left where that is wanted."""
        for begin, row, part in pictures.cut(start, rgb):
            self.digest.add(label, begin, part, row)
            message = PicturesMessage(self._job["job"], self.seq, begin, len(part), label, row, about)
            self._window(message, {"rgb": part})
            self._first = self._first or time.monotonic()
        if not self._job["keep"]:
            return
        stop = start + len(rgb)
        left = made.left(stop)
        for offset, part in pictures.cut_left(left):
            self.digest.add_left(label, stop, offset, part)
            self._window(LeftMessage(self._job["job"], self.seq, label, stop, offset, len(left)), {"data": part})

    def _window(self, message: Message, arrays: dict[str, Any]) -> None:
        if self.seq >= self._job["skip"]:
            self.out.window(self.seq, encode(message, arrays))
        self.seq += 1

    def first_after(self, began: float) -> float | None:
        """Return the seconds until the first picture."""
        return None if self._first is None else self._first - began


def _before(job: Mapping[str, Any]) -> Pictures | None:
    """Return what an earlier job left, where this one goes on from it. Raises ``tensors-malformed``."""
    if clip.LEFT not in job["passes"]:
        return None
    arrays, _ = safetensors.load(job["passes"][clip.LEFT])
    return Pictures(job["start"], np.zeros((0, 0, 0, 3), np.uint8), arrays)


def _make(
    backend: Backend,
    how: tuple[RenderSettings, str],
    passes: UploadedPasses,
    to: tuple[MadePictures, _Sending],
    job: Mapping[str, Any],
) -> None:
    """Make the pictures of one label: those that are there are handed out again, the others made after them."""
    (settings, label), (made, sending) = how, to
    out = sending.out
    region = Region(settings.region, passes.previous) if settings.region else None
    mode = settings.mode or MAKERS[settings.backend].modes[0]
    steps = settings.steps_of(label)
    about = {"backend": backend.name, "mode": mode, "steps": steps, "weights": dict(backend.weights)}
    for start, rgb in made.chunks():
        sending.send(label, start, rgb, about, made)
    out.progress(Progress(label, made.done, passes.frames))
    if made.done == passes.frames:
        return
    references = clip.read_references(safetensors.load(Path(job["folder"]) / REFERENCES)[0])
    events = [Event(**event) for event in job["events"]]
    wish = Wish(settings.prompt, steps, settings.seed, mode, region)
    for chunk in backend.generate(passes, references, events, wish, out.should_stop, since=made.since):
        made.write(chunk)
        sending.send(label, chunk.start, chunk.rgb, about, made)
        out.progress(Progress(label, made.done, passes.frames))
        if out.should_stop():
            break
    for note in backend.report.notes:
        out.notice("pictures", note)
