"""The recipe of an adapter on Wan: clips through Wan's autoencoder, what happens through its text encoder, our parts trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.datasets.corpus.video import VideoCorpus
from duologue.files.atomic import prepare_folder
from duologue.training.loop import Optimisation
from duologue.training.parallel import leader_first
from duologue.video.backends.headers import foreign, read_headers
from duologue.video.backends.wan_adapter import RANK, Trained, adapt
from duologue.video.backends.wan_denoiser import WanModel, adaptable, wan_config
from duologue.video.backends.wan_parts import Part, folder_of, library
from duologue.video.backends.wan_text import WanText
from duologue.video.backends.wan_training import WordedLatents, prompts_of, train_on_wan
from duologue.video.training_data import Latents
from duologue.video.training_settings import VideoTraining

PARTS: Final[Mapping[str, int]] = {"expert_width": 256, "spatial": 64, "temporal": 32}
"""Sizes of what Wan has not (``video.config.CONFIGS["paper"]``)."""
OPTIMISATION: Final = Optimisation(20_000, 1e-4, batch=1, warm_up=500, average=0.999)
"""CoInteract's rate; a clip for each GPU (``torchrun``)."""
MODES: Final = (("full", 0.2), ("asym", 0.3), ("render", 0.25), ("add", 0.2), ("stream", 0.05))
HOLDS: Final = "Wan's transformer, vae, text_encoder and tokenizer as diffusers has them"

Progress = Callable[[str, int, int], None]
"""``(stage, done, of how many)``"""


def train_adapter(  # noqa: PLR0913 - a recipe's settings, each with its default
    corpus: Path,
    weights: Path | None,
    out: Path,
    *,
    rank: int = RANK,
    optimisation: Optimisation = OPTIMISATION,
    modes: tuple[tuple[str, float], ...] = MODES,
    parts: Mapping[str, int] = PARTS,
    device: str = "cpu",
    progress: Progress = lambda stage, done, total: None,
) -> Checkpoint:
    """Train low-rank changes of a Wan and all that it has not; return ``out/adapter``, for ``--backend wan-lora``.

    The weights are read and never written. Resumes from what ``out`` holds: ``latents/`` (clips through Wan's autoencoder) and
    the state.

    Args:
        corpus: a folder of clips.
        weights: a folder of Wan's parts.
        out: where everything is made.
        rank: of the changes.
        optimisation: how long and how fast.
        modes: of ``video.streams.MODES``, and their shares of the steps.
        parts: sizes of what Wan has not, fields of ``VideoConfig``.
        device: where it is trained.
        progress: told of each part.

    Raises:
        DuologueError: NOT_FOUND ``weights-missing``; FAILED_PRECONDITION ``weights-foreign``, ``backend-unavailable``; what
            reading weights and clips, and training raise.
    """
    root = folder_of(weights, "wan-lora", HOLDS)
    prepare_folder(out)
    model, trained = adapted(root, rank=rank, parts=parts, seed=optimisation.seed, device=device)
    clips = encoded(model, root, VideoCorpus.open(corpus), out, device, progress)
    settings = VideoTraining(
        model.config, optimisation, modes=modes, mirrored=0.0, recoloured=0.0, sixteen=device.startswith("cuda")
    )

    def report(line: Mapping[str, Any]) -> None:
        progress("training", line["step"], optimisation.steps)

    train_on_wan(model, trained, clips, out, settings, report)
    return open_checkpoint(out / "adapter")


def adapted(
    root: Path, *, rank: int = RANK, parts: Mapping[str, int] = PARTS, seed: int = 0, device: str = "cpu"
) -> tuple[WanModel, Trained]:
    """Return a Wan with an adapter that says nothing yet, and what of it is trained.

    Raises:
        DuologueError: see :func:`train_adapter`.
    """
    vae, headers = Part.open(root / "vae", library().AutoencoderKLWan), read_headers(root / "transformer")
    config = replace(wan_config(headers, root / "transformer"), **parts)
    torch.manual_seed(seed)
    model = WanModel(adaptable(config, headers, device), vae.load(torch.float32).requires_grad_(False)).to(device)
    return model, adapt(model.denoiser, rank)


def encoded(  # noqa: PLR0917
    model: WanModel, root: Path, clips: VideoCorpus, out: Path, device: str = "cpu",
    progress: Progress = lambda stage, done, total: None,
) -> WordedLatents:  # fmt: skip
    """Return the training clips through Wan's autoencoder, kept in ``out/latents``, and what happens in them, encoded too.

    Raises:
        DuologueError: see :func:`train_adapter`.
    """
    text = WanText(root, device)
    if model.config.text_width != text.width:
        what = f"its tokens have {text.width} numbers, and the transformer takes {model.config.text_width}"
        raise foreign(text.part.headers, what)
    encoder: Any = model  # its autoencoder has the calls of a basis
    with leader_first():
        latents = Latents.make(encoder, clips, "train", out / "latents", partial(progress, "encoding"))
    said = prompts_of(clips, latents.numbers)
    prompts = sorted(set(said))
    texts = np.stack(text.encode(prompts))
    return WordedLatents(latents.arrays, latents.numbers, texts, np.array([prompts.index(one) for one in said]))
