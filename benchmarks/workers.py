"""Bookkeeping of many workers in one folder, a run, which should not depend on the number of runs.

    python benchmarks/workers.py [--workers 200] [--runs 1000 3000 10000]

Lays out synthetic runs of ten kinds in a temporary folder and starts workers, each a forked process. Real are
packs.json and its division, locks, the claims of packs, run folders with their config.yaml, run.json, steps.csv and
log.txt, index.csv and the status; stubbed are composing (one config serves all runs) and training (one row). A real
worker composes each run that it trains, about 2 ms, and one run of each kind, 0.5 s for the first with the same choices
of groups.

Prints, for each number of runs, seconds of laying out, milliseconds of CPU and of the clock a run, and packs.
"""

import argparse
import gc
import json
import shlex
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter
from typing import Any, NamedTuple
from unittest.mock import patch

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from bnlab.config.compose import Composer
from bnlab.config.folder import conf_dir
from bnlab.config.validate import validate
from bnlab.runs.packing import read_packing
from bnlab.runs.schema import METRICS
from bnlab.runs.status import Study
from bnlab.sweeps.job import Job
from bnlab.sweeps.layout.plugin import register
from bnlab.sweeps.packing.pack import Pack
from bnlab.sweeps.packing.packs import Packs
from bnlab.sweeps.running.folder import Folder
from bnlab.sweeps.running.provenance import git_commit, versions
from bnlab.sweeps.running.runner import Runner
from bnlab.sweeps.running.work import Work
from bnlab.sweeps.sweep import Summary, lay_out

KINDS = 10


class Result(NamedTuple):
    """What the workers did, and what it took.

    Attributes:
        starts: how often each run was started.
        trained: number of runs that each worker trained.
        packs: sizes of the packs.
    """

    laid_out: float
    cpu: float
    clock: float
    starts: Counter[str]
    trained: list[int]
    packs: list[int]


@dataclass
class Silent:
    """View that shows nothing."""

    def progress(self, *_: Any) -> None:
        pass

    def note(self, _: str) -> None:
        pass

    def finished(self, *_: Any) -> None:
        pass


def jobs_in(study: Path, runs: int) -> dict[str, Job]:
    """Return jobs that share one composed config, by run id."""
    words = ["launcher=fused", "sweep.pack_size=32", "threads=1", "device=cpu", "model.depth=1", "diagnostics=off"]
    words += [f"output_dir={study.parent}", f"study={study.name}"]
    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        composed = Composer(hydra.config_loader).compose(words)
    common = validate(composed)
    found = {}
    for n in range(runs):
        seed, width = n // KINDS, 10 + n % KINDS
        config = replace(common, run=common.run | {"seed": seed}, model=common.model | {"width": width})
        run_id = f"{n * 2654435761 % 2**32:012x}"
        command = shlex.join(["bnlab", "train", *words, f"model.width={width}", f"seed={seed}"])
        found[run_id] = Job(config, composed, run_id, command)
    return found


def simulate(study: Path, workers: int, runs: int) -> Result:
    """Have workers train synthetic runs in a new study."""
    jobs = jobs_in(study, runs)
    study.mkdir()
    begin = perf_counter()
    lay_out(study, list(jobs.values()), jobs.values(), lambda _: None)
    laid_out = perf_counter() - begin
    versions(), git_commit()  # cached
    starts = Counter[str]()  # of one worker
    context = get_context("fork")
    results = context.SimpleQueue()

    def train(runner: Runner, pack: Pack, left: Sequence[Job], view: Any) -> list[list[Job]]:  # noqa: ARG001
        for job in left:
            with Folder(job) as folder:
                folder.begin([])
                starts[job.run_id] += 1
                folder.append("steps", [{"step": 0, "loss": 2.3}])
                folder.update(status="complete", seconds=0.0, metrics=dict.fromkeys(METRICS, 0.5))
        return []

    def work() -> None:
        summary = Summary()
        try:
            place = Study(study)
            Packs(study).tidy()
            Work(
                place, place.commands(), lambda run_id, _: jobs[run_id], lambda _: True, Silent(), summary, retry=False
            ).run()
        finally:
            results.put((dict(starts), len(summary.infos)))

    begin, begun = perf_counter(), _seconds_of_children()
    with patch.object(Runner, "_train", train):
        processes = [context.Process(target=work) for _ in range(workers)]
        for process in processes:
            process.start()
        ended = [results.get() for _ in processes]
        for process in processes:
            process.join()
    took = (_seconds_of_children() - begun, perf_counter() - begin)
    for own, _ in ended:
        starts.update(own)
    trained = [number for _, number in ended]
    return Result(laid_out, *took, starts, trained, [len(one.runs) for one in read_packing(study).packs])


def _seconds_of_children() -> float:
    """Return the CPU time of child processes that have ended."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check(study: Path, result: Result, runs: int) -> None:
    """Check that each run was trained once, and that index and status say so."""
    assert len(result.starts) == sum(result.starts.values()) == sum(result.trained) == runs
    assert Counter(run.state for run in Study(study).look().runs) == {"complete": runs}
    infos = [json.loads(path.read_text()) for path in study.glob("*/run.json")]
    assert {info["run_id"] for info in infos} == result.starts.keys()
    rows = (study / "index.csv").read_text().splitlines()[1:]
    assert {row.split(",")[0] for row in rows} == result.starts.keys()
    assert len(rows) == sum(result.packs) == runs


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--runs", type=int, nargs="+", default=[1_000, 3_000, 10_000])
    given = parser.parse_args()
    gc.freeze()  # workers share what is loaded
    for runs in given.runs:
        with tempfile.TemporaryDirectory() as place:
            study = Path(place) / "study"
            result = simulate(study, given.workers, runs)
            check(study, result, runs)
            print(
                f"{runs:>7} runs  laid out {result.laid_out:6.2f}  CPU {1e3 * result.cpu / runs:6.1f}  clock "
                f"{1e3 * result.clock / runs:6.1f}  {len(result.packs)} packs, up to {max(result.packs)} together, "
                f"{min(result.trained)} to {max(result.trained)} runs a worker",
                flush=True,
            )


if __name__ == "__main__":
    main()
