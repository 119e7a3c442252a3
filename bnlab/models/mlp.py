"""Multi-layer perceptron."""

from itertools import chain, pairwise
from math import prod

from torch import Tensor, nn

from bnlab.models.base import Model
from bnlab.models.units import Dropout, Head, Unit
from bnlab.norms.placement import Placement
from bnlab.options import Activation, Count, Rate


class MLP(Model):
    """`depth` hidden layers of `width` units each, then the head; the input is flattened."""

    name = "mlp"
    default_sites = ("before_act",)
    offers = ("before_weight", "before_act", "after_act", "output")

    def __init__(
        self,
        shape: tuple[int, ...],
        outputs: int,
        norms: Placement,
        *,
        depth: Count,
        width: Count,
        activation: Activation,
        dropout: Rate,
        bias: bool,
    ) -> None:
        super().__init__()
        sizes = chain((prod(shape),), (width for _ in range(depth)))  # a generator, because the depth may be huge
        self.flatten = nn.Flatten()
        self.units = nn.ModuleList(
            Unit(nn.Linear(n, m, bias=bias), n, m, activation, norms, first=i == 0)
            for i, (n, m) in enumerate(pairwise(sizes))
        )
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.head = Head(width, outputs, norms)

    def forward(self, x: Tensor) -> Tensor:
        h = self.flatten(x)
        for unit in self.units:
            h = self.dropout(unit(h))
        return self.head(h)
