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
GO_ON: Final = "interact-go-on"
"""The capability of one that says what pictures go on from (LEFT), and goes on from there; an older one begins at frame 0."""


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
    start: int = 0
    """The first frame that is wanted: those before were made by an earlier job, which left ``left_bytes`` to go on from."""
    left_bytes: int = 0
    """Of what goes up as ``wire.clip.LEFT``, the last of ``passes``."""
    keep: bool = False
    """Whether LEFT is wanted after each whole chunk."""
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
    """``draft`` or ``final``: all of one, from the first frame on, then all of the other."""
    row: int = 0
    """The first row that is here: a picture larger than an array may be comes in parts, each with all of the columns."""
    made: Json = field(default_factory=dict[str, Any])
    """By what: ``backend``, ``mode``, ``steps``, ``weights`` (name -> digest)."""


@dataclass(frozen=True)
class LeftMessage(Message):
    """What pictures from frame ``start`` on go on from, ``size`` bytes (safetensors), from byte ``offset`` on; a window as well.

    It follows the pictures of its chunk. Array ``data``: uint8. Nothing (``size`` 0) where it would be larger than a file may be.
    """

    TYPE: ClassVar = "LEFT"
    job: str
    seq: int
    label: str
    start: int
    offset: int
    size: int
