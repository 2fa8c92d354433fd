"""Pictures of a clip on the server: its passes come up, pictures go down while they are made."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from duologue.errors import invalid
from duologue.files import safetensors
from duologue.passes.pictures import Event, RenderSettings
from duologue.service.jobs import INTERACT, Job, Request
from duologue.service.spool import Upload
from duologue.wire import clip
from duologue.wire.framing import Array

REFERENCES = "references.safetensors"
MADE = "made"
"""The folder where a worker keeps what it has made, for one that takes over."""


@dataclass(frozen=True, eq=False)
class RenderRequest(Request):
    """What a RENDER asks for, once it is checked."""

    settings: RenderSettings
    events: tuple[Event, ...]
    shapes: clip.Shapes
    fps: float
    depth_range: tuple[float, float]
    names: tuple[str, ...]
    """What comes up, in its order."""
    sha256: tuple[str, ...]
    references: Mapping[str, NDArray[Any]]
    """By their names on the wire."""
    params: str
    seconds: float
    start: int = 0
    """The first frame that is made."""
    keep: bool = False
    """Whether the client is sent what pictures go on from."""

    @property
    def disk(self) -> int:
        """See ``Request``; pictures are there twice, as messages and as a worker goes on from them; what is gone on from is about
        as large as they are."""
        return self.upload + 3 * len(self.settings.presets) * self.shapes.bytes(clip.PREVIOUS)

    @property
    def upload(self) -> int:
        """Bytes that come up."""
        return sum(self.shapes.bytes(name) for name in self.names)

    def begin(self, key: str, user: str, folder: Path) -> RenderJob:
        """See ``Request``. Raises what writing the references does."""
        return RenderJob(self, key, user, folder)


class RenderJob(Job):
    """Pictures that a client asked for."""

    kind: ClassVar = INTERACT
    keeps_what_was_made: ClassVar = True

    def __init__(self, request: RenderRequest, key: str, user: str, folder: Path) -> None:
        super().__init__(request, key, user, folder)
        self._request = request
        self._passes = {name: Upload(folder / f"{name}.pass", request.shapes.bytes(name)) for name in request.names}
        safetensors.save(folder / REFERENCES, {**request.references})

    @property
    def uploads(self) -> list[Upload]:
        """See ``Job``."""
        return [*self._passes.values()]

    def held(self) -> Mapping[str, Any]:
        """See ``Job``."""
        return {"received": tuple(upload.received for upload in self._passes.values())}

    def order(self) -> dict[str, Any]:
        """See ``Job``."""
        request = self._request
        return {
            "folder": str(self.folder),
            "settings": asdict(request.settings),
            "events": [asdict(event) for event in request.events],
            "frames": request.shapes.frames,
            "size": request.shapes.size,
            "start": request.start,
            "keep": request.keep,
            "fps": request.fps,
            "depth_range": request.depth_range,
            "passes": {name: str(upload.path) for name, upload in self._passes.items()},
        }

    def add_pass(self, name: str, offset: int, data: Array | None) -> None:
        """Add a stretch of a pass, from a value on.

        Raises:
            DuologueError: INVALID_ARGUMENT ``passes-message``; DATA_LOSS ``passes-order``.
        """
        upload = self._passes.get(name)
        if upload is None or data is None or data.ndim != 1 or data.dtype.str != clip.type_of(name):
            wanted = f", a row of {clip.type_of(name)}" if upload is not None else ", one of those that RENDER named"
            raise invalid("passes-message", f"PASSES needs a pass{wanted}", field=f"{name:.64}")
        self.add(upload, offset * data.itemsize, data, "passes-order")

    @property
    def is_here(self) -> bool:
        """All has come up that was announced."""
        return all(upload.received == upload.size for upload in self.uploads)

    def damaged(self) -> str:
        """Close what came up, and name the first of it that is not as it was sent, if any."""
        whole = {
            name: upload.is_whole(sha256)
            for (name, upload), sha256 in zip(self._passes.items(), self._request.sha256, strict=True)
        }
        return next((name for name, is_whole in whole.items() if not is_whole), "")

    def close(self) -> None:
        """See ``Job``."""
        super().close()
        shutil.rmtree(self.folder / MADE, ignore_errors=True)
