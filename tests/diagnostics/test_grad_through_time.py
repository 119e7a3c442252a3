"""Gradients through time compared with explicit backpropagation and a closed form."""

import numpy as np
import pytest
import torch

from bnlab.diagnostics.grad_through_time import GradThroughTime
from bnlab.diagnostics.look import Look
from tests.diagnostics.real import CLASSES, seen

DIAGNOSTIC = GradThroughTime(when=["init"])
STEPS = 5


def reference(net: torch.nn.Module, x: np.ndarray, y: np.ndarray) -> list[float]:
    """Return ‖∂L/∂h_t‖ of a tanh net without norms, forward and backward in NumPy."""
    weight = {name: p.detach().numpy() for name, p in net.named_parameters()}
    x_TBI, hidden = x[:, 0].transpose(1, 0, 2), [np.zeros((len(x), len(weight["units.0.bias.value"])))]
    for x_BI in x_TBI:
        a = x_BI @ weight["units.0.from_input.weight"].T + hidden[-1] @ weight["units.0.from_hidden.weight"].T
        hidden.append(np.tanh(a + weight["units.0.bias.value"]))
    logits = hidden[-1] @ weight["head.weight.weight"].T + weight["head.weight.bias"]
    odds = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    grad = (odds - np.eye(CLASSES)[y]) / len(x) @ weight["head.weight.weight"]
    norms = []
    for h in hidden[:0:-1]:
        norms.append(np.sqrt(np.square(grad).sum()))
        grad = grad * (1 - h**2) @ weight["units.0.from_hidden.weight"]
    return norms[::-1]


@pytest.mark.parametrize("replicas", [1, 3])
def test_equals_backpropagation_written_out(replicas: int) -> None:
    found = seen("rnn", (1, STEPS, 3), replicas, width=6, activation="tanh")
    observed = DIAGNOSTIC.observe(found.look)
    assert list(observed) == ["units.0.hidden"]
    for r, (x, y) in enumerate(found.batches[-1]):
        expected = reference(found.nets[r], x.numpy(), y.numpy())
        np.testing.assert_allclose(observed["units.0.hidden"][r].numpy(), expected, rtol=1e-10)


def test_a_linear_net_shrinks_the_gradient_by_its_weight_at_every_step() -> None:
    """Closed form: with h_t = a h_(t-1) + W x_t + b, ‖∂L/∂h_t‖ = a ‖∂L/∂h_(t+1)‖."""

    def prepare(net: torch.nn.Module) -> None:
        torch.nn.init.eye_(net.get_parameter("units.0.from_hidden.weight")).data.mul_(0.5)

    found = seen("rnn", (1, STEPS, 3), 1, updates=0, prepare=prepare, width=6, activation="identity")
    norms = DIAGNOSTIC.observe(found.look)["units.0.hidden"][0]
    np.testing.assert_allclose((norms[:-1] / norms[1:]).numpy(), 0.5, rtol=1e-12)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_equals_numpy_and_leaves_other_sites_alone(replicas: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes = {"units.0.hidden": (7, 4), "units.1.hidden": (1, 1), "hidden": (2, 3, 2)}
    grads = {s: tuple(torch.randn(replicas, *n, generator=draw).to(dtype) for _ in range(4)) for s, n in shapes.items()}
    others = {site: (torch.ones(replicas, 3, 2),) for site in ("units.0.cell", "head.output", "units.hidden.cell")}
    observed = DIAGNOSTIC.observe(Look({}, site_grads=grads | others))
    assert observed.keys() == grads.keys()
    for site, firings in grads.items():
        expected = [[np.sqrt(np.square(g[r].double().numpy()).sum()) for g in firings] for r in range(replicas)]
        np.testing.assert_allclose(observed[site].numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_gradients_keep_their_norm(size: float) -> None:
    look = Look({}, site_grads={"hidden": (torch.full((1, 2, 2), size),)})
    assert DIAGNOSTIC.observe(look)["hidden"].item() == pytest.approx(2 * size)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_shows_at_its_step_and_replica(value: float) -> None:
    first, second = torch.ones(2, 1, 4), torch.ones(2, 1, 4)
    second[0, 0, 1] = value
    lost, other = DIAGNOSTIC.observe(Look({}, site_grads={"hidden": (first, second)}))["hidden"].tolist()
    assert lost == pytest.approx([2.0, value], nan_ok=True)
    assert other == [2.0, 2.0]


def test_rows_carry_the_time_step_from_one() -> None:
    assert DIAGNOSTIC.rows(3, "units.0.hidden", np.array([0.5, 0.25])) == [
        {"step": 3, "site": "units.0.hidden", "diagnostic": "grad_through_time", "index": t, "value": value}
        for t, value in ((1, 0.5), (2, 0.25))
    ]
