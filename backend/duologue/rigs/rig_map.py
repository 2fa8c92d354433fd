"""Rig maps: plain text files that say what a kind of rig calls the joints we move.

A map is a TOML file in ``rigs/rig_maps``:

- ``Hips``, ``Head`` and the entries of ``[sided]`` name one bone; ``Spine`` and ``Neck`` list bones from the hips up, as many
  as that kind of rig may have; ``Thumb`` … ``Pinky`` list a finger from the hand out, the palm's bone first where there are four.
- ``|`` separates spellings; ``{side}`` stands for ``left`` or ``right``, ``{short}`` for ``short_left`` or ``short_right``.
- Case, spaces and ``_ . - :`` don't count, nor does a prefix in front of all names (``mixamorig3:``), unless the map says
  ``prefix = false``. ``[any_of]`` gives words other spellings in all names.
- ``[[property]]`` lists custom properties of pose bones to set (IK/FK switches); ``[parents]`` names controls that move as if
  they hung under another one; ``[also]`` bones that go with a joint as if fixed to it; ``[twist]`` bones along the forearm,
  with the share of the hand's twist that each takes (or ``{ side = "Left", share = 0.5 }`` for a bone named in full).
- ``[bones]``, instead of all the names above, gives joint words the bones of one armature exactly as they are spelt: what the
  add-on saves as a preset (``rigs.presets``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from duologue.errors import DuologueError, invalid
from duologue.files.folders import rigs_folder
from duologue.rigs.joints import ARM, EYES, FINGERS, LEG, REQUIRED, SIDES, chain_names, close_chains

_SIDED_KEYS: Final = (*ARM, *FINGERS, *LEG, "Eye")
_TABLES: Final = {"sided", "bones", "property", "parents", "also", "twist", "any_of"}
_SETTINGS: Final = {"title", "left", "right", "short_left", "short_right", "prefix", *_TABLES}


def canonical(name: str) -> str:
    """Return a bone or shape name without what rigs spell differently: case, spaces and separators."""
    return re.sub(r"[\s_.\-:|]+", "", name).casefold()


@dataclass(frozen=True)
class Property:
    """A custom property of a pose bone that has to be set before the rig obeys its FK controls."""

    bone: str
    name: str
    value: float


@dataclass(frozen=True)
class Twist:
    """A bone along the forearm of one side that takes a share of the hand's twist, so that the wrist doesn't wring."""

    bone: str
    side: str
    share: float


@dataclass(frozen=True)
class RigMatch:
    """A rig map laid over one armature.

    ``bones``: joint word -> the armature's bone; ``missing``: joints of the map that found none; ``score`` in [0, 1];
    ``eyes``: ``LeftEye`` and ``RightEye`` -> the bones that turn the eyeballs, where there are.
    """

    rig_map: RigMap
    bones: Mapping[str, str]
    missing: tuple[str, ...]
    score: float
    eyes: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def required_missing(self) -> tuple[str, ...]:
        """The joints without which the rig can't perform, of those that found no bone."""
        return tuple(joint for joint in REQUIRED if joint not in self.bones)

    @property
    def usable(self) -> bool:
        """Whether every joint that a performance needs has a bone."""
        return not self.required_missing


@dataclass(frozen=True)
class RigMap:
    """What one kind of rig calls its bones: joint word -> spellings."""

    name: str
    title: str
    joints: Mapping[str, tuple[str, ...]]
    prefix: bool = True
    properties: tuple[Property, ...] = ()
    parents: Mapping[str, str] = field(default_factory=dict[str, str])
    also: Mapping[str, str] = field(default_factory=dict[str, str])
    twists: tuple[Twist, ...] = ()
    exact: bool = False
    """Whether the names are those of one armature, letter by letter."""

    @classmethod
    def load(cls, path: str | Path) -> RigMap:
        """Read a map from a TOML file.

        Raises:
            DuologueError: NOT_FOUND ``rig-map-file``; INVALID_ARGUMENT ``rig-map`` saying what does not hold.
        """
        file = Path(path)
        try:
            data = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise DuologueError("NOT_FOUND", "rig-map-file", f"cannot read {file}: {error.strerror}.") from error
        except (ValueError, UnicodeDecodeError) as error:
            raise invalid("rig-map", f"{file} is not TOML: {error}.") from error
        return _parse(file.stem, data, str(file))

    @classmethod
    def builtin(cls, name: str) -> RigMap:
        """Return one of the maps that ship with Duologue; ``RigMap.names()`` lists them."""
        if name not in cls.names():
            known = ", ".join(cls.names())
            raise DuologueError("NOT_FOUND", "unknown-rig-map", f"there is no rig map {name!r}; there are: {known}.")
        return _builtin(name)

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of the maps that ship with Duologue."""
        return tuple(sorted(file.stem for file in (rigs_folder() / "rig_maps").glob("*.toml")))

    def bind(self, bone_names: Sequence[str]) -> RigMatch:
        """Find this map's joints among an armature's bones. Never fails: look at ``score`` and ``missing``."""
        if self.exact:
            present = set(bone_names)
            return self._match({joint: names[0] for joint, names in self.joints.items() if names[0] in present})
        known = {canonical(name): name for name in reversed(bone_names)}
        best: dict[str, str] = {}
        for prefix in self._prefixes(known):
            bones: dict[str, str] = {}
            for joint, spellings in self.joints.items():
                found = next((known[key] for key in (prefix + canonical(s) for s in spellings) if key in known), None)
                if found is not None and found not in bones.values():
                    bones[joint] = found
            if len(bones) > len(best):
                best = bones
        return self._match(best)

    def _match(self, found: Mapping[str, str]) -> RigMatch:
        eyes = {joint: bone for joint, bone in found.items() if joint in EYES}
        bones = close_chains({joint: bone for joint, bone in found.items() if joint not in EYES})
        wanted = [joint for joint in self.joints if joint not in EYES]
        missing = tuple(joint for joint in wanted if joint not in bones)
        return RigMatch(self, bones, missing, score(bones, wanted), eyes)

    def _prefixes(self, known: Mapping[str, str]) -> list[str]:
        """Every text that stands before this map's name for the hips, none first."""
        if not self.prefix:
            return [""]
        hips = [canonical(spelling) for spelling in self.joints["Hips"]]
        found = {key.removesuffix(name) for key in known for name in hips if key.endswith(name)}
        return ["", *sorted(found - {""}, key=len)]


