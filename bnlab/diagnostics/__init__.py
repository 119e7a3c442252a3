"""Diagnostics of activations, gradients and parameters, one per file."""
