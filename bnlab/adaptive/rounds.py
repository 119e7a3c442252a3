"""Rounds of a sweep: train, look at the results, choose the next runs, until there is none to choose.

Only the runs themselves are written. Each choice is a function of finished runs, so the same command repeats the same
rounds and trains only what is missing.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bnlab.adaptive.search import Search
from bnlab.config.compose import Composer
from bnlab.config.identity import axes
from bnlab.config.overrides import key_of
from bnlab.config.validate import validate
from bnlab.errors import BadInput
from bnlab.report.condition import LR, SEED
from bnlab.report.stats import Outcomes, learning_threshold, outcomes
from bnlab.runs.reader import Runs
from bnlab.studies.evidence import Evidence
from bnlab.studies.verdict import Rule, Verdict
from bnlab.sweeps.cluster.options import check, unawaited
from bnlab.sweeps.display.console import labels
from bnlab.sweeps.job import Job, Jobs
from bnlab.sweeps.sweep import Summary, prepare, run_sweep
from bnlab.terminal import Console

_INTERVAL = re.compile(rf"{re.escape(LR)}=interval\((.+),(.+)\)")

Words = list[str]
Judge = Callable[[Evidence, Rule], Sequence[Verdict]]


@dataclass
class Searched:
    """A condition whose critical rate is searched.

    Attributes:
        words: its overrides, without rate and seed.
        label: what distinguishes it from the other conditions.
        accuracy: lowest val accuracy of a run that does not go wrong; None: the learning threshold.
        folders: of its runs so far, in the order of their seeds.
    """

    words: Words
    label: str
    search: Search
    accuracy: float | None
    folders: list[str] = field(default_factory=list)


class Rounds:
    """The runs of a sweep, chosen round by round.

    Args:
        overrides: of each run; optim.lr=interval(LOW,HIGH) asks for a search.
        given: keys of the overrides on the user's command line.
        command: the user's command.

    Attributes:
        jobs: the runs so far by folder, each with a label.
        claims: those of the experiment, as in its yaml.
        rule: how they are judged.
        summary: results of the runs so far.

    Raises:
        BadInput: an option of a run is invalid, or seeds are listed although looks or a search choose them.
    """

    def __init__(
        self,
        composer: Composer,
        data: Jobs,
        overrides: Sequence[Sequence[str]],
        console: Console,
        *,
        given: Collection[str],
        command: str,
    ) -> None:
        self._composer, self._data, self._console, self._command = composer, data, console, command
        ranged = {tuple(_without(one, LR, SEED)): _range(one) for one in overrides if _range(one) is not None}
        listed = [list(one) for one in overrides if _range(one) is None]
        composed = composer.compose(at_low_end(overrides[0]))
        self.claims = composed.claims
        config = self.config = validate(composed)
        looks = config.sweep["looks"]
        if (laid_out := unawaited(config)) and (ranged or looks is not None):
            raise BadInput(
                f"{laid_out} lays out a fixed grid, and sweep.looks and optim.lr=interval() choose runs from "
                "results: list seeds and rates, and set sweep.looks=null"
            )
        check(config, given)
        self.rule = Rule(None if looks is None else tuple(looks), config.sweep["family"])
        if SEED in given and looks is not None:
            raise BadInput(
                f"seed= is given, and sweep.looks={looks} chooses the seeds: leave seed= out, or set sweep.looks=null"
            )
        if SEED in given and ranged:
            raise BadInput("seed= is given, and optim.lr=interval() draws its own seeds: leave seed= out")
        self._searches = []
        for (words, ends), label in zip(ranged.items(), labels(map(list, ranged)), strict=True):
            assert ends is not None
            options = validate(composer.compose([*words, f"{LR}={ends[0]!r}"])).search
            label = label if len(ranged) > 1 else ""
            self._searches.append(Searched(list(words), label, Search.of(*ends, options), options["accuracy"]))
        if not ranged and (idle := sorted(key for key in given if key.startswith("search."))):
            raise BadInput(f"{idle[0]} is given, and no search: add optim.lr=interval(1e-4,100), or leave it out")
        self._began = time.monotonic()
        self._stopped = ""
        self._words: dict[str, Words] = {}  # overrides of each run without its seed
        self.jobs: dict[str, tuple[Job, str]] = {}
        self.summary = Summary()
        self._requested = len(listed)
        if looks is not None:
            bases = list(dict.fromkeys(tuple(_without(one, SEED)) for one in listed))
            listed = [[*base, f"{SEED}={seed}"] for base in bases for seed in range(looks[0])]
        self._listed: set[str] = set()  # folders of the runs that no search chose, or not only a search
        self._waiting = self._prepare(listed, self._rates())

    def run(self, judge: Judge | None = None) -> None:
        """Train all rounds.

        Args:
            judge: returns verdicts on the runs so far; None: without claims there is only the first look.
        """
        is_first = True
        while self._waiting:
            if is_first or not self._is_trained():
                self._train(is_first)
            self._choose(judge, say=True)
            is_first = False
        if self._stopped:
            self._console.print(f"stopped: {self._stopped}", style="yellow", soft_wrap=True)

    def replay(self, judge: Judge | None = None) -> None:
        """Choose runs as `run` does, without training, up to a round that is not finished."""
        while self._waiting and self._is_trained():
            self._choose(judge, say=False)

    @property
    def requested(self) -> int:
        """Number of runs before duplicates were merged, in a sweep that lists all of them; else of those so far."""
        return len(self.jobs) if self.rule.looks is not None or self._searches else self._requested

    def outlook(self) -> Iterator[str]:
        """Yield what may follow the runs so far."""
        if self.rule.looks is not None:
            yield f"looks: {', '.join(map(str, self.rule.looks))} seeds; `bnlab study` goes on with undecided claims"
        if self._searches:
            most = sum(one.search.runs for one in self._searches)
            n = len(self._searches)
            yield f"search: critical lr of {n} {'condition' if n == 1 else 'conditions'}, at most {most} runs in all"

    def evidence(self) -> Evidence:
        """Return the evidence of all runs so far."""
        planned = {job.run_id: axes(job.config) for job, _ in self.jobs.values()}
        source = Runs((job.folder for job, _ in self.jobs.values()), lenient=True)
        searched = {Path(folder).name for one in self._searches for folder in one.folders if folder not in self._listed}
        return Evidence(planned, source, searched=searched)

    def _prepare(self, listed: Sequence[Words], searched: Sequence[Words]) -> dict[str, tuple[Job, str]]:
        """Return the new runs among the listed and the searched ones."""
        overrides = [*listed, *searched]
        found = prepare(self._composer, self._data, overrides, self._console) if overrides else {}
        if self.rule.looks is not None or self._searches:
            folders = [self._folder(words) for words in overrides]
            self._words |= {folder: _without(words, SEED) for folder, words in zip(folders, overrides, strict=True)}
            self._listed |= set(folders[: len(listed)])
        new = {folder: pair for folder, pair in found.items() if folder not in self.jobs}
        self.jobs |= new
        return new

    def _folder(self, words: Words) -> str:
        return str(self._data.job(self._composer.compose(words), words).folder)

    def _is_trained(self) -> bool:
        return all(job.finished() for job, _ in self._waiting.values())

    def _train(self, is_first: bool) -> None:
        requested = self.requested if is_first else len(self._waiting)
        summary = run_sweep(self._waiting, requested, self._console, self._command)
        self.summary.skipped |= summary.skipped
        self.summary.studies = sorted({*self.summary.studies, *summary.studies})
        self.summary.infos |= summary.infos

    def _choose(self, judge: Judge | None, *, say: bool) -> None:
        """Choose the next round from the results of this one."""
        for folder, (job, _) in self._waiting.items():
            if folder not in self.summary.infos and (info := job.info()) is not None:
                self.summary.infos[folder] = info
        if say:
            for one in self._searches:
                if not self._waiting.keys().isdisjoint(one.folders):
                    self._say(one)
        rates, seeds = self._rates(), [] if judge is None else self._look(judge)
        self._stopped = self._limit(len(rates) + len(seeds)) if rates or seeds else ""
        self._waiting = {} if self._stopped else self._prepare(seeds, rates)

    def _limit(self, more: int) -> str:
        """Return which limit further runs would exceed; "" if none."""
        minutes, most = self.config.sweep["max_minutes"], self.config.sweep["max_runs"]
        if minutes is not None and time.monotonic() - self._began > 60 * minutes:
            return f"sweep.max_minutes={minutes:g} are over; the same command continues"
        if len(self.jobs) + more > most:
            return f"sweep.max_runs={most} would be exceeded by {more} more runs"
        return ""

    def _rates(self) -> list[Words]:
        """Return the next runs of each search, with new seeds."""
        following = []
        for one in self._searches:
            found = self._outcomes(one)
            if found is None:
                continue
            for rate in one.search.following(found):
                words = [*one.words, f"{LR}={rate:g}", f"{SEED}={len(one.folders)}"]
                one.folders.append(self._folder(words))
                following.append(words)
        return following

    def _outcomes(self, one: Searched) -> Outcomes | None:
        """Return the outcomes of a search so far; None if one of its runs has none."""
        infos = [self.summary.infos.get(folder) for folder in one.folders]
        if any(info is None or info["status"] not in ("complete", "diverged") for info in infos):
            return None
        mine = pd.DataFrame(
            [
                (info["axes"][LR], info["status"], info["metrics"].get("val_accuracy"), info["classes"])
                for info in infos
                if info is not None
            ],
            columns=["lr", "status", "val_accuracy", "classes"],
        )
        accuracy = one.accuracy
        if accuracy is None:
            classes = mine["classes"].dropna()
            accuracy = 0.0 if classes.empty else learning_threshold(int(classes.iloc[0]))
        return outcomes(mine.astype({"val_accuracy": "float64"}), accuracy)

    def _look(self, judge: Judge) -> list[Words]:
        """Return the runs of the next look of each claim that is undecided."""
        looks = self.rule.looks
        if looks is None:
            return []
        following: dict[tuple[str, ...], None] = {}
        first = {job.run_id: folder for folder, (job, _) in self.jobs.items() if job.config.run["seed"] == 0}
        for verdict in judge(self.evidence(), self.rule):
            if verdict.verdict != "undecided" or verdict.look in (None, looks[-1]) or verdict.effect is None:
                continue
            if verdict.reason:  # its next look was trained, and cannot be judged
                continue
            after = looks[looks.index(verdict.look) + 1]
            for run_id in verdict.runs:
                if run_id in first:
                    words = self._words[first[run_id]]
                    following |= {(*words, f"{SEED}={seed}"): None for seed in range(looks[0], after)}
        folders = {self._folder(list(words)): list(words) for words in following}
        self._listed |= folders.keys()  # also those that a search has trained
        return [words for folder, words in folders.items() if folder not in self.jobs]

    def _say(self, one: Searched) -> None:
        """Print the interval of a search."""
        found = self._outcomes(one)
        state = "the search stopped, because a run has no result" if found is None else one.search.described(found)
        self._console.print(f"{one.label or 'all runs'}: {state}", soft_wrap=True)


def _range(words: Sequence[str]) -> tuple[float, float] | None:
    """Return the ends of the interval of rates that a run's overrides ask to search; None if they name a rate."""
    found = next((match for word in words if (match := _INTERVAL.fullmatch(word))), None)
    return None if found is None else (float(found[1]), float(found[2]))


def at_low_end(words: Sequence[str]) -> Words:
    """Return the overrides with the low end of an interval in its place."""
    ends = _range(words)
    return list(words) if ends is None else [*_without(words, LR), f"{LR}={ends[0]!r}"]


def _without(words: Sequence[str], *keys: str) -> Words:
    return [word for word in words if key_of(word) not in keys]
