"""Claims, and the verdicts of a study's runs on them. Imports no torch.

Training is `bnlab.sweeps`, statistics of a condition are `bnlab.report.stats`.
"""
