"""Titles on several lines."""

from bnlab.report.figures._title import broken, lift


def test_a_title_is_broken_between_its_parts_where_it_is_too_wide() -> None:
    title = "before_act · batch_size 2 · track_running_stats true"
    assert broken(title, 9.0) == title
    assert broken(title, 3.0) == "before_act · batch_size 2\ntrack_running_stats true"
    assert broken(title, 0.1) == "before_act\nbatch_size 2\ntrack_running_stats true"
    assert broken("", 1.0) == ""


def test_a_legend_stands_above_all_lines() -> None:
    assert lift("") < lift("one") < lift("one\ntwo")
