"""Normalizations, one per file, and the sites at which they act.

Where a model has sites is defined in `bnlab.models`; recomputing and freezing statistics is in `bnlab.training`.
"""
