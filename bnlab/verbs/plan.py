"""`bnlab plan`: print what a sweep would do."""

import shutil
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bnlab.terminal import Console, say

if TYPE_CHECKING:
    from rich.table import Table

    from bnlab.sweeps.planning.plan import Group, Plan

HELP = """\
usage: bnlab plan [overrides] [--measure]

Prints what `bnlab sweep` with the same overrides would do: the number of runs, those that are already done, failed,
refused or running, how the others are packed and which launcher trains them, and their time and disk space, estimated
from earlier runs of the study with the same model, data and batch (else unknown). Trains nothing and writes nothing.

  bnlab plan experiment=demo
  bnlab plan norm=none,batch,layer optim.lr=0.01,0.1,1 seed=0,1,2 study=first --measure

  --measure   build each distinct net, which finds those that cannot work, and time a few of its updates

"""
MOST = 20  # printed rows of the table, and printed causes


def run(words: Sequence[str]) -> int:
    """Print the plan and return the exit status."""
    from bnlab.verbs import hydra

    if {"-h", "--help"} & set(words):
        say(HELP + hydra.OPTIONS)
        return 0
    overrides = [word for word in words if word != "--measure"]
    hydra.check_flags(overrides)
    from omegaconf import DictConfig

    from bnlab.config.compose import Composer
    from bnlab.errors import BadInput
    from bnlab.sweeps.job import Jobs
    from bnlab.sweeps.planning.plan import Meter, plan
    from bnlab.sweeps.sweep import prepare

    console = Console()

    def batch(composer: Composer, every: Sequence[Sequence[str]]) -> None:
        experiment = any(word.startswith("experiment=") for word in overrides)
        source = Jobs(hydra.config_options(overrides), without_data=experiment)
        jobs = prepare(composer, source, every, console)
        for note in source.notes:
            console.print(note, soft_wrap=True)
        with console.status("") as status:
            found = plan(
                [job for job, _ in jobs.values()], len(every), Meter() if "--measure" in words else None,
                lambda n, total: status.update(f"timing {n + 1} of {total}"),
            )  # fmt: skip
        show(found, console, "--measure" in words)

    def task(config: DictConfig) -> None:  # noqa: ARG001 - Hydra's signature
        raise BadInput("bnlab plan supports only the launchers of bnlab: leave out hydra/launcher")

    task.batch = batch  # type: ignore[attr-defined]
    hydra.call(task, overrides, multirun=True)
    return 0


def show(plan: "Plan", console: Console, measured: bool) -> None:
    """Print a plan."""

    def tell(line: str, style: str = "") -> None:
        console.print(line, style=style, soft_wrap=not console.is_terminal)

    studies = ", ".join(str(study) for study in sorted({job.study for job in plan.jobs}))
    tell(f"{studies}: {plan.requested} {'run' if plan.requested == 1 else 'runs'}, {plan.waiting} to train", "bold")
    found = [f"{n} {state}" for state, n in sorted(plan.states.items())]
    if plan.requested > len(plan.jobs):
        found.append(f"{plan.requested - len(plan.jobs)} the same as another")
    tell("  " + ", ".join(found))
    if plan.choice is not None:
        tell(plan.choice.why)
        tell("  " + _packs(plan))
        if plan.unsure:
            tell("  based on options only; times and sizes (--measure) may change the choice")
        if len(plan.groups) > 1:
            console.print(_table(plan.groups))
            if any("similar" in group.source for group in plan.to_train):
                tell("similar runs: the same model, data and batch, but another norm, placement or optimizer", "dim")
        tell(_time(plan))
        tell(_disk(plan))
    _causes(plan, console)
    if plan.to_train and not measured:
        tell("runs that cannot work are found by --measure, or refused by the sweep, which trains the others", "dim")


def _packs(plan: "Plan") -> str:
    sizes = Counter(len(pack.jobs) for pack in plan.packs)
    words = [
        f"{n} {'pack' if n == 1 else 'packs'} of {size}" if size > 1 else f"{n} alone"
        for size, n in sorted(sizes.items(), reverse=True)
    ]
    return ", ".join(words[:4]) + (", …" if len(words) > 4 else "")


def _table(groups: Sequence["Group"]) -> "Table":
    from rich.table import Table

    from bnlab.runs.duration import spoken

    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", overflow="fold")
    for heading in ("runs", "to train", "a run", "all"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("by", overflow="fold")
    for group in groups[:MOST]:
        times = ["", ""]
        if group.seconds is not None and group.refused is None and group.waiting:
            times = [spoken(group.seconds), spoken(group.seconds * len(group.waiting))]
        by = "cannot work" if group.refused is not None else group.source if group.waiting else "done"
        table.add_row(group.name, str(len(group.jobs)), str(len(group.waiting)), *times, by)
    if len(groups) > MOST:
        table.add_row(f"… and {len(groups) - MOST} more")
    return table


def _time(plan: "Plan") -> str:
    from bnlab.runs.duration import spoken

    if not plan.known:
        return "time: unknown, because no earlier run of the study has this model, data and batch"
    missing = plan.waiting - plan.known
    return f"time: about {spoken(plan.seconds)}" + (f", plus {missing} runs of unknown time" if missing else "")


def _disk(plan: "Plan") -> str:
    place = plan.jobs[0].study
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    size = "unknown" if plan.size is None else f"about {_bytes(plan.size)}"
    return f"disk: {size}, {_bytes(free)} free"


def _bytes(n: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} TB"


def _causes(plan: "Plan", console: Console) -> None:
    from bnlab.runs.causes import causes

    before = {f"{status} before": texts for status, texts in plan.causes.items()}
    now = [group.refused for group in plan.groups for _ in group.waiting if group.refused is not None]
    for title, texts in ({"cannot work": now} | before).items():
        for cause in causes(texts)[:MOST]:
            console.print(f"{title}: {len(cause.places)} x {cause.text}", style="yellow")
