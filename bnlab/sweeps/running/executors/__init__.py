"""Executors of packs: in this process, or in worker processes.

Executors of forward passes are in `bnlab.training.executors`.
"""
