"""Choice of the launcher, and of the runs that are trained together as a pack.

Nothing here trains; packs are trained in `bnlab.sweeps.running`.
"""
