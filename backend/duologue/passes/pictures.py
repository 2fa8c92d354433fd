"""What is asked for when pictures are made of a clip's passes: by whom, how, of whom, and what happens in it.

Nothing here makes a picture (:mod:`duologue.video.backends` does). It is known inside Blender and to a server's clients as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from duologue.passes.contract import EYE, HAND, HEAD, PARTS, Bytes

References = Mapping[str, Mapping[str, Bytes]]
"""By person ("A", "B") and by what of them (``contract.REFERENCES``): pictures (h, w, 3) of any size, on white."""

PRESETS: Final = ("draft", "final")
"""How many steps a diffusion takes: few, to look at; or as many as it is worth."""

REGIONS: Final[Mapping[str, tuple[int, ...]]] = {"hand": (HAND,), "face": (HEAD, EYE)}
"""What alone can be made again: parts of both people, by name."""


def inside(part: Bytes, region: str) -> NDArray[np.bool_]:
    """Return where a region is, to the pixel, by the values (…) of the pass ``part``."""
    return (part >= len(PARTS)) & np.isin(part % len(PARTS), REGIONS[region])


@dataclass(frozen=True)
class Event:
    """A touch in the clip: frames of it from ``begins`` to ``ends`` have the hand on the skin."""

    pattern: str
    performer: str
    touched: str
    begins: float
    ends: float


@dataclass(frozen=True)
class Maker:
    """What is known of a way to make pictures before it is opened."""

    modes: tuple[str, ...]
    """What can be asked of it; the first is the usual one."""
    needs: tuple[str, ...]
    """Passes that it reads; of ``beauty`` the first frame alone."""
    steps: tuple[int, int]
    """Of the diffusion, by ``PRESETS``; 0 where there is none."""

    def steps_of(self, preset: str) -> int:
        """Return the steps of ``draft`` or ``final``."""
        return self.steps[PRESETS.index(preset)]


_SCENE: Final = ("structure", "part", "contact", "relit", "hole", "beauty")
_OURS: Final = ("render", "add", "stream", "full", "base", "dropped")
"""``full`` and ``base`` know nothing of the scene but its first picture; ``dropped`` is what the paper calls ``base``."""

MAKERS: Final[Mapping[str, Maker]] = {
    "carried": Maker(("carried",), ("relit", "hole", "part"), (0, 0)),
    "tiny": Maker(_OURS, _SCENE, (4, 8)),
    "wan-vace": Maker(("depth", "pose"), ("depth", "pose", "part", "beauty"), (12, 30)),
    "wan-cointeract": Maker(("dropped", "full"), _SCENE, (20, 40)),
    "wan-lora": Maker(_OURS, _SCENE, (20, 40)),
}
"""By the name of the backend."""


@dataclass(frozen=True)
class RenderSettings:
    """How pictures of a clip are made."""

    backend: str = "carried"
    mode: str = ""
    """One of the backend's; empty: its first."""
    presets: tuple[str, ...] = ("draft",)
    """Made one after the other: ``("draft", "final")`` shows a draft, then the final pictures over it."""
    steps: int = 0
    """Of the last preset; 0: the preset's own."""
    seed: int = 0
    prompt: str = ""
    """Text; empty: what the events say."""
    region: str = ""
    """What alone is made again, of pictures that were made before; empty: everything."""

    def steps_of(self, preset: str) -> int:
        """Return the steps of one of ``presets``."""
        asked = self.steps if preset == self.presets[-1] else 0
        return asked or MAKERS[self.backend].steps_of(preset)
