"""Messages to frames and back. Everything that comes from outside is bounded and checked here, before anything else sees it.

libzmq's own limit is per frame, not per message, so the number of frames and their sum are checked as well.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from duologue.errors import DuologueError
from duologue.wire.codec import from_json, to_json
from duologue.wire.fields import Json, read_json
from duologue.wire.messages import Message

MAJOR: Final = 1
MINOR: Final = 0
MAGIC: Final = b"DUO" + bytes([MAJOR])
MAX_HEADER: Final = 64 * 1024
MAX_ARRAYS: Final = 8
MAX_FRAME: Final = 4 * 1024 * 1024
MAX_TOTAL: Final = 8 * 1024 * 1024
DTYPES: Final = {"<f4": 4, "<f2": 2, "<i2": 2, "|u1": 1}
MAX_DIMENSIONS: Final = 4

Array = NDArray[Any]
Buffer = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Packet:
    """A message and its arrays by name."""

    message: Message
    arrays: Mapping[str, Array] = field(default_factory=dict[str, Array])


def encode(message: Message, arrays: Mapping[str, Array] | None = None) -> list[Buffer]:
    """Return the frames of a message. Arrays become little-endian and contiguous (no copy when they already are).

    Raises:
        DuologueError: INVALID_ARGUMENT ``frame-…`` when the message breaks a bound that the receiver would refuse it for.
    """
    names: list[Json] = []
    payload: list[Buffer] = []
    for name, source in (arrays or {}).items():
        array = np.asarray(source, dtype=source.dtype.newbyteorder("<"), order="C")
        if array.dtype.str not in DTYPES:
            raise _refused("dtype", f"array {name!r} has type {array.dtype}; DUO/1 carries {', '.join(DTYPES)}")
        names.append({"name": name, "dtype": array.dtype.str, "shape": list(array.shape), "nbytes": array.nbytes})
        # A view of size 0 can't be cast to bytes.
        payload.append(array.data.cast("B") if array.size else b"")
    header = {"v": [MAJOR, MINOR], "t": message.TYPE, **to_json(message), "n": names}
    # Half a character in a text of our own (an error may quote anything) must not keep a message from being sent.
    text = json.dumps(header, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode("utf-8", "replace")
    frames = [MAGIC, text, *payload]
    _check_sizes([len(frame) for frame in frames])
    return frames


def decode(frames: Sequence[Buffer]) -> Packet:
    """Return the message in ``frames`` (without routing ids). The arrays are read-only views of the frames.

    Raises:
        DuologueError: UNIMPLEMENTED ``protocol-version`` (another major version) or ``message-unknown``; INVALID_ARGUMENT
            ``frame-magic``, ``frame-count``, ``frame-size``, ``frame-header``, ``frame-dtype``, ``frame-shape`` or
            ``message-field``. Nothing else, whatever the bytes.
    """
    if not frames:
        raise _refused("count", "the message has no frames")
    check_magic(bytes(frames[0][:5]))
    if len(frames) < 2:
        raise _refused("count", "the message has no header")
    _check_sizes([len(frame) for frame in frames])
    header = _header(bytes(frames[1]))
    described: Any = header.get("n", [])
    if not isinstance(described, list) or len(cast("list[Any]", described)) != len(frames) - 2:
        raise _refused("count", f"the header does not describe the {len(frames) - 2} arrays that came with it")
    arrays: dict[str, Array] = {}
    for entry, frame in zip(cast("list[Any]", described), frames[2:], strict=True):
        name, array = _array(entry, frame)
        if name in arrays:
            raise _refused("header", "two arrays have the same name")
        arrays[name] = array
    kind: Any = header.get("t")
    if not isinstance(kind, str):
        raise _refused("header", "the header names no message type")
    return Packet(from_json(kind, header), arrays)


def check_magic(magic: bytes) -> None:
    """Raise unless a message's first frame is ours and of our major version."""
    if magic == MAGIC:
        return
    if len(magic) == len(MAGIC) and magic[:3] == MAGIC[:3]:
        raise DuologueError(
            "UNIMPLEMENTED",
            "protocol-version",
            f"the other side speaks DUO/{magic[3]}, this one DUO/{MAJOR}; install the same Duologue version on both",
        )
    raise _refused("magic", "this is not a DUO message")


def _check_sizes(sizes: list[int]) -> None:
    if len(sizes) > MAX_ARRAYS + 2:
        raise _refused("count", f"the message has {len(sizes) - 2} arrays; {MAX_ARRAYS} is the limit")
    if sizes[1] > MAX_HEADER:
        raise _refused("size", f"the header has {sizes[1]} bytes; {MAX_HEADER} is the limit")
    if max(sizes) > MAX_FRAME or sum(sizes) > MAX_TOTAL:
        raise _refused(
            "size", f"the message has {sum(sizes)} bytes; {MAX_TOTAL} in all and {MAX_FRAME} an array are the limits"
        )


def _header(data: bytes) -> Json:
    try:
        header = read_json(data)
    except (ValueError, RecursionError) as error:
        raise _refused("header", "the header is not JSON") from error
    if not isinstance(header, dict):
        raise _refused("header", "the header is not a JSON object")
    return cast("Json", header)


def _array(entry: Any, frame: Buffer) -> tuple[str, Array]:
    if not isinstance(entry, dict):
        raise _refused("header", "an array's description is not a JSON object")
    described = cast("Json", entry)
    name, dtype, shape, nbytes = (described.get(key) for key in ("name", "dtype", "shape", "nbytes"))
    if not isinstance(name, str) or len(name) > 64:
        raise _refused("header", "an array has no proper name")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _refused("dtype", f"an array's type is not one of {', '.join(DTYPES)}")
    if not isinstance(shape, list) or len(cast("list[Any]", shape)) > MAX_DIMENSIONS:
        raise _refused("shape", f"an array's shape is not a list of at most {MAX_DIMENSIONS} sizes")
    sizes = cast("list[Any]", shape)
    if not all(type(size) is int and 0 <= size <= MAX_TOTAL for size in sizes):
        raise _refused("shape", "an array's shape has a size that can't be")
    if not math.prod(sizes) * DTYPES[dtype] == nbytes == len(frame):
        raise _refused("shape", "an array's shape, type and number of bytes do not agree")
    return name, np.frombuffer(memoryview(frame).toreadonly(), dtype=dtype).reshape(sizes)


def _refused(what: str, message: str) -> DuologueError:
    return DuologueError("INVALID_ARGUMENT", f"frame-{what}", message)
