"""Residual nets for small images."""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from bnlab.errors import Refused
from bnlab.models.base import Model, require_images
from bnlab.models.residual import Block, Style, chain
from bnlab.models.units import Head
from bnlab.norms.placement import Placement
from bnlab.norms.reparametrization import norm_of_weight
from bnlab.options import Activation, Count, Rate


class ResidualNet(Model):
    """A residual net: stem - stages of blocks - mean over positions - head.

    The stem is a 3x3 convolution of stride 1, followed by an activation unless blocks start with one (preact); in that
    case an activation follows the last block (`last`). Each stage after the first halves the image (rounded up) and
    doubles the channels. With style.branch_only, stem and last have no norm; for the blocks see `Block`.

    Schemes that replace norms, with which each branch outputs 0 at initialization:
    - skipinit: a scalar multiplier, initially 0, ends each branch (De & Smith 2020, arXiv:2002.10444). The paper's nets
      have biases, model.bias=true.
    - fixup (Zhang et al. 2019, arXiv:1901.09321): the last weight of each branch and the head are initialized to 0, the
      other weight of each of the L branches is scaled by L^(-1/2) (the paper's L^(-1/(2m-2)) with m = 2 weights per
      branch). A scalar bias, initially 0, precedes each weight (but the first) and each activation; a multiplier,
      initially 1, is near the end of each branch. The paper's weights have no bias and start from model.init=he.

    Args:
        stages: number of blocks in each stage.
        width: channels of the first stage.

    Raises:
        Refused: data that are not images; a scheme together with a norm of activations, or fixup with one of weights.
    """

    def __init__(
        self, shape: tuple[int, ...], outputs: int, norms: Placement, stages: Sequence[int], width: int, style: Style
    ) -> None:
        super().__init__()
        require_images(self.name, shape)
        if style.scheme != "none" and norms.kinds:
            raise Refused(f"model.scheme={style.scheme} replaces norms: take norm=none, or model.scheme=none")
        self.style = style
        common = style.common(norms)
        stem = style.weight(shape[0], width, common)
        self.stem = chain(stem if style.preact else stem | style.act(width, common))
        blocks: list[Block] = []
        n = width
        for stage, count in enumerate(stages):
            m = width * 2**stage
            for i in range(count):
                stride = 2 if stage and not i else 1
                blocks.append(Block(n, m, stride, style, norms, opens=not i))
                n = m
        self.blocks = nn.ModuleList(blocks)
        self.last = chain(style.act(n, common) if style.preact else {})
        self.flatten = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *style.shift("shift").values())
        self.head = Head(n, outputs, norms)
        if style.scheme == "fixup" and any(norm_of_weight(module) for module in self.modules()):
            raise Refused(
                "model.scheme=fixup starts from weights of 0, which a norm of weights cannot scale: take norm=none, or "
                "model.scheme=skipinit"
            )

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for block in self.blocks:
            h = block(h)
        return self.head(self.flatten(self.last(h)))

    def adjust_initial(self) -> None:
        if self.style.scheme != "fixup":
            return
        for block in self.blocks:
            block.get_submodule("first.weight").get_parameter("weight").mul_(len(self.blocks) ** -0.5)
            for parameter in block.get_submodule("second.weight").parameters():
                nn.init.zeros_(parameter)
        for parameter in self.head.weight.parameters():
            nn.init.zeros_(parameter)


class ResNet(ResidualNet):
    """The CIFAR family: depth 6n+2 in three stages of n blocks, with `width`, 2 `width` and 4 `width` channels.

    Source: He et al. 2016a, arXiv:1512.03385, section 4.2; with `preact`, 2016b, arXiv:1603.05027. Original width: 16.
    """

    name = "resnet"
    default_sites = ("before_act",)
    offers = ("before_weight", "before_act", "after_act", "after_add", "output")
    convolutional = True

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        *,
        depth: Count,
        width: Count,
        preact: bool,
        shortcut: Literal["A", "conv"],
        branch_only: bool,
        scheme: Literal["none", "skipinit", "fixup"],
        activation: Activation,
        dropout: Rate,
        bias: bool,
    ) -> None:
        blocks = max(1, (depth + 1) // 6)
        if depth != 6 * blocks + 2:
            raise Refused(
                f"model.depth={depth} is not 6n+2 (8, 14, 20 ...), as model=resnet needs: use {6 * blocks + 2}"
            )
        style = Style(preact, shortcut, branch_only, scheme, activation, dropout, bias)
        super().__init__(shape, outputs, norms, [blocks] * 3, width, style)


class ResNet18(ResidualNet):
    """ResNet-18 for small images: four stages of two blocks, of `width` to 8 `width` channels.

    Unlike the ImageNet version, its stem is 3x3 of stride 1 without max pooling, instead of 7x7 of stride 2.

    Source: He et al. 2016a, arXiv:1512.03385, table 1. Original width: 64.
    """

    name = "resnet18"
    default_sites = ("before_act",)
    offers = ("before_weight", "before_act", "after_act", "after_add", "output")
    convolutional = True

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        *,
        width: Count,
        preact: bool,
        shortcut: Literal["A", "conv"],
        branch_only: bool,
        scheme: Literal["none", "skipinit", "fixup"],
        activation: Activation,
        dropout: Rate,
        bias: bool,
    ) -> None:
        style = Style(preact, shortcut, branch_only, scheme, activation, dropout, bias)
        super().__init__(shape, outputs, norms, [2] * 4, width, style)
