"""The CSV and the page have each norm."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from bnlab.zoo.folder import TITLE
from bnlab.zoo.measure import Measured, measure
from bnlab.zoo.page import page
from bnlab.zoo.specimen import Specimen
from bnlab.zoo.table import shown, table
from bnlab.zoo.timing import CASES, Ratio


@pytest.fixture
def rows(at_defaults: Callable[..., Specimen]) -> list[Measured]:
    """Two norms, one of them refused where it is timed first."""
    times = {case: Ratio(2.345, 1.5, 12.0) for case in CASES}
    return [
        replace(measure(at_defaults("batch"), None), times=times),
        replace(measure(at_defaults("instance"), None), times=times | {"time_mlp": None}, source="=one | other"),
    ]


def test_csv(rows: list[Measured]) -> None:
    batch, instance = csv.DictReader(io.StringIO(table(rows)))
    assert (batch["norm"], batch["alone"], batch["time_mlp"]) == ("batch", "0", "2.345")
    assert batch["refused"] == "MLP, batch of 1; 1×1 images, batch of 1"
    assert (instance["time_mlp"], instance["time_mlp_low"]) == ("refused", "")
    assert instance["source"] == "'=one | other"  # no formula
    assert "time_mlp" not in next(csv.DictReader(io.StringIO(table([replace(row, times={}) for row in rows]))))


def test_cells_for_people(rows: list[Measured]) -> None:
    assert shown(rows[0], "time_mlp") == "2.3 [1.5, 12]"
    assert shown(rows[0], "time_mlp", intervals=False) == "2.3"
    assert shown(rows[1], "time_mlp") == "refused"


def test_page(rows: list[Measured]) -> None:
    text = page(rows, "`bnlab zoo`")
    assert text.startswith(f"{TITLE}\n\nWritten by `bnlab zoo`; do not edit.")
    assert text.count("\n| batch |") == 3
    assert "| =one \\| other |" in text
    assert "| MLP, batch of 1 | batch, instance |" in text
    assert "norm=… has 1 value for each channel here" in text
    assert "## Time" not in page([replace(row, times={}) for row in rows], "")


def test_a_page_without_refusals(at_defaults: Callable[..., Specimen]) -> None:
    assert "In none of these situations: MLP, batch of 1," in page([measure(at_defaults("none"), None)], "")
