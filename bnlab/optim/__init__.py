"""Optimizers, schedules, and the hyperparameters that may differ between stacked replicas.

Learning rates with warm-up and the update loop are in `bnlab.training`.
"""
