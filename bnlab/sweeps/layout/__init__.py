"""Expansion of a sweep's arguments into the overrides of each run (`bnlab.sweeps.job`)."""
