"""The shapes that a hand takes, read from ``hand_shapes.toml``: how far each finger's joints are bent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from duologue.files.reading import MAX_TOML, parse_toml, read_bytes
from duologue.rigs.joints import FINGERS

BENDS: Final = ((-25.0, 95.0), (-5.0, 105.0), (-10.0, 75.0))
"""Degrees that a finger's three joints can be bent: about what hands do by themselves (AAOS tables)."""

_FILE: Final = Path(__file__).with_name("hand_shapes.toml")


@dataclass(frozen=True)
class HandShape:
    """Degrees: ``bends`` of each finger's three joints, the thumb's relative to its rest; ``oppose`` of the thumb from its rest;
    ``spread`` between neighbouring fingers, and ``abduct`` between thumb and hand in the palm's plane: None as at rest, which
    differs from rig to rig."""

    bends: Mapping[str, tuple[float, float, float]]
    oppose: float
    spread: float | None = None
    abduct: float | None = None

    def towards(self, other: HandShape, share: float) -> HandShape:
        """Return the shape that lies so far on the way to another, spread as this one, abducted as it unless both say how far."""

        def mixed(first: float, second: float) -> float:
            return first + share * (second - first)

        bends = {
            finger: cast("tuple[float, float, float]", tuple(map(mixed, bend, other.bends[finger])))
            for finger, bend in self.bends.items()
        }
        abduct = self.abduct
        if abduct is not None and other.abduct is not None:
            abduct = mixed(abduct, other.abduct)
        return replace(self, bends=bends, oppose=mixed(self.oppose, other.oppose), abduct=abduct)

    def bent(self, finger: str, more: float) -> HandShape:
        """Return the shape with one finger bent ``more`` degrees at its first joint, and less at the next two."""
        wanted = (b + share * more for b, share in zip(self.bends[finger], (1.0, 0.5, 0.25), strict=True))
        bend = cast("tuple[float, float, float]", tuple(map(_within_limits, wanted, BENDS)))
        return replace(self, bends={**self.bends, finger: bend})

    def with_joint(self, finger: str, joint: int, bend: float) -> HandShape:
        """Return the shape with one joint of a finger, 0 to 2, bent by ``bend`` degrees."""
        bends = list(self.bends[finger])
        bends[joint] = bend
        return replace(self, bends={**self.bends, finger: cast("tuple[float, float, float]", tuple(bends))})


@cache
def hand_shapes() -> Mapping[str, HandShape]:
    """Return all hand shapes by name."""
    tables = cast("dict[str, dict[str, Any]]", parse_toml(read_bytes(_FILE, MAX_TOML).decode()))
    return {
        name: HandShape(
            {finger: cast("tuple[float, float, float]", tuple(map(float, table[finger]))) for finger in FINGERS},
            float(table.get("oppose", 0.0)),
            *(None if table.get(key) is None else float(table[key]) for key in ("spread", "abduct")),
        )
        for name, table in tables.items()
    }


def _within_limits(bend: float, limits: tuple[float, float]) -> float:
    return min(max(bend, limits[0]), limits[1])
