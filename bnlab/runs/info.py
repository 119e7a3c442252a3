"""run.json: what a run is, how it ended and the command that repeats it (keys: `schema.RUN_KEYS`)."""

import json
import math
import os
import re
import shlex
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic reads typing's own from Python 3.12 on

from bnlab.runs.atomic import write_atomic
from bnlab.runs.files import Unreadable, check_own, read_json
from bnlab.runs.schema import RUN_KEYS, STATUSES, VERSION
from bnlab.text import printable

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
RUN_ID = re.compile(r"[0-9a-f]{12}")
LARGEST = 2**63 - 1  # largest value of an integer column
NESTED = 4  # levels of lists and dicts within an axis


def _number(value: Any) -> Any:
    """Return the number for "nan", "inf" and "-inf"; other values unchanged."""
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value


@lru_cache(maxsize=1 << 15)  # a worker reads those of packs.json again and again
def _command(text: str) -> str:
    if any(sign in text for sign in "'\"\\"):
        shlex.split(text)  # raises ValueError for an unclosed quote
    return printable(text)


_name = lru_cache(maxsize=4096)(printable)  # thousands of runs have the same axes


def _axis(value: Any, depth: int = NESTED) -> Any:
    """Return the value of an axis in printable form: a scalar, or lists and dicts of scalars."""
    if isinstance(value, str):
        return _name(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("a number is not finite")
    elif isinstance(value, int):
        if abs(value) > LARGEST:
            raise ValueError("a whole number is too large")
    elif isinstance(value, list | dict):
        if depth == 0:
            raise ValueError("nested too deeply")
        if isinstance(value, dict):
            return {printable(key): _axis(one, depth - 1) for key, one in value.items()}
        return [_axis(one, depth - 1) for one in value]
    return value


def _axes(axes: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, value in axes.items():
        kind = type(value)  # fast path for usual types: thousands of runs have many axes each
        if not (kind is float and isfinite(value)) and kind is not bool and value is not None:
            value = _axis(value)
        found[_name(name)] = value
    lr, seed = found.get("optim.lr", 1.0), found.get("seed", 0)
    if isinstance(lr, bool) or not isinstance(lr, int | float) or lr <= 0:
        raise ValueError("optim.lr should be a number above 0")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError("seed should be a whole number, 0 or more")
    for name in ("epochs", "steps"):
        if not isinstance(found.get(name), int | None) or found.get(name) is True:
            raise ValueError(f"{name} should be a whole number")
    return found


RunId = Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]  # a folder's name, never a path
Line = Annotated[str, AfterValidator(printable)]
Lines = Annotated[str, AfterValidator(lambda text: printable(text, lines=True))]
RunCommand = Annotated[str, AfterValidator(_command)]
Whole = Annotated[int, Field(ge=0, le=LARGEST)]
Time = Annotated[float, Field(ge=0, le=1e10)]  # seconds: three centuries
Metric = Annotated[float, BeforeValidator(_number)] | None


class Execution(TypedDict, total=False):
    """Execution of a run."""

    executor: Line
    pack: Line
    runs: Annotated[int, Field(ge=1, le=LARGEST)]
    slot: Whole
    threads: Whole
    processes: Whole


class Info(TypedDict, total=False):
    """Content of run.json, see `schema.RUN_KEYS`."""

    __pydantic_config__ = ConfigDict(strict=True, extra="ignore")  # type: ignore[misc]

    run_id: RunId
    status: Literal["running", "complete", "diverged", "failed", "refused"]
    cause: Line | None
    traceback: Lines | None
    diverged_at: Whole | None
    seconds: Time | None
    versions: dict[Line, Line] | None
    git: Line | None
    device: Line | None
    n_params: Whole | None
    execution: Execution | None
    schema: Whole | None
    axes: Annotated[dict[str, Any], AfterValidator(_axes)]
    diagnostics: dict[Line, list[Line | Whole]] | None
    classes: Whole | None
    metrics: dict[Line, Metric] | None
    cost: dict[Line, Metric] | None
    command: RunCommand | None
    checksums: dict[Line, Line] | None


_INFO: TypeAdapter[Any] = TypeAdapter(Info)


def run_folders(study: Path) -> list[Path]:
    """Return the run folders of a study, by name: those with a run.json or, partly written, a config.yaml.

    Raises:
        Unreadable: the study's folder is not readable.
    """
    try:
        names = sorted(entry.name for entry in os.scandir(study) if entry.is_dir())
    except OSError as error:
        raise Unreadable(f"{printable(str(study))} cannot be read ({error.strerror})") from None
    return [study / name for name in names if _is_run(f"{study}/{name}")]


def _is_run(folder: str) -> bool:
    for name in ("run.json", "config.yaml"):
        try:
            os.lstat(f"{folder}/{name}")
        except PermissionError:  # its content is unknown: a run if its name is a run id
            return RUN_ID.fullmatch(Path(folder).name) is not None
        except OSError:
            continue
        return True
    return False


def write_info(folder: Path, info: dict[str, Any]) -> None:
    """Replace run.json; a metric that is not finite is written as "nan", "inf" or "-inf", which JSON lacks.

    Raises:
        ValueError: a key or the status is not in the schema.
    """
    unknown = sorted(info.keys() - set(RUN_KEYS))
    if unknown:
        raise ValueError(f"run.json has no key {', '.join(unknown)}; there is {', '.join(RUN_KEYS)}")
    if info["status"] not in STATUSES:
        raise ValueError(f"status {info['status']!r} is not one of {', '.join(STATUSES)}")
    metrics = {name: _to_json(value) for name, value in (info.get("metrics") or {}).items()}
    ordered = {key: info.get(key) for key in RUN_KEYS} | {"metrics": metrics}
    check_own(folder, folder=True)
    write_atomic(folder / "run.json", json.dumps(ordered, indent=2, allow_nan=False) + "\n")


def read_info(folder: Path) -> dict[str, Any]:
    """Return the content of run.json, with every key of the schema.

    Raises:
        Unreadable: it is missing, damaged, of a newer version, or has invalid values.
    """
    path, way_out = folder / "run.json", "remove its folder or train the run again"
    name = printable(str(path))
    try:
        content = read_json(path)
    except FileNotFoundError:
        raise Unreadable(f"{name} is missing (killed at its start?); {way_out}", blank=True) from None
    except Unreadable as error:
        raise Unreadable(f"{error}; {way_out}", blank=error.blank) from None
    if not isinstance(content, dict):
        raise Unreadable(f"{name} cannot be read (it holds no JSON object); {way_out}")
    if isinstance(content.get("schema"), int) and content["schema"] > VERSION:
        raise Unreadable(f"{name} has schema {content['schema']}, this bnlab reads up to {VERSION}: use a newer bnlab")
    if missing := [key for key in ("run_id", "status", "axes") if key not in content]:
        raise Unreadable(f"{name} cannot be read (it has no {missing[0]}); {way_out}")
    try:
        info = _INFO.validate_python(content)
    except ValidationError as error:
        raise Unreadable(f"{name} cannot be read ({_problem(error)}); {way_out}") from None
    content = dict.fromkeys(RUN_KEYS) | info | {"metrics": info.get("metrics") or {}}
    if content["cause"] is None and content["status"] in ("diverged", "failed", "refused"):
        content["cause"] = "no cause was recorded"
    return content


def _problem(error: ValidationError) -> str:
    """Return the first validation error, in a few words."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(printable(str(part)) for part in problem["loc"] if part != "[key]")
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{where[:80]}: {message[:120]}"


def _to_json(value: Any) -> Any:
    number = None if value is None else float(value)
    return number if number is None or math.isfinite(number) else str(number)
