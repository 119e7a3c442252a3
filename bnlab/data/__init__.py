"""Data sets as NumPy arrays without torch, one per file, their cache, and their conversion to tensors (`tensors.py`).

`bnlab.training.batches` selects the batch of each update.
"""
