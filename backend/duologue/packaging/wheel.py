"""The part of Duologue that runs inside Blender, as a pure wheel: numpy, pyzmq and the standard library are all it needs.

The same source gives the same bytes: sorted names, fixed times, no compression settings left to chance.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import duologue
from duologue.files.folders import rigs_folder

MODULES: Final = (
    "__init__.py", "errors.py", "arkit.py", "easing.py", "labels.py", "units.py",
    "files", "motion", "brief", "take", "rigs", "streaming", "wire", "shots",
)  # fmt: skip
"""What ships into Blender, of the package. No torch, no models, no command line."""

DATA: Final = ("skeletons/*.json", "rig_maps/*.toml", "shape_maps/*.toml", "characters/*.safetensors")
"""And of the rigs folder."""

_PYTHONS: Final = "py311.py312.py313.py314"
"""Blender takes the Python versions of an extension from its wheels' names, and forgets the stable ABI as soon as another wheel
names one version (``blender_ext.py``, ``python_versions_from_wheels``, 5.2): pyzmq's cp311 would shut out all newer Blenders.
Naming every version here keeps them in. Add the next one when a Blender comes with it."""

_EPOCH: Final = (2020, 1, 1, 0, 0, 0)


def write_wheel(folder: Path) -> Path:
    """Write the wheel into ``folder`` and return its path."""
    version = duologue.__version__
    info = f"duologue-{version}.dist-info"
    files = {name: path.read_bytes() for name, path in _sources()}
    files[f"{info}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: duologue\nVersion: {version}\n"
        "Summary: The part of Duologue that runs inside Blender\nRequires-Dist: numpy\nRequires-Dist: pyzmq\n"
    ).encode()
    tags = "".join(f"Tag: {python}-none-any\n" for python in _PYTHONS.split("."))
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: duologue\nRoot-Is-Purelib: true\n{tags}".encode()
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in sorted(files.items())]
    files[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"duologue-{version}-{_PYTHONS}-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files, key=lambda name: (name.startswith(info), name)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    return target


def _sources() -> Iterator[tuple[str, Path]]:
    package = Path(duologue.__file__).parent
    for module in MODULES:
        path = package / module
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield f"duologue/{file.relative_to(package).as_posix()}", file
    rigs = rigs_folder()
    for pattern in DATA:
        for file in sorted(rigs.glob(pattern)):
            yield f"duologue/_bundled/rigs/{file.relative_to(rigs).as_posix()}", file


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
