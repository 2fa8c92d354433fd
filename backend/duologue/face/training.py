"""Training of the face: the denoiser on composed conversations, heard through a frozen speech encoder.

``train_starter`` is the whole recipe of the shipped checkpoint; ``train_encoder`` (in ``encoder_training``) and ``train_face``
are its halves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from duologue.arkit import INDEX as SHAPE
from duologue.arkit import LOWER_FACE
from duologue.checkpoints import Checkpoint, open_checkpoint, write_checkpoint
from duologue.datasets.face_corpus import Clip, is_held_out, recorded, sentences, synthetic
from duologue.datasets.face_dialogues import STYLES, Dialogue, compose
from duologue.diffusion.schedule import CosineSchedule
from duologue.face.config import FaceConfig
from duologue.face.encoder_training import EncoderTraining, train_encoder
from duologue.face.judging import judge
from duologue.face.network import FaceDenoiser
from duologue.face.optimisation import Optimisation, optimise
from duologue.face.pipeline import FacePipeline
from duologue.speech.encoder import EncodedSpeech, EncoderConfig, SpeechEncoder

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class FaceTraining:
    """How the denoiser is trained. The loss is MSE plus ``velocity`` times that of frame differences, on standardised weights."""

    network: FaceConfig = field(default_factory=FaceConfig)
    optimisation: Optimisation = field(default_factory=lambda: Optimisation(steps=2400, learning_rate=1e-3, batch=12))
    frames: int = 150
    velocity: float = 1.0
    mouth: float = 1.5
    """How much larger an error of the jaw and lips counts than one of the brows."""
    closure: float = 1.8
    """How much larger an error of the mouth counts while the lips are shut: p, b, m are short, and a near miss shows."""
    drop_speech: float = 0.08
    drop_emotion: float = 0.15
    drop_style: float = 0.1
    floor: float = 0.02
    """Smallest standard deviation a shape is divided by: shapes that never move must not be blown up."""


@dataclass(frozen=True)
class Encoded:
    """A conversation as the denoiser hears it: features (2, T, D) float16, and its targets and labels."""

    features: NDArray[np.float16]
    dialogue: Dialogue


def encode(encoder: SpeechEncoder, dialogues: Sequence[Dialogue]) -> list[Encoded]:
    """Run the encoder over conversations once, exactly as the pipeline does."""
    return [
        Encoded(EncodedSpeech(encoder, d.samples).frames(0, d.weights.shape[1]).numpy().astype(np.float16), d)
        for d in dialogues
    ]


def train_face(
    encoder: SpeechEncoder,
    dialogues: Sequence[Dialogue],
    out: Path,
    settings: FaceTraining | None = None,
    *,
    held_out: Sequence[Dialogue] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Checkpoint:
    """Train the denoiser and write ``out/face``: a whole face checkpoint with this encoder in it.

    ``out`` also gets ``log.jsonl`` and the state from which the same call resumes.
    """
    settings = settings or FaceTraining()
    optimisation = settings.optimisation
    torch.manual_seed(optimisation.seed)
    denoiser = FaceDenoiser(settings.network)
    everything = np.concatenate([dialogue.weights.reshape(-1, dialogue.weights.shape[-1]) for dialogue in dialogues])
    mean = torch.from_numpy(everything.mean(0))
    std = torch.from_numpy(everything.std(0).clip(min=settings.floor))
    mouth = torch.tensor([float(name in LOWER_FACE) for name in settings.network.shapes])
    heard = encode(encoder, dialogues)
    schedule = CosineSchedule()

    def loss_of(step: int) -> tuple[Tensor, dict[str, float]]:
        rng = np.random.default_rng((optimisation.seed, step))
        weights, conditions = _batch(heard, settings, rng)
        x0 = (weights - mean) / std
        emphasis = 1 + mouth * (settings.mouth - 1 + (settings.closure - 1) * _closed(weights))
        # Near pure noise the speech is all there is to go by, so that is where most of the learning is.
        t = torch.from_numpy(rng.random(len(x0), np.float32)).sqrt()
        noise = torch.from_numpy(rng.standard_normal(x0.shape, np.float32))
        error = (denoiser(schedule.add_noise(x0, noise, t), t, *conditions) - x0) * emphasis
        position, velocity = error.square().mean(), error.diff(dim=1).square().mean()
        return position + settings.velocity * velocity, {"position": position.item(), "velocity": velocity.item()}

    pipeline = FacePipeline(encoder, denoiser, mean, std)
    denoiser.requires_grad_(True)
    judged = (lambda: judge(pipeline, held_out)) if held_out else None
    optimise(denoiser, loss_of, optimisation, out, judge=judged, should_stop=should_stop)
    config, tensors = pipeline.state()
    return write_checkpoint(out / "face", "face", {**config, "training": _record(settings)}, tensors)


def _batch(
    heard: Sequence[Encoded], settings: FaceTraining, rng: np.random.Generator
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return clean weights (B, T, 52) and the denoiser's conditions for random performers at random whole seconds."""
    size, length = settings.optimisation.batch, settings.frames
    rows: list[tuple[NDArray[np.generic], ...]] = []
    for _ in range(size):
        item = heard[rng.integers(len(heard))]
        d, me = item.dialogue, int(rng.integers(2))
        seconds = (d.weights.shape[1] - length) // settings.network.period
        at = slice(start := int(rng.integers(seconds + 1)) * settings.network.period, start + length)
        kept = 0.0 if rng.random() < settings.drop_speech else 1.0
        features = item.features[[me, 1 - me], at].astype(np.float32) * np.float32(kept)
        who = (d.style[[me, 1 - me]] + 1) * (rng.random(2) >= settings.drop_style)
        feels = (d.emotion[me, at] + 1) * (rng.random() >= settings.drop_emotion)
        rows.append(
            (d.weights[me, at], features[0], features[1], who[0], who[1], d.facing[me, at].astype(np.int64), feels)
        )
    weights, own, partner, own_style, partner_style, facing, emotion = (
        torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)
    )
    return weights, (own, partner, own_style, partner_style, facing, emotion)


