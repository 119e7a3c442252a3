"""Val accuracy against learning rate, which shows the range of rates that each condition tolerates."""

import itertools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bnlab.report.figures import _strip
from bnlab.report.figures._legend import above, across, on_top
from bnlab.report.figures._title import broken, lift
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Accuracy against learning rate"
ORDER = 11

_ROOM = 0.42  # inches of a rate's label: if rates are closer together, powers of ten are labelled instead


def draw(frame: Frame) -> Drawn | Missing:
    """Draw mean, interval and seeds at each rate; below, the share of seeds that diverged."""
    if not frame.has_accuracy:
        return Missing("no finished run has a val accuracy")
    data = gather(frame)
    counts = data.drop_duplicates(["condition", "lr"])
    strip = bool(counts["diverged"].gt(0).any())
    figure = _layout(frame, data, counts)
    below = "Crosses below, for conditions that diverged at some rate: diverged of finished seeds. "
    lines = "Vertical lines: critical lr with its 95 % interval; small markers without a line: rates of a search. "
    caption = (
        "Val accuracy at the last evaluation by learning rate. Line: mean over the seeds that did not diverge; band: "
        f"95 % t-interval over seeds ({frame.seeds} per rate; none for one seed); small dots: single seeds; hollow: a "
        f"seed diverged at that rate. {below if strip else ''}{lines if frame.is_searched else ''}"
        f"{frame.arrangement}Every run: {frame.configuration}."
    )
    return Drawn(figure, data, caption)


def gather(frame: Frame) -> pd.DataFrame:
    """Return one row per run with its cell: condition, lr, complete … absent, mean, half, seed, status, val_accuracy.

    A cell without runs has one row, with an empty seed.
    """
    rows: list[dict[str, Any]] = []
    for place, cells in enumerate(frame.cells):
        for cell in cells:
            counts = {
                name: getattr(cell, name) for name in ("complete", "diverged", "failed", "running", "refused", "absent")
            }
            shared = {"condition": frame.conditions[place].label, "lr": cell.lr, **counts}
            shared |= {"mean": cell.val.mean, "half": cell.val.half}
            runs = frame.of(place, cell.lr).sort_values("seed")
            for _, run in runs.iterrows():
                rows.append(shared | {name: run[name] for name in ("seed", "status", "val_accuracy")})
            if runs.empty:
                rows.append(shared | {"seed": None, "status": None, "val_accuracy": None})
    return pd.DataFrame(rows)


def _layout(frame: Frame, data: pd.DataFrame, counts: pd.DataFrame) -> Figure:
    """Lay out panels of accuracies, two or three per row, each above a strip of its diverged conditions, if any."""
    many = across(len(frame.panels))
    lost = [_strip.diverging(frame, counts, places) for _, places in frame.panels]
    down = math.ceil(len(lost) / many)
    most = [max(len(places) for places in lost[row * many : (row + 1) * many]) for row in range(down)]
    heights = [height for lines in most for height in (3.4, 0.3 * lines + 0.1 if lines else 0.001)]
    width = 8 if many == 1 else 11
    legends = 0.4 if len(frame.panels) == 1 else 0.8 * down
    figure = Figure(figsize=(width, sum(heights) + 0.6 * down + legends), layout="constrained")
    grid = figure.add_gridspec(len(heights), many, height_ratios=heights)
    first: Axes | None = None
    for number, (title, places) in enumerate(frame.panels):
        row, column = divmod(number, many)
        upper = figure.add_subplot(grid[2 * row, column], sharex=first)
        first = first or upper
        _accuracies(upper, frame, data, places)
        head = broken(title, width / many - 0.5)
        upper.set_title(head)
        upper.tick_params(labelbottom=not lost[number], labelleft=column == 0)
        if column == 0:
            upper.set_ylabel("val accuracy (0–1)")
        if lost[number]:
            lower = figure.add_subplot(grid[2 * row + 1, column], sharex=first)
            _strip.draw(lower, frame, counts, lost[number], most[row])
            lower.set_ylabel("diverged")
        if len(frame.panels) > 1:
            above(upper, _handles(frame, places), width / many - 0.5, lift(head))
    assert first is not None
    if _apart(frame.rates, 0.7 * width / many) >= _ROOM:
        first.set_xticks(frame.rates, [frame.rate(rate) for rate in frame.rates])
        first.minorticks_off()
    if len(frame.rates) == 1:  # otherwise the shifted points would seem to be at other rates
        first.set_xlim(frame.rates[0] / 2, frame.rates[0] * 2)
    figure.supxlabel("learning rate", fontsize="medium")
    if len(frame.panels) == 1:
        on_top(figure, _handles(frame, frame.panels[0][1]))
    return figure


