# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending a take out, heard by real UDP sockets: VMC read by python-osc's own server, Live Link by its published layout."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
import time

import bpy
import numpy as np
import pytest
from conftest import MODULE
from duologue import arkit
from duologue.motion.skeleton import forward_kinematics
from examples import box_pair, example_take
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer
from scipy.spatial.transform import Rotation

FRAMES = 40
FIRST = 11


@pytest.fixture
def take():
    return example_take(FRAMES)


@pytest.fixture
def settings(extension, scene, take, tmp_path):
    """A scene with two people of boxes and a take in its list that begins at frame 11."""
    settings = scene.duologue
    pair = box_pair(scene, tmp_path)
    settings.a.armature, settings.b.armature = (performer.armature for performer in pair)
    store = sys.modules[f"{MODULE}.takes.store"]
    entry = settings.takes.add()
    entry.name, entry.file, entry.frames, entry.first_frame = "Take 1", store.save_take(take), FRAMES, FIRST
    settings.active_take = 0
    yield settings
    sys.modules[f"{MODULE}.session.streaming"].stop()


@pytest.fixture
def outgoing(extension):
    return sys.modules[f"{MODULE}.session.streaming"]


class Listener:
    """A UDP socket of its own, and what came to it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2.0)
        self.port = self.socket.getsockname()[1]

    def receive(self) -> bytes:
        return self.socket.recv(65536)

    def silent(self) -> bool:
        self.socket.settimeout(0.2)
        try:
            self.receive()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(2.0)
        return False


@pytest.fixture
def listeners():
    pair = (Listener(), Listener())
    yield pair
    for listener in pair:
        listener.socket.close()


class Marionette:
    """python-osc's server, which takes a VMC sender's messages apart."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple]] = []
        dispatcher = Dispatcher()
        dispatcher.set_default_handler(lambda address, *arguments: self.heard.append((address, arguments)))
        self.server = ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self) -> list[tuple[str, tuple]]:
        until = time.monotonic() + 3
        while not any(address == "/VMC/Ext/Blend/Apply" for address, _ in self.heard) and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.1)  # its threads may still be at the bundles before the last
        return self.heard


@pytest.fixture
def marionettes():
    pair = (Marionette(), Marionette())
    yield pair
    for marionette in pair:
        marionette.server.shutdown()
        marionette.server.server_close()


def choose(settings, protocol: str, ports) -> None:
    settings.output.protocol = protocol
    settings.output.host = "127.0.0.1"
    settings.output.port_a, settings.output.port_b = (port.port for port in ports)


def start() -> None:
    assert bpy.ops.duologue.start_sending("EXEC_DEFAULT") == {"FINISHED"}


def live_link(data: bytes) -> dict:
    """Take a packet apart by the layout that LLV publishes (readme.md, "Anatomy"; gesicht.py): all of it big-endian."""
    version, at = data[0], 1
    texts = []
    for _ in range(2):
        (length,) = struct.unpack_from(">i", data, at)
        texts.append(data[at + 4 : at + 4 + length].decode())
        at += 4 + length
    frame, part, numerator, denominator, count = struct.unpack_from(">ifiiB", data, at)
    values = struct.unpack_from(f">{count}f", data, at + 17)
    assert at + 17 + 4 * count == len(data), "nothing is left over"
    return {"version": version, "device": texts[0], "subject": texts[1], "frame": frame, "rate": numerator / denominator,
            "part": part, "values": values}  # fmt: skip


def test_live_link_packets_hold_the_frame_that_is_shown(settings, scene, take, listeners):
    choose(settings, "LIVE_LINK", listeners)
    scene.frame_set(FIRST)
    start()
    scene.frame_set(FIRST + 7)
    for listener, track, name in zip(listeners, take.tracks, "AB", strict=True):
        first, second = live_link(listener.receive()), live_link(listener.receive())
        assert (first["version"], len(first["device"]), first["subject"]) == (6, 36, f"Duologue {name}")
        assert first["device"] == second["device"]
        assert [(packet["frame"], packet["rate"], packet["part"]) for packet in (first, second)] == [
            (0, 30, 0),
            (7, 30, 0),
        ]
        assert len(second["values"]) == 61
        # Unreal's EARFaceBlendShape, in which JawLeft is the 16th and JawRight the 17th value (the app's CSV has them swapped).
        for index, shape in (
            (0, "eyeBlinkLeft"),
            (15, "jawLeft"),
            (16, "jawRight"),
            (17, "jawOpen"),
            (51, "tongueOut"),
        ):
            assert second["values"][index] == track.weights[7, arkit.INDEX[shape]]
        assert second["values"][52:] == (0.0,) * 9


