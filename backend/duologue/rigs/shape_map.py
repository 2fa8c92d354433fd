"""Shape maps: plain text files that say what a kind of face calls ARKit's 52 shapes.

A map is a TOML file in ``rigs/shape_maps``:

- ``names`` is a regular expression for all 52, in which ``{camel}`` stands for ``eyeBlinkLeft``, ``{Pascal}`` for
  ``EyeBlinkLeft``, ``{Snake}`` for ``Eye_Blink_Left`` and ``{camel_short}`` for ``eyeBlink_L``.
- ``[shapes]`` names single shapes (a list: all of them take the weight; ``{ "key" = 0.5 }``: a share of it; ``|`` separates
  spellings of one key); ``[both]`` names keys for both sides at once, ``[words]`` other words for ARKit's, in any spelling,
  ``[instead]`` keys for shapes that nothing else was found for. A key of which both sides take hold gets their mean.
- ``canonical = true`` finds any spelling; ``exact = true`` takes the names letter by letter (``rigs.presets``);
  ``[visemes]`` makes it a map onto mouth shapes for sounds (``rigs.visemes``), whose keys ``names`` writes with ``{viseme}``.
  ``base`` lends them from a map that ships with Duologue, ``[viseme_keys]`` then names their keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import ArrayLike

from duologue import arkit
from duologue.errors import DuologueError, invalid
from duologue.files.folders import rigs_folder
from duologue.files.reading import MAX_TOML, parse_toml, read_bytes
from duologue.motion.rotations import Floats, as_floats
from duologue.rigs.shape_names import (
    KeyNames,
    Targets,
    by_pattern,
    find_visemes,
    found_in,
    letters_in_common,
    only,
    shared_by_both_sides,
)
from duologue.rigs.shape_words import find_in_any_spelling, stems_of
from duologue.rigs.visemes import VisemeBasis

_MAX_REPEATS: Final = 3
_SETTINGS: Final = {
    "title", "names", "canonical", "shapes", "visemes", "importance", "spellings", "exact", "base", "viseme_keys",
    "both", "words", "instead",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ShapeMatch:
    """A shape map laid over one face.

    ``shapes``: the K keys of the mesh that are driven; ``factors`` (52, K): what each ARKit weight adds to each of them;
    ``missing``: ARKit names that drive nothing; ``score`` in [0, 1]. The keys ``viseme_columns`` are mixed by ``basis`` instead;
    they may be a part of its visemes (``viseme_parts``) where another mesh of the face has the rest.
    """

    shape_map: ShapeMap
    shapes: tuple[str, ...]
    factors: Floats
    missing: tuple[str, ...]
    score: float
    basis: VisemeBasis | None = None
    viseme_columns: tuple[int, ...] = ()
    viseme_parts: tuple[int, ...] = ()

    @property
    def visemes(self) -> dict[str, str]:
        """Viseme -> the key that is mixed for it."""
        names = [self.basis.visemes[part] for part in self.viseme_parts] if self.basis is not None else ()
        return dict(zip(names, (self.shapes[column] for column in self.viseme_columns), strict=True))

    @property
    def mixed(self) -> tuple[str, ...]:
        """The ARKit names that visemes stand for."""
        return self.basis.shapes if self.basis is not None else ()

    @property
    def targets(self) -> dict[str, dict[str, float]]:
        """ARKit name -> key -> factor, for those that drive keys of their own."""
        return {
            name: {self.shapes[column]: float(row[column]) for column in np.flatnonzero(row)}
            for name, row in zip(arkit.NAMES, self.factors, strict=True)
            if row.any()
        }

    @property
    def whole(self) -> bool:
        """Whether this is a preset of which every key is there."""
        shapes = {key for keys in self.shape_map.shapes.values() for key in keys}
        return self.shape_map.exact and shapes | set(self.shape_map.viseme_keys.values()) <= set(self.shapes)

    @property
    def usable(self) -> bool:
        """Whether at least the jaw or some mouth shapes for sounds can be driven: without those a face can't speak."""
        return "jawOpen" not in self.missing or self.basis is not None

    def apply(self, weights: ArrayLike) -> Floats:
        """Turn ARKit weights (T, 52), in ``arkit.NAMES`` order, into values (T, K) in [0, 1] for ``shapes``."""
        values = as_floats(weights)
        if self.basis is None:
            return np.clip(values @ self.factors.astype(values.dtype), 0.0, 1.0)
        mixture = self.basis.project(values)
        values = self.basis.lacking(values, mixture)
        result = np.clip(values @ self.factors.astype(values.dtype), 0.0, 1.0)
        result[:, self.viseme_columns] = mixture[:, self.viseme_parts]
        return result

    def on(self, shape_names: Sequence[str]) -> ShapeMatch:
        """Return the match of another mesh of the face, as far as it has keys of the same names."""
        visemes = {viseme: key for viseme, key in self.visemes.items() if key in shape_names}
        return self.shape_map.match(only(self.targets, set(shape_names)), visemes, shape_names)

    def beside(self, others: Iterable[ShapeMatch]) -> ShapeMatch:
        """Return the match of one mesh of a face that has others: one mixture of visemes is for all of them."""
        if self.basis is None or self.shape_map.basis is None:
            return self
        matches = (self, *others)
        every = {v for match in matches if match.shape_map.basis is self.shape_map.basis for v in match.visemes}
        basis = self.shape_map.basis.only([v for v in self.shape_map.basis.visemes if v in every])
        return replace(self, basis=basis, viseme_parts=tuple(basis.visemes.index(v) for v in self.visemes))

    def closed_by_the_jaw(self) -> ShapeMatch:
        """Return the match of a face without a key that shuts its lips: its jaw shuts with them."""
        opening = self.targets.get("jawOpen")
        if not opening or "mouthClose" not in self.missing:
            return self
        factors, missing = self.factors.copy(), tuple(name for name in self.missing if name != "mouthClose")
        factors[arkit.INDEX["mouthClose"]] = -factors[arkit.INDEX["jawOpen"]]
        return replace(self, factors=factors, missing=missing)


