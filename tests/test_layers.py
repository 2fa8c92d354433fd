"""Who may know whom: ``layers.toml``, held against the imports as they are written, lazy and type-only ones counted."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from duologue.packaging.wheel import MODULES

REPOSITORY = Path(__file__).resolve().parent.parent
LAYERS = tomllib.loads(Path(__file__).with_name("layers.toml").read_text())
TREES = {"backend": ("duologue", REPOSITORY / "backend" / "duologue"), "addon": ("addon", REPOSITORY / "addon")}
TREES["tools"] = ("tools", REPOSITORY / "tools")

IN_BLENDER = {module.removesuffix(".py") for module in MODULES} - {"__init__"}
HEAVY = {"torch", "bpy", "transformers", "scipy", "soundfile", "soxr", "safetensors", "typer", "rich"}
UNPICKLING = {"pickle", "dill", "cloudpickle", "joblib", "shelve"}


@cache
def modules(tree: str) -> Mapping[str, Path]:
    """Return the files of a tree by dotted name; a package has its folder's name."""
    package, folder = TREES[tree]
    names = {}
    for file in folder.rglob("*.py"):
        parts = (package, *file.relative_to(folder).with_suffix("").parts)
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return names


@cache
def imported(name: str, file: Path) -> frozenset[str]:
    """Return all that a file imports, wherever the statement stands, as dotted names; relative ones are made absolute."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
            above = base[: len(base) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return frozenset(found)


@cache
def graph(tree: str) -> Mapping[str, frozenset[str]]:
    """Return which files of a tree each file of it imports."""
    known = modules(tree)

    def module_of(name: str) -> str | None:
        return name if name in known else name.rpartition(".")[0] if name.rpartition(".")[0] in known else None

    return {
        name: frozenset(filter(None, map(module_of, imported(name, file)))) - {name} for name, file in known.items()
    }


def room(name: str) -> str:
    return [*name.split("."), ""][1]


def rooms_imported(tree: str, name: str) -> set[str]:
    """Return the other rooms of its own tree that a file imports from."""
    return {room(other) for other in graph(tree)[name]} - {room(name), ""}


FRONT = {"duologue", "duologue.__main__", "addon"}
"""Where a tree is entered: these may name whatever they start."""


@pytest.mark.parametrize("tree", TREES)
def test_no_imports_run_in_a_circle(tree: str) -> None:
    inside = {name: others - FRONT for name, others in graph(tree).items()}
    try:
        TopologicalSorter(inside).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])), pytrace=False)


@pytest.mark.parametrize("tree", TREES)
def test_the_table_itself_climbs_nowhere_and_knows_every_room(tree: str) -> None:
    table = LAYERS[tree]
    above = set(table)
    for name, knows in reversed(table.items()):
        above.discard(name)
        assert set(knows) <= above, f"{name} names a room that stands below it, or none: {set(knows) - above}"
    assert {room(name) for name in modules(tree) if name not in FRONT} - {""} == set(table)


@pytest.mark.parametrize("tree", TREES)
def test_a_room_knows_only_those_that_the_table_names(tree: str) -> None:
    special = LAYERS["training_only"]
    climbing = []
    for name in modules(tree).keys() - FRONT:
        allowed = set(LAYERS[tree].get(room(name), ()))
        if tree == "backend" and name.partition(".")[2] in special["files"]:
            allowed |= set(special["rooms"])
        climbing += [f"{name} imports {other}" for other in rooms_imported(tree, name) - allowed]
    assert not climbing, "\n".join(sorted(climbing))


@pytest.mark.parametrize("name", sorted(IN_BLENDER))
def test_what_ships_into_blender_needs_only_numpy_and_the_standard_library(name: str) -> None:
    assert set(LAYERS["backend"][name]) <= IN_BLENDER
    check_foreign(name)


@pytest.mark.parametrize("name", sorted(LAYERS["foreign"]))
def test_a_room_imports_from_outside_only_what_the_table_names(name: str) -> None:
    check_foreign(name)


def check_foreign(name: str) -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "duologue", *LAYERS["foreign"].get(name, ())}
    for module, file in modules("backend").items():
        if room(module) == name:
            foreign = {other.split(".")[0] for other in imported(module, file)} - allowed
            assert not foreign, f"{module} imports {foreign}"


def test_the_extension_packs_every_room_that_it_needs() -> None:
    used = set()
    for name, file in modules("addon").items():
        used |= {other.split(".")[1] for other in imported(name, file) if other.startswith("duologue.")}
        assert not {other.split(".")[0] for other in imported(name, file)} & (HEAVY - {"bpy"}), file
    assert used - {"__version__"} <= IN_BLENDER


def test_bpy_lives_in_the_addon_alone() -> None:
    for name, file in modules("backend").items():
        assert not {other.split(".")[0] for other in imported(name, file)} & {"bpy", "addon", "mathutils", "bl_ext"}, (
            file
        )


@pytest.mark.parametrize("tree", ["addon", "tools"])
def test_nothing_touches_the_path_of_modules(tree: str) -> None:
    for name, file in modules(tree).items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            hacked = isinstance(node, ast.Attribute) and node.attr == "path" and ast.unparse(node.value) == "sys"
            assert not hacked, f"{name}, line {getattr(node, 'lineno', '?')}"


@pytest.mark.parametrize("tree", TREES)
def test_nothing_unpickles(tree: str) -> None:
    for name, file in modules(tree).items():
        assert not {other.split(".")[0] for other in imported(name, file)} & UNPICKLING, file
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"recv_pyobj", "send_pyobj"}, file
                assert not (node.attr == "load" and isinstance(node.value, ast.Name) and node.value.id == "torch"), file


def test_importing_duologue_brings_nothing_heavy() -> None:
    probe = "import sys, duologue, duologue.brief, duologue.take, duologue.wire.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)