def test_vmc_moves_an_avatar_as_the_take_does(settings, scene, take, marionettes):
    """The avatar's joints, put together from what python-osc decodes as Unity would, are the take's, mirrored."""
    choose(settings, "VMC", marionettes)
    scene.frame_set(FIRST + 12)
    start()
    for marionette, track in zip(marionettes, take.tracks, strict=True):
        heard = marionette.wait()
        assert heard.count(("/VMC/Ext/OK", (1,))) == 1
        assert [arguments for address, arguments in heard if address == "/VMC/Ext/Root/Pos"] == [
            ("root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
        ]
        assert any(address == "/VMC/Ext/T" and isinstance(arguments[0], float) for address, arguments in heard)
        shapes = dict(arguments for address, arguments in heard if address == "/VMC/Ext/Blend/Val")
        assert len(shapes) == 52
        assert shapes["JawOpen"] == track.weights[12, arkit.INDEX["jawOpen"]]

        bones = {args[0]: args[1:] for address, args in heard if address == "/VMC/Ext/Bone/Pos"}
        assert len(bones) == 52
        turns, places = forward_kinematics(take.skeleton, track.rotations[12], track.root_translation[12])
        mirror = np.diag([-1.0, 1.0, 1.0])
        for path in (
            ["Hips", "Spine", "Chest", "UpperChest", "Neck", "Head"],
            ["Hips", "Spine", "Chest", "UpperChest", "LeftShoulder", "LeftUpperArm", "LeftLowerArm", "LeftHand"],
            ["Hips", "RightUpperLeg", "RightLowerLeg", "RightFoot", "RightToes"],
        ):
            turn = np.eye(3)
            for bone in path:  # as a scene graph does: a quaternion (x, y, z, w) in the parent's frame
                turn = turn @ Rotation.from_quat(bones[bone][3:]).as_matrix()
            joint = {"Head": "Head", "LeftHand": "LeftHand", "RightToes": "RightToeBase"}[path[-1]]
            np.testing.assert_allclose(turn, mirror @ turns[take.skeleton.index(joint)] @ mirror, atol=1e-5)
        hips = np.array(bones["Hips"][:3])
        np.testing.assert_allclose(hips, mirror @ places[0], atol=1e-6)
        # A leg has no joints of ours between two of Unity's, so its foot must come to stand where the take's does.
        place, turn = hips, Rotation.from_quat(bones["Hips"][3:])
        for bone in ("RightUpperLeg", "RightLowerLeg", "RightFoot"):
            place = place + turn.apply(bones[bone][:3])
            turn = turn * Rotation.from_quat(bones[bone][3:])
        np.testing.assert_allclose(place, mirror @ places[take.skeleton.index("RightFoot")], atol=1e-5)


def test_the_left_is_unity_s_left(settings, scene, marionettes):
    """Facing +Z with X to the right, a left hand has a negative X."""
    choose(settings, "VMC", marionettes)
    start()
    bones = {args[0]: args[1:] for address, args in marionettes[0].wait() if address == "/VMC/Ext/Bone/Pos"}
    assert bones["LeftUpperArm"][0] < 0 < bones["RightUpperArm"][0]
    assert bones["LeftUpperLeg"][0] < 0 < bones["RightUpperLeg"][0]


def test_bundles_fit_a_packet(take, outgoing):
    from duologue.streaming import vmc

    track = take.tracks[0]
    messages = vmc.Avatar(take.skeleton).messages(track.rotations[0], track.root_translation[0], track.weights[0], 0.0)
    assert max(len(bundle) for bundle in outgoing.bundles(messages)) <= 1400


def test_nothing_is_registered_while_it_is_off(settings, scene, listeners, outgoing):
    handlers = bpy.app.handlers
    before = len(handlers.frame_change_post), len(handlers.load_pre)
    choose(settings, "LIVE_LINK", listeners)
    assert not bpy.ops.duologue.stop_sending.poll()
    start()
    assert not bpy.ops.duologue.start_sending.poll()
    assert (len(handlers.frame_change_post), len(handlers.load_pre)) == (before[0] + 1, before[1] + 1)
    assert bpy.ops.duologue.stop_sending("EXEC_DEFAULT") == {"FINISHED"}
    assert (len(handlers.frame_change_post), len(handlers.load_pre)) == before
    listeners[0].receive()
    scene.frame_set(FIRST + 3)
    assert listeners[0].silent()


def test_another_file_ends_it(settings, listeners, outgoing):
    choose(settings, "LIVE_LINK", listeners)
    start()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    assert outgoing.stream() is None
    assert outgoing._frame_changed not in bpy.app.handlers.frame_change_post
    assert outgoing._before_load not in bpy.app.handlers.load_pre


def test_switching_the_extension_off_ends_it(settings, listeners):
    choose(settings, "LIVE_LINK", listeners)
    start()
    bpy.ops.preferences.addon_disable(module=MODULE)
    assert not [f for f in bpy.app.handlers.frame_change_post if "duologue" in f.__module__]
    bpy.ops.preferences.addon_enable(module=MODULE)


def test_what_is_being_made_is_sent_too(settings, take, listeners, outgoing):
    settings.takes.clear()
    choose(settings, "LIVE_LINK", listeners)
    start()
    assert listeners[0].silent(), "there is no take yet"
    outgoing.send_frame(take.skeleton, [track[29:30] for track in take.tracks], 29)
    for listener, track in zip(listeners, take.tracks, strict=True):
        packet = live_link(listener.receive())
        assert packet["frame"] == 29
        assert packet["values"][17] == track.weights[29, arkit.INDEX["jawOpen"]]


def test_a_take_is_sent_while_a_server_makes_it(ready_to_perform, listeners):
    choose(ready_to_perform, "LIVE_LINK", listeners)
    start()
    ready_to_perform.steps = 3
    session = sys.modules[f"{MODULE}.session.session"].session
    bpy.ops.duologue.perform("EXEC_DEFAULT")
    frames = []
    until = time.monotonic() + 40
    listeners[0].socket.settimeout(0.01)
    while session.pump() and time.monotonic() < until:
        with contextlib.suppress(TimeoutError):
            frames.append(live_link(listeners[0].receive())["frame"])
    assert session.state == "DONE", session.message
    assert len(frames) > 5
    assert frames == sorted(frames)
    bpy.ops.duologue.stop_sending("EXEC_DEFAULT")


def test_other_computers_only_with_online_access(settings, outgoing, monkeypatch):
    assert not bpy.app.online_access, "Blender's factory setting"
    asked = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: asked.append(host))
    for host in ("192.0.2.7", "render-1.example"):  # names that documents may use (RFC 5737, RFC 2606)
        settings.output.host = host
        with pytest.raises(RuntimeError, match="Allow Online Access"):
            bpy.ops.duologue.start_sending("EXEC_DEFAULT")
    assert outgoing.stream() is None
    assert not asked, "nobody is asked for an address either"
    monkeypatch.undo()
    for host in ("localhost", "127.0.0.1", "::1", ""):
        assert outgoing.find_target("VMC", host, (39539, 39540))


def test_one_port_for_two_avatars_is_refused_but_not_for_two_faces(settings, listeners, outgoing):
    settings.output.port_b = settings.output.port_a
    with pytest.raises(RuntimeError, match="a port each"):
        bpy.ops.duologue.start_sending("EXEC_DEFAULT")
    assert outgoing.stream() is None
    choose(settings, "LIVE_LINK", (listeners[0], listeners[0]))
    start()
    assert {live_link(listeners[0].receive())["subject"] for _ in range(2)} == {"Duologue A", "Duologue B"}


def test_the_protocol_brings_its_ports_but_leaves_chosen_ones(settings):
    output = settings.output
    output.protocol = "LIVE_LINK"
    assert (output.port_a, output.port_b) == (11111, 11111)
    output.protocol = "VMC"
    assert (output.port_a, output.port_b) == (39539, 39540)
    output.port_a = 5000
    output.protocol = "LIVE_LINK"
    assert output.port_a == 5000
