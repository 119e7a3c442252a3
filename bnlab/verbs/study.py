"""`bnlab study`: a sweep, its report, and a verdict on each of the study's claims."""

import re
import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bnlab.errors import BadInput
from bnlab.terminal import Console, say

if TYPE_CHECKING:
    from bnlab.studies.record import Record

HELP = """\
usage: bnlab study NAME [overrides]
       bnlab study --all [overrides]

Trains the unfinished runs of a study, writes its report and judges its claims: confirmed if the whole 95 % interval is
beyond the threshold, refuted if all of it is short of the threshold, else undecided. The verdicts are at the top of the
report's page and in report/verdicts.md, .csv and .json. They do not change the exit status.

  bnlab study lr_sensitivity data.root=DIR
  bnlab study lr_sensitivity scale=smoke        takes seconds, to check that it works (cpu, the default: minutes;
                                                paper: hours)
  bnlab study --all scale=cpu                   all studies in turn; the same command resumes after an interruption
  bnlab study lr_sensitivity launcher=slurm     on a Slurm cluster, see bnlab sweep --help

A study is an experiment with claims (bnlab list study): conf/experiment/NAME.yaml.

"""

_VALUED = ("--config-dir", "-cd", "--cfg", "-c", "--info", "-i", "--package", "-p")  # flags that take the next word


def run(words: Sequence[str]) -> int:
    """Run one study or all of them and return the exit status."""
    from bnlab.verbs import hydra

    if {"-h", "--help"} & set(words):
        say(HELP + hydra.OPTIONS)
        return 0
    # The name is the first word that is not an override, a flag or the value of a flag.
    place = next((n for n, word in enumerate(words) if word == "--all" or _is_name(words, n)), None)
    first = "" if place is None else words[place]
    rest = [word for n, word in enumerate(words) if n != place]
    options = hydra.config_options([word for word in rest if word != "--dry-run"])
    known = _studies(options)
    if first == "--all":
        return _all(list(known), rest)
    if first not in known:
        raise BadInput(_unknown(first, list(known), options[1:]))
    ended = _study(first, rest, Console())
    return 1 if ended is not None and ended[1] else 0


def _is_name(words: Sequence[str], n: int) -> bool:
    before = words[n - 1] if n else ""
    return "=" not in words[n] and not words[n].startswith("-") and before not in _VALUED


def _all(names: Sequence[str], words: Sequence[str]) -> int:
    """Run every study and return the exit status; bad input in one study does not stop the others."""
    console = Console()
    status, lines = 0, []
    for name in names:
        console.rule(name)
        try:
            ended = _study(name, words, console)
        except BadInput as error:
            lines.append(f"{name}: not run: {error}")
            status = 2
            continue
        if ended is None:
            continue
        record, failed = ended
        count = record.count()
        lines.append(
            f"{name}: "
            + ", ".join(f"{count.get(one, 0)} {one}" for one in ("confirmed", "refuted", "undecided"))
            + (f"; {failed} runs failed" if failed else "")
        )
        status = status or (1 if failed else 0)
    console.rule("all studies")
    for line in lines:
        console.print(line, soft_wrap=True)
    return status


