"""The figures of a report, one module each (see `bnlab.report.parts`).

`bnlab.report.stats` defines the numbers; figures only draw them.
"""
