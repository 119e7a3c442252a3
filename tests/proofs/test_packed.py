"""Packs compared with single runs in float64: equal within 1e-8 for every optimizer, with one exception.

Adam and AdamW change a parameter by about lr · g / (|g| + eps). If |g| is far above eps, the effect of rounding of g is
negligible; if g is zero up to rounding, each update adds lr / eps times the rounding. If neither the loss nor a weight
decay depends on the parameter (a bias that the next norm removes), the error does not grow further. It grows if they
do: with norm=l2 after a linear map the next norm removes the mean of β, but its size depends on β²; and Adam's weight
decay λθ is part of the gradient, which is divided by its own size (AdamW's is not).
"""

from collections.abc import Collection, Sequence
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from bnlab.config.folder import conf_dir
from bnlab.models.base import Model, assemble, initialize
from bnlab.noise import Noise
from bnlab.norms.placement import Placement
from bnlab.optim.hyper import Hyper
from bnlab.registry import find
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import METRICS, make_step

SEEDS, STEPS, BATCH = (0, 1, 2), 60, 8
LR = {"sgd": 0.02, "adam": 0.003, "adamw": 0.003}
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "momentum": 0.0, "nesterov": False},
    "momentum": {"name": "sgd", "momentum": 0.9, "nesterov": False},
    "nesterov": {"name": "sgd", "momentum": 0.9, "nesterov": True},
    "adam": {"name": "adam", "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    "adamw": {"name": "adamw", "beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
}
ADAPTIVE = ("adam", "adamw")
DECAY = dict.fromkeys(OPTIMIZERS, 0.01) | {"adam": 0.0}  # an exception with decay, see below
NETS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("mlp", {"depth": 3, "width": 8, "activation": "tanh", "dropout": 0.0, "bias": True}),
    "linear": ("deep_linear", {"depth": 6, "width": 8, "bias": False}),
}
NORMS = (
    "none",
    "batch",
    "batch_renorm",
    "mean_only_batch",
    "variance_only_batch",
    "l1",
    "l2",
    "linf",
    "layer",
    "rms",
    "weight",
)
EXCEPTION = ("linear", "l2")
SHIFTS = "before_act.norm.bias"
CENTRING = ("batch", "batch_renorm", "mean_only_batch")  # a bias or shift before one has gradient 0
CELLS = [
    (net, norm, optimizer)
    for net in NETS
    for norm in NORMS
    for optimizer in OPTIMIZERS
    if not ((net, norm) == EXCEPTION and optimizer in ADAPTIVE)
]
# Every net with every norm, with one kind of SGD and one of Adam in turn: `make contracts` has all cells.
TURN = {
    (net, norm, kinds[(place + first) % len(kinds)])
    for first, net in enumerate(NETS)
    for place, norm in enumerate(NORMS)
    for kinds in (tuple(o for o in OPTIMIZERS if o not in ADAPTIVE), ADAPTIVE)
}


def cells() -> list[Any]:
    """Return all cells; those out of turn are exhaustive."""
    marks = {cell: () if cell in TURN else pytest.mark.exhaustive for cell in CELLS}
    return [pytest.param(*cell, id="-".join(cell), marks=mark) for cell, mark in marks.items()]


def build(net: str, norm: str, seed: int) -> Model:
    name, options = NETS[net]
    own = {k: v for k, v in OmegaConf.load(conf_dir() / "norm" / f"{norm}.yaml").items() if k != "name"}
    kind = find("norm", norm)
    at = () if kind.facts.get("ignores_placement") else ("before_act",)
    model = assemble(find("model", name).load(), (6,), 3, Placement.of(kind.load(), own, at), options)
    initialize(model, "glorot", 0.01, seed)
    return model.double()


def batch(seed: int, step: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1000 * seed + step)
    return torch.randn(BATCH, 6, generator=draw, dtype=torch.float64), torch.randint(3, (BATCH,), generator=draw)


