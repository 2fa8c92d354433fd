# SPDX-License-Identifier: GPL-3.0-or-later
"""The preferences: which environment is found, keys that never reach Blender's own files, who may be reached, what went wrong."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import sys
from pathlib import Path

import bpy
import pytest
from conftest import HERE, MODULE
from duologue import __version__
from duologue.errors import DuologueError
from duologue.wire.connection import Connection
from duologue.wire.local import LocalServer

PYTHON = os.environ.get("DUOLOGUE_TEST_SERVER_PYTHON", sys.executable)


def press(name: str, **arguments: object) -> set[str]:
    return getattr(bpy.ops.duologue, name)("EXEC_DEFAULT", **arguments)


@pytest.fixture
def chosen(extension, scene):
    """The preferences as after installing, and as they were afterwards."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    for name in ("where", "environment", "address", "keys", "file"):
        preferences.property_unset(name)
    yield preferences
    sys.modules[f"{MODULE}.session.session"].session.close()
    sys.modules[f"{MODULE}.session.servers"].keys_file().unlink(missing_ok=True)


@pytest.fixture
def session(extension):
    return sys.modules[f"{MODULE}.session.session"].session


@pytest.fixture(scope="module")
def server():
    """A real server that acts out the example take."""
    path = os.pathsep.join([str(HERE), str(HERE.parent.parent / "backend")])
    with LocalServer.start(
        performance="performances:Acting", device="cpu", python=PYTHON, environment={"PYTHONPATH": path}
    ) as running:
        yield running


def text_of(connection: Connection, **changes: object) -> str:
    values = {name: getattr(connection, name) for name in ("endpoint", "server_key", "client_public", "client_secret")}
    return json.dumps(values | changes)


def environments():
    return sys.modules[f"{MODULE}.session.environments"]


def make_environment(folder: Path, version: str = __version__) -> Path:
    """An environment as pip leaves it: a Python and the note of what is installed beside it."""
    windows = sys.platform == "win32"
    python = folder / ("Scripts/python.exe" if windows else "bin/python")
    python.parent.mkdir(parents=True)
    shutil.copy(PYTHON, python)
    library = folder / ("Lib/site-packages" if windows else "lib/python3.11/site-packages")
    (library / f"duologue-{version}.dist-info").mkdir(parents=True)
    return python


# The environment on this computer -------------------------------------------------------------------------------------


def test_the_environment_that_runs_the_server_is_found_with_its_version(extension):
    folder = Path(PYTHON).parent
    found = environments().find(str(folder.parent))
    assert found is not None
    assert Path(found.python).parent == folder
    assert found.version == __version__


@pytest.mark.parametrize("given", ["", ".venv", ".venv/bin", ".venv/bin/python", ".venv/bin/duologue"])
def test_it_is_found_from_whatever_of_it_the_user_points_at(extension, tmp_path, given):
    python = make_environment(tmp_path / ".venv", "9.9.9")
    (python.parent / "duologue").write_text("#!/bin/sh\n")
    found = environments().find(str(tmp_path / given))
    assert found == environments().Environment(str(python), "9.9.9")


def test_the_command_of_an_installer_leads_to_its_environment(extension, tmp_path, monkeypatch):
    """What pip --user and uv leave in ~/.local/bin: a script whose first line names the Python; no Python beside it."""
    python = make_environment(tmp_path / "elsewhere")
    home = tmp_path / "home"
    command = home / ".local" / "bin" / "duologue"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!{python}\nimport duologue\n")
    command.chmod(0o755)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", "/nowhere")
    environments().find.cache_clear()
    assert environments().find("").python == str(python)
    command.unlink()
    environments().find.cache_clear()
    assert environments().find("") is None
    make_environment(home / "duologue" / ".venv")
    environments().find.cache_clear()
    assert environments().find("").version == __version__


def test_what_is_no_environment_says_how_to_make_one(extension, tmp_path):
    with pytest.raises(DuologueError, match="has no Python; choose Duologue's folder"):
        environments().find(str(tmp_path))
    (tmp_path / "backend" / "duologue").mkdir(parents=True)
    environments().find.cache_clear()
    with pytest.raises(DuologueError, match="run `python3 backend install` there"):
        environments().find(str(tmp_path))


def test_a_server_that_does_not_start_says_why_and_leaves_its_log(chosen, session, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))  # no server of whoever runs this
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "duologue").mkdir()
    (tmp_path / "duologue" / "__init__.py").write_text("raise ImportError('torch was built for another processor')")
    chosen.environment = PYTHON
    with pytest.raises(RuntimeError, match="torch was built for another processor"):
        press("start_server", wait=30)
    assert session.server_state().failed
    assert not session.owns_server
    log = sys.modules[f"{MODULE}.session.servers"].log_file()
    assert "Traceback" in log.read_text()
    assert press("show_log") == {"FINISHED"}
    report = sys.modules[f"{MODULE}.session.diagnostics"].report()
    assert "torch was built for another processor" in report
    assert "bpy" not in chosen.environment
    assert bpy.app.version_string in report


