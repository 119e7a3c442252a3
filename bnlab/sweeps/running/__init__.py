"""Train packs and write their runs' folders. What waits, and how it ended, is for `bnlab.sweeps.sweep`."""
