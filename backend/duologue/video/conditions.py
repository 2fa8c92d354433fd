"""What a video depends on: numpy outside (``VideoConditions``, a whole clip), tensors inside (``Conditions``, a window)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Conditions:
    """A window of L latents of h x w, for a batch of B. What is None is not known; the network does without."""

    pattern: Tensor
    """(B,) 0 for none, else 1 + the index in ``config.patterns``."""
    known: Tensor | None = None
    """(B, C, 1, h, w) the window's first latent: of the first picture, or the last one of the window before."""
    held: Tensor | None = None
    """(B, C, 1, h, w) a latent that shows the last known frame all the time."""
    carried: Tensor | None = None
    """(B, C, L, h, w) of the carried picture, relit, and ``hole`` (B, 16, L, h, w) where the first picture told nothing."""
    hole: Tensor | None = None
    structure: Tensor | None = None
    """(B, C, L, h, w)"""
    masks: Tensor | None = None
    """(B, N, 5) in the order of ``tokens.MASKS``; ``given`` (B,) 0 where they are to be guessed all the same."""
    given: Tensor | None = None
    motion: Tensor | None = None
    """(B, C, M, h, w) the latents before the window, newest last."""
    references: Tensor | None = None
    """(B, R, C, 1, r, r) latents of A's face, B's face and a thing (R = 2 or 3); ``shown`` (B, R) 0 where there is none."""
    shown: Tensor | None = None
    crops: Tensor | None = None
    """(B, 2, 2, 64, 64, 3) A's and B's face and hand, in [0, 1]; ``seen`` (B, 2, 2) 0 where there is none."""
    seen: Tensor | None = None
    identity: Tensor | None = None
    """(B, 2, E) face embeddings, for a network that takes those."""
    text: Tensor | None = None
    """(B, S, W) a text encoder's; ``worded`` (B,) 0 where it is dropped."""
    worded: Tensor | None = None
    unsaid: Tensor | None = None
    """(B, S, W) what stands in place of a text that is dropped; None: nothing does, its tokens are 0."""
    audio: Tensor | None = None
    """(B, L, 4, A) speech features of both; 0 is silence."""

    def to(self, device: torch.device | str) -> Conditions:
        """Move all of it."""
        moved = {f.name: v.to(device) for f in fields(self) if (v := getattr(self, f.name)) is not None}
        return replace(self, **moved)

    def without(self, names: Collection[str], rows: Tensor | None = None) -> Conditions:
        """Return them with some of ``config.CONDITIONS`` dropped: for the whole batch, or where ``rows`` (B,) is True."""
        dropped = torch.ones_like(self.pattern, dtype=torch.bool) if rows is None else rows
        kept = 1.0 - dropped.float()

        def less(value: Tensor | None) -> Tensor | None:
            return None if value is None else value * kept.reshape(-1, *[1] * (value.dim() - 1)).to(value)

        changed: dict[str, Tensor | None] = {}
        if "pattern" in names:
            changed["pattern"] = self.pattern.masked_fill(dropped, 0)
        if "text" in names and self.text is not None:
            changed["worded"] = kept if self.worded is None else self.worded * kept
        if "audio" in names:
            changed["audio"] = less(self.audio)
        if "reference" in names:
            shown = self.shown
            if shown is None and self.references is not None:
                shown = torch.ones_like(kept)[:, None].expand(-1, self.references.shape[1])
            changed |= {"shown": less(shown), "seen": less(self.seen), "identity": less(self.identity)}
        return replace(self, **changed)

    @staticmethod
    def together(several: Sequence[Conditions]) -> Conditions:
        """Return batches as one; what one of them has all have."""
        columns = {f.name: [getattr(one, f.name) for one in several] for f in fields(Conditions)}
        joined = {name: torch.cat(column) for name, column in columns.items() if column[0] is not None}
        return Conditions(**joined)


@dataclass(frozen=True, eq=False)
class SceneWindow:
    """The passes of a stretch of n frames, (n, H, W[, 3]) uint8, with the values of ``passes.contract``."""

    structure: Bytes
    part: Bytes
    nearness: Bytes
    """(n, H, W): the first channel of the pass ``contact``."""
    carried: Bytes
    """The pass ``relit``."""
    hole: Bytes


@dataclass(frozen=True, eq=False)
class Kept:
    """A stretch of a clip that was made before: all of it stays, bit for bit, but for what is made ``again``."""

    pictures: Bytes
    """(n, H, W, 3)"""
    again: NDArray[np.bool_]
    """(n, H, W), hands or faces, say."""


@dataclass(frozen=True, eq=False)
class VideoConditions:
    """All that a video of 4k + 1 frames depends on."""

    frames: int
    size: tuple[int, int]
    """Width and height in pixels, multiples of 16."""
    scene: Callable[[int, int], SceneWindow] | None = None
    """``(start, stop)`` of frames to their passes, asked for in order: only a window's are ever in memory. None: nothing is known
    of the scene, and only modes without it can be asked for."""
    first: Bytes | None = None
    """(H, W, 3) the first picture."""
    kept: Callable[[int, int], Kept] | None = None
    """``(start, stop)`` of frames to what stays of them, where a part of a clip is made again."""
    crops: dict[tuple[str, str], Bytes] = field(default_factory=dict["tuple[str, str]", "Bytes"])
    """By ("A" or "B", "face" or "hand"), and ("thing", "face") of an object: (h, w, 3) pictures of any size."""
    embedding: NDArray[np.float32] | None = None
    """(2, E) face embeddings of A and B, for a network that takes those."""
    pattern: str = ""
    """One of the checkpoint's patterns, or none."""
    text: NDArray[np.float32] | None = None
    """(S, W) of a user's text encoder; ``unsaid`` (S, W): what guidance leads away from."""
    unsaid: NDArray[np.float32] | None = None
    audio: NDArray[np.float32] | None = None
    """(T, A) speech features of both, a row a frame of the video."""
