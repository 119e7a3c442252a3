"""Splitting conditions into panels."""

from typing import Any

from bnlab.report.condition import Condition
from bnlab.report.panels import MOST, panels
from bnlab.report.reading import read


def norms(count: int, *variant: tuple[str, Any]) -> list[Condition]:
    tail = "".join(f" · {value}" for _, value in variant)
    return [Condition(f"norm{place:02d}", variant, f"norm{place:02d}{tail}") for place in range(count)]


NONE = Condition("none", (), "none")


def test_six_conditions_and_none_are_one_panel() -> None:
    assert panels([NONE, *norms(6)]) == [("", list(range(7)))]


def test_more_are_split_evenly_with_none_in_each() -> None:
    found = panels([NONE, *norms(20)])
    assert [len(places) for _, places in found] == [6, 6, 6, 6]
    assert all(places[0] == 0 for _, places in found)
    assert [place for _, places in found for place in places[1:]] == list(range(1, 21))
    assert {title for title, _ in found} == {""}


def test_without_none_there_is_no_reference() -> None:
    assert [len(places) for _, places in panels(norms(13))] == [5, 5, 3]


def test_variants_of_one_norm_are_split_without_a_reference() -> None:
    found = panels([Condition("none", (("epochs", n),), f"none · epochs {n}") for n in range(8)])
    assert found == [("", [0, 1, 2, 3]), ("", [4, 5, 6, 7])]


def test_a_split_variant_numbers_its_titles() -> None:
    both = [*norms(8, ("placement", "after_act")), *norms(8, ("placement", "before_act"))]
    found = panels([NONE, *both])
    assert [title for title, _ in found] == [
        "after_act (1 of 2)", "after_act (2 of 2)", "before_act (1 of 2)", "before_act (2 of 2)",
    ]  # fmt: skip
    assert max(len(places) for _, places in found) <= MOST + 1


def test_what_has_not_finished_is_in_no_panel_and_said(study: Any) -> None:
    study.run("none")
    study.run("batch")
    study.run("instance", status="refused")
    study.run("layer", status="diverged")
    found = read([study.folder], 0.9, 0.05)
    assert [found.conditions[place].label for place in found.panels[0][1]] == ["none", "batch", "layer"]
    assert found.arrangement == "Not drawn, because no run has finished: instance. "
