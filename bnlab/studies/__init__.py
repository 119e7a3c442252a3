"""Claims, and the verdicts on them from the runs of a study. Does not import torch.

Training is in `bnlab.sweeps`, the statistics of a condition in `bnlab.report.stats`.
"""
