"""Tables of many runs, parsed as one file."""

from pathlib import Path

import pandas as pd
import pytest

from bnlab.errors import BadInput
from bnlab.runs.schema import COLUMNS
from bnlab.runs.table import read_table, read_tables

HEADER = ",".join(COLUMNS["evals"]) + "\n"


def paths(folder: Path, *contents: str | None) -> dict[str, Path]:
    """A file for each content under run ids a, b, …; none where it is null."""
    found = {}
    for run_id, content in zip("abcdefgh", contents, strict=False):
        found[run_id] = folder / f"{run_id}.csv"
        if content is not None:
            found[run_id].write_text(content)
    return found


def test_together_as_one_by_one(tmp_path: Path) -> None:
    several = paths(
        tmp_path, HEADER + "1,0.5,val,running,nan,0.5,10\n2,1,NA,running,inf,,10\n", None, HEADER, "",
        HEADER + "3,1.5,test,batch,0.25,1,10\n4,", HEADER + '5,2,"a,b",running,1,1,10\n',
    )  # fmt: skip
    together = read_tables(several, "evals")
    assert together["run_id"].tolist() == ["a", "a", "e", "f"]
    alone = pd.concat([read_table(path, "evals") for path in several.values()], ignore_index=True)
    pd.testing.assert_frame_equal(together[alone.columns], alone.astype({"step": "int64", "n": "int64"}))
    assert together["split"].tolist() == ["val", "NA", "test", "a,b"]


def test_lines_that_are_no_rows_do_not_shift_the_others(tmp_path: Path) -> None:
    several = paths(tmp_path, HEADER + "1,,val,running,1,1,10\n\n", HEADER + "2,,val,running,1,1,10\n")
    assert read_tables(several, "evals")[["run_id", "step"]].to_numpy().tolist() == [["a", 1], ["b", 2]]


@pytest.mark.parametrize(
    "content", [HEADER + "x,,val,running,1,1,10\n", HEADER + "1,2,val,running,5,6,7,8\n" * 2, "step\n1\n"]
)
def test_the_damaged_one_is_named(tmp_path: Path, content: str) -> None:
    several = paths(tmp_path, HEADER + "1,,val,running,1,1,10\n", content, HEADER)
    with pytest.raises(BadInput, match=r"b\.csv"):
        read_tables(several, "evals")
