"""The passes of a stretch, into a folder: a frame at a time, and gone on with where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue.footage.keypoints import keypoints, places
from duologue.footage.played import Played, frames_of
from duologue.passes import video
from duologue.passes.camera import Camera, Size
from duologue.passes.comfy import write_comfy
from duologue.passes.contract import PASSES, PEOPLE
from duologue.passes.drawing import Moment, Painter, check_sight
from duologue.passes.folder import Clip, PassFolder, read_pass
from duologue.passes.lighting import Look
from duologue.passes.options import Span
from duologue.passes.pictures import References
from duologue.passes.references import shown_to_models, write_references

PASSES_FOLDER: Final = "passes"
_SMALL: Final = (64, 64)
_LOOKED_AT: Final = 5


def draw_passes(  # noqa: PLR0913, PLR0917
    played: Played, span: Span, camera: Camera, size: Size, folder: Path, settings: Mapping[str, Any],
    *, tell: Callable[[int, int], None], should_stop: Callable[[], bool] = lambda: False, replace: bool = False,
) -> PassFolder:  # fmt: skip
    """Draw all passes of a stretch, what is there already excepted; finished, unless it was stopped.

    Raises:
        DuologueError: ``passes-there``, ``camera-inside-head``, ``nothing-in-sight``, ``surface-not-finite``; what writes.
    """
    frames = frames_of(span)
    fps = played.fps / span.step
    skin = [places(person) for person in played.people]

    def moment(index: int) -> Moment:
        frame = int(frames[index])
        surface = played.surface(frame)
        people: list[Any] = []
        for who, actor in enumerate(played.actors):
            start, stop = surface.spans[PEOPLE[who + 1]]
            people.append(keypoints(actor.pose, frame - played.begin, surface.vertices[start:stop], skin[who]))
        return Moment(surface, camera, people)

    _check_sight(moment, len(frames))
    target = PassFolder(folder, Clip(size, len(frames), fps), tuple(PASSES), settings, replace=replace)
    if target.complete:
        return target
    first = moment(0)
    given = read_pass(folder, "beauty", 0) if target.has(0) else None
    painter = Painter(size, first, given, tuple(PASSES), fps, look=Look(shadows=True))
    now: Moment | None = first
    for index in range(len(frames)):
        following: Moment | None = None
        if not target.has(index):
            if should_stop():
                return target
            following = moment(index + 1) if index + 1 < len(frames) else None
            frame = painter.draw(now or moment(index), following, given if index == 0 else None)
            target.write(index, frame, {"frame": int(frames[index]) + 1, "camera": camera.to_json()})
        now = following
        tell(index + 1, len(frames))
    if video.available():
        write_comfy(target, video.write_video)
    else:
        write_references(target)
    target.finish([] if video.available() else ["PyAV is not installed: comfy/ has no videos"])
    return target


def _check_sight(moment: Callable[[int], Moment], count: int) -> None:
    """See that somebody is in the picture before anything is written."""
    seen: list[Any] = []
    for index in np.unique(np.linspace(0, count - 1, _LOOKED_AT).astype(int)):
        one = moment(int(index))
        seen.append(Painter(_SMALL, one, None, ("part",)).draw(one)["part"])
        if (seen[-1] > 0).any():
            return
    check_sight(np.stack(seen))


def references_of(folder: Path, played: Played) -> References:
    """Return what both look like: face and hand on pictures of their own, the whole of them from the clip."""
    seen = shown_to_models(folder)
    found: dict[str, dict[str, Any]] = {}
    for who, person in enumerate(played.people):
        name = PEOPLE[who + 1]
        whole = {what: picture for what, picture in seen.get(name, {}).items() if what == "full"}
        found[name] = {"face": person.faces[0], "hand": person.hands[0], **whole}
    return found
