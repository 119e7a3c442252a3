"""The folder of a report: never another's, never through a link, and one line if it cannot be written."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bnlab.errors import BadInput
from bnlab.report.output_folder import choose_folder

NAMES = ("index.html", "runs.csv", "tables/cost.csv", "figures/heat_map.png")
NOBODY = 65534


@pytest.fixture
def studies(tmp_path: Path) -> list[Path]:
    """Return the folders of two studies."""
    found = [tmp_path / name for name in ("A", "B")]
    for one in found:
        one.mkdir()
    return found


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Drop the rights of root, who can write everything."""
    if os.geteuid():
        yield
        return
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o755)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_study_has_its_own(studies: list[Path]) -> None:
    place = choose_folder(studies[:1], None, NAMES)
    assert place.folder == studies[0] / "report"
    assert json.loads((place.folder / "report.json").read_text()) == {"studies": [".."]}
    assert place.write("tables/cost.csv", "x").read_text() == "x"
    assert choose_folder(studies[:1], None, NAMES).folder == place.folder


def test_a_copied_study_takes_its_report_along(studies: list[Path]) -> None:
    choose_folder(studies[:1], None, NAMES)
    studies[0].rename(studies[0].with_name("C"))
    assert choose_folder([studies[0].with_name("C")], None, NAMES).folder.parent.name == "C"


def alike(tmp_path: Path, *names: str) -> list[Path]:
    for name in names:
        (tmp_path / name).mkdir(parents=True)
    return [tmp_path / name for name in names]


ALIKE: dict[str, tuple[list[str], list[str], str]] = {
    "one name in two folders": (["A", "x/B"], ["A", "y/B"], "report_A_B_2"),
    "names that join alike": (["a", "b_c"], ["a_b", "c"], "report_a_b_c_2"),
    "the other order": (["A", "B"], ["B", "A"], "report_B_A"),
    "names cut at their length": (
        ["a" * 60, "b" * 60 + "1"], ["a" * 60, "b" * 60 + "2"], f"report_{'a' * 60}_{'b' * 39}_2",
    ),
    "names of three bytes a letter": (["漢" * 50, "字" * 50], ["漢" * 50, "学" * 50], f"report_{'漢' * 33}_2"),
}  # fmt: skip


@pytest.mark.parametrize(("first", "second", "name"), ALIKE.values(), ids=ALIKE)
def test_another_comparison_gets_another_folder(first: list[str], second: list[str], name: str, tmp_path: Path) -> None:
    every = dict(zip(dict.fromkeys(first + second), alike(tmp_path, *dict.fromkeys(first + second)), strict=True))
    one = choose_folder([every[path] for path in first], None, NAMES).folder
    (one / "index.html").write_text("first")
    other = choose_folder([every[path] for path in second], None, NAMES).folder
    assert other == tmp_path / name
    assert choose_folder([every[path] for path in first], None, NAMES).folder == one  # each finds its own again
    assert choose_folder([every[path] for path in second], None, NAMES).folder == other
    assert (one / "index.html").read_text() == "first"


