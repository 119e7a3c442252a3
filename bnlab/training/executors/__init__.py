"""Executors of forward passes, for a single run or for R runs stacked under vmap.

Executors of packs, in this process or in workers, are in `bnlab.sweeps.running.executors`.
"""
