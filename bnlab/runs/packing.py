"""packs.json of a study: which runs are trained together, in which order, and the command that trains each.

    {"packs": [{"id", "executor", "threads", "runs": {run_id: command}, "asked": {option: value}, "alike"}, ...],
     "retired": ["pack_<id>.pt", ...], "versions": {"bnlab", "torch"}}

`asked` holds the options that led to a pack, with `AMONG` if workers divided the runs. `retired` names the checkpoints
of packs that no longer exist, until they are removed. `versions` are those with which the runs were laid out.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import Unreadable, check_own, parse_json, read_bytes, read_json, read_text
from bnlab.runs.info import RUN_ID, Line, RunCommand, RunId
from bnlab.runs.lock_holder import NAME as LOCK
from bnlab.runs.schema import CHECKPOINT
from bnlab.text import printable

NAME = "packs.json"
AMONG = "among"  # key of `asked`: how many packs the workers could train at once when they divided the runs
MOST_THREADS = 1024  # torch aborts the process if asked for many times more

_OWN_FORMAT = re.compile(r'\{"packs": \[\n(.*)\n\], ("retired": .*)\n', re.DOTALL)
CHECKPOINT_NAME = re.compile(r"pack_[0-9a-f]{12}\.pt")
CheckpointName = Annotated[str, Field(pattern=f"^{CHECKPOINT_NAME.pattern}$")]


def _commands(runs: Any) -> Any:
    """Return the runs with their commands; an older format lists only the runs."""
    return dict.fromkeys(runs, "") if isinstance(runs, list) else runs


class _Planned(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    runs: Annotated[dict[RunId, RunCommand], BeforeValidator(_commands), Field(min_length=1)]


Kind = TypeVar("Kind", bound=_Planned)


class Record(_Planned):
    """One pack.

    Attributes:
        id: `pack_id` of its runs, which are folders of this study.
        alike: the same for packs whose runs could be trained together; "" if unknown (from an older bnlab).
    """

    id: Line
    executor: Line
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)]
    asked: dict[Line, bool | int | float | Line | None]
    alike: Line = ""

    @property
    def kind(self) -> str:
        """The same for records whose runs can be trained together, as far as is known."""
        return self.alike or self.id


def _checked(record: Record) -> Record:
    """Return the record; raise ValueError if the pack could never be found again."""
    if odd := [run_id for run_id in record.runs if not RUN_ID.fullmatch(run_id)]:
        raise ValueError(f"{odd[0]} is not a run id")
    if record.id != pack_id(list(record.runs)):
        raise ValueError("the id of a pack is not that of its runs")
    return record


@lru_cache(maxsize=1 << 15)  # when workers divide some packs, the lines of all others stay
def _record(line: str) -> Record:
    return _checked(Record.model_validate(parse_json(line)))


class _Content(BaseModel, Generic[Kind]):
    model_config = ConfigDict(strict=True)

    packs: list[Kind]
    retired: list[CheckpointName] = []
    versions: dict[Line, Line] = {}


@dataclass
class Packing:
    """Content of packs.json."""

    packs: list[Record] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)


def pack_id(run_ids: Sequence[str]) -> str:
    """Return a hash of the runs in their order: twelve hexadecimal digits."""
    return blake2b(" ".join(run_ids).encode(), digest_size=6).hexdigest()


def checkpoint_path(study: Path, run_ids: Sequence[str]) -> Path:
    """Return the path of the checkpoint of these runs' pack: a single run's own, or one file for all of them."""
    return study / run_ids[0] / CHECKPOINT if len(run_ids) == 1 else study / f"pack_{pack_id(run_ids)}.pt"


def read_packing(study: Path) -> Packing:
    """Return the content of a study's packs.json; empty if there is none.

    Raises:
        Unreadable: it is damaged.
    """
    found = _lines(study)
    try:
        if found is None:
            content = _read(study, Record)
            found = Packing([_checked(record) for record in content.packs], content.retired, content.versions)
        if sum(len(record.runs) for record in found.packs) > len(
            {run for record in found.packs for run in record.runs}
        ):
            raise ValueError("a run is in two packs")
    except ValueError as error:
        raise Unreadable(f"{printable(str(study / NAME))} cannot be read ({error})") from None
    return found


def _lines(study: Path) -> Packing | None:
    """Return the content of a file as `write_packing` writes it, a pack in each line; None for any other."""
    try:
        found = _OWN_FORMAT.fullmatch(read_text(study / NAME))
        if found is None:
            return None
        packs, rest = found.groups()
        content = _Content[Record].model_validate(parse_json(f'{{"packs": [], {rest}'))
        return Packing([_record(line) for line in packs.split(",\n")], content.retired, content.versions)
    except (FileNotFoundError, Unreadable, ValueError, RecursionError):
        return None


def _read(study: Path, kind: type[Kind]) -> _Content[Kind]:
    path = study / NAME
    try:
        return _Content[kind].model_validate(read_json(path))  # type: ignore[valid-type]
    except FileNotFoundError:
        return _Content[kind](packs=[])  # type: ignore[valid-type]
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(printable(str(part)) for part in problem["loc"])
        raise Unreadable(f"{printable(str(path))} cannot be read ({where[:80]}: {problem['msg'][:120]})") from None


def write_packing(
    study: Path, packs: Sequence[Record], retired: Sequence[str], versions: Mapping[str, str] | None = None
) -> None:
    """Replace packs.json, unless it already has this content."""
    check_own(study / NAME)
    lines = ",\n".join(json.dumps(record.model_dump()) for record in packs)
    more = f'"retired": {json.dumps(sorted(retired))}, "versions": {json.dumps(versions or {})}'
    text = f'{{"packs": [\n{lines}\n], {more}}}\n'
    try:
        before = read_text(study / NAME)
    except (FileNotFoundError, Unreadable):
        before = ""
    if before != text:
        write_atomic(study / NAME, text)


def is_listed(study: Path, name: str) -> bool:
    """Return whether packs.json has a pack with this id; False if it is damaged.

    The file is not parsed if the text has the id where `write_packing` puts it: it lists thousands of packs.
    """
    with suppress(FileNotFoundError, Unreadable):
        if f'\n{{"id": "{name}", '.encode() in read_bytes(study / NAME):
            return True
        return any(record.id == name for record in read_packing(study).packs)
    return False


def has_begun(study: Path, run_ids: Iterable[str]) -> bool:
    """Return whether one of the runs has started, or a process has locked it to start it."""
    return any(os.path.lexists(f"{study}/{one}/{name}") for one in run_ids for name in (LOCK, "run.json", CHECKPOINT))


def planned(study: Path) -> dict[str, str]:
    """Return the commands of the runs in packs.json by run id; none if it is damaged."""
    packs: Sequence[_Planned]
    if (found := _lines(study)) is not None:
        packs = found.packs
    else:
        try:
            packs = _read(study, _Planned).packs
        except Unreadable:
            return {}
    return {run_id: command for record in packs for run_id, command in record.runs.items()}
