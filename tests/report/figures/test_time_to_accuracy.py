"""Val accuracy over epochs and seconds."""

from typing import Any

import pytest

from bnlab.report.figures.time_to_accuracy import draw, gather
from bnlab.report.frame import Frame
from bnlab.report.interface import Drawn, Missing
from bnlab.report.reading import read


def frame(study: Any) -> Frame:
    return read([study.folder], 0.9, 0.05)


def names(part: Drawn) -> list[str]:
    return [str(line.get_label()) for line in part.figure.axes[0].lines if "lr" in str(line.get_label())]


def test_mean_over_seeds_at_each_evaluation_of_the_best_rate(study: Any) -> None:
    study.run("batch", 0.1, 0, val=0.9, curve=[0.4, 0.9], losses=[1.0] * 20)
    study.run("batch", 0.1, 1, val=0.9, curve=[0.6, 0.9], losses=[1.0] * 20)
    study.run("batch", 1.0, 0, val=0.5, curve=[0.1, 0.5], losses=[1.0] * 20)
    data = gather(frame(study))
    assert data["lr"].tolist() == [0.1, 0.1]
    assert data[["epoch", "seconds", "n"]].to_numpy().tolist() == [[1, 10, 2], [2, 20, 2]]
    assert data["mean"].tolist() == pytest.approx([0.5, 0.9])
    drawn = draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert [axes.get_xlabel() for axes in drawn.figure.axes] == ["epoch", "seconds since the run began"]
    assert "n = 2" in drawn.caption
    assert names(drawn) == ["batch, lr 0.1 (2.0)"]


def test_a_seed_that_never_gets_there_is_censored(study: Any) -> None:
    study.run("batch", seed=0, curve=[0.4, 0.9])
    study.run("batch", seed=1, curve=[0.4, 0.5])
    drawn = draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert names(drawn) == ["batch, lr 0.1 (> 2)"]


def test_no_seconds_where_runs_were_trained_together(study: Any) -> None:
    study.run("batch", curve=[0.4, 0.9], losses=[1.0] * 20, execution={"executor": "fused"})
    drawn = draw(frame(study))
    assert isinstance(drawn, Drawn)
    assert [axes.get_xlabel() for axes in drawn.figure.axes] == ["epoch"]


def test_nothing_evaluated(study: Any) -> None:
    study.run()
    assert isinstance(draw(frame(study)), Missing)
