"""Which tests are slow, and how those that need Blender are run (docs/developing/tests.md).

``--fast`` leaves out what ``SLOW`` names. Tests that need Blender run in a process a file, with a time limit: a crash or a hang
of one must not take the rest along. ``pytest`` shows one item a file of ``tests/blender``; ``pytest --in-process FILE`` runs
such a file's own tests (what the item starts). ``--blender-python PYTHON`` runs each of them a second time under another Python
that has bpy and pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
BLENDER_TESTS = REPOSITORY / "tests" / "blender"
KIT = REPOSITORY.parent / "shared" / "kit"
"""Openly licensed clips and speech, beside the repository and not in it."""
LIMIT = 200
"""Seconds for one file."""

# Before torch is imported, and for every process that a test starts. The networks here are too small to gain from threads, and
# threads that wait for each other on a busy machine make a training of seconds last a minute.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What a take hears is cached; not in the folder of whoever runs the tests.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="duologue-cache-")

SLOW = {
    "blender": "a Blender a file",
    "ui": "a Blender with a window",
    "attack": "servers under attack, and limits of memory and descriptors",
    "service": "servers and their workers",
    "cli/test_batch.py": "folders of shots, performed over a server",
    "cli/test_commands.py::test_a_part_is_made_again": "two servers",
    "cli/test_commands.py::test_doctor": "a server of its own",
    "performance/test_faces.py": "whole takes",
    "performance/test_hard_briefs.py": "whole takes",
    "performance/test_inpainting.py": "whole takes",
    "performance/test_line.py": "whole takes",
    "body/test_training.py": "training",
    "interactions/test_obstacles.py::test_fingers_go_round": "a touch solved, pressed and judged in every second frame",
    "footage/test_interaction.py": "touches solved and drawn",
    "footage/test_command.py": "touches solved and drawn, a model trained",
    "video/test_wan_backends.py": "small Wans, made and loaded",
    "video/test_wan_training.py": "an adapter, trained on a small Wan",
    "face/test_bad_input.py": "twenty minutes of faces",
    "face/test_seams.py": "long faces",
    "face/test_training.py": "training",
    "training/test_parallel.py": "two processes under torchrun",
    "training/test_three_models.py": "two processes under torchrun, killed",
    "video/test_training.py": "training",
    "executors/test_processes.py": "processes, started and killed",
    "executors/test_ray_cluster.py": "Ray clusters of two nodes",
    "datasets/test_layouts.py::test_a_corpus_is_prepared": "processes that each load a text encoder",
    "datasets/test_layouts.py::test_a_download": "training and performing",
    "datasets/test_layouts.py::test_faces_of_a_data_set": "training",
    "datasets/test_drawn_people.py::test_a_drawn_person": "a person, built twice",
    "datasets/test_video_clips.py": "touches, solved and painted, here and in another process",
    "datasets/test_video_making.py": "touches, solved and painted, several times",
    "evaluation/test_evaluate_body.py": "a whole evaluation",
    "evaluation/test_evaluate_face.py": "a whole evaluation",
    "evaluation/test_evaluate_contact.py": "a whole evaluation",
    "evaluation/test_video_ablations.py": "models without each of their parts, trained and compared",
}
"""What ``--fast`` leaves out: beginnings of test ids below ``tests/``, each with what it needs that takes so long."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help='leave out what is slow: the same as -m "not slow"')
    parser.addoption("--in-process", action="store_true", help="run the tests of tests/blender in this very process")
    parser.addoption(
        "--blender-python",
        action="append",
        default=[],
        help="another Python with bpy to run tests/blender in (may be repeated)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes long, for a reason that SLOW in tests/conftest.py names")
    if config.getoption("--fast"):
        chosen = config.option.markexpr
        config.option.markexpr = f"({chosen}) and not slow" if chosen else "not slow"


def pytest_itemcollected(item: pytest.Item) -> None:
    if any(item.nodeid.startswith(f"tests/{beginning}") for beginning in SLOW):
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def kit_bvhs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """Give the BVH files of one folder or archive of the kit, unpacked once a session; skip where there is no kit."""
    unpacked = tmp_path_factory.mktemp("kit")

    def files(name: str) -> list[Path]:
        archive, folder = KIT / f"{name}.tar.xz", KIT / name
        if archive.is_file():
            folder = unpacked / name
            if not folder.exists():
                with tarfile.open(archive) as tar:
                    tar.extractall(unpacked, filter="data")
        found = sorted(folder.rglob("*.bvh"))
        if not found:
            pytest.skip(f"no {name} in {KIT}: real recordings are not part of the repository")
        return found

    return files


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if module_path.parent != BLENDER_TESTS or parent.config.getoption("--in-process"):
        return None
    return BlenderFile.from_parent(parent, path=module_path)


class BlenderFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        yield InBlender.from_parent(self, name="bpy", python=sys.executable)
        for python in self.config.getoption("--blender-python") or ():
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
