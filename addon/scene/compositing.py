# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene's compositor writes by itself whenever it is rendered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from . import compat


@contextmanager
def files_kept() -> Iterator[None]:
    """Let File Output nodes write nothing for a while: they are the user's, and so are the files of an earlier render."""
    muted = [(name, node.name) for name, tree in compat.compositors().items() for node in tree.nodes if _writes(node)]
    _mute(muted, mute=True)
    try:
        yield
    finally:
        _mute(muted, mute=False)


def _writes(node: Any) -> bool:
    return node.bl_idname == "CompositorNodeOutputFile" and not node.mute


def _mute(nodes: list[tuple[tuple[str, str], str]], *, mute: bool) -> None:
    """By names: an undo step may replace what they belong to."""
    trees = compat.compositors() if nodes else {}
    for tree, name in nodes:
        if tree in trees and (node := trees[tree].nodes.get(name)) is not None:
            node.mute = mute
