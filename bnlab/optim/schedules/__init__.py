"""Schedules of the learning rate, one per file.

Warm-up applies to all schedules and is in `bnlab.training.rates`.
"""
