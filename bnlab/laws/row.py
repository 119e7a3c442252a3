"""A measured number against its closed form, and the mean factor of a step."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["holds", "does not hold", "reported"]


@dataclass(frozen=True)
class Row:
    """One quantity of a law in one setting.

    Attributes:
        law: name of the law.
        values: the measured value of each seed.
        expected: value by the closed form, or as published; None without either.
        tolerance: largest difference at which the law holds; None if the number is only reported.
    """

    law: str
    quantity: str
    setting: str
    values: tuple[float, ...]
    expected: float | None = None
    tolerance: float | None = None

    @property
    def measured(self) -> float:
        """The mean over seeds."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> float | None:
        """The standard deviation over seeds; None for one seed."""
        with np.errstate(invalid="ignore"):  # of values that are not finite: nan
            return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    @property
    def seeds(self) -> int:
        """The number of seeds."""
        return len(self.values)

    @property
    def verdict(self) -> Verdict:
        """Whether the closed form holds; a value that is not finite never does."""
        if self.tolerance is None or self.expected is None:
            return "reported"
        return "holds" if abs(self.measured - self.expected) <= self.tolerance else "does not hold"


def factor(first: float, last: float, steps: int) -> float:
    """Return the mean factor of a step, (first/last)^(1/steps); 0, inf or nan where a value vanishes or overflows."""
    with np.errstate(all="ignore"):
        return float(np.exp(np.log(np.float64(first) / np.float64(last)) / steps))
