"""Nets at their start, and what one training step sees of them."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

from bnlab.config.folder import conf_dir
from bnlab.diagnostics.base import Diagnostic
from bnlab.diagnostics.look import Look, Named
from bnlab.models.base import Model, assemble, initialize
from bnlab.noise import Noise
from bnlab.norms.placement import Placement
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.sgd import SGD
from bnlab.registry import find
from bnlab.rng import generator
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import make_step

EPS = 1e-12  # the closed forms have none
CLASSES = 10


def start(
    kind: type[Model], norm: str, sites: Iterable[str], shape: tuple[int, ...], *, seed: int, init: str,
    std: float = 0.01, norm_options: Mapping[str, Any] | None = None, **options: Any,
) -> Model:  # fmt: skip
    """A net in float64 as training finds it, its norm with the options of conf/norm but ε = `EPS`."""
    own = conf(norm)
    own |= ({"eps": EPS} if "eps" in own else {}) | dict(norm_options or {})
    entry = find("norm", norm)
    placement = Placement.of(entry.load(), own, () if entry.facts.get("ignores_placement") else sites)
    net = assemble(kind, shape, CLASSES, placement, options)
    initialize(net, init, std, seed)
    return net.double()


def conf(norm: str) -> dict[str, Any]:
    """The options of a norm as conf/norm has them."""
    found = OmegaConf.to_container(OmegaConf.load(conf_dir() / "norm" / f"{norm}.yaml"))
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items() if key != "name"}


class _Keep(Diagnostic):
    """Keeps the look that a step hands to its diagnostics."""

    needs = ("before", "site_grads")
    look: Look

    def observe(self, look: Look) -> Named:
        self.look = look
        return {}


def look(net: Model, x: Tensor, seed: int) -> Look:
    """What a training step on x (B, *shape) sees before its update, with the B examples evenly in the classes."""
    executor, keep = Serial(net), _Keep()
    params, buffers = executor.tensors()
    step = make_step(executor, SGD(lr=1.0, momentum=0.0, weight_decay=0.0, nesterov=False), {"keep": keep}, None)
    hyper = Hyper(torch.tensor(1.0), torch.tensor(0.0), torch.tensor(0.0))
    y = torch.arange(len(x)) % CLASSES
    step(TrainState(0, params, buffers), [(x, y)], hyper, ["keep"], Noise([seed], 0, x.device), update=False)
    return keep.look


def observed(diagnostic: type[Diagnostic], look: Look) -> dict[str, list[float]]:
    """The numbers of a diagnostic by site or layer."""
    return {site: numbers_Rk[0].tolist() for site, numbers_Rk in diagnostic(when=["init"]).observe(look).items()}  # type: ignore[call-arg]


def normal(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers in float64."""
    return torch.randn(shape, generator=generator(seed, "examples", 0), dtype=torch.float64)
