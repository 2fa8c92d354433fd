"""What we read from a file or folder: what it is, in figures, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from duologue.diagnosis.finding import Finding
from duologue.errors import DuologueError


@dataclass
class Examined:
    """A file as it was read. ``kind`` says what it is or seems to be; ``facts`` by name, JSON values, units in the names
    (``rate_hz``, ``length_s``); ``exit_code``: of the worst error, 0 where it can be used."""

    path: Path
    kind: str
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    findings: list[Finding] = field(default_factory=list[Finding])
    exit_code: int = 0

    @property
    def usable(self) -> bool:
        """Whether a command of ours can use it as it is."""
        return not self.exit_code

    def refuse(self, error: DuologueError, subject: str = "") -> None:
        """Note why it can't be used; ``subject`` is a part of it."""
        self.findings.append(Finding(subject or error.reason, "fail", str(error) if not subject else error.message))
        self.exit_code = self.exit_code or error.exit_code

    def note(self, texts: Iterable[str], subject: str = "note") -> None:
        """Note what was changed or left out to make it usable."""
        self.findings.extend(Finding(subject, "warn", text) for text in texts)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "file": str(self.path),
            "kind": self.kind,
            "usable": self.usable,
            "facts": self.facts,
            "findings": [asdict(finding) for finding in self.findings],
        }
