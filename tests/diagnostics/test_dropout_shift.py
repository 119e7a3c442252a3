"""The shift ratio compared with plain nets in evaluation mode, and the closed form for dropout before batch norm."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bnlab.diagnostics.dropout_shift import DropoutShift
from bnlab.diagnostics.look import Look
from bnlab.models.base import Model, assemble, initialize
from bnlab.models.units import Dropout, Unit
from bnlab.noise import Noise, source
from bnlab.norms.batch import BatchNorm
from bnlab.norms.placement import Placement
from bnlab.norms.site import sites, tape
from tests.diagnostics.small import BATCH_NORM, NETS, Training, build

SHIFT = DropoutShift(when=["init"])


def reference(net: Model, x: Tensor) -> dict[str, float]:
    """Return by site, channel by channel, time step by time step."""
    with torch.no_grad(), tape(before=True) as seen:
        net.eval()(x)
    found = {}
    for path, site in sites(net).items():
        if not site.norm_name:
            continue
        running, ratios = site.norm.get_buffer("running_var").numpy(), []
        for t, firing in enumerate(seen.before[path]):
            own = running[min(t, len(running) - 1)] if running.ndim == 2 else running
            for c, moving in enumerate(own):
                real = firing[:, c].numpy().var(ddof=1)
                if real > 0:
                    ratios.append(max(moving / real, real / moving))
        found[path] = float(np.mean(ratios))
    return found


@pytest.mark.parametrize(
    ("net", "options"),
    [(net, {}) for net in NETS] + [("lstm", {"statistics_per_step": False}), ("mlp", {"dropout": 0.0})],
)
@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
def test_equals_the_definition(net: str, options: dict[str, Any], seeds: tuple[int, ...]) -> None:
    training = Training(net, seeds, models=[build(net, seed, **options) for seed in seeds])
    for _ in range(3):
        training.step()
    before = training.tensors()
    found = SHIFT.observe(training.look())
    torch.testing.assert_close(training.tensors(), before, rtol=0, atol=0)
    assert training.executor.model.training
    for r, seed in enumerate(seeds):
        expected = reference(training.plain(r), training.own_batches(seed)[0][0])
        assert {site: values[r].item() for site, values in found.items()} == pytest.approx(expected, rel=1e-8)


class Dropped(Model):
    """dropout - weight - norm."""

    name = "dropped"
    default_sites = ("before_act",)

    def __init__(self, shape: tuple[int, ...], outputs: int, norms: Placement, *, rate: float) -> None:
        super().__init__()
        self.dropout = Dropout(rate)
        self.unit = Unit(nn.Linear(*shape, outputs), *shape, outputs, "identity", norms, first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.unit(self.dropout(x))


@pytest.mark.parametrize(("rate", "centre"), [(0.5, 0.0), (0.1, 0.0), (0.3, 0.7), (0.5, -1.5)])
def test_of_dropout_in_front_of_batch_norm(rate: float, centre: float) -> None:
    """Li et al. 2018: independent inputs of mean c and variance v, kept by p: ((c² + v) / p - c²) / v."""
    norm = partial(BatchNorm, **BATCH_NORM | {"momentum": None})  # the mean over all batches
    net = assemble(Dropped, (200,), 4, Placement(norm, {"before_act"}), {"rate": rate})
    initialize(net, "he", 0.01, 0)
    draw, v = torch.Generator().manual_seed(0), 0.5
    x = centre + v**0.5 * torch.randn(4096, 200, generator=draw)
    for step in range(20):
        with source(Noise([0], step, x.device)), torch.no_grad():
            net(x)
    passes: Any = Evaluated(net, x)
    buffers = {name: buffer[None] for name, buffer in net.named_buffers()}
    (found,) = SHIFT.observe(Look({}, buffers=buffers, passes=passes)).values()
    p = 1 - rate
    assert found.item() == pytest.approx(((centre**2 + v) / p - centre**2) / v, rel=0.02)


class Evaluated:
    """Passes of one net in evaluation mode."""

    def __init__(self, net: Model, x: Tensor) -> None:
        self.net, self.x = net, x

    def again(self, *, training: bool, gradients: bool) -> Look:
        assert not training
        assert not gradients
        with torch.no_grad(), tape(before=True) as seen:
            self.net.eval()(self.x)
        return Look({}, before={site: tuple(v[None] for v in values) for site, values in seen.before.items()})


class Given:
    """Passes with these inputs of the norm at s."""

    def __init__(self, *x: Tensor) -> None:
        self.x = x

    def again(self, **_: Any) -> Look:
        return Look({}, before={"s": self.x})


def shift(moving: Tensor, *x: Tensor) -> list[float]:
    passes: Any = Given(*x)
    return SHIFT.observe(Look({}, buffers={"s.norm.running_var": moving}, passes=passes))["s"].squeeze(1).tolist()


def test_either_may_be_the_larger() -> None:
    x = torch.tensor([[0.0, 0.0], [2.0, 4.0]])[None]  # variances 2 and 8
    assert shift(torch.tensor([[4.0, 2.0]]), x) == [(2 + 4) / 2]


def test_a_step_without_statistics_of_its_own_takes_the_last_ones() -> None:
    x = torch.tensor([[0.0], [2.0]])[None]
    assert shift(torch.tensor([[[2.0], [6.0]]]), x, x, x) == [(1 + 3 + 3) / 3]
    assert shift(torch.tensor([[4.0]]), x, 2 * x) == [(2 + 2) / 2]  # one set for all steps


def test_constant_channels_are_left_out() -> None:
    x = torch.tensor([[0.1, 0.0], [0.1, 2.0]])[None]
    assert shift(torch.tensor([[1.0, 6.0]]), x) == [3.0]
    assert np.isnan(shift(torch.ones(1, 2), 0 * x))


def test_a_variance_that_training_never_saw_is_at_infinity() -> None:
    assert shift(torch.zeros(1, 1), torch.tensor([[0.0], [2.0]])[None]) == [np.inf]


def test_a_single_value_a_channel_has_no_variance() -> None:
    assert np.isnan(shift(torch.ones(1, 2), torch.ones(1, 1, 2)))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_shows_and_stays_with_its_replica(value: float) -> None:
    x = torch.tensor([[0.0], [2.0]]).expand(2, 2, 1).clone()
    x[0, 0] = value
    lost, other = shift(torch.full((2, 1), 2.0), x)
    assert not np.isfinite(lost)
    assert other == 1.0


def test_without_a_running_variance_there_is_none(random_look: Any) -> None:
    look = random_look(2)
    look.buffers = {name: b for name, b in look.buffers.items() if not name.endswith("running_var")}
    assert SHIFT.observe(look) == {}


def test_a_row_names_the_site() -> None:
    (row,) = SHIFT.rows(3, "s", np.array([1.5]))
    assert row == {"step": 3, "site": "s", "diagnostic": "dropout_shift", "value": 1.5}
