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
from typing import Any

from bnlab.report import Verdict as Shown
from bnlab.runs.atomic import write_atomic
from bnlab.runs.reader import Runs
from bnlab.studies.known import Effect
from bnlab.studies.verdict import Verdict

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
        folder.mkdir(parents=True, exist_ok=True)
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
            writer.writerow(cells)
        return buffer.getvalue()


def read(path: Path) -> Record:
    """A verdicts.json."""
    values = json.loads(path.read_text(encoding="utf-8"))
    verdicts = []
    for one in values.pop("verdicts"):
        effect = one["effect"] and {
            k: math.inf if v == "inf" else -math.inf if v == "-inf" else v for k, v in one["effect"].items()
        }
        verdicts.append(Verdict(**one | {"effect": effect and Effect(**effect), "runs": tuple(one["runs"])}))
    return Record(**values, verdicts=tuple(verdicts))


def table(record: Record) -> str:
    """The verdicts as a Markdown table."""
    lines = ["| claim | verdict | effect | threshold | n | published |", "|---|---|---|---|---|---|"]
    for one in record.verdicts:
        claim = one.claim + (f" [{one.case}]" if one.case else "")
        verdict = f"**{one.verdict}**" + (f": {one.reason}" if one.reason else "")
        n = "" if one.effect is None else str(one.effect.n)
        cells = [claim, verdict, measured(one.effect), one.threshold, n, one.published or "–"]
        lines.append(row(cells))
    return "\n".join(lines)


def row(cells: Sequence[str]) -> str:
    """A row of a Markdown table, whatever is in its cells."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


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
