"""Nets at initialization, and what one training step observes in them.

Legend: R replicas (1), B batch, k numbers of a diagnostic.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from omegaconf import OmegaConf
from torch import Tensor

from bnlab.config.folder import conf_dir
from bnlab.diagnostics.base import Diagnostic
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.models.base import Model, assemble, initialize
from bnlab.noise import Noise
from bnlab.norms.placement import Placement
from bnlab.optim.hyper import Hyper
from bnlab.registry import find
from bnlab.rng import generator
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import make_step

EPS = 1e-12  # the closed forms have none
CLASSES = 10


def start(
    model: str | type[Model], norm: str, sites: Iterable[str], shape: tuple[int, ...], *, seed: int, init: str,
    std: float = 0.01, norm_options: Mapping[str, Any] | None = None, **options: Any,
) -> Model:  # fmt: skip
    """Return a net in float64, initialized as before training.

    Args:
        model: a name of conf/model, or the class of a net that only a law needs.
        norm: a name of conf/norm; its options are those of the yaml with ε = `EPS`.
        sites: kinds of site that have the norm; without effect for a norm of weights.
        shape: shape of one example.
        norm_options: options of the norm that replace these.
        options: options of the model.
    """
    kind = find("model", model).load() if isinstance(model, str) else model
    own = conf(norm)
    own |= ({"eps": EPS} if "eps" in own else {}) | dict(norm_options or {})
    entry = find("norm", norm)
    placement = Placement.of(entry.load(), own, () if entry.facts.get("ignores_placement") else sites)
    net = assemble(kind, shape, CLASSES, placement, options)
    initialize(net, init, std, seed)
    return net.double()


def conf(norm: str) -> dict[str, Any]:
    """Return the options of a norm as conf/norm has them."""
    found = OmegaConf.to_container(OmegaConf.load(conf_dir() / "norm" / f"{norm}.yaml"))
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items() if key != "name"}


class _Keep(Diagnostic):
    """Diagnostic that keeps the look of a step."""

    needs = ("before", "site_grads")
    look: Look

    def observe(self, look: Look) -> Named:
        self.look = look
        return {}


def look(net: Model, x: Tensor, seed: int) -> Look:
    """Return what a training step on x (B, *shape) observes before its update; the labels are 0 to 9 in turn."""
    executor, keep = Serial(net), _Keep()
    params, buffers = executor.tensors()
    sgd = find("optim", "sgd").load()(lr=1.0, momentum=0.0, weight_decay=0.0, nesterov=False)
    step = make_step(executor, sgd, {"keep": keep}, None)
    hyper = Hyper(torch.tensor(1.0), torch.tensor(0.0), torch.tensor(0.0))
    y = torch.arange(len(x)) % CLASSES
    step(TrainState(0, params, buffers), [(x, y)], hyper, ["keep"], Noise([seed], 0, x.device), update=False)
    return keep.look


def observed(diagnostic: str, look: Look) -> dict[str, list[float]]:
    """Return the k numbers of a diagnostic by site or layer."""
    found = find("diagnostics", diagnostic).load()(when=["init"]).observe(look)
    return {site: numbers_Rk[0].tolist() for site, numbers_Rk in found.items()}


def normal(*shape: int, seed: int) -> Tensor:
    """Return standard normal examples in float64."""
    return torch.randn(shape, generator=generator(seed, "examples", 0), dtype=torch.float64)