def train(
    net: str, norm: str, optimizer: str, seeds: Sequence[int], frozen: Collection[str] = (), **changes: float
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return losses and gradient norms (R, 2, steps) and final parameters (R, ...); `frozen` ones are not trained."""
    nets = [build(net, norm, seed) for seed in seeds]
    executor = Fused(nets) if len(nets) > 1 else Serial(*nets)
    options = (
        OPTIMIZERS[optimizer] | {"lr": LR[OPTIMIZERS[optimizer]["name"]], "weight_decay": DECAY[optimizer]} | changes
    )
    moved = find("optim", options.pop("name")).load()(**options)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, moved.slots(list(params.values())))
    state.fix(list(frozen))
    step = make_step(executor, moved, {}, None)

    def stacked(value: float) -> Tensor:
        return executor.stack([torch.tensor(value, dtype=torch.float64)] * len(seeds))

    hyper = Hyper(stacked(options["lr"]), stacked(options.get("momentum", 0.0)), stacked(options["weight_decay"]))
    rows = []
    executor.train(True)
    for n in range(STEPS):
        x, y = (executor.stack(part) for part in zip(*(batch(seed, n) for seed in seeds), strict=True))
        output = step(state, [(x, y)], hyper, [METRICS], Noise(list(seeds), n, torch.device("cpu")))
        assert output.grad_norm_R is not None
        rows.append(torch.stack([output.loss_R, output.grad_norm_R], 1))
    return torch.stack(rows, 2), {name: executor.unstack(p).detach() for name, p in state.tensors.items()}


def check_equal(net: str, norm: str, optimizer: str, **options: Any) -> None:
    rows, params = train(net, norm, optimizer, SEEDS, **options)
    for r, seed in enumerate(SEEDS):
        own_rows, own_params = train(net, norm, optimizer, [seed], **options)
        torch.testing.assert_close(rows[r], own_rows[0], rtol=1e-8, atol=1e-8)
        for name, p in own_params.items():
            torch.testing.assert_close(params[name][r], p[0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("net", "norm", "optimizer"), cells())
def test_a_pack_leaves_what_runs_alone_leave(net: str, norm: str, optimizer: str) -> None:
    check_equal(net, norm, optimizer)


@pytest.mark.parametrize("optimizer", ADAPTIVE)
def test_the_exception_is_gone_with_a_larger_eps(optimizer: str) -> None:
    check_equal(*EXCEPTION, optimizer, eps=1e-3)


@pytest.mark.parametrize("optimizer", ADAPTIVE)
def test_the_exception_is_gone_without_the_shifts(optimizer: str) -> None:
    """No other parameter of that net is an exception."""
    check_equal(*EXCEPTION, optimizer, frozen=zero_but_for_rounding(*EXCEPTION))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("net", NETS)
def test_adams_weight_decay_is_no_exception_with_a_larger_eps(net: str, norm: str) -> None:
    check_equal(net, norm, "adam", weight_decay=0.01, eps=1e-3)


@pytest.mark.parametrize("norm", CENTRING)
@pytest.mark.parametrize("net", NETS)
def test_adams_weight_decay_is_an_exception_for_gradients_of_zero_alone(net: str, norm: str) -> None:
    frozen = zero_but_for_rounding(net, norm)
    assert frozen
    check_equal(net, norm, "adam", weight_decay=0.01, frozen=frozen)


def zero_but_for_rounding(net: str, norm: str) -> set[str]:
    """Return the parameters whose gradient is zero up to rounding."""
    return {name for name, size in first_gradients(net, norm).items() if size < 1e-13}


def first_gradients(net: str, norm: str) -> dict[str, float]:
    """Return the largest element of each parameter's gradient at initialization."""
    model = build(net, norm, 0).train()
    x, y = batch(0, 0)
    loss = torch.nn.functional.cross_entropy(model(x), y)
    grads = torch.autograd.grad(loss, list(model.parameters()))
    return {name: grad.abs().max().item() for (name, _), grad in zip(model.named_parameters(), grads, strict=True)}


def test_each_net_takes_its_turn_with_each_norm_and_each_optimizer() -> None:
    for other in (1, 2):
        assert {(cell[0], cell[other]) for cell in TURN} == {(cell[0], cell[other]) for cell in CELLS}


def test_the_exceptions_shifts_have_gradients_that_are_zero_but_for_rounding() -> None:
    """All but the last one, which is followed by the head instead of a norm."""
    found, zero = first_gradients(*EXCEPTION), zero_but_for_rounding(*EXCEPTION)
    last = "units.5.before_act.norm.bias"
    assert zero == {name for name in found if name.endswith(SHIFTS)} - {last}
    assert min(size for name, size in found.items() if name not in zero) > 1e-6


def parted(optimizer: str, nudge: float, **changes: float) -> float:
    """Return how far the losses of two runs diverge whose initial shifts differ by `nudge`."""
    runs = []
    for start in (0.0, nudge):
        model = build(*EXCEPTION, 0)
        with torch.no_grad():
            for name, p in model.named_parameters():
                if name.endswith(SHIFTS):
                    p += start * torch.randn(p.shape, generator=torch.Generator().manual_seed(1), dtype=p.dtype)
        options = OPTIMIZERS[optimizer] | {"lr": LR[OPTIMIZERS[optimizer]["name"]], "weight_decay": 0.0} | changes
        moved = find("optim", options.pop("name")).load()(**options)
        executor = Serial(model)
        params, buffers = executor.tensors()
        state = TrainState(0, params, buffers, moved.slots(list(params.values())))
        step = make_step(executor, moved, {}, None)
        rate, none = torch.tensor(options["lr"], dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
        momentum = torch.tensor(options.get("momentum", 0.0), dtype=torch.float64)
        losses = [
            step(state, [batch(0, n)], Hyper(rate, momentum, none), [], Noise([0], n, torch.device("cpu"))).loss_R
            for n in range(STEPS)
        ]
        runs.append(torch.cat(losses))
    return (runs[0] - runs[1]).abs().max().item()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_rounding_becomes(optimizer: str) -> None:
    """A perturbation of the size of rounding separates two runs with Adam at eps=1e-8, but not in the other cases."""
    apart = parted(optimizer, 1e-15)
    if optimizer in ADAPTIVE:
        assert apart > 1e-6
        assert parted(optimizer, 1e-15, eps=1e-3) < 1e-10
    else:
        assert apart < 1e-10
