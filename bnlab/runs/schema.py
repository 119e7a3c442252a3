"""The files of a run: their names, columns and units. What is written here is read by `bnlab.load` and the reports.

A run's folder `<output_dir>/<study>/<run_id>/` holds config.yaml, run.json, the CSV files below, arrays/, checkpoint.pt
and log.txt (when the run was begun, gone on with and ended; no times), and .lock, held by the process that trains it.
CSV files only grow while a run lives; the others are replaced whole. arrays/<diagnostic>_<step>.npz hold images.
"""

VERSION = 1

CHECKPOINT = "checkpoint.pt"

STATUSES = ("running", "complete", "diverged", "failed", "refused")
FINISHED = ("complete", "diverged", "refused")  # what a sweep does not train again

# step: updates done (0: initialization). epoch: passes over the training set, fractional. loss: nats per example
# (squared error summed over outputs for regression). accuracy: 0-1. grad_norm: global L2 norm of the mean-loss
# gradient, before clipping and weight decay. seconds: since the run began, its earlier parts included.
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
# What norms normalize with in an evaluation: running averages, the batch's own as in training (an incomplete last
# batch is then left out), or statistics recomputed over many training examples. The last two at the end only.
MODES = ("running", "batch", "recomputed")

# run.json: run_id, status, cause (null or one line), traceback (null or text, of a failed run), diverged_at (step or
# null), seconds, versions {bnlab, python, torch, ...}, git (commit or null), device, n_params, execution {executor},
# schema (VERSION), axes {config axis: value, dotted; a group's name under the group}, classes (of the data; null for
# regression), diagnostics {name: its moments}, metrics {final metrics; not finite as "nan", "inf"}, cost {COSTS},
# command (what repeats it), checksums (of a finished run: {table, checkpoint, config: of its file;
# weights: of parameters and buffers}).
RUN_KEYS = (
    "run_id", "status", "cause", "traceback", "diverged_at", "seconds", "versions", "git", "device", "n_params",
    "execution", "schema", "axes", "diagnostics", "classes", "metrics", "cost", "command", "checksums",
)  # fmt: skip
RUN_TIMES = ("seconds", "cost", "checksums")  # the keys in which two runs of one command differ

# The cost: seconds an update, evaluations and checkpoints aside and diagnostics included; training examples a second;
# peak memory in bytes; of all runs that were trained together. And the processes that trained side by side meanwhile.
COSTS = ("update_seconds", "examples_per_second", "peak_bytes", "processes")

# Final metrics in run.json and index.csv: of the last evaluation (val, test, train) and the last logged step.
METRICS = (
    "val_accuracy", "val_loss", "test_accuracy", "test_loss", "train_accuracy", "train_loss", "epochs_done",
)  # fmt: skip
