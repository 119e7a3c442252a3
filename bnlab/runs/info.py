"""run.json: what a run is, how it ended and what repeats it (keys: `schema.RUN_KEYS`)."""

import json
import math
from pathlib import Path
from typing import Any

from bnlab.errors import BadInput
from bnlab.runs.atomic import write_atomic
from bnlab.runs.schema import RUN_KEYS, STATUSES, VERSION

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Unreadable(BadInput):
    """A run folder without a usable run.json, as a kill in the very first moment or a full disk leaves it."""


def run_folders(study: Path) -> list[Path]:
    """The run folders in a study's folder, by name: those that hold a run.json or, half-written, a config.yaml."""
    return sorted(
        child
        for child in study.iterdir()
        if child.is_dir() and ((child / "run.json").exists() or (child / "config.yaml").exists())
    )


def write_info(folder: Path, info: dict[str, Any]) -> None:
    """Replace run.json. JSON has no nan: a metric that is not finite is written as "nan", "inf" or "-inf".

    Errors: ValueError for a key or status that the schema does not know.
    """
    unknown = sorted(info.keys() - set(RUN_KEYS))
    if unknown:
        raise ValueError(f"run.json has no key {', '.join(unknown)}; there is {', '.join(RUN_KEYS)}")
    if info["status"] not in STATUSES:
        raise ValueError(f"status {info['status']!r} is not one of {', '.join(STATUSES)}")
    metrics = {name: _to_json(value) for name, value in (info.get("metrics") or {}).items()}
    ordered = {key: info.get(key) for key in RUN_KEYS} | {"metrics": metrics}
    write_atomic(folder / "run.json", json.dumps(ordered, indent=2, allow_nan=False) + "\n")


def read_info(folder: Path) -> dict[str, Any]:
    """The content of run.json, every key of the schema present; `Unreadable` where it is missing, torn or newer."""
    path = folder / "run.json"
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Unreadable(f"{path} is missing (killed as it began?); remove its folder or train it anew") from None
    except (ValueError, OSError) as error:  # ValueError: torn JSON or bytes that are no text
        raise Unreadable(f"{path} cannot be read ({error}); remove its folder or train it anew") from None
    if not isinstance(info, dict):
        raise Unreadable(f"{path} holds no JSON object; remove its folder or train it anew")
    if isinstance(info.get("schema"), int) and info["schema"] > VERSION:
        raise Unreadable(f"{path} has schema {info['schema']}, this bnlab reads up to {VERSION}: use a newer bnlab")
    if (
        info.get("status") not in STATUSES
        or not isinstance(info.get("run_id"), str)
        or not isinstance(info.get("axes"), dict)
        or not isinstance(info.get("metrics") or {}, dict)
    ):
        raise Unreadable(
            f"{path} lacks a run_id, a status or axes, or has odd metrics; remove its folder or train it anew"
        )
    metrics = {name: _from_json(value) for name, value in (info.get("metrics") or {}).items()}
    return dict.fromkeys(RUN_KEYS) | info | {"metrics": metrics}


def _to_json(value: Any) -> Any:
    number = None if value is None else float(value)
    return number if number is None or math.isfinite(number) else str(number)


def _from_json(value: Any) -> Any:
    return _NON_FINITE[value] if isinstance(value, str) else value
