"""Attacks from outside, one file a kind: what once ended, blocked or filled a server, and is now a named error or nothing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "service"))

from servers import connect, environment, server, start

__all__ = ["connect", "environment", "server", "start"]
