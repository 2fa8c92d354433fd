import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # examples_data

from duologue.datasets.synthesis.layouts.material import Material
from examples_data import some_material

KIT = Path(__file__).parents[3] / "shared" / "kit"


@pytest.fixture(scope="session")
def material() -> Material:
    """The kit's motion and speech where they are there; else arms that wave, and what Ben says in the demo."""
    return Material.from_kit(KIT, 3) if KIT.exists() else some_material()
