"""Plain convolutional net."""

from typing import Literal

from bnlab.models.base import require_images
from bnlab.models.convnet import ConvNet, halvings
from bnlab.norms.placement import Placement
from bnlab.options import Activation, Count, Rate


class CNN(ConvNet):
    """`depth` 3x3 convolutions; after every `pool_every` of them the image is halved and the channels double.

    Both stop before a side would vanish (8x8 digits are halved three times).
    """

    name = "cnn"
    default_sites = ("before_act",)
    offers = ("before_weight", "before_act", "after_act", "output")
    convolutional = True

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        *,
        depth: Count,
        width: Count,
        pool: Literal["max", "avg", "none"],
        pool_every: Count,
        activation: Activation,
        dropout: Rate,
        bias: bool,
    ) -> None:
        require_images(self.name, shape)
        most = 0 if pool == "none" else halvings(shape)
        plan = (  # a generator, because the depth may be huge
            (width * 2 ** min(i // pool_every, most), pool != "none" and (i + 1) % pool_every == 0)
            for i in range(depth)
        )
        super().__init__(shape, outputs, norms, plan, pool=pool, activation=activation, dropout=dropout, bias=bias)
