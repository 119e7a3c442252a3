"""Running statistics per time step: recomputed and frozen, for every norm that keeps any."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bnlab import registry
from bnlab.models.base import Model
from bnlab.noise import Noise, source
from bnlab.norms.running import RunningNorm
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.statistics import batch_statistics, freeze, recompute

CONF = Path(__file__).parents[2] / "conf" / "norm"
RUNNING = sorted(
    path.stem for path in CONF.glob("[!_]*.yaml") if issubclass(registry.find("norm", path.stem).load(), RunningNorm)
)
SITES = ("input_to_hidden", "hidden_to_hidden", "cell")
CPU = torch.device("cpu")
STEPS = 4


def net(build_model: Any, norm: str, seed: int = 0, **options: Any) -> Model:
    return build_model("lstm", (1, STEPS, 3), 4, norm=norm, at=SITES, width=5, seed=seed, **options)


def data(n: int = 32) -> tuple[Tensor, Tensor]:
    """Return data whose mean and spread differ between time steps."""
    draw = torch.Generator().manual_seed(0)
    row = torch.arange(1.0, STEPS + 1, dtype=torch.float64)[:, None]
    return row * (1 + torch.randn(n, 1, STEPS, 3, generator=draw, dtype=torch.float64)), torch.arange(n) % 4


def recomputed(executor: Serial | Fused, seeds: list[int]) -> dict[str, Tensor]:
    params, buffers = executor.tensors()
    recompute(executor, TrainState(0, params, buffers), *data(), 8, Noise(seeds, 0, CPU))
    return {name: executor.unstack(value) for name, value in buffers.items()}


@pytest.mark.parametrize("norm", RUNNING)
def test_moves_with_its_own_step_alone(build_model: Any, norm: str) -> None:
    """The norm of step t has the statistics of a separate norm that gets only step t of each batch."""
    model, x = net(build_model, norm), data(24)[0]
    alone = [net(build_model, norm, statistics_per_step=False).units[0].input_to_hidden.norm for _ in range(STEPS)]
    for batch in x.split(8):
        with source(Noise([0], 0, CPU)):
            model(batch)
            for t, norm_t in enumerate(alone):
                norm_t(model.units[0].from_input(batch[:, 0, t]))
    site = model.units[0].input_to_hidden
    for key, stacked in site.norm.named_buffers():
        torch.testing.assert_close(stacked, torch.stack([n.get_buffer(key) for n in alone]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["batch", "batch_reference", "ghost_batch"])
def test_precise_statistics_are_each_steps_population(build_model: Any, norm: str) -> None:
    model = net(build_model, norm)
    found = recomputed(Serial(model), [0])
    with torch.no_grad():
        x_TNG = model.units[0].from_input(data()[0][:, 0]).transpose(0, 1)
    prefix = "units.0.input_to_hidden.norm."
    torch.testing.assert_close(found[prefix + "running_mean"][0], x_TNG.mean(1), rtol=0, atol=1e-12)
    torch.testing.assert_close(found[prefix + "running_var"][0], x_TNG.var(1), rtol=0, atol=1e-12)


def test_precise_statistics_of_all_steps_together(build_model: Any) -> None:
    model = net(build_model, "batch", statistics_per_step=False)
    found = recomputed(Serial(model), [0])
    with torch.no_grad():
        x_NG = model.units[0].from_input(data()[0][:, 0]).flatten(0, 1)
    prefix = "units.0.input_to_hidden.norm."
    torch.testing.assert_close(found[prefix + "running_mean"][0], x_NG.mean(0), rtol=0, atol=1e-12)
    torch.testing.assert_close(found[prefix + "running_var"][0], x_NG.var(0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", RUNNING)
def test_recomputed_fused_is_recomputed_serial(build_model: Any, norm: str) -> None:
    stacked = recomputed(Fused([net(build_model, norm, seed) for seed in range(2)]), [0, 1])
    for seed in range(2):
        for name, value in recomputed(Serial(net(build_model, norm, seed)), [seed]).items():
            torch.testing.assert_close(stacked[name][seed], value[0], rtol=0, atol=1e-10)
            if name.endswith("running_mean") and "cell" not in name:
                assert (value != 0).any(-1)[..., 1:].all(), "each step but the first, where h = 0"


@pytest.mark.parametrize("norm", RUNNING)
def test_frozen_statistics_stay_and_normalize_in_training(build_model: Any, norm: str) -> None:
    model = net(build_model, norm)
    x, _ = data(8)
    with source(Noise([0], 0, CPU)):
        model(x)
    params, buffers = dict(model.named_parameters()), dict(model.named_buffers())
    freeze(model, TrainState(0, params, buffers), "statistics")
    before = {name: value.clone() for name, value in buffers.items()}
    with source(Noise([0], 1, CPU)):
        together = model(x)
        alone = model(x[:3])
    torch.testing.assert_close(dict(model.named_buffers()), before, rtol=0, atol=0)
    if norm != "noisy_batch":
        torch.testing.assert_close(together[:3], alone)


def test_batch_statistics_in_an_evaluation_leave_no_trace(build_model: Any) -> None:
    model = net(build_model, "batch")
    executor = Serial(model)
    state = TrainState(0, *executor.tensors())
    x, y = data(8)
    before = {name: value.clone() for name, value in state.buffers.items()}
    with torch.no_grad(), batch_statistics(executor, state):
        in_training_mode = executor.forward(state.tensors, state.buffers, x, y).loss
    torch.testing.assert_close(dict(model.named_buffers()), before, rtol=0, atol=0)
    with torch.no_grad():
        torch.testing.assert_close(in_training_mode, executor.forward(state.tensors, state.buffers, x, y).loss)
