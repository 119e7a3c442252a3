"""Order of sites: a unit, a residual block in both topologies and an LSTM cell call their points as published."""

import torch
from torch import Tensor, nn

from bnlab.models.units import Unit
from bnlab.norms.base import Norm
from bnlab.norms.placement import Placement
from bnlab.norms.site import Site


class Trace(Norm):
    """Norm that changes nothing."""

    name = "trace"

    def forward(self, x: Tensor) -> Tensor:
        return x


class PostActivationBlock(nn.Module):
    """He et al. 2016a (1512.03385), fig. 2 and eq. 2: conv-norm-relu-conv-norm, plus shortcut conv-norm, then relu."""

    def __init__(self, norms: Placement) -> None:
        super().__init__()
        self.first = Unit(nn.Conv2d(2, 3, 3, padding=1), 2, 3, "relu", norms, first=False)
        self.before_weight = norms.at("before_weight", 3)
        self.weight = nn.Conv2d(3, 3, 3, padding=1)
        self.before_act = norms.at("before_act", 3)
        self.shortcut = nn.Conv2d(2, 3, 1)
        self.shortcut_before_act = norms.at("before_act", 3)
        self.after_add = norms.at("after_add", 3)
        self.act = nn.ReLU()
        self.after_act = norms.at("after_act", 3)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.before_act(self.weight(self.before_weight(self.first(x))))
        skip = self.shortcut_before_act(self.shortcut(x))
        return self.after_act(self.act(self.after_add(branch + skip)))


class PreActivationBlock(nn.Module):
    """He et al. 2016b (1603.05027), fig. 4e: norm-relu-conv-norm-relu-conv, plus shortcut from the first activation."""

    def __init__(self, norms: Placement) -> None:
        super().__init__()
        self.parts = nn.ModuleList()
        for n, m in ((2, 3), (3, 3)):
            part = nn.Module()
            part.before_act, part.act, part.after_act = norms.at("before_act", n), nn.ReLU(), norms.at("after_act", n)
            part.before_weight, part.weight = norms.at("before_weight", n), nn.Conv2d(n, m, 3, padding=1)
            self.parts.append(part)
        self.shortcut = nn.Conv2d(2, 3, 1)
        self.after_add = norms.at("after_add", 3)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.parts
        h = a.after_act(a.act(a.before_act(x)))
        branch = a.weight(a.before_weight(h))
        branch = b.weight(b.before_weight(b.after_act(b.act(b.before_act(branch)))))
        return self.after_add(branch + self.shortcut(h))


class NormalizedLSTMCell(nn.Module):
    """Cooijmans et al. 2016 (1603.09025), eq. 6-8."""

    def __init__(self, norms: Placement) -> None:
        super().__init__()
        self.from_input, self.from_hidden = nn.Linear(2, 12), nn.Linear(3, 12, bias=False)
        self.input_to_hidden, self.hidden_to_hidden = norms.at("input_to_hidden", 12), norms.at("hidden_to_hidden", 12)
        self.cell, self.hidden = norms.at("cell", 3), norms.at("hidden", 3)

    def forward(self, x: Tensor) -> Tensor:
        c = h = torch.zeros(len(x), 3)
        gates = self.hidden_to_hidden(self.from_hidden(h)) + self.input_to_hidden(self.from_input(x))
        f, i, o, g = gates.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return self.hidden(o.sigmoid() * self.cell(c).tanh())


def order(module: nn.Module, x: Tensor) -> list[str]:
    """Return the layers in call order; a site is listed as `norm` if the placement put one there, else left out."""
    called: list[str] = []
    for layer in module.modules():
        if isinstance(layer, Site) and isinstance(layer.norm, Trace):
            layer.register_forward_hook(lambda *_: called.append("norm"))
        elif isinstance(layer, nn.Conv2d | nn.Linear | nn.ReLU):
            kind = {nn.Conv2d: "weight", nn.Linear: "weight", nn.ReLU: "act"}[type(layer)]
            layer.register_forward_hook(lambda *_, kind=kind: called.append(kind))
    module(x)
    return called


def resolved(block: type[nn.Module], x: Tensor, *sites: str) -> list[str]:
    return order(block(Placement(Trace, sites)), x)


IMAGE, VECTOR = torch.zeros(2, 2, 4, 4), torch.zeros(2, 2)


def mlp_unit(norms: Placement) -> nn.Module:
    return Unit(nn.Linear(2, 3), 2, 3, "relu", norms, first=False)


def test_unit() -> None:
    assert resolved(mlp_unit, VECTOR, "before_act") == ["weight", "norm", "act"]
    assert resolved(mlp_unit, VECTOR, "after_act") == ["weight", "act", "norm"]
    assert resolved(mlp_unit, VECTOR, "before_weight") == ["norm", "weight", "act"]
    assert resolved(mlp_unit, VECTOR, "before_act", "after_act") == ["weight", "norm", "act", "norm"]
    assert resolved(mlp_unit, VECTOR) == ["weight", "act"]


def test_post_activation_block() -> None:
    branch, skip = ["weight", "norm", "act", "weight", "norm"], ["weight", "norm"]
    assert resolved(PostActivationBlock, IMAGE, "before_act") == [*branch, *skip, "act"]
    assert resolved(PostActivationBlock, IMAGE, "after_add") == ["weight", "act", "weight", "weight", "norm", "act"]
    assert resolved(PostActivationBlock, IMAGE, "after_act") == [
        "weight", "act", "norm", "weight", "weight", "act", "norm",
    ]  # fmt: skip


def test_pre_activation_block() -> None:
    assert resolved(PreActivationBlock, IMAGE, "before_act") == [
        "norm", "act", "weight", "norm", "act", "weight", "weight",
    ]  # fmt: skip
    assert resolved(PreActivationBlock, IMAGE, "after_add") == ["act", "weight", "act", "weight", "weight", "norm"]


def test_lstm_cell() -> None:
    published = ("input_to_hidden", "hidden_to_hidden", "cell")
    assert resolved(NormalizedLSTMCell, VECTOR, *published) == ["weight", "norm", "weight", "norm", "norm"]
    assert resolved(NormalizedLSTMCell, VECTOR, "hidden") == ["weight", "weight", "norm"]
    assert resolved(NormalizedLSTMCell, VECTOR) == ["weight", "weight"]
