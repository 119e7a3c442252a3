"""Invariances of norms: a table of the changes of the input that do not affect the output, tested in both directions.

A norm that is not in the table is tested for the common invariances; empty cells are tested not to be invariances.
"""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch import nn
from torch.func import functional_call

from bnlab import registry
from bnlab.errors import Refused
from bnlab.noise import Noise, source
from bnlab.norms.base import Norm

NAMES = [
    path.stem
    for path in sorted((Path(__file__).parents[2] / "conf" / "norm").glob("[!_]*.yaml"))
    if issubclass(registry.find("norm", path.stem).load(), Norm)  # and not a norm of weights
]
C = 8

# scale: x -> a x, a > 0; channel shift: x -> x + b_C; shift: x -> x + b; example scale and shift: x -> a_B x, x + b_B;
# order: examples may be permuted; company: an example's output does not depend on the others in its training batch.
COLUMNS = ("scale", "channel_shift", "shift", "example_scale", "example_shift", "order", "company")
BATCH = ("scale", "channel_shift", "shift", "order")
EXAMPLE = ("scale", "shift", "example_scale", "example_shift", "order", "company")
TABLE = {
    "none": ("order", "company"),
    "batch": BATCH,
    "batch_reference": BATCH,
    "batch_renorm": BATCH,  # during warm-up
    "ghost_batch": ("scale", "channel_shift", "shift"),
    "noisy_batch": ("scale", "channel_shift", "shift"),
    "mean_only_batch": ("channel_shift", "shift", "order"),
    "weight_mean_only_batch": ("channel_shift", "shift", "order"),
    "variance_only_batch": ("scale", "order"),
    "l1": ("scale", "order"),
    "l2": ("scale", "order"),
    "linf": ("scale", "order"),
    "layer": EXAMPLE,
    "group": EXAMPLE,
    "instance": (*EXAMPLE, "channel_shift"),
    "rms": ("scale", "example_scale", "order", "company"),
    "frn": ("scale", "example_scale", "order", "company"),
}
CHANGED = {"eps": 1e-30, "chunk": 3, "learn_eps": False, "tlu": False}  # so that ε is negligible, and chunks are used

positive, real = st.floats(0.2, 5), st.floats(-5, 5)
cells = [(name, column) for name in TABLE for column in COLUMNS]
kept = [cell for cell in cells if cell[1] in TABLE[cell[0]]]
broken = [cell for cell in cells if cell[1] not in TABLE[cell[0]]]


@pytest.fixture(scope="module")
def build(make_random):
    def make(name):
        options = OmegaConf.load(Path(__file__).parents[2] / "conf" / "norm" / f"{name}.yaml")
        return make_random(name, C, **{key: value for key, value in CHANGED.items() if key in options})

    return make


def passed(norm, x):
    with source(Noise([0], 0, torch.device("cpu"))):
        return norm(x)


def change(column, x, a, b):
    """Return x with the column's change, and the map from the old output to the expected one if the norm is invariant.

    If each example or channel has its own number, these are spread between 1 and a, and between 0 and b.
    """
    ones = [1] * (x.ndim - 2)
    along_B = torch.linspace(0, 1, len(x), dtype=x.dtype).view(-1, 1, *ones)
    along_C = torch.linspace(0, 1, C, dtype=x.dtype).view(1, -1, *ones)
    turn = torch.roll(torch.arange(len(x)), 1)
    return {
        "scale": lambda: (a * x, lambda y: y),
        "channel_shift": lambda: (x + b * along_C, lambda y: y),
        "shift": lambda: (x + b, lambda y: y),
        "example_scale": lambda: (x * a**along_B, lambda y: y),
        "example_shift": lambda: (x + b * along_B, lambda y: y),
        "order": lambda: (x[turn], lambda y: y[turn]),
        "company": lambda: (torch.cat([x[:2], a * x[2:] + b]), lambda y: y),
    }[column]()


def outputs(norm, column, x, a, b):
    """Return the norm's output for the changed input, and the expected output if the norm is invariant."""
    changed, expect = change(column, x, a, b)
    found, expected = passed(norm, changed), expect(passed(norm, x))
    return (found[:2], expected[:2]) if column == "company" else (found, expected)


@pytest.mark.parametrize(("name", "column"), kept)
@settings(max_examples=15)
@given(a=positive, b=real, spatial=st.sampled_from([(), (3,), (2, 2)]), seed=st.integers(0, 2**16))
def test_a_change_that_the_norm_does_not_see(build, name, column, a, b, spatial, seed):
    torch.manual_seed(seed)
    x = torch.randn(5, C, *spatial, dtype=torch.float64) + 0.5
    norm = build(name)
    try:
        found, expected = outputs(norm, column, x, a, b)
    except Refused:
        assert name in ("instance", "frn")
        assert spatial == ()
        return
    torch.testing.assert_close(found, expected, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize(("name", "column"), broken)
def test_a_change_that_the_norm_sees(build, name, column):
    x = torch.randn(5, C, 2, 2, dtype=torch.float64) + 0.5
    found, expected = outputs(build(name), column, x, 3.0, 2.0)
    assert (found - expected).abs().max() > 0.01


def test_every_norm_has_a_row():
    missing = set(NAMES) - set(TABLE)
    assert set(TABLE) <= set(NAMES)
    if missing:
        pytest.skip(f"no row yet for {', '.join(sorted(missing))}")


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(
    shape=st.sampled_from([(6, C), (4, C, 3), (3, C, 2, 2)]), steps=st.integers(0, 3), seed=st.integers(0, 2**16)
)  # fmt: skip
def test_in_evaluation_an_example_does_not_see_its_batch(build, name, shape, steps, seed):
    torch.manual_seed(seed)
    norm = build(name)
    x = 2 * torch.randn(shape, dtype=torch.float64) + 1
    try:
        for _ in range(steps):
            passed(norm, 2 * torch.randn(shape, dtype=torch.float64) + 1)
        together = norm.eval()(x)
    except Refused:
        assert name in ("instance", "frn")
        assert len(shape) == 2
        return
    torch.testing.assert_close(torch.cat([norm(one) for one in x.split(1)]), together)


@pytest.mark.parametrize("name", [name for name in TABLE if "scale" in TABLE[name]])
@settings(max_examples=10)
@given(a=positive, seed=st.integers(0, 2**16))
def test_weights_before_a_norm_that_does_not_see_scale(build, name, a, seed):
    """L(aW) = L(W), ⟨W, ∇L⟩ = 0 and ∇L(aW) = ∇L(W)/a, for a convolution W before the norm."""
    torch.manual_seed(seed)
    norm, before = build(name), nn.Conv2d(3, C, 2, bias=False, dtype=torch.float64)
    x, target = torch.randn(4, 3, 4, 4).double(), torch.randn(4, C, 3, 3).double()

    def loss(weight):
        return (passed(norm, functional_call(before, {"weight": weight}, (x,))) - target).square().mean()

    weights = [before.weight, (a * before.weight).detach().requires_grad_()]
    losses = [loss(weight) for weight in weights]
    gradients = [torch.autograd.grad(value, weight)[0] for value, weight in zip(losses, weights, strict=True)]
    torch.testing.assert_close(losses[1], losses[0])
    torch.testing.assert_close(gradients[1] * a, gradients[0], atol=1e-8, rtol=1e-6)
    assert (gradients[0] * weights[0]).sum().abs() < 1e-8
