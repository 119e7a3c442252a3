"""The rules for stacked replicas compared with each replica alone, in float64."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.training.executors.rules import Rules

R, B, IN, OUT = 3, 5, 4, 2


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def both(one: Callable[..., Tensor], tensors: list[Tensor | None], dims: tuple[int | None, ...]) -> None:
    """Check that values, gradients and second derivatives of all replicas together are those of each alone."""
    found = []
    for together in (True, False):
        if together:
            with Rules():
                y = torch.vmap(one, in_dims=dims)(*tensors)
        else:
            each = [[t if t is None or d is None else t.select(d, r) for t, d in zip(tensors, dims, strict=True)]
                    for r in range(R)]  # fmt: skip
            y = torch.stack([one(*own) for own in each])
        leaves = [t for t in tensors if t is not None and t.requires_grad]
        weight = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
        first = torch.autograd.grad((y * weight).sum(), leaves, create_graph=True)
        (once, *_) = first
        plain = torch.autograd.grad((y.square() * weight).sum(), leaves, retain_graph=True)  # no second derivative
        second = torch.autograd.grad(once.square().sum(), leaves, allow_unused=True)
        found.append([y, *first, *plain, *(g for g in second if g is not None)])
    assert len(found[0]) == len(found[1])
    for together, alone in zip(*found, strict=True):
        torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(B,), (), (2, B)], ids=str)
@pytest.mark.parametrize("dim", [0, -2, None])
def test_maps(batch: tuple[int, ...], dim: int | None, bias: bool) -> None:
    """The replicas' axis may be first or just before the features, and a shared batch has none."""
    shape = [*batch, IN]
    if dim is not None:
        shape.insert(dim if dim == 0 else len(batch), R)
        dim %= len(shape)
    tensors = [normal(*shape), normal(R, OUT, IN), normal(R, OUT) if bias else None]
    both(lambda x, w, b: F.linear(x, w, b).tanh(), tensors, (dim, 0, 0 if bias else None))


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("positions", [(), (3,), (3, 2)], ids=str)
@pytest.mark.parametrize("dim", [0, 1])
def test_batch_norm_by_the_batch(positions: tuple[int, ...], dim: int, affine: bool) -> None:
    shape = [B, IN, *positions]
    shape.insert(dim, R)
    tensors = [normal(*shape), *([normal(R, IN), normal(R, IN)] if affine else [None, None])]
    scale = 0 if affine else None
    both(lambda x, w, b: F.batch_norm(x, None, None, w, b, True, 0.1, 1e-5), tensors, (dim, scale, scale))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("steps", [False, True], ids=["one", "several"])
def test_running_statistics_move_in_place(training: bool, steps: bool) -> None:
    """Also if each is one time step's of several, (R, T, C)."""
    x = torch.randn(R, B, IN, dtype=torch.float64)
    held = torch.rand(2, R, 4, IN, dtype=torch.float64)
    mean, var = (kept[:, 2] if steps else kept[:, 2].clone() for kept in held)
    expected = [(mean[r].clone(), var[r].clone()) for r in range(R)]
    alone = torch.stack([F.batch_norm(x[r], *expected[r], training=training) for r in range(R)])
    with Rules():
        y = torch.vmap(lambda x, m, v: F.batch_norm(x, m, v, training=training))(x, mean, var)
    torch.testing.assert_close(y, alone)
    torch.testing.assert_close(mean, torch.stack([m for m, _ in expected]))
    torch.testing.assert_close(var, torch.stack([v for _, v in expected]))


def test_the_batch_statistics_that_are_handed_over() -> None:
    x, mean, var = torch.randn(R, B, IN), torch.zeros(R, IN), torch.ones(R, IN)

    def one(x: Tensor, mean: Tensor, var: Tensor) -> tuple[Tensor, ...]:
        return torch._batch_norm_impl_index(x, None, None, mean, var, True, 0.1, 1e-5, False)[:3]

    with Rules():
        _, batch_mean, inverse_std = torch.vmap(one)(x, mean, var)
    torch.testing.assert_close(batch_mean, x.mean(1))
    torch.testing.assert_close(inverse_std, (x.var(1, correction=0) + 1e-5).rsqrt())


@pytest.mark.parametrize("dims", [(0, 0), (1, 0), (0, None)], ids=str)
def test_cross_entropy(dims: tuple[int, int | None]) -> None:
    x = normal(R, B, IN) if dims[0] == 0 else normal(B, R, IN)
    target = torch.randint(IN, (B,) if dims[1] is None else (R, B))
    both(lambda x, y: F.cross_entropy(x, y), [x, target], dims)


def test_what_comes_out_lies_as_the_next_rule_wants_it() -> None:
    """The purpose of the rules: no copy between a map, a batch norm and an activation, and none of a gradient."""
    x, w = torch.randn(R, B, IN), torch.randn(R, OUT, IN, requires_grad=True)

    def one(x: Tensor, w: Tensor) -> Tensor:
        return F.batch_norm(F.linear(x, w), None, None, training=True).relu()

    with Rules():
        y = torch.vmap(one, out_dims=1)(x, w)
    assert y.shape == (B, R, OUT)
    assert y.is_contiguous()
    (grad,) = torch.autograd.grad(y.square().sum(), [w])
    assert grad.is_contiguous()


def test_under_autocast_vmaps_own_rules_hold() -> None:
    x, w = torch.randn(R, B, IN), torch.randn(R, OUT, IN)

    def one(x: Tensor, w: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return F.linear(x, w)

    with Rules():
        y = torch.vmap(one)(x, w)
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y, x.bfloat16() @ w.bfloat16().mT)
