"""Find ARKit's shapes among keys however they are spelt: "Head.brow_down_L", "blendShape1.EyeBlinkRight", "mouthsmileleft"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from duologue import arkit
from duologue.rigs.shape_names import bare

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SIDES: Final = {"l": "left", "left": "left", "r": "right", "right": "right"}


def words_of(name: str) -> tuple[list[str], str]:
    """Split a name into its words, lower case and without sides, and the side it names ("left", "right" or "")."""
    words = [str(word).casefold() for word in _WORD.findall(bare(name))]
    side = next((_SIDES[word] for word in reversed(words) if word in _SIDES), "")
    words = [word for word in words if word not in _SIDES]
    if words and not side and (match := re.fullmatch(r"(.+?)(left|right)", words[-1])):
        words[-1], side = match[1], match[2]
    return words, side


_STEMS: Final = {name: ("".join(words), side) for name in arkit.NAMES for words, side in [words_of(name)]}


def stems_of(words: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Return ARKit name -> (stem, side) of a map's other words for it: ``eyesClosed = "eyeBlink"`` is for both eyes."""
    stems: dict[str, list[tuple[str, str]]] = {}
    for word, meant in words.items():
        other, wanted = "".join(words_of(word)[0]), "".join(words_of(meant)[0])
        for name, (stem, side) in _STEMS.items():
            if stem == wanted:
                stems.setdefault(name, []).append((other, side))
    return stems


_OWN: Final = {name: [stem] for name, stem in _STEMS.items()}


def find_in_any_spelling(
    shape_names: Sequence[str], stems: Mapping[str, Sequence[tuple[str, str]]] = _OWN
) -> dict[str, dict[str, float]]:
    """Return ARKit name -> key -> factor for the keys whose names end in an ARKit name, or in another word of ``stems``.

    Of several keys that fit, the one with the fewest words in front wins. A shape without a side drives both keys of a
    face that has one for each side; two sided shapes share a key that is for both.
    """
    known = {stem for others in stems.values() for stem, _ in others}
    best: dict[tuple[str, str], tuple[int, str]] = {}
    for key in shape_names:
        words, side = words_of(key)
        for start in range(len(words)):
            stem = "".join(words[start:])
            if stem in known:
                if start < best.get((stem, side), (len(words), ""))[0]:
                    best[stem, side] = start, key
                break
    targets: dict[str, dict[str, float]] = {}
    for name, others in stems.items():
        for stem, side in others:
            halves = [best[stem, half][1] for half in ("left", "right") if (stem, half) in best]
            if (stem, side) in best:
                targets.setdefault(name, {best[stem, side][1]: 1.0})
            elif not side and len(halves) == 2:
                targets.setdefault(name, dict.fromkeys(halves, 1.0))
            elif side and stem not in ("jaw", "mouth") and (stem, "") in best:
                targets.setdefault(name, {best[stem, ""][1]: 0.5})
    return targets
