"""The drawings of the architecture are the table of layers, less what can be read off other arrows. As a program: draws them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
from duologue.packaging.wheel import MODULES

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "developing" / "architecture.md"
LAYERS: Final[dict[str, dict[str, list[str]]]] = tomllib.loads(
    (REPOSITORY / "tests" / "layers.toml").read_text("utf-8")
)
WORDS: Final = {"errors", "arkit", "easing", "units", "labels"}
"""Rooms that everybody may know: not drawn."""


def reduced(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return the arrows of a table that no chain of other arrows stands for."""
    reached: dict[str, set[str]] = {}
    for room, known in table.items():
        reached[room] = set(known).union(*(reached[other] for other in known))
    return [
        (room, other)
        for room, known in table.items()
        for other in known
        if not any(other in reached[between] for between in known)
    ]


def drawing(tree: str) -> str:
    """Return the Mermaid drawing of a tree's layers."""
    table = {room: [k for k in known if k not in WORDS] for room, known in LAYERS[tree].items() if room not in WORDS}
    lines = ["graph TD"]
    if tree == "backend":
        inside = {module.removesuffix(".py") for module in MODULES}
        for title, rooms in (
            ("ships into Blender", [room for room in table if room in inside]),
            ("stays outside", [room for room in table if room not in inside]),
        ):
            lines += [f'  subgraph "{title}"', *(f"    {room}" for room in rooms), "  end"]
    lines += [f"  {room} --> {other}" for room, other in reduced(table)]
    return "\n".join(lines) + "\n"


MERMAID: Final = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("tree", "place"), [("backend", 0), ("addon", 1)])
def test_the_drawing_is_the_table(tree: str, place: int) -> None:
    drawn = MERMAID.findall(PAGE.read_text(encoding="utf-8"))
    assert drawn[place] == drawing(tree), f"python {Path(__file__).relative_to(REPOSITORY)} draws it anew"


if __name__ == "__main__":
    drawings = iter(("backend", "addon"))
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MERMAID.sub(lambda _: f"```mermaid\n{drawing(next(drawings))}```", page), encoding="utf-8")
