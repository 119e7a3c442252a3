"""Normalizations, one file each, and the sites at which they act."""
