"""Nets that only a law needs, and nets with the weights that it prescribes.

Models that a run may have are in `bnlab.models`; how a net starts is in `bnlab.laws.net`.
"""
