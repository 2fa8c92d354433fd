# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending a take out while it plays or is being made: VMC (OSC) or Live Link Face over UDP, one port a performer.

While it is on, two handlers are registered: one sends at every change of the frame, one ends it before another file is loaded.
While it is off there is none, and never a timer. What is sent is the take itself, not what was keyed on top of it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import bpy
from bpy.app.translations import pgettext_iface as _t
from duologue.errors import DuologueError
from duologue.labels import PERFORMERS
from duologue.motion.skeleton import Skeleton
from duologue.streaming import live_link, vmc
from duologue.take import Track
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from ..properties import settings_of
from ..scene.timing import frame_rate
from ..takes import store
from .servers import is_this_computer

if TYPE_CHECKING:
    from bpy.types import Scene

Protocols = Literal["VMC", "LIVE_LINK"]

DATAGRAM = 1400
"""Bytes of a bundle at most, so that none is cut in two on a network whose packets hold 1500."""


class _Words(Protocol):
    """How one performer's frames are told in one protocol."""

    def packets(self, track: Track, at: int, frame: int) -> list[bytes]: ...


class _Vmc:
    def __init__(self, skeleton: Skeleton, _: str) -> None:
        self._avatar = vmc.Avatar(skeleton)
        self._began = time.monotonic()

    def packets(self, track: Track, at: int, frame: int) -> list[bytes]:
        seconds = time.monotonic() - self._began
        return bundles(
            self._avatar.messages(track.rotations[at], track.root_translation[at], track.weights[at], seconds)
        )


class _LiveLink:
    def __init__(self, _: Skeleton, performer: str) -> None:
        self._subject = f"Duologue {performer}"

    def packets(self, track: Track, at: int, frame: int) -> list[bytes]:
        return [live_link.packet(self._subject, frame, track.weights[at])]


_WORDS: dict[Protocols, type[_Vmc] | type[_LiveLink]] = {"VMC": _Vmc, "LIVE_LINK": _LiveLink}


def bundles(messages: Iterable[vmc.Message]) -> list[bytes]:
    """Return OSC bundles that hold the messages in their order, each no larger than ``DATAGRAM`` bytes."""
    builders: list[OscBundleBuilder] = []
    room = 0
    for address, arguments in messages:
        message = build_msg(address, list(arguments))
        need = 4 + message.size
        if need > room:
            builders.append(OscBundleBuilder(IMMEDIATELY))
            room = DATAGRAM - 16
        builders[-1].add_content(message)
        room -= need
    return [bundle.build().dgram for bundle in builders]


@dataclass(frozen=True)
class UdpTarget:
    """Where frames go: an address (a number, already looked up) and a port for A and for B."""

    address: str
    family: int
    ports: tuple[int, int]


def find_target(protocol: Protocols, host: str, ports: tuple[int, int]) -> UdpTarget:
    """Look a host up. This computer is always allowed, others (and asking for their addresses) where Blender may go online.

    Raises:
        DuologueError: INVALID_ARGUMENT ``host-unknown``, ``ports-same``; PERMISSION_DENIED ``offline``.
    """
    host = host.strip() or "localhost"
    if protocol == "VMC" and ports[0] == ports[1]:  # an avatar has no name in VMC: two on one port would fight
        raise DuologueError("INVALID_ARGUMENT", "ports-same", _t("A and B need a port each; give B another one"))
    if not bpy.app.online_access and not is_this_computer(f"{host}:{ports[0]}"):
        message = _t(
            "{host} is another computer, and Blender may not go online: tick Preferences > System > Network > Allow Online "
            "Access, or send to 127.0.0.1"
        )
        raise DuologueError("PERMISSION_DENIED", "offline", message.format(host=host))
    try:
        family, *_, address = socket.getaddrinfo(host, ports[0], type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        message = _t("{host} can't be found ({error}); give a name or an address of this network")
        raise DuologueError("INVALID_ARGUMENT", "host-unknown", message.format(host=host, error=error)) from error
    return UdpTarget(str(address[0]), family, ports)


class Stream:
    """What is on: where to, in which protocol, and how many frames went out. It keeps the scene's name, never the scene."""

    def __init__(self, scene: str, protocol: Protocols, target: UdpTarget) -> None:
        self.scene = scene
        self.protocol: Protocols = protocol
        self.target = target
        self.sent = 0
        self.problem = ""
        self._socket = socket.socket(target.family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._skeleton: Skeleton | None = None
        self._words: list[_Words] = []

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def show_frame(self, scene: Scene) -> None:
        """Send the take's frame that the scene shows; before the take its first, after it its last."""
        entry = store.current_entry(settings_of(scene))
        if entry is None:
            return
        take = store.load_take(entry)
        seconds = (scene.frame_current_final - entry.first_frame) / frame_rate(scene)
        frame = min(max(0, round(seconds * take.fps)), take.frames - 1)
        self.send(take.skeleton, take.tracks, frame, frame)

    def send(self, skeleton: Skeleton, tracks: Sequence[Track], at: int, frame: int) -> None:
        """Send both performers' ``at``-th frame, which is the take's ``frame``-th. A frame that finds no room is left out."""
        if skeleton is not self._skeleton:
            self._skeleton, self._words = skeleton, [_WORDS[self.protocol](skeleton, name) for name in PERFORMERS]
        for words, track, port in zip(self._words, tracks, self.target.ports, strict=True):
            for packet in words.packets(track, at, frame):
                try:
                    self._socket.sendto(packet, (self.target.address, port))
                except BlockingIOError:
                    continue
                except OSError as error:
                    self.problem = str(error.strerror or error)
                    return
        self.sent += 1
        self.problem = ""


_on: list[Stream] = []


def stream() -> Stream | None:
    """Return what is being sent, or None."""
    return _on[0] if _on else None


def start(scene: Scene, protocol: Protocols, host: str, ports: tuple[int, int]) -> Stream:
    """Begin to send, the frame that is shown at once.

    Raises:
        DuologueError: what :func:`find_target` raises; NOT_FOUND ``take-missing`` when the take's file is gone.
    """
    target = find_target(protocol, host, ports)
    stop()
    _on.append(Stream(scene.name, protocol, target))
    bpy.app.handlers.frame_change_post.append(_frame_changed)
    bpy.app.handlers.load_pre.append(_before_load)
    try:
        _on[0].show_frame(scene)
    except DuologueError:
        stop()
        raise
    return _on[0]


def stop() -> None:
    """End it. May be called at any time, and twice."""
    for handlers, ours in (
        (bpy.app.handlers.frame_change_post, _frame_changed),
        (bpy.app.handlers.load_pre, _before_load),
    ):
        while ours in handlers:
            handlers.remove(ours)
    while _on:
        _on.pop().close()


def send_frame(skeleton: Skeleton, tracks: Sequence[Track], frame: int) -> None:
    """Send a frame of a take that is being made (``tracks`` hold just that frame), where anything is being sent."""
    if _on:
        _on[0].send(skeleton, tracks, 0, frame)


def _frame_changed(scene: Scene, *_: Any) -> None:
    if _on and scene.name == _on[0].scene:
        try:
            _on[0].show_frame(scene)
        except DuologueError as error:
            _on[0].problem = str(error)


def _before_load(*_: Any) -> None:
    stop()


def unregister() -> None:
    """Leave no handler and no socket behind."""
    stop()
