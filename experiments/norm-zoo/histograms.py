"""What comes out: histograms of a batch before and after each norm of activations, in training mode."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from cubes import COLUMNS, heading, save
from facts import batch
from specimen import Specimen, passed

from bnlab.report.style import RC

SIZE = (64, 8, 8, 8)
EDGES = np.linspace(-8, 8, 65)
BEFORE, AFTER = "#9A9A9A", "#0072B2"


def draw(specimens: Sequence[Specimen], path: Path) -> None:
    """Small multiples with common axes; heights are densities, those beyond the top are cut off."""
    columns = COLUMNS
    rows = -(-len(specimens) // columns)
    x = batch(SIZE, seed=0)
    with plt.rc_context(RC):
        figure, axes = plt.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        figure.set_size_inches(1.75 * columns, 1.5 * rows + 0.7)
        for ax in axes.flat[len(specimens) :]:
            ax.axis("off")
        for ax, specimen in zip(axes.flat, specimens, strict=False):
            y = passed(specimen.build(SIZE), x, training=True)
            ax.hist(x.flatten().numpy(), EDGES, density=True, color=BEFORE, alpha=0.55)
            ax.hist(y.flatten().numpy(), EDGES, density=True, histtype="step", color=AFTER, linewidth=1.3)
            ax.set_title(heading(specimen), loc="center", fontsize=8.5, pad=2)
            ax.text(
                0.97,
                0.93,
                f"{y.mean():z.2f}\n± {y.std():.2f}",
                transform=ax.transAxes,
                ha="right",
                va="top",
                fontsize=7.5,
            )
            ax.set_ylim(0, 0.7)
            ax.tick_params(labelsize=7.5)
        for ax in axes.flat[max(0, len(specimens) - columns) : len(specimens)]:
            ax.tick_params(labelbottom=True)  # the last of each column, also where the last row is not full
        height = figure.get_figheight()
        title = (
            "A batch before (grey) and after (blue) each norm, all values of 8 channels that differ in mean and spread;"
            " mean ± standard deviation after"
        )
        figure.text(0.012, 1 - 0.1 / height, title, fontsize=10, va="top")
        figure.text(0.5, 0.05 / height, "value", ha="center", fontsize=8.5)
        figure.subplots_adjust(0.045, 0.42 / height, 0.99, 1 - 0.6 / height, hspace=0.42, wspace=0.12)
        save(figure, path)
