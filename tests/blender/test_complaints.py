# SPDX-License-Identifier: GPL-3.0-or-later
"""The ten things that users of add-ons like ours complain about most (in their trackers): a test for each.

Where a complaint has its own file of tests, ``ELSEWHERE`` names them and this file checks that they are still there.
"""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import MODULE, REPOSITORY
from scripting import last_frame

ADDON = REPOSITORY / "addon"
SOURCES = sorted(ADDON.rglob("*.py"))

ELSEWHERE = {
    1: ("blender/test_package.py::test_it_installs_and_registers_from_the_zip_alone",),
    2: ("blender/test_registration.py::test_an_import_that_fails_names_the_file_that_is_to_blame",),
    4: (
        "blender/test_registration.py::test_nothing_waits_or_listens_while_nothing_is_asked_for",
        "ui/test_window.py::test_panels_are_drawn_within_a_millisecond",
        "ui/test_window.py::test_the_take_streamed_in_while_blender_stayed_usable",
    ),
    5: (
        "blender/test_preferences.py::test_a_server_that_does_not_start_says_why_and_leaves_its_log",
        "blender/test_preferences.py::test_keys_of_another_server_are_refused_by_reason",
        "blender/test_preferences.py::test_a_port_where_nothing_listens_is_named",
        "service/test_refusals.py::test_a_server_of_another_version_is_named",
        "service/test_refusals.py::test_who_listens_says_nothing",
    ),
    6: ("checkpoints/test_store.py", "blender/test_extension.py::test_a_cancelled_take_leaves_everything_as_it_was"),
    7: (
        "blender/test_actions.py::test_what_hides_a_take_is_named",
        "blender/test_actions.py::test_a_kept_face_still_moves",
        "blender/test_actions.py::test_a_user_s_own_action_is_put_aside_not_lost",
    ),
    8: (
        "blender/test_retarget.py::test_any_roll_any_object_transform_same_world_pose",
        "blender/test_retarget.py::test_an_a_pose_rig_raises_its_arms_for_a_t_pose",
        "blender/test_retarget.py::test_rigify_controls_put_its_deform_bones_where_the_performance_is",
    ),
    9: (
        "rigs/test_shape_maps.py::test_all_52_are_found_by_name_whatever_their_order",
        "rigs/test_shape_maps.py::test_maps_with_other_words_know_all_52",
        "rigs/test_shape_maps.py::test_live_links_swapped_columns_are_no_trap",
    ),
}


@pytest.fixture
def session(extension):
    return sys.modules[f"{MODULE}.session.session"].session


def test_what_is_tested_elsewhere_is_still_there():
    for places in ELSEWHERE.values():
        for place in places:
            file, _, name = place.partition("::")
            tree = ast.parse((REPOSITORY / "tests" / file).read_text())
            names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert not name or name in names, place


# 1. Dependency install fails ------------------------------------------------------------------------------------------


def test_1_nothing_is_installed_and_no_address_is_called_when_it_is_switched_on(extension, scene):
    """Audit hooks see every process, socket and download of this interpreter, whoever makes it."""
    seen: list[str] = []
    watched = {"subprocess.Popen", "os.system", "os.posix_spawn", "socket.connect", "urllib.Request", "os.exec"}
    active = [True]

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if active and event in watched:
            seen.append(f"{event} {arguments}")

    sys.addaudithook(hook)
    bpy.ops.preferences.addon_disable(module=MODULE)
    bpy.ops.preferences.addon_enable(module=MODULE)
    bpy.ops.duologue.add_sample_pair("EXEC_DEFAULT")
    active.clear()
    assert seen == []


def test_1_the_source_knows_no_installer_and_no_path_tricks():
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            words = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            words += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {word.split(".")[0] for word in words} & {"pip", "ensurepip", "urllib", "requests", "venv"}, file
            if isinstance(node, ast.Attribute) and node.attr == "path" and isinstance(node.value, ast.Name):
                assert node.value.id != "sys", f"{file.name} touches sys.path"


# 2. A broken numpy or shared site-packages ----------------------------------------------------------------------------


def test_2_the_extension_brings_pyzmq_and_itself_and_never_numpy():
    from duologue.packaging import extension

    assert extension.PYZMQ.startswith("pyzmq")
    manifest = (REPOSITORY / "blender_manifest.toml").read_text()
    assert "wheels" not in manifest  # listed by the build alone: one place to look at
    source = Path(extension.__file__).read_text()
    assert "numpy" not in source
    assert "scipy" not in source


# 3. A new Blender breaks it -------------------------------------------------------------------------------------------


