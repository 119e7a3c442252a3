"""The figures of a report, one file each (see `bnlab.report.parts`).

What a number means is in `bnlab.report.stats`; figures draw it.
"""
