"""Deep linear net."""

from bnlab.models.mlp import MLP
from bnlab.models.units import Head
from bnlab.norms.placement import Placement
from bnlab.options import Count


class DeepLinear(MLP):
    """`depth` linear maps of `width` outputs each without an activation, then the last one; the input is flattened.

    Without norm it computes W_{depth+1} ... W_1 x, plus biases where `bias` is set (that of the last map too). The
    last map is the head's, so no norm of activations stands there but where `output` is asked for: depth 24 and width
    10 with a norm before_act are the 25 layers of Santurkar et al., all but the last of them normalized. With the
    identity for an activation, before_act and after_act are the same point.

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
