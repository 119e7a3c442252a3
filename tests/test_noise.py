"""Random numbers inside a forward pass, alone and among stacked replicas."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bnlab.noise import NORM, Noise, normal_like, source, uniform_like
from bnlab.ranks import Part, sharing

CPU = torch.device("cpu")


def draws(seeds: list[int], step: int, like: Tensor) -> list[Tensor]:
    """Two draws in a row of stacked replicas, (R, ...) each."""

    def two(x: Tensor) -> tuple[Tensor, Tensor]:
        return uniform_like(x), uniform_like(x[..., :2])

    with source(Noise(seeds, step, CPU)):
        return list(torch.vmap(two)(like))


@given(st.lists(st.integers(0, 2**32), min_size=1, max_size=4), st.integers(0, 10**6))
def test_a_replica_draws_alone_what_it_draws_among_others(seeds: list[int], step: int) -> None:
    like = torch.zeros(len(seeds), 3, 5)
    stacked = draws(seeds, step, like)
    for r, seed in enumerate(seeds):
        with source(Noise([seed], step, CPU)):
            alone = [uniform_like(like[r]), uniform_like(like[r, :, :2])]
        assert all(torch.equal(s[r], a) for s, a in zip(stacked, alone, strict=True))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_replicas_may_lie_along_any_axis(axis: int) -> None:
    like = torch.zeros(3, 4, 5)
    with source(Noise([0, 1, 2], 0, CPU)):
        moved = torch.vmap(uniform_like, in_dims=axis)(like.movedim(0, axis))
    assert torch.equal(moved, draws([0, 1, 2], 0, like)[0])


def test_draws_are_keyed_by_seed_and_step() -> None:
    like = torch.zeros(1, 100)
    first = draws([0], 0, like)
    assert all(torch.equal(a, b) for a, b in zip(first, draws([0], 0, like), strict=True))
    others = [first[1][:, :2], draws([1], 0, like)[0], draws([0], 1, like)[0]]
    assert not any(torch.equal(first[0][:, : other.shape[1]], other) for other in others)


def test_seeds_and_steps_are_independent() -> None:
    """Correlations between the draws of neighbouring seeds and steps are those of independent numbers."""
    n = 50_000
    rows = [draws([seed], step, torch.zeros(1, n))[0][0] for seed in (0, 1, 2) for step in (0, 1, 2)]
    correlation = torch.corrcoef(torch.stack(rows).double())
    assert (correlation - torch.eye(len(rows))).abs().max() < 5 / n**0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_uniform_in_the_unit_interval(dtype: torch.dtype) -> None:
    n = 200_000
    with source(Noise([0], 0, CPU)):
        u = uniform_like(torch.zeros(n, dtype=dtype))
    assert u.dtype == torch.promote_types(dtype, torch.float32)
    assert 0 <= u.min() < 1e-3 < 1 - 1e-3 < u.max() < 1
    for share in (0.05, 0.1, 0.5, 0.9):
        assert abs((u < share).double().mean() - share) < 4 * (share * (1 - share) / n) ** 0.5


def outside(x: Tensor) -> Tensor:
    return uniform_like(x)


def after(x: Tensor) -> Tensor:
    with source(Noise([0], 0, CPU)):
        uniform_like(x)
    return uniform_like(x)


@pytest.mark.parametrize("draw", [outside, after])
def test_there_is_no_noise_outside_a_source(draw: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(RuntimeError, match="outside a training step"):
        draw(torch.zeros(3))


def test_an_inner_source_gives_back_to_the_outer_one_even_after_an_error() -> None:
    x = torch.zeros(5)
    with source(Noise([0], 0, CPU)):
        whole = [uniform_like(x), uniform_like(x)]
    with source(Noise([0], 0, CPU)):
        first = uniform_like(x)
        with pytest.raises(ZeroDivisionError), source(Noise([1], 0, CPU)):
            uniform_like(x)
            raise ZeroDivisionError
        assert torch.equal(torch.stack(whole), torch.stack([first, uniform_like(x)]))


def test_what_norms_draw_leaves_dropout_its_masks() -> None:
    x = torch.zeros(2, 50)
    with source(Noise([0, 1], 3, CPU)):
        between = [torch.vmap(uniform_like)(x), torch.vmap(lambda x: normal_like(x, NORM))(x)]
        between.append(torch.vmap(uniform_like)(x))
    with source(Noise([0, 1], 3, CPU)):
        alone = [torch.vmap(uniform_like)(x), torch.vmap(uniform_like)(x)]
    assert torch.equal(between[0], alone[0])
    assert torch.equal(between[2], alone[1])
    with source(Noise([0, 1], 3, CPU)):
        assert not torch.equal(torch.vmap(lambda x: uniform_like(x, NORM))(x), alone[0])


def test_a_dry_run_needs_no_source() -> None:
    assert uniform_like(torch.empty(2, 3, device="meta")).shape == (2, 3)


def test_noise_leaves_the_global_generator_alone_and_has_no_gradient() -> None:
    state = torch.get_rng_state()
    x = torch.zeros(2, 4, requires_grad=True)
    with source(Noise([0, 1], 0, CPU)):
        u = torch.vmap(uniform_like)(x)
    assert torch.equal(torch.get_rng_state(), state)
    assert not u.requires_grad
    assert torch.autograd.grad((x * u).sum(), x)[0].equal(u)


def test_normal_numbers_are_standard() -> None:
    n = 200_000
    with source(Noise([0], 0, CPU)):
        z = normal_like(torch.zeros(n))
    assert abs(z.double().mean()) < 4 / n**0.5
    assert abs(z.double().square().mean() - 1) < 4 * (2 / n) ** 0.5
    for bound, share in ((1, 0.682689), (2, 0.954500)):
        assert abs((z.abs() < bound).double().mean() - share) < 4 * (share * (1 - share) / n) ** 0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_normal_numbers_have_a_replicas_own_source_and_no_gradient(dtype: torch.dtype) -> None:
    x, seeds = torch.zeros(3, 2, 20, dtype=dtype, requires_grad=True), [4, 0, 2]
    with source(Noise(seeds, 1, CPU)):
        stacked = torch.vmap(normal_like)(x)
    for r, seed in enumerate(seeds):
        with source(Noise([seed], 1, CPU)):
            assert torch.equal(stacked[r], normal_like(x[r]))
    assert stacked.dtype == torch.promote_types(dtype, torch.float32)
    assert not stacked.requires_grad
    assert normal_like(torch.empty(2, 3, device="meta")).shape == (2, 3)


def test_an_example_gets_the_same_numbers_on_whichever_rank_computes_it() -> None:
    x = torch.zeros(5, 3)
    with source(Noise([7], 2, CPU)):
        whole, shared = uniform_like(x), uniform_like(x[:1], each=False)
    for rank, examples in enumerate((slice(0, 3), slice(3, 5))):
        ranks = SimpleNamespace(rank=rank, size=2)
        with sharing(Part(ranks, (3, 2))), source(Noise([7], 2, CPU)):
            assert torch.equal(uniform_like(x[examples]), whole[examples])
            assert torch.equal(uniform_like(x[:1], each=False), shared)
