"""From the words of a sweep to the overrides of each run. What a run is, is in `bnlab.sweeps.job`."""
