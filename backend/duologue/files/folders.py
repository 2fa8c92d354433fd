"""Where Duologue's own data lies: beside the package in a wheel, at the top of the repository in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_REPOSITORY = _PACKAGE.parent.parent


def _find(name: str) -> Path:
    bundled = _PACKAGE / "_bundled" / name
    return bundled if bundled.exists() else _REPOSITORY / name


def rigs_folder() -> Path:
    """Return the folder of skeletons, rig maps, shape maps and sample characters."""
    return _find("rigs")


def addon_folder() -> Path:
    """Return the folder of the Blender extension's source (absent inside Blender itself, where the extension is installed)."""
    return _find("addon")


def manifest_file() -> Path:
    """Return the path of ``blender_manifest.toml``."""
    return _find("blender_manifest.toml")


def checkpoints_folder() -> Path:
    """Return the folder of the starter checkpoints that ship with Duologue."""
    return _PACKAGE / "checkpoints" / "starter"


def demo_brief() -> Path:
    """Return the brief of the dialogue that ships with Duologue."""
    return _PACKAGE / "demo" / "brief.toml"