def _closed(weights: Tensor) -> Tensor:
    """Return (B, T, 1) how far the lips are shut on purpose: ``mouthClose`` against what the jaw opens."""
    return (weights[..., [SHAPE["mouthClose"]]] / (weights[..., [SHAPE["jawOpen"]]] + 0.03)).clamp(0, 1)


def _record(settings: FaceTraining) -> dict[str, object]:
    return {key: value for key, value in asdict(settings).items() if key != "network"}


def conversations(clips: Sequence[Clip], count: int, seed: int, *, clean: bool = False) -> list[Dialogue]:
    """Compose ``count`` conversations from ``clips``; sources are drawn evenly so that no voice corpus dominates."""
    sources = sorted({clip.source for clip in clips})
    pools = {source: [clip for clip in clips if clip.source == source] for source in sources}
    made: list[Dialogue] = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        mixed = [pool[rng.integers(len(pool))] for pool in pools.values() for _ in range(6)]
        made.append(compose(mixed, rng, clean=clean))
    return made


def train_starter(
    kit: Path,
    out: Path,
    *,
    encoder: EncoderTraining | None = None,
    face: FaceTraining | None = None,
    dialogues: int = 160,
    voices: int = 700,
) -> Checkpoint:
    """Make the shipped checkpoint from the kit: align speech, train the encoder, compose conversations, train the face.

    Needs espeak-ng's library and pocketsphinx. Every stage resumes from what ``out`` already holds.
    """
    clips = list(recorded(kit, out / "phones"))
    texts = sentences(kit)
    train = [clip for clip in clips if not is_held_out(clip.name)] + list(synthetic(voices, 1, texts))
    held = [clip for clip in clips if is_held_out(clip.name)] + list(synthetic(20, 2, texts, held_out_voices=True))
    trained = train_encoder(train, out / "encoder", encoder, held_out=held[::2])
    # LibriSpeech's phones are a recogniser's guesses: good enough to learn to hear by, not to move lips by.
    exact = [clip for clip in train if clip.source != "speech_librispeech"]
    unseen = [clip for clip in held if clip.source in {"speech_matthes", "espeak"}]
    return train_face(
        read_encoder(trained),
        conversations(exact, dialogues, 3),
        out / "face",
        face or FaceTraining(network=FaceConfig(styles=len(STYLES))),
        held_out=conversations(unseen, 6, 4, clean=True),
    )


def read_encoder(checkpoint: Checkpoint | Path) -> SpeechEncoder:
    """Return the speech encoder of a ``speech-encoder`` checkpoint, without its training heads."""
    found = checkpoint if isinstance(checkpoint, Checkpoint) else open_checkpoint(checkpoint)
    found.require("speech-encoder")
    encoder = SpeechEncoder(EncoderConfig.from_json(found.config["encoder"]))
    tensors = {k.removeprefix("encoder."): v for k, v in found.tensors().items() if k.startswith("encoder.")}
    encoder.load_state_dict(tensors)
    return encoder.eval()
