"""The training step, loop, evaluator and checkpoints, shared by all executors.

Which runs are trained together, and in which process, is decided in `bnlab.sweeps`; files of runs are in `bnlab.runs`.
"""
