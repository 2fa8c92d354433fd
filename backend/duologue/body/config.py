"""The sizes of the two body networks, by name, and what a pose is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from duologue.checkpoints.config import named
from duologue.diffusion.schedule import Prediction
from duologue.labels import ACTION_MODES, EMOTIONS, ROLES

CONDITIONS: Final = ("speech", "text", "action", "role", "emotion", "style", "partner", "placement", "route")
"""What each performer's motion is conditioned on, each with its own dropout and so its own guidance strength.

``partner`` stands for all that the partner says and is asked to do; ``placement`` for where the partner stands; ``route`` for
the smoothed way over the floor, where one is asked for.
"""


@dataclass(frozen=True)
class BodyConfig:
    """Everything that fixes the networks' shapes and the diffusion. Defaults are the paper's (``BodyConfig.named("paper")``).

    Sources: InterAct (arXiv 2509.05747) and, for the layers, LDA's published code (docs/reference/papers.md#lda).
    ``field_of_view``: frames at which the narrowest and the widest decaying head have fallen to 1e-8; ``global_heads`` do not
    decay, so a partner's reaction may be seconds away.
    """

    layers: int = 20
    width: int = 256
    heads: int = 8
    global_heads: int = 2
    field_of_view: tuple[float, float] = (2.5, 37.5)
    kernels: int = 21
    feedforward: int = 1024
    condition_width: int = 256
    dropout: float = 0.1
    window: int = 150
    overlap: int = 30
    prediction: Prediction = "x0"
    shift: float = 2.0
    """Of the noise schedule (``diffusion.schedule``)."""
    condition_dropout: float = 0.12
    hierarchical: bool = True
    """Lower bodies first, then the upper ones given them; False is one network for everything, the flat baseline."""
    paired: bool = True
    """Both people are one sample; False makes each alone, ignorant of the partner: the single-person baseline."""
    prominence: bool = False
    """Whether the upper bodies (or whole ones) are told how far the speaker leans on each word (``speech.prominence``)."""
    mel_bands: int = 27
    text_width: int = 384
    styles: tuple[str, ...] = ("A", "B")
    actions: tuple[str, ...] = ACTION_MODES
    emotions: tuple[str, ...] = EMOTIONS
    roles: tuple[str, ...] = ROLES

    @classmethod
    def named(cls, name: str) -> BodyConfig:
        """Return a configuration of ``CONFIGS`` by its name.

        Raises:
            DuologueError: NOT_FOUND ``config-unknown``.
        """
        return named(CONFIGS, name, "body")


# Sized for two CPU cores: both networks, ten steps, well under real time; learns from two hours of composed motion.
_STARTER: Final = BodyConfig(
    layers=4, width=96, heads=3, global_heads=1, feedforward=96, condition_width=64, dropout=0.0, prominence=True
)
# What the hierarchy is compared with: one network with the layers of both (``duologue evaluate body``).
_FLAT: Final = replace(_STARTER, layers=8, hierarchical=False)

CONFIGS: Final = {
    "paper": BodyConfig(prominence=True),
    "starter": _STARTER,
    "flat": _FLAT,
    "single": replace(_FLAT, paired=False),
    "tiny": BodyConfig(
        layers=2,
        width=16,
        heads=2,
        global_heads=1,
        feedforward=16,
        condition_width=12,
        dropout=0.0,
        window=24,
        overlap=6,
        prominence=True,
    ),
}
"""``paper``: InterAct's; ``starter``: what ships; ``flat``, ``single``: its baselines; ``tiny``: for tests and trials."""
