"""Both sample characters at rest, for all tests of touch; and this folder on the path, for ``examples_skin``."""

import sys
from pathlib import Path

import pytest
from duologue.interactions.actor import Character
from duologue.rigs.samples import SAMPLES, load_sample

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def characters() -> dict[str, Character]:
    return {name: Character.of(load_sample(name)) for name in SAMPLES}
