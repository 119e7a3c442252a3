"""Files of runs: schema, locks, writer and reader. Does not import torch.

Checkpoints are in `bnlab.training.checkpoint`; conditions and statistics over runs are in `bnlab.report`.
"""
