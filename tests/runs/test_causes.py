"""Causes that many runs share, and what tells some runs from the others."""

from bnlab.runs.causes import causes, described, varying


def test_causes_that_differ_in_numbers_are_one() -> None:
    found = causes(["at step 9 of 10", "RuntimeError: x", "at step 100 of 10", "at step 12 of 10"])
    assert [(cause.text, cause.places) for cause in found] == [
        ("at step 9 to 100 of 10", [0, 2, 3]),
        ("RuntimeError: x", [1]),
    ]
    assert causes(["one cause 7"])[0].text == "one cause 7"
    assert causes([]) == []


def test_what_varies_is_listed_in_order() -> None:
    every = [
        {"seed": seed, "optim.lr": lr, "norm": norm, "epochs": 3, **({"norm.groups": 8} if norm == "group" else {})}
        for seed in (0, 1)
        for lr in (10.0, 9.0, 0.5)
        for norm in ("none", "group")
    ]
    axes = varying(every)
    assert axes == {"norm": ["group", "none"], "optim.lr": ["0.5", "9", "10"], "seed": ["0", "1"]}
    assert next(iter(axes)) == "norm"
    assert list(axes)[-1] == "seed"
    some = [one for one in every if one["norm"] == "group" and one["optim.lr"] > 1]
    assert described(some, axes) == "norm=group lr=9,10"
    assert described([one for one in every if one["norm"] == "none"], axes) == "norm=none"
    assert described(every, axes) == ""


def test_an_axis_that_is_not_settled_by_one_alone_stays() -> None:
    every = [{"norm": "group", "norm.groups": 4}, {"norm": "group", "norm.groups": 8}, {"norm": "none"}]
    assert varying(every) == {"norm": ["group", "none"], "norm.groups": ["4", "8", ""]}
    assert varying([{"norm": "none"}]) == varying([]) == {}


def test_names_are_short_where_they_are_clear() -> None:
    every = [{"optim.lr": 1, "optim.momentum": 0.9, "norm.momentum": n / 10, "seed": n} for n in (1, 2)]
    every += [one | {"optim.lr": 2, "optim.momentum": m} for one in every for m in (0.5, 0.1)]
    assert described(every[:1], varying(every)) == "lr=1 optim.momentum=0.9 norm.momentum=0.1"


def test_long_lists_are_cut() -> None:
    every = [{"optim.lr": float(n)} for n in range(9)]
    assert described(every[:6], varying(every)) == "lr=0,1,2,3,…"
