"""Readable axes."""

from typing import Any

import pytest
from matplotlib.figure import Figure

from bnlab.report.figures import _axis


def labels(axis: Any) -> list[str]:
    axis.axes.figure.draw_without_rendering()
    low, high = axis.get_view_interval()
    return [label.get_text() for place, label in zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
            if low <= place <= high]  # fmt: skip


@pytest.mark.parametrize("limits", [(0.21, 0.28), (0.045, 0.12), (0.3, 2.9), (0.02, 5.0), (0.9, 300.0), (1e-9, 1e3)])
def test_a_log_axis_of_any_length_has_ticks(limits: tuple[float, float]) -> None:
    axes = Figure().subplots()
    _axis.values(axes, limits, log=True)
    assert axes.get_ylim() == limits
    found = labels(axes.yaxis)
    assert 2 <= len(found) <= 8
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("log", [False, True])
def test_nothing_to_show_is_no_error(log: bool) -> None:
    axes = Figure().subplots()
    _axis.values(axes, None, log=log)
    assert axes.get_yscale() == ("log" if log else "linear")


@pytest.mark.parametrize("looks", [[0, 1, 2, 4, 8, 16, 20], [1, 2, 4, 8, 64]])
def test_early_looks_have_room(looks: list[int]) -> None:
    axes = Figure().subplots()
    axes.plot(looks, [1.0] * len(looks))
    _axis.steps(axes, looks)
    assert axes.get_xscale() == "symlog"
    assert looks[0] - 0.2 < axes.get_xlim()[0] < looks[0]
    assert set(labels(axes.xaxis)) <= {"0", "1", "10"}


@pytest.mark.parametrize("looks", [[1, 2, 4, 8, 16], [0, 10, 20, 30, 40], [0, 1, 64], [0]])
def test_few_or_regular_looks_have_a_plain_axis(looks: list[int]) -> None:
    axes = Figure().subplots()
    axes.plot(looks, [1.0] * len(looks))
    _axis.steps(axes, looks)
    assert axes.get_xscale() == "linear"
    assert all(label.isdigit() for label in labels(axes.xaxis) if label[0] != "−")
