"""Building blocks of models. A unit lists each of its points once, in forward order."""

from torch import Tensor, nn

from bnlab.noise import uniform_like
from bnlab.norms.placement import Placement

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "identity": nn.Identity,
}


class Unit(nn.Module):
    """A layer and its sites: before_weight - weight - before_act - activation - after_act.

    The first unit of a model has no `before_weight`, because its input is the data. A norm of weights acts on `weight`.
    """

    def __init__(
        self, weight: nn.Module, in_features: int, out_features: int, activation: str, norms: Placement, first: bool
    ) -> None:
        super().__init__()
        self.before_weight = nn.Identity() if first else norms.at("before_weight", in_features)
        self.weight = norms.reparametrize(weight)
        self.before_act = norms.at("before_act", out_features)
        self.act = ACTIVATIONS[activation]()
        self.after_act = norms.at("after_act", out_features)

    def forward(self, x: Tensor) -> Tensor:
        return self.after_act(self.act(self.before_act(self.weight(self.before_weight(x)))))


class Head(nn.Module):
    """The last linear map, weight - output; the output is normalized only if the placement has `output`.

    The weight never is: also with norms of weights, the last map keeps the range that the loss needs.
    """

    def __init__(self, in_features: int, outputs: int, norms: Placement, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Linear(in_features, outputs, bias=bias)
        self.output = norms.at("output", outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.weight(x))


class Dropout(nn.Module):
    """Inverted dropout (Srivastava et al. 2014): x * m / (1 - p), m ~ Bernoulli(1 - p), in training only."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        return x * (uniform_like(x) >= self.rate) / (1 - self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"
