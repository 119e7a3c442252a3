"""From overrides to a valid config, its identity, and the parts of a run built from it.

What a choice does is in its own room (norms, models, …); how many runs there are is in `bnlab.sweeps.layout`.
"""
