"""The figures the README quotes, measured here; comparisons interleaved (A, B, B, A) in one run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.files.folders import demo_brief
from duologue.shots import blender, events
from duologue.take import Window
from duologue.units import FPS

Row = dict[str, Any]
"""One figure: ``name``, ``value``, ``unit``, ``limit`` (None where there is none) and how it was measured."""


def measure(part: str, repeats: int) -> list[Row]:
    """Return the figures of one of ``PARTS``, each timed so often; what can't be measured here is a row that says why."""
    try:
        return PARTS[part](repeats)
    except DuologueError as error:
        return [{"name": part, "value": None, "unit": "", "limit": None, "how": f"not measured: {error}"}]


def measure_take(repeats: int) -> list[Row]:
    """Time the demo's dialogue: both bodies, both faces and the features, in this process, models loaded."""
    from duologue.performance import Performance
    from duologue.speech.decode import load_pair

    brief = Brief.load(demo_brief())
    audio_a, audio_b, _ = load_pair(brief)
    performance = Performance.load("auto")
    factors: list[float] = []
    firsts: list[float] = []
    seconds = 0.0
    for index in range(repeats + 1):
        began = time.perf_counter()
        first, frames = 0.0, 0
        for event in performance.stream(brief, (audio_a, audio_b)):
            if isinstance(event, Window):
                first = first or time.perf_counter() - began
                frames = event.end
        seconds = frames / FPS
        if index:  # the first run warms caches up
            factors.append((time.perf_counter() - began) / seconds)
            firsts.append(first)
    how = f"median of {repeats} of the {seconds:.0f} s demo dialogue, in process (min {min(factors):.3f}, max {max(factors):.3f})"
    return [
        _row("take: real-time factor", statistics.median(factors), "x", 1.0, how),
        _row("take: first window", statistics.median(firsts), "s", None, "same runs, without the wire"),
    ]


def measure_wire(repeats: int) -> list[Row]:
    """Time a warm server: first window, what the wire adds to a take, CURVE against plain."""
    from duologue.service.bench import measure_wire as measure

    firsts = _first_windows(repeats)
    first = f"median of {repeats}, max {max(firsts):.2f}"
    figures = measure(rounds=repeats)
    seconds, added = figures["take_seconds"], figures["added_ms"]
    factor = figures["performance_ms_per_window"] / 5000
    adds = (
        f"adds {added:.0f} ms to a {seconds:.0f} s take (at factor {factor:g}: {_interval(figures['wire_overhead'])})"
    )
    # What the wire adds is the same for any performance; the limit is for one at the real-time factor where we go.
    share = 1 + added / (1000 * 0.3 * seconds)
    curve = figures["curve_overhead"]
    noise = f"{_interval(curve)}; noise {_interval(figures['noise'])}"
    return [
        _row("wire: first window, warm server", statistics.median(firsts), "s", 2.0, first),
        _row("wire: a take at real-time factor 0.3, over the wire / without", share, "x", 1.05, adds),
        _row("wire: CURVE / plain", curve["median"], "x", 1.05, noise),
    ]


def _first_windows(repeats: int) -> list[float]:
    """Return how many seconds each first window of the demo took, from a server that is warm."""
    from duologue.speech.decode import load_pair
    from duologue.wire.local import LocalServer, open_client

    brief = Brief.load(demo_brief())
    a, b, _ = load_pair(brief)
    seconds: list[float] = []
    with LocalServer.start() as server, open_client(server.connection) as client:
        for _ in range(repeats + 1):
            began = time.perf_counter()
            for event in client.perform(brief, (a, b)):
                if isinstance(event, Window):
                    seconds.append(time.perf_counter() - began)
                    break  # leaving the loop cancels the rest
    return seconds[1:]  # the first warms it up


def _interval(ratio: dict[str, float]) -> str:
    return f"{ratio['median']:.3f} [{ratio['low']:.3f}, {ratio['high']:.3f}]"


def measure_blender(repeats: int) -> list[Row]:
    """Time the extension's registration and writing a 60 s take onto both sample characters, in Blender."""
    rows: list[Row] = []
    command = [*blender.find_blender(), "benchmark", "--repeats", str(repeats)]
    code, last = events.follow(command, lambda event: rows.extend(event.get("rows", ())))
    if code or not rows:
        raise blender.ended(code, last)
    return rows


def measure_import(repeats: int) -> list[Row]:
    """Time ``import duologue`` in fresh interpreters."""
    probe = "import time; t = time.perf_counter(); import duologue; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-P", "-c", probe], capture_output=True, text=True, check=True).stdout)
        for _ in range(repeats)
    ]
    return [_row("import duologue", statistics.median(times), "s", 0.15, f"median of {repeats} fresh interpreters")]


def measure_faults(repeats: int) -> list[Row]:
    """Mistreat a server: 10,000 malformed messages, 10 cut connections and 2 killed workers each of so many times."""
    from duologue.service.faults import measure_faults as mistreat

    report = mistreat(repeats)
    how = f"{report['messages']} malformed messages, {report['cuts']} cuts, {report['kills']} killed workers"
    if report["failed"]:
        how += f"; ended with an error: {report['failed']}"
    spoilt = report["lost"] + report["doubled"] + report["changed"] + sum(report["failed"].values())
    return [
        _row("faults: takes lost, doubled, changed or failed", spoilt, "", 0, how),
        _row("faults: server ended", int(report["server_ended"]), "", 0, "same run"),
        *(
            _row(f"faults: {name}", value, "more", None, "of the server, from the end of the first round to the last's")
            for name, value in report["growth"].items()
        ),
    ]


PARTS: dict[str, Callable[[int], list[Row]]] = {
    "import": measure_import,
    "take": measure_take,
    "wire": measure_wire,
    "blender": measure_blender,
    "faults": measure_faults,
}


def _row(name: str, value: float, unit: str, limit: float | None, how: str) -> Row:
    return {"name": name, "value": value, "unit": unit, "limit": limit, "how": how}
