"""What makes a run itself: its id, and the axes under which reports find it."""

import json
from hashlib import blake2b
from typing import Any

from bnlab.config.schema import UNSCIENTIFIC, UNSCIENTIFIC_DATA, UNSCIENTIFIC_STATISTICS
from bnlab.config.validate import Config
from bnlab.registry import find


def scientific(config: Config) -> dict[str, Any]:
    """The options that can change a number, nested; placement sorted, and empty where the norm ignores it."""
    idle = () if config.model["init"] == "normal" else ("init_std",)
    return {
        **{key: value for key, value in config.run.items() if key not in UNSCIENTIFIC},
        "model": {key: value for key, value in config.model.items() if key not in idle},
        "norm": config.norm,
        "placement": list(config.sites),
        "statistics": {key: value for key, value in config.statistics.items() if key not in UNSCIENTIFIC_STATISTICS},
        "data": {key: value for key, value in config.data.items() if key not in UNSCIENTIFIC_DATA},
        "optim": config.optim,
        "schedule": config.schedule,
    }


def run_id(config: Config, fingerprint: str) -> str:
    """Twelve hexadecimal digits: blake2b of the scientific options and the data's fingerprint as canonical JSON.

    The options are typed by then, so 1 and 1.0 of a real-valued option are one run.
    """
    whole: dict[str, Any] = {"config": scientific(config), "fingerprint": fingerprint}
    if config.origin:
        whole["origin"] = config.origin
    if code := set(_code(config).values()):
        whole["plugins"] = sorted(code)
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _code(config: Config) -> dict[str, str]:
    """The modules of a user's own model and norm by group; they are named by their content."""
    chosen = {"model": find("model", config.model["name"]), "norm": find("norm", config.norm["name"])}
    return {group: entry.module for group, entry in chosen.items() if entry.plugin is not None}


def axes(config: Config) -> dict[str, Any]:
    """Every option that can change a number, flat: a group's choice under the group, its options dotted.

    A user's own model or norm has its code among its options (`norm.code`, six hexadecimal digits of a hash), so that
    reports keep its versions apart.
    """
    flat: dict[str, Any] = {}
    for key, value in scientific(config).items():
        if isinstance(value, dict):
            if "name" in value:
                flat[key] = config.choices[key]
            flat |= {f"{key}.{option}": v for option, v in value.items() if option != "name"}
        else:
            flat[key] = "+".join(value) if key == "placement" else value
    return flat | {f"{group}.code": module.rpartition("_")[2][:6] for group, module in _code(config).items()}
