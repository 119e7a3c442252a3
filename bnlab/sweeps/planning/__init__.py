"""Plan of a sweep and estimate of its duration and disk space, before training.

Progress during training is in `bnlab.sweeps.display`.
"""