TAKEN: dict[str, Callable[[Path], Any]] = {
    "a study": lambda path: (path / "run0001").mkdir(parents=True),
    "somebody's folder": lambda path: (path.mkdir(), (path / "index.html").write_text("mine")),
    "a file": lambda path: path.write_text("mine"),
    "a link to a folder": lambda path: path.symlink_to("A"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a FIFO": lambda path: os.mkfifo(path),
    "a report.json of somebody": lambda path: (path.mkdir(), (path / "report.json").write_text('{"tests": 3}')),
    "a report.json that is none": lambda path: (path.mkdir(), (path / "report.json").write_text("[" * 10_000)),
    "a report.json that is a FIFO": lambda path: (path.mkdir(), os.mkfifo(path / "report.json")),
}


def listing(folder: Path) -> dict[str, bytes | None]:
    return {str(one): one.read_bytes() if one.is_file() else None for one in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("make", TAKEN.values(), ids=TAKEN)
def test_a_comparison_goes_around_what_is_there(
    make: Callable[[Path], Any], studies: list[Path], tmp_path: Path
) -> None:
    make(tmp_path / "report_A_B")
    before = listing(tmp_path)
    place = choose_folder(studies, None, NAMES)
    assert place.folder == tmp_path / "report_A_B_2"
    assert {name: content for name, content in listing(tmp_path).items() if "report_A_B_2" not in name} == before


REFUSED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "another's report": (
        lambda path: choose_folder([path.parent / "B"], path, NAMES),
        r"contains the report of .*/B: choose another folder",
    ),
    "the report of more": (
        lambda path: choose_folder([path.parent / "A", path.parent / "B"], path, NAMES),
        r"the report of .*/A, .*/B: choose",
    ),
    "a file": (lambda path: path.write_text("mine"), "which is a file: --out DIR"),
    "a run": (lambda path: (path.mkdir(), (path / "run.json").touch()), "which is a run: --out DIR"),
    "a page of somebody": (
        lambda path: (path.mkdir(), (path / "index.html").touch()), "whose index.html may not belong to a report",
    ),
    "a table of somebody": (
        lambda path: ((path / "tables").mkdir(parents=True), (path / "tables" / "cost.csv").touch()),
        "whose tables/cost.csv may not belong",
    ),
    "a report.json of somebody": (
        lambda path: (path.mkdir(), (path / "report.json").write_text('{"tests": 3}')), "report.json does not belong",
    ),
    "a damaged report.json": (
        lambda path: (path.mkdir(), (path / "report.json").write_text('{"studies": [1')), "report.json cannot be read",
    ),
    "a report.json that is a FIFO": (
        lambda path: (path.mkdir(), os.mkfifo(path / "report.json")), "report.json cannot be read .it is a FIFO",
    ),
    "tables that are a link": (
        lambda path: (path.mkdir(), (path / "tables").symlink_to("../B")), "tables cannot be written .a link that",
    ),
    "tables that are a file": (lambda path: (path.mkdir(), (path / "tables").touch()), "tables cannot be written .a"),
    "a folder for the page": (
        lambda path: (choose_folder([path.parent / "A"], path, NAMES), (path / "index.html").mkdir()),
        r"index.html cannot be written \(a folder that bnlab did not create\): move it away",
    ),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "cannot be written"),
    "a file on the way": (lambda path: path.parent.joinpath("out").symlink_to("file/x"), "cannot be written"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "line"), REFUSED.values(), ids=REFUSED)
def test_a_folder_that_was_asked_for_is_refused(
    make: Callable[[Path], Any], line: str, studies: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    make(tmp_path / "out")
    before = {name: one for name, one in listing(tmp_path).items() if not name.endswith("out/report.json")}
    with pytest.raises(BadInput, match=line) as caught:
        place = choose_folder(studies[:1], tmp_path / "out", NAMES)
        place.write("tables/cost.csv", "x")
        place.write("index.html", "x")
    assert "\n" not in str(caught.value)
    after = {
        name: one
        for name, one in listing(tmp_path).items()
        if not name.endswith(("out/report.json", "tables", "cost.csv"))
    }
    assert after.items() <= before.items()


OWN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a link": (
        lambda path: path.symlink_to("../B"),
        r"report cannot be written \(a link that bnlab did not create\): move it away",
    ),
    "a file": (
        lambda path: path.touch(),
        r"report cannot be written \(a file that bnlab did not create\): move it away",
    ),
    "a FIFO": (
        lambda path: os.mkfifo(path),
        r"report cannot be written \(a FIFO that bnlab did not create\): move it away",
    ),
    "another's": (lambda path: choose_folder([path.parents[1] / "B"], path, NAMES), "contains the report of .*/B"),
}


@pytest.mark.parametrize(("make", "line"), OWN.values(), ids=OWN)
def test_what_stands_in_the_place_of_a_studys_report(
    make: Callable[[Path], Any], line: str, studies: list[Path]
) -> None:
    make(studies[0] / "report")
    with pytest.raises(BadInput, match=line):
        choose_folder(studies[:1], None, NAMES)
    assert list(studies[1].iterdir()) == []


