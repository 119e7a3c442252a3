"""Plain convolutional net."""

from typing import Literal

from torch import Tensor, nn

from bnlab.errors import Refused
from bnlab.models.base import Model
from bnlab.models.units import Dropout, Head, Unit
from bnlab.norms.placement import Placement
from bnlab.options import Activation, Count, Rate

POOLS: dict[str, type[nn.Module]] = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}


class CNN(Model):
    """`depth` 3x3 convolutions; after every `pool_every` of them the picture is halved and the channels double.

    Halving stops where a side would vanish (8x8 digits halve three times). The mean over what is left of the picture
    goes to the head.
    """

    name = "cnn"
    default_sites = ("before_act",)

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
        super().__init__()
        if len(shape) != 3:
            raise Refused(
                f"model=cnn needs images (channels, height, width), an example here has shape {shape}: use model=mlp, "
                "or data.shape=[1,8,8] with data=gaussian"
            )
        channels, side = shape[0], min(shape[1:])
        units: list[nn.Module] = []
        pools: list[nn.Module] = []
        for i in range(depth):
            units.append(
                Unit(
                    nn.Conv2d(channels, width, 3, padding=1, bias=bias),
                    channels,
                    width,
                    activation,
                    norms,
                    first=i == 0,
                )
            )
            channels = width
            halve = pool != "none" and (i + 1) % pool_every == 0 and side >= 2
            pools.append(POOLS[pool](2) if halve else nn.Identity())
            if halve:
                side //= 2
                width *= 2
        self.units = nn.ModuleList(units)
        self.pools = nn.ModuleList(pools)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.flatten = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = Head(channels, outputs, norms)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for unit, pool in zip(self.units, self.pools, strict=True):
            h = self.dropout(pool(unit(h)))
        return self.head(self.flatten(h))
