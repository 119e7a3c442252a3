"""Measurement of what each norm does: which elements share statistics, parameters and state, refusals, time, pictures.

What a norm does to training is measured by sweeps (`bnlab.sweeps`); drawing of runs is in `bnlab.report`.
"""
