"""What the tables share: a condition's columns, and numbers as people read them."""

import math

from bnlab.report.condition import text
from bnlab.report.frame import Frame
from bnlab.report.stats import Cell, Estimate, Target

NONE = "–"


def names(frame: Frame, place: int) -> dict[str, str]:
    """The axes that tell conditions apart, with this one's values; an axis that it lacks is empty."""
    condition = frame.conditions[place]
    values = {name: text(value) for name, value in condition.variant}
    return dict.fromkeys(frame.axes, "") | {"norm": condition.norm} | values


def numbers(name: str, value: Estimate) -> dict[str, float]:
    """For machines: mean and ends of the interval."""
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}


def amount(value: Estimate, digits: int, *, sign: bool = False) -> str:
    """ "0.950 ± 0.012", the mean alone where one value has no interval."""
    if value.n == 0:
        return NONE
    mean = f"{value.mean:{'+' if sign else ''},.{digits}f}"
    return mean if math.isnan(value.half) else f"{mean} ± {value.half:,.{digits}f}"


def accuracy(value: Estimate, cell: Cell | None) -> str:
    """Never the mean alone where some seed of the cell diverged."""
    shown = amount(value, 3)
    return f"{shown} ({cell.diverged}/{cell.finished} diverged)" if cell and cell.diverged else shown


def _floored(value: float, digits: int) -> float:
    """Return a value rounded down, so that "> 0.18" does not claim more than was trained; of small ones two digits."""
    scale = 10.0 ** max(digits, 1 - math.floor(math.log10(value)) if value > 0 else 0)
    return math.floor(value * scale + 1e-9) / scale


def time(target: Target, digits: int) -> str:
    """ "> 20 (1/3)": one of three seeds was not there after 20."""
    if target.runs == 0:
        return NONE
    if target.censored:
        some = f" ({target.censored}/{target.runs})" if target.censored < target.runs else ""
        return f"> {_floored(target.budget, digits):g}{some}"
    return amount(target.time, digits)
