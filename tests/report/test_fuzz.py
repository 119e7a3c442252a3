"""Bytes of a study's files changed at random: its report is made, or there is one line on why not."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bnlab.errors import BadInput
from bnlab.report.interface import Drawn, Missing, Table, modules
from bnlab.report.page import render
from bnlab.report.reading import read
from bnlab.report.recorded_options import recorded_options
from bnlab.report.summary import left_out, warnings
from bnlab.studies.record import read as read_record
from tests.report.conftest import Study, laid_out, observed

FILES = (
    "run.json", "steps.csv", "evals.csv", "sites.csv", "layers.csv", "histograms.csv", "config.yaml",
    "arrays/feature_maps_4.npz",
)  # fmt: skip
PIECES = (
    b"", b"\x00", b"\xff", b"\n", b",", b'"', b"-", b"0", b"9" * 40, b"1e999", b"nan", b"inf", b"-1", b"null", b"true",
    b"[", b"{", b"}", b"[[", b"\xed\xa0\x80", b"\xe2\x80\xae", b"1.5", b"x", b"1e300", b":", b"- ", b"&a ", b"*a", b"=",
)  # fmt: skip

MODULES = modules("figures") | modules("tables")

changes = st.lists(
    st.tuples(
        st.sampled_from(FILES), st.floats(0, 1), st.integers(0, 40), st.sampled_from(PIECES) | st.binary(max_size=8)
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two runs with every file."""
    study = Study(tmp_path_factory.mktemp("outputs") / "study")
    for norm in ("none", "batch"):
        observed(study, norm)
    return study.folder


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(changes, st.sets(st.sampled_from(sorted(MODULES)), min_size=4, max_size=4))
def test_a_changed_study_is_reported_or_refused_in_a_line(
    whole: Path, tmp_path: Path, changed: list[tuple[str, float, int, bytes]], names: set[str]
) -> None:
    folder = tmp_path / "study"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole, folder)
    for name, where, length, piece in changed:
        path = folder / "run0002" / name
        content = path.read_bytes()
        start = int(where * len(content))
        path.write_bytes(content[:start] + piece + content[start + length :])
    frame = read([folder], 0.9, 0.05)  # the first run is sound
    for name in sorted(names):
        assert isinstance(laid_out(MODULES[name], frame, layout=False), Drawn | Missing | Table)
    frame.damaged.update(recorded_options(frame.source.folders.values()).damaged)
    page = render(frame, [], [*left_out(frame), *warnings(frame)])
    assert "run0001" in page
    assert "run0002" in page
    assert frame.runs["val_accuracy"].iloc[0] == 0.9


RECORD = json.dumps(
    {"verdicts": [{"claim": "c", "effect": {"value": 3.0, "low": 1.0, "high": "inf", "n": 5}, "runs": ["a"]}
                  | {"verdict": "undecided"} | dict.fromkeys(("case", "threshold", "reason", "published"), "t")]}
    | dict.fromkeys(("study", "scale", "command", "date", "device", "torch", "git"), "x") | {"n_runs": 1}
).encode()  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.floats(0, 1), st.integers(0, 40), st.sampled_from(PIECES) | st.binary(max_size=8))
def test_changed_verdicts_are_read_or_refused_in_a_line(
    tmp_path: Path, where: float, length: int, piece: bytes
) -> None:
    start = int(where * len(RECORD))
    (tmp_path / "verdicts.json").write_bytes(RECORD[:start] + piece + RECORD[start + length :])
    try:
        found = "".join(one.claim for one in read_record(tmp_path / "verdicts.json").shown())
    except BadInput as error:
        found = str(error)
    assert found.isprintable()
