"""Histograms for drawing: heights from bins (left, right, count), and an axis that shows most of each."""

from collections.abc import Sequence

import pandas as pd

from bnlab.report.consistency import measured

INSIDE = 0.99  # share of the values of each histogram that the axis shows


def heights(bins: pd.DataFrame) -> tuple[pd.Series, list[float]] | None:
    """Return the density relative to its peak, and the edges; None for a histogram without counts.

    None also if a bin has no width, as around a large number after rounding to the nine digits of a file.
    """
    if bins["count"].sum() == 0 or not (bins["right"] > bins["left"]).all() or not measured(bins["right"]).all():
        return None
    density = bins["count"] / (bins["right"] - bins["left"])
    return density / density.max(), [*bins["left"], bins["right"].iloc[-1]]


def limits(data: pd.DataFrame, by: Sequence[str]) -> tuple[float, float]:
    """Return limits that contain the middle of each histogram (a group of `by`, its bins in ascending order)."""
    lows, highs = [], []
    inside = data["count"].gt(0) & measured(data["left"]) & measured(data["right"])
    for _, bins in data[inside].groupby(list(by)):
        share = bins["count"].cumsum() / bins["count"].sum()
        lows.append(float(bins["left"][share > (1 - INSIDE) / 2].min()))
        highs.append(float(bins["right"][(share - bins["count"] / bins["count"].sum()) < (1 + INSIDE) / 2].max()))
    low, high = (min(lows), max(highs)) if lows else (0.0, 1.0)
    least = 1e-9 * max(abs(low), abs(high)) or 1e-9  # the smallest range that an axis can resolve
    return (low, high) if high - low > least else (low - least, high + least)
