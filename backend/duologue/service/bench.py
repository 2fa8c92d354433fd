"""What the wire costs, as ratios in one run: a performance over DUO/1 against the same performance as a loop in its own process,
and CURVE against none.

The performance here makes windows of a real take's size and takes a set time for each, so that nothing but the wire is compared.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from duologue import arkit
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.service.serve import run
from duologue.service.settings import Settings
from duologue.take import Progress, Track, Window
from duologue.units import FPS, SPEECH_RATE, Sound
from duologue.wire import windows
from duologue.wire.client import Client

FRAMES = 150
JOINTS = 60


class Metronome:
    """A performance that makes windows of ``FRAMES`` frames, each ready ``brief.a.style`` milliseconds after the one before."""

    @classmethod
    def load(cls, device: str) -> Metronome:
        """Make it; there is nothing to load."""
        return cls()

    def describe(self) -> dict[str, Any]:
        """Return the names that a client needs."""
        return {"fps": FPS, "arkit_names": list(arkit.NAMES)}

    def stream(
        self, brief: Brief, audio: tuple[Sound, Sound], should_stop: Callable[[], bool]
    ) -> Iterator[Progress | Window]:
        """Yield as many windows as the speech is long, each in its time."""
        random = np.random.default_rng(brief.seed)
        frames = round(audio[0].seconds * FPS)
        pause = brief.styles[0] / 1000
        due = time.perf_counter()
        for start in range(0, frames, FRAMES):
            window = _window(random, start)
            due += pause
            # A computation would not wait for a slow client either: the time is from window to window.
            time.sleep(max(0.0, due - time.perf_counter()))
            yield Progress("body", start + FRAMES, frames)
            yield window


def _window(random: np.random.Generator, start: int) -> Window:
    a, b = (
        Track(
            random.standard_normal((FRAMES, 3), np.float32),
            random.standard_normal((FRAMES, JOINTS, 3), np.float32),
            random.random((FRAMES, 52), np.float32),
            np.ones(FRAMES, np.bool_),
            np.zeros(FRAMES, np.uint8),
        )
        for _ in range(2)
    )
    return Window(start, (a, b))


@dataclass(frozen=True)
class Ratio:
    """A median of paired ratios and its bootstrap 95 % interval."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, above: NDArray[np.float64], below: NDArray[np.float64], resamples: int = 2000) -> Ratio:
        """Compare times pair by pair."""
        ratios = above / below
        random = np.random.default_rng(0)
        medians = np.median(random.choice(ratios, (resamples, len(ratios))), axis=1)
        low, high = np.quantile(medians, [0.025, 0.975])
        return cls(float(np.median(ratios)), float(low), float(high))

    def as_json(self) -> dict[str, float]:
        """Return the three numbers, rounded."""
        return {"median": round(self.median, 4), "low": round(self.low, 4), "high": round(self.high, 4)}


def measure_wire(*, take_seconds: float = 20.0, window_ms: int = 300, rounds: int = 5) -> dict[str, Any]:
    """Measure a take's time without the wire, over it, and over it without CURVE; in turns A, B, B, A within one run.

    Args:
        take_seconds: Length of the take; a window has 5 s of it.
        window_ms: How long the performance needs for a window. 300 ms is a real-time factor of 0.06: the wire's cost is the
            same for any performance, so that a faster one is the harder case.
        rounds: Pairs of each comparison.

    Returns:
        JSON-safe: ratios ``{median, low, high}`` of ``wire_overhead`` (over the wire / without it), ``curve_overhead`` (CURVE /
        none) and ``noise`` (a second measurement without the wire / the first); medians of ``added_ms`` (by the wire, to a take)
        and ``first_window_ms`` (of that, until the first window: the speech going up); ``window_bytes``;
        ``megabytes_per_second`` (windows as fast as the wire takes them).
    """
    noise = np.random.default_rng(0).normal(0, 0.1, round(take_seconds * SPEECH_RATE))
    voice = Sound(noise.astype(np.float32), SPEECH_RATE)
    speech = voice, voice
    brief = Brief.from_json({"performers": {"A": {"style": window_ms}, "B": {}}})
    performance = Metronome.load("cpu")

    def alone() -> tuple[float, float]:
        return _timed(lambda: performance.stream(brief, speech, lambda: False))

    with ExitStack() as stack:
        curve, plain = (stack.enter_context(_server(plain=plain)) for plain in (False, True))

        def over(client: Client) -> tuple[float, float]:
            return _timed(lambda: client.perform(brief, speech))

        ways = {"alone": alone, "again": alone, "curve": lambda: over(curve), "plain": lambda: over(plain)}
        for way in ways.values():
            way()  # warm
        times: dict[str, list[float]] = {name: [] for name in ways}
        firsts: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(rounds):
            order = list(ways) if turn % 2 == 0 else list(reversed(ways))
            for name in order:
                first, whole = ways[name]()
                firsts[name].append(first)
                times[name].append(whole)
        flood = _flood(curve, speech)
    took = {name: np.array(values) for name, values in times.items()}
    count = -(-round(take_seconds * FPS) // FRAMES)
    size = sum(array.nbytes for array in windows.to_arrays(_window(np.random.default_rng(0), 0)).values())
    return {
        "take_seconds": take_seconds,
        "performance_ms_per_window": window_ms,
        "rounds": rounds,
        "wire_overhead": Ratio.of(took["curve"], took["alone"]).as_json(),
        "curve_overhead": Ratio.of(took["curve"], took["plain"]).as_json(),
        "noise": Ratio.of(took["again"], took["alone"]).as_json(),
        "added_ms": round(1000 * float(np.median(took["curve"] - took["alone"])), 2),
        "first_window_ms": round(1000 * float(np.median(np.array(firsts["curve"]) - np.array(firsts["alone"]))), 2),
        "window_bytes": size,
        "megabytes_per_second": round(size * count / flood / 1e6, 1),
    }


def _timed(begin: Callable[[], Iterator[Progress | Window]]) -> tuple[float, float]:
    """Return the seconds to the first window and to the end."""
    begun, first = time.perf_counter(), 0.0
    for item in begin():
        if isinstance(item, Window) and not first:
            first = time.perf_counter() - begun
    return first, time.perf_counter() - begun


def _flood(client: Client, speech: tuple[Sound, Sound]) -> float:
    """Return the time of a take whose performance takes none: what the wire can carry."""
    brief = Brief.from_json({"performers": {"A": {"style": 0}, "B": {}}})
    return float(np.median([_timed(lambda: client.perform(brief, speech))[1] for _ in range(3)]))


@contextmanager
def _server(*, plain: bool) -> Iterator[Client]:
    """Run a server in a process of its own, as it is in use, and connect to it."""
    with tempfile.TemporaryDirectory(prefix="duologue-bench-") as state:
        command = [sys.executable, "-P", "-m", "duologue.service.bench", state, "plain" if plain else "curve"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        file = Path(state) / "server.json"
        try:
            while not file.exists():
                if process.poll() is not None:
                    raise DuologueError("INTERNAL", "bench-server", "the server to measure did not start")
                time.sleep(0.02)
            with Client.connect(file, plain=plain) as client:
                yield client
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(20)


def _serve(state: Path, *, plain: bool) -> None:
    settings = Settings(state, devices=("cpu",), performance="duologue.service.bench:Metronome", plain=plain)
    run(settings, state / "server.json", with_parent=True)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), plain=sys.argv[2] == "plain")
