"""Memory that a forward pass keeps for the backward pass, by kind of layer."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bnlab.report.escaping import clipped
from bnlab.report.figure_text import listed
from bnlab.report.figures._chosen import one_run
from bnlab.report.figures._legend import on_top
from bnlab.report.figures._recorded import missing, recorded, silent
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing

TITLE = "Memory kept for the backward pass"
ORDER = 70

_MIB = 2**20
_NORM, _OTHERS = "the norm", "others"
_PARTS = (  # face and hatch, distinguishable in a grey print
    ("#4D4D4D", ""), ("#FFFFFF", "////"), ("#B3B3B3", ""), ("#FFFFFF", "...."), ("#808080", "\\\\\\\\"),
    ("#E6E6E6", ""), ("#FFFFFF", "xxxx"),
)  # fmt: skip


def draw(frame: Frame) -> Drawn | Missing:
    """Draw a bar per condition, with a part per kind of layer."""
    data = gather(frame)
    if data.empty:
        return missing("kept bytes", "diagnostics=[light,kept_bytes]")
    table = data.pivot_table(index="place", columns="kind", values="bytes", aggfunc="sum", fill_value=0)
    caption = (
        f"Bytes that the layers keep from one batch's forward pass to its backward pass, by kind of layer, at the "
        f"first look of each condition's run of the lowest seed at its best learning rate. Parameters, buffers and the "
        f"batch itself are not counted; memory that several layers keep is counted for the first of them. "
        f"{silent(frame, set(data['place']))}Every run: {frame.configuration}."
    )
    names = [frame.conditions[place].label for place in data["place"]]
    columns = ["condition", "seed", "step", "kind", "bytes"]
    return Drawn(_layout(frame, _few(table)), data.assign(condition=names)[columns], caption)


def gather(frame: Frame) -> pd.DataFrame:
    """Return place, seed, step, kind, bytes: sums over the layers of a kind; a condition's norm is `the norm`."""
    rows = recorded(frame, "kept_bytes")
    rows = one_run(rows[rows["step"] == rows.groupby("run_id")["step"].transform("min")])
    norms = [frame.conditions[place].norm for place in rows["place"]]
    rows = rows.assign(kind=rows["index"].mask(rows["index"] == pd.Series(norms, rows.index, dtype=object), _NORM))
    return rows.groupby(["place", "seed", "step", "kind"])["value"].sum().reset_index(name="bytes")


def _few(table: pd.DataFrame) -> pd.DataFrame:
    """Return the kinds by descending total, the norm first, and those without a part of their own summed."""
    order = table.sum().sort_values(ascending=False, kind="stable").index
    kinds = sorted(order, key=lambda kind: kind != _NORM)
    own, rest = kinds[: len(_PARTS) - 1], kinds[len(_PARTS) - 1 :]
    found = table[own if rest else kinds]
    return found.assign(**{_OTHERS: table[rest].sum(axis=1)}) if rest else found


def _layout(frame: Frame, table: pd.DataFrame) -> Figure:
    figure = Figure(figsize=(10, 1.2 + 0.32 * len(table)), layout="constrained")
    axes: Axes = figure.subplots()
    left = pd.Series(0.0, table.index)
    places = range(len(table))
    for kind, (face, hatch) in zip(table.columns, _PARTS, strict=False):
        width = table[kind] / _MIB
        axes.barh(
            places,
            width,
            0.7,
            left,
            label=listed(clipped(kind)),
            facecolor=face,
            hatch=hatch,
            edgecolor="#333333",
            linewidth=0.7,
        )
        left = left + width
    for place, total in zip(places, left, strict=True):
        axes.annotate(f"{total:#.3g}", (total, place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(places, [clipped(frame.conditions[place].label) for place in table.index])
    axes.set_xlabel("kept for the backward pass of one batch (MiB)")
    axes.set_ylim(len(table) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")
    on_top(figure, axes.get_legend_handles_labels()[0])
    return figure
