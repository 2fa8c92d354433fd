"""Our names and Wan's: a checkpoint of ``WanTransformer3DModel``'s layout in, and the shared part of ours out again.

Both layouts of Wan are known: diffusers' and the original one (``blocks.0.self_attn.q.weight``). What has no counterpart there
(experts, regions, structure, what is known of the picture) keeps its name and stays apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from torch import Tensor

from duologue.video.block import TARGET

Layout = Literal["diffusers", "original"]

_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "enter": ("patch_embedding", "patch_embedding"),
    "moments.embed.0": ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    "moments.embed.2": ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    "moments.project": ("condition_embedder.time_proj", "time_projection.1"),
    "context.text.0": ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    "context.text.2": ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    f"leave.{TARGET}": ("proj_out", "head.head"),
}
_BLOCK: Final[Mapping[str, tuple[str, str]]] = {
    **{
        f"{ours}.{part}": (f"{theirs[0]}.{names[0]}", f"{theirs[1]}.{names[1]}")
        for ours, theirs in {"attention": ("attn1", "self_attn"), "context": ("attn2", "cross_attn")}.items()
        for part, names in {
            "query": ("to_q", "q"),
            "key": ("to_k", "k"),
            "value": ("to_v", "v"),
            "out": ("to_out.0", "o"),
            "query_norm": ("norm_q", "norm_q"),
            "key_norm": ("norm_k", "norm_k"),
        }.items()
    },
    "context_norm": ("norm2", "norm3"),
    "feedforward.0": ("ffn.net.0.proj", "ffn.0"),
    "feedforward.2": ("ffn.net.2", "ffn.2"),
}
_TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "table": ("scale_shift_table", "modulation"),
    "leave_table": ("scale_shift_table", "head.modulation"),
}
"""Of both streams in ours, (2, k, D); of one in Wan's, (1, k, D)."""
_PLACES: Final = re.compile(r"blocks\.(\d+)\.(.+)")


def to_wan(tensors: Mapping[str, Tensor], layout: Layout = "diffusers") -> dict[str, Tensor]:
    """Return the tensors of a ``VideoDenoiser`` that Wan has too, by Wan's names and in its shapes."""
    found: dict[str, Tensor] = {}
    for name, value in tensors.items():
        theirs = _translated(name, layout)
        if theirs is None:
            continue
        if name.endswith("table"):
            found[theirs] = value[TARGET : TARGET + 1]
        elif name == "enter.weight":
            found[theirs] = value.unflatten(1, (-1, 1, 2, 2))
        else:
            found[theirs] = value
    return found


def from_wan(
    tensors: Mapping[str, Tensor], ours: Mapping[str, Tensor], layout: Layout = "diffusers"
) -> dict[str, Tensor]:
    """Return ``ours``, the tensors of a ``VideoDenoiser``, with Wan's in the place of those that it has.

    As CoInteract begins: structure's embedding, head and tables are copies of the target's.

    Raises:
        KeyError: for a tensor that Wan's checkpoint should have and has not.
    """
    merged = dict(ours)
    for name, value in ours.items():
        theirs = _translated(name, layout)
        if theirs is None:
            continue
        given = tensors[theirs]
        merged[name] = given.expand_as(value).clone() if name.endswith("table") else given.reshape(value.shape)
    for part in ("weight", "bias"):
        merged[f"enter_structure.{part}"] = merged[f"enter.{part}"].clone()
        merged[f"leave.{1 - TARGET}.{part}"] = merged[f"leave.{TARGET}.{part}"].clone()
    return merged


def _translated(name: str, layout: Layout) -> str | None:
    """Return Wan's name of a tensor, None where it has none."""
    which = 0 if layout == "diffusers" else 1
    if name in _TABLES:
        return _TABLES[name][which]
    if match := _PLACES.fullmatch(name):
        index, rest = match.groups()
        if rest in _TABLES:
            return f"blocks.{index}.{_TABLES[rest][which]}"
        stem, _, part = rest.rpartition(".")
        return f"blocks.{index}.{_BLOCK[stem][which]}.{part}" if stem in _BLOCK else None
    stem, _, part = name.rpartition(".")
    return f"{_NAMES[stem][which]}.{part}" if stem in _NAMES else None
