"""A part of a take made again over the wire: the same as in one process, whatever happens to the line and the server."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from duologue.brief import Brief
from duologue.errors import DuologueError
from duologue.files import safetensors as tensors
from duologue.motion.skeleton import Skeleton
from duologue.performance import Performance
from duologue.performance.inpainting import BLEND, KeptTake
from duologue.service.auth import KeyStore
from duologue.service.faults import dealer_to
from duologue.service.limits import Limits
from duologue.service.proxy import Proxy
from duologue.take import Progress, Take, Window
from duologue.take.edit import Edit
from duologue.units import Sound
from duologue.wire import messages
from duologue.wire.client import Client, Finished, Job, Notice
from duologue.wire.connection import Connection
from duologue.wire.framing import decode, encode
from servers import Server, Start, brief, speech

SKELETON = Skeleton.builtin("duologue60")
PART = Edit(2.0, 4.0, ("B",))


def joined(events: list) -> Take:
    return Take.from_windows(SKELETON, [event for event in events if isinstance(event, Window)], {})


@pytest.fixture(scope="module")
def old(server: Server) -> Take:
    """A take of ``speech()``, six seconds, with seed 1."""
    with Client.connect(server.connection) as client:
        return joined(list(client.perform(brief(), speech())))


@pytest.fixture(scope="module")
def expected(server: Server, old: Take) -> Finished:
    """What an unbroken connection brings of seed 5 in the place of ``PART``."""
    with Client.connect(server.connection) as client:
        return list(client.submit(brief(seed=5), speech(), remake=(old, PART)))[-1]


def refused(client: Client, take: Take, part: Edit = PART, audio: tuple[Sound, Sound] | None = None) -> DuologueError:
    with pytest.raises(DuologueError) as error:
        list(client.submit(brief(seed=5), audio or speech(), remake=(take, part)))
    return error.value


# Through the shipped networks -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def networks(begin_server: Start, tmp_path_factory: pytest.TempPathFactory):
    """A server with the shipped models, the same models in this process, and a take that those made."""
    started = begin_server(tmp_path_factory.mktemp("networks"), performance="duologue.performance:Performance")
    performance = Performance.load("cpu")
    rng = np.random.default_rng(0)
    beat = np.repeat(rng.random(48) > 0.4, 2000)  # syllables of noise, 6 s
    audio = tuple(Sound((0.1 * b * rng.standard_normal(len(beat))).astype(np.float32), 16_000) for b in (beat, ~beat))
    take = joined(list(performance.stream(wanted(1), audio)))
    with Client.connect(started.connection) as client:
        yield client, performance, audio, take
    started.stop()


def wanted(seed: int) -> Brief:
    return Brief.from_json({"seed": seed, "steps": 4, "performers": {"A": {}, "B": {"face": {"raw": True}}}})


@pytest.mark.parametrize("part", [Edit(2.0, 4.0), Edit(1.0, performers=("B",)), Edit(2.0, bodies=False)])
def test_over_the_wire_it_is_what_it_is_in_one_process_to_the_bit(networks, part: Edit) -> None:
    client, performance, audio, take = networks
    here = joined(list(performance.stream(wanted(2), audio, keep=KeptTake.all_but(take, part))))
    there = joined(list(client.perform(wanted(2), audio, remake=(take, part))))
    assert there.digest() == here.digest() != take.digest()
    first = slice(0, part.frames(take).start - BLEND)
    for before, after in zip(take.tracks, there.tracks, strict=True):
        for name in ("root_translation", "rotations", "weights", "facing", "actions"):
            assert getattr(before, name)[first].tobytes() == getattr(after, name)[first].tobytes()


def test_a_take_of_another_skeleton_is_refused_before_any_work(networks) -> None:
    client, _, audio, take = networks
    taller = replace(take, skeleton=replace(SKELETON, offsets=SKELETON.offsets * 1.1))
    events: list = []
    with pytest.raises(DuologueError) as error:
        list(client.perform(wanted(2), audio, events.append, remake=(taller, PART)))
    assert (error.value.code, error.value.reason) == ("INVALID_ARGUMENT", "take-skeleton")
    assert not any(isinstance(event, Progress | Window) for event in events)


# The line and the server ------------------------------------------------------------------------------------------------


def through(server: Server, proxy: Proxy) -> Connection:
    return replace(server.connection, endpoint=f"tcp://127.0.0.1:{proxy.port}")


def port(server: Server) -> int:
    return int(server.connection.endpoint.rpartition(":")[2])


def only_job(server: Server):
    until = time.monotonic() + 20
    while not server.router.registry.jobs and time.monotonic() < until:
        time.sleep(0.005)
    (job,) = server.router.registry.jobs.values()
    return job


def wait_for_take(server: Server, share: float) -> int:
    """Wait until so much of a job's take is up; return how many bytes that is."""
    job = only_job(server)
    until = time.monotonic() + 30
    while job.take.received < share * job.take.size:
        assert time.monotonic() < until
        time.sleep(0.005)
    return job.take.received


