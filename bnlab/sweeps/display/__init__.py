"""Display of a sweep: progress during training, and its state as read from the folder.

Results of runs are displayed by `bnlab.report`.
"""
