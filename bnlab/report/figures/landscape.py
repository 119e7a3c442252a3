"""Loss along the gradient: its range, the change of the gradient, effective smoothness (Santurkar et al. 2018)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.figures import _axis
from bnlab.report.figures._blocks import blocks, line
from bnlab.report.figures._recorded import missing, recorded, silent, vanished
from bnlab.report.figures._seeds import limits, over_seeds
from bnlab.report.frame import Frame, span
from bnlab.report.interface import Drawn, Missing
from bnlab.report.style import Style

TITLE = "Landscape along the gradient"
ORDER = 57

_BANDS = {
    "landscape_loss": "loss after the step\n(nats)",
    "gradient_distance": "change of the gradient, L2 norm\n(nats / the parameters' unit)",
}
_SMOOTH = {"effective_beta": "effective β\n(nats / the parameters' unit²)"}
_DATA = ["condition", "lr", "diagnostic", "over_rates", "step", "n", "mean", "low", "high", "least", "greatest"]
_BETWEEN = 0.12  # space between two plots, as a share of their width
_REACH = 1e4  # the axis ends at this multiple of the median of a band's upper edge


def draw(frame: Frame) -> Drawn | Missing:
    """Draw three plots per panel, each with all conditions of the panel."""
    rows = recorded(frame, *_BANDS, *_SMOOTH)
    if rows.empty:
        return missing("the landscape along the gradient", "diagnostics=[light,landscape]")
    data = gather(rows)
    rates = sorted(pd.to_numeric(rows.loc[rows["diagnostic"] == "landscape_loss", "index"]).unique())
    caption = (
        f"Along the gradient g of the step's own batch, for {len(rates)} steps η from {rates[0]:g} to {rates[-1]:g} "
        f"times the learning rate: loss L(θ - ηg), change of the gradient ‖g - ∇L(θ - ηg)‖ (bands from the lowest to "
        f"the highest of the rates) and effective smoothness β, the largest ‖g - ∇L(θ - ηg)‖ / ‖ηg‖. Each condition at "
        f"its best learning rate; edges and lines: geometric means over seeds "
        f"({span(rows.groupby('place')['seed'].nunique())}); band around β: its 95 % t-interval over seeds (for two "
        f"seeds, from the lower to the higher; for one, none). A band has no upper edge if the loss at some rate was "
        f"not finite. {vanished(frame, rows['place'])}{frame.arrangement}{silent(frame, set(rows['place']))}"
        f"Every run: {frame.configuration}."
    )
    names = [frame.conditions[place].label for place in data["place"]]
    return Drawn(_layout(frame, data), data.assign(condition=names)[_DATA], caption)


def gather(rows: pd.DataFrame) -> pd.DataFrame:
    """Return place and the columns of the data: per step the `lowest` and the `highest` over rates, for β the `value`.

    The highest is inf if the value at any rate was not finite for some seed.
    """
    finite = np.isfinite(rows["value"])
    rows = rows.assign(finite=finite, value=rows["value"].where(finite))
    keys = ["place", "lr", "diagnostic", "seed", "run_id", "step"]
    runs = rows.groupby(keys).agg(lowest=("value", "min"), highest=("value", "max"), finite=("finite", "all"))
    runs = runs.reset_index()
    band = runs["diagnostic"].isin(list(_BANDS))
    parts = [
        runs[band].assign(over_rates="lowest", value=runs["lowest"]),
        runs[band].assign(over_rates="highest", value=runs["highest"]),
        runs[~band].assign(over_rates="value", value=runs["highest"]),
    ]
    by = ["place", "lr", "diagnostic", "over_rates", "step"]
    every = pd.concat(parts, ignore_index=True)
    found = over_seeds(every, by, log=True)
    open_ = ~every.groupby(by)["finite"].all().reset_index(drop=True) & (found["over_rates"] == "highest")
    return found.assign(mean=found["mean"].mask(open_, np.inf))


def _layout(frame: Frame, data: pd.DataFrame) -> Figure:
    labels = _BANDS | _SMOOTH
    figure, found = blocks(frame, set(data["place"]), 3.0)
    first: dict[str, Axes] = {}
    for block in found:
        grid = block.part.add_gridspec(1, len(labels), wspace=_BETWEEN)
        for number, (name, label) in enumerate(labels.items()):
            axes = block.part.add_subplot(grid[0, number], sharey=first.get(name))
            first.setdefault(name, axes)
            every = data[data["diagnostic"] == name]
            ends = limits(_within(every), log=True)
            for place in block.places:
                mine, style = every[every["place"] == place], frame.styles[place]
                line(axes, mine, "step", style) if name in _SMOOTH else _band(axes, mine, style, ends)
            _axis.values(axes, ends, log=True)
            _axis.steps(axes, sorted(set(every["step"])))
            axes.set_xlabel("step")
            axes.set_ylabel(label, fontsize=8.5)
    return figure


def _within(data: pd.DataFrame) -> pd.DataFrame:
    """Return the points, with `greatest` clipped if it is far above all others."""
    upper = data.loc[data["over_rates"] != "lowest", "greatest"]
    return data.assign(greatest=data["greatest"].clip(upper=_REACH * float(upper.median())))


def _band(axes: Axes, data: pd.DataFrame, style: Style, ends: tuple[float, float] | None) -> None:
    edges = data.pivot(index="step", columns="over_rates", values="mean")
    top = edges["highest"].replace(np.inf, 10 * ends[1]) if ends else edges["highest"]  # beyond the axis
    axes.fill_between(edges.index, edges["lowest"], top, color=style.colour, alpha=0.18, linewidth=0)
    for edge, marker in ((edges["lowest"], style.marker), (top, "none")):
        axes.plot(
            edges.index, edge, color=style.colour, linestyle=style.line, linewidth=1.2, marker=marker, markersize=3.5
        )
