"""`bnlab plan`: print what a sweep would do."""

import shutil
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from bnlab.terminal import Console, say

if TYPE_CHECKING:
    from rich.table import Table

    from bnlab.adaptive.rounds import Rounds
    from bnlab.studies.claim import Claim
    from bnlab.sweeps.planning.plan import Group, Plan

HELP = """\
usage: bnlab plan [overrides] [--measure]

Prints what `bnlab sweep` with the same overrides would do: the number of runs, those that are already done, failed,
refused or running, how the others are packed and which launcher trains them, and their time and disk space, estimated
from earlier runs of the study with the same model, data and batch (else unknown). Trains nothing and writes nothing.

  bnlab plan experiment=demo
  bnlab plan norm=none,batch,layer optim.lr=0.01,0.1,1 seed=0,1,2 study=first --measure
  bnlab plan experiment=demo launcher=slurm sweep.time=60     also the longest run against the time limit

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

    from bnlab.adaptive.rounds import Rounds
    from bnlab.config.compose import Composer
    from bnlab.config.overrides import key_of
    from bnlab.errors import BadInput
    from bnlab.studies.claim import read_claims
    from bnlab.studies.verdict import judge
    from bnlab.sweeps.job import Jobs
    from bnlab.sweeps.planning.plan import Meter, plan

    console = Console()

    def batch(composer: Composer, every: Sequence[Sequence[str]]) -> None:
        experiment = any(word.startswith("experiment=") for word in overrides)
        source = Jobs(hydra.config_options(overrides), without_data=experiment)
        rounds = Rounds(composer, source, every, console, given=set(map(key_of, overrides)), command="")
        claims = read_claims(rounds.claims)
        rounds.replay(partial(judge, claims) if claims else None)
        for note in source.notes:
            console.print(note, soft_wrap=True)
        with console.status("") as status:
            found = plan(
                [job for job, _ in rounds.jobs.values()], rounds.requested, Meter() if "--measure" in words else None,
                lambda n, total: status.update(f"timing {n + 1} of {total}"),
            )  # fmt: skip
        show(found, console, "--measure" in words)
        for line in rounds.outlook():
            console.print(line, soft_wrap=True)
        if claims:
            _show_needs(claims, rounds, found, console)

    def task(config: DictConfig) -> None:  # noqa: ARG001 - Hydra's signature
        raise BadInput("bnlab plan supports only the launchers of bnlab: leave out hydra/launcher")

    task.batch = batch  # type: ignore[attr-defined]
    hydra.call(task, overrides, multirun=True)
    return 0


def _show_needs(claims: Sequence["Claim"], rounds: "Rounds", plan: "Plan", console: Console) -> None:
    """Print how many seeds each claim needs, from the spread of earlier runs."""
    from rich.table import Table

    from bnlab.runs.duration import spoken
    from bnlab.studies.power import needs
    from bnlab.studies.selection import check

    evidence = rounds.evidence()
    check(claims, evidence.planned, (), searched=evidence.searched)
    found = needs(claims, evidence, rounds.rule)
    each = plan.seconds / plan.known if plan.known else None
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in ("claim", "now", "seeds for 80 % power", "more runs", "time"):
        table.add_column(heading, overflow="fold")
    for one in found:
        verdict = one.verdict
        name = verdict.claim + (f" [{verdict.case}]" if verdict.case else "")
        seeds, runs, time = "unknown", "", ""
        if verdict.verdict != "undecided":
            seeds = "decided"
        elif one.seeds is not None:
            seeds = one.shown
            runs = str(one.runs) if one.runs else ""
            time = spoken(each * one.runs) if each is not None and one.runs else ""
        table.add_row(name, verdict.verdict, seeds, runs, time)
    console.print(table)
    if any(one.seeds is None and one.verdict.verdict == "undecided" for one in found):
        tell = (
            "unknown: no earlier runs show the spread over seeds; critical rates are searched, not repeated over seeds"
        )
        console.print(tell, style="dim", soft_wrap=True)


def show(plan: "Plan", console: Console, measured: bool) -> None:
    """Print a plan."""
    from bnlab.sweeps.cluster.outlook import against_limit

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
        if (config := plan.jobs[0].config).run["launcher"] == "slurm":
            tell(against_limit(config, plan.longest))
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
