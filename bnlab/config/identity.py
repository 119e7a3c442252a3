"""Identity of a run: its id, and the axes by which reports group runs."""

import json
import re
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bnlab.config.schema import UNSCIENTIFIC, UNSCIENTIFIC_DATA, UNSCIENTIFIC_STATISTICS
from bnlab.config.validate import Config
from bnlab.registry import entries, find


def scientific(config: Config) -> dict[str, Any]:
    """Return the options that can change a result, nested; placement is sorted, and empty if the norm ignores it."""
    idle = () if config.model["init"] == "normal" else ("init_std",)
    parts, norm = {}, config.norm
    if "sync" in norm and find("norm", norm["name"]).plugin is None:
        # Where the whole batch is normalized together, the processes that share it change no number.
        if config.run["processes"] > 1 and not norm["sync"]:
            parts = {"processes": config.run["processes"]}
        else:
            norm = {key: value for key, value in norm.items() if key != "sync"}
    return {
        **{key: value for key, value in config.run.items() if key not in UNSCIENTIFIC},
        "model": {key: value for key, value in config.model.items() if key not in idle},
        **parts,
        "norm": norm,
        "placement": list(config.sites),
        "statistics": {key: value for key, value in config.statistics.items() if key not in UNSCIENTIFIC_STATISTICS},
        "data": {key: value for key, value in config.data.items() if key not in UNSCIENTIFIC_DATA},
        "optim": config.optim,
        "schedule": config.schedule,
    }


def run_id(config: Config, fingerprint: str) -> str:
    """Return twelve hexadecimal digits: blake2b of the scientific options and the data's fingerprint as canonical JSON.

    The options are typed already, so 1 and 1.0 of a real-valued option are the same run.
    """
    whole: dict[str, Any] = {"config": scientific(config), "fingerprint": fingerprint}
    if config.origin:
        whole["origin"] = config.origin
    if code := set(_code(config).values()):
        whole["plugins"] = sorted(code)
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _code(config: Config) -> dict[str, str]:
    """Return the modules of a user's own model and norm by group; their names contain a hash of their code."""
    chosen = {"model": find("model", config.model["name"]), "norm": find("norm", config.norm["name"])}
    return {group: entry.module for group, entry in chosen.items() if entry.plugin is not None}


def axes(config: Config) -> dict[str, Any]:
    """Return every option that can change a result, flat: a group's choice under the group, its options dotted.

    Runs with equal axes have the same id, unless the content of their data differs. The axes also include:

    - `init_from`: study and run_id of the run with the initial weights; `init_from.weights`: the hash of the weights;
    - `data.root`, except for data sets that can be downloaded, which are the same in every folder;
    - `norm.code`, `model.code`: the hash of a user's own code, so that reports separate its versions;
    - `norm.name` and so on: the name of the class, if the yaml has another name.

    Hashes are shortened to six hexadecimal digits.
    """
    flat: dict[str, Any] = {}
    for key, value in scientific(config).items():
        if isinstance(value, dict):
            if "name" in value:
                own = config.choices[key] not in entries(key)
                flat |= {key: config.choices[key], f"{key}.name": value["name"]} if own else {key: value["name"]}
            flat |= {f"{key}.{option}": v for option, v in value.items() if option != "name"}
        else:
            flat[key] = "+".join(value) if key == "placement" else value
    if "root" in config.data and "download" not in config.data:
        flat["data.root"] = config.data["root"]
    return flat | _origin(config) | {f"{group}.code": _digits(module) for group, module in _code(config).items()}


def _origin(config: Config) -> dict[str, Any]:
    if config.run["init_from"] is None:
        return {"init_from": None}
    name, _, weights = config.origin.partition(":")
    study = Path(config.run["init_from"]).absolute().parent.name
    return {"init_from": f"{study}/{name}", "init_from.weights": _digits(weights)}


def _digits(code: str) -> str:
    """Return the first six of the hexadecimal digits at the end of a name."""
    return re.split("[_-]", code)[-1][:6]
