"""The base of all diagnostics, and the contract of each; found by listing the registry."""

from typing import Any

import pytest
import torch
from torch import Tensor

from bnlab import registry
from bnlab.runs.schema import COLUMNS
from tests.diagnostics.conftest import over
from tests.diagnostics.small import at_defaults

every_diagnostic = pytest.mark.parametrize("name", sorted(registry.entries("diagnostics")))


@every_diagnostic
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_gives_numbers_a_replica_and_rows_of_its_table(random_look: Any, name: str, dtype: torch.dtype) -> None:
    diagnostic = at_defaults(name)
    observed = diagnostic.observe(random_look(3, dtype))
    assert observed
    for site, values in observed.items():
        assert len(values) == 3
        assert not values.requires_grad
        numbers = values[1].double().numpy()
        rows = diagnostic.rows(7, site, numbers)
        assert rows
        if diagnostic.table == "arrays":
            assert all(array.shape == numbers.shape for row in rows for array in row.values())
            continue
        assert values.ndim == 2
        for row in rows:
            assert row.keys() <= set(COLUMNS[diagnostic.table])
            assert row["step"] == 7
            assert row["site"] == site.partition(" ")[0]  # the rest is for its index
            assert type(row["value" if diagnostic.table == "layers" else "count"]) in (int, float)


@every_diagnostic
def test_a_replica_does_not_see_the_others(random_look: Any, name: str) -> None:
    """Stacked runs get the same results as alone, even if another replica has diverged."""
    diagnostic = at_defaults(name)

    def lost(value: Tensor) -> Tensor:
        return torch.cat([value[:1] * torch.nan, value[1:]]) if value.is_floating_point() else value

    whole = random_look(3)
    together = diagnostic.observe(over(whole, lost))
    for r in (1, 2):
        alone = diagnostic.observe(over(whole, lambda value, r=r: value[r : r + 1]))
        torch.testing.assert_close(
            {s: v[r : r + 1] for s, v in together.items()}, alone, rtol=1e-13, atol=0, equal_nan=True
        )


@every_diagnostic
def test_leaves_the_look_as_it_is(random_look: Any, name: str) -> None:
    look = random_look(2)
    before = over(look, Tensor.clone)
    at_defaults(name).observe(look)
    for part in ("sites", "grads", "before", "site_grads", "params", "buffers", "loss_R", "lr_R"):
        torch.testing.assert_close(getattr(look, part), getattr(before, part), rtol=0, atol=0)
    values = [[one.values for one in found] for look_ in (look, before) for found in look_.statistics.values()]
    torch.testing.assert_close(values[: len(values) // 2], values[len(values) // 2 :], rtol=0, atol=0)


@every_diagnostic
def test_says_what_it_is(name: str) -> None:
    """Literals that `bnlab list` reads without torch."""
    facts = registry.find("diagnostics", name).facts
    assert all(isinstance(facts[fact], str) and facts[fact] for fact in ("measures", "unit", "cost", "source"))
    assert set(facts.get("needs", ())) <= {"before", "site_grads", "statistics"}
