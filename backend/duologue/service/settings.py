"""Where a server listens and what it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from duologue.service.limits import Limits


@dataclass(frozen=True)
class Settings:
    """What a server is started with."""

    state: Path
    host: str = "127.0.0.1"
    port: int = 0
    devices: tuple[str, ...] = ("auto",)
    performance: str = "duologue.performance:Performance"
    limits: Limits = field(default_factory=Limits)
    plain: bool = False
    """No CURVE: for measuring what it costs, on loopback, from our own code alone; no command sets it."""
