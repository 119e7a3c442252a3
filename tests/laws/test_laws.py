"""What every law must do; a new one is found in the registry."""

import csv
import inspect
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from bnlab.laws.picture import render
from bnlab.registry import Entry, entries

# Each law's own tolerance holds at these sizes too: that of residual depends on width and seeds, and for the others the
# spread over seeds is hardly larger than at the default sizes.
SMALL: dict[str, dict[str, Any]] = {
    "gradient_growth": {"widths": [256], "depth": 10, "seeds": 2},
    "soft_rank": {"width": 4, "widths": [4], "depth": 120, "seeds": 1},
    "residual": {"blocks": 10, "width": 64, "seeds": 1},
    "dropout": {"keeps": [0.9, 0.5], "seeds": 2},
    "through_time": {"nets": ["random", "identity"], "gammas": [0.3, 1.0], "steps": 14, "seeds": 2},
    "scale": {"norms": ["batch", "frn", "group", "spectral"]},
}

laws = pytest.mark.parametrize("law", [pytest.param(law, id=law.name) for law in entries("law").values()])


@laws
def test_says_in_a_line_what_it_is_and_where_it_comes_from(law: Entry) -> None:
    statement, source = law.facts["statement"], law.facts["source"]
    assert 20 <= len(statement) <= 110
    assert 10 <= len(source) <= 80
    assert "\n" not in statement + source


@laws
def test_every_option_has_a_valid_default(law: Entry) -> None:
    assert law.defaults.keys() == law.options.keys()
    for option, annotation in law.options.items():
        TypeAdapter(annotation).validate_python(law.defaults[option], strict=True)
    parameters = inspect.signature(law.load()).parameters.values()
    assert {p.name: p.default for p in parameters} == law.defaults
    assert {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}


@laws
def test_holds_and_is_drawn_at_small_sizes(law: Entry) -> None:
    parts = []

    def track(items: Any) -> Any:
        for item in items:
            parts.append(item)
            yield item

    small = law.load()(**SMALL.get(law.name, {}))
    found = small.measure(track)
    assert len(parts) > 1
    rows = small.rows(found)
    assert {row.law for row in rows} == {law.name}
    assert {"holds"} <= {row.verdict for row in rows} <= {"holds", "reported"}
    assert 0 < len(render(lambda figure: small.draw(found, figure))) < 100_000


@pytest.mark.exhaustive
@laws
def test_gives_the_numbers_of_the_experiment_at_its_defaults(law: Entry) -> None:
    path = Path(__file__).parents[2] / "experiments" / "initialization" / "checks.csv"
    with path.open(encoding="utf-8") as file:
        kept = {(row["quantity"], row["setting"]): row for row in csv.DictReader(file) if row["law"] == law.name}
    default = law.load()()
    rows = {(row.quantity, row.setting): row for row in default.rows(default.measure())}
    assert rows.keys() == kept.keys()
    for key, row in rows.items():
        assert row.verdict == kept[key]["verdict"]
        assert row.measured == pytest.approx(float(kept[key]["measured"]), rel=1e-3, abs=1e-9)
