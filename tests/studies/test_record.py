"""verdicts.json, .csv and .md."""

import csv
import json
import math
from pathlib import Path

from bnlab.studies.known import Effect
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
    assert first == r"| It is \| so [mlp] | **confirmed** | 5 (2.5 to ∞) | ratio above 2 | 3 | 4 (text) |"
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
    assert (first.verdict, first.effect, first.interval, first.n) == ("confirmed", "5", "2.5 to ∞", "3")
    assert "[mlp] (ratio above 2)" in first.claim
    assert (second.verdict, second.effect) == ("undecided", "no run of norm=none")
