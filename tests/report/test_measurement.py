"""The folder of a measurement: nothing in it is replaced but an earlier measurement's files."""

from pathlib import Path

import pytest

from bnlab.errors import BadInput
from bnlab.report.measurement import choose_folder
from bnlab.report.output_folder import OutputFolder

TITLE = "# What is measured"


def settled(folder: Path) -> OutputFolder:
    return choose_folder(folder, ("all.md", "all.csv", "one.png"), what="the measurement", title=TITLE)


def test_it_is_made_and_may_hold_other_files(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert settled(tmp_path).write("all.csv", "x").read_text() == "x"
    assert settled(tmp_path / "new" / "folder").folder.is_dir()


def test_an_earlier_one_is_replaced(tmp_path: Path) -> None:
    place = settled(tmp_path)
    place.write("all.md", f"{TITLE}\n\nmore")
    place.write("all.csv", "x")
    settled(tmp_path)


@pytest.mark.parametrize("name", ["all.md", "all.csv", "one.png"])
def test_files_of_the_users_are_not(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(BadInput, match=f"whose {name} bnlab did not write: --out DIR"):
        settled(tmp_path)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("packs.json", "which is a study"),
        ("index.csv", "which is a study"),
        ("run.json", "which is a run"),
        ("report.json", "which holds a report"),
    ],
)
def test_folders_of_something_else_are_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(BadInput, match=says):
        settled(tmp_path)


def test_a_file_a_run_below_and_a_link_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="which is a file"):
        settled(tmp_path / "file")
    (tmp_path / "one.png").symlink_to(tmp_path / "file")
    with pytest.raises(BadInput, match="a link"):
        settled(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(BadInput, match="which is in a run"):
        settled(tmp_path / "below")
    assert not (tmp_path / "below").exists()
