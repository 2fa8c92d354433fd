"""A character in a file: what Blender read of somebody's rig, for evaluations outside of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from duologue.interactions.actor import Array, Character
from duologue.rigs.armature import Armature
from duologue.rigs.recognise import best_rig
from duologue.rigs.skinned import SkinnedMesh

_HEADER: Final = "duologue-character"
_SHAPE: Final = "shape/"
_MESH: Final = ("vertices", "triangles", "bones", "weights", "material", "piece", "softness")


def save_character(path: Path | str, character: Character) -> None:
    """Write a character, atomically.

    Raises:
        DuologueError: what ``tensors.save`` raises.
    """
    mesh, armature = character.mesh, character.armature
    arrays: dict[str, Any] = {f"mesh/{name}": getattr(mesh, name) for name in _MESH}
    arrays |= {"armature/rest": armature.rest, "armature/world": armature.world}
    arrays |= {} if armature.pose is None else {"armature/pose": armature.pose}
    for name, (index, delta) in mesh.shapes.items():
        arrays |= {f"{_SHAPE}{name}/index": index, f"{_SHAPE}{name}/delta": delta}
    arrays |= {f"point/{name}": point for name, point in character.points.items()}
    about = {
        "name": mesh.name,
        "materials": list(mesh.materials),
        "names": list(armature.names),
        "parents": list(armature.parents),
        "fixed": list(armature.fixed),
        "bones": dict(character.match.bones),
        "eyes": dict(character.match.eyes),
    }
    tensors.save(path, arrays, {_HEADER: json.dumps(about)})


def load_character(path: Path | str) -> Character:
    """Read a character that :func:`save_character` wrote.

    Raises:
        DuologueError: what ``tensors.load`` raises; DATA_LOSS ``character-malformed``.
    """
    arrays, metadata = tensors.load(path)
    try:
        about = json.loads(metadata[_HEADER])
        armature = Armature(
            tuple(about["names"]),
            tuple(about["parents"]),
            arrays["armature/rest"],
            arrays["armature/world"],
            tuple(about["fixed"]),
            arrays.get("armature/pose"),
        )
        mesh = _mesh(arrays, about)
    except (KeyError, ValueError, TypeError) as error:
        raise DuologueError(
            "DATA_LOSS", "character-malformed", f"{path} is not a character, or a damaged one ({error}); write it again"
        ) from error
    known = best_rig(armature.names, armature.parents, armature.heads)
    match = replace(known, bones=about["bones"], eyes=about["eyes"])
    points = {name.removeprefix("point/"): array for name, array in arrays.items() if name.startswith("point/")}
    return Character(armature, match, mesh, points)


def _mesh(arrays: dict[str, Any], about: dict[str, Any]) -> SkinnedMesh:
    names = [name.removeprefix(_SHAPE).removesuffix("/index") for name in arrays if name.endswith("/index")]
    shapes: dict[str, tuple[Any, Array]] = {
        name: (arrays[f"{_SHAPE}{name}/index"].astype(np.int64), arrays[f"{_SHAPE}{name}/delta"].astype(np.float64))
        for name in names
    }
    parts = {name: arrays[f"mesh/{name}"] for name in _MESH}
    whole = {name: parts[name].astype(np.int64) for name in ("triangles", "bones", "material", "piece")}
    real = {name: parts[name].astype(np.float64) for name in ("vertices", "weights", "softness")}
    return SkinnedMesh(**whole, **real, shapes=shapes, materials=tuple(about["materials"]), name=about["name"])