def test_cut_while_the_take_goes_up(start, connect, old, expected) -> None:
    server = start(Limits(upload_credit=150_000))
    with Proxy(port(server), rate=1_000_000) as proxy:
        client = connect(through(server, proxy))
        job = client.submit(brief(seed=5), speech(), remake=(old, PART))
        for share in (0.2, 0.5):
            before = wait_for_take(server, share)
            proxy.cut()
        remembered = only_job(server)
        assert before <= remembered.take.received < remembered.take.size
        events = list(job)
        assert proxy.connections == 3
        assert events[-1].digest == expected.digest
        assert (remembered.attempts, len(server.router.registry.jobs)) == (1, 1)  # it was one job all the time


def test_cut_while_it_is_performed(start, connect, old, expected) -> None:
    server = start()
    with Proxy(port(server)) as proxy:
        events = []
        for event in connect(through(server, proxy)).submit(brief(seed=5, ms=15), speech(), remake=(old, PART)):
            events.append(event)
            if isinstance(event, Window) and event.start == 60 and proxy.connections == 1:
                proxy.cut()
        assert proxy.connections == 2
        assert events[-1].digest == expected.digest


def test_a_worker_that_dies_is_followed_by_one_that_has_the_take_as_well(
    start, connect, old, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("DUOLOGUE_TEST_MARKER", str(tmp_path / "died"))
    client = connect(start().connection)
    whole = list(client.submit(brief(seed=5, fault=107), speech(), remake=(old, PART)))
    assert [event.reason for event in whole if isinstance(event, Notice)] == ["worker-restarted"]
    remade = joined(whole)
    assert remade.tracks[0].rotations.tobytes() == old.tracks[0].rotations.tobytes()
    assert np.abs(remade.tracks[1].rotations[60:120] - old.tracks[1].rotations[60:120]).max() > 0.1


def test_the_server_started_anew_is_sent_the_take_again(start, connect, old, expected, tmp_path: Path) -> None:
    KeyStore(tmp_path / "state").new_client("anna", "tcp://127.0.0.1:1", tmp_path / "anna.json")
    server = start()
    with Proxy(port(server)) as proxy:
        anna = replace(Connection.load(tmp_path / "anna.json"), endpoint=f"tcp://127.0.0.1:{proxy.port}")
        job = connect(anna).submit(brief(seed=5, ms=40), speech(), remake=(old, PART))
        events = []
        while not (events and isinstance(events[-1], Window)):
            events.append(job.next_event(30))
        server.stop()
        proxy.target = port(start())
        assert list(job)[-1].digest == expected.digest


# Keys -------------------------------------------------------------------------------------------------------------------


def test_a_key_stands_for_the_take_and_the_part_too(start, connect, old, tmp_path: Path) -> None:
    server = start()
    client = connect(server.connection)

    def submit(client: Client, take: Take, part: Edit | None) -> Finished:
        remake = (take, part) if part else None
        return list(client.submit(brief(seed=5), speech(), key="k", remake=remake))[-1]

    first = submit(client, old, PART)
    assert submit(connect(server.connection), old, PART) == first  # timings and all: they are those of the one job
    louder = replace(old, tracks=(old.tracks[0], replace(old.tracks[1], weights=old.tracks[1].weights / 2)))
    for take, part in ((old, Edit(2.0, 4.5, ("B",))), (old, Edit(2.0, 4.0)), (louder, PART), (old, None)):
        with pytest.raises(DuologueError) as error:
            submit(client, take, part)
        assert (error.value.code, error.value.reason) == ("FAILED_PRECONDITION", "key-reused")
    server.stop()
    client.close()
    # The journal remembers it.
    with sqlite3.connect(tmp_path / "state" / "jobs.sqlite") as table:
        assert table.execute("SELECT key, state, output FROM jobs").fetchall() == [("k", "done", first.digest)]


# Refusals ---------------------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_refused_by_the_client_before_anything_is_sent(server, connect, old) -> None:
    client = connect(server.connection)
    before = len(server.router.registry.jobs)
    short = Take(SKELETON, (old.tracks[0][:90], old.tracks[1][:90]))
    assert refused(client, short).reason == "take-length"
    assert refused(client, old, audio=speech(7)).reason == "take-length"
    assert refused(client, old, Edit(6.0)).reason == "span-empty"
    assert len(server.router.registry.jobs) == before


def test_a_server_that_can_not_remake_is_named(start, connect, old) -> None:
    # What an older server says, word for word: it lacks the capability. This one performs something that takes no ``keep``.
    server = start(performance="duologue.service.bench:Metronome")
    client = connect(server.connection)
    assert messages.REMAKE not in client.server.capabilities
    error = refused(client, old)
    assert (error.code, error.reason) == ("UNIMPLEMENTED", "remake-unsupported")
    assert "update it" in error.message
    assert not server.router.registry.jobs


def test_what_can_is_said_in_the_welcome(server, connect) -> None:
    assert messages.REMAKE in connect(server.connection).server.capabilities


@dataclass(frozen=True)
class Forged(Take):
    """A take whose file is another: what a hostile or broken client sends."""

    file: bytes = b""

    def to_bytes(self) -> bytes:
        return self.file


def forged(take: Take, file: bytes) -> Forged:
    return Forged(take.skeleton, take.tracks, file=file)


def edited(take: Take, **changes: np.ndarray) -> bytes:
    arrays, metadata = tensors.from_bytes(take.to_bytes())
    return tensors.to_bytes(
        {**arrays, **{name.replace("_", "/", 1): array for name, array in changes.items()}}, metadata
    )


def test_a_file_that_is_no_good_take_is_refused_by_its_name_and_not_by_a_path(server, connect, old) -> None:
    client = connect(server.connection)
    good = old.to_bytes()
    broken = np.full((180, 60, 3), np.nan, np.float32)
    skeleton = replace(old, tracks=(old.tracks[0][:90], old.tracks[1][:90])).to_bytes()
    for file, reason in (
        (b"\x80\x04cos\nsystem\n(S'touch /tmp/pwned'\ntR.", "tensors-malformed"),  # a pickle, say
        (good[:-100], "tensors-malformed"),
        (tensors.to_bytes({"x": np.zeros(3)}), "take-malformed"),
        (edited(old, A_rotations=broken), "take-not-finite"),
        (edited(old, B_weights=np.full((180, 52), 2.0)), "take-range"),
        (edited(old, B_actions=np.zeros(180, np.float32)), "take-malformed"),
        (edited(old, A_rotations=np.zeros((180, 59, 3))), "take-shape"),
        (edited(old, A_facing=np.zeros(10, bool)), "take-shape"),
        (skeleton, "take-length"),
    ):
        error = refused(client, forged(old, file))
        assert error.reason == reason
        assert "spool" not in error.message
    assert isinstance(list(client.submit(brief(), speech(2)))[-1], Finished)  # the worker goes on


def test_a_take_over_the_limit_is_refused_before_it_is_sent(start, connect, old) -> None:
    server = start(Limits(take_bytes=100_000))
    client = connect(server.connection)
    assert client.server.limits["take_bytes"] == 100_000
    assert refused(client, old).reason == "take-large"
    assert not server.router.registry.jobs


@pytest.fixture
def raw_client(start: Start):
    """Say whatever a test likes, to a server of its own; and make an OPEN with some of its fields changed."""
    server = start()
    with dealer_to(server.connection) as dealer:

        def say(
            message: messages.Message, arrays: dict | None = None, *, answer: bool = True
        ) -> messages.Message | None:
            if isinstance(message, messages.Open):
                arrays = {"brief": np.frombuffer(b"{}", np.uint8)}
            dealer.send_multipart(encode(message, arrays))
            while answer:
                assert dealer.poll(10_000)
                message = decode(dealer.recv_multipart()).message
                if not isinstance(message, messages.NoticeMessage):
                    return message
            return None

        def opened(key: str = "no", **fields) -> messages.Open:
            return messages.Open(key, (16_000, 16_000), (4, 4), **fields)

        while server.router.pool.idle() is None:
            time.sleep(0.01)
        say(messages.Hello(protocol=(1, 1)))
        yield say, opened


def test_messages_that_can_not_be_are_named(raw_client) -> None:
    say, opened = raw_client
    for fields, reason in (
        ({"remake": {"start": 0}}, "open-malformed"),
        ({"take_bytes": 8, "take_sha256": "00"}, "open-malformed"),
        ({"remake": {"start": 0}, "take_bytes": 8}, "open-malformed"),
        ({"remake": {"from": 0}, "take_bytes": 8, "take_sha256": "00"}, "unknown-key"),
        ({"remake": {"start": -1}, "take_bytes": 8, "take_sha256": "00"}, "out-of-range"),
    ):
        assert say(opened(**fields)).reason == reason
    jobs = {"plain": (plain := say(opened(key="plain")).job)}
    data = np.zeros(4, np.uint8)
    assert say(messages.TakeMessage(plain, 0), {"data": data}).reason == "take-message"
    part = {"remake": Edit().to_json(), "take_bytes": 8, "take_sha256": "00"}
    jobs["part"] = job = say(opened(key="part", **part)).job
    assert say(messages.TakeMessage(job, 0)).reason == "take-message"
    assert say(messages.TakeMessage(job, 0), {"data": data.astype(np.float32)}).reason == "take-message"
    assert say(messages.TakeMessage(job, 1), {"data": data}).reason == "take-order"
    assert say(messages.TakeMessage(job, 0), {"data": np.zeros(9, np.uint8)}).reason == "take-order"
    job = say(opened(key="damaged", **part)).job
    for performer in (0, 1):
        say(messages.Audio(job, performer, 0), {"pcm": np.zeros(4, np.float32)}, answer=False)
    say(messages.TakeMessage(job, 0), {"data": np.zeros(8, np.uint8)}, answer=False)
    four_zeros = (
        "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb"  # printf '\0%.0s' {1..16} | sha256sum
    )
    answer = say(messages.AudioEnd(job, (four_zeros, four_zeros)))
    assert (answer.code, answer.reason) == ("DATA_LOSS", "take-damaged")
    for key in ("plain", "part"):
        assert isinstance(say(messages.Cancel(jobs[key])), messages.Cancelled)


# Cancelling -------------------------------------------------------------------------------------------------------------


def ended(server: Server) -> bool:
    until = time.monotonic() + 10
    while (job := only_job(server)).state != "cancelled" and time.monotonic() < until:
        time.sleep(0.02)
    return job.state == "cancelled" and not any(upload.path.exists() for upload in job.uploads)


def test_cancelled_while_the_take_goes_up(start, connect, old) -> None:
    server = start(Limits(upload_credit=150_000))
    with Proxy(port(server), rate=1_000_000) as proxy:
        job = connect(through(server, proxy)).submit(brief(seed=5), speech(), remake=(old, PART))
        wait_for_take(server, 0.3)
        job.cancel()
        assert list(job)[-1] == Finished(0, cancelled=True)
        assert ended(server)


def test_cancelled_while_it_is_performed(start, connect, old) -> None:
    server = start()
    client = connect(server.connection)
    job: Job = client.submit(brief(seed=5, steps=1000, ms=20), speech(), remake=(old, PART))
    while not isinstance(event := job.next_event(30), Progress) or event.stage != "body":
        assert event is not None
    job.cancel()
    assert list(job)[-1].cancelled
    assert ended(server)
    assert isinstance(list(client.submit(brief(), speech(2)))[-1], Finished)


def test_nothing_of_a_take_is_left_on_the_disk(start, connect, old, tmp_path: Path) -> None:
    server = start(Limits(keep=0.3))
    list(connect(server.connection).submit(brief(seed=5), speech(), remake=(old, PART)))
    until = time.monotonic() + 20
    while server.router.registry.jobs and time.monotonic() < until:
        time.sleep(0.05)
    (folder,) = (tmp_path / "state" / "spool").iterdir()
    assert list(folder.iterdir()) == []
