"""experiments/initialization finds the closed forms, here on nets that take seconds."""

import csv
import importlib
import sys
from collections.abc import Iterator
from math import pi, sqrt
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "experiments" / "initialization"
MODULES = [path.stem for path in FOLDER.glob("*.py")]
KEEP_THEIR_SCALE = {"none", "mean_only_batch"}
# Each check's own tolerance holds at these sizes too: that of A3 goes by width and seeds, and for the others the spread
# over seeds is hardly larger at half the width of the table.
SMALL: dict[str, dict[str, Any]] = {
    "gradient_growth": {"widths": (256,), "batch": 256, "depth": 10, "seeds": 2},
    "residual": {"blocks": 12, "width": 64, "batch": 64, "seeds": 2},
    "dropout": {"keeps": (0.9, 0.5), "width": 256, "batch": 512, "seeds": 2},
    "scale": {},
}


@pytest.fixture(scope="module")
def make() -> Iterator[ModuleType]:
    """The folder's own modules, which import each other by name; gone again afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        for name in MODULES:
            patch.delitem(sys.modules, name, raising=False)
        yield importlib.import_module("make")
        for name in MODULES:
            sys.modules.pop(name, None)


def broken(rows: list[Any]) -> set[str]:
    """The settings where a closed form does not hold, but for the norms that keep the weights' scale."""
    failed = {row.setting for row in rows if row.verdict == "does not hold"}
    return {setting for setting in failed if setting.partition("norm=")[2] not in KEEP_THEIR_SCALE}


@pytest.mark.parametrize("name", SMALL)
def test_a_closed_form_holds_and_is_drawn(make: ModuleType, name: str, tmp_path: Path) -> None:
    check = getattr(make, name)
    found = check.measure(**SMALL[name])
    rows = check.rows(found)
    assert any(row.verdict == "holds" for row in rows)
    assert not broken(rows)
    check.draw(found, tmp_path / "drawn.png")
    assert 0 < (tmp_path / "drawn.png").stat().st_size < 100_000


def test_the_soft_rank_falls_to_one_without_norm_and_goes_with_the_root_of_width_with_it(
    make: ModuleType, tmp_path: Path
) -> None:
    check = make.soft_rank
    found = check.measure(widths=(32, 128), depth=200, seeds=1)
    # Without norm the second singular value is exp(-200/64) of the first or so, and a rank 1 + 2 exp(-200/32).
    assert found.ranks["none", 32][0, -1] == pytest.approx(1.0, abs=0.01)
    assert check.exponent(found) == pytest.approx(0.5, abs=0.1)  # as in the table
    for norm in (check.VARIANCE_ONLY, "batch"):
        assert 0.7 < check.tail(found.ranks[norm, 32])[0] / sqrt(32) < 1.0
    check.draw(found, tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").exists()


def test_gradient_gain_through_time(make: ModuleType, tmp_path: Path) -> None:
    check = make.through_time
    found = check.measure(check.Sizes(steps=14), ("random", "identity"))
    rows = check.rows(found)
    assert len(rows) == 10
    assert {row.verdict for row in rows} == {"holds"}
    check.draw(found, tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").exists()


def test_the_closed_forms_are_those_published_or_derived(make: ModuleType) -> None:
    assert make.gradient_growth.GROWTH["batch"] == pytest.approx(1.2112, abs=5e-5)
    identity, rectified, _ = make.dropout.CASES
    assert [identity.expected(p) for p in (0.9, 0.5)] == pytest.approx([1 / 0.9, 2.0])
    assert rectified.expected(0.5) == pytest.approx((0.5 / 0.5 - 1 / (2 * pi)) / (0.5 - 1 / (2 * pi)))
    random, own = make.through_time.random_gain, make.through_time.identity_gain
    assert [random(1e-3, terms) for terms in (1, 2)] == pytest.approx([1.0, sqrt(0.5)], abs=1e-5)
    a = torch.randn(10**6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    slope = 1 - a.tanh().square()
    sampled = float((slope.square().mean() / a.tanh().var()).sqrt())
    assert random(1.0, 1) == pytest.approx(sampled, abs=3e-3)  # of 10⁶ samples: 1e-3
    assert [own(gamma) for gamma in (0.1, 1.0)] == pytest.approx([0.99336, 0.55144], abs=1e-5)


def test_where_the_scale_stays_the_invariance_is_missed(make: ModuleType) -> None:
    rows = make.scale.rows(make.scale.measure(tuple(KEEP_THEIR_SCALE)))
    assert [row.verdict for row in rows] == ["does not hold"] * 2
    assert min(row.measured for row in rows) > 0.1


def test_the_published_net_on_two_values(make: ModuleType) -> None:
    # h_t = ±tanh γ for ever, exactly: the sum is norm's only input, and W_h = 1.
    net_module, check = importlib.import_module("net"), make.through_time
    x = torch.zeros(20, 12, dtype=torch.float64)
    x[:10, 0], x[10:, 0] = 1.0, -1.0
    net = net_module.start(
        importlib.import_module("summed_rnn").SummedRNN, "batch", {"hidden_to_hidden"}, (12,), seed=0, init="glorot",
        width=8, gamma=0.5, noise=0.0, recurrent="identity", seed_h=0,
    )  # fmt: skip
    norms = importlib.import_module("recurrent").through_time(net, x, 0)
    assert check.gain(norms) == pytest.approx(check.identity_gain(0.5), abs=1e-9)


def test_the_table_has_a_row_each_and_its_verdict(make: ModuleType, tmp_path: Path) -> None:
    row = make.row
    rows = [
        row.Row.of("A1", "q", "s", [1.0, 1.1], expected=1.0, tolerance=0.1),
        row.Row.of("A1", "q", "t", [1.3], expected=1.0, tolerance=0.1),
        row.Row.of("A2", "q", "u", [1.0]),
    ]
    row.write(rows, tmp_path, "how")
    with (tmp_path / "checks.csv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [r["verdict"] for r in read] == ["holds", "does not hold", "reported"]
    assert [r["spread"] for r in read] == ["0.0707107", "", ""]
    assert (tmp_path / "checks.md").read_text(encoding="utf-8").count("\n| q |") == 3


@pytest.mark.exhaustive
def test_everything_at_full_size(make: ModuleType, tmp_path: Path) -> None:
    assert not broken(make.main(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.glob("*.[pc][ns][gv]")} | {
        "checks.md"
    }
