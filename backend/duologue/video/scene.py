"""From pictures and passes to what the network is told: one way for training and for performing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from duologue.passes.references import resized
from duologue.video.audio import MOMENTS
from duologue.video.identity import CROP, CROPS
from duologue.video.tokens import by_latent, hole_latents, token_masks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duologue.video.checkpoint import VideoModel
    from duologue.video.conditions import SceneWindow

PEOPLE = ("A", "B")


def colours(pictures: NDArray[np.uint8]) -> Tensor:
    """Return pictures (..., 3) of bytes as 0 to 1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).float() / 255


def as_bytes(pictures: Tensor) -> NDArray[np.uint8]:
    """Return pictures of 0 to 1, cut to that, as bytes."""
    return (pictures.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy()


@dataclass(frozen=True, eq=False)
class EncodedScene:
    """A scene's window as the network is told it; see ``Conditions``. Batches of one."""

    carried: Tensor
    hole: Tensor
    structure: Tensor
    masks: Tensor


def encode_scene(model: VideoModel, scene: SceneWindow, device: torch.device | str, *, begins: bool) -> EncodedScene:
    """Encode the passes of a window. ``begins``: its first frame is the clip's."""

    def tensor(values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values))[None].to(device)

    return EncodedScene(
        model.picture.encode(colours(scene.carried)[None].to(device), begins=begins),
        hole_latents(tensor(scene.hole), begins=begins),
        model.structure.encode(colours(scene.structure)[None].to(device), begins=begins),
        token_masks(tensor(scene.part), tensor(scene.nearness) / 255, begins=begins),
    )


def crop_of(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a crop of any size, on white, as the network takes it: (64, 64, 3)."""
    if picture.shape[:2] == (CROP, CROP):
        return picture
    height, width = picture.shape[:2]
    side = max(height, width)
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = picture
    return resized(square, (CROP, CROP))


def crops_of(pictures: dict[tuple[str, str], NDArray[np.uint8]]) -> tuple[Tensor, Tensor]:
    """Return crops (1, 2, 2, 64, 64, 3) of A and B, face and hand, as bytes, and which there are, (1, 2, 2)."""
    crops = np.full((len(PEOPLE), len(CROPS), CROP, CROP, 3), 255, np.uint8)
    seen = np.zeros((len(PEOPLE), len(CROPS)), np.float32)
    for i, person in enumerate(PEOPLE):
        for k, kind in enumerate(CROPS):
            if (picture := pictures.get((person, kind))) is not None:
                crops[i, k], seen[i, k] = crop_of(picture), 1
    return torch.from_numpy(crops)[None], torch.from_numpy(seen)[None]


def references_of(model: VideoModel, crops: Tensor, thing: Tensor | None = None) -> Tensor:
    """Return the references (B, R, C, 1, 8, 8): faces out of crops (B, 2, 2, 64, 64, 3), 0 to 1, and a thing (B, 64, 64, 3)."""
    faces = crops[:, :, CROPS.index("face")]
    pictures = faces if thing is None else torch.cat([faces, thing[:, None]], dim=1)
    return model.picture.encode(pictures.flatten(0, 1)[:, None]).unflatten(0, pictures.shape[:2])


def heard(features: Tensor, *, begins: bool) -> Tensor:
    """Return speech features (B, T, A) by latent, (B, L, 4, A)."""
    cut = by_latent(features, begins=begins)
    assert cut.shape[2] == MOMENTS
    return cut
