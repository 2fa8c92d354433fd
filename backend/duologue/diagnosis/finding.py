"""What a look at something finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: ``state`` is ok, warn (something works less well) or fail (it can't be used)."""

    subject: str
    state: State
    found: str
    mend: str = ""
