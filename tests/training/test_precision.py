"""bfloat16 is computed in where a device has instructions for it, and nowhere else."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch
from duologue.training.precision import bfloat16

CPU = torch.device("cpu")
LINUX = Path("/proc/cpuinfo")


def multiplied(*, wanted: bool) -> torch.dtype:
    with bfloat16(CPU, wanted=wanted):
        return (torch.ones(2, 2) @ torch.ones(2, 2)).dtype


def test_what_does_not_want_it_stays_in_32_bits() -> None:
    assert multiplied(wanted=False) is torch.float32


@pytest.mark.skipif(not LINUX.exists() or platform.machine() != "x86_64", reason="Linux lists what a processor has")
def test_a_processor_computes_in_it_where_linux_says_that_it_can() -> None:
    flags = LINUX.read_text().partition("flags")[2].partition("\n")[0].split()
    has = bool({"avx512_bf16", "amx_bf16"} & set(flags))
    assert multiplied(wanted=True) is (torch.bfloat16 if has else torch.float32)
