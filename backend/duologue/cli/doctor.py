"""``duologue doctor``: what works on this machine, and how to mend what doesn't; or what is read from a file, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from duologue import __version__
from duologue.cli.console import out, print_json

if TYPE_CHECKING:
    from duologue.diagnosis.examined import Examined
    from duologue.diagnosis.finding import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_UNITS = {"_hz": " Hz", "_s": " s", "_m": " m", "_db": " dB"}
_SHOWN = 12
"""Items of a list that are shown to a person."""


def doctor(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Sounds, transcripts, BVH, face tables, briefs, takes, .blend: say what is read from them."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a bug report.")] = False,
) -> None:
    """Say what works here and how to mend what doesn't, or what is read from files and why not.

    Exit code 3 when something needed is missing; of files 2 when one can't be used as it is, 3 when one can't be read.
    """
    if files:
        _files(files, as_json)
        return
    from duologue.diagnosis.doctor import examine

    findings = examine()
    if as_json:
        print_json({"duologue": __version__, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(3)


def _files(files: Iterable[Path], as_json: bool) -> None:
    from duologue.diagnosis.files import examine_file

    looked: list[Examined] = []
    for path in files:
        looked.append(examine_file(path))
        if not as_json:
            _print_file(looked[-1])
    if as_json:
        print_json({"duologue": __version__, "files": [examined.to_json() for examined in looked]})
    codes = {examined.exit_code for examined in looked}
    if worst := next((code for code in (1, 4, 3, 2) if code in codes), 0):
        raise typer.Exit(worst)


def _print_file(examined: Examined) -> None:
    out.print(f"{examined.path}: {examined.kind}", markup=False, style="bold", soft_wrap=True)
    _print_facts(examined.facts, "  ")
    _print(examined.findings, "  ")


def _print_facts(facts: dict[str, Any], indent: str) -> None:
    for name, value in facts.items():
        if isinstance(value, dict) and value:
            out.print(f"{indent}{name}", markup=False)
            _print_facts(value, indent + "  ")
            continue
        suffix = next((suffix for suffix in _UNITS if name.endswith(suffix)), "")
        label = name.removesuffix(suffix).replace("_", " ")
        unit = _UNITS[suffix] if suffix and value is not None else ""
        out.print(f"{indent}{label:<20} {_text(value)}{unit}", markup=False, soft_wrap=True)


def _text(value: Any) -> str:
    if value is None:
        return "it doesn't say"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "none"
    if isinstance(value, list):
        more = f" and {len(value) - _SHOWN} more" if len(value) > _SHOWN else ""
        return (", ".join(map(str, value[:_SHOWN])) or "none") + more
    return str(value)


def _print(findings: Iterable[Finding], indent: str = "") -> None:
    for finding in findings:
        out.print(f"{indent}[{_COLOURS[finding.state]}]{finding.state:<4}[/] ", end="")
        out.print(f"{finding.subject:<20} {finding.found}", markup=False, soft_wrap=True)
        if finding.mend:
            out.print(f"{indent}{'':26}→ {finding.mend}", markup=False, style="dim", soft_wrap=True)
