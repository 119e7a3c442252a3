"""Building blocks of residual nets: the points of a unit, blocks in both topologies, shortcuts. Images are x_BCHW."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from bnlab.models.scalars import Scale, Shift
from bnlab.models.units import ACTIVATIONS, Dropout
from bnlab.norms.placement import Placement
from bnlab.norms.site import Site

NOWHERE = Placement(None, ())
Points = dict[str, nn.Module]


@dataclass(frozen=True)
class Style:
    """Options that all blocks of a net share.

    Attributes:
        preact: norm - activation - weight (He et al. 2016b) instead of weight - norm - activation (2016a).
        shortcut: for blocks that change the shape: A, every other pixel and zero channels; conv, a 1x1 convolution.
        branch_only: true to have norms only on the branches, see `Block`.
        scheme: which scalars replace norms: SkipInit's, Fixup's or none.
        dropout: fraction of activations dropped before each branch's second weight (Zagoruyko & Komodakis 2016).
        bias: true if convolutions have a bias.
    """

    preact: bool
    shortcut: Literal["A", "conv"]
    branch_only: bool
    scheme: Literal["none", "skipinit", "fixup"]
    activation: str
    dropout: float
    bias: bool

    def common(self, norms: Placement) -> Placement:
        """Return the norms outside the branches."""
        return NOWHERE if self.branch_only else norms

    def act(self, channels: int, norms: Placement) -> Points:
        """Return the points before_act - activation - after_act."""
        return self.shift("act_shift") | {
            "before_act": norms.at("before_act", channels),
            "act": ACTIVATIONS[self.activation](),
            "after_act": norms.at("after_act", channels),
        }

    def weight(self, n: int, m: int, norms: Placement, *, size: int = 3, stride: int = 1) -> Points:
        """Return a convolution from n to m channels that divides the image size by `stride` (rounded up)."""
        conv = nn.Conv2d(n, m, size, stride, padding=size // 2, bias=self.bias)
        return {"weight": norms.reparametrize(conv)}

    def shift(self, name: str) -> Points:
        """Return Fixup's bias, which precedes activations and weights."""
        return {name: Shift()} if self.scheme == "fixup" else {}

    def end(self) -> Points:
        """Return the end of a branch: the multiplier, and Fixup's bias for the activation after the sum."""
        if self.scheme == "none":
            return {}
        scale: Points = {"scale": Scale(0.0 if self.scheme == "skipinit" else 1.0)}
        return scale if self.preact else scale | self.shift("shift")


def chain(points: Points) -> nn.Module:
    """Return a module that applies the points in order."""
    return nn.Sequential(OrderedDict(points)) if points else nn.Identity()


class Block(nn.Module):
    """A residual block: a branch with two weights, whose result is added to the shortcut's.

    h = shared(x), y = join(second(first(h)) + shortcut(h)), with N a norm before_act and φ the activation:

                             shared   first         second          shortcut   join
        post-activation               weight N φ    weight N        weight N   φ
        pre-activation       N φ      weight        N φ weight      weight           if `opens`
        pre-activation                N φ weight    N φ weight                       otherwise

    Only a block that changes the shape has a weight on its shortcut, and only with style.shortcut=conv. The first block
    `opens` its stage: in pre-activation its shortcut starts after the first activation. Sites: before_weight before the
    branch's weights, before_act and after_act at each N φ, before_act also after a weight that no φ follows in
    post-activation, after_add first in join. With style.branch_only, only first and second have norms (of weights too).

    Fixup's first bias is in shared if the shape changes, so that it acts on the shortcut too, as in the authors'
    code.

    Source: He et al. 2016a, arXiv:1512.03385, fig. 2; 2016b, arXiv:1603.05027, fig. 4e and the authors' code.
    """

    def __init__(self, n: int, m: int, stride: int, style: Style, norms: Placement, *, opens: bool) -> None:
        super().__init__()
        reshapes = n != m or stride > 1
        shares = reshapes or (style.preact and opens)
        common = style.common(norms)
        lead = style.act(n, common if shares else norms) if style.preact else {}
        lead |= style.shift("weight_shift")
        self.shared = chain(lead if shares else {})
        first = {} if shares else lead
        first["before_weight"] = norms.at("before_weight", n)
        first |= style.weight(n, m, norms, stride=stride)
        between = style.act(m, norms)
        self.first = chain(first if style.preact else first | between)
        second = between if style.preact else {}
        if style.dropout:
            second["dropout"] = Dropout(style.dropout)
        second |= style.shift("weight_shift")
        second["before_weight"] = norms.at("before_weight", m)
        second |= style.weight(m, m, norms)
        if not style.preact:
            second["before_act"] = norms.at("before_act", m)
        self.second = chain(second | style.end())
        self.shortcut = _shortcut(n, m, stride, style, common) if reshapes else nn.Identity()
        join: Points = {"after_add": common.at("after_add", m)}
        if not style.preact:
            join["act"] = ACTIVATIONS[style.activation]()
            join["after_act"] = common.at("after_act", m)
        self.join = chain(join)

    def forward(self, x: Tensor) -> Tensor:
        h = self.shared(x)
        branch, skip = self.second(self.first(h)), self.shortcut(h)
        added = self.join.get_submodule("after_add")
        assert isinstance(added, Site)
        added.parts(branch=branch, skip=skip)
        return self.join(branch + skip)


def _shortcut(n: int, m: int, stride: int, style: Style, norms: Placement) -> nn.Module:
    if style.shortcut == "A":
        return PaddedShortcut(m - n, stride)
    points = style.weight(n, m, norms, size=1, stride=stride)
    if not style.preact:
        points["before_act"] = norms.at("before_act", m)
    return chain(points)


class PaddedShortcut(nn.Module):
    """Shortcut A of He et al. 2016a: one pixel of each stride x stride, and `channels` additional zero channels."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.channels = channels
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.channels))

    def extra_repr(self) -> str:
        return f"{self.channels} channels, stride={self.stride}"
