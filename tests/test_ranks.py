"""Parts of batches, and what is gathered from ranks, here simulated: rank r of a group gets the recorded rows."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bnlab.norms import synchronized
from bnlab.ranks import Part, current, sharing


class Rows:
    """Ranks of which one is real: the others' values are given."""

    def __init__(self, rank: int, rows: list[Tensor]) -> None:
        self.rank, self.size, self._rows = rank, len(rows), rows

    def gather(self, value: Tensor) -> Tensor:
        return torch.stack([value if r == self.rank else row for r, row in enumerate(self._rows)])

    def add_(self, value: Tensor) -> None:
        raise NotImplementedError


def of(rank: int, size: int, n: int, chunk: int) -> Part:
    return Part.of(Rows(rank, [torch.empty(0)] * size), n, chunk)


@given(size=st.integers(1, 9), n=st.integers(1, 50), chunk=st.integers(1, 20))
def test_parts_cover_the_batch_in_order(size: int, n: int, chunk: int) -> None:
    x = torch.arange(n)
    parts = [of(rank, size, n, chunk) for rank in range(size)]
    own = [part.own(x) for part in parts if part.counts[part.ranks.rank]]
    assert torch.cat(own).tolist() == x.tolist()
    assert {part.n for part in parts} == {n}
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert all(torch.equal(part.own(x), parts[0].own(x)) for part in parts if part.share == 0)


@given(n=st.integers(1, 16))
def test_a_batch_of_the_usual_size_or_less_is_split_like_the_chunks_of_torch(n: int) -> None:
    chunks = [len(chunk) for chunk in torch.split(torch.arange(n), 4)]
    assert of(0, 4, n, 4).counts == (*chunks, *[0] * (4 - len(chunks)))


@given(counts=st.lists(st.integers(1, 5), min_size=1, max_size=5), offset=st.sampled_from([0.0, 1.0, -1e6]))
def test_moments_of_parts_are_those_of_the_whole(counts: list[int], offset: float) -> None:
    torch.manual_seed(sum(counts))
    chunk = max(counts)
    counts = [chunk] * (len(counts) - 1) + [counts[-1]]
    x = torch.randn(sum(counts), 3, 2, dtype=torch.float64) + offset
    pieces = torch.split(x, counts)
    rows = [torch.stack(torch.var_mean(piece, [0, 2], correction=0)) for piece in pieces]
    for rank, piece in enumerate(pieces):
        with sharing(Part.of(Rows(rank, rows), len(x), chunk)):
            mean, var = synchronized.moments(piece)
        torch.testing.assert_close(mean, x.mean([0, 2]), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(var, x.var([0, 2], correction=0), rtol=1e-9, atol=1e-12)


def test_parts_without_examples_do_not_count() -> None:
    x = torch.randn(3, 2, dtype=torch.float64)
    rows = [torch.stack(torch.var_mean(piece, 0, correction=0)) for piece in (x[:2], x[2:], x[:2], x[:2])]
    part = Part.of(Rows(3, rows), 3, 2)
    with sharing(part):
        mean, var = synchronized.moments(part.own(x))
    torch.testing.assert_close(mean, x.mean(0))
    torch.testing.assert_close(var, x.var(0, correction=0))


def test_blocks_nest() -> None:
    part = of(0, 2, 4, 2)
    assert current() is None
    with sharing(part):
        with sharing(None):
            assert current() is None
        assert current() is part
    assert current() is None
