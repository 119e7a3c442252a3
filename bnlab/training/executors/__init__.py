"""Executors hold R runs and compute their forward passes: a single run, or runs stacked under vmap."""
