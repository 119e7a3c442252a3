"""A residual net whose blocks all have the same shape."""

from bnlab.models.resnet import ResidualNet


class OneStage(ResidualNet):
    """A residual net of one stage."""

    name = "one_stage"
    default_sites = ("before_act",)
