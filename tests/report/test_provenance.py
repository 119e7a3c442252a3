"""Provenance of the numbers."""

from typing import Any

from bnlab.report.provenance import provenance, together
from bnlab.report.reading import read


def test_runs_of_a_grid_have_one_command() -> None:
    commands = [f"bnlab train norm={norm} optim.lr={lr} 'x=[1, 2]'" for norm in ("none", "batch") for lr in (0.1, 1)]
    assert together(commands) == "bnlab sweep norm=none,batch optim.lr=0.1,1 'x=[1, 2]'"
    assert together(commands[:1]) == commands[0]


def test_what_is_no_grid_has_none() -> None:
    assert together(["bnlab train a=1 b=1", "bnlab train a=2 b=2"]) == ""  # not every combination
    assert together(["bnlab train a=1", "bnlab train b=1"]) == ""
    assert together(["bnlab train 'a=[1,2]'", "bnlab train 'a=[3,4]'"]) == ""  # a comma would separate them
    assert together(["bnlab train 'a=1", "bnlab train 'a=2"]) == ""  # not a command of bnlab
    assert together([]) == ""


def test_runs_that_differ_are_counted(study: Any) -> None:
    study.run("none", git="abc", device="cpu", command="bnlab train norm=none")
    study.run("batch", git=None, device="cuda", command="bnlab train norm=batch", versions={"torch": "2"})
    study.run("layer", git="abc", device="cpu", command="bnlab train norm=layer", execution=None, versions=None)
    found = dict(provenance(read([study.folder], 0.9, 0.05), "bnlab report x"))
    assert found == {
        "studies": "synthetic (3 runs)",
        "bnlab": "unknown (2 runs), 0.1.0 (1 run)",
        "torch": "unknown (2 runs), 2 (1 run)",
        "git commit": "abc (2 runs), unknown (1 run)",
        "machine": "cpu (2 runs), cuda (1 run)",
        "executor": "serial (2 runs), unknown (1 run)",
        "command": "bnlab sweep norm=none,batch,layer",
        "this page": "bnlab report x",
    }
