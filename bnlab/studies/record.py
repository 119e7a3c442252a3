"""The files of a study's verdicts: report/verdicts.json, .csv and .md."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bnlab.report import Verdict as Shown
from bnlab.report import as_markdown
from bnlab.report.stats import LEVEL
from bnlab.runs.atomic import write_atomic
from bnlab.runs.cell import inert
from bnlab.runs.files import Unreadable, make_folder, read_json
from bnlab.runs.info import Line, Whole
from bnlab.runs.reader import Runs
from bnlab.studies.quantity import Effect
from bnlab.studies.verdict import SEPARATELY, Decision, Rule, Verdict
from bnlab.text import printable

NAME = "verdicts"
_COLUMNS = (
    "claim", "case", "verdict", "sign", "effect", "low", "high", "n", "unit", "threshold", "reason", "published",
    "look", "level", "runs", "command",
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """The verdicts of one study with their provenance.

    Attributes:
        scale: the scale that was run.
        command: the command that repeats the study.
        date: the ISO date of the verdicts.
        device, torch, git: of the runs; if they differ, each value with its number of runs.
        n_runs: the number of planned runs.
        looks: numbers of seeds at which the claims were judged; None: once, with all seeds.
        family: whether each claim has its own error probability, or all of them together (Holm); "earlier": verdicts of
            a version of bnlab whose intervals of rates reached from one rate of the grid to the next.
    """

    study: str
    scale: str
    command: str
    date: str
    device: str
    torch: str
    git: str
    n_runs: int
    verdicts: tuple[Verdict, ...]
    looks: tuple[int, ...] | None = None
    family: Literal["each", "holm", "earlier"] = "each"

    @classmethod
    def of(
        cls,
        study: str,
        scale: str,
        command: str,
        source: Runs,
        n_runs: int,
        verdicts: Sequence[Verdict],
        rule: Rule = SEPARATELY,
    ) -> "Record":
        """Return a record with the provenance of the runs in `source`."""
        infos = list(source.infos.values())
        return cls(
            study, scale, command, datetime.now(UTC).date().isoformat(),
            _tally(info["device"] for info in infos),
            _tally((info["versions"] or {}).get("torch") for info in infos),
            _tally(info["git"] for info in infos),
            n_runs, tuple(verdicts), rule.looks, rule.family,
        )  # fmt: skip

    @property
    def how(self) -> str:
        """A sentence on the intervals and on the false verdicts to expect."""
        n = len(self.verdicts)
        if self.family == "earlier":
            return (
                "Intervals are 95 % over seeds; those of rates reach from one rate of the grid to the next, which is "
                "too narrow (verdicts of an earlier version)."
            )
        if self.looks is None:
            line = "Intervals are 95 % over seeds, or of a posterior over all runs."
        else:
            line = (
                f"Claims were judged at {', '.join(map(str, self.looks))} seeds until they were decided. Their "
                "intervals are wider than ordinary ones, so that at 95 % they hold over all these looks together, if "
                "the looks were planned before the first result."
            )
        if self.family == "holm":
            return f"{line} Any false verdict among all {n} has at most a probability of 5 % (Holm)."
        return f"{line} Each verdict is false with at most 5 %: of {n}, at most {LEVEL * n:.2g} on average."

    def count(self) -> dict[str, int]:
        """Return the number of claims by verdict."""
        return dict(Counter(one.verdict for one in self.verdicts))

    @property
    def remark(self) -> str:
        """A note to show before the verdicts, or ""."""
        small = "scale=smoke: this only checks that the study runs; it is too small for its verdicts to mean anything"
        return small if self.scale == "smoke" else ""

    def write(self, folder: Path) -> None:
        """Write the three files into a report folder."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_folder(folder)
        write_atomic(folder / f"{NAME}.json", json.dumps(_plain(asdict(self)), indent=1, ensure_ascii=False) + "\n")
        write_atomic(folder / f"{NAME}.csv", self._csv())
        write_atomic(folder / f"{NAME}.md", table(self) + "\n")

    def shown(self, *, named: bool = False) -> list[Shown]:
        """Return the verdicts for the report's page, with named=True each with the name of the study."""
        return [
            Shown(
                claim=f"{f'{self.study}: ' if named else ''}{one.claim}{f' [{one.case}]' if one.case else ''} "
                f"({one.threshold})",
                verdict=one.verdict,
                effect=one.reason if one.effect is None else central(one.effect),
                interval="" if one.effect is None else interval(one.effect),
                n=number_of(one),
                command=self.command,
                published=one.published,
                runs=one.runs,
            )
            for one in self.verdicts
        ]

    def _csv(self) -> str:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        for one in self.verdicts:
            cells = asdict(one) | {"runs": " ".join(one.runs), "command": self.command, "effect": None}
            if one.effect is not None:
                cells |= asdict(one.effect) | {"effect": one.effect.value}
                del cells["value"]
            writer.writerow({name: inert(value) for name, value in cells.items()})
        return buffer.getvalue()


