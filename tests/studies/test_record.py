"""verdicts.json, .csv and .md."""

import csv
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlab.runs.files import Unreadable
from bnlab.studies.quantity import Effect
from bnlab.studies.record import Record, interval, measured, number, read, row, table
from bnlab.studies.verdict import Verdict
from tests.studies.conftest import Study

VERDICTS = (
    Verdict("It is | so", "mlp", "confirmed", Effect(5, 2.5, math.inf, 3), "ratio above 2", "", ("a", "b"), "4 (text)"),
    Verdict("It is not", "", "undecided", None, "difference below 0", "no run of norm=none", (), ""),
)


def record(study: Study) -> Record:
    study.run()
    study.run(seed=1)
    return Record.of("some", "cpu", "bnlab study some", study.evidence.source, 2, VERDICTS)


def test_what_is_written_is_read_back(study: Study, tmp_path: Path) -> None:
    one = record(study)
    one.write(tmp_path / "report")
    assert read(tmp_path / "report" / "verdicts.json") == one
    json.loads((tmp_path / "report" / "verdicts.json").read_text(), parse_constant=lambda name: 1 / 0)
    assert one.count() == {"confirmed": 1, "undecided": 1}


def test_the_csv_has_a_row_a_verdict(study: Study, tmp_path: Path) -> None:
    record(study).write(tmp_path)
    first, second = csv.DictReader((tmp_path / "verdicts.csv").open())
    assert (first["effect"], first["low"], first["high"], first["n"]) == ("5", "2.5", "inf", "3")
    assert (first["runs"], first["command"]) == ("a b", "bnlab study some")
    assert (second["effect"], second["reason"]) == ("", "no run of norm=none")


def test_the_table_has_claim_verdict_effect_and_threshold(study: Study) -> None:
    _, _, first, second = table(record(study)).splitlines()
    assert first == r"| It is \| so [mlp] | **confirmed** | 5 (2.5 to ∞) | ratio above 2 | 3 seeds | 4 (text) |"
    assert second == "| It is not | **undecided**: no run of norm=none | – | difference below 0 |  | – |"


def test_numbers_have_three_digits() -> None:
    assert number(-0.01234) == "−0.0123"
    assert interval(Effect(1, -math.inf, 1234.5, 2)) == "−∞ to 1230"
    assert measured(None) == "–"
    assert measured(Effect(10, 2, math.inf, 2, "≥")) == "≥ 10 (2 to ∞)"


def test_a_claim_of_several_lines_is_one_row() -> None:
    assert row(["It is\nso |\n", ""]) == r"| It is so \| |  |"


def test_the_page_is_given_words(study: Study) -> None:
    first, second = record(study).shown()
    assert (first.verdict, first.effect, first.interval, first.n) == ("confirmed", "5", "2.5 to ∞", "3 seeds")
    assert "[mlp] (ratio above 2)" in first.claim
    assert (second.verdict, second.effect) == ("undecided", "no run of norm=none")


def test_no_cell_of_the_csv_is_a_formula_and_none_of_the_table_is_html(study: Study, tmp_path: Path) -> None:
    odd = Verdict("=1+1", "-x", "undecided", None, "<b>", "@a", (), "`code`")
    study.run()
    one = Record.of("some", "cpu", "=cmd", study.evidence.source, 0, (odd,))
    one.write(tmp_path)
    (found,) = csv.DictReader((tmp_path / "verdicts.csv").open())
    assert [found[name] for name in ("claim", "case", "reason", "command")] == ["'=1+1", "'-x", "'@a", "'=cmd"]
    assert table(one).splitlines()[2] == r"| =1+1 [-x] | **undecided**: @a | – | &lt;b&gt; |  | \`code\` |"


EFFECT = {"value": 3.0, "low": 1.0, "high": "inf", "n": 5, "sign": "", "unit": "seeds"}
VERDICT = {
    "claim": "It is so", "case": "", "verdict": "undecided", "effect": EFFECT, "threshold": "above 1", "reason": "",
    "runs": ["a"], "published": "", "look": 5, "level": 0.01,
}  # fmt: skip
CONTENT: dict[str, Any] = {
    "study": "some", "scale": "cpu", "command": "bnlab study some", "date": "2026-11-20", "device": "cpu", "torch": "2",
    "git": "x", "n_runs": 1, "verdicts": [VERDICT], "looks": [3, 5], "family": "holm",
}  # fmt: skip
HUGE = 10**40

