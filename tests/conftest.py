"""Tests that need Blender run in a process a file, with a time limit: a crash or a hang of one must not take the rest along.

``pytest`` shows one item a file of ``tests/blender``; ``pytest --in-process FILE`` runs such a file's own tests (what the item
starts). ``--blender-python PYTHON`` runs each of them a second time under another Python that has bpy and pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
BLENDER_TESTS = REPOSITORY / "tests" / "blender"
LIMIT = 200
"""Seconds for one file."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--in-process", action="store_true", help="run the tests of tests/blender in this very process")
    parser.addoption(
        "--blender-python",
        action="append",
        default=[],
        help="another Python with bpy to run tests/blender in (may be repeated)",
    )


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if module_path.parent != BLENDER_TESTS or parent.config.getoption("--in-process"):
        return None
    return BlenderFile.from_parent(parent, path=module_path)


class BlenderFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        yield InBlender.from_parent(self, name="bpy", python=sys.executable)
        for python in self.config.getoption("--blender-python"):
            yield InBlender.from_parent(self, name=f"bpy of {python}", python=python)


class InBlender(pytest.Item):
    """One file of tests in a Python of its own."""

    def __init__(self, *, python: str, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self._python = python
        self.add_marker(pytest.mark.timeout(LIMIT + 20))

    def runtest(self) -> None:
        if self._python == sys.executable and find_spec("bpy") is None:
            pytest.skip("this Python has no bpy (3.11 and 3.13 have): pip install bpy")
        command = [
            self._python,
            "-m",
            "pytest",
            str(self.path),
            "--in-process",
            "-q",
            "-p",
            "no:cacheprovider",
            "--no-header",
        ]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "backend"), str(REPOSITORY)]),
            "DUOLOGUE_TEST_SERVER_PYTHON": sys.executable,  # the one that has the backend
        }
        try:
            ended = subprocess.run(
                command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except subprocess.TimeoutExpired as expired:
            said = expired.stdout.decode(errors="replace") if expired.stdout else ""
            pytest.fail(f"not done after {LIMIT} s:\n{said[-8000:]}", pytrace=False)
        # 5: no test collected, which here means that every test of the file was left out.
        if ended.returncode == 5 or (ended.returncode == 0 and " passed" not in ended.stdout):
            pytest.skip(ended.stdout.strip().splitlines()[-1] if ended.stdout.strip() else "nothing to test")
        if ended.returncode:
            pytest.fail(f"exit code {ended.returncode}\n{ended.stdout[-12000:]}\n{ended.stderr[-4000:]}", pytrace=False)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name} in {self.name}"
