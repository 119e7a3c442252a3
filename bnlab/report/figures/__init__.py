"""The figures of a report, one module each (see `bnlab.report.interface`).

`bnlab.report.stats` defines the numbers; figures only draw them.
"""
