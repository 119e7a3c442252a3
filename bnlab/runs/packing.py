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
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import Unreadable, check_own, read_bytes, read_json, read_text
from bnlab.runs.info import RUN_ID, Line, RunCommand, RunId
from bnlab.runs.lock_holder import NAME as LOCK
from bnlab.runs.schema import CHECKPOINT
from bnlab.text import printable

NAME = "packs.json"
AMONG = "among"  # key of `asked`: how many packs the workers could train at once when they divided the runs
MOST_THREADS = 1024  # torch aborts the process if asked for many times more

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


def _is_sound(records: list[Record]) -> list[Record]:
    """Return the records; raise ValueError if a pack could never be found again or two share a run."""
    run_ids = [run_id for record in records for run_id in record.runs]
    if odd := [run_id for run_id in run_ids if not RUN_ID.fullmatch(run_id)]:
        raise ValueError(f"{odd[0]} is not a run id")
    if len(run_ids) != len(set(run_ids)):
        raise ValueError("a run is in two packs")
    if any(record.id != pack_id(list(record.runs)) for record in records):
        raise ValueError("the id of a pack is not that of its runs")
    return records


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
    content = _read(study, Record)
    try:
        return Packing(_is_sound(content.packs), content.retired, content.versions)
    except ValueError as error:
        raise Unreadable(f"{printable(str(study / NAME))} cannot be read ({error})") from None


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


def planned(study: Path, started: set[str]) -> dict[Path, str]:
    """Return the folders of the runs in packs.json that have not started, each with its command; none if damaged."""
    try:
        packs = _read(study, _Planned).packs
    except Unreadable:
        return {}
    commands = {run_id: command for record in packs for run_id, command in record.runs.items()}
    return {study / run_id: command for run_id, command in commands.items() if run_id not in started}
