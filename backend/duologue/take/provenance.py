"""Where a take comes from: what its file, its report and its digest's reader know of the brief and the networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from duologue import __version__
from duologue.brief import Brief
from duologue.take.edit import Edit
from duologue.take.take import Take
from duologue.units import Sound


def provenance_of(
    brief: Brief, voices: Sequence[Sound], checkpoints: Mapping[str, str], remake: tuple[Take, Edit] | None = None
) -> dict[str, Any]:
    """Return a take's provenance: the brief's digest with its sound, seed, steps, the networks' hashes and our version.

    ``remake``: the take of which a part was made again, and which part; then its digest (``kept``) and the part (``remade``).
    """
    provenance: dict[str, Any] = {
        "brief": brief.digest(voices),
        "seed": brief.seed,
        "steps": brief.steps,
        "checkpoints": dict(checkpoints),
        "duologue": __version__,
    }
    if remake is not None:
        old, part = remake
        provenance |= {"kept": old.digest(), "remade": part.to_json()}
    return provenance
