"""The hand-derived backward pass, compared with finite differences and with torch on generated shapes and options."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlab.norms.batch import BatchNorm
from bnlab.norms.batch_reference import BatchNormReference

spatial = st.lists(st.integers(1, 3), max_size=3).map(tuple)


def reference(features, **options):
    defaults = {"eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True, "sync": True}
    norm = BatchNormReference(features, **{**defaults, **options}).double()
    norm.reset_parameters()
    return norm


def functional(norm, *names):
    return lambda x, *values: torch.func.functional_call(norm, dict(zip(names, values, strict=True)), (x,))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(4, 2), (3, 2, 2), (2, 2, 1, 2), (2, 2, 1, 2, 1)], ids=len)
def test_first_and_second_derivatives(shape, training):
    # Without running averages, because gradcheck calls the function repeatedly and needs the same result.
    norm = reference(shape[1], track_running_stats=not training).train(training)
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in (shape, shape[1], shape[1])]
    assert torch.autograd.gradcheck(functional(norm, "weight", "bias"), inputs)
    assert torch.autograd.gradgradcheck(functional(norm, "weight", "bias"), inputs)


def test_derivatives_without_affine():
    norm = reference(2, affine=False, track_running_stats=False)
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, x)
    assert torch.autograd.gradgradcheck(norm, x)


def test_gradient_has_no_part_along_the_mean_or_the_spread():
    x = torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    norm = reference(2, eps=1e-300)
    dx = torch.autograd.grad((norm(x) * torch.randn_like(x)).sum(), x)[0]
    torch.testing.assert_close(dx.sum((0, 2)), torch.zeros(2, dtype=torch.float64))
    torch.testing.assert_close((dx * x).sum((0, 2)), torch.zeros(2, dtype=torch.float64))


@settings(max_examples=40)
@given(
    batch=st.integers(2, 5),
    features=st.integers(1, 4),
    spatial=spatial,
    eps=st.sampled_from([1e-8, 1e-5, 0.1]),
    momentum=st.none() | st.floats(0, 1),
    affine=st.booleans(),
    track=st.booleans(),
    steps=st.integers(1, 3),
    seed=st.integers(0, 2**16),
)
def test_equals_batch_on_any_shape_and_options(batch, features, spatial, eps, momentum, affine, track, steps, seed):
    torch.manual_seed(seed)
    options = {"eps": eps, "momentum": momentum, "affine": affine, "track_running_stats": track, "sync": True}
    ours, theirs = reference(features, **options), BatchNorm(features, **options).double()
    theirs.load_state_dict(ours.state_dict())
    for training in [True] * steps + [False]:
        x = torch.randn(batch, features, *spatial, dtype=torch.float64, requires_grad=True)
        dy, results = torch.randn_like(x), []
        for norm in (ours.train(training), theirs.train(training)):
            y = norm(x)
            results.append((y, torch.autograd.grad((y * dy).sum(), [x, *norm.parameters()])))
        # Two close values: 1/σ reaches 1/√ε, which magnifies rounding errors.
        torch.testing.assert_close(*results, atol=1e-7, rtol=1e-7)
        torch.testing.assert_close(dict(ours.named_buffers()), dict(theirs.named_buffers()))
