"""`bnlab list`: what there is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap

HELP = """\
usage: bnlab list [GROUP] [--json] [--config-dir DIR]

Without a group: the groups and their choices. With one: its choices, one line each;
of diagnostics also the unit, the cost and the source.
--json prints one object, group -> choice -> line.
"""


def run(words: Sequence[str]) -> int:
    """Print the choices; returns the exit status."""
    from bnlab.config.compose import conf_dir
    from bnlab.errors import BadInput
    from bnlab.text import nearest

    if {"-h", "--help"} & set(words):
        print(HELP)
        return 0
    rest = list(words)
    folders = [conf_dir()]
    if "--config-dir" in rest:
        at = rest.index("--config-dir")
        extra = Path(rest[at + 1]) if at + 1 < len(rest) else Path()
        if not extra.is_dir() or at + 1 == len(rest):
            raise BadInput(f"--config-dir {extra} is no folder; it should hold norm/mine.yaml and the like")
        folders.append(extra)
        del rest[at : at + 2]
    as_json = "--json" in rest
    chosen = [word for word in rest if word != "--json"]
    everything = choices(folders)
    for group in chosen:
        if group not in everything:
            if homes := [home for home, names in everything.items() if group in names]:
                raise BadInput(f"{group} is no group, but a choice of {homes[0]}: bnlab list {homes[0]}")
            raise BadInput(f"{group} is no group; {nearest(group, everything)}")
    shown = {group: everything[group] for group in chosen or everything}
    if as_json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    elif chosen:
        for group in chosen:
            if group == "diagnostics":
                print("\n".join(detailed(shown[group], get_terminal_size().columns)))
                continue
            width = max(map(len, shown[group]), default=0)
            for name, line in shown[group].items():
                print(f"{name:<{width}}  {line}")
    else:
        for group, names in shown.items():
            print(f"{group:<12} {', '.join(names)}")
    return 0


def detailed(lines: Mapping[str, str], width: int) -> Iterator[str]:
    """What each diagnostic measures, its unit, cost and source, behind the sets of them, wrapped to `width`."""
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
    """Group -> choice -> its line, from the yaml files of those folders; `study` are the experiments with claims."""
    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.yaml")):
            if not path.name.startswith("_"):
                found.setdefault(path.parent.name, {})[path.stem] = summary(path)
                if path.parent.name == "experiment" and "\nclaims:" in path.read_text(encoding="utf-8"):
                    found.setdefault("study", {})[path.stem] = summary(path)
    return found


def summary(path: Path) -> str:
    """The first comment of a yaml that is not a directive."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and not line.startswith("# @package"):
            return line.lstrip("# ").rstrip()
        if not line.startswith("#"):
            break
    return ""
