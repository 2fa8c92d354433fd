"""Sizes and settings of the video model: ``paper`` as CoInteract's and InterAnimate's, ``starter`` for two CPU cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from duologue.checkpoints.config import named
from duologue.diffusion.schedule import Prediction
from duologue.errors import invalid
from duologue.labels import FACE_INTERACTIONS

MODEL: Final = "video"
"""What ``config["model"]`` of a video checkpoint says."""

CONDITIONS: Final = ("pattern", "text", "audio", "reference")
"""What guidance can strengthen or weaken; each was dropped now and then in training."""


@dataclass(frozen=True)
class VideoConfig:
    """All that fixes the network's shapes and the diffusion. Defaults are the starter's.

    Sources: CoInteract (arXiv 2604.19636) on Wan's transformer (arXiv 2503.20314); InterAnimate (arXiv 2504.10905), whose sizes
    are not published: those of its banks are ours, laid out after CyberHost (arXiv 2409.01876). docs/reference/papers.md.
    """

    width: int = 192
    layers: int = 6
    heads: int = 3
    feedforward: int = 768
    frequencies: int = 256
    """Of the sinusoids that stand for a moment of the diffusion."""
    channels: int = 64
    """Of a latent, for a block of 4 x 8 x 8 pixels (``latents``)."""
    window: int = 5
    """Latents that are made in one go: 17 frames in a first window."""
    motion: int = 5
    """Latents before a window that it is told of, the newest in full, the older ones coarser (``tokens.MOTION_PATCHES``)."""
    expert_width: int = 32
    """0: no experts, and no router."""
    spatial: int = 16
    """Vectors in a region's spatial bank; ``temporal``: in its temporal one. Both 0: no region latents."""
    temporal: int = 8
    region_every: int = 2
    """Every so many-th block has region attention, the last of the first so many being the first one."""
    prompts: int = 8
    """Learned context tokens, in place of a text where none is given."""
    text_width: int = 0
    """Width of a user's text encoder; 0: no text."""
    audio_width: int = 0
    """Width of both performers' speech features together, 4 moments a latent; 0: none."""
    audio_every: int = 3
    identity_width: int | None = 0
    """Width of a face embedding that users bring (512 is ArcFace's); 0: identity is read off pictures of face and hand; None: not
    at all."""
    prediction: Prediction = "x0"
    skip: bool = True
    """Whether the output is read as what is known of the picture plus what the network says, instead of what it says alone."""
    noise: float = 1.0
    """How strong it is where a sampler begins. Below 1 pictures are nearer to what is likeliest on the whole, and seeds differ
    less: a network that has seen little isn't rid of its noise (over 35 held-out clips it cost the starter 1 dB)."""
    shift: float = 3.0
    """Of the moments that a sampler visits (``diffusion.flow``)."""
    experts_until: float = 0.9
    """From this moment on the experts are off: the layout has to settle first (CoInteract's code)."""
    structure_clean: bool = False
    """Whether blocks take structure's tokens as clean while they are made (CoInteract's code; its paper says the moment)."""
    patterns: tuple[str, ...] = FACE_INTERACTIONS

    @property
    def sites(self) -> tuple[str, ...]:
        """Where patterns touch: the last word of each, in the order of the alphabet."""
        return tuple(sorted({pattern.rpartition("-")[2] for pattern in self.patterns}))

    def __post_init__(self) -> None:
        if self.width % (2 * self.heads) or self.width // self.heads < 6:
            raise invalid("video-config", f"width {self.width} must give each of {self.heads} heads an even 6 or more.")
        if self.skip and self.prediction == "v":
            raise invalid("video-config", "a velocity can't be read as what is known plus something: skip needs x0.")
        if min(self.layers, self.channels, self.window - 1, self.region_every, self.audio_every) < 1:
            raise invalid("video-config", "layers, channels and region_every must be at least 1, window at least 2.")
        if (self.spatial > 0) != (self.temporal > 0):
            raise invalid("video-config", "regions have a spatial and a temporal bank, or neither.")

    @classmethod
    def named(cls, name: str) -> VideoConfig:
        """Return a configuration of ``CONFIGS`` by its name.

        Raises:
            DuologueError: NOT_FOUND ``config-unknown``.
        """
        return named(CONFIGS, name, "video")


CONFIGS: Final = {
    "starter": VideoConfig(noise=0.3),
    "tiny": VideoConfig(
        width=64, layers=2, heads=2, feedforward=128, frequencies=32, channels=32, expert_width=8, spatial=4, temporal=2,
        prompts=2, audio_every=2,
    ),
    "ablation": VideoConfig(width=128, heads=2, feedforward=512),
    "large": VideoConfig(noise=0.3, width=256, layers=8, heads=4, feedforward=1024),
    "paper": VideoConfig(
        width=5120, layers=40, heads=40, feedforward=13824, channels=16, window=20, motion=19, expert_width=256, spatial=64,
        temporal=32, text_width=4096, audio_width=1024, identity_width=512, prediction="v", skip=False, shift=5.0,
    ),
}  # fmt: skip
"""``starter``: what is trained here; ``large``: the next size up; ``ablation``: what parts are compared at; ``tiny``: for tests
and trials; ``paper``: Wan 2.2 14B's sizes with CoInteract's experts, on Wan's 16 channels."""
