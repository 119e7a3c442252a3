"""index.csv."""

import csv
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlab.runs.index import FACTS, Index, rebuild
from bnlab.runs.info import read_info
from bnlab.runs.schema import METRICS
from bnlab.runs.writer import RunWriter

New = Callable[..., RunWriter]


def rows(study: Path) -> list[dict[str, str]]:
    with (study / "index.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_columns_and_order(new_run: New, tmp_path: Path) -> None:
    new_run("a", **{"optim.lr": 10.0, "norm.momentum": None})
    new_run("b", **{"optim.lr": 9.0})
    new_run("c", norm="none", placement="", data="digits").update(
        status="refused", cause="one value, a channel", metrics={"val_accuracy": 0.5}
    )
    assert rebuild(tmp_path / "study") == []
    found = rows(tmp_path / "study")
    axes = ["model", "norm", "placement", "data", "norm.momentum", "optim.lr", "seed"]
    assert list(found[0]) == [*FACTS, *axes, *METRICS]
    # By norm, then by rate as a number; null is told from an axis that the run does not have.
    assert [(row["run_id"], row["norm.momentum"]) for row in found] == [("b", ""), ("a", "null"), ("c", "")]
    assert (found[2]["cause"], found[2]["val_accuracy"]) == ("one value, a channel", "0.5")


def test_half_written_runs_are_named_and_others_indexed(new_run: New, tmp_path: Path) -> None:
    new_run("good")
    study = tmp_path / "study"
    (study / "report").mkdir()
    (study / "started").mkdir()
    (study / "started" / "config.yaml").write_text("seed: 0\n")
    for name, content in {"torn": '{"run_id": "to', "list": "[]", "bytes": "\x00", "bare": '{"run_id": "x"}'}.items():
        (study / name).mkdir()
        (study / name / "run.json").write_text(content)
    assert [folder.name for folder in rebuild(study)] == ["bare", "bytes", "list", "started", "torn"]
    assert [row["run_id"] for row in rows(study)] == ["good"]


def test_rebuilding_changes_nothing(new_run: New, tmp_path: Path) -> None:
    new_run("b")
    new_run("a")
    rebuild(tmp_path / "study")
    first = (tmp_path / "study" / "index.csv").read_bytes()
    rebuild(tmp_path / "study")
    assert (tmp_path / "study" / "index.csv").read_bytes() == first


def end(writer: RunWriter, **fields: object) -> dict[str, object]:
    """The run has ended: what its run.json then says."""
    writer.update(status="complete", **fields)
    return read_info(writer.folder)


def test_rows_are_appended_and_put_in_order_in_the_end(new_run: New, tmp_path: Path) -> None:
    study = tmp_path / "study"
    index = Index(study)
    for n in (3, 1, 2):
        index.add(end(new_run(f"r{n}", **{"optim.lr": float(n)})))
    first = (study / "index.csv").stat().st_ino
    index.add(end(new_run("r0", **{"optim.lr": 0.5}), cause='a "quoted", cause'))
    assert (study / "index.csv").stat().st_ino == first  # the same file, grown
    assert [row["run_id"] for row in rows(study)] == ["r3", "r1", "r2", "r0"]
    assert rows(study)[3]["cause"] == 'a "quoted", cause'
    index.close()
    assert [row["run_id"] for row in rows(study)] == ["r0", "r1", "r2", "r3"]
    closed = (study / "index.csv").stat()
    index.close()
    assert (study / "index.csv").stat() == closed  # nothing to say, nothing written


def test_new_axes_and_two_hundred_runs_give_what_a_rebuild_gives(new_run: New, tmp_path: Path) -> None:
    study = tmp_path / "study"
    index = Index(study)
    for n in range(200):
        more = {"norm.groups": None} if n % 3 == 0 and n > 50 else {}
        index.add(end(new_run(f"{n:04}", seed=n, **more), metrics={"val_accuracy": n / 200}))
    grown = sorted(tuple(row.values()) for row in rows(study))
    assert len({row["run_id"] for row in rows(study)}) == 200
    index.close()
    assert sorted(tuple(row.values()) for row in rows(study)) == grown
    content = (study / "index.csv").read_bytes()
    (study / "index.csv").unlink()
    rebuild(study)
    assert (study / "index.csv").read_bytes() == content


@pytest.mark.parametrize("torn", [b"", b"run_id,sta", b"\xff\xfe\n", b"run_id,colour\na,red\n", None])
def test_a_torn_index_is_written_anew(new_run: New, tmp_path: Path, torn: bytes | None) -> None:
    study = tmp_path / "study"
    index = Index(study)
    index.add(end(new_run("a")))
    path = study / "index.csv"
    path.write_bytes(path.read_bytes()[:-5] if torn is None else torn)
    index.add(end(new_run("b")))
    assert [row["run_id"] for row in rows(study)] == ["a", "b"]
    assert list(rows(study)[0])[: len(FACTS)] == list(FACTS)


def test_a_run_trained_again_has_its_last_row(new_run: New, tmp_path: Path) -> None:
    study = tmp_path / "study"
    index = Index(study)
    writer = new_run("a")
    writer.update(status="failed", cause="a fault")
    index.add(read_info(writer.folder))
    index.add(end(writer, cause=None))
    assert [row["status"] for row in rows(study)] == ["failed", "complete"]
    index.close()
    assert [row["status"] for row in rows(study)] == ["complete"]


def test_processes_that_write_at_once_lose_no_row(new_run: New, tmp_path: Path) -> None:
    """Each appends its own and, for each has axes of its own, each writes all anew now and then."""
    study = tmp_path / "study"
    study.mkdir()

    def child(k: int) -> None:
        index = Index(study)
        for n in range(20):
            index.add(end(new_run(f"{k}-{n}", seed=n, **{f"model.option{k}-{n // 5}": n})))

    context = multiprocessing.get_context("fork")
    children = [context.Process(target=child, args=(k,)) for k in range(4)]
    for one in children:
        one.start()
    for one in children:
        one.join()
        assert one.exitcode == 0
    found = [row["run_id"] for row in rows(study)]
    assert len(found) >= len(set(found)) == 80
