"""Sweeps of many runs: layout, packing, planning, execution and display.

Training of a run is in `bnlab.training`, its files in `bnlab.runs`.
"""
