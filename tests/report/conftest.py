"""Synthetic studies with known answers, written by the real writer."""

import math
from collections.abc import Callable, Collection, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from bnlab.report.figure_text import as_written, quiet
from bnlab.report.interface import Drawn, modules
from bnlab.report.style import RC
from bnlab.runs.writer import RunWriter

AXES: dict[str, Any] = {
    "model": "mlp", "model.depth": 4, "model.width": 256, "model.activation": "relu", "placement": "before_act",
    "data": "digits", "data.batch_size": 64, "optim": "sgd", "optim.momentum": 0.9, "schedule": "constant",
    "epochs": 10,
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "none": {}, "batch": {"norm.eps": 1e-5, "norm.momentum": 0.1}, "layer": {"norm.eps": 1e-6},
}  # fmt: skip


class Study:
    """Writes runs into one study's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def run(
        self,
        norm: str = "batch",
        lr: float = 0.1,
        seed: int = 0,
        *,
        val: float | None = 0.9,
        test: float | None = None,
        train: float | None = None,
        status: str = "complete",
        curve: Sequence[float] = (),
        losses: Sequence[float] = (),
        classes: int | None = 10,
        cause: str | None = None,
        axes: dict[str, Any] | None = None,
        **facts: Any,
    ) -> RunWriter:
        """Write one run; `curve`: val accuracy after each epoch, `losses`: training loss at each step."""
        self.count += 1
        run_id = f"run{self.count:04d}"
        every = AXES | OPTIONS.get(norm, {}) | {"norm": norm, "optim.lr": lr, "seed": seed}
        if norm == "none":
            every["placement"] = ""
        writer = RunWriter(self.folder / run_id)
        info = {
            "run_id": run_id, "axes": every | (axes or {}), "classes": classes, "versions": {"bnlab": "0.1.0"},
            "git": "abc1234", "device": "cpu", "n_params": 1000, "execution": {"executor": "serial"},
            "command": "bnlab sweep experiment=demo",
        }  # fmt: skip
        writer.create(f"seed: {seed}\n", info | facts)
        if losses:
            rows = [
                {
                    "step": n,
                    "epoch": n / 10,
                    "examples": 64 * n,
                    "lr": lr,
                    "loss": loss,
                    "grad_norm": loss,
                    "seconds": n,
                }
                for n, loss in enumerate(losses, 1)
            ]
            writer.append("steps", rows)
        if curve:
            rows = [
                {
                    "step": 10 * n,
                    "epoch": n,
                    "split": "val",
                    "mode": "running",
                    "loss": 1.0,
                    "accuracy": value,
                    "n": 100,
                }
                for n, value in enumerate(curve, 1)
            ]
            writer.append("evals", rows)
        metrics = {}
        if status in ("complete", "diverged"):
            metrics = {"val_accuracy": val, "test_accuracy": val if test is None else test, "train_loss": 0.5}
            metrics["train_accuracy"] = train
        writer.update(status=status, cause=cause, seconds=1.5, metrics=metrics)
        writer.close()
        return writer

    def grid(self, norm: str, values: dict[float, Sequence[float | str | None]], **options: Any) -> None:
        """Write runs by rate: per seed a val accuracy, or "diverged", "failed", "running", "refused"; None: no run."""
        for lr, seeds in values.items():
            for seed, value in enumerate(seeds):
                if isinstance(value, str):
                    self.run(norm, lr, seed, status=value, val=0.1, cause=f"it {value}", **options)
                elif value is not None:
                    self.run(norm, lr, seed, val=value, **options)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """An empty study."""
    return Study(tmp_path / "outputs" / "synthetic")


@pytest.fixture(scope="session")
def make_demo() -> Callable[..., Path]:
    """Write a study that looks like the demo: 3 norms × 7 rates × 3 seeds with every file."""
    return demo


RATES = (0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0)


def demo(
    folder: Path,
    norms: Sequence[str] = ("none", "batch", "layer"),
    variants: Sequence[dict[str, Any]] = ({},),
    seeds: int = 3,
    steps: int = 450,
    depth: int = 4,
) -> Path:
    """Return realistic curves: `none` diverges above 0.3, `layer` above 1, `batch` above 3."""
    study = Study(folder)
    for number, variant in enumerate(variants):
        for place, norm in enumerate(norms):
            if norm == "none" and number and set(variant) <= {"placement"}:
                continue
            for lr in RATES:
                for seed in range(seeds):
                    rng = np.random.default_rng([seed, number, place, RATES.index(lr)])
                    _realistic(study, norm, lr, seed, {} if norm == "none" else variant, rng, steps, depth)
    return folder


def _realistic(
    study: Study,
    norm: str,
    lr: float,
    seed: int,
    variant: dict[str, Any],
    rng: np.random.Generator,
    steps: int,
    depth: int,
) -> None:
    limit = {"none": 0.8, "layer": 2.5, "batch": 9.0}.get(norm, 2.0) / (1 + 0.3 * seed)
    speed = {"none": 1.0, "layer": 2.0, "batch": 5.0}.get(norm, 1.5)
    step = np.arange(1, steps + 1)
    loss = 2.3 * (0.01 + np.exp(-step * speed * lr**0.7 / 25)) * np.exp(rng.normal(0, 0.25, steps))
    diverges = lr > limit
    if diverges:
        loss = np.append(2.3 * np.exp(np.arange(12) * lr * rng.uniform(0.8, 1.2)), math.nan)
    val = 0.97 * (1 - math.exp(-speed * lr**0.7 * 3)) - 0.06 * lr / limit + rng.normal(0, 0.006)
    val = 0.1 if diverges else max(val, 0.1)
    train = min(1.0, val + 0.02)
    curve = (
        [] if diverges else [0.1 + (val - 0.1) * (1 - math.exp(-epoch * (0.4 + speed * lr))) for epoch in range(1, 11)]
    )
    writer = study.run(
        norm, lr, seed, val=val, test=val - 0.01, train=train, status="diverged" if diverges else "complete",
        curve=curve, losses=loss.tolist(), axes=variant, diverged_at=13 if diverges else None,
        cause="loss is nan at step 13" if diverges else None,
    )  # fmt: skip
    sites, layers, histograms = [], [], []
    for unit in range(depth):
        act, weight = f"units.{unit}.before_act", f"units.{unit}.weight"
        sites.append({"site": act, "unit": f"units.{unit}", "depth": unit, "kind": "before_act", "shape": "256"})
        sites.append({"site": weight, "unit": f"units.{unit}", "depth": unit, "kind": "weight", "shape": "256x256"})
        for moment in (0, steps) if not diverges else (0,):
            shrink = 0.6 ** (depth - unit) if norm == "none" else 0.9 ** (depth - unit)
            value = shrink * (1 if moment == 0 else 0.1) * math.exp(rng.normal(0, 0.1))
            layers.append({"step": moment, "site": weight, "diagnostic": "weight_grad_norm", "value": value})
            spread = (0.3 * 0.7**unit if norm == "none" else 1.0) * (1 if moment == 0 else 2.5)
            counts, edges = np.histogram(rng.normal(-0.2 if moment else 0, spread, 4000), 32)
            histograms.extend(
                {
                    "step": moment,
                    "site": act,
                    "quantity": "activation",
                    "left": left,
                    "right": right,
                    "count": int(count),
                }
                for left, right, count in zip(edges[:-1], edges[1:], counts, strict=True)
            )
    writer.append("sites", sites)
    writer.append("layers", layers)
    writer.append("histograms", histograms)
    writer.close()


DIAGNOSTICS = {  # every diagnostic that a figure draws, with its index
    "weight_grad_norm": "", "activation_grad_norm": "", "activation_std": "", "channel_spread": "",
    "activation_saturation": "", "dead_units": "", "update_ratio": "", "site_drift": "", "gradient_shift": "",
    "gradient_shift_cosine": "", "stable_rank": "", "soft_rank": "", "soft_rank_unscaled": "", "mean_cosine": "",
    "mean_drift": "", "variance_drift": "", "grad_through_time": "3", "dropout_shift": "", "weight_grad_cosine": "",
    "residual_ratio": "", "kept_bytes": "Linear", "activation_percentile": "50", "unit_percentile": "15",
    "landscape_loss": "0.5", "gradient_distance": "0.5", "effective_beta": "",
}  # fmt: skip


def observed(
    study: Study, norm: str = "batch", lr: float = 0.1, seed: int = 0, *, scale: float = 1.0, **options: Any
) -> RunWriter:
    """Write a run with rows for every table and figure; `scale`: factor of all measured numbers."""
    base = {"curve": [0.5, 0.95], "losses": [2.0 * scale, 1.0 * scale, 0.5 * scale], "train": 0.99}
    writer = study.run(norm, lr, seed, **(base | options))
    site = "units.0.before_act"
    writer.append("sites", [{"site": site, "unit": "units.0", "depth": 0, "kind": "before_act", "shape": "4"}])
    rows = [
        {"step": step, "site": site, "diagnostic": name, "index": index, "value": scale * (1 + seed + step)}
        for step in (0, 2, 4)
        for name, index in DIAGNOSTICS.items()
    ]
    writer.append("layers", rows)
    bins = [
        {"step": step, "site": site, "quantity": "activation", "left": scale * left, "right": scale * (left + 1)}
        | {"count": 1 + step}
        for step in (0, 2, 4)
        for left in range(3)
    ]
    writer.append("histograms", bins)
    image = scale * np.arange(18.0).reshape(1, 2, 3, 3)
    writer.keep("feature_maps_4", {f"{site}.before": image, f"{site}.after": image + 1})
    writer.close()
    config = f"seed: {seed}\ndiagnostics:\n  moments:\n    when: [init, last]\nwhen: null\n"
    (writer.folder / "config.yaml").write_text(config)
    return writer


@pytest.fixture
def observe() -> Callable[..., RunWriter]:
    """Write one run with rows for every table and figure into a study."""
    return observed


def laid_out(module: Any, frame: Any, *, layout: bool = True) -> Any:
    """Return the table or figure that a module makes of a frame; a figure is laid out as for a file."""
    with mpl.rc_context(RC), quiet():
        if hasattr(module, "table"):
            return module.table(frame)
        part = module.draw(frame)
        if isinstance(part, Drawn):
            as_written(part.figure)
            if layout:
                part.figure.draw_without_rendering()
        return part


def drawn(frame: Any, layout: Collection[str], first: int = 0, step: int = 1) -> dict[str, Any]:
    """Return the tables and figures of a report by name, from the first at this step; these figures are laid out."""
    every = (modules("figures") | modules("tables")).items()
    return {
        name: laid_out(module, frame, layout=name in layout) for name, module in islice(every, first % step, None, step)
    }


@pytest.fixture
def draw_all() -> Callable[..., dict[str, Any]]:
    """Draw every table and figure of a frame."""
    return drawn
