"""Sweeps of many runs: layout, packing, planning, execution and display. `bnlab.training` trains each run."""
