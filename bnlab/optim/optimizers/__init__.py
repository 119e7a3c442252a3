"""Optimizers, one file per family.

Learning rates, gradient clipping and accumulation are in `bnlab.training`.
"""
