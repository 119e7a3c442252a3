"""Deep linear net."""

from bnlab.models.mlp import MLP
from bnlab.models.units import Head
from bnlab.norms.placement import Placement
from bnlab.options import Count


class DeepLinear(MLP):
    """`depth` linear maps of `width` outputs each without activations, then the head; the input is flattened.

    Without norm it computes W_{depth+1} ... W_1 x, plus biases if `bias` is set (also in the last map). The
    last map is the head, which has no norm of activations unless the placement has `output`: depth 24 and width 10
    with a norm before_act are the 25 layers of Santurkar et al., all but the last of them normalized. Because the
    activation is the identity, before_act and after_act are the same point.

    Source: Santurkar et al. 2018, arXiv:1805.11604, appendix A.
    """

    name = "deep_linear"
    default_sites = ("before_act",)
    offers = ("before_weight", "before_act", "after_act", "output")

    def __init__(
        self, shape: tuple[int, ...], outputs: int, norms: Placement, *, depth: Count, width: Count, bias: bool
    ) -> None:
        super().__init__(shape, outputs, norms, depth=depth, width=width, activation="identity", dropout=0.0, bias=bias)
        self.head = Head(width, outputs, norms, bias=bias)
