"""What ``servers`` gives to tests: a server that they share, servers of their own, clients."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[1] / "video"))  # whose clips of passes are shown here as well

import pytest
from renders import write_weights
from servers import Server, Start, begin_server_fixture, connect, environment, server, start

__all__ = ["begin_server_fixture", "connect", "environment", "server", "start"]


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny network as it begins, its zeros filled: what it shows is noise, and its own."""
    return write_weights(tmp_path_factory.mktemp("video"))


@pytest.fixture(scope="module")
def renders(begin_server: Start, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that makes pictures."""
    shared = begin_server(tmp_path_factory.mktemp("renders"), weights={"tiny": weights})
    yield shared
    shared.stop()
