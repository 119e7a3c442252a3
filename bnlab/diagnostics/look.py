"""What a diagnostic may look at: one step of R replicas, before its update.

Legend: R replicas (leading, 1 for a run alone), B batch, C units (features or channels), then positions; N = S·R where
S sites of one shape lie side by side; n numbers.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

from torch import Tensor

from bnlab.diagnostics.block import Block, Named, Sites, blocks, each
from bnlab.diagnostics.moments import summary
from bnlab.diagnostics.sample import sample, sorted_rows

ACTIVATED = ("after_act", "hidden")  # kinds of site that an activation leads to


class BatchStatistics(NamedTuple):
    """A norm's statistics of one batch: (R, C) each, under the names of its running averages; variances unbiased.

    Attributes:
        slot: the time step whose running averages they belong to; null where a norm has one set.
    """

    slot: int | None
    values: Named


class Passes(Protocol):
    """Further passes of the step's batches, which leave no trace: on clones, with the same noise."""

    def again(
        self, params: Named | None = None, *, training: bool = True, fixed: bool = False, gradients: bool = True
    ) -> "Look":
        """A pass with some parameters replaced (R leading).

        Args:
            training: in training mode (with the batch's statistics), else in evaluation mode.
            fixed: of the batch that is the same at every step.
            gradients: false where sites are all that is wanted: forward alone, of the first batch alone.
        """

    def updated(self) -> Named:
        """Every trained parameter as the update that is due would leave it."""

    def kept(self) -> dict[tuple[str, str], int]:
        """Bytes that a forward pass of one replica keeps for backward, by a layer's path and kind."""


@dataclass
class Look:
    """One step of R replicas.

    Attributes:
        sites: what passed the sites.
        grads: gradient of the mean loss by parameter that is trained, before clipping and weight decay.
        before: what came to each norm, by site, and the parts of sums, by `<site>.<part>`; where a diagnostic needs it.
        site_grads: gradient of the mean loss with respect to `sites`; where a diagnostic needs it.
        statistics: the batch's at each norm that keeps running ones, by site; where a diagnostic needs it.
        params: the parameters that are trained, as they are now.
        buffers: as they were before the pass.
        loss_R: mean loss per example.
        lr_R: rate of the update that is due.
        passes: further passes.
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
        """The further passes, where there must be some."""
        assert self.passes is not None
        return self.passes

    @cached_property
    def blocks(self) -> list[Block]:
        """The sites, those of one shape together."""
        return blocks(self.sites)

    @cached_property
    def summaries(self) -> Named:
        """(R, 4) mean, biased standard deviation, minimum and maximum of each site."""
        return each(self.blocks, summary)

    @cached_property
    def samples(self) -> list[Block]:
        """Of each site at most `SAMPLE` values, (N, n), sorted, NaN behind all numbers."""
        return [Block(names, sorted_rows(sample(x))) for names, x in self.blocks]

    @cached_property
    def weight_grads(self) -> list[Block]:
        """(N, n) gradients of the weights (what has two axes or more), by the path of the layer that holds one.

        Where a norm stands on it, it is the learned weight and not the normalized one.
        """
        return blocks({path: (self.grads[name].flatten(1),) for path, name in weights(self.grads).items()})


def activated(site: str) -> bool:
    """Whether a site stands behind an activation."""
    return site.rpartition(".")[2] in ACTIVATED


def weights(named: Named) -> dict[str, str]:
    """Name of each weight (what has two axes or more) by the path of the layer that holds it."""
    return {name.rpartition(".")[0]: name for name, p in named.items() if p.ndim > 2}
