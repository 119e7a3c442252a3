"""Fixtures: sites and complete looks, as the step passes them to a diagnostic."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.block import Named, Sites
from bnlab.diagnostics.look import BatchStatistics, Look

# Shapes of one firing (B, ...): a layer, an image, one value, an odd one.
SHAPES = ((16, 8), (4, 3, 5, 5), (1, 1), (7, 3))
Normal = Callable[[Sequence[int], float], Tensor]


@pytest.fixture
def random_sites() -> Callable[..., Sites]:
    """Return a site of each shape with values of different sizes, one that fires three times, and a tanh's outputs."""

    def make(replicas: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Sites:
        return _sites(_normal(replicas, dtype, seed))

    return make


@pytest.fixture
def random_look() -> Callable[..., Look]:
    """Return a look with all its parts: the sites above, a hidden state, a sum's parts, norms on an image and in time.

    Its additional passes return the same look, scaled slightly by the replica's own parameters.
    """

    def make(replicas: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Look:
        normal = _normal(replicas, dtype, seed)
        sites = _sites(normal) | {
            "units.0.hidden": tuple(normal((6, 4), 1.0).tanh() for _ in range(3)),
            "blocks.0.join.after_add": (normal((4, 3, 5, 5), 2.0),),
        }
        norms = {"site1": (3,), "cell": (4,)}
        shapes: dict[str, tuple[int, ...]] = {"units.0.weight.weight": (4, 5), "units.0.weight.bias": (4,), "scale": ()}
        shapes["head.weight.weight"] = (2, 4, 3, 3)
        shapes |= {f"{site}.norm.{name}": shape for site, shape in norms.items() for name in ("weight", "bias")}
        parts = {f"blocks.0.join.after_add.{part}": (normal((4, 3, 5, 5), 1.0),) for part in ("branch", "skip")}
        counted = {f"{site}.norm.num_batches_tracked": torch.full((replicas,), 7) for site in norms}
        look = Look(
            sites=sites,
            grads={name: normal(shape, 0.1) for name, shape in shapes.items()},
            before={site: tuple(normal(v.shape[1:], 3.0) for v in sites[site]) for site in norms} | parts,
            site_grads={site: tuple(normal(v.shape[1:], 0.1) for v in values) for site, values in sites.items()},
            statistics={
                "site1": [BatchStatistics(None, _statistics(normal, (3,)))],
                "cell": [BatchStatistics(t, _statistics(normal, (4,))) for t in range(3)],
            },
            params={name: normal(shape, 1.0) for name, shape in shapes.items()},
            buffers={f"site1.norm.{key}": value for key, value in _statistics(normal, (3,)).items()}
            | {f"cell.norm.{key}": value for key, value in _statistics(normal, (3, 4)).items()}
            | counted,
            loss_R=normal((), 1.0),
            lr_R=normal((), 1.0).abs(),
        )
        return over(look, Tensor.clone)

    return make


def _normal(replicas: int, dtype: torch.dtype, seed: int) -> Normal:
    draw = torch.Generator().manual_seed(seed)

    def normal(shape: Sequence[int], size: float) -> Tensor:
        values = torch.randn(replicas, *shape, generator=draw, dtype=torch.float64)
        return (size * values + size).to(dtype)

    return normal


def _sites(normal: Normal) -> Sites:
    sites = {f"site{i}": (normal(shape, 10.0 ** (i - 1)),) for i, shape in enumerate(SHAPES)}
    sites["cell"] = tuple(normal((6, 4), k + 1.0) for k in range(3))
    return sites | {"units.0.after_act": (normal((5, 4, 3), 1.0).tanh(),)}


def _statistics(normal: Normal, shape: tuple[int, ...]) -> Named:
    return {"running_mean": normal(shape, 1.0), "running_var": normal(shape, 1.0).abs() + 0.5}


def over(look: Look, change: Callable[[Tensor], Tensor]) -> Look:
    """Return the look with every tensor changed, and with other passes."""

    def changed(value: object) -> object:
        if isinstance(value, Tensor):
            return change(value)
        if isinstance(value, dict):
            return {key: changed(one) for key, one in value.items()}
        if isinstance(value, BatchStatistics):
            return BatchStatistics(value.slot, {key: change(one) for key, one in value.values.items()})
        return type(value)(map(changed, value))  # a list or a tuple

    names = [field.name for field in fields(Look) if field.name != "passes"]
    new = replace(look, **{name: changed(getattr(look, name)) for name in names})
    new.passes = Scaled(new)
    return new


class Scaled:
    """Passes that scale their look by 1 + the mean over a replica's parameters where these changed."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def again(
        self, params: Named | None = None, *, training: bool = True, fixed: bool = False, gradients: bool = True
    ) -> Look:
        look, given = self._look, params or {}
        moved = [(p - look.params[name]).reshape(len(p), -1).mean(1) for name, p in given.items()]
        scale_R = 1 + sum(moved, torch.zeros_like(look.params["scale"]))
        if not training:
            scale_R = scale_R * 0.5

        def scaled(value: Tensor) -> Tensor:
            factor = scale_R.view(-1, *[1] * (value.ndim - 1))
            return (value * factor).to(value.dtype) if value.is_floating_point() else value.clone()

        new = over(look, scaled)
        new.params = look.params | given
        return new if gradients else replace(new, grads={})

    def updated(self) -> Named:
        assert self._look.lr_R is not None
        look, lr_R = self._look, self._look.lr_R
        return {n: p - lr_R.view(-1, *[1] * (p.ndim - 1)) * look.grads[n] for n, p in look.params.items()}

    def kept(self) -> dict[tuple[str, str], int]:
        return {("units.0.weight", "Linear"): 640, ("units.0.before_act", "batch"): 72, ("loss", "loss"): 8}