def _study(name: str, words: Sequence[str], console: Console) -> "tuple[Record, int] | None":
    """Sweep, judge and report one study.

    Returns:
        The verdicts and the number of failed runs; None if a flag such as --cfg only printed information.

    Raises:
        BadInput: an option or a claim is invalid; raised before any training.
    """
    from bnlab.adaptive.rounds import Rounds
    from bnlab.config.compose import Composer
    from bnlab.config.grammar import unquoted
    from bnlab.config.overrides import key_of
    from bnlab.report import build
    from bnlab.studies.claim import read_claims
    from bnlab.studies.record import Record
    from bnlab.studies.recording import Recording
    from bnlab.studies.selection import check
    from bnlab.studies.verdict import judge
    from bnlab.sweeps.cluster.options import unawaited
    from bnlab.sweeps.job import Jobs
    from bnlab.sweeps.layout.grid import DEFAULT
    from bnlab.verbs import hydra
    from bnlab.verbs.dry_run import print_script, without
    from bnlab.verbs.one_run import OneRun

    words, dry = without(words)
    options = hydra.config_options(words)
    command = shlex.join(["bnlab", "study", name, *words])
    given = {key.lstrip("+"): value for key, _, value in (word.partition("=") for word in words)}
    if "experiment" in given:
        raise BadInput(f"experiment={given['experiment']}: the study {name} already selects it: leave it out")
    scale = unquoted(given.get("scale", "null")).replace("null", DEFAULT)
    ended: list[tuple[Record, int]] = []

    def batch(composer: Composer, overrides: Sequence[Sequence[str]]) -> None:
        data = Jobs(options)
        keys = set(map(key_of, words))
        rounds = Rounds(composer, data, overrides, console, given=keys, command=command)
        if dry:
            print_script(rounds)
            return
        if option := unawaited(rounds.config):
            raise BadInput(
                f"{option} trains nothing here, and claims need results: lay out with `bnlab sweep experiment={name}`"
            )
        claims = read_claims(rounds.claims)
        for note in data.notes:
            console.print(note, soft_wrap=True)
        recordings = {
            job.run_id: Recording(job.config.model["name"], job.config.diagnostics) for job, _ in rounds.jobs.values()
        }
        planned = rounds.evidence()
        check(claims, planned.planned, keys, recordings, planned.searched)
        folders = {job.study for job, _ in rounds.jobs.values()}
        if len(folders) > 1:
            raise BadInput("study= should be one folder, because the verdicts are on all runs together: name one")
        rounds.run(partial(judge, claims))
        (folder,) = folders
        evidence = rounds.evidence()
        verdicts = judge(claims, evidence, rounds.rule)
        record = Record.of(name, scale, command, evidence.source, len(evidence.planned), verdicts, rounds.rule)
        record.write(folder / "report")
        page = build([folder], verdicts=record.shown(), command=command, remark=record.remark, notes=[record.how]).page
        _say(record, page, console)
        ended.append((record, len(rounds.summary.failed) + len(rounds.summary.skipped)))

    task = OneRun(console, options).entry()
    task.batch = batch  # type: ignore[attr-defined]  # our launcher calls it for all runs
    hydra.call(task, [f"experiment={name}", *words], multirun=True)
    return ended[0] if ended else None


def _say(record: "Record", page: Path, console: Console) -> None:
    from bnlab.studies.record import measured, number_of

    console.print(record.how, soft_wrap=True)
    if record.remark:
        console.print(record.remark, style="yellow", soft_wrap=True)
    colours = {"confirmed": "green", "refuted": "red", "undecided": "yellow"}
    for one in record.verdicts:
        case = f" [{one.case}]" if one.case else ""
        console.print(f"{one.verdict:<9}", style=colours[one.verdict], end=" ")
        seeds = "" if one.effect is None else f": {measured(one.effect)}, {number_of(one)}"
        why = f"; {one.reason}" if one.reason else ""
        console.print(f"{one.claim}{case} ({one.threshold}){seeds}{why}", soft_wrap=True)
    console.print(str(page), soft_wrap=True)


def _studies(options: Sequence[str]) -> dict[str, str]:
    """Return the summary line of every study by name, including those of --config-dir."""
    from bnlab.config.folder import conf_dir
    from bnlab.verbs.list import choices

    return choices([conf_dir(), *(Path(word) for word in options if word != "--config-dir")]).get("study", {})


def _unknown(first: str, known: Sequence[str], folders: Sequence[str]) -> str:
    from bnlab.config.yamls import text
    from bnlab.text import nearest

    own = [path for folder in folders for path in Path(folder).glob("experiment/*.yaml") if path.stem == first]
    if own and not re.search(r"^# @package _global_", text(own[0]), re.MULTILINE):
        return f"{own[0]}: its first line should be `# @package _global_`"
    if not first or "=" in first or first.startswith("-"):
        return f"name a study first, or --all; available: {', '.join(known)}"
    return (
        f"{first} is not a study; {nearest(first, known)} (an experiment without claims: bnlab sweep experiment=NAME)"
    )
