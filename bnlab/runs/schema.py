"""Files of a run: their names, columns and units, as read by `bnlab.load` and the reports.

A run's folder `<output_dir>/<study>/<run_id>/` holds config.yaml, run.json, the CSV files below, arrays/, checkpoint.pt
and log.txt (start, resumptions and end of the run; no times), and .lock, held by the process that trains it.
CSV files only grow during training; the others are replaced atomically. arrays/<diagnostic>_<step>.npz hold images.
"""

VERSION = 1

CHECKPOINT = "checkpoint.pt"

STATUSES = ("running", "complete", "diverged", "failed", "refused")
FINISHED = ("complete", "diverged", "refused")  # not trained again by a sweep

# step: updates done (0: initialization). epoch: passes over the training set, fractional. loss: nats per example
# (squared error summed over outputs for regression). accuracy: 0-1. grad_norm: global L2 norm of the mean-loss
# gradient, before clipping and weight decay. seconds: since the start, including time before interruptions.
COLUMNS: dict[str, tuple[str, ...]] = {
    "steps": ("step", "epoch", "examples", "lr", "loss", "accuracy", "grad_norm", "seconds"),
    "evals": ("step", "epoch", "split", "mode", "loss", "accuracy", "n"),
    "sites": ("site", "unit", "depth", "kind", "shape", "norm", "parameter"),
    # site: an id of sites.csv, the path of another layer, or empty for the net as a whole; index: percentile, time
    # step, rate of a probe, kind of layer.
    "layers": ("step", "site", "diagnostic", "index", "value"),
    "histograms": ("step", "site", "quantity", "left", "right", "count"),
}

# Columns that hold time: the only ones in which two runs of one command differ.
TIMES = {"steps": ("seconds",)}

SPLITS = ("train", "val", "test")
# Statistics that norms use in an evaluation: running averages, those of the batch as in training (an incomplete last
# batch is then left out), or statistics recomputed over many training examples. The last two only at the end.
MODES = ("running", "batch", "recomputed")

# run.json: run_id, status, cause (null or one line), traceback (null or text, of a failed run), diverged_at (step or
# null), seconds, versions {bnlab, python, torch, ...}, git (commit or null), device, n_params, execution {executor},
# schema (VERSION), axes {config axis: value, dotted; a group's name under the group}, classes (of the data; null for
# regression), diagnostics {name: its moments}, metrics {final metrics; not finite as "nan", "inf"}, cost {COSTS},
# command (repeats the run), checksums (of a finished run: {table, checkpoint, config: of its file;
# weights: of parameters and buffers}).
RUN_KEYS = (
    "run_id", "status", "cause", "traceback", "diverged_at", "seconds", "versions", "git", "device", "n_params",
    "execution", "schema", "axes", "diagnostics", "classes", "metrics", "cost", "command", "checksums",
)  # fmt: skip
RUN_TIMES = ("seconds", "cost", "checksums")  # keys in which two runs of one command differ

# Cost of all runs that were trained together: seconds per update (with diagnostics, without evaluations and
# checkpoints), training examples per second, peak memory in bytes; and how many processes trained in parallel.
COSTS = ("update_seconds", "examples_per_second", "peak_bytes", "processes")

# Final metrics in run.json and index.csv: of the last evaluation (val, test, train) and the last logged step.
METRICS = (
    "val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy", "train_loss", "epochs_done",
)  # fmt: skip
