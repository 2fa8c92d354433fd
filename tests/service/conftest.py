"""What ``servers`` gives to tests: a server that they share, servers of their own, clients."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[1] / "video"))  # whose clips of passes are shown here as well

from servers import begin_server_fixture, connect, environment, server, start

__all__ = ["begin_server_fixture", "connect", "environment", "server", "start"]
