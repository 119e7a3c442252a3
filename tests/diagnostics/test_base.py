"""What all diagnostics build on, and what each must keep; found by listing the registry."""

from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from bnlab import registry
from bnlab.diagnostics.base import Diagnostic, activated, by_unit, firings, weights
from bnlab.runs.schema import COLUMNS

CONF = Path(__file__).parents[2] / "conf" / "diagnostics"
every_diagnostic = pytest.mark.parametrize("name", sorted(registry.entries("diagnostics")))


def at_defaults(name: str) -> Diagnostic:
    options = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    assert isinstance(options, dict)
    return registry.find("diagnostics", name).load()(**options[name])


def test_firings_joins_all_that_passed_a_site_in_float64(random_sites: Any) -> None:
    sites = random_sites(3, torch.bfloat16)
    joined = dict(firings(sites))
    assert list(joined) == list(sites)
    for site, x_Rn in joined.items():
        assert x_Rn.dtype == torch.float64
        for r in range(3):
            assert x_Rn[r].tolist() == [v for firing in sites[site] for v in firing[r].flatten().tolist()]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_by_unit_has_all_that_passed_a_unit(random_sites: Any, dtype: torch.dtype) -> None:
    sites = random_sites(3, dtype)
    joined = dict(by_unit(sites))
    assert list(joined) == list(sites)
    for site, x_RCn in joined.items():
        assert x_RCn.dtype == dtype
        for r in range(3):
            for c in range(x_RCn.shape[1]):
                assert x_RCn[r, c].tolist() == [v for x in sites[site] for v in x[r][:, c].flatten().tolist()]


def test_activated_sites_are_told_by_their_kind() -> None:
    sites = dict.fromkeys(["units.0.before_act", "units.0.after_act", "units.1.hidden", "hidden", "hidden.weight"], ())
    assert list(activated(sites)) == ["units.0.after_act", "units.1.hidden", "hidden"]


def test_weights_have_two_axes_or_more() -> None:
    grads = {
        "a.weight": torch.ones(3, 4, 5),
        "a.bias": torch.ones(3, 5),
        "s": torch.ones(3),
        "b.c": torch.ones(3, 1, 1),
    }
    assert [(layer, g.shape, g.dtype) for layer, g in weights(grads)] == [
        ("a", (3, 20), torch.float64),
        ("b", (3, 1), torch.float64),
    ]


@every_diagnostic
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_gives_k_numbers_a_replica_and_rows_of_its_table(random_sites: Any, name: str, dtype: torch.dtype) -> None:
    diagnostic = at_defaults(name)
    grads = {"a.weight": torch.randn(3, 4, 5, dtype=dtype), "a.bias": torch.randn(3, 4, dtype=dtype)}
    sites = random_sites(3, dtype)
    observed = diagnostic.observe(sites, grads)
    assert observed
    for site, values in observed.items():
        assert values.ndim == 2
        assert len(values) == 3
        rows = diagnostic.rows(7, site, values[1].double().numpy())
        assert rows
        assert all(row.keys() <= set(COLUMNS[diagnostic.table]) for row in rows)
        assert {(row["step"], row["site"]) for row in rows} == {(7, site)}


@every_diagnostic
def test_a_replica_does_not_see_the_others(random_sites: Any, name: str) -> None:
    """Stacked runs get what each would get alone, also where a sibling is lost."""
    diagnostic = at_defaults(name)
    sites, grads = random_sites(3), {"a.weight": torch.randn(3, 4, 5, dtype=torch.float64)}
    lost = {site: tuple(torch.cat([v[:1] * torch.nan, v[1:]]) for v in values) for site, values in sites.items()}
    together = diagnostic.observe(lost, {"a.weight": torch.cat([grads["a.weight"][:1] / 0, grads["a.weight"][1:]])})
    for r in (1, 2):
        alone = diagnostic.observe(
            {site: tuple(v[r : r + 1] for v in values) for site, values in sites.items()},
            {name: g[r : r + 1] for name, g in grads.items()},
        )
        torch.testing.assert_close(
            {s: v[r : r + 1] for s, v in together.items()}, alone, rtol=1e-14, atol=0, equal_nan=True
        )


@every_diagnostic
def test_leaves_its_input_as_it_is(random_sites: Any, name: str) -> None:
    sites, grads = random_sites(2), {"a.weight": torch.randn(2, 4, 5)}
    before = {site: tuple(v.clone() for v in values) for site, values in sites.items()}
    weight = grads["a.weight"].clone()
    at_defaults(name).observe(sites, grads)
    torch.testing.assert_close(sites, before, rtol=0, atol=0)
    assert torch.equal(grads["a.weight"], weight)
