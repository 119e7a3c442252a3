"""Rows of the runs that represent a condition."""

from typing import Any

from bnlab.report.figures._recorded import at_one_kind, missing, recorded, silent, vanished


def test_only_complete_runs_at_the_best_rate_count(study: Any, record: Any, frame_of: Any) -> None:
    for lr, status, val in ((0.1, "complete", 0.9), (0.1, "failed", 0.9), (1.0, "complete", 0.5)):
        record(study.run(lr=lr, status=status, val=val), [(0, "units.3.weight", "update_ratio", lr)])
    rows = recorded(frame_of(study), "update_ratio")
    assert rows[["lr", "depth", "kind", "value"]].to_numpy().tolist() == [[0.1, 3, "weight", 0.1]]


def test_rows_of_no_site_are_kept(study: Any, record: Any, frame_of: Any) -> None:
    record(study.run(), [(0, "", "effective_beta", 2.0), (0, "", "other", 1.0)])
    rows = recorded(frame_of(study), "effective_beta")
    assert rows["value"].tolist() == [2.0]
    assert rows["depth"].isna().all()


def test_the_first_known_kind_stands_for_a_unit(study: Any, record: Any, frame_of: Any) -> None:
    kinds = ("after_act", "before_act", "output")
    record(study.run(), [(0, f"units.0.{kind}", "mean_cosine", 1.0) for kind in kinds])
    rows = recorded(frame_of(study), "mean_cosine")
    assert at_one_kind(rows)["kind"].tolist() == ["before_act"]
    assert at_one_kind(rows[rows["kind"] == "output"])["kind"].tolist() == ["output"]
    assert at_one_kind(rows[:0]).empty


def test_what_to_say_of_what_was_not_recorded(study: Any, frame_of: Any) -> None:
    study.run("none")
    study.run("batch")
    frame = frame_of(study)
    assert silent(frame, [1]) == "Not recorded by any complete run: none. "
    assert silent(frame, [0, 1]) == ""
    assert missing("ranks", "diagnostics=full").reason == (
        "no complete run has recorded ranks: train with diagnostics=full"
    )


def test_small_numbers_of_a_net_that_did_not_learn_are_explained(study: Any, frame_of: Any) -> None:
    study.run("none", val=0.1)
    study.run("batch", val=0.9)
    frame = frame_of(study)
    assert vanished(frame, [1]) == ""
    assert "come from a vanished gradient" in vanished(frame, [0, 1, 0])
    assert vanished(frame, [0, 1, 0]).endswith("(none). ")
