"""Expansion of a grid; counted first, because a short range can have a billion values."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hydra.core.override_parser.types import Glob, IntervalSweep, Override, RangeSweep

from bnlab.config.excerpt import excerpt
from bnlab.config.mistakes import INTERVAL
from bnlab.config.schema import SEARCHED
from bnlab.config.words import quoted, written
from bnlab.errors import BadInput
from bnlab.text import nearest

Choices = Callable[[str], Sequence[str]]  # options of a config group; empty if it is not a group


@dataclass(frozen=True)
class Axis:
    """An override of a product and its number of values."""

    override: Override
    count: int
    names: tuple[str, ...] = ()  # matches of a glob

    def words(self) -> list[str]:
        """Return an override for each value, in Hydra's grammar."""
        key = self.override.get_key_element()
        if self.override.is_delete():
            return [self.override.input_line or key]
        if isinstance(swept := self.override._value, IntervalSweep):
            return [f"{key}=interval({swept.start!r},{swept.end!r})"]
        if self.names:
            return [quoted(f"{key}={name}") for name in self.names]
        if self.override.is_sweep_override():
            return [quoted(written(key, value)) for value in self.override.sweep_iterator()]
        return [quoted(written(key, self.override.value()))]


def axes(overrides: Sequence[Override], choices: Choices) -> list[Axis]:
    """Return the axes of a product, not yet expanded; the last one wins if an option is given twice.

    Raises:
        BadInput: the values of an override cannot be listed.
    """
    found: dict[str, Axis] = {}
    for override in overrides:
        found[override.get_key_element()] = _axis(override, choices)
    return list(found.values())


def check_size(products: Sequence[Sequence[Axis]], limit: int) -> None:
    """Check the size of a grid before it takes memory.

    Raises:
        BadInput: it has more runs than the limit.
    """
    count = sum(math.prod(axis.count for axis in product) for product in products)
    if count > limit:
        longest = max((axis for product in products for axis in product), key=lambda axis: axis.count)
        raise BadInput(
            f"the grid has {_number(count)} runs ({longest.override.key_or_group} alone has {_number(longest.count)} "
            f"values), more than sweep.max_runs={limit}: list fewer, or raise sweep.max_runs"
        )


def lay_out(product: Sequence[Axis]) -> Iterator[list[str]]:
    """Yield the overrides of each run of a product, the last axis varying fastest."""
    return map(list, itertools.product(*(axis.words() for axis in product)))


def _axis(override: Override, choices: Choices) -> Axis:
    if not override.is_sweep_override():
        return Axis(override, 1)
    swept: object = override._value  # the only access to a range before its expansion
    shown = excerpt(override.input_line)
    if isinstance(swept, Glob):
        names = [name for name in choices(override.key_or_group) if not name.startswith("_")]
        matching = tuple(swept.filter(names))
        if not names:
            raise BadInput(
                f"{shown}: glob() is for groups (bnlab list), and {override.key_or_group} is not one: list values"
            )
        if not matching:
            pattern = swept.include[0] if swept.include else ""
            raise BadInput(f"{shown} matches no {override.key_or_group}; {nearest(pattern, names)}")
        return Axis(override, len(matching), matching)
    if isinstance(swept, IntervalSweep):
        key, start, end = override.key_or_group, swept.start, swept.end
        if key == SEARCHED:
            if not 0 < (start or 0) < (end or 0) < math.inf:
                raise BadInput(f"{shown} cannot be searched: {INTERVAL}")
            return Axis(override, 1)
        raise BadInput(f"{shown} has no discrete values: list them, {key}={start},{end}, or count: range(0,1,0.1)")
    if isinstance(swept, RangeSweep):
        return Axis(override, _length(swept, shown))
    listed = list(override.sweep_iterator())
    if any(isinstance(value, Glob | IntervalSweep | RangeSweep) for value in listed):
        raise BadInput(f"{shown} has a function among its values: give the function alone, or list the values")
    return Axis(override, len(listed))


def _length(swept: RangeSweep, shown: str) -> int:
    """Return the number of values of a range, without expanding it.

    Raises:
        BadInput: it never ends, or is empty.
    """
    ends = (swept.start, swept.stop, swept.step)
    if any(end is None or not math.isfinite(end) for end in ends) or swept.step == 0:
        raise BadInput(f"{shown} never ends: range(0,10) counts from 0 to 9, range(0,1,0.1) in steps of 0.1")
    start, stop, step = (Fraction(end or 0) for end in ends)
    count = max(0, math.ceil((stop - start) / step))
    if count == 0:
        raise BadInput(f"{shown} has no values: range(0,10) counts from 0 to 9, range(10,0,-1) from 10 to 1")
    return count


def _number(count: int) -> str:
    return f"{count:,}" if count < 10**15 else f"{float(min(count, 10**300)):.1e}"
