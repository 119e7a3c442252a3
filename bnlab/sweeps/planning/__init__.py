"""Plan of a sweep and estimate of its duration, before training."""
