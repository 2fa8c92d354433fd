"""What a server checks of an OPEN before it takes a job: the brief and the sizes."""

from __future__ import annotations

import errno
import hashlib
import json
from typing import Any

from duologue.brief import Brief, transcript
from duologue.errors import DuologueError, invalid
from duologue.labels import PERFORMERS
from duologue.service.limits import Limits
from duologue.service.performance_jobs import PerformanceRequest
from duologue.take.edit import Edit
from duologue.wire.fields import MAX_ITEMS, read_json
from duologue.wire.framing import Array
from duologue.wire.messages import Open


def check(message: Open, brief: Array | None, limits: Limits) -> PerformanceRequest:
    """Check an OPEN against the limits, and its brief against the house's rules.

    Raises:
        DuologueError: INVALID_ARGUMENT ``audio-empty``, ``audio-rate``, ``audio-too-long``, ``brief-missing``, ``brief-large``,
            ``brief-malformed``, ``open-malformed``, ``take-large``; what ``Brief.from_json``, ``transcript.parse`` and
            ``Edit.from_json`` raise.
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
        longest = min(limits.clip_seconds, limits.clip_samples / rate)
        if samples > longest * rate:
            raise invalid(
                "audio-too-long",
                f"the speech lasts {samples / rate / 60:.1f} min; {longest / 60:.1f} min is the limit at {rate} Hz: cut it",
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
        document = read_json(data)
    except (ValueError, RecursionError) as error:
        raise invalid("brief-malformed", "the brief is not JSON", field="brief") from error
    seconds = max(samples / rate for samples, rate in zip(message.samples, message.rates, strict=True))
    parsed = Brief.from_json(document, seconds=seconds)
    for name, performer in zip(PERFORMERS, parsed.performers, strict=True):
        if performer.transcript is not None:
            transcript.parse(performer.transcript, f"performers.{name}.transcript")
    params = hashlib.sha256(data + repr((message.rates, message.samples, message.sha256)).encode())
    if remake := _checked_remake(message, limits):
        params.update(repr((json.dumps(remake), message.take_bytes, message.take_sha256)).encode())
    return PerformanceRequest(
        parsed.to_json(),
        remake,
        message.rates,
        message.samples,
        message.take_bytes,
        message.take_sha256,
        params.hexdigest(),
        seconds,
    )


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


def busy(reason: str, message: str) -> DuologueError:
    """Return the error of a server that has too much to do."""
    return DuologueError("RESOURCE_EXHAUSTED", reason, message, retryable=True, retry_after_ms=5000)


def disk_error() -> DuologueError:
    """Return the error of a server without room for more."""
    return busy("disk-full", "the server has no disk space for this; free some there and try again")


def storage_error(fault: OSError) -> DuologueError:
    """Return the named error for what the server's disk answered. Its own text may hold paths, which no client needs."""
    if fault.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_error()
    if fault.errno in {errno.EMFILE, errno.ENFILE}:
        return busy("descriptors", "the server has too many files and connections open; try again when it is less busy")
    text = (
        f"the server can't use its spool folder ({errno.errorcode.get(fault.errno or 0, 'unknown')}); look at its log"
    )
    return DuologueError("UNAVAILABLE", "storage", text, retryable=True, retry_after_ms=5000)


def server_fault() -> DuologueError:
    """Return the error for a fault of ours: the log has it all."""
    return DuologueError("INTERNAL", "server-fault", "the server stumbled over this request; its log says more")
