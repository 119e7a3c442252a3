"""Spectral norm compared with torch's, and with singular values."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from bnlab.norms.reparametrization import reparametrize

LAYERS = {"linear": (lambda: nn.Linear(4, 5), (7, 4)), "conv": (lambda: nn.Conv2d(4, 6, 3, padding=1), (3, 4, 5, 5)),
          "one output": (lambda: nn.Linear(4, 1), (7, 4))}  # fmt: skip


def sigma(weight):
    return torch.linalg.matrix_norm(weight.flatten(1), 2)


def lost(norm):
    """Return the norm with random u and v."""
    with torch.no_grad():
        for vector in (norm.u, norm.v):
            vector.copy_(nn.functional.normalize(torch.randn_like(vector), dim=0))
    return norm


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("layer", LAYERS)
def test_trains_like_torchs(make_weight_norm, layer, iterations):
    make, shape = LAYERS[layer]
    ours, other = make().double(), make().double()
    other.load_state_dict(ours.state_dict())
    reparametrize(ours, lost(make_weight_norm("spectral", ours.weight, iterations=iterations)))
    originals = spectral_norm(other, n_power_iterations=iterations).parametrizations.weight
    for name in "uv":
        originals[0].get_buffer(f"_{name}").copy_(ours.norm.get_buffer(name))
    steps = [torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01) for net in (ours, other)]
    for _ in range(5):
        x = torch.randn(shape, dtype=torch.float64)
        for net, step in zip((ours, other), steps, strict=True):
            step.zero_grad()
            net(x).cos().sum().backward()
        torch.testing.assert_close(ours.weight.grad, originals.original.grad)
        for step in steps:
            step.step()
        for name in "uv":
            torch.testing.assert_close(ours.norm.get_buffer(name), originals[0].get_buffer(f"_{name}"))
    torch.testing.assert_close(ours.weight, originals.original)
    torch.testing.assert_close(ours.eval()(x), other.eval()(x))


@pytest.mark.parametrize("shape", [(5, 4), (4, 9), (1, 6), (6, 3, 2, 2)], ids=str)
def test_the_largest_singular_value_is_1_from_the_start(make_weight_norm, shape):
    weight = torch.randn(shape, dtype=torch.float64)
    for training in (False, True):
        norm = make_weight_norm("spectral", weight).train(training)
        torch.testing.assert_close(sigma(norm(weight)).item(), 1.0)


def test_it_gets_there_from_anywhere(make_weight_norm):
    weight = torch.randn(8, 6, dtype=torch.float64)
    norm = lost(make_weight_norm("spectral", weight))
    first = sigma(norm(weight))
    for _ in range(300):
        w = norm(weight)
    assert first > 1.01  # σ is underestimated, so w is too large
    torch.testing.assert_close(sigma(w).item(), 1.0)


def test_the_length_of_w_does_not_matter(make_weight_norm):
    weight = torch.randn(6, 3, 2, 2, dtype=torch.float64)
    norms = [make_weight_norm("spectral", weight) for _ in range(2)]
    torch.testing.assert_close(norms[0](7 * weight), norms[1](weight))


def test_evaluation_leaves_u_and_v(make_weight_norm):
    weight = torch.randn(5, 4)
    norm = lost(make_weight_norm("spectral", weight)).eval()
    before = {key: value.clone() for key, value in norm.named_buffers()}
    w = norm(weight)
    torch.testing.assert_close(dict(norm.named_buffers()), before, atol=0, rtol=0)
    torch.testing.assert_close(w, weight / (before["u"] @ weight @ before["v"]))
    norm.train()(weight)
    assert not torch.equal(norm.u, before["u"])
    assert not torch.equal(norm.v, before["v"])


def test_one_output_is_divided_by_its_length(make_weight_norm):
    weight = torch.randn(1, 6, dtype=torch.float64)
    torch.testing.assert_close(lost(make_weight_norm("spectral", weight))(weight), weight / weight.norm())


def test_the_largest_singular_value_is_never_below_one(make_weight_norm):
    """It is 1 at first, and above 1 while the iteration lags behind a changing weight."""
    weight = torch.randn(6, 5, dtype=torch.float64)
    norm = make_weight_norm("spectral", weight)
    assert torch.linalg.matrix_norm(norm(weight), 2).item() == pytest.approx(1)
    sizes = []
    for _ in range(20):
        weight = weight + 0.3 * torch.randn_like(weight)
        sizes.append(torch.linalg.matrix_norm(norm(weight), 2).item())
    assert min(sizes) >= 1 - 1e-12
    assert max(sizes) > 1.001
