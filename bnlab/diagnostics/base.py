"""Base of the diagnostics, which reduce tensors on the device and format the numbers read off it as rows."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import numpy as np

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.options import Moment

Row = dict[str, Any]
Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Diagnostic:
    """Base of the diagnostics, which depend on a `Look`, not on models or training.

    Subclasses set a literal `name`, and literals for `bnlab list`:

    Attributes:
        measures: the measured quantities, in a few words.
        unit: unit of its numbers.
        cost: extra work when it is due, relative to a training step.
        source: reference for the definition.
        needs: parts of a look that are costly and present only on request.
        when: the moments at which it is due.
        table: the table of `runs.schema` that its rows belong to, or `arrays`.
        writes: for `layers`, each name of its rows in the column `diagnostic`, with the meaning of their index: the
            option that lists the values, `time step` (from 1, at sites that have them), `kind of layer`, or "".
        at: for `layers`, the kinds in sites.csv that its rows may have; `site` is every kind but `weight`. Empty for
            rows about the whole net.
        only_with: the names in `writes` that are written only if an option is not null, with that option.
    """

    name: ClassVar[str]
    measures: ClassVar[str]
    unit: ClassVar[str]
    cost: ClassVar[str]
    source: ClassVar[str]
    needs: ClassVar[tuple[Literal["before", "site_grads", "statistics"], ...]] = ()
    table: ClassVar[str] = "layers"
    writes: ClassVar[dict[str, str]] = {}
    at: ClassVar[tuple[str, ...]] = ()
    only_with: ClassVar[dict[str, str]] = {}
    when: list[Moment]

    def observe(self, look: Look) -> Named:
        """Return (R, k) numbers by site or layer, or for `arrays` (R, ...) by name.

        It reads nothing off the device and does not modify the look.
        """
        raise NotImplementedError

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        """Return the rows for one replica's numbers (without R) at one site; for `arrays`, one row: name -> array."""
        raise NotImplementedError


def named_rows(step: int, site: str, names: Iterable[str], values: Iterable[float]) -> list[Row]:
    """Return a row of `layers` for each number, under its name."""
    pairs = zip(names, values, strict=True)
    return [{"step": step, "site": site, "diagnostic": name, "value": value} for name, value in pairs]
