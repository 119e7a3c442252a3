"""Norms of weights in whole nets: same initial net, same names, fused equals serial, and their rows in run folders.

All norms with a norm of weights are found by listing conf/norm.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor

from bnlab import registry
from bnlab.models.base import Model, assemble, dry_run, initialize
from bnlab.models.describe import layers, site_rows
from bnlab.noise import Noise
from bnlab.norms.placement import Placement
from bnlab.norms.reparametrization import Reparametrization, norm_of_weight
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.sgd import SGD
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import METRICS, make_step

CONF = Path(__file__).parents[2] / "conf"
SHAPES = {"mlp": (6,), "cnn": (2, 6, 6)}
SEEDS, LRS, STEPS = (0, 1, 2), (0.02, 0.01, 0.005), 30


def options(group: str, *files: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for file in files:
        merged |= OmegaConf.to_container(OmegaConf.load(CONF / group / f"{file}.yaml"))  # type: ignore[arg-type]
    return {key: value for key, value in merged.items() if key in registry.find(group, files[-1]).options}


def brings_one(name: str) -> bool:
    kind = registry.find("norm", name).load()
    return issubclass(kind, Reparametrization) or kind.reparametrization is not None


NORMS = [path.stem for path in sorted((CONF / "norm").glob("[!_]*.yaml")) if brings_one(path.stem)]
every_norm = pytest.mark.parametrize("norm", NORMS)
every_model = pytest.mark.parametrize("model", SHAPES)


def net(model: str, norm: str, seed: int = 0, init: str = "torch", store: bool = True) -> Model:
    kind = registry.find("norm", norm).load()
    at = () if kind.ignores_placement else ("before_act",)
    own = options("model", "_base", model) | {"depth": 3, "width": 8}
    placement = Placement.of(kind, options("norm", norm), at)
    built = assemble(registry.find("model", model).load(), SHAPES[model], 4, placement, own)
    if store:
        initialize(built, init, 0.1, seed)
        built.double()
    return built


@every_norm
@every_model
@pytest.mark.parametrize("init", ["torch", "he", "glorot", "normal"])
def test_one_seed_gives_one_net_whatever_the_norm(model: str, norm: str, init: str) -> None:
    plain = dict(net(model, "none", seed=3, init=init).named_parameters())
    normed = dict(net(model, norm, seed=3, init=init).named_parameters())
    assert plain.keys() <= normed.keys()
    for name, tensor in plain.items():
        torch.testing.assert_close(normed[name], tensor, rtol=0, atol=0)


@every_model
def test_weight_norm_starts_as_the_plain_net(model: str) -> None:
    x = torch.randn(5, *SHAPES[model], dtype=torch.float64)
    torch.testing.assert_close(net(model, "weight")(x), net(model, "none")(x), rtol=1e-6, atol=1e-6)


@every_norm
@every_model
def test_each_units_weight_is_normalized_and_the_heads_is_not(model: str, norm: str) -> None:
    built = net(model, norm, store=False)
    normed = [path for path, module in built.named_modules() if norm_of_weight(module) is not None]
    assert normed == [f"units.{i}.weight" for i in range(3)]


@every_norm
@every_model
def test_rows_and_layers_show_it(model: str, norm: str) -> None:
    built, plain = net(model, norm, store=False), net(model, "none", store=False)
    rows, bare = (site_rows(one, dry_run(one, [4], [4])) for one in (built, plain))
    name = norm_of_weight(built.get_submodule("units.0.weight")).name
    assert {row["site"]: row["norm"] for row in rows if row["kind"] == "weight"} == {
        **{f"units.{i}.weight": name for i in range(3)}, "head.weight": "",
    }  # fmt: skip
    assert [{**row, "norm": ""} for row in rows] == bare
    calls, bare_calls = ([(c.path, c.kind, c.shape) for c in layers(one, 4)] for one in (built, plain))
    assert calls == bare_calls
    called = layers(built, 4)
    assert {one.norm for one in called if one.kind in ("Linear", "Conv2d")} == {name, ""}
    assert sum(one.n_params for one in called) == sum(p.numel() for p in built.parameters())


def batches(model: str, seed: int, step: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1000 * seed + step % 5)
    x = torch.randn(12, *SHAPES[model], generator=draw, dtype=torch.float64)
    return x, (x.flatten(1)[:, :2] > 0).long() @ torch.tensor([1, 2])


def train(executor: Serial | Fused, model: str, replicas: list[int]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return losses (N, R), and the final parameters and buffers with a leading axis R."""
    optimizer = SGD(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=False)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    step = make_step(executor, optimizer, {}, clip=1.0)

    def values(numbers: list[float]) -> Tensor:
        return executor.stack([torch.tensor(number, dtype=torch.float64) for number in numbers])

    hyper = Hyper(values([LRS[r] for r in replicas]), values([0.9] * len(replicas)), values([0.01] * len(replicas)))
    losses = []
    executor.train(True)
    for n in range(STEPS):
        pairs = [batches(model, SEEDS[r], n) for r in replicas]
        batch = (executor.stack([x for x, _ in pairs]), executor.stack([y for _, y in pairs]))
        losses.append(step(state, [batch], hyper, [METRICS], Noise(SEEDS, n, torch.device("cpu"))).loss_R)
    return torch.stack(losses), {name: executor.unstack(t.detach()) for name, t in (params | buffers).items()}


