"""Both sample characters at rest, for all tests of touch."""

import pytest
from duologue.interactions.actor import Character
from duologue.rigs.samples import SAMPLES, load_sample


@pytest.fixture(scope="session")
def characters() -> dict[str, Character]:
    return {name: Character.of(load_sample(name)) for name in SAMPLES}
