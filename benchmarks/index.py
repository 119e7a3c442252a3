"""Cost of storing and reading a study with many runs, which should be linear in the number of runs.

    python benchmarks/index.py [--runs 10000] [--report]

Creates synthetic finished runs (run.json with the axes of a real one, 51 rows of steps.csv, 11 of evals.csv) in a
temporary folder, for a quarter, half and all of the number, and prints seconds: adding rows to index.csv one by one,
rebuilding the index from the folders, `bnlab.load(...).runs`, `.steps`, one update of `bnlab status` and, with
--report, the report. Files are in the page cache.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import bnlab
from bnlab.config.compose import Composer
from bnlab.config.folder import conf_dir
from bnlab.config.identity import axes
from bnlab.config.validate import validate
from bnlab.runs.cell import text
from bnlab.runs.index import Index
from bnlab.runs.schema import COLUMNS, METRICS, RUN_KEYS, VERSION
from bnlab.runs.status import Study

NORMS = ("none", "batch", "layer", "group")


def template() -> dict[str, Any]:
    """Return the axes of a run with all defaults."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from bnlab.sweeps.layout.plugin import register

    register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        return axes(validate(Composer(hydra.config_loader).compose([])))


def table(columns: Sequence[str], rows: int, **values: Any) -> str:
    """Return the text of a CSV file: steps of ten, `values` in their columns, else numbers that differ by row."""
    own = [{"step": 10 * row, "epoch": row / 7, "examples": 200 * row, "loss": 2 / (1 + row)} for row in range(rows)]
    lines = [
        ",".join(text((one | values).get(name, 0.4 + row / 99)) for name in columns) for row, one in enumerate(own)
    ]
    return "\n".join([",".join(columns), *lines, ""])


def make(study: Path, runs: int, common: dict[str, Any]) -> list[dict[str, Any]]:
    """Create folders of finished runs; return the contents of their run.json files."""
    steps = table(COLUMNS["steps"], 51)
    evals = table(COLUMNS["evals"], 11, split="val", mode="running", n=143)
    infos = []
    for n in range(runs):
        folder = study / f"{n * 2654435761 % 2**32:012x}"
        folder.mkdir(parents=True)
        own = {"norm": NORMS[n % 4], "seed": n // 4 % 5, "optim.lr": 1.1 ** (n // 20 % 100), "model.width": n // 2000}
        info: dict[str, Any] = dict.fromkeys(RUN_KEYS) | {
            "run_id": folder.name, "status": "complete", "seconds": 1.5, "schema": VERSION, "classes": 10,
            "axes": common | own, "metrics": dict.fromkeys(METRICS, 0.5 + n / 3 / runs), "versions": {"bnlab": "0.1.0"},
            "command": f"bnlab train seed={own['seed']}", "execution": {"executor": "serial"}, "n_params": 2154,
        }  # fmt: skip
        (folder / "run.json").write_text(json.dumps(info, indent=2))
        (folder / "config.yaml").write_text("seed: 0\n")
        (folder / "steps.csv").write_text(steps)
        (folder / "evals.csv").write_text(evals)
        infos.append(info)
    return infos


def seconds(task: Callable[[], object]) -> float:
    """Return the seconds that a task takes."""
    start = perf_counter()
    task()
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--report", action="store_true")
    given = parser.parse_args()
    common = template()
    for runs in (given.runs // 4, given.runs // 2, given.runs):
        with tempfile.TemporaryDirectory() as place:
            study = Path(place) / "study"
            infos = make(study, runs, common)
            index = Index(study)
            tasks: dict[str, Callable[[], object]] = {
                "added": lambda index=index, infos=infos: [index.add(info) for info in infos],  # type: ignore[misc]
                "rebuilt": index.close,
                "load().runs": lambda study=study: bnlab.load(study).runs,  # type: ignore[misc]
                ".steps": lambda study=study: bnlab.load(study).steps,  # type: ignore[misc]
                "status": lambda study=study: Study(study).look(),  # type: ignore[misc]
            }
            if given.report:
                from bnlab.report import build

                tasks["report"] = lambda study=study: build([study])  # type: ignore[misc]
            figures = "  ".join(f"{name} {seconds(task):6.2f}" for name, task in tasks.items())
            print(f"{runs:>7} runs  {figures}", flush=True)


if __name__ == "__main__":
    main()
