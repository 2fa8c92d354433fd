"""ONNX networks that speak, opened so that they also tell how long each of their phones lasts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from duologue.errors import DuologueError

NOT_INSTALLED: Final = (
    "the voices are not installed: pip install 'duologue[speak]' (or `python3 backend install` in its folder)"
)
_MODEL_GRAPH, _GRAPH_OUTPUT, _VALUE_NAME = 7, 12, 1  # field numbers in onnx.proto3


def open_with_output(model: bytes, tensor: str, name: str | Path) -> Any:
    """Return an ``InferenceSession`` of a model, with one of its inner tensors as an output after its own.

    Protocol buffers merge what is appended to a message ("Last one wins … embedded messages are merged", protobuf.dev, encoding),
    so a graph that has only that output, behind the model, adds it; the package ``onnx`` would do no more.

    Raises:
        DuologueError: FAILED_PRECONDITION ``voices-missing``; DATA_LOSS ``voice-damaged``.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise DuologueError("FAILED_PRECONDITION", "voices-missing", NOT_INSTALLED) from error
    value = _field(_VALUE_NAME, tensor.encode())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # quantised models warn of their own making
    onnxruntime.set_seed(0)  # some draw noise: the same line is to be the same sound
    try:
        with_output = model + _field(_MODEL_GRAPH, _field(_GRAPH_OUTPUT, value))
        return onnxruntime.InferenceSession(with_output, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no class in common
        raise DuologueError(
            "DATA_LOSS", "voice-damaged", f"{name} is no ONNX voice that can be opened: {error}"
        ) from error


def _field(number: int, content: bytes) -> bytes:
    """Return a field with a length ("LEN", wire type 2)."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
