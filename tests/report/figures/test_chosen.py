"""Selection for figures of single runs."""

from typing import Any

import pandas as pd

from bnlab.report.figures._chosen import heading, named, one_run, spread, thinned, turns


def test_spread_keeps_the_ends() -> None:
    assert spread(list("abcdefghij"), 4) == ["a", "d", "g", "j"]
    assert spread(["a"], 4) == ["a"]


def test_one_run_is_that_of_the_lowest_seed_that_has_rows() -> None:
    rows = pd.DataFrame(
        [(0, 2, "a"), (0, 1, "b"), (0, 1, "c"), (0, 1, "b"), (1, 5, "d")], columns=["place", "seed", "run_id"]
    )
    assert one_run(rows)["run_id"].tolist() == ["b", "b", "d"]


def test_each_norm_has_its_turn(study: Any, frame_of: Any) -> None:
    study.run("none")
    for norm in ("batch", "layer"):
        for place in ("after_act", "before_act"):
            study.run(norm, axes={"placement": place})
    frame = frame_of(study)
    labels = [frame.conditions[place].label for place in turns(frame, range(5), 4)]
    assert labels == ["none", "batch · after_act", "batch · before_act", "layer · after_act"]
    assert named(frame, 1) == "batch · after_act, lr 0.1"
    assert heading(frame, 1) == "batch\nafter_act\nlr 0.1"


def test_what_was_left_out_is_said() -> None:
    assert thinned(6, 7, "sites") == "6 of 7 sites are drawn. "
    assert thinned(7, 7, "sites") == ""
