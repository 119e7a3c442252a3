"""Expansion of a sweep's arguments into the overrides of each run.

Overrides are composed and validated in `bnlab.config`; the resulting jobs are in `bnlab.sweeps.job`.
"""
