"""Connections of clients that are gone, and a log that nobody reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zmq
from duologue.service.faults import dealer_to
from duologue.service.limits import Limits
from duologue.wire import messages
from duologue.wire.client import Client, Finished
from duologue.wire.framing import MAGIC, decode, encode
from servers import HERE, brief, speech

HELLO = [bytes(frame) for frame in encode(messages.Hello(protocol=(1, 1)))]


def test_clients_that_are_gone_keep_nobody_out(start, connect) -> None:
    server = start(Limits(sessions=30, sessions_per_client=10))
    connect(server.connection)
    for _ in range(40):
        with dealer_to(server.connection) as dealer:
            dealer.send_multipart(HELLO)
            assert dealer.poll(10_000, zmq.POLLIN)
            assert isinstance(decode(dealer.recv_multipart()).message, messages.Welcome)
    assert len(list(server.router.clients)) <= 10
    client = connect(server.connection)
    assert isinstance(list(client.submit(brief(), speech()))[-1], Finished)


def test_who_loses_its_session_to_others_goes_on_in_a_new_one(start, connect) -> None:
    server = start(Limits(sessions_per_client=2, heartbeat=0.5))
    client = connect(server.connection)
    job = client.submit(brief(ms=100), speech())
    for _ in range(3):
        with dealer_to(server.connection) as dealer:
            dealer.send_multipart(HELLO)
            assert dealer.poll(10_000, zmq.POLLIN)
    assert isinstance(list(job)[-1], Finished)


def test_a_log_that_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    file = tmp_path / "server.json"
    options = ["--connection-file", str(file), "--state", str(tmp_path / "state"), "--device", "cpu"]
    command = [sys.executable, "-m", "duologue.service", *options, "--performance", "performances:Swaying"]
    server = subprocess.Popen(command, cwd=HERE, stderr=subprocess.PIPE)
    try:
        until = time.monotonic() + 30
        while not file.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        with Client.connect(file) as client:
            with dealer_to(client.connection) as dealer:
                for _ in range(4000):
                    dealer.send_multipart([MAGIC, b"[]"])
                for _ in range(4000):
                    assert dealer.poll(10_000, zmq.POLLIN)
                    dealer.recv_multipart()
            assert client.ping() < 10
    finally:
        server.terminate()
        _, log = server.communicate(timeout=20)
    events = [json.loads(line) for line in log.decode().splitlines()]
    assert 0 < sum(event["event"] == "refused" for event in events) < 1000


@pytest.mark.skipif(sys.platform != "linux", reason="fills a pipe")
def test_a_log_into_a_full_pipe_holds_nobody_up(tmp_path: Path) -> None:
    program = (
        "import logging, time\n"
        "from duologue.service import logs\n"
        "logs.to_stderr()\n"
        "begun = time.monotonic()\n"
        "for index in range(3000):\n"
        "    logging.getLogger('duologue').warning(f'event {index}', extra=logs.facts(text='x' * 100))\n"
        "print(time.monotonic() - begun)\n"
    )
    reading, writing = os.pipe()
    try:
        command = [sys.executable, "-c", program]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=writing, timeout=30, check=False)
    finally:
        os.close(writing)
        os.close(reading)
    assert ended.returncode == 0
    assert float(ended.stdout) < 5


def test_the_log_has_no_text_of_a_brief(start, connect, caplog) -> None:
    server = start()
    caplog.set_level("INFO", logger="duologue")
    with dealer_to(server.connection) as dealer:
        dealer.send_multipart(HELLO)
        document = b'{"my darling secret": 1}'
        described = [{"name": "brief", "dtype": "|u1", "shape": [len(document)], "nbytes": len(document)}]
        message = {"t": "OPEN", "key": "k", "rates": [16000] * 2, "samples": [16000] * 2, "n": described}
        dealer.send_multipart([MAGIC, json.dumps(message).encode(), document])
        answer: messages.Message = messages.Ping()
        while not isinstance(answer, messages.ErrorMessage):
            assert dealer.poll(10_000, zmq.POLLIN)
            answer = decode(dealer.recv_multipart()).message
    assert answer.reason == "unknown-key"
    assert any(record.getMessage() == "refused" for record in caplog.records)
    assert "darling" not in " ".join(
        f"{record.getMessage()} {getattr(record, 'facts', '')}" for record in caplog.records
    )