def score(found: Iterable[str], wanted: Iterable[str]) -> float:
    """Return four fifths for the joints a performance needs, one fifth for the rest of what the map knows."""
    have, want = set(found), set(wanted)
    core = len(have & set(REQUIRED)) / len(REQUIRED)
    rest = want - set(REQUIRED)
    return 0.8 * core + 0.2 * (len(have & rest) / len(rest) if rest else 1.0)


@cache
def _builtin(name: str) -> RigMap:
    return RigMap.load(rigs_folder() / "rig_maps" / f"{name}.toml")


def _parse(name: str, data: Mapping[str, Any], where: str) -> RigMap:
    sided = cast("Mapping[str, Any]", data.get("sided", {}))
    unknown = (set(data) - _SETTINGS - {"Hips", "Spine", "Neck", "Head"}) | (set(sided) - set(_SIDED_KEYS))
    if unknown:
        raise invalid(
            "rig-map",
            f"{where}: {', '.join(sorted(unknown))}: no such entry; see duologue.rigs.rig_map for what there is.",
        )
    respell = cast("Mapping[str, list[str]]", data.get("any_of", {}))

    def spellings(text: object, side: int | None = None) -> tuple[str, ...]:
        if not isinstance(text, str):
            raise invalid("rig-map", f"{where}: {text!r} should be the name of a bone.")
        names = [_fill(part, data, side) for part in text.split("|")]
        for word, others in respell.items():
            names += [name.replace(word, other) for name in names if word in name for other in others]
        return tuple(names)

    def listed(value: object, side: int | None = None) -> list[tuple[str, ...]]:
        return [spellings(item, side) for item in cast("list[object]", value if isinstance(value, list) else [value])]

    exact = cast("Mapping[str, str]", data.get("bones", {}))
    joints: dict[str, tuple[str, ...]] = {joint: (bone,) for joint, bone in exact.items()}
    for key in ("Hips", "Head"):
        if key in data:
            joints[key] = spellings(data[key])
    for stem in ("Spine", "Neck"):
        members = listed(data.get(stem, []))
        joints |= dict(zip(chain_names(stem, len(members)), members, strict=True))
    for side, word in enumerate(SIDES):
        for key, value in sided.items():
            names = listed(value, side)
            if key not in FINGERS:
                joints[word + key] = names[0]
                continue
            palm = names[:-3]
            joints |= {f"{word}Hand{key}{i + 1}": item for i, item in enumerate(names[-3:])}
            joints |= {f"{word}Hand{key}": item for item in palm}
    if missing := [joint for joint in REQUIRED if joint not in joints]:
        raise invalid("rig-map", f"{where}: no bone is named for {', '.join(missing)}.")

    properties = [
        Property(_fill(str(entry["bone"]), data, side), str(entry["name"]), float(entry["value"]))
        for entry in cast("list[Mapping[str, Any]]", data.get("property", []))
        for side in (range(2) if "{" in str(entry["bone"]) else (None,))
    ]

    def pairs(table: str) -> dict[str, str]:
        return {
            _fill(str(bone), data, side): _fill(str(other), data, side)
            for bone, other in cast("Mapping[str, Any]", data.get(table, {})).items()
            for side in (range(2) if "{" in str(bone) else (None,))
        }

    twists: list[Twist] = []
    for bone, share in cast("Mapping[str, float | Mapping[str, Any]]", data.get("twist", {})).items():
        if isinstance(share, Mapping):
            twists.append(Twist(bone, str(share["side"]), float(share["share"])))
        else:
            twists += [Twist(_fill(bone, data, side), word, float(share)) for side, word in enumerate(SIDES)]
    title = str(data.get("title", name))
    prefix = bool(data.get("prefix", True))
    return RigMap(
        name, title, joints, prefix, tuple(properties), pairs("parents"), pairs("also"), tuple(twists), bool(exact)
    )


def _fill(text: str, data: Mapping[str, Any], side: int | None) -> str:
    if side is None:
        return text
    word = SIDES[side].lower()
    return text.replace("{side}", str(data.get(word, ""))).replace("{short}", str(data.get(f"short_{word}", "")))
