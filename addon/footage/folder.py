# SPDX-License-Identifier: GPL-3.0-or-later
"""A video's folder: its passes, its pictures while they are made, and in ``video.json`` all that they depend on.

Pictures are written over one by one, so that there is always one of each frame: a final one over its draft, one that is made
again over the one before, of which ``before/`` keeps a copy. What is in a folder that is not such a video is never touched.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import duologue
import numpy as np
from duologue.errors import DuologueError
from duologue.files import safetensors
from duologue.files.atomic import prepare_folder, write_text
from duologue.files.reading import parse_json
from duologue.passes.camera import Size
from duologue.passes.frames import BEFORE, FRAMES, Frames
from duologue.passes.options import Span
from duologue.passes.pictures import Event, RenderSettings
from duologue.wire.pictures import Left, PictureWindow
from numpy.typing import NDArray

PASSES: Final = "passes"
ABOUT: Final = "video.json"
CARRIED: Final = "carried"
"""Who makes pictures in Blender's own Python; all others are a server's."""
_LEFT: Final = ".left.safetensors"
_DATA, _LABEL, _START = "left", "duologue-label", "duologue-start"

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Clip:
    """What of a scene is shown. ``picture``: what has drawn its first frame; ``passes``: a digest of what was read of it."""

    scene: str
    camera: str
    span: Span
    size: Size
    fps: float
    picture: str
    events: tuple[Event, ...] = ()
    passes: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it JSON-safe."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Clip:
        """Return what :meth:`to_json` has written."""
        rest = {name: found[name] for name in ("scene", "camera", "fps", "picture", "passes")}
        events = tuple(Event(**event) for event in found["events"])
        width, height = found["size"]
        return cls(span=Span(**found["span"]), size=(width, height), events=events, **rest)


class VideoFolder:
    """A folder that a video is made into, or that has one. Nothing is written before it is asked for.

    Raises:
        DuologueError: DATA_LOSS ``pictures-damaged`` where ``video.json`` was written by something else.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pictures, self.before = Frames(root / FRAMES), Frames(root / BEFORE)
        self.about = _read(root / ABOUT)

    # What is there ----------------------------------------------------------------------------------------------------

    @property
    def clip(self) -> Clip:
        """What it shows, once :meth:`begin` has said so."""
        return Clip.from_json(self.about["clip"])

    @property
    def settings(self) -> RenderSettings:
        """What its pictures were asked for with, the last time."""
        return settings_from(self.about["pictures"])

    @property
    def begun(self) -> bool:
        """Whether pictures of a clip were asked for."""
        return "clip" in self.about

    @property
    def complete(self) -> bool:
        """Whether all that was asked for the last time is there."""
        return bool(self.about.get("complete"))

    @property
    def done(self) -> int:
        """Pictures that are there of what was asked for the last time, from the first on."""
        return int(self.about.get("done", 0))

    @property
    def shown(self) -> int:
        """Pictures that are there, from the first on, whatever they were made with."""
        return int(self.about.get("shown", 0))

    def digest_of_passes(self) -> str:
        """Return a sha256 over the files of the passes: what the pictures are made of."""
        found = hashlib.sha256()
        for file in _files(self.root / PASSES):
            found.update(file.relative_to(self.root).as_posix().encode() + b"\0" + file.read_bytes())
        return found.hexdigest()

    def that_has(self, known: Mapping[str, Any]) -> VideoFolder:
        """Return it, if it has the clip that a strip's note is of.

        Raises:
            DuologueError: NOT_FOUND ``pictures-missing``.
        """
        if not self.begun or self.about["clip"] != known.get("clip"):
            what = f"{self.root} has {'another' if self.begun else 'no'} video by now, not the one of this strip; make it anew"
            raise DuologueError("NOT_FOUND", "pictures-missing", what)
        return self

    # What is written --------------------------------------------------------------------------------------------------

    def check_free(self, *, replace: bool) -> None:
        """Check that a new clip may be made here.

        Raises:
            DuologueError: FAILED_PRECONDITION ``pictures-there``.
        """
        if not self.about:
            taken = [name for name in (FRAMES, BEFORE, PASSES) if any(_files(self.root / name))]
            if taken:
                what = f"{self.root / taken[0]} holds files that are no video of Duologue's; choose another folder"
                raise DuologueError("FAILED_PRECONDITION", "pictures-there", what)
        elif self.shown and not replace:
            what = f"{self.root} holds a video of {self.shown} pictures; choose another folder, or tick Replace Video"
            raise DuologueError("FAILED_PRECONDITION", "pictures-there", what)

    def claim(self) -> None:
        """Make the folder one of ours, before anything else is written into it.

        Raises:
            DuologueError: what :func:`duologue.files.atomic.prepare_folder` raises.
        """
        prepare_folder(self.root)
        if not self.about:
            self._write(done=0, shown=0, complete=False)

    def begin(self, clip: Clip, settings: RenderSettings) -> None:
        """Begin a new clip: what was there goes."""
        (self.root / _LEFT).unlink(missing_ok=True)
        for frames in (self.pictures, self.before):
            shutil.rmtree(frames.folder, ignore_errors=True)
        self.pictures.folder.mkdir()
        self.about = {}
        self._write(
            duologue=duologue.__version__,
            clip=clip.to_json(),
            pictures=asdict(settings),
            done=0,
            shown=0,
            complete=False,
        )

    def begin_again(self, settings: RenderSettings) -> None:
        """Begin to make pictures of the same clip again, over those that are there."""
        (self.root / _LEFT).unlink(missing_ok=True)
        shutil.rmtree(self.before.folder, ignore_errors=True)
        shutil.copytree(self.pictures.folder, self.before.folder)
        self._write(
            duologue=duologue.__version__,
            pictures=asdict(settings),
            before=self.about.get("digest", ""),
            done=0,
            complete=False,
        )

    def to_go_on(self) -> int:
        """Make ready for what is missing since a stop; return the first frame that Blender, if it makes them, has to make."""
        settings = self.settings
        if self.about.get("label") == settings.presets[-1]:
            self._write(pictures=asdict(replace(settings, presets=settings.presets[-1:])), complete=False)
        return self.done if settings.backend == CARRIED else 0

    @property
    def left(self) -> Left | None:
        """What a server left after its last whole chunk, if the pictures that are asked for go on from it."""
        if not (self.root / _LEFT).is_file():
            return None
        arrays, about = safetensors.load(self.root / _LEFT)
        left = Left(about[_LABEL], int(about[_START]), arrays[_DATA].tobytes())
        return left if self.settings.presets == (left.label,) and left.start <= self.done else None

    def keep(self, left: Left) -> None:
        """Keep what pictures go on from."""
        if left.data:
            about = {_LABEL: left.label, _START: str(left.start)}
            safetensors.save(self.root / _LEFT, {_DATA: np.frombuffer(left.data, np.uint8)}, about)

    def write(self, window: PictureWindow) -> None:
        """Write pictures that have come."""
        self.pictures.write(window.start, window.rgb)
        self._write(
            label=window.label,
            made=dict(window.made),
            done=window.stop,
            shown=max(self.shown, window.stop),
            complete=False,
        )

    def finish(self, *, complete: bool) -> None:
        """Write how far it came, and the digest of what is there."""
        if complete:
            (self.root / _LEFT).unlink(missing_ok=True)
        self._write(complete=complete, digest=self.pictures.digest(self.shown))

    def _write(self, **more: Any) -> None:
        self.about = self.about | json.loads(
            json.dumps(more)
        )  # never changed in place: another thread may be reading it
        write_text(self.root / ABOUT, json.dumps(self.about, indent=1) + "\n")


def settings_from(found: Mapping[str, Any]) -> RenderSettings:
    """Return settings that were kept as JSON."""
    return RenderSettings(**{**found, "presets": tuple(found["presets"])})


def _files(folder: Path) -> Iterator[Path]:
    """Yield a folder's files in a fixed order; none of those that are ours to come and go."""
    if folder.is_dir():
        yield from (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith("."))


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = parse_json(path.read_bytes())
    except ValueError as error:
        found = error
    if not isinstance(found, dict) or not {"done", "shown"} <= found.keys():
        what = f"{path} is no note of Duologue's on a video; remove the folder, or choose another one"
        raise DuologueError("DATA_LOSS", "pictures-damaged", what)
    return found
