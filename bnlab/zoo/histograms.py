"""Picture of what comes out of each norm: histograms of a batch before and after it, in training."""

from collections.abc import Sequence

import numpy as np

from bnlab.errors import Refused
from bnlab.report.picture import small_png
from bnlab.zoo.panels import Layout, heading, panels, short
from bnlab.zoo.passing import batch, passed
from bnlab.zoo.specimen import Specimen

_SIZE = (64, 8, 8, 8)
_EDGES = np.linspace(-8, 8, 65).tolist()
_HIGHEST = 0.7  # density; what is above it is cut off
_BEFORE, _AFTER = "#9A9A9A", "#0072B2"
_LAYOUT = Layout(height=1.5, rest=0.7, left=0.045, right=0.99, bottom=0.42, top=0.6, hspace=0.42, wspace=0.12)
_TITLE = (
    "A batch before (grey) and after (blue) each norm, all values of 8 channels that differ in mean and spread;"
    " mean ± standard deviation after"
)


def draw(specimens: Sequence[Specimen]) -> bytes:
    """Return a PNG of the densities, with common axes."""
    x = batch(_SIZE, seed=0)
    with panels(len(specimens), _LAYOUT, _TITLE, shared=True) as (figure, axes):
        for ax, specimen in zip(axes, specimens, strict=True):
            ax.hist(x.flatten().numpy(), _EDGES, density=True, color=_BEFORE, alpha=0.55)
            try:
                y = passed(specimen.build(_SIZE), x, training=True)
            except Refused as refused:
                said = short(refused)
            else:
                ax.hist(y.flatten().numpy(), _EDGES, density=True, histtype="step", color=_AFTER, linewidth=1.3)
                said = f"{y.mean():z.2f}\n± {y.std():.2f}"
            ax.text(0.97, 0.93, said, transform=ax.transAxes, ha="right", va="top", fontsize=7.5)
            ax.set_title(heading(specimen), loc="center", fontsize=8.5, pad=2)
            ax.set_ylim(0, _HIGHEST)
            ax.tick_params(labelsize=7.5)
        figure.text(0.5, 0.05 / figure.get_figheight(), "value", ha="center", fontsize=8.5)
        return small_png(figure)
