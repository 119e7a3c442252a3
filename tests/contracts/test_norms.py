"""Every norm of conf/norm at every site of an MLP and a CNN, also with small batches, trains with the same result alone
and fused, or is refused with a reason of the table below.

A subset that covers all pairs of choices runs with the other tests, all cells in `make contracts`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch

from bnlab.errors import Refused
from bnlab.norms.reparametrization import Reparametrization, norm_of_weight
from bnlab.norms.running import RunningNorm
from bnlab.norms.site import sites
from bnlab.registry import find
from tests.contracts.cells import SMALLEST, TOLERANCES, Cell, all_cells, covering, norms, pairs
from tests.contracts.runs import MODELS, SEEDS, fused, net, serial
from tests.training.parts import Memory


class Stand(NamedTuple):
    """Conditions at a cell's norm: the fewest positions, all numbers of channels, and the smallest batch."""

    positions: int
    channels: set[int]
    examples: int


class Expected(NamedTuple):
    """An expected refusal: the norms (by name, or all of a class), the condition, and the message."""

    norms: str | type
    where: Callable[[Stand], bool]
    says: str


EXPECTED = (
    Expected(RunningNorm, lambda at: at.positions * at.examples < 2, "1 value for each channel here"),
    Expected("instance", lambda at: at.positions < 2, "1 value for each channel of an example here"),
    Expected("group", lambda at: any(n % 4 for n in at.channels), "norm.groups=4 does not divide 10 channels"),
)

# If float32 rounding alone separates runs from the same runs in float64 by more than the tolerance (FRN on vectors has
# slopes up to 1/√ε = 100, a constant channel may be divided by √ε), ROUNDINGS times that is allowed, up to LOOSEST.
ROUNDINGS, LOOSEST = 20, 1e-2

PLAIN = {model: net(Cell("none", (), model, "full", "float32")) for model in MODELS}
CELLS = all_cells({model: plain for model, (plain, _) in PLAIN.items()})


def expected(cell: Cell) -> Expected | None:
    """Return the expected refusal of a cell, or None."""
    plain, shapes = PLAIN[cell.model]
    chosen = [shapes[path] for path, site in sites(plain).items() if site.kind in cell.sites]
    if not chosen:
        return None
    positions = min(torch.Size(shape[1:]).numel() for shape in chosen)
    stand = Stand(positions, {shape[0] for shape in chosen}, SMALLEST[cell.batches])
    kind = find("norm", cell.norm).load()
    for refusal in EXPECTED:
        mine = cell.norm == refusal.norms if isinstance(refusal.norms, str) else issubclass(kind, refusal.norms)
        if mine and refusal.where(stand):
            return refusal
    return None


REFUSED = [cell for cell in CELLS if expected(cell)]
TRAINED = [cell for cell in CELLS if not expected(cell)]
# One test each: a pair that only a refused cell covered would not be tested otherwise.
SELECTED = covering(TRAINED) + covering(REFUSED)


def marked(cells: list[Cell]) -> list[Any]:
    selected = set(SELECTED)
    return [
        pytest.param(cell, id=str(cell), marks=[] if cell in selected else pytest.mark.exhaustive) for cell in cells
    ]


@pytest.mark.parametrize("cell", marked(CELLS))
def test_trains_alone_and_fused_or_is_refused(cell: Cell, record_property: Callable[[str, object], None]) -> None:
    if refusal := expected(cell):
        with pytest.raises(Refused, match=refusal.says) as refused:
            net(cell)
        assert str(refused.value).startswith("norm")  # names the option at fault
        assert ": " in str(refused.value)  # and a remedy
        record_property("contract", f"refused ({refusal.says})")
        return
    built, _ = net(cell)
    assert {site.kind for site in sites(built).values() if site.norm_name} == set(cell.sites)
    kind = find("norm", cell.norm).load()
    on_weights = issubclass(kind, Reparametrization) or kind.reparametrization is not None
    assert on_weights == any(norm_of_weight(module) for module in built.modules())
    together = fused(cell)
    alone = [serial(cell, r) for r in range(len(SEEDS))]
    apart = max(map(difference, alone, together))
    if apart <= TOLERANCES[cell.precision]:
        record_property("contract", "trained")
        return
    assert cell.precision == "float32"
    exact = [serial(cell._replace(precision="float64"), r) for r in range(len(SEEDS))]
    assert apart <= min(ROUNDINGS * max(map(difference, alone, exact)), LOOSEST)
    record_property("contract", "trained, alone and fused apart by float32 rounding over 1e-4")


def difference(run: Memory, other: Memory) -> float:
    """Return the largest difference, relative to 1 + size, in rows and in final parameters, buffers and slots."""
    assert len(run.rows["steps"]) == 4  # before each of the three updates, and after the last
    assert {row["split"] for row in run.rows["evals"]} == {"train", "val", "test"}
    mine, others = numbers(run), numbers(other)
    assert mine.keys() == others.keys()
    assert all(values.isfinite().all() for values in (*mine.values(), *others.values()))
    return max(((mine[key] - others[key]).abs() / (1 + mine[key].abs())).max().item() for key in mine)


def numbers(run: Memory) -> dict[str, torch.Tensor]:
    """Return the results of a run without times, each column and each tensor by name."""
    found = {}
    for table, rows in run.rows.items():
        for column in rows[0].keys() - {"split", "mode", "seconds"}:
            found[f"{table}.{column}"] = torch.tensor([row[column] for row in rows], dtype=torch.float64)
    (last,) = run.checkpoints
    for part in ("params", "buffers"):
        found |= {f"{part}.{name}": value.double() for name, value in last[part].items()}
    for slot, values in last["slots"].items():
        found |= {f"{slot}.{place}": value.double() for place, value in enumerate(values)}
    return found


def test_the_selection_holds_every_pair() -> None:
    for cells in (TRAINED, REFUSED):
        selected = set(SELECTED).intersection(cells)
        assert set().union(*map(pairs, selected)) == set().union(*map(pairs, cells))
        assert len(selected) < len(cells) / 3


def test_most_cells_train() -> None:
    """A mistake in the table must not hide a norm that works nowhere."""
    assert len(REFUSED) < len(CELLS) / 2
    assert {cell.norm for cell in TRAINED} == set(norms())
    nowhere = {(cell.norm, cell.model) for cell in CELLS} - {(cell.norm, cell.model) for cell in TRAINED}
    assert nowhere == {("instance", "mlp")}


def test_every_expected_refusal_is_met() -> None:
    assert {expected(cell) for cell in CELLS} == {None, *EXPECTED}