@every_norm
@every_model
@pytest.mark.filterwarnings("error:There is a performance drop")
def test_fused_equals_serial(model: str, norm: str) -> None:
    losses, tensors = train(Fused([net(model, norm, seed) for seed in SEEDS]), model, [0, 1, 2])
    assert losses.isfinite().all()
    for r, seed in enumerate(SEEDS):
        alone, own = train(Serial(net(model, norm, seed)), model, [r])
        torch.testing.assert_close(losses[:, r], alone[:, 0], rtol=0, atol=1e-8)
        for name, tensor in own.items():
            torch.testing.assert_close(tensors[name][r], tensor[0], rtol=0, atol=1e-8)


@every_norm
@every_model
def test_a_look_at_the_last_step_leaves_no_trace(model: str, norm: str) -> None:
    executor = Serial(net(model, norm))
    params, buffers = executor.tensors()
    before = {name: tensor.clone() for name, tensor in buffers.items()}
    step = make_step(executor, SGD(lr=0.1, momentum=0.0, weight_decay=0.0, nesterov=False), {}, None)
    zero = torch.zeros((), dtype=torch.float64)
    step(TrainState(0, params, buffers, {}), [batches(model, 0, 0)], Hyper(zero, zero, zero), [METRICS],
         Noise([0], 0, torch.device("cpu")), update=False)  # fmt: skip
    torch.testing.assert_close(dict(buffers), before, rtol=0, atol=0)


@every_norm
@every_model
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_command_line_trains_it(
    bnlab: Callable[..., Any], tmp_path: Path, model: str, norm: str, precision: str
) -> None:
    words = [f"norm={norm}", f"model={model}", "model.depth=2", "model.width=8", "steps=3", "data.train_size=200",
             "optim.lr=0.001", f"precision={precision}", "data.val_size=40", f"output_dir={tmp_path}"]  # fmt: skip
    status, out, err = bnlab("train", *words)
    assert (status, err) == (0, "")
    folder = Path(out.splitlines()[-1])
    sites = pd.read_csv(folder / "sites.csv").fillna("").set_index("site")
    kept = sites[sites["kind"] == "weight"]
    assert list(kept.index) == ["units.0.weight", "units.1.weight", "head.weight"]
    assert list(kept["parameter"]) == [f"{path}.weight" for path in kept.index]
    assert list(kept["norm"] != "") == [True, True, False]
    found = pd.read_csv(folder / "layers.csv")
    grads = found[found["diagnostic"] == "weight_grad_norm"]
    assert set(grads["site"]) == set(kept.index)
    assert (grads["value"] > 0).all()
    shown = bnlab("show", *words[:4]).out
    assert f"norm {norm} at " in shown
    assert "weight" in shown.splitlines()[0].partition(" at ")[2]
