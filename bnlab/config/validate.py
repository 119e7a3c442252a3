"""From composed values to a config whose every option is known, of its type and within its bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bnlab.config.compose import Composed
from bnlab.config.mistakes import option_keys
from bnlab.config.schema import COMMON, GROUPS, RUN, STATISTICS, SWEEP
from bnlab.errors import BadInput
from bnlab.norms import kinds
from bnlab.registry import ROOMS, find
from bnlab.text import nearest

# A sum of types fails once for each of its members; the message is that of the likeliest.
_SAYS = {"int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
         "bool_type": "true or false", "string_type": "text", "finite_number": "a finite number",
         "list_type": "a list"}  # fmt: skip


@dataclass(frozen=True)
class Config:
    """One run's options, typed. `run` has those outside the groups; each group has `name` beside its options.

    Attributes:
        sites: where the norm stands, sorted; empty for a norm that ignores placement.
        diagnostics: the options of each diagnostic by name.
        choices: the yaml that each group was chosen by, which reports call it by; its name where nobody chose one.
    """

    run: dict[str, Any]
    sweep: dict[str, Any]
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


def validate(composed: Composed) -> Config:
    """Check everything that needs no data and no torch.

    Raises:
        BadInput: one line naming the option, what is wrong with it and what would be right.
    """
    values = dict(composed.values)
    for group in GROUPS:
        if not isinstance(values.setdefault(group, {}), Mapping):
            raise BadInput(f"{group}={values[group]} is not a choice of {group}; see `bnlab list {group}`")
    sweep = values.pop("sweep", {})
    if not isinstance(sweep, Mapping):
        raise BadInput(f"sweep={sweep} is no option: there is {', '.join(f'sweep.{key}' for key in SWEEP)}")
    run = _options("", {k: v for k, v in values.items() if k not in GROUPS}, RUN)
    named = {group: _named(group, values[group]) for group in ROOMS if group != "diagnostics"}
    if run["scale"] is not None:  # a sweep takes it off its runs
        raise BadInput(f"scale={run['scale']} is a size of an experiment: `bnlab study NAME scale={run['scale']}`")
    if run["steps"] is not None:
        run["epochs"] = None
    sgd = named["optim"]
    if sgd.get("nesterov") and sgd["momentum"] == 0:
        raise BadInput("optim.nesterov=true needs optim.momentum above 0")
    if named["schedule"]["name"] == "plateau" and named["data"]["val_size"] == 0:
        raise BadInput("schedule=plateau watches the validation loss: set data.val_size above 0")
    study = run["study"] if run["study"] is not None else composed.choices.get("experiment", "main")
    if not study or study in (".", "..") or "/" in study or "\\" in study:
        raise BadInput(f"study={study!r} must be the name of one folder under output_dir={run['output_dir']}")
    return Config(
        run=run,
        **named,
        sweep=_options("sweep.", sweep, SWEEP),
        statistics=_options("statistics.", values["statistics"], STATISTICS),
        diagnostics=_diagnostics(values["diagnostics"], run["when"]),
        sites=_sites(values["placement"], named["norm"]["name"], named["model"]["name"]),
        study=study,
        choices={group: composed.choices.get(group, options["name"]) for group, options in named.items()},
    )


def _named(group: str, values: Mapping[str, Any]) -> dict[str, Any]:
    if "name" not in values:
        raise BadInput(f"{group} has no name: choose one, {group}=NAME (bnlab list {group})")
    entry = find(group, str(values["name"]))
    given = {k: v for k, v in values.items() if k != "name"}
    return {"name": entry.name} | _options(f"{group}.", given, COMMON.get(group, {}) | entry.options)


def _options(prefix: str, values: Mapping[str, Any], annotations: Mapping[str, Any]) -> dict[str, Any]:
    for key in values:
        if key not in annotations:
            known = {prefix + a for a in annotations} or option_keys()
            raise BadInput(f"{prefix}{key} is not an option here; {nearest(prefix + key, known)}")
    if missing := [key for key in annotations if key not in values]:
        raise BadInput(f"{prefix}{missing[0]} is missing: add it to the yaml that chose {prefix.rstrip('.') or 'this'}")
    return {key: _checked(prefix + key, values[key], annotation) for key, annotation in annotations.items()}


@cache
def _adapter(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)  # dearer than many a check


def _checked(key: str, value: Any, annotation: Any) -> Any:
    try:
        return _adapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        wanted = []
        for problem in error.errors():
            kind = problem["type"]
            text = _SAYS.get(kind) or problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
            if text not in wanted:
                wanted.append(text)
        if wanted == ["a list"]:
            wanted = [f"a list: {key}=[{value}]"]
        shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else value
        raise BadInput(f"{key}={shown} should be {' or '.join(wanted)}") from None


def _sites(placement: Mapping[str, Any], norm: str, model: str) -> tuple[str, ...]:
    for kind, chosen in placement.items():
        if kind != "default" and kind not in kinds.KINDS:
            raise BadInput(
                f"placement.{kind} is no site; {nearest(f'placement.{kind}', [f'placement.{k}' for k in kinds.KINDS])}"
            )
        _checked(f"placement.{kind}", chosen, bool)
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
        entry = find("diagnostics", name)
        checked[name] = _options(f"diagnostics.{name}.", options or {}, entry.options)
        if when is not None and entry.facts.get("table", "layers") == "layers":
            checked[name]["when"] = when
    return checked