def _apart(rates: Sequence[float], inches: float) -> float:
    """Return the inches between the two closest rates on a log axis of this length."""
    places = [math.log10(rate) for rate in rates]
    gaps = [high - low for low, high in pairwise(places)]
    return inches * min(gaps) / (places[-1] - places[0]) if gaps else math.inf


def _handles(frame: Frame, places: list[int]) -> list[Line2D]:
    styles = [(frame.name(place), frame.styles[place]) for place in places]
    return [
        Line2D([], [], color=style.colour, linestyle=style.line, marker=style.marker, label=name)
        for name, style in styles
    ]


def _accuracies(axes: Axes, frame: Frame, data: pd.DataFrame, places: list[int]) -> None:
    for number, place in enumerate(places):
        name, style = frame.conditions[place].label, frame.styles[place]
        mine = data[(data["condition"] == name) & data["mean"].notna()]
        cells = mine.drop_duplicates("lr")
        # Shift conditions on the log axis, so that their seeds do not overlap.
        shift = 1.035 ** (number - (len(places) - 1) / 2)
        is_grid = cells["lr"].isin([cell.lr for cell in frame.grid_cells(place)])
        grid = cells[is_grid]
        axes.fill_between(
            grid["lr"] * shift,
            (grid["mean"] - grid["half"]).clip(0, 1),  # a t-interval is unbounded, accuracies are not
            (grid["mean"] + grid["half"]).clip(0, 1),
            color=style.colour,
            alpha=0.15,
            linewidth=0,
        )
        axes.plot(grid["lr"] * shift, grid["mean"], color=style.colour, linestyle=style.line, zorder=3)
        if frame.is_searched and (upper := frame.critical(place)[0]) is not None and not upper.open:
            low, high = upper.posterior.interval()
            axes.axvspan(10**low, 10**high, color=style.colour, alpha=0.25, linewidth=0, zorder=1)
            axes.axvline(upper.rate, color=style.colour, linewidth=1.2, linestyle=style.line, zorder=2)
        for hollow, alone in itertools.product((False, True), repeat=2):  # hollow: a mean over the remaining seeds
            some = cells[cells["diverged"].gt(0).eq(hollow) & is_grid.ne(alone)]
            face = "white" if hollow else style.colour
            axes.plot(
                some["lr"] * shift,
                some["mean"],
                linestyle="none",
                marker=style.marker,
                color=style.colour,
                markerfacecolor=face,
                markersize=3.5 if alone else 6,
                zorder=4,
            )
        seeds = mine[mine["status"] == "complete"]
        axes.plot(seeds["lr"] * shift, seeds["val_accuracy"], ".", color=style.colour, markersize=3.5, alpha=0.7)
    classes = {frame.classes(place) for place in places}
    for number in sorted(value for value in classes if value):
        axes.axhline(1 / number, color="#999999", linewidth=0.8, linestyle=":", zorder=1)
        # Outside the axes, because accuracies at both ends of the grid are often at chance.
        axes.annotate("chance", (1.01, 1 / number), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    axes.set(xscale="log", ylim=(0, 1.03))
