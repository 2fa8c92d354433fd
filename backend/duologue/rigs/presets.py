"""Presets: a corrected mapping as a rig map or shape map of its own, in the same plain text, kept in a folder of the user's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from duologue.errors import DuologueError, invalid
from duologue.files.atomic import write_text
from duologue.rigs.rig_map import RigMap, RigMatch
from duologue.rigs.shape_map import ShapeMap, ShapeMatch

RIG_FOLDER, SHAPE_FOLDER = "rig_maps", "shape_maps"


def rig_preset(title: str, match: RigMatch) -> str:
    """Return a rig map file for exactly this armature, with the switches and helper bones of the map it was made from."""
    source = match.rig_map
    lines = [f"title = {_text(title)}", "", "[bones]"]
    lines += [f"{joint} = {_text(bone)}" for joint, bone in {**match.bones, **match.eyes}.items()]
    for item in source.properties:
        lines += [
            "",
            "[[property]]",
            f"bone = {_text(item.bone)}",
            f"name = {_text(item.name)}",
            f"value = {item.value!r}",
        ]
    for table, pairs in (("parents", source.parents), ("also", source.also)):
        if pairs:
            lines += ["", f"[{table}]", *(f"{_text(bone)} = {_text(other)}" for bone, other in pairs.items())]
    if source.twists:
        lines += ["", "[twist]"]
        lines += [f"{_text(t.bone)} = {{ side = {_text(t.side)}, share = {t.share!r} }}" for t in source.twists]
    return "\n".join([*lines, ""])


def shape_preset(title: str, matches: Iterable[ShapeMatch]) -> str:
    """Return a shape map file for exactly the keys of these meshes, which are one character's."""
    shapes: dict[str, dict[str, float]] = {}
    visemes: dict[str, str] = {}
    base = ""
    for match in matches:
        for name, keys in match.targets.items():
            shapes.setdefault(name, {}).update(keys)
        if match.visemes:
            visemes |= match.visemes
            base = _basis_of(match.shape_map)
    lines = [f"title = {_text(title)}", "exact = true"]
    lines += [f"base = {_text(base)}"] if base else []
    lines += ["", "[shapes]"]
    for name, keys in shapes.items():
        parts = ", ".join(f"{_text(key)} = {factor!r}" for key, factor in keys.items())
        lines.append(f"{name} = {{ {parts} }}")
    if visemes:
        lines += ["", "[viseme_keys]", *(f"{_text(viseme)} = {_text(key)}" for viseme, key in visemes.items())]
    return "\n".join([*lines, ""])


def _basis_of(shape_map: ShapeMap) -> str:
    """Return the map that ships with Duologue whose visemes ``shape_map`` mixes."""
    shared = [name for name in ShapeMap.names() if (basis := ShapeMap.builtin(name).basis) and basis is shape_map.basis]
    if not shared:
        raise invalid("preset-visemes", "only faces with the visemes of a map that ships with Duologue can be saved.")
    # Many maps borrow one basis: the one that lends it is named.
    return min(shared, key=lambda name: not ShapeMap.builtin(name).pattern)


def _text(value: str) -> str:
    """Return a TOML string: JSON's escapes are TOML's too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def save(folder: Path, name: str, match: RigMatch, faces: Sequence[ShapeMatch]) -> list[Path]:
    """Write a preset's files into ``folder``, in place of what had its name, and return them.

    Raises:
        DuologueError: INVALID_ARGUMENT ``preset-name`` for a name that no file can have.
    """
    if not name.strip() or any(c in '<>:"/\\|?*' or ord(c) < 32 for c in name) or name != name.strip(" ."):
        raise invalid("preset-name", f"{name!r} can't be the name of a file; use letters, digits, spaces and '-'.")
    texts = {folder / RIG_FOLDER / f"{name}.toml": rig_preset(name, match)}
    if faces:
        texts[folder / SHAPE_FOLDER / f"{name}.toml"] = shape_preset(name, faces)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    return list(texts)


def delete(folder: Path, name: str) -> list[Path]:
    """Delete a preset's files and return those that were there."""
    paths = [folder / kind / f"{name}.toml" for kind in (RIG_FOLDER, SHAPE_FOLDER)]
    there = [path for path in paths if path.is_file()]
    for path in there:
        path.unlink()
    return there


@dataclass(frozen=True)
class Library:
    """The user's own maps, presets and hand-written ones alike. ``unreadable``: what is wrong with files that are left out."""

    rig_maps: tuple[RigMap, ...] = ()
    shape_maps: tuple[ShapeMap, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return every map's name once, sorted."""
        return tuple(sorted({own.name for own in (*self.rig_maps, *self.shape_maps)}))


def library(folder: Path | None) -> Library:
    """Read a folder of maps; what was read is kept until a file changes."""
    if folder is None:
        return Library()
    rigs, faces = ([_read(kind, str(p), _modified(p)) for p in sorted((folder / kind).glob("*.toml"))]
                   for kind in (RIG_FOLDER, SHAPE_FOLDER))  # fmt: skip
    return Library(
        tuple(item for item in rigs if isinstance(item, RigMap)),
        tuple(item for item in faces if isinstance(item, ShapeMap)),
        tuple(item for item in (*rigs, *faces) if isinstance(item, str)),
    )


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # a link to nowhere, or in a circle: reading it says so
        return 0


@lru_cache(maxsize=256)
def _read(kind: str, path: str, modified: int) -> RigMap | ShapeMap | str:
    try:
        return RigMap.load(path) if kind == RIG_FOLDER else ShapeMap.load(path)
    except DuologueError as error:
        return str(error)
