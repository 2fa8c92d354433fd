"""Shape maps: plain text files that say what a kind of face calls ARKit's 52 shapes.

A map is a TOML file in ``rigs/shape_maps``:

- ``names`` is a regular expression for all 52, in which ``{camel}`` stands for ``eyeBlinkLeft``, ``{Pascal}`` for
  ``EyeBlinkLeft``, ``{Snake}`` for ``Eye_Blink_Left`` and ``{camel_short}`` for ``eyeBlink_L``.
- ``[shapes]`` names single shapes (a list: all of them take the weight; ``{ "key" = 0.5 }``: a share of it);
  ``canonical = true`` finds any spelling; ``exact = true`` takes the names letter by letter (``rigs.presets``).
- ``[visemes]`` makes it a map onto mouth shapes for sounds (``rigs.visemes``), whose keys ``names`` writes with ``{viseme}``.
  ``base`` lends them from a map that ships with Duologue, ``[viseme_keys]`` then names their keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from duologue.rigs.shape_words import find_in_any_spelling
from duologue.rigs.visemes import VisemeBasis

_MAX_REPEATS: Final = 3
_SETTINGS: Final = {
    "title", "names", "canonical", "shapes", "visemes", "importance", "spellings", "exact", "base", "viseme_keys",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class ShapeMatch:
    """A shape map laid over one face.

    ``shapes``: the K keys of the mesh that are driven; ``factors`` (52, K): what each ARKit weight adds to each of them;
    ``missing``: ARKit names that drive nothing; ``score`` in [0, 1]. The keys ``viseme_columns`` are mixed by ``basis`` instead.
    """

    shape_map: ShapeMap
    shapes: tuple[str, ...]
    factors: Floats
    missing: tuple[str, ...]
    score: float
    basis: VisemeBasis | None = None
    viseme_columns: tuple[int, ...] = ()

    @property
    def visemes(self) -> dict[str, str]:
        """Viseme -> the key that is mixed for it."""
        names = self.basis.visemes if self.basis is not None else ()
        return dict(zip(names, (self.shapes[column] for column in self.viseme_columns), strict=True))

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
        wanted = {key for keys in self.shape_map.shapes.values() for key in keys} | {
            *self.shape_map.viseme_keys.values()
        }
        return self.shape_map.exact and wanted <= set(self.shapes)

    @property
    def usable(self) -> bool:
        """Whether at least the jaw or some mouth shapes for sounds can be driven: without those a face can't speak."""
        return "jawOpen" not in self.missing or self.basis is not None

    def apply(self, weights: ArrayLike) -> Floats:
        """Turn ARKit weights (T, 52), in ``arkit.NAMES`` order, into values (T, K) in [0, 1] for ``shapes``."""
        values = as_floats(weights)
        result = np.clip(values @ self.factors.astype(values.dtype), 0.0, 1.0)
        if self.basis is not None:
            result[:, self.viseme_columns] = self.basis.project(values)
        return result


