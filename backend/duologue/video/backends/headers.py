"""Weights that users bring: what is in their files, read off the headers before any memory is asked for; nothing is unpickled.

Whether files are all there, whole, and those of the model that is wanted is known then, for a model of 60 GB as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from duologue.errors import DuologueError
from duologue.files.reading import parse_json, read_bytes

if TYPE_CHECKING:
    import torch

SUFFIX: Final = ".safetensors"
INDEX: Final = ".safetensors.index.json"
_PICKLES: Final = (".pth", ".pt", ".bin", ".ckpt", ".pkl", ".pickle")
_MOST_JSON: Final = 64_000_000
_NAMED: Final = 4
"""Tensors or files that a message names at most."""
_FAMILIES: Final = {
    "vace_blocks.": "Wan VACE",
    "audio_injector.": "Wan S2V",
    "face_adapter.": "Wan-Animate",
    "img_emb.": "Wan's image-to-video",
    "condition_embedder.image_embedder.": "Wan's image-to-video",
    "blocks.0.self_attn.q.": "Wan in its original layout",
    "blocks.0.attn1.to_q.": "Wan in diffusers' layout",
    "double_blocks.": "Flux or HunyuanVideo",
    "joint_blocks.": "Stable Diffusion 3",
    "down_blocks.": "a U-Net (Stable Diffusion)",
    "encoder.block.0.": "a T5 encoder",
    "decoder.": "an autoencoder",
    "denoiser.": "Duologue's own",
    "model.layers.": "a language model",
}
"""What names begin with, most telling first -> whose they are."""


@dataclass(frozen=True)
class Entry:
    """A tensor on disk. ``dtype``: the format's name for its type (``BF16``)."""

    shape: tuple[int, ...]
    dtype: str
    file: Path

    @property
    def numbers(self) -> int:
        """How many numbers it has."""
        count = 1
        for side in self.shape:
            count *= side
        return count


class Headers(dict[str, Entry]):
    """The tensors of one part of a model (its transformer, its autoencoder, …) by name."""

    @property
    def files(self) -> list[Path]:
        """The files that hold them."""
        return sorted({entry.file for entry in self.values()})

    @property
    def numbers(self) -> int:
        """How many numbers there are in all."""
        return sum(entry.numbers for entry in self.values())

    def fingerprint(self) -> str:
        """Return what tells these weights apart, without reading all of them: a sha256 over names, shapes, types and each file's
        size and first megabyte."""
        found = hashlib.sha256()
        for name in sorted(self):
            found.update(f"{name} {self[name].shape} {self[name].dtype}\n".encode())
        for path in self.files:
            with path.open("rb") as file:
                found.update(f"{path.stat().st_size}".encode() + file.read(1 << 20))
        return found.hexdigest()

    def tensors(self, names: Iterable[str] | None = None) -> Iterator[tuple[str, torch.Tensor]]:
        """Yield tensors one after the other, so that only one is in memory beside what is built of them."""
        from safetensors import safe_open

        wanted = set(self if names is None else names)
        for path in self.files:
            with safe_open(path, framework="pt") as file:
                for name in sorted(name for name in wanted if self[name].file == path):
                    yield name, file.get_tensor(name)

    def check(self, expected: Mapping[str, tuple[int, ...]], what: str) -> None:
        """Check that all of ``expected`` (name -> shape) is there.

        Raises:
            DuologueError: FAILED_PRECONDITION ``weights-foreign``, naming what differs, and whose weights these seem to be.
        """
        if lacks := [name for name in expected if name not in self]:
            raise foreign(self, f"{_some(lacks)} of {what} {'is' if len(lacks) == 1 else 'are'} not in them")
        for name, shape in expected.items():
            if self[name].shape != tuple(shape):
                raise foreign(self, f"{name} is {list(self[name].shape)}, and {what} has {list(shape)} there")


