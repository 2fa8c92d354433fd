"""Puts this folder on the path, for ``examples_smpl``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
