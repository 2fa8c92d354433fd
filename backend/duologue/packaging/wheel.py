"""The part of Duologue that runs inside Blender, as a pure wheel: it needs numpy, pyzmq, pysubs2 and the standard library.

Hatchling writes it; the same source gives the same bytes. Which folders ship is the list below, which the test of layers reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import duologue
from duologue.files.folders import rigs_folder

MODULES: Final = (
    "__init__.py", "errors.py", "arkit.py", "easing.py", "labels.py", "units.py",
    "files", "sounds", "motion", "brief", "take", "staging", "rigs", "interactions", "passes", "streaming", "wire", "shots",
)  # fmt: skip
"""What ships into Blender, of the package. No torch, no models, no command line."""

DATA: Final = ("skeletons/*.json", "rig_maps/*.toml", "shape_maps/*.toml", "characters/*.safetensors")
"""And of the rigs folder."""

_PYTHONS: Final = "py311.py312.py313.py314"
"""Blender takes the Python versions of an extension from its wheels' names, and forgets the stable ABI as soon as another wheel
names one version (``blender_ext.py``, ``python_versions_from_wheels``, 5.2): pyzmq's cp311 would shut out all newer Blenders.
Naming every version here keeps them in. Add the next one when a Blender comes with it."""


def write_wheel(folder: Path) -> Path:
    """Write the wheel into ``folder`` and return its path."""
    from hatchling.builders.wheel import WheelBuilder

    package, rigs = Path(duologue.__file__).parent, rigs_folder()
    files = {str(package / name): f"duologue/{name}" for name in MODULES}
    for pattern in DATA:
        files |= {str(file): f"duologue/_bundled/rigs/{file.relative_to(rigs)}" for file in sorted(rigs.glob(pattern))}
    project: dict[str, Any] = {
        "name": "duologue",
        "version": duologue.__version__,
        "description": "The part of Duologue that runs inside Blender",
        "license": "Apache-2.0",
        "dependencies": ["numpy", "pysubs2", "pyzmq"],
    }
    target = {"bypass-selection": True, "force-include": files, "reproducible": True}
    config = {"project": project, "tool": {"hatch": {"build": {"targets": {"wheel": target}}}}}
    folder.mkdir(parents=True, exist_ok=True)
    builder = WheelBuilder(str(folder), config=config)  # nothing is selected there: only what is named above goes in
    return Path(builder.build_standard(str(folder), **builder.get_default_build_data(), tag=f"{_PYTHONS}-none-any"))
