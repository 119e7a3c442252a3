"""Data sets as NumPy arrays, one file each (no torch), and their way into tensors (`tensors.py`)."""
