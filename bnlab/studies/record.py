"""What a study leaves of its verdicts: report/verdicts.json, .csv and .md."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from bnlab.report import Verdict as Shown
from bnlab.report import as_markdown
from bnlab.runs.atomic import write_atomic
from bnlab.runs.cell import inert
from bnlab.runs.files import Unreadable, make_folder, read_json
from bnlab.runs.info import Line, Whole
from bnlab.runs.reader import Runs
from bnlab.studies.known import Effect
from bnlab.studies.verdict import Decision, Verdict
from bnlab.text import printable

NAME = "verdicts"
_COLUMNS = (
    "claim",
    "case",
    "verdict",
    "sign",
    "effect",
    "low",
    "high",
    "n",
    "threshold",
    "reason",
    "published",
    "runs",
    "command",
)


@dataclass(frozen=True)
class Record:
    """The verdicts of one study with where they come from.

    Attributes:
        scale: the size that was run.
        command: what repeats it.
        date: of the judgement, ISO.
        device, torch, git: of the runs; where they differ, each with how many.
        n_runs: planned runs.
        seeds: of a condition, at least and at most; as text.
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

    @classmethod
    def of(
        cls, study: str, scale: str, command: str, source: Runs, n_runs: int, verdicts: Sequence[Verdict]
    ) -> "Record":
        """With the provenance of these runs."""
        infos = list(source.infos.values())
        return cls(
            study, scale, command, datetime.now(UTC).date().isoformat(),
            _tally(info["device"] for info in infos),
            _tally((info["versions"] or {}).get("torch") for info in infos),
            _tally(info["git"] for info in infos),
            n_runs, tuple(verdicts),
        )  # fmt: skip

    def count(self) -> dict[str, int]:
        """How many of which verdict."""
        return dict(Counter(one.verdict for one in self.verdicts))

    @property
    def remark(self) -> str:
        """What a reader should know before the verdicts; "" where there is nothing."""
        small = "scale=smoke: it shows that the study runs, and is too small for its verdicts to mean anything"
        return small if self.scale == "smoke" else ""

    def write(self, folder: Path) -> None:
        """Write the three files into a report's folder."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_folder(folder)
        write_atomic(folder / f"{NAME}.json", json.dumps(_plain(asdict(self)), indent=1, ensure_ascii=False) + "\n")
        write_atomic(folder / f"{NAME}.csv", self._csv())
        write_atomic(folder / f"{NAME}.md", table(self) + "\n")

    def shown(self, *, named: bool = False) -> list[Shown]:
        """For the report's page, on request each with the study's name."""
        return [
            Shown(
                claim=f"{f'{self.study}: ' if named else ''}{one.claim}{f' [{one.case}]' if one.case else ''} "
                f"({one.threshold})",
                verdict=one.verdict,
                effect=one.reason if one.effect is None else central(one.effect),
                interval="" if one.effect is None else interval(one.effect),
                n="" if one.effect is None else str(one.effect.n),
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
    """Return a study's name, which is that of a folder too."""
    if not name or name.startswith(".") or "/" in name:
        raise ValueError("should be a study's name")
    return name


_Number = Annotated[float, BeforeValidator(_infinity)]


class _Effect(BaseModel):
    model_config = ConfigDict(strict=True)

    value: _Number
    low: _Number
    high: _Number
    n: Whole
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


def read(path: Path) -> Record:
    """Return the content of a verdicts.json.

    Raises:
        FileNotFoundError: there is none.
        Unreadable: it cannot be read, or holds something else.
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
    return Record(**content.model_dump() | {"verdicts": tuple(verdicts)})


def table(record: Record) -> str:
    """The verdicts as a Markdown table."""
    lines = ["| claim | verdict | effect | threshold | n | published |", "|---|---|---|---|---|---|"]
    for one in record.verdicts:
        claim = one.claim + (f" [{one.case}]" if one.case else "")
        why = f": {one.reason}" if one.reason else ""
        n = "" if one.effect is None else str(one.effect.n)
        before, after = [claim], [measured(one.effect), one.threshold, n, one.published or "–"]
        lines.append(f"{row(before)} **{one.verdict}**{as_markdown(why)} {row(after)}")
    return "\n".join(lines)


def row(cells: Sequence[str]) -> str:
    """A row of a Markdown table, whatever is in its cells."""
    return "| " + " | ".join(map(as_markdown, cells)) + " |"


def measured(effect: Effect | None) -> str:
    """A number with its interval: "10 (3.3 to 30)"."""
    return "–" if effect is None else f"{central(effect)} ({interval(effect)})"


def central(effect: Effect) -> str:
    """The number alone: "10", or "≥ 10" where it is but a bound."""
    return f"{effect.sign} {number(effect.value)}".strip()


def interval(effect: Effect) -> str:
    """The interval alone: "3.3 to 30"."""
    return f"{number(effect.low)} to {number(effect.high)}"


def number(value: float) -> str:
    """Three digits; what rounding leaves of 0 is 0."""
    return f"{float(f'{round(value, 9) + 0.0:.3g}'):g}".replace("inf", "∞").replace("-", "−")


def _tally(values: Any) -> str:
    counts = Counter("unknown" if value is None else str(value) for value in values)
    return next(iter(counts)) if len(counts) == 1 else ", ".join(f"{v} ({n} runs)" for v, n in counts.most_common())


def _plain(value: Any) -> Any:
    """JSON has no infinity: it is written as "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and math.isinf(value) else value
