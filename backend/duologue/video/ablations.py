"""The model without one of its parts: what is switched off, and which of its modes is judged against which of the whole's.

CoInteract's three (arXiv 2604.19636: experts, co-generation, the asymmetric mask), InterAnimate's two (arXiv 2504.10905: the
bank of latents, who somebody is), and one of ours: structure that is added to the target's tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from duologue.video.config import VideoConfig

WHOLE: Final = "whole"
"""The model with all of its parts, trained as long as the others."""


@dataclass(frozen=True)
class Ablation:
    """A part that is left out. Everything else is as in the whole model: data, noise, steps, rates."""

    lacks: str
    network: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Fields of ``VideoConfig`` that are other ones."""
    modes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Modes that are trained in place of others."""
    judged: tuple[tuple[str, str], ...] = (("asym", "asym"), ("render", "render"))
    """Modes that are compared: the whole model's, and its own."""

    def config(self, whole: VideoConfig) -> VideoConfig:
        """Return the network's configuration."""
        return replace(whole, **self.network)

    def shares(self, whole: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
        """Return which modes are trained, and their shares of the steps, where the whole model has ``whole``."""
        found: dict[str, float] = {}
        for mode, share in whole:
            name = self.modes.get(mode, mode)
            found[name] = found.get(name, 0.0) + share
        return tuple(found.items())


ABLATIONS: Final[Mapping[str, Ablation]] = {
    WHOLE: Ablation("nothing"),
    "experts": Ablation("experts and router", network={"expert_width": 0}),
    "co-generation": Ablation(
        "structure made along with the target", modes={"full": "base", "asym": "base"}, judged=(("asym", "asym"),)
    ),
    "asymmetric-mask": Ablation(
        "the mask: structure is seen, and made along in performing too",
        modes={"asym": "full"},
        judged=(("asym", "full"),),
    ),
    "region-latents": Ablation("banks of regions", network={"spatial": 0, "temporal": 0}),
    "identity": Ablation("who somebody is", network={"identity_width": None}),
    "added-structure": Ablation(
        "structure added to tokens: it is a stream alone",
        modes={"add": "stream", "render": "stream"},
        judged=(("render", "stream"),),
    ),
}
