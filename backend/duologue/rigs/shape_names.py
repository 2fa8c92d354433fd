"""Find a face's keys by what a map calls them, whatever a program added: another case or width, ``.001``, a mesh in front.

``Face.M_F00_000_00_Fcl_MTH_A`` is ``Fcl_MTH_A`` as a glTF import writes it, ``jawOpen.001`` the key of a mesh that was copied,
``ｳｨﾝｸ`` the half-width spelling of ``ウィンク``, ``facs_bs_MouthFunnel_div2`` a Daz control that counts half.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from duologue import arkit

Targets = Mapping[str, Mapping[str, float]]
"""ARKit name -> key -> what a weight of 1 adds to it."""

_ADDED: Final = re.compile(r"(_div2)?(\.\d{3})?$")
_JOINTS: Final = re.compile(r"[._:|/]")
_LONG: Final = 6
"""Letters from which a name says enough to be found behind an underscore; shorter ones (``Open``, ``A``) could be anything's."""
_FEWEST: Final = 4
"""Keys that make a viseme set; of single letters (A, E, …) a round vowel must be among them, for these are anything's names."""


def bare(name: str) -> str:
    """Return a key's name without what Blender and Daz append to it."""
    return _ADDED.sub("", name)


def plain(name: str) -> str:
    """Return a key's name as it is compared: :func:`bare`, one case, one width, one kind of gap."""
    return re.sub(r"[ \-]", "_", unicodedata.normalize("NFKC", bare(name)).casefold())


class KeyNames:
    """The keys of one face."""

    def __init__(self, names: Sequence[str]) -> None:
        """Sort the names by their spellings. Of several that are equal the first without a number counts."""
        ordered = sorted(names, key=lambda name: name != bare(name))
        self._whole = {plain(name): name for name in reversed(ordered)}
        self._tails: dict[str, str] = {}
        for text, name in sorted(self._whole.items(), key=lambda item: -len(item[0])):  # the shortest is left
            for joint in _JOINTS.finditer(text):
                tail = text[joint.end() :]
                if joint[0] != "_" or len(tail) >= _LONG:
                    self._tails[tail] = name

    def find(self, spellings: str) -> str | None:
        """Return the key that is called like one of ``spellings``, which ``|`` separates; the first one that there is."""
        wanted = [plain(spellings), *(plain(one) for one in spellings.split("|"))]
        whole = next((self._whole[one] for one in wanted if one in self._whole), None)
        return whole or next((self._tails[one] for one in wanted if one in self._tails), None)


def found_in(wanted: Targets, keys: KeyNames) -> dict[str, dict[str, float]]:
    """Return those of a table's shapes of which the face has a key, by the keys' own names."""
    targets: dict[str, dict[str, float]] = {}
    for shape, names in wanted.items():
        found = {key: factor for name, factor in names.items() if (key := keys.find(name)) is not None}
        if found:
            targets[shape] = found
    return targets


def only(targets: Targets, present: set[str]) -> dict[str, dict[str, float]]:
    """Return targets as far as their keys are there."""
    return {shape: {key: f for key, f in keys.items() if key in present} for shape, keys in targets.items()}


def shared_by_both_sides(targets: Targets) -> dict[str, dict[str, float]]:
    """Return targets in which a key that left and right would both move fully takes their mean: one blink key for two eyes."""

    def is_shared(shape: str, key: str) -> bool:
        other = arkit.mirrored(shape)
        return other != shape and targets[shape][key] == targets.get(other, {}).get(key) == 1.0

    return {
        shape: {key: 0.5 if is_shared(shape, key) else factor for key, factor in keys.items()}
        for shape, keys in targets.items()
    }


def _styles(name: str) -> dict[str, str]:
    words = re.sub(r"([A-Z])", r" \1", name).split()
    short = [*words[:-1], "_" + words[-1][0]] if len(words) > 2 and words[-1] in ("Left", "Right") else words
    capitals = [word[0].upper() + word[1:] for word in words]
    return {"camel": name, "Pascal": "".join(capitals), "Snake": "_".join(capitals), "camel_short": "".join(short)}


def by_pattern(pattern: str, shape_names: Sequence[str]) -> dict[str, str]:
    """Return ARKit name -> the key that ``pattern`` writes for it, with its styles in braces (``{camel}`` and so on)."""
    keys: dict[str, str] = {}
    for shape in arkit.NAMES:
        text = pattern
        for style, spelling in _styles(shape).items():
            text = text.replace("{" + style + "}", spelling)
        expression = re.compile(text)
        fits = [name for name in shape_names if expression.fullmatch(bare(name))]
        if fits:
            keys[shape] = min(fits, key=lambda name: name != bare(name))
    return keys


def find_visemes(
    shape_names: Sequence[str], visemes: Iterable[str], pattern: str, spellings: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Return viseme -> its key, or nothing where it is no set: one key called "A" is none.

    Args:
        shape_names: all keys of the face.
        visemes: the basis' own names.
        pattern: a regular expression in which ``{viseme}`` stands for any spelling; without it only ``spellings`` count.
        spellings: how else each viseme is called. All of a set may stand behind the same words: ``Mouth_A``, ``Mouth_E``.
    """
    words = {v: ((v,) if pattern else ()) + tuple(spellings.get(v, ())) for v in visemes}
    found = _visemes_by_pattern(shape_names, words, pattern) if pattern else {}
    names = {plain(name): name for name in reversed(shape_names)}
    for prefix in _prefixes(names, words["aa"]):
        same = {
            viseme: names[key]
            for viseme, spelt in words.items()
            if (key := next((prefix + plain(s) for s in spelt if prefix + plain(s) in names), None)) is not None
        }
        found = max(found, same, key=len)
    keys = list(found.values())
    found = {viseme: key for i, (viseme, key) in enumerate(found.items()) if key not in keys[:i]}
    letters = [tail for tail in (re.split(r"[\W_]", plain(key))[-1] for key in found.values()) if len(tail) < 2]
    needed = {"aa", "O"} if len(letters) > 1 else {"aa"}
    return found if set(found) >= needed and len(found) >= _FEWEST else {}


def _visemes_by_pattern(shape_names: Sequence[str], words: Mapping[str, Sequence[str]], pattern: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for viseme, spelt in words.items():
        anyhow = "(?:" + "|".join(re.escape(word) for word in spelt) + ")"
        expression = re.compile(r"(?:.*[._:|/])?(?:" + pattern.replace("{viseme}", anyhow) + ")", re.IGNORECASE)
        key = next((name for name in shape_names if expression.fullmatch(bare(name))), None)
        if key is not None and key not in found.values():
            found[viseme] = key
    return found


def _prefixes(names: Iterable[str], spelt: Iterable[str]) -> set[str]:
    """Return what may stand in front of a set, to go by where the open vowel stands."""
    ends = [plain(word) for word in spelt]
    fronts = {name.removesuffix(end) for name in names for end in ends if name.endswith(end)}
    return {front for front in fronts if not front or not front[-1].isalnum()}


def letters_in_common(key: str, spelt: Iterable[str]) -> int:
    """Return how many letters of a key's name are a map's own word for it."""
    return max((len(word) for word in spelt if plain(key).endswith(plain(word))), default=0)
