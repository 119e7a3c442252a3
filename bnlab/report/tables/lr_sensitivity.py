"""Learning-rate sensitivity: the usable rates of each condition, and its results at the best rate."""

import pandas as pd

from bnlab.report.escaping import few
from bnlab.report.frame import Frame
from bnlab.report.interface import Missing, Table
from bnlab.report.stats import Cell, Critical, Sensitivity, estimate, learning_threshold
from bnlab.report.tables._words import NONE, accuracy, names, numbers, time

TITLE = "Learning-rate sensitivity"
ORDER = 10
_RATES = 4  # rates per condition that a note names


def table(frame: Frame) -> Table | Missing:
    """Return one row per condition, by the definitions of `bnlab.report.stats`."""
    if not frame.has_accuracy:
        return Missing("learning-rate sensitivity needs the val accuracy of finished runs, and there is none")
    rows = [_row(frame, place) for place in range(len(frame.conditions))]
    shown = pd.DataFrame([shown for _, shown, _ in rows]).fillna("")
    notes: dict[str, list[str]] = {}  # one line per kind
    for condition, (_, _, mine) in zip(frame.conditions, rows, strict=True):
        for kind, detail in mine:
            notes.setdefault(kind, []).append(f"{condition.label} ({detail})" if detail else condition.label)
    lines = [f"{kind}: {few(of)}" for kind, of in notes.items()]
    return Table(pd.DataFrame([data for data, _, _ in rows]), shown, _caption(frame), lines)


def _row(frame: Frame, place: int) -> tuple[dict[str, object], dict[str, str], list[tuple[str, str]]]:
    cells, found = frame.cells[place], frame.sensitivity[place]
    at_shown = frame.at_shown(place)
    val, test = estimate(at_shown["val_accuracy"]), estimate(at_shown["test_accuracy"])
    target = frame.target_times[place].epochs
    total = {name: sum(getattr(cell, name) for cell in cells) for name in _COUNTS}
    finished = total["complete"] + total["diverged"]
    idle = _idle(frame, place)
    here = frame.shown_cell(place)
    upper, lower = frame.critical(place)
    data: dict[str, object] = {
        **names(frame, place),
        **_ends("critical_lr", upper), **_ends("lower_critical_lr", lower),
        "max_stable_lr": found.highest, "max_stable_lr_edge": found.above,
        "min_usable_lr": found.lowest, "min_usable_lr_edge": found.below,
        "usable_decades": found.decades, "best_lr": found.best_lr, "best_lr_end": found.best_end,
        "learned": found.learned, "accuracy_lr": found.shown_lr,
        "epochs_to_target": target.time.mean, "epochs_to_target_half": target.time.half,
        "epochs_to_target_censored": target.censored, "epochs_to_target_runs": target.runs,
        "epochs_budget": target.budget,
        **numbers("val_accuracy", val), **numbers("test_accuracy", test),
        "diverged_at_accuracy_lr": here.diverged if here else None,
        "finished_at_accuracy_lr": here.finished if here else None,
        "diverged": total["diverged"], "did_not_learn": idle, "finished": finished,
        **{name: total[name] for name in _COUNTS if name not in ("complete", "diverged")},
    }  # fmt: skip
    usable = _bound(frame, found)
    shown = names(frame, place) | {
        "critical lr": _spoken(upper, "≥"),
        "lower critical lr": _spoken(lower, "≤"),
        "max stable lr": usable[0],
        "usable decades": usable[1],
        "best lr": frame.rate(found.best_lr),
        f"epochs to {100 * frame.target:g} %": time(target, 1),
        "val accuracy": accuracy(val, here),
        "test accuracy": accuracy(test, here),
        "diverged": f"{total['diverged']}/{finished}",
        "did not learn": f"{idle}/{finished}",
    }
    notes = _notes(frame, place, cells, found)
    if upper is not None and upper.reentrant:
        notes.append(("runs work again above the critical lr", few([f"{rate:g}" for rate in upper.reentrant], _RATES)))
    return data, shown, notes


def _ends(name: str, found: Critical | None) -> dict[str, object]:
    low, high = (None, None) if found is None else tuple(10**end for end in found.posterior.interval())
    return {
        name: None if found is None else found.rate, f"{name}_low": low, f"{name}_high": high,
        f"{name}_open": None if found is None else found.open, f"{name}_runs": None if found is None else found.n,
    }  # fmt: skip


def _spoken(found: Critical | None, sign: str) -> str:
    """Return a critical rate with its interval as text; only a bound if the grid ends before runs go wrong."""
    if found is None:
        return NONE
    low, high = (10**end for end in found.posterior.interval())
    if found.open:
        return f"{sign} {low if sign == '≥' else high:.2g}"
    return f"{found.rate:.2g} ({low:.2g} to {high:.2g})"


