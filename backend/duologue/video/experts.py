"""The human-aware mixture of experts beside the feed-forward (CoInteract, arXiv 2604.19636): head, hand and base.

``y = FFN(h) + sum_k p_k E_k(h)``, ``p = softmax(router(stopgrad h))``. The router is told by exact masks who is responsible
for a token (``losses.route_loss``), and its gradient does not reach the tokens. As in the paper the base expert is one like the
others; the published code leaves its share unused.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor, nn

from duologue.video.attention import silent

EXPERTS: Final = ("head", "hand", "base")


class Experts(nn.Module):
    """Three small feed-forwards, whose last layers are 0 at the start, and the router."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width)) for _ in EXPERTS
        )
        self.router = nn.Sequential(
            nn.Linear(width, width // 2), nn.SiLU(), nn.LayerNorm(width // 2), nn.Linear(width // 2, len(EXPERTS))
        )
        for expert in self.experts:
            silent(list(expert.children())[-1])

    def forward(self, h: Tensor, on: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the experts add (B, N, D) and the router's logits (B, N, 3).

        ``h``: (B, N, D), as the feed-forward sees it. ``on``: (B,) 0 where the experts are off.
        """
        logits = self.router(h.detach())
        shares = logits.softmax(-1) * on[:, None, None]
        added = sum(shares[..., k, None] * expert(h) for k, expert in enumerate(self.experts))
        return added, logits  # pyright: ignore[reportReturnType]
