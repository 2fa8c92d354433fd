"""What a server checks before it takes a job: the brief, the sizes, the room there is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duologue.brief import Brief
from duologue.errors import DuologueError, invalid
from duologue.files.atomic import write_error
from duologue.labels import PERFORMERS
from duologue.service.jobs import Asked
from duologue.service.limits import Limits
from duologue.take.edit import Edit
from duologue.units import FPS
from duologue.wire.fields import MAX_ITEMS
from duologue.wire.framing import Array
from duologue.wire.local import process_exists
from duologue.wire.messages import Open

if TYPE_CHECKING:
    from duologue.service.registry import Book

FRAME_BYTES = 2 * (3 + 3 * 60 + 2 * 52) * 4 + 4
"""Of a window, a frame, for two performers with our skeleton, raw weights included."""
SPARE_BYTES = 256 * 1024**2
"""Disk that is left to others."""


def check(message: Open, brief: Array | None, limits: Limits) -> Asked:
    """Check an OPEN against the limits, and its brief against the house's rules.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-empty``, ``audio-rate``, ``audio-too-long``, ``brief-missing``, ``brief-large``,
            ``brief-malformed``, ``open-malformed``, ``take-large``; what ``Brief.from_json`` and ``Edit.from_json`` raise.
    """
    if not (0 < len(message.key) <= MAX_ITEMS) or len(message.rates) != 2 or len(message.samples) != 2:
        raise invalid("open-malformed", "OPEN needs a key, and a rate and a number of samples of both performers")
    for performer, rate, samples in zip(PERFORMERS, message.rates, message.samples, strict=True):
        field = f"performers.{performer}.speech"
        if not limits.lowest_rate <= rate <= limits.highest_rate:
            raise invalid(
                "audio-rate",
                f"{rate} samples a second is outside {limits.lowest_rate} to {limits.highest_rate}",
                field=field,
            )
        if not samples:
            raise invalid("audio-empty", "the speech has no samples; is it the right file?", field=field)
        if samples > limits.clip_seconds * rate:
            raise invalid(
                "audio-too-long",
                f"the speech lasts {samples / rate / 60:.0f} min; {limits.clip_seconds / 60:.0f} min is the limit: cut it",
                field=field,
            )
    if brief is None or brief.dtype.str != "|u1":
        raise invalid("brief-missing", "OPEN came without a brief", field="brief")
    if brief.nbytes > limits.brief_bytes:
        raise invalid(
            "brief-large", f"the brief has {brief.nbytes} bytes; {limits.brief_bytes} is the limit", field="brief"
        )
    data = brief.tobytes()
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise invalid("brief-malformed", "the brief is not JSON", field="brief") from error
    checked = Brief.from_json(document)
    seconds = max(samples / rate for samples, rate in zip(message.samples, message.rates, strict=True))
    params = hashlib.sha256(data + repr((message.rates, message.samples, message.sha256)).encode())
    if remake := _checked_remake(message, limits):
        params.update(repr((json.dumps(remake), message.take_bytes, message.take_sha256)).encode())
    return Asked(checked.to_json(), remake, params.hexdigest(), seconds)


def _checked_remake(message: Open, limits: Limits) -> dict[str, Any]:
    """Return what is to be made again of a take, with all its fields; empty for a whole performance."""
    if not bool(message.remake) == bool(message.take_bytes) == bool(message.take_sha256):
        raise invalid(
            "open-malformed",
            "OPEN needs what is to be made again, and the take's size and sha256; or none of the three",
        )
    if not message.remake:
        return {}
    remake = Edit.from_json(message.remake)
    if message.take_bytes > limits.take_bytes:
        raise invalid(
            "take-large", f"the take has {message.take_bytes} bytes; {limits.take_bytes} is the limit", field="take"
        )
    return remake.to_json()


def make_room(book: Book, state: Path, limits: Limits, user: str, message: Open) -> None:
    """See that a new job fits; drop finished jobs, the oldest first, when the disk is needed.

    Raises:
        DuologueError: RESOURCE_EXHAUSTED ``jobs-per-client``, ``queue-full`` or ``disk-full``.
    """
    live = [job for job in book.jobs.values() if not job.over]
    if sum(job.user == user for job in live) >= limits.jobs_per_client:
        raise busy(
            "jobs-per-client", f"{limits.jobs_per_client} performances of this client are under way; wait for one"
        )
    if len(live) >= limits.queue:
        raise busy("queue-full", "the server's queue is full; try again later")
    frames = max(samples / rate for samples, rate in zip(message.samples, message.rates, strict=True)) * FPS
    needed = sum(message.samples) * 4 + message.take_bytes + int(frames) * FRAME_BYTES
    over = sorted((job for job in book.jobs.values() if job.over), key=lambda job: job.heard)
    while over and sum(job.size for job in book.jobs.values()) + needed > limits.spool_bytes:
        book.forget(over.pop(0))
    if sum(job.size for job in book.jobs.values()) + needed > limits.spool_bytes:
        raise disk_error()
    if shutil.disk_usage(state).free < needed + SPARE_BYTES:
        raise disk_error()


def busy(reason: str, message: str) -> DuologueError:
    """Return the error of a server that has too much to do."""
    return DuologueError("RESOURCE_EXHAUSTED", reason, message, retryable=True, retry_after_ms=5000)


def disk_error() -> DuologueError:
    """Return the error of a server without room for more speech and motion."""
    return busy("disk-full", "the server has no disk space for this performance; free some there and try again")


def told(limits: Limits) -> dict[str, Any]:
    """Return the limits that concern a client."""
    mine = (
        "clip_seconds",
        "lowest_rate",
        "highest_rate",
        "brief_bytes",
        "take_bytes",
        "jobs_per_client",
        "queue",
        "upload_credit",
        "keep",
    )
    return {name: value for name, value in asdict(limits).items() if name in mine}


def spool_folder(state: Path, instance: str) -> Path:
    """Make the folder for this server's audio and motion, and remove what killed servers left.

    Raises:
        DuologueError: PERMISSION_DENIED ``not-writable`` …
    """
    folder = state / "spool" / f"{os.getpid()}-{instance[:8]}"
    try:
        folder.mkdir(parents=True, mode=0o700)
        for other in folder.parent.iterdir():
            pid = other.name.partition("-")[0]
            if pid.isdigit() and not process_exists(int(pid)):
                shutil.rmtree(other, ignore_errors=True)
    except OSError as error:
        raise write_error(folder, error) from error
    return folder
