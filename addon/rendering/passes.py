# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder of passes from a scene: the picture by Blender, everything else by :mod:`duologue.passes` from evaluated triangles."""

from __future__ import annotations

import hashlib
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bpy
import numpy as np
from duologue.errors import invalid
from duologue.files.lock import only_writer
from duologue.passes import PASSES, Moment, Painter, PassFolder, contract, merge, video
from duologue.passes.comfy import write_comfy
from duologue.passes.drawing import check_sight
from duologue.passes.folder import CLIP, Clip, read_pass
from duologue.passes.options import Span, parse_frames, parse_size, usual_frames
from duologue.passes.references import write_references
from numpy.typing import NDArray

from ..cast.cast import Performer
from ..cast.keypoints import Tracker, person_of, track
from ..scene import passes
from ..scene.files import open_blend, outside
from ..scene.surfaces import Reader, unseen
from ..scene.timing import frame_rate
from . import films, pictures, shot

if TYPE_CHECKING:
    from bpy.types import Scene

Picture = NDArray[np.uint8]
Draw = Callable[[int], Picture | None]
"""Gives the picture (H, W, 3) of a frame of the scene; None where ours stands for it."""

_PICTURED: Final = {"beauty", "carried", "relit", "hole"}
"""What needs the picture itself."""
_LOOKED_AT: Final = 5
"""Frames that are looked at before any work, for somebody to be in sight."""
_SMALL: Final = (64, 64)
_BUSY: Final = "another export writes into {folder}; wait until it is done, or choose another folder"


@dataclass(frozen=True)
class Request:
    """What is to be exported: frames of the scene; ``camera``: a name, or the scene's own.

    ``source``: what the scene is, by which a clip that was begun is known again; nothing, and it is made anew. ``first_only``:
    the scene's own picture is drawn of the first frame alone, so references are of that one, and there are no videos for ComfyUI.
    """

    folder: Path
    span: Span
    size: tuple[int, int]
    camera: str = ""
    wanted: tuple[str, ...] = tuple(PASSES)
    source: str = ""
    replace: bool = False
    first_only: bool = False

    @property
    def numbers(self) -> list[int]:
        """The scene's frames."""
        return list(range(self.span.first, self.span.last + 1, self.span.step))

    def check(self) -> None:
        """Check what can be checked without a scene.

        Raises:
            DuologueError: ``frames-empty``, ``frames-shape``, ``size-unsupported``, ``unknown-label``.
        """
        contract.check_frames(self.span.count)
        contract.check_size(*self.size)
        contract.check_names(self.wanted)


class Studio:
    """A scene whose moments are read: with its performers, its camera, and their keypoints."""

    def __init__(self, scene: Scene, performers: Sequence[Performer], request: Request) -> None:
        self.scene, self.request = scene, request
        self._fixed = passes.camera_named(scene, request.camera).name if request.camera else ""
        self._performers = performers
        self._reader = Reader([person_of(performer) for performer in performers])
        self._trackers: list[Tracker] | None = None

    def moment(self, frame: int) -> Moment:
        """Show a frame and read it.

        Raises:
            DuologueError: ``surface-not-finite``, ``camera-missing``, ``camera-unsupported``.
        """
        self.scene.frame_set(frame)
        depsgraph = bpy.context.evaluated_depsgraph_get()
        meshes = self._reader.read(depsgraph)
        if self._trackers is None:
            self._trackers = [track(performer, meshes, depsgraph) for performer in self._performers]
        camera = passes.read_camera(passes.camera_named(self.scene, self._fixed), depsgraph, self.request.size)
        pose = [tracker.keypoints(meshes, depsgraph) for tracker in self._trackers]
        return Moment(merge(meshes), camera, pose)

    def notes(self) -> list[str]:
        """Return what the passes don't show, and cuts."""
        numbers = self.request.numbers
        told = unseen(self.scene, bpy.context.evaluated_depsgraph_get())
        if not self._fixed and (at := passes.cuts(self.scene, numbers[0], numbers[-1])):
            told.append(
                f"the camera changes at frame {', '.join(map(str, at))}; name one camera for a clip without cuts"
            )
        return told