@dataclass(frozen=True, eq=False)
class ShapeMap:
    """What one kind of face calls ARKit's shapes."""

    name: str
    title: str
    pattern: str = ""
    shapes: Targets = field(default_factory=dict[str, Mapping[str, float]])
    canonical: bool = False
    basis: VisemeBasis | None = None
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    exact: bool = False
    """Whether ``shapes`` and ``viseme_keys`` are all there is, named letter by letter: a preset of one face."""
    viseme_keys: Mapping[str, str] = field(default_factory=dict[str, str])
    both: Targets = field(default_factory=dict[str, Mapping[str, float]])
    """Stems without a side, and the keys that are for both sides."""
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    instead: Targets = field(default_factory=dict[str, Mapping[str, float]])

    @classmethod
    def load(cls, path: str | Path) -> ShapeMap:
        """Read a map from a TOML file.

        Raises:
            DuologueError: NOT_FOUND ``shape-map-file``; INVALID_ARGUMENT ``shape-map`` saying what does not hold.
        """
        file = Path(path)
        try:
            data = parse_toml(read_bytes(file, MAX_TOML).decode())
        except DuologueError as error:
            raise DuologueError("NOT_FOUND", "shape-map-file", f"cannot read {file}: {error.message}") from error
        except ValueError as error:
            raise invalid("shape-map", f"{file} is not TOML: {error}.") from error
        return _parse(file.stem, data, str(file))

    @classmethod
    def builtin(cls, name: str) -> ShapeMap:
        """Return one of the maps that ship with Duologue; ``ShapeMap.names()`` lists them."""
        if name not in cls.names():
            known = ", ".join(cls.names())
            raise DuologueError(
                "NOT_FOUND", "unknown-shape-map", f"there is no shape map {name!r}; there are: {known}."
            )
        return _builtin(name)

    @staticmethod
    def names() -> tuple[str, ...]:
        """Return the names of the maps that ship with Duologue."""
        return tuple(sorted(file.stem for file in (rigs_folder() / "shape_maps").glob("*.toml")))

    def bind(self, shape_names: Sequence[str]) -> ShapeMatch:
        """Find ARKit's shapes among a face's keys. Never fails: look at ``score`` and ``missing``."""
        if self.exact:
            present = set(shape_names)
            visemes = {viseme: key for viseme, key in self.viseme_keys.items() if key in present}
            return self.match(shared_by_both_sides(only(self.shapes, present)), visemes, shape_names)
        keys = KeyNames(shape_names)
        targets = self._named(shape_names, keys)
        if self.words:
            targets = find_in_any_spelling(shape_names, stems_of(self.words)) | targets
        if self.canonical or self.basis is not None:
            targets = find_in_any_spelling(shape_names) | targets
        targets = found_in(self.instead, keys) | targets
        visemes = self._find_visemes(shape_names) if self.basis is not None else {}
        return self.match(shared_by_both_sides(targets), visemes, shape_names)

    def _named(self, shape_names: Sequence[str], keys: KeyNames) -> dict[str, dict[str, float]]:
        """Return what is found by names that the map gives one by one."""
        targets: dict[str, dict[str, float]] = {}
        if self.pattern and self.basis is None:
            targets = {shape: {key: 1.0} for shape, key in by_pattern(self.pattern, shape_names).items()}
        targets = found_in(self.shapes, keys) | targets
        for stem, parts in found_in(self.both, keys).items():
            if not {stem + "Left", stem + "Right"} & set(targets):
                targets |= {stem + side: parts for side in ("Left", "Right")}
        return targets

    def match(self, targets: Targets, visemes: Mapping[str, str], shape_names: Sequence[str]) -> ShapeMatch:
        """Return the match of a face where ARKit names drive ``targets`` (name -> key -> factor), and ``visemes`` their keys.

        Shapes that the visemes stand for drive nothing of their own; a key of ``visemes`` is nobody else's.
        """
        targets = {
            shape: kept
            for shape, keys in targets.items()
            if (kept := {key: factor for key, factor in keys.items() if key not in visemes.values()})
        }
        basis = self.basis.only(visemes) if self.basis is not None and visemes else None
        mixed = basis.shapes if basis is not None else ()
        driven = {shape: keys for shape, keys in targets.items() if shape not in mixed}
        keys = sorted({key for parts in driven.values() for key in parts}, key=list(shape_names).index)
        factors = np.zeros((len(arkit.NAMES), len(keys) + len(visemes)))
        for shape, parts in driven.items():
            for key, factor in parts.items():
                factors[arkit.INDEX[shape], keys.index(key)] = factor
        missing = tuple(name for name in arkit.NAMES if name not in driven and name not in mixed)
        columns = tuple(range(len(keys), len(keys) + len(visemes)))
        names, parts = (*keys, *visemes.values()), tuple(range(len(visemes)))
        return ShapeMatch(self, names, factors, missing, self._score(driven, visemes), basis, columns, parts)

    def _find_visemes(self, shape_names: Sequence[str]) -> dict[str, str]:
        assert self.basis is not None
        return find_visemes(shape_names, self.basis.visemes, self.pattern, self.spellings)

    def _score(self, driven: Iterable[str], visemes: Mapping[str, str]) -> float:
        exact = len(set(driven)) / len(arkit.NAMES)
        if self.basis is not None:
            # A set that is whole in this map goes before the beginning of another's, one that it names before one it spells.
            whole = len(visemes) / len(self.spellings if self.spellings and not self.pattern else self.basis.visemes)
            letters = sum(letters_in_common(key, self.spellings.get(viseme, ())) for viseme, key in visemes.items())
            return 0.1 * exact + 0.49 * len(visemes) / len(self.basis.visemes) + 0.01 * whole + 1e-4 * min(letters, 90)
        return 0.95 * exact if self.canonical else exact


