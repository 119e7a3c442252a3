"""Shared code of the tables: the columns of a condition, and formatted numbers."""

import math

from bnlab.report.condition import text
from bnlab.report.frame import Frame
from bnlab.report.stats import Cell, Estimate, Target

NONE = "–"


def names(frame: Frame, place: int) -> dict[str, str]:
    """Return a condition's values of the axes that distinguish conditions; "" for an axis that it lacks."""
    condition = frame.conditions[place]
    values = {name: text(value) for name, value in condition.variant}
    return dict.fromkeys(frame.axes, "") | {"norm": condition.norm} | values


def numbers(name: str, value: Estimate) -> dict[str, float]:
    """Return the columns of an estimate for CSV: mean and ends of the interval."""
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}


def amount(value: Estimate, digits: int, *, sign: bool = False) -> str:
    """Return an estimate as text: "0.950 ± 0.012", or the mean alone if there is no interval."""
    if value.n == 0:
        return NONE
    mean = f"{value.mean:{'+' if sign else ''},.{digits}f}"
    return mean if math.isnan(value.half) else f"{mean} ± {value.half:,.{digits}f}"


def accuracy(value: Estimate, cell: Cell | None) -> str:
    """Return an accuracy as text, with the number of diverged seeds if any seed of the cell diverged."""
    shown = amount(value, 3)
    return f"{shown} ({cell.diverged}/{cell.finished} diverged)" if cell and cell.diverged else shown


def _floored(value: float, digits: int) -> float:
    """Return a value rounded down, so that "> 0.18" does not exceed what was trained; small ones to two digits."""
    scale = 10.0 ** max(digits, 1 - math.floor(math.log10(value)) if value > 0 else 0)
    return math.floor(value * scale + 1e-9) / scale


def time(target: Target, digits: int) -> str:
    """Return a time as text: "> 20 (1/3)" if one of three seeds did not reach the target within 20."""
    if target.runs == 0:
        return NONE
    if target.censored:
        some = f" ({target.censored}/{target.runs})" if target.censored < target.runs else ""
        return f"> {_floored(target.budget, digits):g}{some}"
    return amount(target.time, digits)
