"""CoInteract's own tensors (arXiv 2604.19636; names as in its published code) on top of Wan2.2-S2V's, by our names.

It calls structure *depth*, wraps the feed-forward (``ffn.ffn_base``), and routes in the order base, hand, face; ours is head,
hand, base, and its base expert is not there. Changes of Wan's own weights are low-rank pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import torch
from torch import Tensor

from duologue.video.backends.headers import Headers, foreign
from duologue.video.backends.wan_denoiser import lora_pairs, merged
from duologue.video.block import STRUCTURE
from duologue.video.config import VideoConfig
from duologue.video.experts import EXPERTS
from duologue.video.keys import to_wan
from duologue.video.tokens import REFERENCE_TIMES

_PREFIX: Final = re.compile(r"^(?:pipe\.)?(?:dit\.|model\.)?")
_ROUTES: Final = (2, 1, 0)
"""Of base, hand, face, which row is which of ours."""
_EXPERTS: Final = {"face_expert": EXPERTS.index("head"), "hand_expert": EXPERTS.index("hand")}
_LAYERS: Final = {"fc1": 0, "fc2": 2}
_KINDS: Final = "trainable_cond_mask.weight"
"""Of Wan2.2-S2V: (3, D), what is added to the target's tokens, to references, to motion."""


def stripped(headers: Headers) -> dict[str, str]:
    """Return names without what a trainer put before them -> names as they stand in the file."""
    return {_PREFIX.sub("", name).replace(".ffn.ffn_base.", ".ffn."): name for name in headers}


def expert_width(names: Mapping[str, str], headers: Headers) -> int:
    """Return how wide its experts are.

    Raises:
        DuologueError: FAILED_PRECONDITION ``weights-foreign`` where there are none.
    """
    first = "blocks.0.ffn.hand_expert.fc1.weight"
    if first not in names:
        raise foreign(headers, f"{first} of CoInteract is not in them")
    return headers[names[first]].shape[0]


class CoInteractChange:
    """What CoInteract's file makes of Wan's weights (``wan_denoiser.Change``)."""

    def __init__(self, config: VideoConfig, headers: Headers, kinds: Tensor | None) -> None:
        """Take its file's headers and, where Wan's own has it, its ``trainable_cond_mask`` (3, D)."""
        self._config, self._headers, self._kinds = config, headers, kinds
        self._names = stripped(headers)
        self._taken: list[str] = []
        self.unused: list[str] = []
        """Tensors of the file that nothing of ours takes."""

    def __call__(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Return what is changed and added."""
        theirs = dict(self._headers.tensors())
        plain = {short: theirs[long] for short, long in self._names.items()}
        found = dict(self._own(plain, tensors))
        ours = {names[0]: name for name in tensors if (names := list(to_wan({name: tensors[name]}, "original")))}
        for changed, a, b, alpha in lora_pairs(self._headers):
            name = ours.get(_PREFIX.sub("", changed).replace(".ffn.ffn_base.", ".ffn."))
            if name is None:
                continue
            scale = None if alpha is None else float(theirs[alpha])
            found[name] = merged(found.get(name, tensors[name]), theirs[a], theirs[b], scale)
            self._taken += [a, b, *([alpha] if alpha else [])]
        found |= self._token_kinds(plain, tensors, found)
        self.unused = sorted(set(theirs) - set(self._taken))
        wrong = [name for name, value in found.items() if value.shape != tensors[name].shape]
        if wrong:
            raise foreign(
                self._headers,
                f"{wrong[0]} is {list(found[wrong[0]].shape)}, and Wan's is {list(tensors[wrong[0]].shape)}",
            )
        return found

    def _own(self, plain: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        """Yield what Wan has not: experts, routers, structure's own embedding, head and tables."""
        for theirs, ours in self._pairs():
            if (value := plain.get(theirs)) is None:
                continue
            self._taken.append(self._names[theirs])
            if ours.endswith("table"):
                value = torch.cat([tensors[ours][:1].float(), value.float()])
            elif ours.endswith(("router.3.weight", "router.3.bias")):
                value = value[list(_ROUTES)]
            elif ours == "enter_structure.weight":
                value = value.flatten(1)
            yield ours, value

    def _pairs(self) -> Iterator[tuple[str, str]]:
        """Yield their names and ours."""
        for block in range(self._config.layers):
            inner, mine = f"blocks.{block}.ffn", f"blocks.{block}.experts"
            yield f"blocks.{block}.depth_modulation", f"blocks.{block}.table"
            for kind in ("weight", "bias"):
                for layer in (0, 2, 3):
                    yield f"{inner}.router.{layer}.{kind}", f"{mine}.router.{layer}.{kind}"
                for name, index in _EXPERTS.items():
                    for layer, place in _LAYERS.items():
                        yield f"{inner}.{name}.{layer}.{kind}", f"{mine}.experts.{index}.{place}.{kind}"
        for kind in ("weight", "bias"):
            yield f"depth_patch_embedding.{kind}", f"enter_structure.{kind}"
            yield f"depth_head.head.{kind}", f"leave.{STRUCTURE}.{kind}"
        yield "depth_head.modulation", "leave_table"

    def _token_kinds(
        self, plain: Mapping[str, Tensor], tensors: Mapping[str, Tensor], found: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return what is added to tokens: theirs of the target goes into the embedding's bias, the others are taken off it."""
        kinds, changed = tensors["kinds"].clone(), dict[str, Tensor]()
        if "depth_cond_mask.weight" in plain:
            kinds[-1] = plain["depth_cond_mask.weight"][0].float()
            self._taken.append(self._names["depth_cond_mask.weight"])
        base = plain.get(_KINDS, self._kinds)
        self._taken += [self._names[_KINDS]] if _KINDS in plain else []
        if base is not None:
            target, reference, motion = base.float()
            count = len(REFERENCE_TIMES)
            kinds[:count], kinds[count:-1] = reference - target, motion - target
            changed["enter.bias"] = found.get("enter.bias", tensors["enter.bias"]).float() + target
        return {**changed, "kinds": kinds}