@dataclass(frozen=True, eq=False)
class ShapeMap:
    """What one kind of face calls ARKit's shapes."""

    name: str
    title: str
    pattern: str = ""
    shapes: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    canonical: bool = False
    basis: VisemeBasis | None = None
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    exact: bool = False
    """Whether ``shapes`` and ``viseme_keys`` are all there is, named letter by letter: a preset of one face."""
    viseme_keys: Mapping[str, str] = field(default_factory=dict[str, str])

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
            own = {shape: {k: f for k, f in keys.items() if k in present} for shape, keys in self.shapes.items()}
            visemes = {viseme: key for viseme, key in self.viseme_keys.items() if key in present}
            return self.match({shape: keys for shape, keys in own.items() if keys}, visemes, shape_names)
        targets: dict[str, dict[str, float]] = {}
        if self.pattern and self.basis is None:
            targets |= {shape: {key: 1.0} for shape, key in _by_pattern(self.pattern, shape_names).items()}
        known = {key.casefold(): key for key in reversed(shape_names)}
        for shape, keys in self.shapes.items():
            present = {known[key.casefold()]: factor for key, factor in keys.items() if key.casefold() in known}
            # A list in a viseme map is spellings of one key; elsewhere each key is a part of the shape.
            present = dict(list(present.items())[:1]) if self.basis is not None else present
            if present:
                targets.setdefault(shape, present)
        if self.canonical or self.basis is not None:
            loose = find_in_any_spelling(shape_names)
            targets |= {shape: keys for shape, keys in loose.items() if shape not in targets}
        visemes = self._find_visemes(shape_names) if self.basis is not None else {}
        return self.match(targets, visemes, shape_names)

    def match(
        self, targets: Mapping[str, Mapping[str, float]], visemes: Mapping[str, str], shape_names: Sequence[str]
    ) -> ShapeMatch:
        """Return the match of a face where ARKit names drive ``targets`` (name -> key -> factor), and ``visemes`` their keys.

        Shapes that the visemes stand for drive nothing of their own; a key of ``visemes`` is nobody else's.
        """
        basis = self.basis.only(visemes) if self.basis is not None and visemes else None
        mixed = basis.shapes if basis is not None else ()
        driven = {shape: keys for shape, keys in targets.items() if shape not in mixed}
        keys = sorted(
            {key for parts in driven.values() for key in parts} - set(visemes.values()), key=list(shape_names).index
        )
        factors = np.zeros((len(arkit.NAMES), len(keys) + len(visemes)))
        for shape, parts in driven.items():
            for key, factor in parts.items():
                if key in keys:
                    factors[arkit.INDEX[shape], keys.index(key)] = factor
        missing = tuple(name for name in arkit.NAMES if name not in driven and name not in mixed)
        columns = tuple(range(len(keys), len(keys) + len(visemes)))
        names = (*keys, *visemes.values())
        return ShapeMatch(self, names, factors, missing, self._score(driven, visemes), basis, columns)

    def _find_visemes(self, shape_names: Sequence[str]) -> dict[str, str]:
        assert self.basis is not None
        visemes: dict[str, str] = {}
        for viseme in self.basis.visemes:
            pattern = re.compile(self.pattern.replace("{viseme}", viseme), re.IGNORECASE)
            others = {spelling.casefold() for spelling in (viseme, *self.spellings.get(viseme, ()))}
            key = next((name for name in shape_names if pattern.fullmatch(name)), None)
            key = key or next((name for name in shape_names if re.split(r"[.:|]", name)[-1].casefold() in others), None)
            if key is not None and key not in visemes.values():
                visemes[viseme] = key
        # One key called "A" is no viseme set: the vowels at least must be there.
        return visemes if {"aa", "O"} <= set(visemes) and len(visemes) >= 4 else {}

    def _score(self, driven: Iterable[str], visemes: Mapping[str, str]) -> float:
        exact = len(set(driven)) / len(arkit.NAMES)
        if self.basis is not None:
            return 0.5 * (len(visemes) / len(self.basis.visemes)) + 0.1 * exact if visemes else 0.0
        return 0.95 * exact if self.canonical else exact


def _styles(name: str) -> dict[str, str]:
    words = re.sub(r"([A-Z])", r" \1", name).split()
    short = [*words[:-1], "_" + words[-1][0]] if len(words) > 2 and words[-1] in ("Left", "Right") else words
    capitals = [word[0].upper() + word[1:] for word in words]
    return {"camel": name, "Pascal": "".join(capitals), "Snake": "_".join(capitals), "camel_short": "".join(short)}


def _by_pattern(pattern: str, shape_names: Sequence[str]) -> dict[str, str]:
    keys: dict[str, str] = {}
    for shape in arkit.NAMES:
        text = pattern
        for style, spelling in _styles(shape).items():
            text = text.replace("{" + style + "}", spelling)
        expression = re.compile(text)
        key = next((name for name in shape_names if expression.fullmatch(name)), None)
        if key is not None:
            keys[shape] = key
    return keys


@cache
def _builtin(name: str) -> ShapeMap:
    return ShapeMap.load(rigs_folder() / "shape_maps" / f"{name}.toml")


def _parse(name: str, data: Mapping[str, Any], where: str) -> ShapeMap:
    shapes = cast("Mapping[str, str | list[str] | Mapping[str, float]]", data.get("shapes", {}))
    unknown = (set(data) - _SETTINGS) | (set(shapes) - set(arkit.NAMES))
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
        {shape: _factors(keys) for shape, keys in shapes.items()},
        bool(data.get("canonical", False)),
        ShapeMap.builtin(base).basis if base else basis,
        {viseme: tuple(others) for viseme, others in spellings.items()},
        bool(data.get("exact", False)),
        cast("Mapping[str, str]", data.get("viseme_keys", {})),
    )


def _factors(keys: str | list[str] | Mapping[str, float]) -> dict[str, float]:
    """Read one key, several that are moved alike, or several with a factor each."""
    if isinstance(keys, Mapping):
        return {key: float(factor) for key, factor in keys.items()}
    return dict.fromkeys([keys] if isinstance(keys, str) else keys, 1.0)
