"""Training of packs and writing of run folders.

`bnlab.sweeps.sweep` selects the runs and reports on them; `bnlab.sweeps.packing` forms the packs.
"""
