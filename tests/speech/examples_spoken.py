"""A synthesiser's speech that does not depend on which tests ran before."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from duologue.voices.espeak import Utterance

SPEAK = """
import sys
import numpy as np
from duologue.errors import DuologueError
from duologue.voices.espeak import synthesise

try:
    said = synthesise(*sys.argv[2:])
except DuologueError as error:
    raise SystemExit(error.reason)
np.savez(sys.argv[1], samples=said.samples, rate=said.rate, phones=np.array(said.phones), words=np.array(said.words))
"""


def synthesised(text: str, voice: str) -> Utterance:
    """Speak in a process of its own: espeak-ng's voices flutter on a state that it carries from one call to the next, so what a
    recogniser hears would depend on all that was spoken before. Skips where espeak-ng isn't installed."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "said.npz")
        ended = subprocess.run(
            [sys.executable, "-c", SPEAK, path, text, voice], capture_output=True, text=True, timeout=120, check=False
        )
        if "espeak-not-found" in ended.stderr:
            pytest.skip("the espeak-ng library is not installed")
        assert ended.returncode == 0, ended.stderr
        said = np.load(path)
        phones, words = (
            tuple((float(start), float(end), str(name)) for start, end, name in said[key])
            for key in ("phones", "words")
        )
        return Utterance(said["samples"], int(said["rate"]), phones, words)
