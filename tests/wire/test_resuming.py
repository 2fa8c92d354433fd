"""A job over a new connection: nothing is sent up before the server has said what it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
from duologue.brief import Brief
from duologue.units import Sound
from duologue.wire import messages
from duologue.wire.framing import Packet
from duologue.wire.performing import PerformanceJob

WELCOME = messages.Welcome((1, 1), "s", "i", "1", ("resume",), {}, 1 << 20, 2000, {})


def accepted(grant: int) -> Packet:
    return Packet(messages.Accepted("j", "k", "uploading", 0, (0, 0), grant))


def test_what_was_on_its_way_when_the_connection_broke_is_sent_again_and_nothing_after_it_before() -> None:
    sent: list[messages.Message] = []
    connected = True

    def send(message: messages.Message, arrays: dict[str, Any]) -> bool:
        if connected:
            sent.append(message)
        return connected

    voice = Sound(np.full(100_000, 0.1, np.float32), 16_000)
    brief = Brief.from_json({"performers": {"A": {}, "B": {}}})
    job = PerformanceJob(brief, (voice, voice), 1 << 20, lambda: None)
    job.connected(send, WELCOME, resume=False)
    job.on_packet(accepted(grant=150_000), send)
    assert sent[-1] == messages.Audio("j", 0, 0)  # it gets lost with the connection
    connected = False
    job.on_packet(Packet(messages.Grant("j", 2_500_000)), send)

    sent.clear()
    connected = True
    job.connected(send, WELCOME, resume=True)
    job.pump(send)
    assert [message.TYPE for message in sent] == ["RESUME"]
    job.on_packet(accepted(grant=2_500_000), send)
    assert sent[1] == messages.Audio("j", 0, 0)
