"""The data that diagnostics observe: one step of R replicas, before its update.

Legend: R replicas (leading, 1 for a single run), B batch, C units (features or channels), then positions; N = S·R for S
stacked sites of one shape; n numbers.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

from torch import Tensor

from bnlab.diagnostics.block import Block, Named, Sites, blocks, each
from bnlab.diagnostics.moments import summary
from bnlab.diagnostics.sample import sample, sorted_rows

ACTIVATED = ("after_act", "hidden")  # kinds of site that follow an activation


class BatchStatistics(NamedTuple):
    """Statistics of one batch at a norm: (R, C) each, named as its running averages; variances are unbiased.

    Attributes:
        slot: the time step whose running averages they belong to; None for a norm with a single set.
    """

    slot: int | None
    values: Named


class Passes(Protocol):
    """Additional passes over the step's batches, without side effects: on clones, with the same noise."""

    def again(
        self, params: Named | None = None, *, training: bool = True, fixed: bool = False, gradients: bool = True
    ) -> "Look":
        """Return the look of a pass with some parameters replaced (R leading).

        Args:
            training: use training mode (with batch statistics), else evaluation mode.
            fixed: use the batch that is the same at every step.
            gradients: if false, run only the forward pass of the first batch, for its sites.
        """

    def updated(self) -> Named:
        """Return every trained parameter after the update that is due."""

    def kept(self) -> dict[tuple[str, str], int]:
        """Return the bytes that a forward pass of one replica keeps for backward, by a layer's path and kind."""


@dataclass
class Look:
    """One step of R replicas.

    Attributes:
        sites: outputs of the sites.
        grads: gradient of the mean loss by trained parameter, before clipping and weight decay.
        before: input of each norm, by site, and the parts of sums, by `<site>.<part>`; if a diagnostic needs it.
        site_grads: gradient of the mean loss with respect to `sites`; if a diagnostic needs it.
        statistics: batch statistics of each norm that keeps running ones, by site; if a diagnostic needs it.
        params: current values of the trained parameters.
        buffers: values before the pass.
        loss_R: mean loss per example.
        lr_R: learning rate of the update that is due.
        passes: additional passes.
    """

    sites: Sites
    grads: Named = field(default_factory=dict)
    before: Sites = field(default_factory=dict)
    site_grads: Sites = field(default_factory=dict)
    statistics: dict[str, list[BatchStatistics]] = field(default_factory=dict)
    params: Named = field(default_factory=dict)
    buffers: Named = field(default_factory=dict)
    loss_R: Tensor | None = None
    lr_R: Tensor | None = None
    passes: Passes | None = None

    @property
    def extra(self) -> Passes:
        """The additional passes, which must be present."""
        assert self.passes is not None
        return self.passes

    @cached_property
    def blocks(self) -> list[Block]:
        """The sites, those of one shape together."""
        return blocks(self.sites)

    @cached_property
    def summaries(self) -> Named:
        """Mean, biased standard deviation, minimum and maximum of each site, (R, 4)."""
        return each(self.blocks, summary)

    @cached_property
    def samples(self) -> list[Block]:
        """At most `SAMPLE` values of each site, (N, n), sorted, NaN last."""
        return [Block(names, sorted_rows(sample(x))) for names, x in self.blocks]

    @cached_property
    def weight_grads(self) -> list[Block]:
        """Gradients (N, n) of the weights (two or more axes), by the path of the layer that holds the weight.

        For a normalized weight, the gradient is that of the learned weight and not of the normalized one.
        """
        return blocks({path: (self.grads[name].flatten(1),) for path, name in weights(self.grads).items()})


def activated(site: str) -> bool:
    """Return whether a site follows an activation."""
    return site.rpartition(".")[2] in ACTIVATED


def weights(named: Named) -> dict[str, str]:
    """Return the name of each weight (two or more axes) by the path of the layer that holds it."""
    return {name.rpartition(".")[0]: name for name, p in named.items() if p.ndim > 2}
