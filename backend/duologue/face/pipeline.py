"""From two voices to two faces, window by window: what a performance calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import torch
from torch import Tensor

from duologue.arkit import NAMES
from duologue.checkpoints.config import fill, read_config, under
from duologue.checkpoints.store import Checkpoint, open_checkpoint
from duologue.diffusion.crossfade import OVERLAP, FrameNoise, cross_fade, windows
from duologue.diffusion.guidance import Strength, combine, variants
from duologue.diffusion.pipeline import Pipeline
from duologue.diffusion.samplers import Ddim, DpmSolver2M
from duologue.errors import DuologueError, invalid
from duologue.face.config import CONDITIONS, MODEL, FaceConfig
from duologue.face.network import FaceDenoiser
from duologue.facial.expression import Expression, ExpressionLayer
from duologue.speech.encoder import EncodedSpeech, EncoderConfig, SpeechEncoder
from duologue.speech.phones import Phone

if TYPE_CHECKING:
    from numpy.typing import NDArray


Denoiser = Literal["base", "tuned", "swap"]

GUIDANCE: Final = {"speech": 1.4}
"""What a strength of 1 stands for. Plain sampling averages what the speech leaves open, so the jaw opens too little: measured on
held-out speech, aa against iy comes to 2.0 at 1.0 and to 3.0 at 1.4, with no larger error."""


@dataclass(frozen=True)
class FaceConditions:
    """What the faces are made from, performers A and B in this order."""

    samples_16k: NDArray[np.float32]
    """(2, N) speech at 16 kHz."""
    frames: int
    style: NDArray[np.int64]
    """(2,) speaker ids in [0, styles)."""
    emotion: NDArray[np.int64]
    """(2, frames) indices into ``labels.EMOTIONS``; -1 where nothing is asked for."""
    facing: Callable[[int, int], NDArray[np.bool_]]
    """``facing(start, stop) -> (2, stop - start)``: who looks towards the partner, asked for window by window."""
    emotion_strength: NDArray[np.float32] | None = None
    """(2, frames) how strongly each frame's emotion is followed: 1 as learnt (the default), 0 not at all, 2 twice as much."""
    phones: Sequence[Iterable[Phone]] = ((), ())
    """Each performer's p, b, m, f and v, where a transcript tells them: for the layer on top (``articulation.SpokenLips``)."""


@dataclass(frozen=True)
class FaceWindow:
    """Frames [start, start + n) of both faces: ``weights`` (2, n, 52) float32 in [0, 1], columns ``arkit.NAMES``."""

    start: int
    weights: NDArray[np.float32]
    raw: NDArray[np.float32] | None = None
    """The same before they were cut to [0, 1], where an expression asks for it."""