# What the file contains instead: in the record, in its verdict and in the effect; or the whole text.
DAMAGED: dict[str, tuple[Any, str]] = {
    "torn": ("{torn", "Expecting property name"),
    "empty": ("", "Expecting value"),
    "a list": ("[]", "its content"),
    "a word": ('"hello"', "its content"),
    "null": ("null", "its content"),
    "nested 10,000 deep": ("[" * 10_000, "nested too deeply"),
    "not a number": (json.dumps(CONTENT).replace("3.0", "NaN"), "NaN is not JSON"),
    "no UTF-8": (b'{"study": "\xff"}', "no UTF-8 text"),
    "no verdicts": ({"verdicts": ...}, "verdicts: Field required"),
    "verdicts that are a mapping": ({"verdicts": {}}, "verdicts"),
    "verdicts of words": ({"verdicts": ["so"]}, "verdicts.0"),
    "no study": ({"study": ...}, "study: Field required"),
    "a study up the tree": ({"study": "../../x"}, "study: should be the name of a study"),
    "a hidden study": ({"study": ".ssh"}, "study: should be the name of a study"),
    "a study without a name": ({"study": ""}, "study: should be the name of a study"),
    "a command of numbers": ({"command": 7}, "command: "),
    "runs that are a word": ({"n_runs": "many"}, "n_runs: "),
    "runs below 0": ({"n_runs": -1}, "n_runs: "),
    "runs of 40 digits": ({"n_runs": HUGE}, "n_runs: "),
    "half a run": ({"n_runs": 0.5}, "n_runs: "),
    "a decision that is none": ({"verdict": "maybe"}, "verdicts.0.verdict: "),
    "a decision in a list": ({"verdict": ["refuted"]}, "verdicts.0.verdict: "),
    "a claim that is null": ({"claim": None}, "verdicts.0.claim: "),
    "run ids that are numbers": ({"runs": [1]}, "verdicts.0.runs.0: "),
    "run ids in a word": ({"runs": "abc"}, "verdicts.0.runs: "),
    "an effect that is a number": ({"effect": 3}, "verdicts.0.effect: "),
    "an effect without a value": ({"value": ...}, "verdicts.0.effect.value: Field required"),
    "a value that is a word": ({"value": "high"}, "verdicts.0.effect.value: "),
    "a value that is true": ({"value": True}, "verdicts.0.effect.value: "),
    "a value in a list": ({"value": [1]}, "verdicts.0.effect.value: "),
    "an interval the wrong way round": ({"low": 5.0, "high": 1.0}, "the interval ends before it begins"),
    "a sign that is none": ({"sign": "<script>"}, "verdicts.0.effect.sign: "),
    "seeds that are null": ({"n": None}, "verdicts.0.effect.n: "),
    "a unit that is none": ({"unit": "apples"}, "verdicts.0.effect.unit: "),
    "a look that is a word": ({"look": "late"}, "verdicts.0.look: "),
    "a level above 1": ({"level": 2}, "verdicts.0.level: "),
    "looks that are one number": ({"looks": 3}, "looks: "),
    "a family that is none": ({"family": "all"}, "family: "),
}  # fmt: skip


def written(odd: Any) -> bytes:
    if isinstance(odd, str | bytes):
        return odd.encode() if isinstance(odd, str) else odd

    def mended(whole: dict[str, Any]) -> dict[str, Any]:
        known = {key: odd.get(key, value) for key, value in whole.items()}
        return {key: value for key, value in known.items() if value is not ...}

    verdict = mended(VERDICT | {"effect": mended(EFFECT)})
    return json.dumps(mended(CONTENT | {"verdicts": [verdict]}) | odd.get("more", {})).encode()


@pytest.mark.parametrize(("odd", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_damaged_verdicts_are_one_line(odd: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    path.write_bytes(written(odd))
    with pytest.raises(Unreadable) as caught:
        read(path)
    line = str(caught.value)
    assert line.startswith(f"{path} cannot be read (")
    assert reason in line
    assert "\n" not in line


ODD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a FIFO": (os.mkfifo, "it is a FIFO"),
    "a folder": (Path.mkdir, "it is a folder"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
}


@pytest.mark.parametrize(("make", "reason"), ODD_FILES.values(), ids=ODD_FILES)
def test_verdicts_that_are_no_file_are_one_line(make: Callable[[Path], Any], reason: str, tmp_path: Path) -> None:
    make(tmp_path / "verdicts.json")
    with pytest.raises(Unreadable, match=reason):
        read(tmp_path / "verdicts.json")


SOUND: dict[str, dict[str, Any]] = {
    "as it is written": {},
    "a key of a newer version": {"more": {"newer": 1}},
    "signs that act on a terminal": {"command": "bnlab \u001b[31m\u202ex \ud800"},
    "an infinite effect": {"value": "inf", "low": 1e308},
    "beyond all numbers": {"high": 1e308},
    "no effect": {"effect": None},
    "without a sign": {"sign": ...},
    "of an older version": {"unit": ..., "look": ..., "level": ..., "looks": ..., "family": ...},
}


@pytest.mark.parametrize("odd", SOUND.values(), ids=SOUND)
def test_sound_verdicts_are_read_and_written_again(odd: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "verdicts.json"
    path.write_bytes(written(odd))
    record = read(path)
    assert record.command.isprintable()
    record.write(tmp_path / "again")
    assert read(tmp_path / "again" / "verdicts.json") == record
    record.shown(named=True)
    table(record)
