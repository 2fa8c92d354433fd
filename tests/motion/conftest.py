"""The kit of real recordings, which lies beside the repository and not in it."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parents[3] / "shared" / "kit"


@pytest.fixture(scope="session")
def kit_bvhs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """Give the BVH files of one folder or archive of the kit, unpacked once a session; skip where there is no kit."""
    unpacked = tmp_path_factory.mktemp("kit")

    def files(name: str) -> list[Path]:
        archive, folder = KIT / f"{name}.tar.xz", KIT / name
        if archive.is_file():
            folder = unpacked / name
            if not folder.exists():
                with tarfile.open(archive) as tar:
                    tar.extractall(unpacked, filter="data")
        found = sorted(folder.rglob("*.bvh"))
        if not found:
            pytest.skip(f"no {name} in {KIT}: real recordings are not part of the repository")
        return found

    return files
