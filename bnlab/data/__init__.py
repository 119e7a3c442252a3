"""Data sets as NumPy arrays, one file each (no torch), their cache, and their way into tensors (`tensors.py`).

Which batch an update gets is in `bnlab.training.batches`.
"""
