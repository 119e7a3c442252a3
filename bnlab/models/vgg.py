"""VGG nets."""

from typing import Literal

from bnlab.models.convnet import ConvNet
from bnlab.norms.placement import Placement
from bnlab.options import Activation, Count, Rate

# Convolutions per stage, by the number of weight layers of the ImageNet nets (configurations A, B, D).
STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3)}
FACTORS = (1, 2, 4, 8, 8)


class VGG(ConvNet):
    """Five stages of 3x3 convolutions with `width` times 1, 2, 4, 8, 8 channels; max pooling halves images after each.

    `depth` names the configuration: 11 (A), 13 (B) or 16 (D), with 8, 10 and 13 convolutions. As is common for small
    images, one linear map replaces the three of the ImageNet nets, on the mean over the remaining positions (1x1 for
    32x32 images). Halving stops before a side would vanish.

    Source: Simonyan & Zisserman 2015, arXiv:1409.1556, table 1.
    """

    name = "vgg"
    default_sites = ("before_act",)
    offers = ("before_weight", "before_act", "after_act", "output")
    convolutional = True

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        *,
        depth: Literal[11, 13, 16],
        width: Count,
        activation: Activation,
        dropout: Rate,
        bias: bool,
    ) -> None:
        plan = [
            (width * factor, i == count - 1)
            for count, factor in zip(STAGES[depth], FACTORS, strict=True)
            for i in range(count)
        ]
        super().__init__(shape, outputs, norms, plan, pool="max", activation=activation, dropout=dropout, bias=bias)