def test_the_environments_own_server_starts_and_stops(chosen, session, monkeypatch, tmp_path):
    """The real one, models and all, as the button starts it."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    chosen.environment = PYTHON
    assert press("start_server", wait=180) == {"FINISHED"}
    assert session.owns_server
    assert f"Duologue {__version__}" in session.server_state().text
    process = session._opened.server.process
    assert press("test_connection", wait=30) == {"FINISHED"}
    assert session._opened.server.process is process  # testing starts no second one
    assert press("stop_server") == {"FINISHED"}
    assert process.poll() is not None
    with pytest.raises(RuntimeError, match="Blender has started no server"):
        press("stop_server")


# A server elsewhere ---------------------------------------------------------------------------------------------------


def test_pasted_keys_connect_and_lie_in_a_file_of_their_own(chosen, server, session, tmp_path):
    assert press("paste_connection", text=text_of(server.connection)) == {"FINISHED"}
    assert chosen.where == "ADDRESS"
    assert chosen.address == server.connection.endpoint.removeprefix("tcp://")
    assert press("test_connection", wait=30) == {"FINISHED"}
    assert server.connection.endpoint in session.server_state().text
    file = sys.modules[f"{MODULE}.session.servers"].keys_file()
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert Connection.load(file).client_secret == server.connection.client_secret
    bpy.ops.wm.save_userpref()
    saved = Path(bpy.utils.user_resource("CONFIG"), "userpref.blend").read_bytes()
    secret = server.connection.client_secret.encode()
    assert saved[:4] in {b"BLEN", b"\x28\xb5\x2f\xfd"}
    assert secret not in _unpacked(saved)
    assert secret not in sys.modules[f"{MODULE}.session.diagnostics"].report().encode()
    assert "REGISTER" not in bpy.types.DUOLOGUE_OT_enter_keys.bl_options
    assert "REGISTER" not in bpy.types.DUOLOGUE_OT_paste_connection.bl_options


def _unpacked(blend: bytes) -> bytes:
    if blend.startswith(b"BLEN"):
        return blend
    zstandard = pytest.importorskip("zstandard", reason="Blender packed its preferences and zstandard is not here")
    return zstandard.ZstdDecompressor().decompress(blend, max_output_size=1 << 28)


def test_entered_keys_connect_too_and_a_wrong_one_is_told_by_name(chosen, server, session):
    chosen.address = server.connection.endpoint.removeprefix("tcp://")
    keys = {name: getattr(server.connection, name) for name in ("server_key", "client_public", "client_secret")}
    with pytest.raises(RuntimeError, match="Your Secret Key has 3 characters"):
        press("enter_keys", **keys | {"client_secret": "abc"})
    assert press("enter_keys", **keys) == {"FINISHED"}
    assert press("test_connection", wait=30) == {"FINISHED"}
    assert not session.server_state().failed


def test_keys_of_another_server_are_refused_by_reason(chosen, server, session):
    press("paste_connection", text=text_of(server.connection, server_key=server.connection.client_public))
    with pytest.raises(RuntimeError, match="key"):
        press("test_connection", wait=60)
    assert session.server_state().failed


def test_a_clipboard_with_anything_else_is_refused_without_being_repeated(chosen):
    with pytest.raises(RuntimeError, match="not a connection file") as told:
        press("paste_connection", text="my password is hunter2")
    assert "hunter2" not in str(told.value)
    assert chosen.where == "LOCAL"


def test_keys_are_forgotten(chosen, server):
    with pytest.raises(RuntimeError, match="No keys are saved"):
        press("forget_keys")
    press("paste_connection", text=text_of(server.connection))
    assert press("forget_keys") == {"FINISHED"}
    assert not sys.modules[f"{MODULE}.session.servers"].keys_file().exists()
    with pytest.raises(RuntimeError, match="no keys for this server yet"):
        press("test_connection", wait=5)


def test_another_computer_is_only_reached_when_blender_may_go_online(chosen, server):
    online = sys.modules[f"{MODULE}.session.servers"]
    press("paste_connection", text=text_of(server.connection, endpoint="tcp://render-1.example:5555"))
    if bpy.app.online_access:
        pytest.skip("this Blender was started with --online-mode")
    with pytest.raises(RuntimeError, match="Allow Online Access"):
        press("test_connection", wait=5)
    for endpoint in ("tcp://127.0.0.1:5555", "tcp://localhost:1", "tcp://127.8.8.8:2", "tcp://[::1]:3"):
        online.check_online(endpoint)
    for endpoint in ("tcp://10.0.0.2:5555", "tcp://0.0.0.0:1", "tcp://localhost.example:3"):
        with pytest.raises(DuologueError, match="stay offline"):
            online.check_online(endpoint)


@pytest.mark.parametrize("address", ["", "render-1", "render-1:", ":5555", "render-1:99999", "http://x:80/", "a b:1"])
def test_an_address_that_is_none_is_told_with_an_example(chosen, server, address):
    press("paste_connection", text=text_of(server.connection))
    chosen.address = address
    with pytest.raises(RuntimeError, match="write it as host:port"):
        press("test_connection", wait=5)


def test_a_port_where_nothing_listens_is_named(chosen, server, session):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    press("paste_connection", text=text_of(server.connection, endpoint=f"tcp://127.0.0.1:{port}"))
    with pytest.raises(RuntimeError, match=f"{port}"):
        press("test_connection", wait=30)


def test_no_connection_file_and_one_that_is_gone_are_two_messages(chosen):
    chosen.where = "FILE"
    with pytest.raises(RuntimeError, match="no connection file is chosen"):
        press("test_connection")
    chosen.file = "/nowhere/server.json"
    with pytest.raises(RuntimeError, match=r"/nowhere/server.json is not there"):
        press("test_connection")


def test_diagnostics_are_copied_and_mask_the_users_name(chosen, capsys):
    assert press("copy_diagnostics") == {"FINISHED"}
    said = capsys.readouterr().out
    assert f"Duologue {__version__} in Blender" in said
    assert str(Path.home()) not in said
