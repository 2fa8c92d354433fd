"""What a server checks of a RENDER before it takes a job: sizes, names, and whether it has what makes such pictures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.labels import INTERACTIONS, PERFORMERS
from duologue.labels import check as check_label
from duologue.passes.pictures import Event, RenderSettings
from duologue.service.limits import Limits
from duologue.service.render_jobs import RenderRequest
from duologue.wire import clip
from duologue.wire.fields import MAX_ITEMS, Json
from duologue.wire.framing import Array
from duologue.wire.pictures import MAX_LEFT
from duologue.wire.render_messages import Render


def check(message: Render, arrays: Mapping[str, Array], limits: Limits, backends: Sequence[str]) -> RenderRequest:
    """Check a RENDER.

    Raises:
        DuologueError: INVALID_ARGUMENT ``render-malformed``, ``frames-too-many``; NOT_FOUND ``weights-missing``; what
            ``wire.clip``'s checks raise.
    """
    if (
        not 0 < len(message.key) <= MAX_ITEMS
        or len(message.size) != 2
        or len(message.depth_range) != 2
        or message.fps <= 0
    ):
        raise _malformed("a key, a width and a height, frames a second above 0, and a nearest and a farthest metre")
    settings = RenderSettings(
        message.backend, message.mode, message.presets, message.steps, message.seed, message.prompt, message.region
    )
    clip.check_settings(settings)
    size = (message.size[0], message.size[1])
    clip.check_clip(message.frames, size)
    if message.frames > limits.render_frames:
        text = f"{message.frames} frames are too many; {limits.render_frames} is the limit: make them in parts"
        raise invalid("frames-too-many", text, field="frames")
    if message.backend not in backends:
        raise clip.no_weights(message.backend)
    _check_going_on(message)
    names = clip.names_of(settings, left=message.start > 0)
    if message.passes != names or len(message.sha256) != len(names):
        raise _malformed(f"these passes in this order, and a sha256 of each: {', '.join(names)}")
    clip.read_references(arrays)
    return RenderRequest(
        settings,
        tuple(_event(values) for values in message.events),
        clip.Shapes(message.frames, size, message.left_bytes),
        message.fps,
        (message.depth_range[0], message.depth_range[1]),
        message.passes,
        message.sha256,
        dict(arrays),
        _params(message, arrays),
        message.frames / message.fps,
        message.start,
        message.keep,
    )


def _check_going_on(message: Render) -> None:
    if bool(message.start) != bool(message.left_bytes) or message.left_bytes > MAX_LEFT:
        raise _malformed(f"with a first frame what is gone on from, 1 to {MAX_LEFT} bytes, and else none")
    if message.start and (message.start >= message.frames or len(message.presets) > 1):
        raise _malformed("a first frame within the clip, and one preset, where it goes on")


def _params(message: Render, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the sha256 of all that the pictures depend on."""
    asked = {name: value for name, value in asdict(message).items() if name not in {"key", "next_seq", "credit"}}
    digest = hashlib.sha256(b"RENDER" + json.dumps(asked, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].shape}".encode() + arrays[name].tobytes())
    return digest.hexdigest()


def _event(values: Json) -> Event:
    try:
        pattern, performer, touched = (str(values[name]) for name in ("pattern", "performer", "touched"))
        begins, ends = float(values["begins"]), float(values["ends"])
    except (KeyError, TypeError, ValueError):
        raise _malformed("of every event a pattern, a performer, who is touched, and from when to when") from None
    check_label(pattern, INTERACTIONS, field="events")
    for person in (performer, touched):
        check_label(person, PERFORMERS, field="events")
    return Event(pattern, performer, touched, begins, ends)


def _malformed(what: str) -> DuologueError:
    return invalid("render-malformed", f"RENDER needs {what}")
