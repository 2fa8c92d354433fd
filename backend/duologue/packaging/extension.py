"""The Blender extension as a zip: staged, built and checked by Blender's own tool."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import duologue
from duologue.errors import DuologueError
from duologue.files.atomic import prepare_folder
from duologue.files.folders import addon_folder, manifest_file
from duologue.labels import check
from duologue.packaging.wheel import write_wheel
from duologue.shots.blender import find_blender

PYZMQ: Final = "pyzmq>=27,<28"
OSC: Final = "python-osc>=1.10,<2"
"""Pure Python, Unlicense: the add-on sends VMC with it."""
PYSUBS2: Final = "pysubs2>=1.8,<2"
"""Pure Python, MIT, needs nothing else, 44 kB: subtitles are read with it."""

PLATFORMS: Final = {
    # Blender's name: the platform tag of the wheels
    "linux-x64": "manylinux_2_28_x86_64",
    "windows-x64": "win_amd64",
    "macos-x64": "macosx_10_15_universal2",
    "macos-arm64": "macosx_10_15_universal2",
}
_PYTHONS: Final = (("311", "cp311"), ("313", "abi3"))
"""Blender 4.5 and 5.0 have Python 3.11, all newer ones take the wheel for the stable ABI."""


def build_extension(folder: Path, platform: str = "all") -> Path:
    """Stage manifest, add-on and wheels in one folder, build the zip from there and validate it; return its path.

    Wheels are downloaded once into ``folder/wheels``; Duologue's own part that runs inside Blender becomes a wheel too.

    Raises:
        DuologueError: INVALID_ARGUMENT ``unknown-label`` (platform); FAILED_PRECONDITION ``version-mismatch``,
            ``blender-missing``; UNAVAILABLE ``wheels-missing``; INTERNAL ``extension-build``.
    """
    check(platform, ("all", "current", *PLATFORMS), field="--platform")
    platforms = {"all": tuple(PLATFORMS), "current": (current_platform(),)}.get(platform, (platform,))
    manifest = manifest_file().read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"$', manifest, re.MULTILINE)
    if version is None or version[1] != duologue.__version__:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "version-mismatch",
            f"blender_manifest.toml has version {version[1] if version else 'none'}, the package {duologue.__version__}; "
            "write the same into both",
        )
    prepare_folder(folder)
    wheels = [
        write_wheel(folder / "wheels"),
        *_fetch_pyzmq(folder / "wheels", platforms),
        _fetch_pure(folder / "wheels", OSC, "python_osc-1.*"),
        _fetch_pure(folder / "wheels", PYSUBS2, "pysubs2-1.*"),
    ]
    with tempfile.TemporaryDirectory(prefix="duologue-") as temporary:
        staged = Path(temporary) / "duologue"
        _stage(staged, manifest, platforms, wheels)
        tool = _blender_tool()
        target = folder / f"duologue-{duologue.__version__}.zip"
        target.unlink(missing_ok=True)
        _run([*tool, "build", "--source-dir", str(staged), "--output-filepath", str(target)])
        _run([*tool, "validate", str(target)])
    return target


def current_platform() -> str:
    """Return Blender's name for this machine's platform."""
    import platform

    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    name = f"{system}-{'arm64' if platform.machine().lower() in ('arm64', 'aarch64') else 'x64'}"
    return check(name, tuple(PLATFORMS), field="--platform")


def _stage(folder: Path, manifest: str, platforms: tuple[str, ...], wheels: list[Path]) -> None:
    """Put together what the extension consists of: Blender wants ``__init__.py`` beside the manifest."""
    shutil.copytree(addon_folder(), folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (folder / "wheels").mkdir()
    for wheel in wheels:
        shutil.copy(wheel, folder / "wheels")
    listed = "".join(f'  "./wheels/{wheel.name}",\n' for wheel in sorted(wheels))
    named = ", ".join(f'"{name}"' for name in platforms)
    # Lists go before the first table, or TOML would count them into it.
    head, table, tail = manifest.partition("\n[")
    lists = f"platforms = [{named}]\nwheels = [\n{listed}]\n"
    (folder / "blender_manifest.toml").write_text(f"{head}{lists}{table}{tail}", encoding="utf-8")


def _fetch_pyzmq(folder: Path, platforms: tuple[str, ...]) -> list[Path]:
    """Return pyzmq's wheels for every platform and Python, downloaded by pip where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    wheels: list[Path] = []
    for tag in dict.fromkeys(PLATFORMS[name] for name in platforms):
        for python, abi in _PYTHONS:
            machine = ["--implementation", "cp", "--platform", tag, "--python-version", python, "--abi", abi]
            pattern = f"pyzmq-27.*-{abi}-*{tag}.whl"
            wheels.append(_newest(folder, pattern) or _download(folder, PYZMQ, pattern, machine))
    return wheels


def _fetch_pure(folder: Path, package: str, name: str) -> Path:
    """Return the wheel of a package in pure Python, which is one for all, downloaded by pip where it is not there yet."""
    pattern = f"{name}-py3-none-any.whl"
    return _newest(folder, pattern) or _download(folder, package, pattern, [])


def _newest(folder: Path, pattern: str) -> Path | None:
    wheels = sorted(folder.glob(pattern))
    return wheels[-1] if wheels else None


def _download(folder: Path, package: str, pattern: str, machine: list[str]) -> Path:
    command = [
        sys.executable, "-P", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:",
        *machine, "--dest", str(folder), package,
    ]  # fmt: skip
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = _newest(folder, pattern)
    if process.returncode or wheel is None:
        pip_says = (process.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        raise DuologueError(
            "UNAVAILABLE",
            "wheels-missing",
            f"pip could not fetch {package} ({pattern}): {pip_says}. Connect to a package index, "
            "or build with --platform current",
            retryable=True,
        )
    return wheel


def _blender_tool() -> list[str]:
    """Return the command of Blender's extension tool: of the bpy wheel (which needs no Blender to run), else of a Blender.

    Raises:
        DuologueError: FAILED_PRECONDITION ``blender-missing``.
    """
    spec = find_spec("bpy")
    if spec is not None and spec.origin:
        scripts = sorted(Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
        if scripts:
            return [sys.executable, str(scripts[-1])]
    return [find_blender()[0], "--command", "extension"]


def _run(command: list[str]) -> None:
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        last_lines = " / ".join((process.stdout + process.stderr).strip().splitlines()[-4:])
        raise DuologueError("INTERNAL", "extension-build", f"Blender's extension tool refused: {last_lines}")
