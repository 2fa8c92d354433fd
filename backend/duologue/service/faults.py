"""A server and what may befall it: malformed messages, connections that are cut, workers that are killed.

For proofs of any length: each part says what was sent, cut or killed, and what of the takes got lost, doubled or changed by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import zmq

from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.service.proxy import Proxy
from duologue.take import Window
from duologue.units import SPEECH_RATE, Sound
from duologue.wire import messages
from duologue.wire.client import Client, Finished, PerformanceJob
from duologue.wire.codec import HINTS, TYPES
from duologue.wire.connection import Connection
from duologue.wire.framing import MAGIC, decode, encode
from duologue.wire.greeting import address_of
from duologue.wire.local import LocalServer

TAKE_SECONDS: Final = 40.0
"""Of the takes here: eight windows of 5 s."""
BATCH: Final = 200
"""Malformed messages between two pings."""
PATIENCE: Final = 60.0
"""Seconds without an answer after which a server counts as hung."""

_HOSTILE: Final = (
    *(b'"\\ud800"', b'"\\udfff\\ud800"', b"null", b"true", b"-1", b"9e999", b"NaN", b"1" + b"0" * 5000, b'"%b"' % (b"x" * 5000)),
    *(b"[" * 900 + b"]" * 900, b"[" * 60_000, b"{}", b'{"\\ud800": 1}', b"[1, 2]", b'["\\ud800"]', b"9007199254740993", b'""'),
)  # fmt: skip
_PLAIN: Final[dict[Any, bytes]] = {str: b'"x"', int: b"1", bool: b"true", float: b"1.5"}


@contextmanager
def victim(**options: Any) -> Iterator[LocalServer]:
    """Run a server in a process of its own, with a state folder of its own and a performance that costs nothing."""
    with tempfile.TemporaryDirectory(prefix="duologue-faults-") as state:
        arguments = ["--state", state]
        options = {
            "device": "cpu",
            "performance": "duologue.service.bench:Metronome",
            "arguments": arguments,
            **options,
        }
        with LocalServer.start(**options) as server:
            yield server


def measure_faults(rounds: int = 5, seed: int = 0) -> dict[str, Any]:
    """Send a server 10,000 malformed messages a round, cut 10 takes' connections and kill the workers of 2.

    ``rounds=1000`` is the long run: 10^7 messages, 10^4 cuts, 2,000 kills; it takes about a day.

    Returns:
        JSON-safe: ``messages``, ``cuts``, ``kills`` that there were; ``lost``, ``doubled``, ``changed`` takes (0 is right);
        ``failed``: takes that ended with an error, by reason; ``server_ended``; ``growth``: of the server's memory (MB) and
        descriptors from the end of the first round to the end of the last (Linux).
    """
    rng, totals = random.Random(seed), dict.fromkeys(("messages", "cuts", "kills", "lost", "doubled", "changed"), 0)
    failed: dict[str, int] = {}
    with victim() as server, Client.connect(server.connection) as client:
        expected = Performed.of(client.submit(brief(), voices())).digest
        first = last = usage(server.process.pid)
        for turn in range(rounds):
            totals["messages"] += malformed(server.connection, 10_000, rng)
            for take in [*cut_takes(server.connection, 10, rng), *killed_takes(server, 2, rng)]:
                totals["cuts"] += take.cuts
                totals["kills"] += take.kills
                totals["lost"] += take.lost
                totals["doubled"] += take.doubled
                totals["changed"] += take.reason == "" and take.digest != expected
                if take.reason:
                    failed[take.reason] = failed.get(take.reason, 0) + 1
            last = usage(server.process.pid)
            first = last if turn == 0 else first
        ended = not server.alive()
    growth = {name: last[name] - first[name] for name in last}
    return {**totals, "failed": failed, "server_ended": ended, "growth": growth}


def brief(milliseconds: int = 0) -> Brief:
    """Return a brief for ``bench.Metronome``: each window takes that long."""
    return Brief.from_json({"performers": {"A": {"style": milliseconds}, "B": {}}})


def voices(seconds: float = TAKE_SECONDS) -> tuple[Sound, Sound]:
    """Return noise for both performers."""
    noise = np.random.default_rng(0).normal(0, 0.1, round(seconds * SPEECH_RATE)).astype(np.float32)
    return Sound(noise, SPEECH_RATE), Sound(noise, SPEECH_RATE)


class Performed:
    """What became of a take."""

    def __init__(self) -> None:
        self.digest, self.reason = "", ""
        self.cuts = self.kills = 0
        self.lost = self.doubled = False

    @classmethod
    def of(cls, job: PerformanceJob, on_window: Callable[[int], None] = lambda _: None) -> Performed:
        """Take a job's events; ``on_window`` hears of each window, counted from 1, and of 0 before the first."""
        take, count, end = cls(), 0, 0
        on_window(0)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            event = job.next_event(1.0)
            if isinstance(event, Window):
                take.lost |= event.start > end
                take.doubled |= event.start < end
                end, count = event.end, count + 1
                on_window(count)
            elif isinstance(event, Finished):
                take.digest = event.digest
                return take
            elif isinstance(event, DuologueError):
                take.reason = event.reason
                return take
        take.reason = "hung"
        return take


def cut_takes(connection: Connection, count: int, rng: random.Random) -> Iterator[Performed]:
    """Perform takes through a proxy that cuts each connection after some bytes, and once after a window."""
    port = address_of(connection.endpoint)[1]
    windows = round(TAKE_SECONDS / 5)
    for index in range(count):
        # The handshake and the welcome have some 3,000 bytes, a take 8 windows of 290,000.
        limits = tuple(
            rng.choice((rng.randrange(64, 6000), rng.randrange(6000, 2_400_000))) for _ in range(rng.randrange(3))
        )
        with Proxy(port, limits) as proxy:
            through = replace(connection, endpoint=f"tcp://127.0.0.1:{proxy.port}")
            with Client(through) as client:
                at = index % (windows + 1)
                take = Performed.of(client.submit(brief(5), voices()), _once(at, proxy.cut))
            take.cuts = max(0, proxy.connections - 1)
        yield take


