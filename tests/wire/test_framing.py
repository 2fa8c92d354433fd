"""What comes over the wire is bounded and checked: good messages survive the way, others become named errors and nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import numpy as np
import pytest
from duologue.errors import DuologueError
from duologue.wire import messages, render_messages
from duologue.wire.codec import HINTS as HINTS_BY_TYPE
from duologue.wire.codec import TYPES
from duologue.wire.framing import DTYPES, MAGIC, MAX_HEADER, Packet, decode, encode
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

KINDS = [*TYPES.values()]

VALUES = {
    str: st.text(st.characters(codec="utf-8"), max_size=40),
    int: st.integers(0, 2**53),
    float: st.floats(0, 1e9),
    bool: st.booleans(),
    tuple[float, ...]: st.lists(st.floats(0, 1e9), max_size=4).map(tuple),
    tuple[int, ...]: st.lists(st.integers(0, 2**53), max_size=4).map(tuple),
    tuple[str, ...]: st.lists(st.text(max_size=10), max_size=4).map(tuple),
    messages.Json: st.dictionaries(
        st.text(max_size=8), st.integers(-5, 5) | st.text(max_size=8) | st.none(), max_size=4
    ),
}
VALUES[tuple[messages.Json, ...]] = st.lists(VALUES[messages.Json], max_size=4).map(tuple)
HINTS = {kind: HINTS_BY_TYPE[kind.TYPE] for kind in KINDS}
MESSAGES = st.one_of(
    [
        st.builds(kind, **{item.name: VALUES[HINTS[kind][item.name]] for item in dataclasses.fields(kind)})
        for kind in KINDS
    ]
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
ARRAYS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    st.sampled_from(sorted(DTYPES)).flatmap(lambda dtype: hnp.arrays(np.dtype(dtype), SHAPES)),
    max_size=8,
)  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def test_every_message_is_known_by_its_type() -> None:
    written = [*vars(messages).values(), *vars(render_messages).values()]
    assert {kind for kind in written if isinstance(kind, type) and getattr(kind, "TYPE", "")} == set(KINDS)
    assert len(KINDS) == 23


@settings(deadline=None, max_examples=80)
@given(MESSAGES, ARRAYS)
def test_every_message_survives_the_way(message: messages.Message, arrays: dict[str, np.ndarray]) -> None:
    packet = decode([bytes(frame) for frame in encode(message, arrays)])
    assert packet.message == message
    assert list(packet.arrays) == list(arrays)
    for name, array in arrays.items():
        assert packet.arrays[name].dtype == array.dtype
        assert packet.arrays[name].shape == array.shape
        assert packet.arrays[name].tobytes() == array.tobytes()
        assert not packet.arrays[name].flags.writeable


@settings(deadline=None, max_examples=80)
@given(st.lists(st.binary(max_size=200), max_size=12))
def test_bytes_of_any_kind_are_a_named_error(frames: list[bytes]) -> None:
    with pytest.raises(DuologueError):
        decode(frames)


@settings(deadline=None, max_examples=120)
@given(
    st.dictionaries(st.sampled_from(["t", "n", "v", "job", "key", "seq", "session", "performer"]), JSON),
    st.lists(st.binary(max_size=32), max_size=3),
)
def test_a_header_of_any_kind_is_a_message_or_a_named_error(header: dict, arrays: list[bytes]) -> None:
    try:
        packet = decode([MAGIC, json.dumps(header).encode(), *arrays])
    except DuologueError:
        return
    assert isinstance(packet, Packet)


@settings(deadline=None, max_examples=120)
@given(MESSAGES, st.data())
def test_one_byte_changed_is_a_message_or_a_named_error(message: messages.Message, data: st.DataObject) -> None:
    frames = [bytearray(frame) for frame in encode(message, {"a": np.arange(6, dtype=np.float32).reshape(2, 3)})]
    frame = frames[data.draw(st.integers(0, 2))]
    frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DuologueError):
        decode([bytes(one) for one in frames])


def array_of(**changes: object) -> list[bytes]:
    described = {"name": "a", "dtype": "<f4", "shape": [2, 3], "nbytes": 24, **changes}
    return [MAGIC, json.dumps({"t": "PING", "n": [described]}).encode(), bytes(24)]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([], "frame-count"),
        ([b"HTTP"], "frame-magic"),
        ([b"DUO"], "frame-magic"),
        ([b"DUO\x02", b"{}"], "protocol-version"),
        ([MAGIC], "frame-count"),
        ([MAGIC, b"{}"], "frame-header"),
        ([MAGIC, b'{"t": "NONE"}'], "message-unknown"),
        ([MAGIC, b'{"t": "PING"}', b"extra"], "frame-count"),
        ([MAGIC, b'{"t": "PING", "n": 3}'], "frame-count"),
        ([MAGIC, b'{"t": "PING"' + b" " * MAX_HEADER + b"}"], "frame-size"),
        ([MAGIC, b"\xff\xfe"], "frame-header"),
        ([MAGIC, b'{"t": NaN}'], "frame-header"),
        ([MAGIC, b"[" * 60_000], "frame-header"),
        ([MAGIC, b"9" * 5_000], "frame-header"),
        ([MAGIC, b'{"t": "PING"}', *[b""] * 9], "frame-count"),
        ([MAGIC, b'{"t": "PING"}', *[bytes(3 << 20)] * 3], "frame-size"),
        ([MAGIC, b'{"t": "PING"}', bytes(5 << 20)], "frame-size"),
        (array_of(dtype="|O"), "frame-dtype"),
        (array_of(dtype=">f4"), "frame-dtype"),
        (array_of(shape=[3, 3]), "frame-shape"),
        (array_of(shape=[-2, -3]), "frame-shape"),
        (array_of(shape=[2, 3.0]), "frame-shape"),
        (array_of(shape=[True, 6]), "frame-shape"),
        (array_of(shape=[1, 1, 1, 2, 3]), "frame-shape"),
        (array_of(shape=[2**40, 0]), "frame-shape"),
        (array_of(nbytes=25), "frame-shape"),
        (array_of(name=7), "frame-header"),
        ([MAGIC, b'{"t": "CANCEL"}'], "message-field"),
        ([MAGIC, b'{"t": "CANCEL", "job": 3}'], "message-field"),
        ([MAGIC, json.dumps({"t": "CANCEL", "job": "x" * 5000}).encode()], "message-field"),
        ([MAGIC, b'{"t": "CREDIT", "job": "j", "bytes": -1, "next_seq": 0}'], "message-field"),
        ([MAGIC, b'{"t": "CREDIT", "job": "j", "bytes": true, "next_seq": 0}'], "message-field"),
        ([MAGIC, b'{"t": "HELLO", "protocol": [1, "1"]}'], "message-field"),
    ],
)
def test_what_breaks_a_rule_is_refused_by_that_rule(frames: list[bytes], reason: str) -> None:
    with pytest.raises(DuologueError) as refused:
        decode(frames)
    assert refused.value.reason == reason


def test_a_field_of_a_newer_minor_version_is_ignored() -> None:
    packet = decode([MAGIC, b'{"t": "CANCEL", "job": "j", "because": "rain"}'])
    assert packet.message == messages.Cancel("j")


def test_what_can_not_be_carried_is_refused_before_it_is_sent() -> None:
    for arrays in (
        {"a": np.zeros(3)},
        {"a": np.zeros(2 << 20, np.float32)},
        {str(i): np.zeros(1, np.uint8) for i in range(9)},
    ):
        with pytest.raises(DuologueError):
            encode(messages.Ping(), arrays)


def test_big_endian_and_strided_arrays_arrive_right() -> None:
    array = np.arange(12, dtype=">f4").reshape(3, 4)[:, ::2]
    got = decode([bytes(frame) for frame in encode(messages.Ping(), {"a": array})]).arrays["a"]
    np.testing.assert_array_equal(got, [[0, 2], [4, 6], [8, 10]])


def test_the_bytes_of_version_1_0_stay_as_they_are() -> None:
    """Another implementation, or another version of ours, reads these very bytes."""
    frames = [bytes(frame) for frame in encode(messages.Credit("j7", 1024, 3), {"x": np.array([1, -2], np.int16)})]
    assert frames == [
        b"DUO\x01",
        b'{"v":[1,0],"t":"CREDIT","job":"j7","bytes":1024,"next_seq":3,'
        b'"n":[{"name":"x","dtype":"<i2","shape":[2],"nbytes":4}]}',
        b"\x01\x00\xfe\xff",
    ]
