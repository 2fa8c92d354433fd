"""Several processes train one module: ``torchrun --nproc-per-node N -m duologue train …`` on one machine or many.

Each process draws its own batches, on a GPU of its own where there are some; gradients are averaged over processes, so that a
step learns from N batches. Machines share the folder of the run. One process alone (no torchrun) takes none of this, and makes
the very network it made before.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor, nn

_PATIENCE: Final = timedelta(hours=12)
"""Whoever died is noticed by torchrun, which ends the others."""


def rank() -> int:
    """Return this process's number, from 0, joining the others first where torchrun started it; 0 where it is alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        # Both where there are GPUs: processes wait for each other on the CPU, while one makes a corpus for hours, say.
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
        atexit.register(dist.destroy_process_group)  # whose threads would otherwise outlive what they use
    return dist.get_rank() if dist.is_initialized() else 0


def alone() -> bool:
    """Return whether this is the only process."""
    rank()
    return not dist.is_initialized()


def wait() -> None:
    """Wait until all processes are here."""
    if not alone():
        dist.all_reduce(torch.zeros(()))


def own_device(name: str) -> str:
    """Return the device for this process: where a GPU is asked for and several processes train, each has its own."""
    return name if alone() or not name.startswith("cuda") else f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def begin_alike(module: nn.Module) -> None:
    """Have every process begin with the parameters of the first."""
    if not alone():
        for parameter in module.parameters():
            dist.broadcast(parameter.data, 0)


def mean(value: Tensor) -> float:
    """Return the mean of a number over all processes, which all must ask for it."""
    if alone():
        return value.item()
    total = value.detach().float().clone()
    dist.all_reduce(total)
    return total.item() / dist.get_world_size()


@contextmanager
def leader_first() -> Iterator[None]:
    """Have process 0 do the block, then all others: who comes later finds what was made."""
    if rank() > 0:
        wait()
    yield
    if rank() == 0:
        wait()
    wait()


def average_gradients(module: nn.Module) -> None:
    """Put the mean over all processes into every gradient; a parameter that no process used keeps none."""
    if alone():
        return
    parameters = [p for p in module.parameters() if p.requires_grad]
    used = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
    dist.all_reduce(used)
    chosen = [p for p, count in zip(parameters, used.tolist(), strict=True) if count]
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in chosen])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, piece in zip(chosen, flat.split([p.numel() for p in chosen]), strict=True):
        parameter.grad = piece.view_as(parameter)
