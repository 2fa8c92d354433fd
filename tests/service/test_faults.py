"""The short form of ``duologue bench --parts faults``, and of the soak: what the long ones count is counted."""

from __future__ import annotations

import random
import sys

import pytest
from duologue.errors import DuologueError
from duologue.service import faults
from duologue.service.soak import Soak
from duologue.wire.framing import decode


def test_a_server_that_is_mistreated_loses_no_take() -> None:
    report = faults.measure_faults(rounds=1)
    assert report["messages"] == 10_000
    assert report["cuts"] >= 10
    assert {name: report[name] for name in ("lost", "doubled", "changed", "failed", "server_ended")} == {
        "lost": 0, "doubled": 0, "changed": 0, "failed": {}, "server_ended": False
    }  # fmt: skip


def test_malformed_messages_are_of_many_kinds_and_nearly_all_refused() -> None:
    rng, reasons, taken = random.Random(0), set(), 0
    for _ in range(3000):
        try:
            decode(faults.malformed_message(rng))
            taken += 1
        except DuologueError as error:
            reasons.add(error.reason)
    assert {"frame-count", "frame-header", "frame-dtype", "frame-shape", "frame-magic", "message-field"} <= reasons
    assert taken < 1000


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_soak_notes_what_the_server_holds() -> None:
    with faults.victim() as server:
        soak = Soak(server, seed=1)
        soak.run(3)
        report = soak.report()
    assert report["alive"]
    assert report["last"]["megabytes"] > 10
    assert report["counts"]["takes"] > 0
    assert not {name for name in ("lost", "doubled", "changed") if report["counts"][name]}
