"""The messages that pictures alone need: a clip's passes go up, pictures come down. Everything else is as for a performance.

Asked only of a server with the capability ``INTERACT``: an older one knows none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from duologue.wire.fields import Json
from duologue.wire.messages import Message

INTERACT: Final = "interact"
"""The capability of a server (WELCOME) that makes pictures of passes."""


@dataclass(frozen=True)
class Render(Message):
    """Ask for pictures of a clip: what ``passes.pictures.RenderSettings`` says, and what will come up.

    A repeated ``key`` finds the job it opened before. Arrays ``reference.A.face`` …: what people look like, uint8 (h, w, 3).
    """

    TYPE: ClassVar = "RENDER"
    key: str
    size: tuple[int, ...]
    """Width and height, pixels."""
    frames: int
    fps: float
    passes: tuple[str, ...]
    """Names of what goes up, in that order; ``wire.clip.PREVIOUS`` among them where a region is made again."""
    sha256: tuple[str, ...]
    """(hex) of each as it goes up."""
    backend: str = "carried"
    presets: tuple[str, ...] = ("draft",)
    mode: str = ""
    steps: int = 0
    seed: int = 0
    prompt: str = ""
    region: str = ""
    depth_range: tuple[float, ...] = (0.0, 0.0)
    """Nearest and farthest metre of the clip."""
    events: tuple[Json, ...] = ()
    """Each with the fields of ``passes.pictures.Event``."""
    next_seq: int = 0
    """The first window of pictures that the client still needs."""
    credit: int = 0


@dataclass(frozen=True)
class PassesMessage(Message):
    """A stretch of one pass, from value ``offset`` of its (frames, H, W[, channels]) on. Array ``data``: one row of its type."""

    TYPE: ClassVar = "PASSES"
    job: str
    name: str
    offset: int


@dataclass(frozen=True)
class PicturesMessage(Message):
    """The ``seq``-th window: ``frames`` pictures from frame ``start`` on. Array ``rgb``: uint8 (n, H, W, 3), sRGB."""

    TYPE: ClassVar = "PICTURES"
    job: str
    seq: int
    start: int
    frames: int
    label: str
    """``draft`` or ``final``: all of one, from frame 0 on, then all of the other."""
    made: Json = field(default_factory=dict[str, Any])
    """By what: ``backend``, ``mode``, ``steps``, ``weights`` (name -> digest)."""
