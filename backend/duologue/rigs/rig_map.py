"""Rig maps: plain text files that say what a kind of rig calls the joints we move.

A map is a TOML file in ``rigs/rig_maps``:

- ``Hips``, ``Head`` and the entries of ``[sided]`` name one bone; ``Spine`` and ``Neck`` list bones from the hips up, as many
  as that kind of rig may have; ``Thumb`` … ``Pinky`` list a finger from the hand out, the palm's bone first where there are four.
- ``|`` separates spellings; ``{side}`` stands for ``left`` or ``right``, ``{short}`` for ``short_left`` or ``short_right``.
- Case, spaces, full or half width and ``_ . - :`` don't count, nor does a prefix in front of all names (``mixamorig3:``), unless
  the map says ``prefix = false``, nor a number that a converter put behind all of them. ``[any_of]`` gives words other spellings
  in all names. ``without`` lists beginnings of names in whose presence the map does not fit.
- ``[[property]]`` lists custom properties of pose bones to set (IK/FK switches); ``[parents]`` names controls that move as if
  they hung under another one; ``[also]`` bones that go with a joint as if fixed to it; ``[twist]`` bones along the forearm,
  with the share of the hand's twist that each takes (or ``{ side = "Left", share = 0.5 }`` for a bone named in full).
- ``[bones]``, instead of all the names above, gives joint words the bones of one armature exactly as they are spelt: what the
  add-on saves as a preset (``rigs.presets``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, cast

from duologue.errors import DuologueError, invalid
from duologue.files.folders import rigs_folder
from duologue.files.reading import MAX_TOML, parse_toml, read_bytes
from duologue.rigs.bone_words import plain_names
from duologue.rigs.joints import ARM, EYES, FINGERS, LEG, REQUIRED, SIDES, chain_names, close_chains

_SIDED_KEYS: Final = (*ARM, *FINGERS, *LEG, "Eye")
_TABLES: Final = {"sided", "bones", "property", "parents", "also", "twist", "any_of"}
_SETTINGS: Final = {"title", "left", "right", "short_left", "short_right", "prefix", "without", *_TABLES}


def canonical(name: str) -> str:
    """Return a bone or shape name without what rigs spell differently: case, width, spaces and separators."""
    return re.sub(r"[\s_.\-:|]+", "", unicodedata.normalize("NFKC", name)).casefold()


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
class Doubt:
    """What speaks against a match though it is complete: somebody should look.

    ``sides``: names call left what toes and eyes say is right; ``front``: nothing says which way the body faces, so that left and
    right are a guess. ``bones``: those that it is about.
    """

    kind: Literal["sides", "front"]
    bones: tuple[str, ...] = ()


@dataclass(frozen=True)
class RigMatch:
    """A rig map laid over one armature.

    ``bones``: joint word -> the armature's bone; ``missing``: joints of the map that found none; ``score`` in [0, 1];
    ``eyes``: ``LeftEye`` and ``RightEye`` -> the bones that turn the eyeballs, where there are; ``human``: False for what stands
    on four legs, whatever its bones are called.
    """

    rig_map: RigMap
    bones: Mapping[str, str]
    missing: tuple[str, ...]
    score: float
    eyes: Mapping[str, str] = field(default_factory=dict[str, str])
    doubts: tuple[Doubt, ...] = ()
    human: bool = True

    @property
    def required_missing(self) -> tuple[str, ...]:
        """The joints without which the rig can't perform, of those that found no bone."""
        return tuple(joint for joint in REQUIRED if joint not in self.bones)

    @property
    def usable(self) -> bool:
        """Whether every joint that a performance needs has a bone, and the whole is a person."""
        return self.human and not self.required_missing


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
    without: tuple[str, ...] = ()
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
            data = parse_toml(read_bytes(file, MAX_TOML).decode())
        except DuologueError as error:
            raise DuologueError("NOT_FOUND", "rig-map-file", f"cannot read {file}: {error.message}") from error
        except ValueError as error:
            raise invalid("rig-map", f"{file} is not TOML: {error}.") from error
        return _Parser(data, str(file)).parse(file.stem)

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
        if any(name.startswith(self.without) for name in bone_names):
            return self._match({})
        known = {canonical(plain): name for plain, name in plain_names(bone_names).items()}
        best: dict[str, str] = {}
        for prefix in self._prefixes(known):
            bones: dict[str, str] = {}
            for joint, spellings in self.joints.items():
                bone = next((known[key] for key in (prefix + canonical(s) for s in spellings) if key in known), None)
                if bone is not None and bone not in bones.values():
                    bones[joint] = bone
            if len(bones) > len(best):
                best = bones
        return self._match(best)

    def _match(self, named: Mapping[str, str]) -> RigMatch:
        eyes = {joint: bone for joint, bone in named.items() if joint in EYES}
        bones = close_chains({joint: bone for joint, bone in named.items() if joint not in EYES})
        wanted = [joint for joint in self.joints if joint not in EYES]
        missing = tuple(joint for joint in wanted if joint not in bones)
        return RigMatch(self, bones, missing, score(bones, wanted), eyes)

    def _prefixes(self, known: Mapping[str, str]) -> list[str]:
        """Every text that stands before this map's name for the hips, none first."""
        if not self.prefix:
            return [""]
        hips = [canonical(spelling) for spelling in self.joints["Hips"]]
        prefixes = {key.removesuffix(name) for key in known for name in hips if key.endswith(name)}
        return ["", *sorted(prefixes - {""}, key=len)]


