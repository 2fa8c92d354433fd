"""The Flamenco job type: run by a JavaScript engine as its Manager does, and its commands read by our own parser."""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SCRIPT = REPOSITORY / "farm" / "duologue.js"

SETTINGS = {
    "briefs": "010.toml; 020.json;",
    "briefs_path": "/farm/briefs",
    "output_path": "/farm/shots",
    "armature_a": "Anna",
    "armature_b": "",
    "preview": True,
    "engine": "eevee",
    "export_gltf": True,
    "export_fbx": False,
    "export_usd": True,
    "server": "",
    "blendfile": "/farm/set.blend",
}


def compiled(**changes: Any) -> dict[str, Any]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node here: the job type can't be run")
    ended = subprocess.run(
        [node, REPOSITORY / "tests" / "farm" / "compile.js", SCRIPT],
        input=json.dumps({**SETTINGS, **changes}), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return json.loads(ended.stdout)


def arguments(task: dict[str, Any]) -> list[str]:
    """Return what follows ``--command duologue`` on a worker."""
    (command,) = task["commands"]
    assert command["name"] == "blender-render"
    assert command["parameters"]["blendfile"] == "/farm/set.blend"
    assert command["parameters"]["exe"] == "{blender}"
    assert command["parameters"]["exeArgs"] == "{blenderArgs}"
    args = command["parameters"]["args"]
    assert args[:2] == ["--command", "duologue"]
    return args[2:]


def test_each_brief_becomes_a_task_of_its_own() -> None:
    made = compiled()
    assert made["error"] is None
    assert [(task["name"], task["type"]) for task in made["tasks"]] == [
        ("shot-010", "blender"),
        ("shot-020", "blender"),
    ]
    assert arguments(made["tasks"][1]) == [
        "--brief", "/farm/briefs/020.json", "--out", "/farm/shots", "--report", "/farm/shots/reports/020.json",
        "--armature-a", "Anna", "--engine", "eevee", "--export", "gltf", "--export", "usd",
    ]  # fmt: skip


def test_our_own_parser_takes_every_option() -> None:
    spec = importlib.util.spec_from_file_location("headless", REPOSITORY / "addon" / "headless.py")
    assert spec is not None
    assert spec.loader is not None
    headless = importlib.util.module_from_spec(
        spec
    )  # by its file: its package imports bpy, which has no place in this process
    spec.loader.exec_module(headless)
    changes = {"server": "/farm/server.json", "preview": False, "export_fbx": True, "armature_b": "Ben"}
    options = headless.parser().parse_args(headless.with_verb(arguments(compiled(**changes)["tasks"][0])))
    assert (options.verb, options.brief, options.out) == ("batch", Path("/farm/briefs/010.toml"), Path("/farm/shots"))
    assert (options.armature_a, options.armature_b, options.engine) == ("Anna", "Ben", "eevee")
    assert options.server == Path("/farm/server.json")
    assert options.no_preview
    assert options.export == ["gltf", "fbx", "usd"]


@pytest.mark.parametrize(("briefs", "said"), [(" ; ", "no brief"), ("a.toml; a.json", 'called "a"')])
def test_what_can_t_work_is_refused_when_it_is_submitted(briefs: str, said: str) -> None:
    assert said in compiled(briefs=briefs)["error"]


def test_the_settings_are_such_as_flamenco_knows(tmp_path: Path) -> None:
    """Keys and types of Flamenco's AvailableJobSetting; what it evaluates in Blender is Python and says what it should."""
    settings = {setting["key"]: setting for setting in compiled()["type"]["settings"]}
    assert set(SETTINGS) <= set(settings)
    for setting in settings.values():
        assert set(setting) <= {
            "key", "type", "subtype", "choices", "propargs", "description", "label", "default", "eval", "evalInfo", "visible",
            "required", "editable",
        }  # fmt: skip
        assert setting["type"] in {"string", "int32", "float", "bool"}
        assert setting["visible"] in {"visible", "hidden", "submission", "web"}
        ast.parse(setting.get("eval", "0"), mode="eval")
    for name in ("b.toml", "a.json", "voice.wav"):
        (tmp_path / name).touch()

    class Given:
        briefs_folder = str(tmp_path)

    names = {"settings": Given, "Path": Path, "abspath": lambda path: Path(path).absolute()}
    assert eval(settings["briefs"]["eval"], names) == "a.json; b.toml"
