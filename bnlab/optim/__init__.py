"""Optimizers, schedules, and the hyperparameters that may differ between stacked replicas."""
