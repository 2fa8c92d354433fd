"""What the motion is conditioned on, per frame and performer, and how a network hears it.

Every condition may be missing: dropped in training so that guidance has something to compare with, or simply not given (no
transcript, no role). A missing condition is its own learned vector, not a zero that looks like silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from duologue.body.config import CONDITIONS, BodyConfig

PLACEMENT_WIDTH = 4
"""x and z of the partner in the performer's own heading frame, metres / 2; sine and cosine of the partner's heading in it."""

ROUTE_WIDTH = 3
"""Speed sideways and ahead along the smoothed way, m/s, and its turning, rad/s."""


@dataclass(frozen=True)
class Conditions:
    """Both performers' conditions, batched. P = 2, T frames, all at 30 fps.

    ``mel`` (B, P, T, 27) standardised log mel; ``activity`` (B, P, T) voice activity 0..1; ``text`` (B, P, T, 384), zero where no
    word is said; ``action`` and ``emotion`` (B, P, T) long; ``role`` and ``style`` (B, P) long; ``placement`` (B, P, T, 4), see
    ``PLACEMENT_WIDTH``; ``route`` (B, P, T, 3): the way asked for, ``poses.route``, which counts where ``routed`` (B, P, T) is 1.
    """

    mel: Tensor
    activity: Tensor
    text: Tensor
    action: Tensor
    emotion: Tensor
    role: Tensor
    style: Tensor
    placement: Tensor
    route: Tensor
    routed: Tensor

    def repeat(self, copies: int) -> Conditions:
        """Return ``copies`` of the batch behind one another."""
        if copies == 1:
            return self
        return Conditions(**{f.name: torch.cat([getattr(self, f.name)] * copies) for f in fields(self)})


def keep_all(batch: int, device: torch.device | str = "cpu") -> dict[str, Tensor]:
    """Return a keep mask (B, 1) of ones for every condition."""
    return {name: torch.ones(batch, 1, device=device) for name in CONDITIONS}


class ConditionEncoder(nn.Module):
    """Conditions to (B, P, T, condition width): each performer's own and their partner's, mixed over a quarter of a second.

    For the upper body, ``lower`` (B, P, T, lower channels) is one more condition, never dropped: the hierarchy rests on it.
    """

    def __init__(self, config: BodyConfig, lower_channels: int = 0) -> None:
        super().__init__()
        width = config.condition_width
        self.paired = config.paired
        self.speech = nn.Linear(config.mel_bands + 1, width)
        self.text = nn.Linear(config.text_width, width, bias=False)
        self.action = nn.Embedding(len(config.actions), width)
        self.emotion = nn.Embedding(len(config.emotions), width)
        self.role = nn.Embedding(len(config.roles), width)
        self.style = nn.Embedding(len(config.styles), width)
        self.placement = nn.Linear(PLACEMENT_WIDTH, width)
        self.route = nn.Linear(ROUTE_WIDTH, width)
        self.who = nn.Embedding(2, width)
        self.partner = nn.Linear(width, width)
        self.missing = nn.ParameterDict({name: nn.Parameter(torch.zeros(width)) for name in CONDITIONS})
        self.lower = nn.Linear(lower_channels, width) if lower_channels else None
        self.mix = nn.Conv1d(width, width, 7, padding=3)
        self.out = nn.Linear(width, width)
        # A sum of nine conditions grows in training until it drowns the pose it is added to; this keeps it in bounds.
        self.norm = nn.LayerNorm(width)

    def forward(self, c: Conditions, keep: Mapping[str, Tensor], lower: Tensor | None = None) -> Tensor:
        """``keep``: for each condition a mask (B, 1 or P) of 0 and 1; 0 replaces it by its learned "missing" vector."""

        def given(name: str, value: Tensor) -> Tensor:
            kept = keep[name][:, :, None, None]
            return kept * value + (1 - kept) * self.missing[name]

        spoken = (
            c.text.abs().sum((2, 3)) > 0
        )  # a performer without any word here has no transcript: that is "missing" too
        keep = {**keep, "text": keep["text"] * spoken}
        own = (
            given("speech", self.speech(torch.cat([c.mel, c.activity[..., None]], dim=-1)))
            + given("text", self.text(c.text))
            + given("action", self.action(c.action))
            + given("emotion", self.emotion(c.emotion))
            + given("role", self.role(c.role)[:, :, None])
            + given("style", self.style(c.style)[:, :, None])
        )
        asked = (keep["route"][:, :, None] * c.routed)[..., None]
        both = own + asked * self.route(c.route) + (1 - asked) * self.missing["route"]
        if self.paired:
            both = both + given("placement", self.placement(c.placement)) + given("partner", self.partner(own.flip(1)))
            both = both + self.who.weight[None, :, None]
        if self.lower is not None:
            if lower is None:
                raise ValueError("the upper-body network needs the lower body.")
            both = both + self.lower(lower)
        batch, performers, frames, width = both.shape
        mixed = self.mix(functional.silu(both).reshape(-1, frames, width).transpose(1, 2)).transpose(1, 2)
        return self.norm(both + self.out(functional.silu(mixed.reshape(batch, performers, frames, width))))
