"""Who may know whom (design section 3), read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from duologue.packaging.wheel import MODULES

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "backend" / "duologue"

# What ships into Blender: numpy, pyzmq (wire only) and the standard library.
IN_BLENDER = tuple(module.removesuffix(".py") for module in MODULES if module != "__init__.py")
HEAVY = {"torch", "bpy", "transformers", "scipy", "soundfile", "soxr", "safetensors", "msgspec", "typer", "rich"}

# A layer may import from the layers named after it, and from what ships into Blender.
LAYERS = {
    "diffusion": set(),
    "speech": set(),
    "body": {"diffusion", "speech", "checkpoints"},
    "datasets": {"speech", "body"},  # a corpus is stored in the columns that the body model learns
    "face": {"diffusion", "speech", "checkpoints", "datasets"},
    "checkpoints": set(),
    "keeping": {"body"},
    "performing": {"body", "face", "speech", "diffusion", "keeping"},
    "performance": {"body", "face", "speech", "checkpoints", "performing", "keeping", "devices"},
    "devices": set(),
    "evaluation": {"body", "face", "datasets", "diffusion", "speech", "checkpoints"},
    "demo": {"datasets", "speech"},
}


def imports(file: Path) -> set[str]:
    """Return every module a file imports when it runs, wherever the statement stands, as dotted names."""
    names: set[str] = set()
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []  # names for types load nothing
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files_of(layer: str) -> list[Path]:
    folder = PACKAGE / layer
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{layer}.py"]


def layers_imported(file: Path) -> set[str]:
    """Return the names right under ``duologue`` that a file imports."""
    return {name.split(".")[1] for name in imports(file) if name.startswith("duologue.")}


@pytest.mark.parametrize("layer", IN_BLENDER)
def test_what_ships_into_blender_needs_only_numpy_and_the_standard_library(layer: str) -> None:
    allowed = {*sys.stdlib_module_names, "numpy", "duologue"} | ({"zmq"} if layer == "wire" else set())
    for file in files_of(layer):
        foreign = {name.split(".")[0] for name in imports(file)} - allowed
        assert not foreign, f"{file} imports {foreign}"
        outside = layers_imported(file) - {*IN_BLENDER, "__version__"}
        assert not outside, f"{file} reaches up to {outside}"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_knows_only_those_below_it(layer: str) -> None:
    for file in files_of(layer):
        above = layers_imported(file) - {*IN_BLENDER, "__version__", layer} - LAYERS[layer]
        assert not above, f"{file} reaches up to {above}"


def test_nothing_imports_the_addon_and_bpy_lives_there_alone() -> None:
    for file in PACKAGE.rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(file)} & {"bpy", "addon", "mathutils", "bl_ext"}, file


def test_the_addon_knows_only_what_ships_with_it() -> None:
    for file in (REPOSITORY / "addon").rglob("*.py"):
        outside = layers_imported(file) - {*IN_BLENDER, "__version__"}
        assert not outside, f"{file} imports {outside}, which is not in the extension"
        assert not {name.split(".")[0] for name in imports(file)} & (HEAVY - {"bpy"}), file


def test_nothing_unpickles() -> None:
    for file in [*PACKAGE.rglob("*.py"), *(REPOSITORY / "addon").rglob("*.py")]:
        assert not {name.split(".")[0] for name in imports(file)} & {
            "pickle",
            "dill",
            "cloudpickle",
            "joblib",
            "shelve",
        }, file
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Attribute):
                assert node.attr not in {"recv_pyobj", "send_pyobj"}, file
                assert not (node.attr == "load" and isinstance(node.value, ast.Name) and node.value.id == "torch"), file


def test_importing_duologue_brings_nothing_heavy() -> None:
    probe = "import sys, duologue, duologue.brief, duologue.take, duologue.wire.client; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)
