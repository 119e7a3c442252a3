"""What a diagnostic is: it makes tensors of tensors, and rows of the numbers that were read off the device."""

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

import numpy as np

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.options import Moment

Row = dict[str, Any]
Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Diagnostic:
    """Base of the diagnostics. It knows neither models nor training, only a `Look`.

    Subclasses set a literal `name`, and literals for `bnlab list`:

    Attributes:
        measures: what, in a few words.
        unit: of its numbers.
        cost: extra work when it is due, in terms of a training step's.
        source: where the definition comes from.
        needs: parts of a look that cost something and are there only where asked for.
        when: the moments at which it is due.
        table: the table of `runs.schema` that its rows belong to, or `arrays`.
        writes: of `layers`, each name that its rows have in the column `diagnostic`, with what they carry as index:
            the option that lists the values, `time step` (from 1, where a site has them), `kind of layer`, or "".
        at: of `layers`, the kinds in sites.csv where its rows may stand; `site` is every kind but `weight`. Empty where
            they are about the net as a whole.
        only_with: of `writes`, what is written only where an option is not null, with that option.
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
        """(R, k) numbers by site or layer, of `arrays` (R, ...) by name.

        Nothing is read off the device here, and the look is left as it is.
        """
        raise NotImplementedError

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        """The rows of the numbers, without R, of one replica at one site; of `arrays`, one row: name -> array."""
        raise NotImplementedError


def named_rows(step: int, site: str, names: Iterable[str], values: Iterable[float]) -> list[Row]:
    """A row of `layers` for each number, under the name that it goes by there."""
    pairs = zip(names, values, strict=True)
    return [{"step": step, "site": site, "diagnostic": name, "value": value} for name, value in pairs]
