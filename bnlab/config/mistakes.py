"""Messages of one line for mistakes in configs, with a suggestion."""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from traceback import extract_tb

import hydra
import omegaconf
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf.errors import (
    GrammarParseError,
    InterpolationResolutionError,
    MissingMandatoryValue,
    OmegaConfBaseException,
)
from yaml import MarkedYAMLError, YAMLError

from bnlab.config.elsewhere import elsewhere
from bnlab.config.excerpt import excerpt
from bnlab.config.folder import conf_dir
from bnlab.config.schema import COMMON, GROUPS, RUN, SEARCH, SEARCHED, STATISTICS, SWEEP
from bnlab.config.signs import explained
from bnlab.errors import BadInput
from bnlab.norms.kinds import KINDS, RECURRENT
from bnlab.registry import ROOMS, entries
from bnlab.text import nearest

QUOTES = "\"'"
INTERVAL = f"it takes two rates above 0, the lower one first, as in {SEARCHED}=interval(1e-4,100)"
COMPLAINTS = (HydraException, OmegaConfBaseException, YAMLError)  # raised for mistakes in a config


def option_keys() -> set[str]:
    """Return every key that exists with some choice of groups."""
    keys = set(RUN) | set(GROUPS) | {f"placement.{kind}" for kind in KINDS}
    for part, options in (("statistics", STATISTICS), ("sweep", SWEEP), ("search", SEARCH)):
        keys |= {f"{part}.{option}" for option in options}
    for group in ROOMS.keys() & set(GROUPS):
        own = {option for entry in entries(group).values() for option in entry.options}
        if group == "diagnostics":
            keys |= {f"diagnostics.{name}.{o}" for name, entry in entries(group).items() for o in entry.options}
        else:
            keys |= {f"{group}.{option}" for option in own | set(COMMON.get(group, ()))}
    return keys


def is_complaint(error: Exception) -> bool:
    """Return whether an error is a complaint of Hydra, OmegaConf or yaml about a config.

    Some complaints of Hydra are plain ValueErrors; ValueErrors from elsewhere are bugs.
    """
    if isinstance(error, COMPLAINTS):
        return True
    frames = extract_tb(error.__traceback__)
    folders = [str(Path(package.__path__[0])) for package in (hydra, omegaconf)]
    return isinstance(error, ValueError) and bool(frames) and frames[-1].filename.startswith(tuple(folders))


def translate(error: Exception) -> BadInput:
    """Return a complaint of Hydra, OmegaConf or yaml about a config as a `BadInput` of one line."""
    message = str(error)
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return BadInput(f"{mark.name}, line {mark.line + 1}, cannot be read as yaml: {error.problem}")
    if isinstance(error, MissingConfigException) and error.missing_cfg_file and error.options is not None:
        group, _, choice = error.missing_cfg_file.partition("/")
        if group == "hydra":
            group, _, choice = error.missing_cfg_file.rpartition("/")
        return unknown_choice(group, choice, error.options)
    if found := re.search(r"Could not load '(\w+)/([^']+)'", message):  # in a list of choices
        known = [path.stem for path in (conf_dir() / found[1]).glob("[!_]*.yaml")]
        return unknown_choice(found[1], found[2], known)
    if found := re.search(r"Could not override '([^']+)'", message):
        return no_option(found[1])
    if found := re.search(r"Could not append to config\. An item is already at '([^']+)'", message):
        return BadInput(f"+{found[1]} is already an option: write it without the +")
    if found := re.search(r"Could not append to config group '([^']+)'", message) or re.search(
        r"config groups is not supported: '\+*([^'=]+)", message
    ):
        return BadInput(f"{found[1]} is a group that already has a choice: write {found[1]}=NAME without the +")
    if message.startswith("Ambiguous value for argument"):
        given = message.split("'")[1]
        return BadInput(f"{given} lists several values: `bnlab sweep` trains each, other verbs take one")
    if found := re.search(r"Sweep parameters '(.*)' requires --multirun", message, re.DOTALL):
        return BadInput(f"{excerpt(found[1])} lists several values: `bnlab sweep` trains each, other verbs take one")
    if isinstance(error, OverrideParseException):
        return _unreadable(error.override, message)
    if found := re.search(r"You must specify '([^']+)'", message):
        return BadInput(f"{found[1]} needs a choice: {found[1]}=NAME (bnlab list {found[1]})")
    if isinstance(error, InterpolationResolutionError | GrammarParseError) or "${" in message:
        return BadInput(f"{excerpt(_first(message), 200)}: ${{…}} refers to another option; write the value itself")
    if isinstance(error, MissingMandatoryValue):
        return BadInput(f"{excerpt(_first(message))}: ??? marks a value that must be given")
    if message.strip():
        return BadInput(_joined(message))
    cause = error.__cause__
    return translate(cause) if isinstance(cause, COMPLAINTS) else BadInput(f"{type(error).__name__} in the config")


