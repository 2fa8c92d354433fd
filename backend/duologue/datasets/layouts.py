"""Which layout a folder has: the readers by what tells them apart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from duologue.datasets.readers import plain
from duologue.datasets.readers.amass import PATTERNS, Amass
from duologue.datasets.readers.beat import Beat
from duologue.datasets.readers.beat2 import MOTION, Beat2
from duologue.datasets.readers.face_captures import FaceCaptures
from duologue.datasets.readers.interact import InterAct
from duologue.datasets.readers.seamless import LABELS, Seamless
from duologue.datasets.scene import DataSet
from duologue.errors import DuologueError, invalid
from duologue.smpl import BodyModel

LAYOUTS: Final[dict[str, tuple[tuple[str, ...], Callable[..., DataSet]]]] = {
    "plain": ((plain.INDEX,), plain.Plain),
    "interact": (("scenarios.db", "actors.db"), InterAct),
    "seamless": (tuple(f"{label}/*" for label in LABELS), Seamless),
    "beat2": ((f"**/{MOTION}",), Beat2),
    "amass": (PATTERNS, Amass),
    "beat": (("**/[0-9]*_*_*_*_*.bvh",), Beat),
    "captures": (("**/*.csv",), FaceCaptures),
}
"""By name: any of these patterns tells a layout, and who reads it; the first that fits."""
_SMPL: Final = (Seamless, Beat2, Amass)

DESCRIBED: Final = (
    f"our own plain folder ({plain.INDEX}), InterAct (scenarios.db, actors.db, bvhs, wav), Seamless Interaction "
    f"({' or '.join(LABELS)}), BEAT2 ({MOTION}), AMASS (NAME_poses.npz, NAME_stageii.npz), BEAT "
    "(SPEAKER_NAME_SECTION_FIRST_LAST.bvh) or face captures (NAME.csv beside NAME.wav)"
)


def recognise(root: Path) -> str | None:
    """Return the name of a folder's layout, None where it is none of them."""
    for name, (patterns, _) in LAYOUTS.items():
        if any(next(root.glob(pattern), None) is not None for pattern in patterns):
            return name
    return None


def open_data(root: Path, layout: str | None = None, model: Path | None = None) -> DataSet:
    """Open a folder in a layout, by default the one that it has. ``model``: the user's own SMPL-H or SMPL-X file.

    Raises:
        DuologueError: NOT_FOUND ``layout-unknown``; INVALID_ARGUMENT ``layout-other`` where it has another one than it
            should; what ``BodyModel.load`` and the reader raise.
    """
    found = recognise(root)
    if found is None and layout is None:
        raise DuologueError("NOT_FOUND", "layout-unknown", f"{root} is no data that a reader knows: {DESCRIBED}.")
    if layout is not None and found not in (None, layout):
        raise invalid("layout-other", f"{root} is laid out as {found}, not as {layout}; give it as what it is (--data)")
    reader = LAYOUTS[layout or str(found)][1]
    if model is not None and reader in _SMPL:
        BodyModel.load(model)  # before work starts: else every file of the data would be named for it
    return reader(root, model) if reader in _SMPL else reader(root)
