"""Where a server listens and what it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from duologue.errors import invalid
from duologue.labels import check
from duologue.passes.pictures import MAKERS
from duologue.service.limits import Limits


@dataclass(frozen=True)
class Settings:
    """What a server is started with."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    devices: tuple[str, ...] = ("auto",)
    performance: str = "duologue.performance:Performance"
    weights: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Folders of weights by backend, for pictures."""
    limits: Limits = field(default_factory=Limits)
    plain: bool = False
    """No CURVE: for measuring what it costs, on loopback, from our own code alone; no command sets it."""


def parse_weights(texts: Sequence[str]) -> dict[str, Path]:
    """Return the folders that ``wan-vace=/models/wan`` and the like name, by backend.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label`` for what is no backend that takes weights, ``weights-malformed``.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        check(name, [one for one in MAKERS if one != "carried"], field="--weights")
        if not equals or not folder:
            raise invalid("weights-malformed", f"{text!r:.80} names no folder; write {name}=FOLDER", field="--weights")
        found[name] = Path(folder).absolute()
    return found
