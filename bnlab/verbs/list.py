"""`bnlab list`: what there is."""

import json
from collections.abc import Sequence
from pathlib import Path

HELP = """\
usage: bnlab list [GROUP] [--json] [--config-dir DIR]

Without a group: the groups and their choices. With one: its choices, one line each.
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
            raise BadInput(f"{group} is no group; {nearest(group, everything)}")
    shown = {group: everything[group] for group in chosen or everything}
    if as_json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    elif chosen:
        for group in chosen:
            width = max(map(len, shown[group]), default=0)
            for name, line in shown[group].items():
                print(f"{name:<{width}}  {line}")
    else:
        for group, names in shown.items():
            print(f"{group:<12} {', '.join(names)}")
    return 0


def choices(folders: Sequence[Path]) -> dict[str, dict[str, str]]:
    """Group -> choice -> its line, from the yaml files of those folders."""
    found: dict[str, dict[str, str]] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/*.yaml")):
            if not path.name.startswith("_"):
                found.setdefault(path.parent.name, {})[path.stem] = summary(path)
    return found


def summary(path: Path) -> str:
    """The first comment of a yaml that is not a directive."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and not line.startswith("# @package"):
            return line.lstrip("# ").rstrip()
        if not line.startswith("#"):
            break
    return ""
