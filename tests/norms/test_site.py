"""Sites, and the tape that records their values."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from bnlab.norms.site import Site, sites, tape


class Net(nn.Module):
    """One site that is called twice per pass, and one without norm inside a list."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = Site("hidden", nn.Linear(3, 3))
        self.inner = nn.ModuleList([Site("output", nn.Identity())])
        for path, site in sites(self).items():
            site.id = path

    def forward(self, x: Tensor) -> Tensor:
        return self.inner[0](self.twice(self.twice(x)))


def test_sites_are_listed_by_path_in_order_of_construction() -> None:
    assert [(path, site.kind) for path, site in sites(Net()).items()] == [("twice", "hidden"), ("inner.0", "output")]


def test_a_site_passes_its_norm_and_has_its_name(make_norm) -> None:
    norm, x = make_norm("layer", 4), torch.randn(5, 4)
    assert torch.equal(Site("before_act", norm)(x), norm(x))
    assert Site("before_act", norm).norm_name == "layer"
    assert Site("before_act", nn.Identity()).norm_name == ""


def test_the_tape_holds_every_firing_after_the_norm() -> None:
    net, x = Net(), torch.randn(2, 3)
    with tape() as seen:
        y = net(x)
    first = net.twice.norm(x)
    assert list(seen.after) == ["twice", "inner.0"]
    torch.testing.assert_close(seen.after, {"twice": (first, net.twice.norm(first)), "inner.0": (y,)})


def test_nothing_is_kept_without_a_running_tape() -> None:
    net, x = Net(), torch.randn(2, 3)
    with tape(False) as seen:
        net(x)
    net(x)
    assert seen == ({}, {})


def test_tapes_nest_and_end_after_an_error() -> None:
    net, x = Net(), torch.randn(2, 3)
    with tape() as outer:
        with tape() as inner:
            net(x)
        with tape(False):
            net(x)
        with pytest.raises(ZeroDivisionError), tape() as lost:
            net(x)
            raise ZeroDivisionError
        assert outer.after == {}
        net(x)
    net(x)
    assert [len(seen.after["twice"]) for seen in (outer, inner, lost)] == [2, 2, 2]


def test_values_leave_a_vmapped_function_as_its_output() -> None:
    net, x = Net(), torch.randn(4, 2, 3)
    params = {name: torch.stack([p] * 4) for name, p in net.named_parameters()}

    def one(params: dict[str, Tensor], x: Tensor) -> dict[str, tuple[Tensor, ...]]:
        with tape() as seen:
            functional_call(net, params, (x,))
        return seen.after

    stacked = torch.vmap(one)(params, x)
    for r in range(4):
        with tape() as seen:
            net(x[r])
        torch.testing.assert_close({site: tuple(v[r] for v in values) for site, values in stacked.items()}, seen.after)


def test_the_tape_keeps_the_gradient() -> None:
    net, x = Net(), torch.randn(2, 3)
    with tape() as seen:
        loss = net(x).sum()
    (gradient,) = torch.autograd.grad(loss, seen.after["inner.0"][0])
    assert torch.equal(gradient, torch.ones(2, 3))
