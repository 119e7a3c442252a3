"""Peak memory, on systems that report it."""

import mmap
from pathlib import Path

import pytest
import torch

from bnlab.training.memory import peak, watch_peak

MEBIBYTE = 2**20


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process its peak")
def test_the_peak_is_what_was_held_at_once_since_the_watch_began() -> None:
    cpu = torch.device("cpu")
    watch_peak(cpu)
    before = peak(cpu)
    with mmap.mmap(-1, 64 * MEBIBYTE) as held:  # a heap might have as much free memory from before
        held.write(b"x" * MEBIBYTE * 64)
    after = peak(cpu)
    assert before is not None
    assert after is not None
    assert 60 * MEBIBYTE < after - before < 200 * MEBIBYTE
    watch_peak(cpu)
    again = peak(cpu)
    assert again is not None
    assert again < after - 30 * MEBIBYTE


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_is_what_torch_allocated() -> None:
    cuda = torch.device("cuda")
    watch_peak(cuda)
    before = peak(cuda)
    torch.empty(64 * MEBIBYTE, dtype=torch.uint8, device=cuda)
    assert before is not None
    assert (peak(cuda) or 0) - before == 64 * MEBIBYTE
