"""Takes the verdicts of finished studies into this folder: python experiments/record.py outputs/lr_sensitivity …

Of each study it keeps report/verdicts.json as <study>/verdicts.json and puts the table of it into <study>/README.md;
then it writes the table of all claims into README.md. Without a study it writes that table alone.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bnlab.studies.record import NAME, Record, measured, number_of, read, row, table

HERE = Path(__file__).parent


def take(report: Path, here: Path = HERE) -> Record:
    """Keep the verdicts of a report's folder, and put their table into the study's README."""
    record = read(report / f"{NAME}.json")
    # Where somebody's data lie is no part of what others repeat.
    record = replace(record, command=re.sub(r"\b(data\.root|output_dir)=\S+", r"\1=DIR", record.command))
    record.write(here / record.study)
    for suffix in ("csv", "md"):
        (here / record.study / f"{NAME}.{suffix}").unlink()
    fill(here / record.study / "README.md", "results", found(record))
    return record


def found(record: Record) -> str:
    """A study's table of verdicts, with what it came from."""
    return (
        f"{table(record)}\n\n"
        f"`{record.command}`: {record.n_runs} runs, scale {record.scale}, {record.device}, torch {record.torch}, "
        f"{record.date}. {record.how}"
    )


def overview(here: Path = HERE) -> str:
    """The table of all claims, from the verdicts that are kept."""
    lines = ["| study | claim | verdict | by how much | threshold | n |", "|---|---|---|---|---|---|"]
    for path in sorted(here.glob(f"*/{NAME}.json")):
        record = read(path)
        for one in record.verdicts:
            claim = one.claim + (f" [{one.case}]" if one.case else "")
            link = f"[{record.study}]({record.study}/README.md)"
            lines.append(f"| {link} {row([claim, one.verdict, measured(one.effect), one.threshold, number_of(one)])}")
    return "\n".join(lines)


def fill(path: Path, place: str, text: str) -> None:
    """Put a text between the marks of its place in a README: <!-- place --> … <!-- /place -->."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(f"<!-- {place} -->")
    _, end, after = rest.partition(f"<!-- /{place} -->")
    if not end:
        raise SystemExit(f"{path} has no place <!-- {place} --> … <!-- /{place} -->")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")


def main(studies: Sequence[str], here: Path = HERE) -> None:
    for study in studies:
        record = take(Path(study) / "report", here)
        print(f"{record.study}: {', '.join(f'{n} {verdict}' for verdict, n in sorted(record.count().items()))}")
    fill(here / "README.md", "verdicts", overview(here))


if __name__ == "__main__":
    main(sys.argv[1:])