def unknown_choice(group: str, choice: str, known: Iterable[str]) -> BadInput:
    """Return the error for an unknown choice of a group."""
    shown = f"{group or 'config'}={excerpt(choice)}"
    if (said := explained(choice)) is not None:
        char, _, meant = said.partition("; write ")
        return BadInput(f"{shown} is not known: {char}; write {group}={meant.strip(QUOTES)}")
    if group == "placement" and choice in KINDS:
        where = " (a site of recurrent nets, model=lstm)" if choice in RECURRENT else ""
        return BadInput(f"{shown} is not known; to switch that site on: placement.{choice}=true{where}")
    names = [name for name in known if not name.startswith("_")]
    other, _, name = choice.partition("/")
    if name and other in (*GROUPS, "experiment") and not names:  # how Hydra reads `model: cnn` within a group
        return BadInput(
            f"{group}/{other} is not a group: in the defaults of a yaml write `override /{other}: {excerpt(name)}`"
        )
    several = [one for one in re.split(r"[;|+&\s]+", choice) if one]
    if len(several) > 1 and set(several) <= set(names):
        return BadInput(f"{shown} is not known: commas separate choices, {group}={','.join(several)}")
    if options := _options_that_take(group, choice):
        return BadInput(f"{shown} is not known; available: {', '.join(sorted(names))}; a number is set by {options}")
    own = " (one of your own: plugins=[FILE.py])" if group in ("model", "norm") else ""
    return BadInput(f"{shown} is not known; {nearest(choice, names)}{own}")


def _options_that_take(group: str, choice: str) -> str | None:
    """Return the override that was probably meant by a number as the choice of a group (optim=0.1), or None."""
    try:
        float(choice)
    except ValueError:
        return None
    likely = {"optim": "optim.lr", "data": "data.batch_size", "model": "model.width", "schedule": "schedule.warmup"}
    return f"{likely[group]}={choice}" if group in likely else None


def suggestion(key: str, known: Collection[str]) -> str:
    """Return 'did you mean X?' for an unknown key, or the list of known ones."""
    found = [option for option in elsewhere(key) if option in known]
    return f"did you mean {found[0]}?" if found else nearest(key, known)


def no_option(key: str, choices: Mapping[str, str] | None = None) -> BadInput:
    """Return the error for a key that is not an option of the current choices.

    Args:
        choices: the choice of each group, if known.
    """
    if key.removeprefix("diagnostics.") in entries("diagnostics"):
        return BadInput(f"{key} has options; to choose it: diagnostics=[light,{key.removeprefix('diagnostics.')}]")
    if key in COMMON or key in GROUPS:
        return BadInput(f"{key} is a group: name one of its choices (bnlab list {key})")
    if key in option_keys() and "." in key:
        group, _, option = key.partition(".")
        if group == "diagnostics":
            name = option.partition(".")[0]
            return BadInput(f"{key}: {name} is not chosen here; to choose it: diagnostics=[light,{name}]")
        having = [name for name, entry in sorted(entries(group).items()) if option in entry.options]
        where = f"; {', '.join(having)} {'has' if len(having) == 1 else 'have'} it" if having else ""
        if choices is not None and group in choices:  # choices of one run of a sweep; other runs may have the option
            way = "leave it out, or sweep each in a separate command with the same study="
            return BadInput(f"{key} is not an option of {group}={choices[group]}{where}: {way}")
        return BadInput(f"{key} is not an option of the {group} chosen here{where}: leave it out, or choose another")
    return BadInput(f"{excerpt(key)} is not an option here; {suggestion(key, option_keys())}")


def _unreadable(word: str, message: str) -> BadInput:
    """Return the error for an override that the grammar rejects."""
    if found := re.search(r"while evaluating '(\w+)(?s:.*?)': (.*)", message):
        if found[1] == "interval":
            return BadInput(f"{excerpt(word)} cannot be evaluated: {INTERVAL}")
        usage = {
            "range": "range(0,10) counts from 0 to 9, range(0,1,0.1) in steps of 0.1",
            "choice": "choice(a,b) lists a and b",
            "glob": "glob(batch*) lists the choices whose names match",
        }.get(found[1], "list the values with commas")
        return BadInput(f"{excerpt(word)} cannot be evaluated ({excerpt(found[2], 200)}); {usage}")
    return BadInput(f"cannot read {excerpt(word)!r}: write key=value, without spaces around = and commas")


def _joined(message: str) -> str:
    """Return the informative lines of a message in one line, starting with the file that Hydra names."""
    message = re.sub(r"In '([^']+)': (?:\w+Error raised while composing config:)?", r"\1.yaml: ", message)
    lines = [line.strip() for line in message.partition("Config search path:")[0].splitlines()]
    said = [line for line in lines if line and not re.match(r"full_key:$|object_type=|See https", line)]
    return "; ".join(excerpt(line, 200) for line in said).replace(".yaml:; ", ".yaml: ")


def _first(message: str) -> str:
    return next((line.strip() for line in message.splitlines() if line.strip()), "")
