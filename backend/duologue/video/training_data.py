"""Clips as training sees them: encoded once, 16 bits on disk, mapped into memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor

from duologue.datasets.corpus.growing import GrowingArray
from duologue.datasets.corpus.video import Clip, VideoCorpus
from duologue.errors import DuologueError
from duologue.files.atomic import write_text
from duologue.video.latents import BlockLatent, blocks, mirrored_blocks
from duologue.video.scene import PEOPLE, colours, crops_of, heard
from duologue.video.tokens import hole_latents, token_masks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from duologue.video.checkpoint import VideoModel

INDEX: Final = "latents.json"
READ: Final = ("rgb", "structure", "relit", "hole", "part", "contact", "face_A", "face_B", "hand_A", "hand_B")
FITTED: Final = 200
"""Clips that a basis is fitted to, at most."""

Progress = Callable[[int, int], None]


def fit_latents(model: VideoModel, corpus: VideoCorpus, numbers: Sequence[int]) -> None:
    """Fit both bases to clips of a corpus, evenly chosen, every third of their blocks."""
    chosen = [numbers[i] for i in np.unique(np.linspace(0, len(numbers) - 1, FITTED).astype(int))]

    def pieces(name: str) -> Iterator[Tensor]:
        for number in chosen:
            pictures = colours(corpus.load(number, (name,)).arrays[name])[None]
            cut = blocks(pictures, begins=True).flatten(0, 3)[::3]
            # Mirrored as well: a symmetric basis encodes mirrored clips as well as the others (``augmentation``).
            yield torch.cat([cut, mirrored_blocks(cut)])

    for basis, name in ((model.picture, "rgb"), (model.structure, "structure")):
        basis.fit(pieces(name))


@torch.no_grad()
def encode_clip(model: VideoModel, clip: Clip) -> dict[str, NDArray[Any]]:
    """Return what training reads of a clip, a row of each of the arrays of ``Latents``."""
    arrays = clip.arrays
    known = {name: torch.from_numpy(arrays[name])[None] for name in ("hole", "part", "contact")}
    found = {
        (person, kind): arrays[f"{kind}_{person}"]
        for person in PEOPLE
        for kind in ("face", "hand")
        if (arrays[f"{kind}_{person}"] != 255).any()  # all white: nobody there
    }
    crops, seen = crops_of(found)

    def latent(basis: BlockLatent, name: str) -> NDArray[Any]:
        return basis.encode(colours(arrays[name])[None]).half().numpy()

    rows: dict[str, NDArray[Any]] = {
        "picture": latent(model.picture, "rgb"),
        "carried": latent(model.picture, "relit"),
        "structure": latent(model.structure, "structure"),
        "hole": (hole_latents(known["hole"]) * 255).round().byte().numpy(),
        "masks": (token_masks(known["part"], known["contact"] / 255) * 255).round().byte().numpy(),
        "crops": crops.numpy(),
        "seen": seen.numpy(),
        "pattern": np.array([clip.about["pattern_index"]], np.int64),
    }
    if "audio" in arrays:
        features = torch.from_numpy(arrays["audio"].astype(np.float32))[None]
        rows["audio"] = heard(features, begins=True).half().numpy()
    return rows


@dataclass(frozen=True)
class Latents:
    """A split's clips, encoded: ``arrays`` (N, ...), the names and shapes of ``Conditions`` without what is derived."""

    arrays: Mapping[str, NDArray[Any]]
    numbers: tuple[int, ...]
    """Of the clips in their corpus."""

    @classmethod
    def open(cls, folder: Path) -> Latents:
        """Open what ``make`` wrote."""
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in index["arrays"]}
        return cls(arrays, tuple(index["numbers"]))

    @classmethod
    def make(
        cls,
        model: VideoModel,
        corpus: VideoCorpus,
        split: str,
        folder: Path,
        progress: Progress = lambda done, total: None,
    ) -> Latents:
        """Encode a split's clips into ``folder``, or open it where that was done before; half a run is done again.

        Raises:
            DuologueError: FAILED_PRECONDITION ``corpus-empty`` for a split without a clip; what reading and writing raise.
        """
        if (folder / INDEX).is_file():
            return cls.open(folder)
        numbers = corpus.numbers(split)
        if not numbers:
            raise DuologueError(
                "FAILED_PRECONDITION", "corpus-empty", f"{corpus.folder} has no clip to {split} on; make more of them."
            )
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        wanted = (*READ, *(("audio",) if "audio" in corpus.load(numbers[0]).arrays else ()))
        files: dict[str, GrowingArray] = {}
        with ExitStack() as opened:
            for done, number in enumerate(numbers):
                for name, rows in encode_clip(model, corpus.load(number, wanted)).items():
                    if name not in files:
                        files[name] = opened.enter_context(GrowingArray(folder / f"{name}.npy"))
                    files[name].append(rows)
                progress(done + 1, len(numbers))
        write_text(folder / INDEX, json.dumps({"numbers": numbers, "arrays": sorted(files)}))
        return cls.open(folder)

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, which: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return some clips' arrays as float tensors: bytes as 0 to 1, patterns as they are."""
        found: dict[str, Tensor] = {}
        for name, array in self.arrays.items():
            values = torch.from_numpy(np.ascontiguousarray(array[which]))
            found[name] = values if name == "pattern" else values.float() / (255 if array.dtype == np.uint8 else 1)
        return found
