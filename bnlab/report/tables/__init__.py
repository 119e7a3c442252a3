"""The tables of a report, one module each (see `bnlab.report.interface`).

`bnlab.report.forms` writes them as CSV, Markdown and LaTeX.
"""
