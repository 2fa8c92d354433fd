"""What a worker is given to perform: a job as the router tells it (JSON, and files), read and checked before any work starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from duologue.brief import Brief, Speech
from duologue.speech.decode import load_pair
from duologue.take import Take
from duologue.take.edit import Edit
from duologue.units import Sound

if TYPE_CHECKING:
    from duologue.performance.inpainting import KeptTake


def read_audio(job: dict[str, Any]) -> tuple[Brief, tuple[Sound, Sound], tuple[str, ...]]:
    """Return a job's brief, both tracks, checked and of one length whoever the client is, and what to note about that.

    Raises:
        DuologueError: what ``duologue.speech.decode.load_pair`` raises.
    """
    tracks = [np.fromfile(path, "<f4") for path in job["audio"]]
    seconds = max(len(track) / rate for track, rate in zip(tracks, job["rates"], strict=True))
    brief = Brief.from_json(job["brief"], seconds=seconds)
    a, b = (
        replace(performer, speech=Speech(sound=Sound(samples, rate)))
        for performer, samples, rate in zip(brief.performers, tracks, job["rates"], strict=True)
    )
    *audio, notes = load_pair(replace(brief, a=a, b=b, seconds=seconds))
    # Clients that decode as we do have loaded the pair themselves, and said so.
    changed = any(not np.array_equal(track, sound.samples) for track, sound in zip(tracks, audio, strict=True))
    return brief, (audio[0], audio[1]), notes if changed else ()


def read_take(job: dict[str, Any]) -> KeptTake:
    """Return what stays of the take that came with a job.

    Raises:
        DuologueError: what ``Take.from_bytes`` raises; INVALID_ARGUMENT ``span-empty``.
    """
    from duologue.performance.inpainting import KeptTake  # brings torch

    return KeptTake.all_but(Take.from_bytes(Path(job["take"]).read_bytes()), Edit.from_json(job["remake"]))
