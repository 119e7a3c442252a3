"""Models made of units with sites, one per file, and their shared building blocks.

The norms at the sites are in `bnlab.norms`; training is in `bnlab.training`.
"""
