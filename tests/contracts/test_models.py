"""Every norm of conf/norm at every site of every deeper model trains with the same result alone and fused, or is
refused with a reason. A subset that covers all pairs runs with the other tests, all cells in `make contracts`."""

from collections.abc import Callable
from typing import Any

import pytest

from bnlab.config.folder import conf_dir
from bnlab.errors import Refused
from bnlab.norms.site import sites, tape
from tests.contracts.cells import Cell, all_cells, norms
from tests.contracts.runs import DEEPER, MODELS, SEEDS, fused, net, serial
from tests.contracts.test_norms import numbers
from tests.training.parts import Memory

PLAIN = {model: net(Cell("none", (), model, "full", "float64"))[0] for model in DEEPER}
CELLS = [cell for cell in all_cells(PLAIN) if cell.batches == "full" and cell.precision == "float64"]
# Each norm in each model once, with the sites in turn.
SELECTED = {
    mine[n % len(mine)]
    for model in DEEPER
    for n, norm in enumerate(norms())
    if (mine := [cell for cell in CELLS if (cell.model, cell.norm) == (model, norm)])
}
MARKED = [pytest.param(cell, id=str(cell), marks=[] if cell in SELECTED else pytest.mark.exhaustive) for cell in CELLS]
# Eight to eighteen normalized layers on 2x2 images magnify rounding, so the tolerance of rows and weights is 10 times
# that of shallow nets. Accuracies are left out, because they may depend on a tie of two outputs; the loss does not.
TOLERANCE = 1e-7
# If a net magnifies rounding more (FRN on single positions has slopes up to 1/√ε = 100 per layer), the tolerance is
# ROUNDINGS times the effect of float32's rounding, scaled to float64 by FINER, up to LOOSEST.
ROUNDINGS, LOOSEST, FINER = 20, 1e-5, 2.0**-29
REASONS = ("1 value for each channel", "norm.groups=4 does not divide")


@pytest.mark.parametrize("cell", MARKED)
def test_trains_alone_and_fused_or_is_refused(cell: Cell, record_property: Callable[[str, object], None]) -> None:
    try:
        net(cell)
        refusal = ""
    except Refused as error:
        refusal = str(error)
    if refusal:
        assert any(reason in refusal for reason in REASONS), refusal
        record_property("contract", "deeper models: refused")
        return
    together = fused(cell)
    for r in range(len(SEEDS)):
        alone = serial(cell, r)
        difference = apart(alone, together[r])
        if difference > TOLERANCE:  # Does this net magnify float32's rounding as much?
            rounded = apart(serial(cell._replace(precision="float32"), r), alone)
            assert difference <= min(ROUNDINGS * rounded * FINER, LOOSEST)
    record_property("contract", "deeper models: trained")


def apart(run: Memory, other: Memory) -> float:
    """Return the largest difference of two runs' numbers, relative to 1 + their size, without accuracies."""
    mine, others = numbers(run), numbers(other)
    assert mine.keys() == others.keys()
    assert all(values.isfinite().all() for values in (*mine.values(), *others.values()))
    named = [key for key in mine if not key.endswith(".accuracy")]
    return max(((mine[key] - others[key]).abs() / (1 + mine[key].abs())).max().item() for key in named)


def test_every_model_is_in_a_contract() -> None:
    assert set(MODELS) | set(DEEPER) == {path.stem for path in (conf_dir() / "model").glob("[!_]*.yaml")}


@pytest.mark.parametrize("model", sorted(DEEPER))
def test_each_site_fires_once_or_once_a_time_step(model: str) -> None:
    import torch

    built: Any = PLAIN[model]
    with tape() as seen, torch.no_grad():
        built(torch.empty(2, *built.input_shape, device="meta"))
    assert seen.after.keys() == sites(built).keys()
    recurrent = {"input_to_hidden", "hidden_to_hidden", "cell", "hidden"}
    for path, site in sites(built).items():
        assert len(seen.after[path]) == (built.input_shape[1] if site.kind in recurrent else 1)