def killed_takes(server: LocalServer, count: int, rng: random.Random) -> Iterator[Performed]:
    """Perform takes whose worker is killed after one of their windows (POSIX)."""
    for _ in range(count if sys.platform != "win32" else 0):
        with Client.connect(server.connection) as client:
            at = rng.randrange(round(TAKE_SECONDS / 5))
            take = Performed.of(client.submit(brief(40), voices()), _once(at, lambda: kill_workers(server)))
        take.kills = 1
        yield take


def _once(at: int, act: Callable[[], None]) -> Callable[[int], None]:
    def on_window(count: int) -> None:
        if count == at:
            threading.Timer(0.02, act).start()

    return on_window


def kill_workers(server: LocalServer) -> None:
    """Kill a server's workers, wherever they are in their work."""
    for pid in children(server.process.pid):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


@contextmanager
def dealer_to(connection: Connection) -> Iterator[zmq.Socket[bytes]]:
    """Yield a socket to a server that has the right keys and says whatever one likes."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.LINGER, 0)
        for option, key in (
            (zmq.CURVE_SERVERKEY, connection.server_key),
            (zmq.CURVE_PUBLICKEY, connection.client_public),
            (zmq.CURVE_SECRETKEY, connection.client_secret),
        ):
            dealer.setsockopt(option, key.encode())
        dealer.connect(connection.endpoint)
        yield dealer


def malformed(connection: Connection, count: int, rng: random.Random) -> int:
    """Send a server messages with something wrong in them, and see that it answers in between.

    Raises:
        DuologueError: DEADLINE_EXCEEDED ``server-hung``.
    """
    with dealer_to(connection) as dealer:
        for sent in range(0, count, BATCH):
            dealer.send_multipart(encode(messages.Hello(protocol=(1, 1))))
            for _ in range(min(BATCH, count - sent)):
                dealer.send_multipart(malformed_message(rng))
            dealer.send_multipart(encode(messages.Ping()))
            _await_pong(dealer)
    return count


def _await_pong(dealer: zmq.Socket[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if dealer.poll(1000, zmq.POLLIN):
            with contextlib.suppress(DuologueError):
                if isinstance(decode(dealer.recv_multipart()).message, messages.Pong):
                    return
    raise DuologueError("DEADLINE_EXCEEDED", "server-hung", f"the server did not answer in {PATIENCE:.0f} s")


def malformed_message(rng: random.Random) -> list[bytes]:
    """Return the frames of a message with something wrong in it: a field, the arrays, some bytes, or everything."""
    kind = rng.choice([*HINTS])
    hints = HINTS[kind]
    values = {name: _PLAIN.get(hints[name], b"[1,2]") for name in _needed(kind)}
    if hints and rng.random() < 0.7:
        values[rng.choice([*hints])] = rng.choice(_HOSTILE)
    pairs = [b'"t":"%b"' % kind.encode(), *(json.dumps(name).encode() + b":" + value for name, value in values.items())]
    arrays: list[bytes] = []
    if rng.random() < 0.3:
        arrays = [rng.randbytes(rng.randrange(64)) for _ in range(rng.randrange(1, 10))]
        pairs.append(b'"n":[%b]' % b",".join(_description(array, rng) for array in arrays))
    header = b"{%b}" % b",".join(pairs)
    if rng.random() < 0.3:
        position = rng.randrange(len(header))
        header = header[:position] + rng.randbytes(rng.randrange(1, 4)) + header[position + rng.randrange(3) :]
    frames = [MAGIC, header, *arrays]
    if rng.random() < 0.1:
        frames = [rng.randbytes(rng.randrange(40)) for _ in range(rng.randrange(1, 12))]
    return frames


def _needed(kind: str) -> list[str]:
    return [f.name for f in fields(TYPES[kind]) if f.default is MISSING and f.default_factory is MISSING]


def _description(array: bytes, rng: random.Random) -> bytes:
    plain = {"name": f"a{rng.randrange(4)}", "dtype": "|u1", "shape": [len(array)], "nbytes": len(array)}
    wrong: dict[str, Any] = {
        "name": rng.choice(["brief", "pcm", "\ud800", 7]),
        "dtype": rng.choice(["|O", "<f4", 3]),
        "shape": rng.choice([[2**62, 2**62], [0, 2**62], [-1], [[]], "x", [1] * 9]),
        "nbytes": rng.choice([-1, 2**62, None]),
    }
    name = rng.choice([*wrong])
    return json.dumps(plain | ({name: wrong[name]} if rng.random() < 0.7 else {})).encode()


def children(pid: int) -> list[int]:
    """Return the processes that a process started (Linux; none elsewhere)."""
    found: list[int] = []
    for task in Path("/proc").glob(f"{pid}/task/*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return found


def usage(pid: int) -> dict[str, float]:
    """Return what a process holds: ``megabytes`` of memory, ``descriptors``, ``threads`` (Linux; nothing elsewhere)."""
    process = Path("/proc") / str(pid)
    try:
        pages = int((process / "statm").read_text().split()[1])
        return {
            "megabytes": round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 2),
            "descriptors": len([*(process / "fd").iterdir()]),
            "threads": len([*(process / "task").iterdir()]),
        }
    except OSError:
        return {}
