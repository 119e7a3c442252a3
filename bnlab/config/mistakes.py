"""One line for each mistake, with the nearest right thing."""

import re

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from bnlab.config.schema import COMMON, GROUPS, RUN, STATISTICS, SWEEP
from bnlab.errors import BadInput
from bnlab.norms.kinds import KINDS
from bnlab.registry import ROOMS, entries
from bnlab.text import nearest


def option_keys() -> set[str]:
    """Every key that some choice of groups has."""
    keys = set(RUN) | set(GROUPS) | {f"placement.{kind}" for kind in KINDS}
    keys |= {f"statistics.{option}" for option in STATISTICS} | {f"sweep.{option}" for option in SWEEP}
    for group in ROOMS:
        own = {option for entry in entries(group).values() for option in entry.options}
        if group == "diagnostics":
            keys |= {f"diagnostics.{name}.{o}" for name, entry in entries(group).items() for o in entry.options}
        else:
            keys |= {f"{group}.{option}" for option in own | set(COMMON.get(group, ()))}
    return keys


def translate(error: Exception) -> BadInput:
    """A complaint of Hydra or OmegaConf, while they compose a config, as one line of ours; other errors are raised."""
    message = str(error)
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return BadInput(f"{mark.name}, line {mark.line + 1}, cannot be read as yaml: {error.problem}")
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        if group == "placement" and choice in KINDS:
            return BadInput(f"{group}={choice} is not known; to switch that site on: placement.{choice}=true")
        own = " (one of your own: plugins=[FILE.py])" if group in ("model", "norm") else ""
        return BadInput(f"{group or 'config'}={choice} is not known; {nearest(choice, error.options)}{own}")
    if found := re.search(r"Could not load '(\w+)/([^']+)'", message):  # in a list of choices
        from bnlab.config.compose import conf_dir  # which imports this module

        known = [path.stem for path in (conf_dir() / found[1]).glob("[!_]*.yaml")]
        return BadInput(f"{found[1]}={found[2]} is not known; {nearest(found[2], known)}")
    if found := re.search(r"Could not override '([^']+)'", message):
        key = found[1]
        if key.removeprefix("diagnostics.") in entries("diagnostics"):
            return BadInput(f"{key} has options; to choose it: diagnostics=[light,{key.removeprefix('diagnostics.')}]")
        if key in COMMON or key in GROUPS:
            return BadInput(f"{key} is a group: name one of its choices (bnlab list {key})")
        if key in option_keys():
            group, _, option = key.partition(".")
            if group == "diagnostics":
                name = option.partition(".")[0]
                return BadInput(f"{key}: {name} is not chosen here; to choose it: diagnostics=[light,{name}]")
            having = [name for name, entry in sorted(entries(group).items()) if option in entry.options]
            where = f"; {', '.join(having)} {'has' if len(having) == 1 else 'have'} it" if having else ""
            return BadInput(f"{key} is no option of the {group} chosen here{where}: leave it out, or choose another")
        return BadInput(f"{key} is not an option here; {nearest(key, option_keys())}")
    if found := re.search(r"Could not append to config\. An item is already at '([^']+)'", message):
        return BadInput(f"+{found[1]} is already an option: write it without the +")
    if message.startswith("Ambiguous value for argument"):
        given = message.split("'")[1]
        return BadInput(f"{given} lists several values: `bnlab sweep` takes each, other verbs take one")
    if isinstance(error, OverrideParseException):
        return BadInput(f"cannot read {error.override!r}: write key=value, without spaces around = and commas")
    if found := re.search(r"You must specify '([^']+)'", message):
        return BadInput(f"{found[1]} needs a choice: {found[1]}=NAME (bnlab list {found[1]})")
    if isinstance(error, HydraException | OmegaConfBaseException | ValueError):
        lines = [line.strip() for line in message.splitlines() if line.strip()]
        return BadInput("; ".join(lines[:2]))
    raise error
