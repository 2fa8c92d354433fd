"""Two streams, one network: who looks at whom in each mode. No masks: at most two plain attentions a block.

| mode | structure | the target sees | structure sees |
|---|---|---|---|
| ``base`` | not there | its own tokens, references, motion | |
| ``add`` | added to the target's tokens | the same | |
| ``full`` | noised with the target, made along with it | everything | everything |
| ``asym`` | the same | its own tokens, references, motion | structure, the target, the thing's reference |
| ``render`` | clean, and added | its own and structure | structure |
| ``stream`` | clean, not added | the same | structure |

``full`` and ``asym`` are CoInteract's two stages (arXiv 2604.19636): structure teaches the shared weights, then is dropped at no
cost, ``asym`` without it being ``base``. ``add``, ``render`` and ``stream`` are ours, since here structure is known: as the
paper's code adds a pose video, and as a clean second stream whose keys and values are computed once a window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor

from duologue.video.attention import KeysValues, mix

Stream = Literal["none", "full", "asym", "clean"]


class Mode(NamedTuple):
    """How structure comes in, and whether the scene is known: its structure added, its carried picture and masks given."""

    stream: Stream
    added: bool
    scene: bool

    @property
    def joint(self) -> bool:
        """Whether structure is made along with the target."""
        return self.stream in {"full", "asym"}


MODES: Final = {
    "base": Mode("none", added=False, scene=False),
    "add": Mode("none", added=True, scene=True),
    "full": Mode("full", added=False, scene=False),
    "asym": Mode("asym", added=False, scene=False),
    "render": Mode("clean", added=True, scene=True),
    "stream": Mode("clean", added=False, scene=True),
}

Attend = Callable[[Tensor, KeysValues], Tensor]


def together(queries: Tensor, own: KeysValues) -> Tensor:
    """Every token sees every other."""
    return mix(queries, own)


def asymmetric(target: int, main: int, thing: slice) -> Attend:
    """Return the two attentions of ``asym``. Tokens are [target | references, motion | structure].

    Args:
        target: how many are the target's.
        main: how many are not structure.
        thing: the reference of a thing, which structure sees as well (CoInteract's code: no person, no motion).
    """

    def attend(queries: Tensor, own: KeysValues) -> Tensor:
        of_target = mix(queries[:, :main], own.among(slice(main)))
        seen = own.among(slice(main, None)).also(own.among(slice(target))).also(own.among(thing))
        return torch.cat([of_target, mix(queries[:, main:], seen)], dim=1)

    return attend


def cached(structure: KeysValues) -> Attend:
    """Return the attention of ``render``: to each other, and to structure as it was projected once."""

    def attend(queries: Tensor, own: KeysValues) -> Tensor:
        return mix(queries, own.also(structure))

    return attend


def attends(mode: Mode, layers: int, asym: Attend, cache: Sequence[KeysValues] | None) -> list[Attend]:
    """Return the attention of each block."""
    if mode.stream == "clean":
        assert cache is not None
        return [cached(structure) for structure in cache]
    return [asym if mode.stream == "asym" else together] * layers
