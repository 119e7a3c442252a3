"""Sweeps that choose their runs by results: seeds until a claim is decided, rates until the critical one is found.

Statistics are in `bnlab.report.stats` and `bnlab.studies`; training is in `bnlab.sweeps`.
"""
