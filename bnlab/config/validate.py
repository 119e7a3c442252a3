"""Validate composed values: every option is known, has the right type and is within its bounds."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from omegaconf import DictConfig, OmegaConf
from pydantic import TypeAdapter, ValidationError

from bnlab.config.compose import Composed
from bnlab.config.excerpt import excerpt
from bnlab.config.hints import hint
from bnlab.config.mistakes import no_option, option_keys, suggestion
from bnlab.config.schema import COMMON, GROUPS, RUN, SEARCH, STATISTICS, SWEEP
from bnlab.config.signs import explained, named, unusable
from bnlab.config.study import check_study
from bnlab.errors import BadInput
from bnlab.norms import kinds
from bnlab.registry import ROOMS, entries, find
from bnlab.text import nearest

_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)([.][0-9]*)?([eE][+-]?[0-9]+)?")  # shown in quotes if it is text

# How messages name the types of pydantic's errors; a union has an error for each of its members.
_SAYS = {"int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
         "bool_type": "true or false", "string_type": "text", "finite_number": "a finite number",
         "list_type": "a list"}  # fmt: skip
_WHOLE = {"int_type", "int_from_float"}
_NUMERIC = {*_WHOLE, "float_type", "less_than_equal"}


@dataclass(frozen=True)
class Config:
    """Typed options of one run. `run` has those outside the groups; each group has `name` and its options.

    Attributes:
        sites: the kinds of site that have the norm, sorted; empty for a norm that ignores placement.
        diagnostics: the options of each diagnostic by name.
        choices: the chosen yaml of each group, by which reports name it; the entry's name if none was chosen.
        origin: the run that `init_from` names, as its run_id and, if known, the checksum of its weights
            ("run_id:checksum"); "" without `init_from`.
    """

    run: dict[str, Any]
    sweep: dict[str, Any]
    search: dict[str, Any]
    model: dict[str, Any]
    norm: dict[str, Any]
    data: dict[str, Any]
    statistics: dict[str, Any]
    optim: dict[str, Any]
    schedule: dict[str, Any]
    diagnostics: dict[str, dict[str, Any]]
    sites: tuple[str, ...]
    study: str
    choices: dict[str, str]
    origin: str = ""


def validate(composed: Composed) -> Config:
    """Check everything that needs neither data nor torch, and return the config.

    Raises:
        BadInput: an option is invalid; the line names it, what is wrong and the remedy.
    """
    values = dict(composed.values)
    if "experiment" in values:
        name = composed.choices.get("experiment", "NAME")
        raise BadInput(f"experiment={name}: the first line of its yaml should be `# @package _global_`")
    for group in GROUPS:
        if not isinstance(values.setdefault(group, {}), Mapping):
            raise BadInput(
                f"{group}={excerpt(values[group])} is not a choice of {group} here: write {group}=NAME on the command "
                f"line (bnlab list {group}), `- override /{group}: NAME` in the defaults of an experiment's yaml"
            )
    sweep = _once("sweep", values.pop("sweep", {}), sweep_options)
    search = _once("search", values.pop("search", {}), lambda part: _options("search.", part, SEARCH))
    run = _options("", {k: v for k, v in values.items() if k not in GROUPS}, RUN)

    def choice(group: str) -> dict[str, Any]:
        return _once(group, values[group], lambda part: _named(group, part, composed.choices.get(group)))

    chosen: dict[str, Any] = {group: choice(group) for group in GROUPS if group in ROOMS and group != "diagnostics"}
    if run["scale"] is not None:  # a sweep removes it from its runs
        raise BadInput(f"scale={run['scale']} sets the size of a study: `bnlab study NAME scale={run['scale']}`")
    if run["steps"] is not None:
        run["epochs"] = None
    if run["processes"] > chosen["data"]["batch_size"]:
        raise BadInput(
            f"processes={run['processes']} cannot share batches of {chosen['data']['batch_size']}: set processes to at "
            "most data.batch_size"
        )
    sgd = chosen["optim"]
    if sgd.get("nesterov") and sgd["momentum"] == 0:
        raise BadInput("optim.nesterov=true needs optim.momentum above 0")
    if chosen["schedule"]["name"] == "plateau" and chosen["data"]["val_size"] == 0:
        raise BadInput("schedule=plateau needs a validation loss: set data.val_size above 0")
    study = run["study"] if run["study"] is not None else composed.choices.get("experiment", "main")
    check_study(study, run["output_dir"])
    return Config(
        run=run,
        **chosen,
        sweep=sweep,
        search=search,
        statistics=_once("statistics", values["statistics"], lambda part: _options("statistics.", part, STATISTICS)),
        diagnostics=_once(f"diagnostics {run['when']}", values["diagnostics"], lambda p: _diagnostics(p, run["when"])),
        sites=_sites(values["placement"], chosen["norm"]["name"], chosen["model"]["name"]),
        study=study,
        choices={group: composed.choices.get(group, options["name"]) for group, options in chosen.items()},
    )


_SHARED = 1000  # parts of configs in the cache
_checked: dict[tuple[str, int], tuple[Any, Any]] = {}


def _once(kind: str, part: Any, check: Callable[[Any], Any]) -> Any:
    """Return a part of a config, checked once: the configs of a sweep share their common parts."""
    found = _checked.get((kind, id(part)))
    if found is not None and found[0] is part:
        return found[1]
    result = check(part)
    if len(_checked) >= _SHARED:
        _checked.clear()
    _checked[kind, id(part)] = (part, result)
    return result


def sweep_options(values: Any) -> dict[str, Any]:
    """Return the options of `sweep`, checked.

    Raises:
        BadInput: one of them is invalid.
    """
    if not isinstance(values, Mapping | DictConfig):
        raise BadInput(
            f"sweep={excerpt(values)} is not an option; available: {', '.join(f'sweep.{key}' for key in SWEEP)}"
        )
    plain = OmegaConf.to_container(values) if isinstance(values, DictConfig) else values
    assert isinstance(plain, Mapping)
    return _options("sweep.", plain, SWEEP)


def _named(group: str, values: Mapping[str, Any], choice: str | None) -> dict[str, Any]:
    if "name" not in values:
        example = next(iter(entries(group)))
        if choice is None:
            raise BadInput(f"{group} has no name: choose one, {group}=NAME (bnlab list {group})")
        raise BadInput(f"{group}={excerpt(choice)}: its yaml has no name; write `name: {example}` and its options")
    entry = find(group, str(values["name"]))
    given = {k: v for k, v in values.items() if k != "name"}
    return {"name": entry.name} | _options(f"{group}.", given, COMMON.get(group, {}) | entry.options)


def _options(prefix: str, values: Any, annotations: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise BadInput(f"{prefix.rstrip('.')}={excerpt(values)} should be options, as in key: value")
    values = {str(key): value for key, value in values.items()}  # a yaml may have numbers as keys
    for key in values:
        if key not in annotations:
            if prefix and prefix + key in option_keys():
                raise no_option(prefix + key)
            known = {prefix + a for a in annotations} or option_keys()
            raise BadInput(f"{prefix}{key} is not an option here; {suggestion(prefix + key, known)}")
    if missing := [key for key in annotations if key not in values]:
        raise BadInput(f"{prefix}{missing[0]} is missing: add it to the yaml that chose {prefix.rstrip('.') or 'this'}")
    return {key: checked(prefix + key, values[key], annotation) for key, annotation in annotations.items()}


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)  # building one takes longer than many checks


def checked(key: str, value: Any, annotation: Any) -> Any:
    """Return the value of an option, checked.

    Raises:
        BadInput: it has the wrong type, or is out of bounds.
    """
    for text in value if isinstance(value, list) else (value,) if isinstance(value, str) else ():
        if isinstance(text, str) and (char := unusable(text)) is not None:
            raise BadInput(f"{key}={excerpt(text)} contains {named(char)}: leave it out")
    try:
        return _adapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        wanted: list[str] = []
        problems = error.errors()
        for problem in problems:
            kind = problem["type"]
            said = _SAYS.get(kind) or problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
            said = said.replace("less than or equal to", "at most").replace("greater than or equal to", "at least")
            if said not in wanted:
                wanted.append(said)
        if wanted == ["a list"]:
            wanted = [f"a list: {key}=[{excerpt(value)}]"]
        of_values = all(any(isinstance(place, int) for place in problem["loc"]) for problem in problems)
        if type(None) in get_args(annotation) and not of_values:
            wanted.append("null")
        shown = repr(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else excerpt(value)
        clause = explained(value) if isinstance(value, str) else None
        kinds = {problem["type"] for problem in problems}
        if clause is None and (kinds & _NUMERIC or wanted[0][0].isdecimal()):
            clause = hint(key, None if "list[" in str(annotation) else value, whole=bool(kinds & _WHOLE))
        more = "" if clause is None else f" ({clause})"
        subject = f"{key}={shown}: each value" if of_values else f"{key}={shown}"
        raise BadInput(f"{subject} should be {' or '.join(wanted)}{more}") from None


def _sites(placement: Mapping[str, Any], norm: str, model: str) -> tuple[str, ...]:
    for kind, chosen in placement.items():
        if kind != "default" and kind not in kinds.KINDS:
            raise BadInput(
                f"placement.{kind} is not a site;"
                f" {nearest(f'placement.{kind}', [f'placement.{k}' for k in kinds.KINDS])}"
            )
        checked(f"placement.{kind}", chosen, bool)
    if find("norm", norm).facts.get("ignores_placement"):
        return ()
    chosen = {kind for kind, on in placement.items() if on}
    if "default" in chosen:
        chosen = chosen - {"default"} | set(find("model", model).facts["default_sites"])
    if not chosen:
        raise BadInput(f"placement names no site for norm={norm}: choose one (bnlab list placement), or norm=none")
    return tuple(sorted(chosen))


def _diagnostics(values: Mapping[str, Any], when: list[str | int] | None) -> dict[str, dict[str, Any]]:
    checked = {}
    for name, options in values.items():
        entry = find("diagnostics", str(name))
        checked[name] = _options(f"diagnostics.{name}.", options or {}, entry.options)
        if when is not None and entry.facts.get("table", "layers") == "layers":
            checked[name]["when"] = when
    return checked
