"""From overrides to a valid config, its identity, and the parts of a run built from it.

The choices themselves are in their own packages (norms, models, …); `bnlab.sweeps.layout` expands a sweep into runs.
"""