@cache
def _builtin(name: str) -> ShapeMap:
    return ShapeMap.load(rigs_folder() / "shape_maps" / f"{name}.toml")


def _parse(name: str, data: Mapping[str, Any], where: str) -> ShapeMap:
    shapes, both, instead = (_targets(data.get(table, {})) for table in ("shapes", "both", "instead"))
    words = cast("Mapping[str, str]", data.get("words", {}))
    stems = {name.removesuffix("Left") for name in arkit.NAMES} - {"jaw", "mouth"}
    unknown = (set(data) - _SETTINGS) | ({*shapes, *instead} - set(arkit.NAMES)) | ({*both, *words.values()} - stems)
    if unknown:
        raise invalid("shape-map", f"{where}: {', '.join(sorted(unknown))}: no such entry or ARKit shape.")
    names = str(data.get("names", ""))
    try:
        re.compile(plain := re.sub(r"\{\w+\}", "x", names))
    except re.error as error:
        raise invalid("shape-map", f"{where}: 'names' is not a regular expression: {error}.") from error
    if len(names) > 500 or re.search(r"\)[*+{]", plain) or len(re.findall(r"[*+{]", plain)) > _MAX_REPEATS:
        # What repeats within what repeats is tried in exponentially many ways (catastrophic backtracking).
        raise invalid(
            "shape-map", f"{where}: 'names' repeats a group, or has over {_MAX_REPEATS} repetitions; simplify it."
        )
    spellings = cast("Mapping[str, list[str]]", data.get("spellings", {}))
    base = str(data.get("base", ""))
    basis = VisemeBasis.from_tables(data["visemes"], data["importance"], where) if "visemes" in data else None
    return ShapeMap(
        name,
        str(data.get("title", name)),
        names,
        shapes,
        bool(data.get("canonical", False)),
        ShapeMap.builtin(base).basis if base else basis,
        {viseme: tuple(others) for viseme, others in spellings.items()},
        bool(data.get("exact", False)),
        cast("Mapping[str, str]", data.get("viseme_keys", {})),
        both,
        words,
        instead,
    )


def _targets(table: Mapping[str, str | list[str] | Mapping[str, float]]) -> dict[str, dict[str, float]]:
    return {shape: _factors(keys) for shape, keys in table.items()}


def _factors(keys: str | list[str] | Mapping[str, float]) -> dict[str, float]:
    """Read one key, several that are moved alike, or several with a factor each."""
    if isinstance(keys, Mapping):
        return {key: float(factor) for key, factor in keys.items()}
    return dict.fromkeys([keys] if isinstance(keys, str) else keys, 1.0)
