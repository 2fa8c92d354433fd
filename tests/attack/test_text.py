"""Half a character (``"\\ud800"``) is valid JSON and can't be encoded: it once ended the server while that wrote its refusal."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
import zmq
from duologue.errors import DuologueError
from duologue.service.faults import dealer_to
from duologue.wire import messages
from duologue.wire.client import Client
from duologue.wire.codec import HINTS, TYPES
from duologue.wire.fields import MAX_TEXT
from duologue.wire.framing import MAGIC, decode, encode
from servers import Server  # pyright: ignore[reportMissingImports]  on the path by conftest

HALF = "\ud800"
PLAIN: dict[Any, Any] = {
    str: "x", int: 1, float: 1.5, bool: True, tuple[int, ...]: [1], tuple[float, ...]: [1.5], tuple[str, ...]: ["x"],
    messages.Json: {}, tuple[messages.Json, ...]: [{}],
}  # fmt: skip
HALVED: dict[Any, Any] = {
    str: HALF, tuple[str, ...]: [HALF], messages.Json: {"x": [HALF], HALF: 1}, tuple[messages.Json, ...]: [{HALF: HALF}],
}  # fmt: skip


def headers() -> list[tuple[str, bytes]]:
    """Every message, with half a character in each of its fields that holds text, in turn."""
    halved = []
    for kind, hints in HINTS.items():
        needed = [f.name for f in fields(TYPES[kind]) if f.default is f.default_factory is MISSING]
        whole = {"t": kind, **{name: PLAIN[hints[name]] for name in needed}}
        for name, hint in hints.items():
            if hint in HALVED:
                halved.append((f"{kind}.{name}", json.dumps(whole | {name: HALVED[hint]}).encode()))
    described = [{"name": HALF, "dtype": "|u1", "shape": [1], "nbytes": 1}]
    return [
        *halved,
        ("a type", json.dumps({"t": HALF}).encode()),
        ("array", json.dumps({"t": "PING", "n": described}).encode()),
    ]


@pytest.mark.parametrize(("where", "header"), headers(), ids=[where for where, _ in headers()])
def test_half_a_character_is_refused_wherever_it_stands(where: str, header: bytes) -> None:
    assert b"\\ud800" in header
    with pytest.raises(DuologueError) as refused:
        decode([MAGIC, header, *([b"x"] if where == "array" else [])])
    assert refused.value.reason == "frame-header"


def test_a_whole_character_beyond_the_first_plane_is_none_of_those() -> None:
    packet = decode([MAGIC, b'{"t": "CANCEL", "job": "\\ud83d\\ude00"}'])
    assert packet.message == messages.Cancel("😀")


@pytest.mark.parametrize("text", [HALF, "\x01", "😀", '"'])
def test_an_error_can_be_sent_whatever_it_quotes(text: str) -> None:
    error = DuologueError("INTERNAL", "x", text * 10 * MAX_TEXT, field=text * 10 * MAX_TEXT)
    frames = encode(messages.ErrorMessage.of(error, key=(text * MAX_TEXT)[:MAX_TEXT]))
    assert isinstance(decode([bytes(frame) for frame in frames]).message, messages.ErrorMessage)


def test_the_server_goes_on(server: Server) -> None:
    with Client.connect(server.connection) as client, dealer_to(server.connection) as dealer:
        for _, header in headers():
            dealer.send_multipart([MAGIC, header])
        dealer.send_multipart([MAGIC, b'{"t": "HELLO", "protocol": [1, 1]}'])
        brief = json.dumps({"relationship": HALF}).encode()
        described = [{"name": "brief", "dtype": "|u1", "shape": [len(brief)], "nbytes": len(brief)}]
        message = {"t": "OPEN", "key": "k", "rates": [16000] * 2, "samples": [16000] * 2, "n": described}
        dealer.send_multipart([MAGIC, json.dumps(message).encode(), brief])
        answers: list[messages.Message] = []
        while getattr(answers[-1] if answers else None, "reason", "") != "brief-malformed":
            assert dealer.poll(10_000, zmq.POLLIN)
            answers.append(decode(dealer.recv_multipart()).message)
        assert client.ping() < 10
        assert server.thread.is_alive()
