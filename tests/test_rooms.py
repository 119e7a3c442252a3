"""Who may import whom: imports point down only. What is not written here is not allowed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bnlab import registry

PACKAGE = Path(registry.__file__).parent

# Anybody may use these; they know nothing but what stands behind them.
LEAVES: dict[str, set[str]] = {
    "errors": set(),
    "imports": set(),
    "interrupt": set(),
    "memory": {"errors"},
    "options": set(),
    "rng": set(),
    "terminal": {"text"},
    "text": set(),
    "version": set(),
    "registry": {"errors", "imports", "options"},
    "faults": {"errors", "registry"},
}
ROOMS: dict[str, set[str]] = {
    "__main__": {"cli"},
    "cli": {"verbs", ""},  # "" is bnlab itself: its version
    "": {"runs"},  # bnlab.load
    "verbs": {"studies", "sweeps", "report", "config", "models", "runs", "laws", "zoo", "adaptive"},
    "adaptive": {"sweeps", "studies", "report", "config", "runs"},
    "zoo": {"report", "config", "norms", "noise", "runs"},
    "laws": {"report", "config", "training", "models", "diagnostics", "optim", "norms", "noise"},
    "studies": {"report", "runs"},
    "sweeps": {"config", "training", "models", "data", "ranks", "runs"},
    "config": {"training", "models", "diagnostics", "optim", "data", "norms", "ranks"},
    "training": {"models", "diagnostics", "optim", "data", "norms", "noise", "ranks", "runs"},
    "models": {"norms", "noise"},
    "diagnostics": set(),
    "optim": set(),
    "data": set(),
    "norms": {"noise", "ranks"},
    "noise": {"ranks"},
    "ranks": set(),
    "report": {"runs"},
    "runs": set(),
}
LIGHT = ("__main__", "cli", "", "studies", "report", "runs", *LEAVES)  # never torch, at whatever level

# What is shared of a room that others build on; the rest of it is reached by name, through the registry.
DOORS = {
    "norms": {"base", "kinds", "placement", "reparametrization", "running", "site", "storage"},
    "models": {"base", "describe"},
    "diagnostics": {"base", "block", "look"},
    "optim": {"hyper", "optimizers.base", "schedules.base"},
    "data": {"base", "common", "tensors"},
    "report": {
        "",
        "condition",
        "stats",
        "stats.critical",
        "stats.estimate",
        "stats.sensitivity",
        "measurement",
        "picture",
        "output_folder",
        "style",
    },
}

# Laws have nets of their own, which are made of the models' parts.
PARTS = {("laws", "models"): {"recurrence", "residual", "resnet", "sequence", "timed_site", "units"}}

SOURCES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """The first part of a module's name below bnlab; empty for bnlab itself."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def imported(path: Path) -> Iterator[str]:
    """Absolute names of what a file imports, at any level, for types or not; of bnlab, down to the module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module is not None
            for alias in node.names:
                below = PACKAGE.joinpath(*node.module.split(".")[1:], alias.name)
                is_module = node.module.startswith("bnlab") and (below.is_dir() or below.with_suffix(".py").exists())
                yield f"{node.module}.{alias.name}" if is_module else node.module


def ours(path: Path) -> Iterator[tuple[str, str]]:
    """(room, module within the room) of each import from bnlab."""
    for name in imported(path):
        first, *rest = name.split(".")
        if first == "bnlab":
            yield (rest[0] if rest else ""), ".".join(rest[1:])


def test_every_room_is_on_the_plan() -> None:
    assert {room_of(path) for path in SOURCES} <= ROOMS.keys() | LEAVES.keys()


def test_the_plan_has_no_circle() -> None:
    allowed = ROOMS | LEAVES
    order: list[str] = []
    while len(order) < len(allowed):
        free = [room for room in allowed if room not in order and allowed[room] - {""} <= set(order) | {room}]
        assert free, f"a circle among {allowed.keys() - set(order)}"
        order += free


def module_of(path: Path) -> str:
    """The dotted name of a file's module; of an __init__.py, of its package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_module_imports_itself_by_way_of_others() -> None:
    """At whatever level, for types or not."""
    graph = {module_of(path): set(imported(path)) - {module_of(path)} for path in SOURCES}

    def reached(module: str) -> set[str]:
        found, waiting = set[str](), [module]
        while waiting:
            new = graph[waiting.pop()] & graph.keys() - found
            found |= new
            waiting += new
        return found

    assert {module for module in graph if module in reached(module)} == set()


def test_imports_point_down() -> None:
    wrong = []
    for path in SOURCES:
        room = room_of(path)
        allowed = LEAVES[room] if room in LEAVES else ROOMS[room] | LEAVES.keys()
        wrong += [f"{path} imports bnlab.{other}" for other, _ in ours(path) if other not in allowed | {room}]
    assert wrong == []


def test_others_enter_a_room_through_its_doors() -> None:
    """So models know placements and never a norm, training no single diagnostic or optimizer."""
    wrong = []
    for path in SOURCES:
        for other, module in ours(path):
            room = room_of(path)
            if other in DOORS and other != room and module not in DOORS[other] | PARTS.get((room, other), set()):
                wrong.append(f"{path} imports bnlab.{other}.{module}")
    assert wrong == []


def test_rooms_without_torch_import_none() -> None:
    light = [path for path in SOURCES if room_of(path) in LIGHT and path.stem != "rng"]  # rng imports it in a function
    wrong = {str(path) for path in light for name in imported(path) if name.split(".")[0] in ("torch", "torchvision")}
    assert wrong == set()


def test_only_what_writes_pages_and_pictures_imports_the_report() -> None:
    users = {room_of(path) for path in SOURCES for other, _ in ours(path) if other == "report"}
    assert users - {"report"} <= {"verbs", "studies", "adaptive", "laws", "zoo"}


LOOKING = """
import sys
import bnlab.report, bnlab.runs.reader, bnlab.report.builder, bnlab.studies.record
from bnlab.cli import main
helps = [[verb, "--help"] for verb in sys.argv[1:]]
for words in (["--help"], ["--version"], ["list"], ["laws"], ["list", "norm", "--json"], *helps):
    assert main(words) == 0, words
assert main(["laws", "residual", "blocks=0"]) == 2
assert main(["zoo", "norm=group", "norm.groups=0"]) == 2
assert main(["train", "optim.lrr=1"]) == 2
heavy = {"torch", "torchvision", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""


def test_looking_around_loads_no_torch() -> None:
    from bnlab.cli import VERBS

    done = subprocess.run([sys.executable, "-c", LOOKING, *VERBS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
