"""The figures of a report, one file each (see `bnlab.report.parts`)."""
