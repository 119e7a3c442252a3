"""The tables of a report, one file each (see `bnlab.report.parts`).

How a table becomes CSV, Markdown and LaTeX is in `bnlab.report.forms`.
"""
