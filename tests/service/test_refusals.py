"""Who is not let in is told why within seconds; what is not a message does no harm."""

from __future__ import annotations

import random
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zmq
from duologue.errors import DuologueError
from duologue.service.auth import KeyPair, KeyStore
from duologue.service.selfcheck import check_handshake, check_server
from duologue.wire import messages
from duologue.wire.client import Client, Finished
from duologue.wire.connection import Connection
from duologue.wire.framing import MAGIC, MAX_HEADER, decode, encode
from servers import Server, brief, speech


def refused(connection: Connection, **options) -> tuple[DuologueError, float]:
    begun = time.monotonic()
    with pytest.raises(DuologueError) as error:
        Client.connect(connection, **options)
    return error.value, time.monotonic() - begun


def test_a_wrong_server_key(server) -> None:
    error, seconds = refused(replace(server.connection, server_key=KeyPair.new().public))
    assert (error.code, error.reason) == ("UNAUTHENTICATED", "server-key")
    assert seconds < 5


def test_a_client_that_is_not_on_the_list(server) -> None:
    stranger = KeyPair.new()
    error, seconds = refused(replace(server.connection, client_public=stranger.public, client_secret=stranger.secret))
    assert (error.code, error.reason) == ("UNAUTHENTICATED", "client-refused")
    assert seconds < 5


def test_a_client_without_any_key(server) -> None:
    error, seconds = refused(server.connection, plain=True)
    assert error.reason in {"not-a-server", "server-key"}  # whichever side notices first
    assert seconds < 6


def test_nobody_listens(server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error, seconds = refused(replace(server.connection, endpoint=f"tcp://127.0.0.1:{port}"))
    assert (error.code, error.reason) == ("UNAVAILABLE", "server-not-reachable")
    assert seconds < 6


def test_who_listens_is_no_server_of_ours(server) -> None:
    def talk(listener: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            with accepted:
                accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=talk, args=(listener,), daemon=True).start()
        error, seconds = refused(
            replace(server.connection, endpoint=f"tcp://127.0.0.1:{listener.getsockname()[1]}"), patience=0.5
        )
    assert error.reason in {"not-a-server", "server-key"}
    assert seconds < 6


def test_who_listens_says_nothing(server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error, seconds = refused(
            replace(server.connection, endpoint=f"tcp://127.0.0.1:{listener.getsockname()[1]}"), patience=0.5
        )
    assert error.code == "UNAVAILABLE"
    assert seconds < 8


@pytest.mark.parametrize("endpoint", ["tcp://", "nonsense", "tcp://127.0.0.1:notaport"])
def test_an_address_that_is_none(server, endpoint: str) -> None:
    error, _ = refused(replace(server.connection, endpoint=endpoint))
    assert error.reason == "endpoint"


def test_the_port_is_in_use(start) -> None:
    first = start()
    with pytest.raises(DuologueError) as error:
        start(port=int(first.connection.endpoint.rpartition(":")[2]))
    assert (error.value.code, error.value.reason) == ("FAILED_PRECONDITION", "port-in-use")


def test_other_machines_are_not_served_without_keys(start, tmp_path: Path) -> None:
    with pytest.raises(DuologueError) as error:
        start(host="0.0.0.0")
    assert error.value.reason == "no-clients"
    key_file = tmp_path / "anna.json"
    store = KeyStore(tmp_path / "state")
    store.new_client("anna", "tcp://127.0.0.1:1", key_file)
    with pytest.raises(DuologueError) as error:
        store.new_client("anna", "tcp://127.0.0.1:1", key_file)
    assert error.value.reason == "client-exists"
    server = start(host="0.0.0.0")
    given = replace(Connection.load(key_file), endpoint=server.connection.endpoint)
    with Client.connect(given) as client:
        assert isinstance(list(client.submit(brief(), speech(2)))[-1], Finished)
    server.stop()
    # The key outlives the server.
    again = start(host="0.0.0.0")
    with Client.connect(replace(given, endpoint=again.connection.endpoint)) as client:
        assert client.ready


def test_a_server_of_another_version_is_named() -> None:
    keys, context = KeyPair.new(), zmq.Context()
    newer = context.socket(zmq.ROUTER)
    newer.setsockopt(zmq.CURVE_SERVER, 1)
    newer.setsockopt(zmq.CURVE_SECRETKEY, keys.secret.encode())
    port = newer.bind_to_random_port("tcp://127.0.0.1")

    def answer() -> None:
        identity, *_ = newer.recv_multipart()
        newer.send_multipart([identity, b"DUO\x02", b"whatever version 2 says"])

    thread = threading.Thread(target=answer)
    thread.start()
    client = KeyPair.new()
    error, seconds = refused(Connection(f"tcp://127.0.0.1:{port}", keys.public, client.public, client.secret))
    thread.join()
    newer.close(linger=0)
    context.term()
    assert (error.code, error.reason) == ("UNIMPLEMENTED", "protocol-version")
    assert "DUO/2" in error.message
    assert seconds < 5


@pytest.fixture
def raw(server: Server):
    """A socket to a server that says whatever a test likes."""
    context = zmq.Context()
    dealer = context.socket(zmq.DEALER)
    for option, value in (
        (zmq.CURVE_SERVERKEY, server.connection.server_key),
        (zmq.CURVE_PUBLICKEY, server.connection.client_public),
        (zmq.CURVE_SECRETKEY, server.connection.client_secret),
    ):
        dealer.setsockopt(option, value.encode())
    dealer.connect(server.connection.endpoint)

    def ask(*frames: bytes) -> messages.Message:
        dealer.send_multipart(frames)
        while True:
            assert dealer.poll(10_000)
            answer = decode(dealer.recv_multipart()).message
            if not isinstance(answer, messages.NoticeMessage):
                return answer

    while server.router.pool.idle() is None:  # from here on every message has one answer
        time.sleep(0.01)

    yield server, ask, dealer
    dealer.close(linger=0)
    context.term()


def test_a_client_of_another_version_is_named(raw) -> None:
    _, ask, _ = raw
    for frames in ([b"DUO\x07", b"{}"], encode(messages.Hello(protocol=(7, 9)))):
        answer = ask(*(bytes(frame) for frame in frames))
        assert isinstance(answer, messages.ErrorMessage)
        assert (answer.code, answer.reason) == ("UNIMPLEMENTED", "protocol-version")


def test_what_the_server_does_not_know_is_unimplemented(raw) -> None:
    _, ask, _ = raw
    answer = ask(MAGIC, b'{"t":"DANCE"}')
    assert isinstance(answer, messages.ErrorMessage)
    assert (answer.code, answer.reason) == ("UNIMPLEMENTED", "message-unknown")


def test_order_and_direction_are_kept(raw) -> None:
    _, ask, _ = raw
    for message, reason in (
        (messages.Ping(), "session-unknown"),
        (messages.Hello(protocol=(1, 1)), ""),
        (messages.Cancel("no such job"), "job-unknown"),
        (messages.Resume("s", "no such job", 0, 0), "job-unknown"),
        (messages.Done("j", 1, ""), "message-direction"),
        (messages.Open("k", (16_000,), (1, 2, 3)), "open-malformed"),
        (messages.Open("k", (16_000, 16_000), (100, 100)), "brief-missing"),
    ):
        answer = ask(*(bytes(frame) for frame in encode(message)))
        assert getattr(answer, "reason", "") == reason


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"{", "brief-malformed"),
        (b"[" * 100_000, "brief-malformed"),
        (b"[]", "wrong-type"),
        (b'{"relationship": "sworn enemies"}', "unknown-label"),
        (b'{"performers": {"A": {"speech": "/etc/passwd"}}}', None),
        (b'{"performers": {"A": {"speech": {"path": "/etc/passwd"}}}}', "path-not-allowed"),
        (b" " * 2_000_000, "brief-large"),
    ],
)
def test_a_brief_is_checked_before_anything_begins(raw, document: bytes, reason: str | None) -> None:
    server, ask, _ = raw
    ask(*(bytes(frame) for frame in encode(messages.Hello(protocol=(1, 1)))))
    frames = encode(messages.Open("no", (16_000, 16_000), (100, 100)), {"brief": np.frombuffer(document, np.uint8)})
    answer = ask(*(bytes(frame) for frame in frames))
    assert isinstance(answer, messages.ErrorMessage)
    assert answer.code == "INVALID_ARGUMENT"
    assert reason is None or answer.reason == reason
    assert not any(job.key == "no" for job in server.router.registry.jobs.values())


