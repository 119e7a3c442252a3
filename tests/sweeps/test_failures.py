"""Failures are results: they end in their runs' folders, the others go on, and one command trains them again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bnlab.models.mlp import MLP

Call = Callable[..., tuple[int, str, str]]
NET = ["model.depth=1", "model.width=8", "data.train_size=200", "steps=4"]

Fault = Callable[[MLP, Tensor], None]


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fault], None]:
    """Let something happen in each forward pass on data."""

    def install(fault: Fault) -> None:
        forward = MLP.forward

        def faulty(self: MLP, x: Tensor) -> Tensor:
            if not x.is_meta:
                fault(self, x)
            return forward(self, x)

        monkeypatch.setattr(MLP, "forward", faulty)

    return install


def infos(study: Path) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted(study.glob("*/run.json"))]


def width(model: MLP) -> int:
    return model.head.weight.in_features


def test_a_pack_fails_with_its_cause_and_alone_is_trained_again(
    bnlab: Call, tmp_path: Path, faulty: Callable[[Fault], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = True

    def fault(model: MLP, x: Tensor) -> None:
        if broken and width(model) == 9 and not model.training:  # not before the first evaluation
            raise ZeroDivisionError("a fault\nof two lines")

    faulty(fault)
    words = [
        "sweep",
        *NET[2:],
        "model.depth=1",
        "model.width=8,9",
        "seed=0,1",
        "launcher=fused",
        f"output_dir={tmp_path}",
    ]
    status, out, _ = bnlab(*words)
    assert status == 1
    assert "2 complete, 2 failed" in out
    again = f"bnlab {' '.join(words)} sweep.retry=failed"
    assert f"train them again: {again}" in out
    failed = [info for info in infos(tmp_path / "main") if info["status"] == "failed"]
    assert [info["cause"] for info in failed] == ["ZeroDivisionError: a fault"] * 2
    assert all("Traceback" in str(info["traceback"]) for info in failed)
    assert all(info["axes"]["model.width"] == 9 for info in failed)  # type: ignore[index]
    status, out, _ = bnlab(*words)
    assert (status, "0 to train, 2 done already, 2 failed before and skipped" in out) == (1, True)
    broken = False
    done = {
        path: path.stat().st_mtime_ns for path in tmp_path.glob("main/*/run.json") if '"complete"' in path.read_text()
    }
    status, out, _ = bnlab(*again.split()[1:], "seed=0,1,2")  # neither what is complete nor what is new
    assert (status, "2 to train" in out) == (0, True)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert sorted(str(info["status"]) for info in infos(tmp_path / "main")) == ["complete"] * 4


@pytest.mark.parametrize("error", [ZeroDivisionError("a fault"), SystemExit(3), MemoryError("no room")])
def test_a_net_that_cannot_be_built_fails_and_the_others_go_on(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    forward = MLP.forward

    def faulty(self: MLP, x: Tensor) -> Tensor:
        if x.is_meta and width(self) == 9:
            raise error
        return forward(self, x)

    monkeypatch.setattr(MLP, "forward", faulty)
    words = [*NET[2:], "model.depth=1", "model.width=9,8", "seed=0,1", f"output_dir={tmp_path}"]
    for launcher in ("serial", "fused"):
        status, out, _ = bnlab("sweep", *words, f"launcher={launcher}", f"study={launcher}")
        assert (status, "2 complete, 2 failed" in out) == (1, True)
        failed = [info for info in infos(tmp_path / launcher) if info["status"] == "failed"]
        assert all("in faulty" in str(info["traceback"]) for info in failed)
        assert {info["cause"] for info in failed} == {f"{type(error).__name__}: {error}"}


def test_an_interrupted_retry_is_gone_on_with_by_the_same_command(
    bnlab: Call, tmp_path: Path, faulty: Callable[[Fault], None]
) -> None:
    broken: type[BaseException] | None = ZeroDivisionError

    def fault(model: MLP, x: Tensor) -> None:
        if broken is not None:
            raise broken("a fault")

    faulty(fault)
    words = ["sweep", *NET, "seed=0,1", "launcher=serial", "rerun=true", f"output_dir={tmp_path}"]
    _, out, _ = bnlab(*words)
    (line,) = [line for line in out.splitlines() if line.startswith("train them again: ")]
    assert "rerun" not in line, "that would train all of them"
    again = line.partition(": bnlab ")[2].split()
    broken = KeyboardInterrupt
    assert bnlab(*again)[0] == 130
    assert sorted(str(info["status"]) for info in infos(tmp_path / "main")) == ["failed", "running"]
    broken = None
    status, out, _ = bnlab(*again)
    assert (status, "2 to train" in out, "2 complete" in out) == (0, True, True)


@pytest.mark.parametrize("launcher", ["serial", "processes"])
def test_a_folder_that_cannot_be_written_is_one_line(bnlab: Call, tmp_path: Path, launcher: str) -> None:
    words = ["sweep", *NET, "seed=0,1", f"launcher={launcher}", f"output_dir={tmp_path}"]
    assert bnlab(*words)[0] == 0
    one = sorted(path.parent for path in (tmp_path / "main").glob("*/run.json"))[0]
    shutil.rmtree(one)
    one.write_text("in its place")
    status, _, err = bnlab(*words)
    assert (status, err.count("\n")) == (2, 1)
    assert f"{one} cannot be written" in err


def test_memory_that_ends_in_the_middle_of_a_checkpoint_halves_the_pack(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = torch.save

    def short(content: dict[str, object], *given: object) -> None:
        if len(content) > 1 and "lengths" not in content:  # of a pack
            try:
                raise MemoryError
            except MemoryError:
                raise RuntimeError("[enforce fail at inline_container.cc] . unexpected pos 64 vs 0")  # noqa: B904
        save(content, *given)

    monkeypatch.setattr(torch, "save", short)
    status, out, _ = bnlab("sweep", *NET, "seed=0,1", "launcher=fused", f"output_dir={tmp_path}")
    assert (status, "2 runs together need more memory than is available: training 1 and 1 instead" in out) == (0, True)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["cuda", "host", "allocator"],
)
def test_a_pack_that_is_too_large_is_halved(
    bnlab: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from bnlab.training.executors.fused import Fused

    forward = Fused.forward

    def short(self: Fused, params: dict[str, Tensor], *given: object, **options: object) -> object:
        if len(next(iter(params.values()))) > 2:
            raise error
        return forward(self, params, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Fused, "forward", short)
    words = [*NET, "seed=0,1,2,3,4", "launcher=fused", f"output_dir={tmp_path}"]
    status, out, _ = bnlab("sweep", *words)
    assert status == 0
    assert "5 runs together need more memory than is available: training 3 and 2 instead" in out
    assert "3 runs together need more memory than is available: training 2 and 1 instead" in out
    packs = json.loads((tmp_path / "main/packs.json").read_text())["packs"]
    assert sorted(len(pack["runs"]) for pack in packs) == [1, 2, 2]
    executions = {info["run_id"]: info["execution"] for info in infos(tmp_path / "main")}
    for pack in packs:
        for slot, run_id in enumerate(pack["runs"]):
            execution = executions[run_id]
            assert (execution["pack"], execution["slot"]) == (pack["id"], slot)  # type: ignore[index]


def test_a_run_alone_that_is_too_large_fails(bnlab: Call, tmp_path: Path, faulty: Callable[[Fault], None]) -> None:
    def fault(model: MLP, x: Tensor) -> None:
        if width(model) == 9:
            raise MemoryError("no room")

    faulty(fault)
    words = [*NET[2:], "model.depth=1", "model.width=9,10", "launcher=serial", f"output_dir={tmp_path}"]
    status, out, _ = bnlab("sweep", *words)
    assert (status, "1 complete, 1 failed" in out, "MemoryError: no room" in out) == (1, True, True)


def test_what_vmap_does_not_allow_is_trained_one_by_one(
    bnlab: Call, tmp_path: Path, faulty: Callable[[Fault], None]
) -> None:
    faulty(lambda model, x: (x.sum().item(), None)[1])
    words = [*NET, "seed=0,1,2", "launcher=fused", f"output_dir={tmp_path}"]
    status, out, _ = bnlab("sweep", *words)
    assert status == 0
    assert out.count("cannot be trained together") == 1
    assert {info["execution"]["executor"] for info in infos(tmp_path / "main")} == {"serial"}  # type: ignore[index]


def test_half_precision_trains_under_every_launcher(bnlab: Call, tmp_path: Path) -> None:
    words = [*NET, "seed=0,1", "norm=batch,layer", "precision=bfloat16", "launcher=fused", f"output_dir={tmp_path}"]
    status, out, _ = bnlab("sweep", *words)
    assert (status, "4 complete" in out) == (0, True), out


def test_fail_fast_stops_at_the_first(bnlab: Call, tmp_path: Path, faulty: Callable[[Fault], None]) -> None:
    def fault(model: MLP, x: Tensor) -> None:
        if width(model) == 9:
            raise ZeroDivisionError("a fault")

    faulty(fault)
    words = [*NET[2:], "model.depth=1", "model.width=8,9,10", "launcher=serial", f"output_dir={tmp_path}"]
    status, out, _ = bnlab("sweep", *words, "sweep.fail_fast=true")
    assert status == 1
    assert sorted(str(info["status"]) for info in infos(tmp_path / "main")) == ["complete", "failed"]
    status, out, _ = bnlab("sweep", *words)
    assert "2 complete, 1 failed" in out


def test_refused_packs_are_refused_whole(bnlab: Call, tmp_path: Path) -> None:
    words = [*NET, "seed=0,1", "norm=batch", "data.batch_size=1", "launcher=fused", f"output_dir={tmp_path}"]
    status, out, _ = bnlab("sweep", *words)
    assert (status, "2 refused" in out) == (0, True)
    assert all("1 value" in str(info["cause"]) for info in infos(tmp_path / "main"))


def test_one_launcher_has_no_use_for_workers(bnlab: Call, tmp_path: Path) -> None:
    status, _, err = bnlab("sweep", *NET, "seed=0,1", "launcher=serial", "sweep.workers=2", f"output_dir={tmp_path}")
    assert (status, err.count("\n")) == (2, 1)
    assert "leave out sweep.workers" in err
