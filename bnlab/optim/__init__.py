"""Optimizers, schedules, and what may differ between stacked replicas."""