def _infinity(value: Any) -> Any:
    return {"inf": math.inf, "-inf": -math.inf}.get(value, value) if isinstance(value, str) else value


def _folder(name: str) -> str:
    """Return a study's name, which is also that of its folder."""
    if not name or name.startswith(".") or "/" in name:
        raise ValueError("should be the name of a study")
    return name


_Number = Annotated[float, BeforeValidator(_infinity)]


class _Effect(BaseModel):
    model_config = ConfigDict(strict=True)

    value: _Number
    low: _Number
    high: _Number
    n: Whole
    unit: Literal["seeds", "runs"] = "seeds"
    sign: Annotated[str, Field(pattern="^[≥≤]?$")] = ""

    @model_validator(mode="after")
    def _order(self) -> "_Effect":
        if self.low > self.high:
            raise ValueError("the interval ends before it begins")
        return self


class _Verdict(BaseModel):
    model_config = ConfigDict(strict=True)

    claim: Line
    case: Line
    verdict: Decision
    effect: _Effect | None
    threshold: Line
    reason: Line
    runs: list[Line]
    published: Line
    look: Whole | None = None
    level: Annotated[float, Field(gt=0, lt=1)] = LEVEL


class _Content(BaseModel):
    model_config = ConfigDict(strict=True)

    study: Annotated[Line, AfterValidator(_folder)]
    scale: Line
    command: Line
    date: Line
    device: Line
    torch: Line
    git: Line
    n_runs: Whole
    verdicts: list[_Verdict]
    looks: list[Whole] | None = None
    family: Literal["each", "holm", "earlier"] = "earlier"


def read(path: Path) -> Record:
    """Return the content of a verdicts.json.

    Raises:
        FileNotFoundError: the file does not exist.
        Unreadable: the file cannot be read or its content is invalid.
    """
    try:
        content = _Content.model_validate(read_json(path))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = printable(".".join(map(str, problem["loc"])))[:80] or "its content"
        message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")[:120]
        raise Unreadable(f"{printable(str(path))} cannot be read ({where}: {message})") from None
    verdicts = []
    for one in content.verdicts:
        effect = None if one.effect is None else Effect(**one.effect.model_dump())
        verdicts.append(Verdict(**one.model_dump() | {"effect": effect, "runs": tuple(one.runs)}))
    looks = None if content.looks is None else tuple(content.looks)
    return Record(**content.model_dump() | {"verdicts": tuple(verdicts), "looks": looks})


def table(record: Record) -> str:
    """Return the verdicts as a Markdown table."""
    lines = ["| claim | verdict | effect | threshold | n | published |", "|---|---|---|---|---|---|"]
    for one in record.verdicts:
        claim = one.claim + (f" [{one.case}]" if one.case else "")
        why = f": {one.reason}" if one.reason else ""
        n = number_of(one)
        before, after = [claim], [measured(one.effect), one.threshold, n, one.published or "–"]
        lines.append(f"{row(before)} **{one.verdict}**{as_markdown(why)} {row(after)}")
    return "\n".join(lines)


def number_of(verdict: Verdict) -> str:
    """Return what a verdict is based on: "5 seeds", "34 runs"; "" without an effect."""
    return "" if verdict.effect is None else f"{verdict.effect.n} {verdict.effect.unit}"


def row(cells: Sequence[str]) -> str:
    """Return a row of a Markdown table, with its cells escaped."""
    return "| " + " | ".join(map(as_markdown, cells)) + " |"


def measured(effect: Effect | None) -> str:
    """Return a number with its interval: "10 (3.3 to 30)"."""
    return "–" if effect is None else f"{central(effect)} ({interval(effect)})"


def central(effect: Effect) -> str:
    """Return the number without its interval: "10", or "≥ 10" if it is only a bound."""
    return f"{effect.sign} {number(effect.value)}".strip()


def interval(effect: Effect) -> str:
    """Return the interval only: "3.3 to 30"."""
    return f"{number(effect.low)} to {number(effect.high)}"


def number(value: float) -> str:
    """Return a number with three significant digits; rounding errors around 0 become 0."""
    return f"{float(f'{round(value, 9) + 0.0:.3g}'):g}".replace("inf", "∞").replace("-", "−")


def _tally(values: Any) -> str:
    counts = Counter("unknown" if value is None else str(value) for value in values)
    return next(iter(counts)) if len(counts) == 1 else ", ".join(f"{v} ({n} runs)" for v, n in counts.most_common())


def _plain(value: Any) -> Any:
    """Replace infinities, which JSON does not have, by "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and math.isinf(value) else value
