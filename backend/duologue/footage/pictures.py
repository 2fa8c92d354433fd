"""Pictures of a clip as files, while they are made: ``frames/0001.png``, gone on with where they were stopped, a part made again.

``settings.json`` says all that a picture depends on: what agrees with it is gone on with, what does not is refused. Beside it
lies what the next pictures go on from (``.left.safetensors``), written after each chunk. When a region is made again, what was
there stays in ``before/``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError, invalid
from duologue.files import safetensors
from duologue.files.atomic import prepare_folder, write_text
from duologue.files.reading import parse_json
from duologue.passes import video
from duologue.passes.frames import BEFORE, FRAMES, Frames
from duologue.passes.sources import PassSource
from duologue.video.backends import REGIONS, Backend, Event, Pictures, References, Region, Wish

SETTINGS: Final = "settings.json"
VIDEO: Final = "interaction.mp4"
_LEFT: Final = ".left.safetensors"
_AT: Final = "duologue-next-frame"

Bytes = NDArray[np.uint8]
Tell = Callable[[int, int], None]


class PictureFolder:
    """A folder that pictures are made into.

    Args:
        root: the folder; made if it is not there.
        settings: all that the pictures depend on, JSON-safe.
        frames: how many there will be.
        region: what alone is made again, of pictures that are all there; empty: everything.
        replace: whether pictures of other settings may go.

    Raises:
        DuologueError: FAILED_PRECONDITION ``pictures-there``; NOT_FOUND ``pictures-missing`` for a region of pictures that
            were not all made; DATA_LOSS ``pictures-damaged``; what making the folder raises.
    """

    def __init__(
        self, root: Path, settings: Mapping[str, Any], frames: int, region: str = "", *, replace: bool = False
    ) -> None:
        self.root, self.frames, self.region = root, frames, region
        self.pictures, self.before = Frames(root / FRAMES), Frames(root / BEFORE)
        prepare_folder(root)
        there = _read(root / SETTINGS)
        wanted = json.loads(json.dumps({**settings, "region": region}))
        if region:
            wanted["previous"] = self._previous(there, wanted)
        old = {key: there.get(key) for key in wanted}
        alike = bool(there) and old == wanted
        self.complete = alike and bool(there.get("complete"))
        self._settings = wanted
        if alike:
            return
        if there and not region and not replace:
            changed = sorted(key for key in wanted if there.get(key) != wanted[key])
            raise DuologueError(
                "FAILED_PRECONDITION",
                "pictures-there",
                f"{root} holds pictures of other settings ({', '.join(changed)}); choose another folder, or --replace them",
                field="--out",
            )
        self._begin(keep=bool(region))

    def _previous(self, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> Any:
        """Return what tells the pictures before from others: of the run that is gone on with, or of those that are there."""
        if self.region not in REGIONS:
            raise invalid(
                "unknown-label", f"no region {self.region!r}; there are: {', '.join(REGIONS)}", field="--region"
            )
        same = all(there.get(key) == value for key, value in wanted.items())
        if same and not there.get("complete"):
            return there.get("previous")
        whole = bool(there.get("complete")) and self.pictures.has(self.frames)
        if not whole or there.get("clip") != wanted.get("clip"):
            raise not_whole(self.root)
        return there.get("digest")

    def _begin(self, *, keep: bool) -> None:
        (self.root / SETTINGS).unlink(missing_ok=True)
        (self.root / _LEFT).unlink(missing_ok=True)
        (self.root / VIDEO).unlink(missing_ok=True)
        shutil.rmtree(self.before.folder, ignore_errors=True)
        if keep:
            self.pictures.folder.replace(self.before.folder)
        shutil.rmtree(self.pictures.folder, ignore_errors=True)
        self.pictures.folder.mkdir()
        self.write_settings()

    def write_settings(self, **more: Any) -> None:
        """Write ``settings.json``: with how far it came, and the digest."""
        write_text(self.root / SETTINGS, json.dumps({**self._settings, **more}, indent=1) + "\n")

    @property
    def since(self) -> Pictures | None:
        """What a run goes on from: what the last whole chunk left."""
        path = self.root / _LEFT
        if not path.is_file():
            return None
        arrays, about = safetensors.load(path)
        done = int(about.get(_AT, "0"))
        if not 0 < done <= self.frames or not self.pictures.has(done):
            return None
        return Pictures(done, np.zeros((0, 0, 0, 3), np.uint8), arrays)

    def write(self, made: Pictures) -> None:
        """Write a chunk, then what the next one goes on from: a run that is killed between repeats the chunk."""
        self.pictures.write(made.start, made.rgb)
        arrays = dict(made.left) or {"none": np.zeros(1, np.uint8)}
        safetensors.save(self.root / _LEFT, arrays, {_AT: str(made.stop)})

    def finish(self, done: int, fps: float) -> list[str]:
        """Write the video, and how far it came; return notes. A region that was stopped keeps the rest as it was."""
        complete = done == self.frames
        shown = done
        if self.region and not complete:
            for index in range(done, self.frames):
                shutil.copyfile(self.before.path(index), self.pictures.path(index))
            shown = self.frames
        notes: list[str] = []
        if shown and video.available():
            video.write_video(self.root / VIDEO, self.pictures.each(shown), fps)
        elif shown:
            notes.append(f"PyAV is not installed, so there is no {VIDEO}; frames/ has the pictures")
        self.write_settings(complete=complete, made=done, digest=self.pictures.digest(shown))
        if complete:
            (self.root / _LEFT).unlink(missing_ok=True)
            self.complete = True
        return notes


def make_pictures(
    backend: Backend, target: PictureFolder, passes: PassSource, told: tuple[References, Sequence[Event]], wish: Wish,
    *, tell: Tell, should_stop: Callable[[], bool] = lambda: False,
) -> int:  # fmt: skip
    """Make the pictures that are not there yet; return how many there are from the first on.

    Raises:
        DuologueError: what ``Backend.generate`` and writing raise.
    """
    if target.complete:
        return target.frames
    since = target.since
    done = 0 if since is None else since.stop
    if done == target.frames:
        return done
    tell(done, target.frames)
    for made in backend.generate(passes, *told, wish, should_stop, since=since):
        target.write(made)
        done = made.stop
        tell(done, target.frames)
    return done


def region_of(target: PictureFolder) -> Region | None:
    """Return the region that is made again in a folder."""
    return Region(target.region, target.before.read) if target.region else None


def not_whole(root: Path) -> DuologueError:
    """Return the error for a region of pictures that are not all there."""
    return DuologueError(
        "NOT_FOUND",
        "pictures-missing",
        f"{root} has not all pictures of this clip, so no part of them can be made again; make them whole first, "
        "without --region",
        field="--region",
    )


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        found = parse_json(path.read_bytes())
    except ValueError as error:
        raise DuologueError(
            "DATA_LOSS", "pictures-damaged", f"{path} can't be read ({error}); remove the folder, or choose another one"
        ) from error
    return found if isinstance(found, dict) else {}