def test_a_folder_may_be_given_as_a_link(studies: list[Path], tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to("elsewhere")
    choose_folder(studies[:1], tmp_path / "out", NAMES).write("index.html", "x")
    assert (tmp_path / "elsewhere" / "index.html").read_text() == "x"
    choose_folder(studies[:1], tmp_path / "elsewhere", NAMES)


def test_a_link_in_a_files_place_is_replaced_and_not_followed(studies: list[Path], tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    place = choose_folder(studies[:1], None, NAMES)
    (place.folder / "index.html").symlink_to(tmp_path / "mine")
    (place.folder / "tables").mkdir()
    (place.folder / "tables" / "cost.csv").symlink_to(tmp_path / "mine")
    place.write("index.html", "page")
    place.remove(["tables/cost.csv"])
    assert (tmp_path / "mine").read_text() == "mine"
    assert (place.folder / "index.html").read_text() == "page"
    assert list((place.folder / "tables").iterdir()) == []


def test_nothing_is_removed_through_a_linked_folder(studies: list[Path]) -> None:
    (studies[1] / "cost.csv").write_text("mine")
    place = choose_folder(studies[:1], None, NAMES)
    (place.folder / "tables").symlink_to("../../B")
    place.remove(["tables/cost.csv", "figures/heat_map.png"])
    assert (studies[1] / "cost.csv").read_text() == "mine"


@pytest.mark.parametrize("out", [None, "out", "out/deep/down"])
def test_a_colleagues_folder_is_one_line(out: str | None, studies: list[Path], tmp_path: Path, as_nobody: None) -> None:
    target = tmp_path / out if out else None
    with pytest.raises(BadInput, match=r"cannot be written \(Permission denied\): --out DIR$"):
        choose_folder(studies[:1], target, NAMES)


def test_a_colleagues_folder_beside_which_nothing_goes(studies: list[Path], as_nobody: None) -> None:
    with pytest.raises(BadInput, match=r"report_A_B cannot be written \(Permission denied\): --out DIR$"):
        choose_folder(studies, None, NAMES)


def test_names_too_long_for_the_disk_are_one_line(studies: list[Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"cannot be read \(File name too long\): --out DIR"):
        choose_folder(studies[:1], tmp_path / ("x" * 300), NAMES)


def test_a_full_disk_is_left_to_the_command_line(studies: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    place = choose_folder(studies[:1], None, NAMES)
    monkeypatch.setattr("bnlab.report.output_folder.write_atomic", full)
    with pytest.raises(OSError, match="No space left"):
        place.write("index.html", "x")


def test_a_read_only_disk_is_one_line(studies: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: Any) -> None:
        raise OSError(30, "Read-only file system")

    place = choose_folder(studies[:1], None, NAMES)
    monkeypatch.setattr("bnlab.report.output_folder.write_atomic", read_only)
    with pytest.raises(BadInput, match=r"index.html cannot be written \(Read-only file system\): --out DIR"):
        place.write("index.html", "x")


def test_a_folder_of_the_users_in_a_study_is_no_report(studies: list[Path]) -> None:
    folder = studies[0] / "report"
    folder.mkdir()
    for name in ("index.html", "runs.csv"):
        (folder / name).write_text("mine")
    with pytest.raises(BadInput, match=r"may not belong to a report: --out DIR"):
        choose_folder(studies[:1], None, NAMES)
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"index.html": "mine", "runs.csv": "mine"}
    (folder / "index.html").write_text("<title>A – bnlab</title>")  # of a version that wrote no report.json
    assert choose_folder(studies[:1], None, NAMES).folder == folder


OUTS: dict[str, tuple[Callable[[Path], Any], str, str]] = {
    "a study": (lambda path: (path / "packs.json").touch(), "", "which is a study"),
    "a run": (lambda path: (path / "run.json").touch(), "", "which is a run"),
    "in a run": (lambda path: (path / "run.json").touch(), "arrays", "which is in a run"),
    "a file for a room": (lambda path: (path / "figures").touch(), "", "figures cannot be written"),
    "a link for a room": (lambda path: (path / "tables").symlink_to("x"), "", "tables cannot be written"),
    "too deep": (lambda path: None, "/".join("d" * 1500), "nested too deeply"),
}


@pytest.mark.parametrize(("make", "below", "line"), OUTS.values(), ids=OUTS)
def test_where_no_report_may_go(
    make: Callable[[Path], Any], below: str, line: str, studies: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    make(out)
    before = list(out.iterdir())
    with pytest.raises(BadInput, match=line):
        choose_folder(studies[:1], out / below, NAMES)
    if line != "nested too deeply":
        assert list(out.iterdir()) == before