def score(matched: Iterable[str], wanted: Iterable[str]) -> float:
    """Return four fifths for the joints a performance needs, one fifth for the rest of what the map knows."""
    have, want = set(matched), set(wanted)
    core = len(have & set(REQUIRED)) / len(REQUIRED)
    rest = want - set(REQUIRED)
    return 0.8 * core + 0.2 * (len(have & rest) / len(rest) if rest else 1.0)


@cache
def _builtin(name: str) -> RigMap:
    return RigMap.load(rigs_folder() / "rig_maps" / f"{name}.toml")


class _Parser:
    """Reads the table of a rig map file; what it names for a side is read for both."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self._data, self._where = data, where
        self._sided = cast("Mapping[str, Any]", data.get("sided", {}))
        unknown = (set(data) - _SETTINGS - {"Hips", "Spine", "Neck", "Head"}) | (set(self._sided) - set(_SIDED_KEYS))
        if unknown:
            names = ", ".join(sorted(unknown))
            raise invalid("rig-map", f"{where}: {names}: no such entry; see duologue.rigs.rig_map for what there is.")

    def parse(self, name: str) -> RigMap:
        joints = self._joints()
        if missing := [joint for joint in REQUIRED if joint not in joints]:
            raise invalid("rig-map", f"{self._where}: no bone is named for {', '.join(missing)}.")
        return RigMap(
            name,
            title=str(self._data.get("title", name)),
            joints=joints,
            prefix=bool(self._data.get("prefix", True)),
            properties=tuple(self._properties()),
            parents=self._pairs("parents"),
            also=self._pairs("also"),
            twists=tuple(self._twists()),
            without=tuple(str(name) for name in cast("list[object]", self._data.get("without", []))),
            exact=bool(self._data.get("bones")),
        )

    def _joints(self) -> dict[str, tuple[str, ...]]:
        exact = cast("Mapping[str, str]", self._data.get("bones", {}))
        joints: dict[str, tuple[str, ...]] = {joint: (bone,) for joint, bone in exact.items()}
        for key in ("Hips", "Head"):
            if key in self._data:
                joints[key] = self._spellings(self._data[key])
        for stem in ("Spine", "Neck"):
            members = self._list(self._data.get(stem, []))
            joints |= dict(zip(chain_names(stem, len(members)), members, strict=True))
        for side, word in enumerate(SIDES):
            for key, value in self._sided.items():
                names = self._list(value, side)
                if key not in FINGERS:
                    joints[word + key] = names[0]
                    continue
                joints |= {f"{word}Hand{key}{i + 1}": item for i, item in enumerate(names[-3:])}
                joints |= {f"{word}Hand{key}": item for item in names[:-3]}
        return joints

    def _properties(self) -> Iterable[Property]:
        for entry in cast("list[Mapping[str, Any]]", self._data.get("property", [])):
            bone = str(entry["bone"])
            for side in self._sides(bone):
                yield Property(self._fill(bone, side), str(entry["name"]), float(entry["value"]))

    def _pairs(self, table: str) -> dict[str, str]:
        pairs = cast("Mapping[str, Any]", self._data.get(table, {}))
        return {
            self._fill(str(bone), side): self._fill(str(other), side)
            for bone, other in pairs.items()
            for side in self._sides(str(bone))
        }

    def _twists(self) -> Iterable[Twist]:
        for bone, share in cast("Mapping[str, float | Mapping[str, Any]]", self._data.get("twist", {})).items():
            if isinstance(share, Mapping):
                yield Twist(bone, str(share["side"]), float(share["share"]))
            else:
                yield from (Twist(self._fill(bone, side), word, float(share)) for side, word in enumerate(SIDES))

    def _list(self, value: object, side: int | None = None) -> list[tuple[str, ...]]:
        items = cast("list[object]", value if isinstance(value, list) else [value])
        return [self._spellings(item, side) for item in items]

    def _spellings(self, text: object, side: int | None = None) -> tuple[str, ...]:
        if not isinstance(text, str):
            raise invalid("rig-map", f"{self._where}: {text!r} should be the name of a bone.")
        names = [self._fill(part, side) for part in text.split("|")]
        for word, others in cast("Mapping[str, list[str]]", self._data.get("any_of", {})).items():
            names += [name.replace(word, other) for name in names if word in name for other in others]
        return tuple(names)

    def _fill(self, text: str, side: int | None) -> str:
        if side is None:
            return text
        word = SIDES[side].lower()
        names = {"{side}": word, "{short}": f"short_{word}"}
        for mark, setting in names.items():
            text = text.replace(mark, str(self._data.get(setting, "")))
        return text

    @staticmethod
    def _sides(bone: str) -> Sequence[int | None]:
        """Return both sides for a name that stands for two bones."""
        return (0, 1) if "{" in bone else (None,)
