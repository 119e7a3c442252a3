"""Normalizations of activations, one file each, and the sites where they stand."""
