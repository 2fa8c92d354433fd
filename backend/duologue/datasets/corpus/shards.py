"""Pairs in shards: safetensors files that many processes write, each beside a table of what is in it and its hash.

``shards/NUMBER.safetensors`` holds ``PAIR/ARRAY`` for the arrays of ``corpus.body``; ``shards/NUMBER.json`` is written after
it, so
that a shard with a table is whole. The table's ``made_of`` tells whether the files that it was made of have changed since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from duologue.datasets.corpus.body import ARRAYS, KNOWN, Pair
from duologue.datasets.scene import Problem
from duologue.errors import DuologueError
from duologue.files.atomic import replacing, write_text

FOLDER: Final = "shards"


@dataclass(frozen=True)
class Shard:
    """What is in a shard."""

    made_of: str
    """A hash of the names, sizes and times of the files that it was made of, and of how."""
    sha256: str
    """Of the safetensors file; "" where everything that it was to hold was left out."""
    pairs: tuple[Mapping[str, Any], ...]
    """Of each pair: name, frames, roles, styles, split, placed."""
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def shard_path(root: Path, number: int) -> Path:
    """Return where a shard lies."""
    return root / FOLDER / f"{number:05d}.safetensors"


def write_shard(root: Path, number: int, pairs: Sequence[tuple[Mapping[str, Any], Pair]], shard: Shard) -> Shard:
    """Write pairs with what is to know of each, and return ``shard`` with them and the hash of the file.

    Raises:
        DuologueError: what ``files.atomic.replacing`` raises.
    """
    path = shard_path(root, number)
    tensors = {f"{k}/{name}": getattr(pair, name) for k, (_, pair) in enumerate(pairs) for name in (*ARRAYS, KNOWN)}
    sha256 = ""
    if tensors:
        with replacing(path) as temporary:
            save_file(tensors, temporary)
            sha256 = _hash(temporary)
    whole = Shard(shard.made_of, sha256, tuple(about for about, _ in pairs), shard.problems, shard.notes)
    write_text(path.with_suffix(".json"), json.dumps(asdict(whole)))
    return whole


def read_table(root: Path, number: int) -> Shard | None:
    """Return what is in a shard; None where it is not there, or not whole."""
    path = shard_path(root, number)
    try:
        table = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        problems, notes = (tuple(Problem(**each) for each in table[key]) for key in ("problems", "notes"))
        shard = Shard(table["made_of"], table["sha256"], tuple(table["pairs"]), problems, notes)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return shard if path.is_file() or not shard.sha256 else None


def read_pairs(root: Path, number: int, shard: Shard) -> Iterator[Pair]:
    """Yield a shard's pairs, mapped into memory one at a time, after its hash was compared.

    Raises:
        DuologueError: DATA_LOSS ``shard-damaged``.
    """
    path = shard_path(root, number)
    if not shard.sha256:
        return
    if _hash(path) != shard.sha256:
        raise _damaged(path, "its hash is another one than when it was written")
    try:
        with safe_open(path, framework="numpy") as file:
            for k, about in enumerate(shard.pairs):
                arrays = {name: file.get_tensor(f"{k}/{name}") for name in (*ARRAYS, KNOWN)}
                roles, styles = tuple(about["roles"]), tuple(about["styles"])
                yield Pair(**arrays, roles=roles, styles=styles)
    except (OSError, SafetensorError, KeyError) as error:
        raise _damaged(path, str(error)) from error


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(path: Path, why: str) -> DuologueError:
    return DuologueError("DATA_LOSS", "shard-damaged", f"{path} is damaged ({why}); delete it and prepare again")