def _idle(frame: Frame, place: int) -> int:
    """Return how many complete runs of a condition, at any rate, ended below the learning threshold."""
    classes = frame.classes(place)
    if classes is None:
        return 0
    mine = frame.runs[(frame.runs["condition"] == place) & (frame.runs["status"] == "complete")]
    return int((mine["val_accuracy"] < learning_threshold(classes)).sum())


_COUNTS = ("complete", "diverged", "failed", "running", "refused", "absent")


def _bound(frame: Frame, found: Sensitivity) -> tuple[str, str]:
    """Return max stable lr and usable decades as text."""
    if found.highest is None or found.decades is None:
        return ("did not learn", NONE) if found.learned is False else (NONE, NONE)
    high = f"≥ {frame.rate(found.highest)}" if found.above else frame.rate(found.highest)
    return high, f"≥ {found.decades:.1f}" if found.above or found.below else f"{found.decades:.1f}"


def _notes(frame: Frame, place: int, cells: list[Cell], found: Sensitivity) -> list[tuple[str, str]]:
    """Return the notes on a condition's row: the kind, whose text all conditions share, and the detail."""
    notes = []
    classes = frame.classes(place)
    if found.learned is False and classes is not None:
        best = max(cell.val.mean for cell in cells if cell.stable)
        least, chance = learning_threshold(classes), 1 / classes
        kind = f"did not learn, the best val accuracy is below {least:.3g} (chance: {chance:.3g})"
        notes.append((kind, f"{best:.3f} at lr {frame.rate(found.shown_lr)}"))
    if found.shown_lr is None:
        notes.append(("no run finished", ""))
    elif found.learned is None and found.best_lr is None:
        kind = "some seed diverged at every rate, accuracies are over the other seeds"
        if any(cell.complete and not cell.val.n for cell in cells):
            kind = f"no val {'set (val_size 0)' if _undivided(frame, place) else 'accuracy'}, so no best lr"
        notes.append((kind, f"lr {frame.rate(found.shown_lr)}"))
    if found.best_end:
        beyond = {"lowest": "lower", "highest": "higher"}[found.best_end]
        kind = f"best lr at the edge of the grid, or of its finished part; a {beyond} one may be better"
        notes.append((kind, frame.rate(found.best_lr)))
    ends = (
        (found.above, found.highest, "highest", "next higher rate than the max stable lr"),
        (found.below, found.lowest, "lowest", "next lower rate than the lowest usable lr"),
    )
    for edge, lr, end, following in ends:
        if edge == "grid" and len(cells) > 1:
            notes.append((f"{end} rate of the grid is still usable", ""))
        elif edge == "missing":
            notes.append((f"{following} has no result", frame.rate(lr)))
    for name, words in (("failed", "failed"), ("running", "running or interrupted"), ("refused", "refused")):
        notes.extend(_missing(frame, cells, name, words))
    started = [cell.lr for cell in cells if not cell.empty]
    if len(started) > 1 and (holes := [frame.rate(cell.lr) for cell in cells if cell.empty]):
        notes.append(("no run at some rates of other conditions", few(holes, _RATES)))
    return notes


def _undivided(frame: Frame, place: int) -> bool:
    """Return whether no run of a condition has set examples aside for validation."""
    return all(frame.source.infos[run_id]["axes"].get("data.val_size") == 0 for run_id in frame.of(place)["run_id"])


def _missing(frame: Frame, cells: list[Cell], name: str, words: str) -> list[tuple[str, str]]:
    counts = {cell.lr: getattr(cell, name) for cell in cells}
    total = sum(counts.values())
    if not total:
        return []
    rates = few([frame.rate(lr) for lr, count in counts.items() if count], _RATES)
    return [(words, f"{total} {'run' if total == 1 else 'runs'} at lr {rates}")]


def _caption(frame: Frame) -> str:
    return (
        "Best lr: the rate with the highest mean val accuracy among those where no seed diverged (ties: the lowest)"
        f"{'; of the grid alone if it has several rates, not of the search. ' if frame.is_searched else '. '}"
        "Critical lr: the rate at which half of the runs go wrong (diverge, or end below twice chance), from all rates "
        "and seeds, with its 95 % interval; lower critical lr: the same at the lower end. "
        "Max stable lr: the highest rate up to which, from the best one, "
        f"no seed diverges and mean val accuracy stays within {frame.tolerance:g} of the "
        "best; more seeds lower it, so that studies with different numbers of seeds cannot be compared by it. "
        "Usable decades: from the lowest such rate to the highest. ≥: the grid, or the part that was run, ends "
        f"there. Epochs to {100 * frame.target:g} % val accuracy and accuracies (0–1) are those at the best lr; "
        "> E (k/n): k of n seeds did not reach it within E epochs. Diverged: share of all finished runs, at all rates; "
        "did not learn: share of them that ended below twice chance without diverging. "
        f"± is the 95 % t-interval over seeds ({frame.seeds} per rate). Every run: {frame.configuration}."
    )
