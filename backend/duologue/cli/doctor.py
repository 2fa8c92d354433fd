"""``duologue doctor``: what works on this machine, and how to mend what doesn't."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from duologue import __version__
from duologue.cli.console import out, print_json


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a bug report.")] = False,
) -> None:
    """Say what works here and how to mend what doesn't. Exit code 3 when something needed is missing."""
    from duologue.diagnosis.doctor import examine

    findings = examine()
    if as_json:
        print_json({"duologue": __version__, "findings": [asdict(finding) for finding in findings]})
    else:
        colours = {"ok": "green", "warn": "yellow", "fail": "red"}
        for finding in findings:
            out.print(f"[{colours[finding.state]}]{finding.state:<4}[/] {finding.subject:<20} ", end="")
            out.print(finding.found, markup=False)
            if finding.mend:
                out.print(f"{'':26}→ {finding.mend}", markup=False, style="dim")
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(3)