def test_3_only_compat_asks_for_blenders_version_and_nobody_uses_what_5_0_removed():
    gone = {"sequences", "sequences_all", "frame_final_start", "frame_final_end", "frame_final_duration", "id_root"}
    for file in SOURCES:
        if file.name == "compat.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Attribute):
                continue
            assert node.attr not in gone, f"{file.name}:{node.lineno} uses {node.attr}"
            whole = ast.unparse(node)
            assert whole != "bpy.app.version", f"{file.name}:{node.lineno} belongs into scene/compat.py"
            legacy = node.attr == "fcurves" and ast.unparse(node.value).split(".")[-1] in {"action", "act"}
            assert not legacy, f"{file.name}:{node.lineno} uses an Action's own F-curves, gone since 5.0"


# 4. Blender freezes or lags -------------------------------------------------------------------------------------------


def test_4_pressing_a_button_never_waits_for_a_server(extension, scene, session):
    """A server that takes the connection and says nothing: the press returns at once, the answer comes to the pump."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        connect_to(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.perf_counter()
        bpy.ops.duologue.test_connection("EXEC_DEFAULT")
        assert time.perf_counter() - begun < 2  # a handshake is waited for 4 s
        assert session.server_state().text == "Connecting…"
        slowest = 0.0
        for _ in range(20):
            begun = time.thread_time()
            session.pump()
            slowest = max(slowest, time.thread_time() - begun)
            time.sleep(0.01)
        assert slowest < 0.002  # of this thread's own work, whatever else the machine does
        with pytest.raises(RuntimeError, match=r"nothing|server|answer"):
            bpy.ops.duologue.test_connection("EXEC_DEFAULT", wait=40)


def ours(handler: str) -> list[Callable[..., None]]:
    return [function for function in getattr(bpy.app.handlers, handler) if function.__module__.startswith(MODULE)]


def test_4_nothing_of_ours_runs_during_playback(extension, scene):
    assert ours("frame_change_pre") == ours("frame_change_post") == []


def test_4_what_listens_to_edits_takes_microseconds(ready_to_perform, scene):
    """With 200 strips in the sequencer, and the takes' own among them: what an edit costs an animator who does something else."""
    editor = scene.sequence_editor_create()
    for channel in range(1, 101):
        for start in (1, 200):
            editor.strips.new_effect(f"Color {channel} {start}", "COLOR", channel, start, **last_frame(start, 100))
    bpy.ops.duologue.lay_strips("EXEC_DEFAULT")
    bpy.ops.duologue.perform("EXEC_DEFAULT", wait=60)
    depsgraph = bpy.context.evaluated_depsgraph_get()
    for handler in (*ours("depsgraph_update_pre"), *ours("depsgraph_update_post")):
        times = []
        for _ in range(200):
            begun = time.thread_time()
            handler(scene, depsgraph)
            times.append(time.thread_time() - begun)
        assert sorted(times)[len(times) // 2] < 0.0002, handler.__name__


# 5. "Server not running" with no cause --------------------------------------------------------------------------------


def connect_to(endpoint: str) -> None:
    """Point the preferences at an address, with keys of the right form."""
    key = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"  # RFC 32's example of a CURVE key
    text = json.dumps({"endpoint": endpoint, "server_key": key, "client_public": key, "client_secret": key})
    bpy.ops.duologue.paste_connection("EXEC_DEFAULT", text=text)


def test_5_a_web_server_on_that_port_is_told_as_what_it_is(extension, scene, session):
    with socket.socket() as web:
        web.bind(("127.0.0.1", 0))
        web.listen()

        def serve() -> None:
            for _ in range(20):
                try:
                    visitor, _ = web.accept()
                    visitor.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    visitor.close()
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        port = web.getsockname()[1]
        connect_to(f"tcp://127.0.0.1:{port}")
        with pytest.raises(RuntimeError, match=f"{port}") as told:
            bpy.ops.duologue.test_connection("EXEC_DEFAULT", wait=40)
    assert "Duologue" in str(told.value)
    state = session.server_state()
    assert state.failed
    assert str(port) in state.text


# 6. A model download that is blocked, stuck, or can't be cancelled ----------------------------------------------------


def test_6_the_shipped_models_load_where_there_is_no_network(tmp_path):
    """Nothing to download: the starter checkpoints lie in the package. The interpreter may not open a socket."""
    pytest.importorskip("torch", reason="the backend is not installed in this Python")
    probe = (
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise SystemExit(f'called {arguments}')\n"
        "sys.addaudithook(hook)\n"
        "from duologue.performance import Performance\n"
        "Performance.load('cpu')\n"
        "print('loaded')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path
    )
    assert ended.stdout.strip().endswith("loaded"), ended.stdout + ended.stderr


# 7. Baked, but nothing moves ------------------------------------------------------------------------------------------


def test_7_a_take_moves_a_character_whose_own_strips_and_action_were_in_the_way(ready_to_perform, scene):
    rig = ready_to_perform.a.armature
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
    rig.pose.bones["Head"].keyframe_insert("rotation_quaternion", frame=1)
    data = rig.animation_data
    own = data.action
    track = data.nla_tracks.new()
    track.strips.new("mine", 1, own)
    track.is_solo = True  # mutes all else, and is easily forgotten
    bpy.ops.duologue.perform("EXEC_DEFAULT", wait=60)
    poses = {tuple(np.round(pose(scene, rig, frame), 5)) for frame in (2, 12, 24, 40)}
    notes = " ".join(sys.modules[f"{MODULE}.session.session"].session.notes)
    assert len(poses) == 4 or "solo" in notes.lower(), "it neither moves nor says what keeps it from moving"
    assert own.name in bpy.data.actions


def pose(scene, rig, frame: int) -> list[float]:
    scene.frame_set(frame)
    evaluated = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return [value for row in evaluated.pose.bones["Head"].matrix for value in row]


def test_7_sounds_other_than_wav_are_heard(ready_to_perform, tmp_path):
    """An mp3 that is silently ignored is a take that doesn't speak."""
    soundfile = pytest.importorskip("soundfile")
    rate = 22050
    t = np.arange(rate * 2) / rate
    voice = 0.4 * np.sin(2 * np.pi * 150 * t) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * t))
    for suffix in ("mp3", "flac", "ogg"):
        file = tmp_path / f"voice.{suffix}"
        soundfile.write(file, voice, rate)
        ready_to_perform.a.file = str(file)
        briefing = sys.modules[f"{MODULE}.briefing"]
        sound, _ = briefing.read_speech(bpy.context, ready_to_perform)
        assert sound.seconds == pytest.approx(2.0, abs=0.1), suffix
        assert np.abs(sound.samples).max() == pytest.approx(0.4, abs=0.08), suffix


