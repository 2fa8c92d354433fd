"""Folders of Wan's parts in miniature: diffusers' and transformers' own classes with random weights."""

# pyright: reportPrivateImportUsage=false
# diffusers exports its classes lazily, which pyright does not see.

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

HEADS, HEAD, LAYERS, TEXT, FREQUENCIES, INNER, CHANNELS = 2, 12, 2, 16, 32, 32, 16
SIZES: dict[str, Any] = {
    "num_attention_heads": HEADS,
    "attention_head_dim": HEAD,
    "in_channels": CHANNELS,
    "out_channels": CHANNELS,
    "text_dim": TEXT,
    "freq_dim": FREQUENCIES,
    "ffn_dim": INNER,
    "num_layers": LAYERS,
    "rope_max_seq_len": 32,
}


def write_parts(root: Path) -> Path:
    """Write ``vae``, ``text_encoder``, ``tokenizer`` and ``scheduler``."""
    import diffusers
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel

    torch.manual_seed(0)
    diffusers.AutoencoderKLWan(
        base_dim=3, z_dim=CHANNELS, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    ).save_pretrained(root / "vae")
    words = ["<pad>", "</s>", "<unk>", "two", "people", "cheek", "strokes", "person", "the", "first", "second", "of"]
    config = UMT5Config(
        vocab_size=len(words), d_model=TEXT, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=0, eos_token_id=1
    )
    UMT5EncoderModel(config).save_pretrained(root / "text_encoder")
    tokens = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="<unk>"))
    tokens.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    PreTrainedTokenizerFast(
        tokenizer_object=tokens, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=512
    ).save_pretrained(root / "tokenizer")
    diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0).save_pretrained(root / "scheduler")
    return root


def write_vace(root: Path) -> Path:
    """Write a folder of Wan VACE."""
    import diffusers

    write_parts(root)
    torch.manual_seed(1)
    diffusers.WanVACETransformer3DModel(**SIZES, vace_layers=[0], vace_in_channels=2 * CHANNELS + 64).save_pretrained(
        root / "transformer"
    )
    index = {
        "_class_name": "WanVACEPipeline",
        "_diffusers_version": diffusers.__version__,
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "transformer": ["diffusers", "WanVACETransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
    }
    (root / "model_index.json").write_text(json.dumps(index))
    return root


def transformer(**changed: int) -> Any:
    """Wan's plain transformer, random; ``changed``: sizes that are other ones."""
    import diffusers

    torch.manual_seed(2)
    model = diffusers.WanTransformer3DModel(**{**SIZES, **changed}).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=0.1)
    return model


def noise_teller() -> Any:
    """Wan's transformer as a base that knows one thing, as a trained one does: that most of a noised latent is noise.

    Wider than a token's 64 numbers; what goes in comes out, for its blocks add nothing yet.
    """
    model = transformer(num_attention_heads=6)
    width, sides = 6 * HEAD, 4
    ones = torch.cat([torch.ones(width, 1), torch.randn(width, CHANNELS * sides)], dim=1)
    rows = torch.linalg.qr(ones)[0][:, 1:]  # layer norm leaves what is orthogonal to ones
    with torch.no_grad():
        model.patch_embedding.weight.copy_(rows.reshape(width, CHANNELS, 1, 2, 2))
        # In: channel, row, column; out: row, column, channel.
        model.proj_out.weight.copy_(rows.reshape(width, CHANNELS, sides).permute(2, 1, 0).reshape(-1, width))
        silent = [model.patch_embedding.bias, model.proj_out.bias, model.scale_shift_table]
        silent += [*model.condition_embedder.time_proj.parameters()]
        for block in model.blocks:
            silent += [block.scale_shift_table, *block.attn2.to_out.parameters()]
        for parameter in silent:
            parameter.zero_()
    return model
