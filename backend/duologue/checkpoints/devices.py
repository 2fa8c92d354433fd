"""Which device the models run on."""

from __future__ import annotations

from duologue.errors import DuologueError


def prepare(name: str) -> str:
    """Return the device that ``name`` (cpu, cuda:0, mps, auto) stands for, and set torch up for it.

    Raises:
        DuologueError: FAILED_PRECONDITION ``device-missing``.
    """
    device = _device(name)
    if device == "cpu":
        _one_thread()
    return device


def _one_thread() -> None:
    """Keep torch to one thread. The starter's matrices are small: two threads mostly wait for each other, and where anything
    else wants a core (a Blender beside the server, say) they wait spinning. Measured on two cores with one other busy process:
    27 s of performance in 28 s with one thread, in 268 s with two.
    """
    import torch

    torch.set_num_threads(1)


def _device(name: str) -> str:
    """Resolve ``auto`` and check that the device is there."""
    import torch

    if name == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    known = {"cpu"} | {f"cuda:{index}" for index in range(torch.cuda.device_count())}
    if torch.cuda.is_available():
        known.add("cuda")
    if torch.backends.mps.is_available():
        known.add("mps")
    if name not in known:
        raise DuologueError(
            "FAILED_PRECONDITION",
            "device-missing",
            f"there is no device {name!r} here; there is {', '.join(sorted(known))}.",
            field="--device",
        )
    return name