# 8. Retarget twists and 9. shape-key names: ELSEWHERE -----------------------------------------------------------------


def test_8_and_9_have_their_own_files_for_every_known_rig_and_name():
    assert len(ELSEWHERE[8]) >= 3
    assert len(ELSEWHERE[9]) >= 3


# 10. Licence and asset walls, and undo that crashes -------------------------------------------------------------------


def test_10_everything_needed_to_try_it_is_in_the_package():
    """No account, no gate, no asset to fetch: the characters, maps and starter models are files of ours with a licence."""
    from duologue.files.folders import checkpoints_folder, rigs_folder

    assert len(list((rigs_folder() / "characters").glob("*.safetensors"))) >= 2
    assert list(checkpoints_folder().rglob("*.safetensors"))
    assert {path.stem for path in (REPOSITORY / "LICENSES").iterdir()} >= {"Apache-2.0", "GPL-3.0-or-later"}


def test_10_undo_and_redo_while_a_take_streams_in_break_nothing(ready_to_perform, scene, session):
    ready_to_perform.steps = 8
    bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.duologue.seed = 5
    bpy.ops.ed.undo_push(message="another seed")
    bpy.ops.duologue.perform("EXEC_DEFAULT")
    undone = 0
    while session.pump():
        if session.frames_done > 15 * undone and undone < 4:
            (bpy.ops.ed.redo if undone % 2 else bpy.ops.ed.undo)()
            undone += 1
        time.sleep(0.02)
    assert undone >= 2, session.message
    assert session.state in {"DONE", "FAILED"}, session.message
    assert session.message
    rig = bpy.context.scene.duologue.a.armature
    assert rig is None or rig.name in bpy.data.objects


def test_10_undo_far_back_to_before_the_characters_ends_a_take_with_a_reason(ready_to_perform, session):
    bpy.ops.ed.undo_push(message="ready")
    ready_to_perform.steps = 3
    bpy.ops.duologue.perform("EXEC_DEFAULT")
    while session.pump() and not session.frames_done:
        time.sleep(0.02)
    for ob in list(bpy.data.objects):
        bpy.data.objects.remove(ob)
    until = time.monotonic() + 40
    while session.pump() and time.monotonic() < until:
        time.sleep(0.02)
    assert session.state == "FAILED"
    assert "armature" in session.message.lower() or "character" in session.message.lower()
