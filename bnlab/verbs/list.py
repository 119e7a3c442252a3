"""`bnlab list`: print the available choices."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap

from bnlab.terminal import say

HELP = """\
usage: bnlab list [GROUP] [--json] [--config-dir DIR]

Without a group, prints the groups and their choices. With a group, prints its choices, one per line;
for diagnostics also the unit, the cost and the source.
--json prints one object, group -> choice -> line.
"""


def run(words: Sequence[str]) -> int:
    """Print the choices and return the exit status."""
    from bnlab.config.excerpt import excerpt
    from bnlab.config.folder import conf_dir
    from bnlab.config.overrides import check_text
    from bnlab.errors import BadInput
    from bnlab.text import nearest
    from bnlab.verbs.flags import existing

    if {"-h", "--help"} & set(words):
        say(HELP)
        return 0
    rest = list(words)
    folders = [conf_dir()]
    for word in rest:
        check_text(word)
    while flag := next((word for word in rest if word.partition("=")[0] in ("--config-dir", "-cd")), None):
        at, (name, equals, value) = rest.index(flag), flag.partition("=")
        if len(folders) > 1:
            raise BadInput(f"{name} is given twice: leave one out")
        if not equals and at + 1 == len(rest):
            raise BadInput(f"{name} needs a folder that contains files such as norm/mine.yaml")
        folders.append(Path(existing(value if equals else rest[at + 1])))
        del rest[at : at + 1 if equals else at + 2]
    as_json = "--json" in rest
    chosen = list(dict.fromkeys(word for word in rest if word != "--json"))
    everything = choices(folders)
    for group in chosen:
        if group not in everything:
            if group.startswith("-"):
                raise BadInput(f"{excerpt(group)} is not a flag; available: --json and --config-dir DIR")
            if homes := [home for home, names in everything.items() if group in names]:
                raise BadInput(f"{group} is not a group, but a choice of {homes[0]}: bnlab list {homes[0]}")
            raise BadInput(f"{excerpt(group)} is not a group; {nearest(group, everything)}")
    shown = {group: everything[group] for group in chosen or everything}
    if as_json:
        say(json.dumps(shown, indent=2, ensure_ascii=False))
    elif chosen:
        for group in chosen:
            if group == "diagnostics":
                say("\n".join(detailed(shown[group], get_terminal_size().columns)))
                continue
            width = max(map(len, shown[group]), default=0)
            for name, line in shown[group].items():
                say(f"{name:<{width}}  {line}")
    else:
        for group, names in shown.items():
            say(f"{group:<12} {', '.join(names)}")
    return 0


def detailed(lines: Mapping[str, str], width: int) -> Iterator[str]:
    """Yield lines wrapped to `width`: sets of diagnostics, then each diagnostic with its unit, cost and source."""
    from bnlab.registry import entries

    known, indent = entries("diagnostics"), max(map(len, lines)) + 2
    width = max(width, indent + 30)
    for name in sorted(lines, key=lambda name: name in known):
        if name not in known:
            yield from wrap(lines[name], width, initial_indent=f"{name:<{indent}}", subsequent_indent=" " * indent)
            continue
        facts = known[name].facts
        measures = facts["measures"][0].upper() + facts["measures"][1:]
        yield from wrap(measures, width, initial_indent=f"{name:<{indent}}", subsequent_indent=" " * indent)
        for fact in ("unit", "cost", "source"):
            label = " " * indent + f"{fact + ':':<8}"
            yield from wrap(facts[fact], width, initial_indent=label, subsequent_indent=" " * len(label))


def choices(folders: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Return group -> choice -> summary line from the yaml files of the folders; `study`: experiments with claims."""
    from bnlab.config.yamls import text
    from bnlab.errors import BadInput

    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.yaml")):
            if not path.name.startswith("_"):
                try:
                    content = text(path)
                except BadInput as reason:  # the others are still listed
                    found.setdefault(path.parent.name, {})[path.stem] = str(reason)
                    continue
                found.setdefault(path.parent.name, {})[path.stem] = summary(content)
                if path.parent.name == "experiment" and "\nclaims:" in f"\n{content}":
                    found.setdefault("study", {})[path.stem] = summary(content)
    return found


def summary(content: str) -> str:
    """Return the first comment line of a yaml that is not a directive."""
    for line in content.splitlines():
        if line.startswith("#") and not line.startswith("# @package"):
            return line.lstrip("# ").rstrip()
        if not line.startswith("#"):
            break
    return ""
