"""Shared code of plain convolutional nets: a chain of 3x3 convolutions, some followed by halving the image."""

from collections.abc import Iterable

from torch import Tensor, nn

from bnlab.models.base import Model, require_images
from bnlab.models.units import Dropout, Head, Unit
from bnlab.norms.placement import Placement

POOLS: dict[str, type[nn.Module]] = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}


def halvings(shape: tuple[int, ...]) -> int:
    """Return how often an image (channels, height, width) can be halved before a side would vanish."""
    return min(shape[1:]).bit_length() - 1


class ConvNet(Model):
    """3x3 convolutions of stride 1, each a unit, and the head on the mean over the remaining positions.

    Args:
        plan: for each convolution its channels, and whether the image is halved after it. Halving stops before a side
            would vanish (8x8 digits are halved three times).
        pool: the pooling that halves, a key of `POOLS`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        plan: Iterable[tuple[int, bool]],
        *,
        pool: str,
        activation: str,
        dropout: float,
        bias: bool,
    ) -> None:
        super().__init__()
        require_images(self.name, shape)
        channels, left = shape[0], halvings(shape)
        units: list[nn.Module] = []
        pools: list[nn.Module] = []
        for width, halve in plan:
            weight = nn.Conv2d(channels, width, 3, padding=1, bias=bias)
            units.append(Unit(weight, channels, width, activation, norms, first=not units))
            pools.append(POOLS[pool](2) if halve and left else nn.Identity())
            left -= halve and left > 0
            channels = width
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
