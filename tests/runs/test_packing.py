"""packs.json: what is read of it, whole or damaged."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab.runs.files import Foreign, Unreadable
from bnlab.runs.packing import MOST_THREADS, Record, pack_id, planned, read_packing, write_packing

RECORD = {
    "id": pack_id(["0123456789ab"]),
    "executor": "fused",
    "threads": 1,
    "runs": {"0123456789ab": "bnlab train seed=0"},
    "asked": {"launcher": "fused"},
}
ODD: dict[str, Any] = {
    "a list": [],
    "a word": "packs",
    "no packs": {},
    "packs as a number": {"packs": 3},
    "a pack as a list": {"packs": [[]]},
    "an empty pack": {"packs": [{}]},
    **{
        f"{key} = {value!r}"[:40]: {"packs": [RECORD | {key: value}]}
        for key, value in [
            ("threads", 0),
            ("threads", -1),
            ("threads", MOST_THREADS + 1),
            ("threads", 100_000),
            ("threads", 10**40),
            ("threads", 1.5),
            ("threads", "1"),
            ("threads", True),
            ("threads", None),
            ("id", 7),
            ("id", None),
            ("executor", []),
            ("asked", []),
            ("asked", None),
            ("asked", {"a": [1]}),
            ("asked", {"a": {"b": 1}}),
            ("runs", {}),
            ("runs", []),
            ("runs", 3),
            ("runs", {"../x": ""}),
            ("runs", {"a/b": ""}),
            ("runs", {"": ""}),
            ("runs", {".": ""}),
            ("runs", {"a": 7}),
            ("runs", {"a": "bnlab train 'x"}),
            ("runs", [7]),
            ("runs", ["../x"]),
        ]
    },
    "an id of other runs": {"packs": [RECORD | {"id": "0123456789ab"}]},
    "a run that is no run": {"packs": [RECORD | {"id": pack_id(["report"]), "runs": {"report": ""}}]},
    "a run twice": {"packs": [RECORD, RECORD]},
    "retired as a word": {"packs": [], "retired": "all"},
    "retired elsewhere": {"packs": [], "retired": ["../pack_0123456789ab.pt"]},
    "retired of the user": {"packs": [], "retired": ["notes.txt"]},
}


def in_lines(content: Any) -> str:
    """Return the content in the format in which packs.json is written: a line for each pack."""
    packs = ",\n".join(json.dumps(record) for record in content["packs"])
    rest = json.dumps({"retired": []} | {key: value for key, value in content.items() if key != "packs"})
    return f'{{"packs": [\n{packs}\n], {rest[1:]}\n'


LISTS = [odd for odd, content in ODD.items() if isinstance(content, dict) and isinstance(content.get("packs"), list)]


@pytest.mark.parametrize(("odd", "form"), [*((odd, json.dumps) for odd in ODD), *((odd, in_lines) for odd in LISTS)])
def test_odd_content_is_named_and_plans_nothing(tmp_path: Path, odd: str, form: Callable[[Any], str]) -> None:
    (tmp_path / "packs.json").write_text(form(ODD[odd]))
    with pytest.raises(Unreadable, match=r"packs\.json cannot be read \(") as error:
        read_packing(tmp_path)
    assert str(error.value).isprintable()
    names_runs = ("id", "executor", "asked", "retired", "an id of", "a run")
    wrong_runs = "threads" not in odd and not odd.startswith(names_runs)
    assert (planned(tmp_path) == {}) is (wrong_runs or odd.startswith("retired"))


@pytest.mark.parametrize(
    "make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/zero"), lambda path: path.write_text("{")]
)
def test_what_is_no_file_is_named_and_plans_nothing(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "packs.json")
    with pytest.raises(Unreadable, match=r"packs\.json cannot be read \("):
        read_packing(tmp_path)
    assert planned(tmp_path) == {}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert read_packing(tmp_path).packs == []
    records = [
        Record(**RECORD),
        Record(
            **RECORD
            | {
                "id": pack_id(["ba9876543210"]),
                "runs": {"ba9876543210": ""},
                "asked": {"threads": None, "workers": 2, "x": True},
            }
        ),
    ]
    write_packing(tmp_path, records, ["pack_0123456789ab.pt"])
    found = read_packing(tmp_path)
    assert found.packs == records
    assert found.retired == ["pack_0123456789ab.pt"]
    changed = (tmp_path / "packs.json").stat().st_mtime_ns
    write_packing(tmp_path, records, ["pack_0123456789ab.pt"])
    assert (tmp_path / "packs.json").stat().st_mtime_ns == changed, "the same is not written again"


def test_the_older_form_lists_runs_without_their_commands(tmp_path: Path) -> None:
    (tmp_path / "packs.json").write_text(
        json.dumps(
            {
                "packs": [
                    RECORD | {"id": pack_id(["0123456789ab", "ba9876543210"]), "runs": ["0123456789ab", "ba9876543210"]}
                ]
            }
        )
    )
    assert read_packing(tmp_path).packs[0].runs == {"0123456789ab": "", "ba9876543210": ""}


def test_it_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("the user's")
    (tmp_path / "packs.json").symlink_to("target")
    with pytest.raises(Foreign):
        write_packing(tmp_path, [], [])
    assert (tmp_path / "target").read_text() == "the user's"
