"""Puts this folder on the path, for ``hard_speech``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
