# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip that users get: built by our command, validated and installed by Blender, with nothing from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import HERE

PYTHON = os.environ.get("DUOLOGUE_TEST_SERVER_PYTHON", sys.executable)
"""One that has the command line: Blender's own need not."""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    command = [PYTHON, "-m", "duologue", "extension", "--platform", "current", "--json", "--out"]
    ended = subprocess.run(
        [*command, tmp_path_factory.mktemp("dist")], capture_output=True, text=True, timeout=120, check=False
    )
    if ended.returncode == 4:  # something that may be there another time
        pytest.skip(f"no package index: {ended.stderr}")
    if "No module named 'typer'" in ended.stderr:
        pytest.skip("the command line is not installed in this Python")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return Path(json.loads(ended.stdout)["zip"])


def test_the_same_source_gives_the_same_wheel(tmp_path):
    pytest.importorskip("hatchling", reason="the command line is not installed in this Python")
    from duologue.packaging import wheel as extension_wheel

    first = extension_wheel.write_wheel(tmp_path / "a").read_bytes()
    assert extension_wheel.write_wheel(tmp_path / "b").read_bytes() == first


def test_the_zip_holds_what_it_should_and_no_more(built):
    names = zipfile.ZipFile(built).namelist()
    assert {"__init__.py", "blender_manifest.toml", "registration.py", "scene/compat.py"} <= set(names)
    assert not [name for name in names if "torch" in name or "__pycache__" in name]
    assert built.stat().st_size < 10_000_000


def test_it_installs_and_registers_from_the_zip_alone(built, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-P", HERE / "install_and_look.py", built],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path), "PYTHONPATH": ""},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["enabled"]
    assert told["gone"]
    assert not told["torch"]
    assert told["duologue"].startswith(str(tmp_path))
    assert told["zmq"].startswith(str(tmp_path))
    assert told["problems"] == ["", ""]
    assert all("60 bones" in found for found in told["cast"])
    # How long registering took is `duologue bench`'s to say: a time must not decide about a landing.
    assert told["registration_seconds"] > 0
