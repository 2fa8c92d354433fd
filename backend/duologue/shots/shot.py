"""Which shots a batch has: a brief, a folder of briefs, or a manifest."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

from duologue.brief import Brief
from duologue.errors import DuologueError, invalid
from duologue.files.document import Table, read_document, read_text
from duologue.files.reading import check_file, is_folder, resolved
from duologue.shots.report import REPORT

_COLUMNS: Final = ("brief", "name", "out", "seed", "steps", "blend", "armature_a", "armature_b", "first_frame")
BRIEFS: Final = (".toml", ".json")
"""Suffixes of briefs."""


@dataclass(frozen=True)
class Shot:
    """One brief, the folder that it becomes, and what is set for this shot alone."""

    name: str
    brief: Path
    folder: Path
    seed: int | None = None
    steps: int | None = None
    blend: Path | None = None
    armatures: tuple[str, str] = ("", "")
    first_frame: int | None = None

    def load(self) -> Brief:
        """Return the brief with the shot's own seed and steps. Raises what :meth:`Brief.load` does."""
        changes = {name: value for name, value in (("seed", self.seed), ("steps", self.steps)) if value is not None}
        return replace(Brief.load(self.brief), **changes)

    def with_defaults(self, seed: int | None, blend: Path | None, armatures: tuple[str, str]) -> Shot:
        """Return the shot with what is set for all shots, where it says nothing itself."""
        return replace(
            self,
            seed=seed if self.seed is None else self.seed,
            blend=self.blend or blend,
            armatures=(self.armatures[0] or armatures[0], self.armatures[1] or armatures[1]),
        )


def read_shots(path: Path, out: Path | None = None) -> list[Shot]:
    """Return the shots of a brief, of a folder of briefs (in the order of their names) or of a manifest.

    A manifest is a CSV with a column ``brief``, or a TOML or JSON with a list ``shots``; both know ``name``, ``out``, ``seed``,
    ``steps``, ``blend``, ``armature_a``, ``armature_b`` and ``first_frame``. Beside ``shots`` these are defaults for all. Paths
    in a manifest are relative to it. ``out`` is the folder that the shots' folders lie in; it wins over the manifest's.

    Raises:
        DuologueError: NOT_FOUND ``file-not-found``, ``no-briefs``; INVALID_ARGUMENT ``out-missing``, ``shot-twice``,
            ``unknown-key``, ``wrong-type``; what :func:`duologue.files.document.read_document` raises.
    """
    if is_folder(path):
        briefs = sorted(file for file in path.iterdir() if file.suffix.lower() in BRIEFS and file.name != REPORT)
        return _distinct(path, [_shot({"brief": file.name}, {}, path.resolve(), out) for file in briefs])
    if path.suffix.lower() == ".csv":
        rows = csv.DictReader(io.StringIO(read_text(path)), skipinitialspace=True)
        lines = [{key: value for key, value in row.items() if value} for row in rows]
        return _distinct(path, [_shot(line, {}, path.resolve().parent, out) for line in lines])
    document = read_document(path)
    if "shots" not in document:
        return [_shot({"brief": path.name}, {}, path.resolve().parent, out)]
    root = Table(document, "", ("shots", *_COLUMNS))
    shared = {key: value for key, value in document.items() if key != "shots"}
    items = cast("list[Mapping[str, Any]]", root.items("shots"))
    return _distinct(
        path, [_shot(item, shared, path.resolve().parent, out, f"shots[{i}]") for i, item in enumerate(items)]
    )


def _shot(line: Mapping[str, Any], shared: Mapping[str, Any], folder: Path, out: Path | None, field: str = "") -> Shot:
    Table(line, field, _COLUMNS)  # names a key that nobody knows
    settings = {**shared, **line}
    if not settings.get("brief"):
        raise invalid("brief-missing", "a shot needs a brief; name its file", field=field)
    brief = folder / str(settings["brief"])
    check_file(brief, field)
    root = out or (folder / str(shared["out"]) if shared.get("out") else None)
    name = str(settings.get("name") or brief.stem)
    own = line.get("out")
    if root is None and not own:
        raise invalid("out-missing", f"where {name} is to go is not said; give --out", field=field)
    blend = settings.get("blend")
    return Shot(
        name,
        brief,
        (root or folder) / str(own or name),
        _whole(settings.get("seed"), f"{field}.seed"),
        _whole(settings.get("steps"), f"{field}.steps"),
        folder / str(blend) if blend else None,
        (str(settings.get("armature_a", "")), str(settings.get("armature_b", ""))),
        _whole(settings.get("first_frame"), f"{field}.first_frame"),
    )


def _whole(value: object, field: str) -> int | None:
    if value is None or value == "":
        return None
    try:
        return int(str(value))
    except ValueError as error:
        raise invalid("wrong-type", f"{value!r} is no whole number", field=field.lstrip(".")) from error


def _distinct(path: Path, shots: list[Shot]) -> list[Shot]:
    if not shots:
        raise DuologueError("NOT_FOUND", "no-briefs", f"there is no brief (.toml, .json) in {path}; check the path")
    folders: dict[Path, Shot] = {}
    for shot in shots:
        if (other := folders.setdefault(resolved(shot.folder, f"{shot.name:.80}.out"), shot)) is not shot:
            raise invalid(
                "shot-twice",
                f"{other.brief.name} and {shot.brief.name} would both go to {shot.folder}; give one of them another name or out",
            )
    return shots