def read_headers(place: Path, stem: str = "diffusion_pytorch_model") -> Headers:
    """Read the headers of a file, or of a folder: of its index's files where it has one, else of ``stem``.safetensors.

    Raises:
        DuologueError: NOT_FOUND ``weights-missing`` with the files' names; PERMISSION_DENIED ``weights-unsafe`` where there
            are only pickles; DATA_LOSS ``weights-damaged`` for a file that is cut short or no such file.
    """
    refuse_pickles(place)
    files = [place] if place.is_file() else _files_of(place, stem)
    found = Headers()
    for path in files:
        found.update(_read(path))
    return found


def refuse_pickles(place: Path) -> None:
    """See that a place is no pickle, nor a folder of pickles without a safetensors file.

    Raises:
        DuologueError: PERMISSION_DENIED ``weights-unsafe``.
    """
    if place.suffix in _PICKLES:
        raise unsafe([place])
    there = sorted(place.iterdir()) if place.is_dir() else []
    pickles = [path for path in there if path.suffix in _PICKLES]
    if pickles and not any(path.suffix == SUFFIX for path in there):
        raise unsafe(pickles)


def _files_of(folder: Path, stem: str) -> list[Path]:
    if not folder.is_dir():
        raise missing([folder / f"{stem}{SUFFIX}"])
    if indices := sorted(folder.glob(f"*{INDEX}")):
        index = next((path for path in indices if path.name == stem + INDEX), indices[0])
        places = read_config(index).get("weight_map")
        if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
            raise damaged(index, "it has no weight_map of file names")
        files = sorted({folder / Path(name).name for name in places.values()})
    elif (folder / f"{stem}{SUFFIX}").is_file():
        files = [folder / f"{stem}{SUFFIX}"]
    else:
        raise missing([folder / f"{stem}{SUFFIX}"])
    if absent := [path for path in files if not path.is_file()]:
        raise missing(absent)
    return files


def _read(path: Path) -> Headers:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:  # checks the header against the file's length; loads nothing
            found = Headers()
            for name in file.keys():  # noqa: SIM118 (it is no mapping)
                part: Any = file.get_slice(name)
                found[name] = Entry(tuple(part.get_shape()), str(part.get_dtype()), path)
            return found
    except (SafetensorError, OSError) as error:
        raise damaged(path, str(error)) from error


def read_config(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file beside weights.

    Raises:
        DuologueError: NOT_FOUND ``weights-missing``; DATA_LOSS ``weights-damaged``.
    """
    if not path.is_file():
        raise missing([path])
    try:
        found = parse_json(read_bytes(path, _MOST_JSON))
    except ValueError as error:
        raise damaged(path, str(error)) from error
    if not isinstance(found, dict):
        raise damaged(path, "it holds no object")
    return found


def family(names: Iterable[str]) -> str:
    """Return whose tensors these seem to be."""
    known = list(names)
    return next((who for start, who in _FAMILIES.items() if any(name.startswith(start) for name in known)), "")


def missing(files: list[Path]) -> DuologueError:
    """Return the error for files that are not there."""
    return DuologueError(
        "NOT_FOUND",
        "weights-missing",
        f"{_some([str(path) for path in files])} {'is' if len(files) == 1 else 'are'} missing; nothing is ever downloaded: put "
        "the files there, or name another folder",
        field="--weights",
    )


def unsafe(files: list[Path]) -> DuologueError:
    """Return the error for pickles: reading one runs what is in it."""
    return DuologueError(
        "PERMISSION_DENIED",
        "weights-unsafe",
        f"{_some([str(path) for path in files])}: a pickle can run any code when it is read, so none is; bring the same "
        f"weights as {SUFFIX}",
        field="--weights",
    )


def damaged(path: Path, why: str) -> DuologueError:
    """Return the error for a file that is not whole."""
    return DuologueError(
        "DATA_LOSS", "weights-damaged", f"{path} is cut short or damaged ({why}); copy it again", field="--weights"
    )


def foreign(headers: Headers, why: str) -> DuologueError:
    """Return the error for another model's weights."""
    who = family(headers)
    where = headers.files[0].parent if headers else "the weights"
    return DuologueError(
        "FAILED_PRECONDITION",
        "weights-foreign",
        f"{where}: {why}; " + (f"these seem to be {who}" if who else "these are another model's"),
        field="--weights",
    )


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
