"""Keyed generators."""

import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from bnlab import rng

triples = st.tuples(st.integers(0, 2**32), st.text(max_size=4), st.integers(0, 2**32))


@given(triples, triples)
def test_a_key_is_63_bits_and_names_one_draw(one: tuple[int, str, int], other: tuple[int, str, int]) -> None:
    assert 0 <= rng.key(*one) < 2**63
    assert (rng.key(*one) == rng.key(*other)) == (one == other)


def test_keys_stay_what_they_are() -> None:
    assert rng.key(0, "order", 0) == 8407243675484231436
    assert rng.key(1, "order", 23) != rng.key(12, "order", 3)


def test_a_generator_repeats_itself() -> None:
    first, again, next_epoch = (torch.rand(4, generator=rng.generator(0, "order", epoch)) for epoch in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, next_epoch)


def test_importing_it_loads_no_torch() -> None:
    subprocess.run([sys.executable, "-c", "import sys, bnlab.rng; assert 'torch' not in sys.modules"], check=True)