def swap(base: Mapping[str, Tensor], tuned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return InterAct's mixture of parameters: ``base`` everywhere, the decoder's layers from ``tuned`` if there are any.

    What says who speaks and what is heard (embeddings, projections) stays as it was trained on everybody (arXiv 2509.05747).
    """
    return dict(base) | {name: value for name, value in tuned.items() if name.startswith("layers.")}


class FacePipeline(Pipeline[FaceConditions, FaceWindow]):
    """A speech encoder, a denoiser and the scale of the weights it was trained on."""

    def __init__(
        self,
        encoder: SpeechEncoder,
        denoiser: FaceDenoiser,
        mean: Tensor,
        std: Tensor,
        device: str | torch.device = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.encoder = encoder.to(self.device).eval().requires_grad_(False)
        self.denoiser = denoiser.to(self.device).eval().requires_grad_(False)
        self.config = denoiser.config
        self._mean, self._std = mean.to(self.device), std.to(self.device)
        self.sampler: DpmSolver2M | Ddim = DpmSolver2M()
        if encoder.width != self.config.speech_width:
            raise DuologueError(
                "FAILED_PRECONDITION",
                "encoder-width",
                f"this face was trained on {self.config.speech_width}-wide speech features; the encoder makes {encoder.width}.",
                field="face",
            )

    @classmethod
    def load(
        cls,
        checkpoint: str | Path | Checkpoint = "face",
        device: str | torch.device = "cpu",
        *,
        encoder: Path | None = None,
        denoiser: Denoiser | None = None,
    ) -> FacePipeline:
        """Load a face checkpoint by name or folder.

        Args:
            checkpoint: name, folder or opened checkpoint.
            device: where to run.
            encoder: a pretrained Wav2Vec2's folder, in place of the checkpoint's own speech encoder.
            denoiser: ``"base"``, ``"tuned"`` (with all that fine-tuning changed) or ``"swap"`` (with its decoder); by default the
                swap where the checkpoint was fine-tuned.

        Raises:
            DuologueError: what ``open_checkpoint`` raises; FAILED_PRECONDITION ``checkpoint-foreign`` for another model's
                checkpoint or tensors that don't fit its config, or one that was not fine-tuned when that is asked for;
                ``encoder-width``, ``encoder-unreadable``.
        """
        found = open_checkpoint(checkpoint).require(MODEL)
        config = read_config(found, FaceConfig)
        if config.shapes != NAMES:
            raise found.foreign("its shapes are not the 52 that this version writes")
        tensors = found.tensors()
        network = FaceDenoiser(config)
        base, tuned = under("denoiser.", tensors), under("tuned.", tensors)
        if denoiser in {"swap", "tuned"} and not tuned:
            raise found.foreign("its lips were never fine-tuned (`duologue train lips`); only its base can be loaded")
        own_encoder = found.config.get("encoder")
        if encoder is None and own_encoder is None:
            raise found.foreign("it holds no speech encoder; point at the folder of the Wav2Vec2 it was trained with")
        speech = (
            SpeechEncoder.pretrained(encoder)
            if encoder
            else SpeechEncoder(read_config(found, EncoderConfig, "encoder"))
        )
        if any(name not in tensors or tensors[name].shape != (len(NAMES),) for name in ("mean", "std")):
            raise found.foreign(f"its mean and std don't have {len(NAMES)} values each")
        fill(network, {"base": base, "tuned": base | tuned, "swap": swap(base, tuned)}[denoiser or "swap"], found)
        if encoder is None:
            fill(speech, under("encoder.", tensors), found)
        return cls(speech, network, tensors["mean"], tensors["std"], device)

    @classmethod
    def untrained(
        cls, seed: int = 0, config: FaceConfig | None = None, encoder: EncoderConfig | None = None
    ) -> FacePipeline:
        """Return a pipeline with random parameters, for tests and for training to start from."""
        config = config or FaceConfig()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            speech, denoiser = SpeechEncoder(encoder or EncoderConfig()), FaceDenoiser(config)
        return cls(speech, denoiser, torch.zeros(len(config.shapes)), torch.ones(len(config.shapes)))

    def state(self) -> tuple[dict[str, object], dict[str, Tensor]]:
        """Return (config, tensors) as ``checkpoints.store.write_checkpoint`` takes them. A pretrained encoder is left out."""
        ours = self.encoder.config
        tensors = {f"denoiser.{key}": value for key, value in self.denoiser.state_dict().items()}
        if ours is not None:
            tensors |= {f"encoder.{key}": value for key, value in self.encoder.state_dict().items()}
        tensors |= {"mean": self._mean, "std": self._std}
        config = {"model": MODEL, "network": asdict(self.config), "encoder": asdict(ours) if ours else None}
        return config, tensors

    @property
    def scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (52,) that weights are standardised by."""
        return self._mean, self._std

    def stream(  # noqa: PLR0917
        self,
        conditions: FaceConditions,
        seed: int = 0,
        steps: int = 8,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
        expression: Expression | Sequence[Expression] | None = None,
    ) -> Iterator[FaceWindow]:
        """Yield both faces in consecutive windows that do not overlap; together they are ``conditions.frames`` long.

        Args:
            conditions: see ``FaceConditions``.
            seed: the same seed, conditions and device give the same weights bit for bit.
            steps: network calls a window; 1 to 50.
            strengths: guidance by condition (``config.CONDITIONS``); 1 or absent is as ``GUIDANCE`` says, 0 ignores it.
            should_stop: polled before every network call; the stream ends early when it says so.
            expression: the deterministic layer on top, one for both or one for each.
        """
        layer = ExpressionLayer(conditions.samples_16k, conditions.frames, seed, expression, conditions.phones)
        start = 0
        for weights in layer.spoken(m.weights for m in self.bare(conditions, seed, steps, strengths, should_stop)):
            stop = start + weights.shape[1]
            raw = layer.unclamped(start, weights, np.asarray(conditions.facing(start, stop), bool))
            yield FaceWindow(start, raw.clip(0.0, 1.0), raw if layer.keeps_raw else None)
            start = stop

    def bare(
        self,
        conditions: FaceConditions,
        seed: int = 0,
        steps: int = 8,
        strengths: Mapping[str, float] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[FaceWindow]:
        """Yield what ``stream`` does as the model made it, not cut to [0, 1], for who puts ``ExpressionLayer`` on themselves."""
        self._check(conditions, steps, strengths or {})
        asked = {name: value for name, value in (strengths or {}).items() if name in CONDITIONS}
        guided = {name: asked.get(name, 1.0) * GUIDANCE.get(name, 1.0) for name in asked | GUIDANCE}
        speech = EncodedSpeech(self.encoder, conditions.samples_16k, self.device)
        noise = FrameNoise(seed, len(self.config.shapes))
        tail: NDArray[np.float32] | None = None
        for start, stop in windows(conditions.frames):
            facing = np.asarray(conditions.facing(start, stop), bool)
            followed = self._followed(conditions, guided, start, stop)
            made = self._window(
                conditions, speech, facing, noise.frames(start, stop), start, stop, steps, followed, should_stop
            )
            if made is None:
                return
            if tail is not None:
                made[:, : tail.shape[1]] = cross_fade(tail, made[:, : tail.shape[1]])
            keep = stop if stop == conditions.frames else stop - OVERLAP
            tail = made[:, keep - start :]
            yield FaceWindow(start, made[:, : keep - start])

    def _followed(
        self, conditions: FaceConditions, guided: Mapping[str, float], start: int, stop: int
    ) -> Mapping[str, Strength]:
        """Return the strengths of a window: the emotion's by frame where the conditions say so."""
        if conditions.emotion_strength is None:
            return guided
        by_frame = torch.as_tensor(conditions.emotion_strength[:, start:stop, None], device=self.device)
        return {**guided, "emotion": by_frame * guided.get("emotion", 1.0)}

    @torch.inference_mode()
    def _window(  # noqa: PLR0917
        self,
        conditions: FaceConditions,
        speech: EncodedSpeech,
        facing: NDArray[np.bool_],
        noise: Tensor,
        start: int,
        stop: int,
        steps: int,
        strengths: Mapping[str, Strength],
        should_stop: Callable[[], bool],
    ) -> NDArray[np.float32] | None:
        """Return the model's own weights (2, stop - start, 52), neither clamped nor with the layer on top; None when stopped."""
        features = speech.frames(start, stop)
        style = torch.as_tensor(np.asarray(conditions.style), device=self.device) + 1
        emotion = torch.as_tensor(conditions.emotion[:, start:stop], device=self.device) + 1
        towards = torch.as_tensor(facing, device=self.device).long()
        copies = variants(strengths)

        def conditioned(dropped: frozenset[str]) -> tuple[Tensor, ...]:
            heard = torch.zeros_like(features) if "speech" in dropped else features
            who = torch.zeros_like(style) if "style" in dropped else style
            feels = torch.zeros_like(emotion) if "emotion" in dropped else emotion
            return heard, heard.flip(0), who, who.flip(0), towards, feels

        batch = tuple(torch.cat(parts) for parts in zip(*map(conditioned, copies), strict=True))

        def denoise(x: Tensor, t: Tensor) -> Tensor:
            repeated = x.repeat(len(copies), 1, 1)
            outputs = self.denoiser(repeated, t.repeat(len(copies)), *batch)
            return combine(outputs.unflatten(0, (len(copies), -1)), strengths)

        sample = noise.to(self.device)
        for step in self.sampler.iterate(denoise, sample, steps):
            if should_stop():
                return None
            sample = step
        return (sample * self._std + self._mean).cpu().numpy()

    def _check(self, conditions: FaceConditions, steps: int, strengths: Mapping[str, float]) -> None:
        if not 1 <= steps <= 50:
            raise invalid("steps", f"{steps} steps; choose 1 to 50 (8 is plenty).", field="steps")
        if conditions.samples_16k.shape[0] != 2 or conditions.emotion.shape != (2, conditions.frames):
            raise invalid(
                "face-conditions",
                f"samples {conditions.samples_16k.shape} and emotion {conditions.emotion.shape} "
                f"are not (2, N) and (2, {conditions.frames}).",
                field="face",
            )
        asked = conditions.emotion_strength
        if asked is not None and (asked.shape != (2, conditions.frames) or not np.isfinite(asked).all()):
            raise invalid(
                "face-conditions",
                f"emotion_strength {asked.shape} is not (2, {conditions.frames}), or holds NaN or infinity.",
                field="face",
            )
        if not all(0 <= style < self.config.styles for style in conditions.style):
            raise invalid(
                "style-unknown",
                f"styles {list(conditions.style)}; this checkpoint knows 0 to {self.config.styles - 1}.",
                field="style",
            )
        for name, value in strengths.items():
            if not np.isfinite(value):
                raise invalid("strength", f"the strength of {name} is {value}.", field=f"strengths.{name}")