def test_speech_that_is_not_what_was_told_is_data_loss(raw) -> None:
    _, ask, _ = raw

    def say(message: messages.Message, arrays=None):
        return ask(*(bytes(frame) for frame in encode(message, arrays)))

    say(messages.Hello(protocol=(1, 1)))
    document = np.frombuffer(b"{}", np.uint8)
    job = say(messages.Open("damaged", (16_000, 16_000), (4, 4), credit=1), {"brief": document}).job
    pcm = np.zeros(4, np.float32)
    assert say(messages.Audio(job, 0, 2), {"pcm": pcm}).reason == "audio-order"
    assert say(messages.Audio(job, 0, 0), {"pcm": np.zeros(5, np.float32)}).reason == "audio-order"
    assert say(messages.Audio(job, 2, 0), {"pcm": pcm}).reason == "audio-message"
    assert say(messages.Audio(job, 0, 0), {"pcm": pcm.astype(np.float16)}).reason == "audio-message"
    answer = say(messages.AudioEnd(job, ("00", "00")))
    assert (answer.code, answer.reason) == ("DATA_LOSS", "audio-damaged")


def test_garbage_does_no_harm_to_others(raw, connect) -> None:
    server, ask, dealer = raw
    client = connect(server.connection)
    job = client.submit(brief(ms=20), speech(6))
    rng = random.Random(1)
    good = [bytes(frame) for frame in encode(messages.Hello(protocol=(1, 1)))]
    for _ in range(300):
        frames = [bytes(frame) for frame in good]
        which = rng.randrange(len(frames))
        broken = bytearray(frames[which])
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        frames[which] = bytes(broken)
        answer = ask(*frames)
        assert isinstance(answer, messages.ErrorMessage | messages.Welcome)
    for frames in (
        [b""],
        [b"", b""],
        [MAGIC],
        [MAGIC, b"{" + b" " * MAX_HEADER],
        [MAGIC, b"{}", *[b"x"] * 40],
        [b"x"] * 50,
    ):
        assert isinstance(ask(*frames), messages.ErrorMessage)
    assert isinstance(list(job)[-1], Finished)
    # A frame over libzmq's own limit closes the connection that sent it, and only that.
    dealer.send_multipart([MAGIC, b"x" * (5 * 1024 * 1024)])
    assert client.ping() < 10


def test_the_doctor_sees_a_healthy_server_and_a_working_handshake(server) -> None:
    status = check_server(server.connection)
    assert status["load"]["workers"][0]["device"] == "cpu"
    assert status["round_trip"] < 5
    assert check_handshake()["wrong_key"] == "server-key"
