"""Several processes train one module: ``torchrun --nproc-per-node N -m duologue train …`` on one machine or many.

Each process draws its own batches; gradients are averaged over processes, so that a step learns from N batches. One process alone
(no torchrun) takes none of this, and makes the very network it made before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import nn


def rank() -> int:
    """Return this process's number, from 0, joining the others first where torchrun started it; 0 where it is alone."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return dist.get_rank() if dist.is_initialized() else 0


def alone() -> bool:
    """Return whether this is the only process."""
    rank()
    return not dist.is_initialized()


def wait() -> None:
    """Wait until all processes are here."""
    if not alone():
        dist.barrier()


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
