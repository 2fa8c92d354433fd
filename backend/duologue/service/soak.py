"""``python -m duologue.service.soak --hours 8``: a server under everything at once, for long; nothing may grow.

Clients perform, cancel at some moment, go without a word and come back; connections are cut, workers killed, malformed messages
sent. Every ten seconds the server's memory, descriptors and threads are noted; at the end their slopes an hour are printed as
JSON. It is bounded by its hours, all of it is loopback, and the exit code is 1 when a take was lost, doubled or changed or the
server ended.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from duologue.errors import DuologueError
from duologue.service import faults
from duologue.wire.client import Client
from duologue.wire.local import LocalServer

SAMPLE_SECONDS: Final = 10.0
WARM: Final = 0.2
"""The share of the samples, from the first on, that the slopes leave out: caches fill."""


class Soak:
    """What several threads do to one server, and what came of it."""

    def __init__(self, server: LocalServer, seed: int) -> None:
        self._server, self._seed = server, seed
        self._stop = threading.Event()
        self.counts: Counter[str] = Counter()
        self.samples: list[dict[str, float]] = []
        with Client.connect(server.connection) as client:
            self._expected = faults.Performed.of(client.submit(faults.brief(), faults.voices())).digest

    def run(self, seconds: float) -> None:
        """Go on for so long, or until the server ends."""
        begun = time.monotonic()
        work = (self._perform, self._cancel, self._vanish, self._cut, self._disturb)
        threads = [threading.Thread(target=self._repeat, args=(one, i), daemon=True) for i, one in enumerate(work)]
        for thread in threads:
            thread.start()
        while self._server.alive() and time.monotonic() - begun < seconds:
            time.sleep(min(SAMPLE_SECONDS, seconds))
            self.samples.append({"hours": (time.monotonic() - begun) / 3600, **faults.usage(self._server.process.pid)})
        self._stop.set()
        for thread in threads:
            thread.join(faults.PATIENCE)

    def report(self) -> dict[str, Any]:
        """Return counts, the last sample, and slopes an hour, JSON-safe."""
        kept = self.samples[int(len(self.samples) * WARM) :]
        slopes = {
            name: round(float(np.polyfit([one["hours"] for one in kept], [one[name] for one in kept], 1)[0]), 3)
            for name in ("megabytes", "descriptors", "threads")
            if len(kept) > 2 and all(name in one for one in kept)
        }
        return {
            "counts": dict(self.counts),
            "alive": self._server.alive(),
            "last": self.samples[-1] if self.samples else {},
            "slopes_an_hour": slopes,
            "children": len(faults.children(self._server.process.pid)),
        }

    def _repeat(self, work: Any, index: int) -> None:
        rng = random.Random(self._seed + index)
        while not self._stop.is_set():
            try:
                work(rng)
            except DuologueError as error:
                self.counts[f"error {error.reason}"] += 1
                time.sleep(0.5)

    def _judge(self, take: faults.Performed) -> None:
        if take.reason == "jobs-per-client":  # those who went without a word have theirs under way
            self.counts["busy"] += 1
            time.sleep(0.3)
            return
        self.counts["takes"] += 1
        self.counts["cuts"] += take.cuts
        self.counts["lost"] += take.lost
        self.counts["doubled"] += take.doubled
        self.counts["changed"] += take.reason == "" and take.digest != self._expected
        if take.reason:
            self.counts[f"failed {take.reason}"] += 1

    def _perform(self, rng: random.Random) -> None:
        with Client.connect(self._server.connection) as client:
            for _ in range(5):
                self._judge(faults.Performed.of(client.submit(faults.brief(rng.randrange(20)), faults.voices())))

    def _cancel(self, rng: random.Random) -> None:
        with Client.connect(self._server.connection) as client:
            for _ in range(5):
                job = client.submit(faults.brief(20), faults.voices())
                time.sleep(rng.uniform(0, 0.3))
                job.cancel()
                job.wait_until_over(10)
                self.counts["cancels"] += 1

    def _vanish(self, rng: random.Random) -> None:
        with Client.connect(self._server.connection) as client:
            client.submit(faults.brief(20), faults.voices())
            time.sleep(rng.uniform(0, 0.3))
            self.counts["gone"] += 1
        time.sleep(0.2)

    def _cut(self, rng: random.Random) -> None:
        for take in faults.cut_takes(self._server.connection, 3, rng):
            self._judge(take)

    def _disturb(self, rng: random.Random) -> None:
        self.counts["malformed"] += faults.malformed(self._server.connection, 1000, rng)
        if rng.random() < 0.1:
            faults.kill_workers(self._server)
            self.counts["kills"] += 1
        time.sleep(1.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from a command line."""
    parser = argparse.ArgumentParser(prog="python -m duologue.service.soak")
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    with faults.victim() as server:
        soak = Soak(server, options.seed)
        soak.run(options.hours * 3600)
        report = soak.report()
    print(json.dumps(report, indent=2))
    wrong = sum(soak.counts[name] for name in ("lost", "doubled", "changed"))
    return 0 if report["alive"] and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