def export(
    scene: Scene, performers: Sequence[Performer], request: Request, draw: Draw, tell: Callable[[str], None]
) -> Iterator[tuple[int, int]]:
    """Export a clip, a frame a step; yields how many frames are done, and of how many. Closing it ends the export whole.

    What is there of the same clip already is not made again. ``tell`` hears notes.

    Raises:
        DuologueError: what :class:`Studio`, :class:`duologue.passes.PassFolder` and :class:`duologue.passes.Painter` raise;
            ``nothing-in-sight``; FAILED_PRECONDITION ``passes-busy`` where another export writes there.
    """
    request.check()
    with ExitStack() as until:
        until.enter_context(passes.staying(scene))
        until.enter_context(passes.as_rendered(scene))
        studio = Studio(scene, performers, request)
        first = _look(studio)
        notes = studio.notes()
        for note in notes:
            tell(note)
        fps = frame_rate(scene) / request.span.step
        until.enter_context(only_writer(request.folder, "passes-busy", _BUSY.format(folder=request.folder)))
        folder = PassFolder(
            request.folder, Clip(request.size, request.span.count, fps), request.wanted, _settings(scene, performers, request),
            resume=bool(request.source), replace=request.replace,
        )  # fmt: skip
        if not folder.complete:
            yield from _draw_frames(studio, folder, draw, fps, first)
            if request.first_only:
                write_references(folder, 1)
            else:
                write_comfy(folder, video.write_video if video.available() else films.write_video)
            folder.finish(notes)
    yield request.span.count, request.span.count


def _settings(scene: Scene, performers: Sequence[Performer], request: Request) -> Mapping[str, Any]:
    return {
        "source": request.source,
        "scene": scene.name,
        "first": request.span.first,
        "step": request.span.step,
        "camera": request.camera,
        "people": {performer.name: performer.armature.name for performer in performers},
    }


def _look(studio: Studio) -> Moment:
    """See that somebody is in sight, before anything is written; return the first moment of the clip.

    Where nobody is at first, a few later moments are looked at: each is a change of frame, to which the user's handlers answer.
    """
    numbers = studio.request.numbers
    chosen = sorted({numbers[i] for i in np.linspace(0, len(numbers) - 1, _LOOKED_AT).astype(int)})
    first = moment = studio.moment(chosen[0])
    for number in [*chosen[1:], None]:
        part = Painter(_SMALL, moment, None, ("part",)).draw(moment)["part"]
        if number is None or (part >= len(contract.PARTS)).any():
            check_sight(part)
            break
        moment = studio.moment(number)
    return first


def _draw_frames(
    studio: Studio, folder: PassFolder, draw: Draw, fps: float, moment: Moment
) -> Iterator[tuple[int, int]]:
    """Draw the frames that are not there yet; ``moment`` is the first one's."""
    numbers, wanted = studio.request.numbers, {*folder.wanted, "part", "depth"}
    shows = bool(wanted & _PICTURED)
    moments = {0: moment}
    begun = folder.has(0) and "beauty" in folder.wanted
    first = read_pass(folder.root, "beauty", 0) if begun else draw(numbers[0]) if shows else None
    painter = Painter(studio.request.size, moments[0], first, tuple(wanted), fps)
    for i, number in enumerate(numbers):
        if not folder.has(i):
            picture = first if i == 0 else draw(number) if shows and not studio.request.first_only else None
            now = moments.pop(i, None) or studio.moment(number)
            ahead = studio.moment(numbers[i + 1]) if i + 1 < len(numbers) else None
            frame = painter.draw(now, ahead, picture)
            folder.write(i, frame, {"frame": number, "camera": now.camera.to_json()})
            moments = {i + 1: ahead} if ahead is not None else {}
        yield i + 1, len(numbers)


def run(options: Namespace, emit: Callable[..., None]) -> list[str]:
    """Carry out ``headless passes``: export a clip of a saved scene; return the names of what is in its folder.

    Raises:
        DuologueError: what :func:`export`, opening and :func:`.shot.players` raise; INVALID_ARGUMENT ``blend-missing``.
    """
    size = parse_size(options.size)
    span = parse_frames(options.frames) if options.frames else None
    wanted = tuple(options.wanted) or tuple(PASSES)
    contract.check_names(wanted)
    blend = options.blend or (Path(bpy.data.filepath) if bpy.data.filepath else None)
    if blend is None:
        raise invalid("blend-missing", "no scene is given; name a .blend", field="BLEND")
    open_blend(blend, "BLEND")
    scene = bpy.context.scene
    span = span or usual_frames(scene.frame_start, scene.frame_end)
    performers = shot.players(options, scene)
    with blend.open("rb") as file:
        source = f"{hashlib.file_digest(file, 'sha256').hexdigest()} {outside(blend)} {options.engine}".strip()
    request = Request(options.out, span, size, options.camera, wanted, source, options.replace)
    with closing(pictures.Apart(blend, span, options, emit)) as apart:
        draw = apart if options.engine != "none" else lambda frame: None
        for done, total in export(scene, performers, request, draw, lambda note: emit("note", message=note)):
            emit("progress", stage="passes", done=done, total=total)
    return [CLIP, *sorted(path.name for path in options.out.iterdir() if path.is_dir())]
