"""What the server takes, in one place. Every client is told (WELCOME) and may plan by it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from duologue.speech.decode import MAX_SAMPLES

_PUBLIC: Final = (
    "clip_seconds",
    "clip_samples",
    "lowest_rate",
    "highest_rate",
    "brief_bytes",
    "take_bytes",
    "render_frames",
    "jobs_per_client",
    "queue",
    "upload_credit",
    "keep",
)


@dataclass(frozen=True)
class Limits:
    """Bounds and times; seconds, bytes, samples a second. The defaults suit one machine and its few users."""

    clip_seconds: float = 30 * 60
    clip_samples: int = MAX_SAMPLES
    """Of a track, whatever its rate: half an hour at 48 kHz, a quarter of that at 192."""
    lowest_rate: int = 8_000
    highest_rate: int = 192_000
    brief_bytes: int = 1024 * 1024
    take_bytes: int = 160 * 1024**2
    """A take's file: half an hour has some 120 MiB."""
    render_frames: int = 4801
    """Of a clip that pictures are made of."""
    brief_seconds: float = 2.0
    """Of the router's time that the briefs (and RENDERs) of one key may take at once …"""
    brief_share: float = 0.2
    """… and what of each second it gets back."""
    jobs_per_client: int = 4
    queue: int = 64
    ended_per_client: int = 64
    """Finished jobs of one key that are remembered; the oldest go first, those that were delivered before the others."""
    sessions: int = 1024
    sessions_per_client: int = 64
    """Connections of one key; one more takes the place of the one that was silent longest."""
    upload_credit: int = 2_500_000
    """Bytes of speech and take, or of passes, that a client may have sent beyond what the server has taken in."""
    output_credit: int = 1024 * 1024
    """Bytes of windows under way to a client that has not said otherwise."""
    spool_bytes: int = 8 * 1024**3
    """Disk for what comes up and what goes down, of all jobs together."""
    upload_idle: float = 30.0
    keep: float = 120.0
    """How long a finished job's windows are kept for a client that was away (a frozen Blender)."""
    heartbeat: float = 2.0
    job_seconds: float = 4 * 3600.0
    worker_beat: float = 1.0
    worker_silence: float = 10.0
    """A worker whose beats stop for so long is dead or stopped: it is killed and its job tried again."""
    worker_start: float = 300.0
    worker_stall: float = 600.0
    """A performance that neither yields nor asks ``should_stop`` for so long hangs."""
    worker_restarts: int = 5
    """After so many failures in a row the worker is given up, and tried again after ``worker_rest``."""
    worker_rest: float = 30.0
    cancel_grace: float = 10.0
    """How long a performance may take to notice a cancel before its worker is killed."""

    def public(self) -> dict[str, Any]:
        """Return the limits that concern a client."""
        return {name: value for name, value in asdict(self).items() if name in _PUBLIC}
