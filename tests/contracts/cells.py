"""The cells of the contract, norm x sites x model x batches x precision, and a small subset that covers all pairs."""

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import NamedTuple

from bnlab.config.folder import conf_dir
from bnlab.models.base import Model
from bnlab.norms.kinds import KINDS
from bnlab.norms.site import sites
from bnlab.registry import find


class Cell(NamedTuple):
    """One choice of each factor; `sites` is empty for a norm that ignores placement."""

    norm: str
    sites: tuple[str, ...]
    model: str
    batches: str
    precision: str

    def __str__(self) -> str:
        return "-".join([self.norm, "+".join(self.sites) or "anywhere", *self[2:]])


# 17 training examples: two batches of 8, which repeat from the third step on, or also a last one of a single example,
# or batches of one.
BATCHES: dict[str, dict[str, int | bool]] = {
    "full": {"batch_size": 8, "drop_last": True},
    "ragged": {"batch_size": 8, "drop_last": False},
    "single": {"batch_size": 1, "drop_last": True},
}
SMALLEST = {"full": 8, "ragged": 1, "single": 1}  # number of examples in the smallest training batch
TOLERANCES = {"float64": 1e-8, "float32": 1e-4}


def norms() -> list[str]:
    """Return the names of all norms in conf/."""
    return sorted(path.stem for path in (conf_dir() / "norm").glob("[!_]*.yaml"))


def placements(net: Model) -> list[tuple[str, ...]]:
    """Return each kind of site alone, all of them, and all but the last one in the net."""
    offered = {site.kind for site in sites(net).values()}
    kinds = [kind for kind in KINDS if kind in offered]
    return list(dict.fromkeys([*((kind,) for kind in kinds), tuple(kinds[:-1]), tuple(kinds)]))


def all_cells(nets: dict[str, Model]) -> list[Cell]:
    """Return every cell of each norm with each of these nets."""
    found = []
    for norm, (model, net) in product(norms(), nets.items()):
        places = [()] if find("norm", norm).facts.get("ignores_placement") else placements(net)
        found += [Cell(norm, place, model, *rest) for place, *rest in product(places, BATCHES, TOLERANCES)]
    return found


def pairs(cell: Sequence[object]) -> set[tuple[tuple[int, object], ...]]:
    """Return the pairs of choices of any two factors in a cell."""
    return set(combinations(enumerate(cell), 2))


def covering(cells: Iterable[Cell]) -> list[Cell]:
    """Return a small subset of the cells that covers all pairs of choices of all cells.

    Greedy: for the first missing pair, add the cell with it that covers most missing pairs, the first in case of ties.
    """
    holds = {cell: pairs(cell) for cell in cells}
    with_pair: dict[tuple[tuple[int, object], ...], list[Cell]] = {}
    for cell, own in holds.items():
        for pair in sorted(own, key=str):
            with_pair.setdefault(pair, []).append(cell)
    missing, taken = dict.fromkeys(with_pair), []
    while missing:
        best = max(with_pair[next(iter(missing))], key=lambda cell: len(holds[cell] & missing.keys()))
        taken.append(best)
        for pair in holds[best]:
            missing.pop(pair, None)
    return taken
